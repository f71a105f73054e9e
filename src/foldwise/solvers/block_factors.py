"""Triangular factors of blocks of rows, merged into least squares of every held-out set."""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foldwise.solvers.least_squares import EPS, Array, shortest


class BlockFactor(NamedTuple):
    """What least squares needs of a block of rows: R with R'R the centred cross-products of [X, Y], never formed."""

    weight: float
    mean: Array  # (p + T,)
    R: Array  # (min(n, p + T), p + T)
    size: Array  # (p + T,) largest absolute entry, from which rounding is judged


def block_factors(
    X: Array, Y: Array, labels: NDArray[np.intp], weights: Array | None = None, *, fit_intercept: bool = True
) -> dict[int, BlockFactor]:
    """One QR per block of rows, each centred at its own weighted mean (at zero without an intercept).

    Parameters
    ----------
    X : (n, p). Y : (n, T). labels : (n,), the block of each row. weights : (n,) of numbers >= 0.

    Examples
    --------
    >>> import numpy as np
    >>> factors = block_factors(np.arange(4.0)[:, None], np.ones((4, 1)), np.array([0, 0, 1, 1]))
    >>> [(k, f.weight, f.mean[0].item()) for k, f in factors.items()]
    [(0, 2.0, 0.5), (1, 2.0, 2.5)]
    """
    factors = {}
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        Z = np.column_stack([X[rows], Y[rows]])
        w = np.ones(len(rows)) if weights is None else weights[rows]
        weight, mean = float(w.sum()), np.zeros(Z.shape[1])
        size = np.abs(Z[w > 0]).max(axis=0, initial=0.0)
        if fit_intercept and weight > 0:
            for _ in range(2):  # the second pass takes the rounding of the first mean out
                shift = w @ Z / weight
                mean += shift
                Z -= shift
        Z *= np.sqrt(w)[:, None]
        factors[int(label)] = BlockFactor(weight, mean, _triangle(Z), size)
    return factors


def _triangle(rows: Array) -> Array:
    return np.asarray(np.linalg.qr(rows, mode="r"))


def merge(a: BlockFactor, b: BlockFactor) -> BlockFactor:
    """The factor of two blocks together: stack both R and the row sqrt(Wa Wb / W) (mean_a - mean_b), then QR.

    Examples
    --------
    >>> import numpy as np
    >>> f = block_factors(np.array([[0.0], [1.0], [5.0]]), np.zeros((3, 1)), np.array([0, 0, 1]))
    >>> whole = merge(f[0], f[1])
    >>> round(float((whole.R[:, 0] ** 2).sum()), 12)  # 4 + 1 + 9
    14.0
    """
    weight = a.weight + b.weight
    share = b.weight / weight if weight > 0 else 0.0
    apart = np.sqrt(a.weight * share) * (b.mean - a.mean)
    mean = a.mean + share * (b.mean - a.mean)
    return BlockFactor(weight, mean, _triangle(np.vstack([a.R, b.R, apart])), np.maximum(a.size, b.size))


def merge_held_out(factors: dict[int, BlockFactor], held_out: Iterable[frozenset[int]]) -> list[BlockFactor]:
    """For every held-out set the factor of all other blocks; runs of blocks are merged once and shared.

    Single blocks cost O(K) merges in all, pairs O(K^2).

    Examples
    --------
    >>> import numpy as np
    >>> f = block_factors(np.arange(6.0)[:, None], np.zeros((6, 1)), np.arange(6) // 2)
    >>> [t.weight for t in merge_held_out(f, [frozenset(), frozenset({1}), frozenset({0, 2})])]
    [6.0, 4.0, 2.0]
    """
    order = sorted(factors)
    place = {label: at for at, label in enumerate(order)}

    @cache
    def run(begin: int, end: int) -> BlockFactor:
        if end - begin == 1:
            return factors[order[begin]]
        if end == len(order):
            return merge(factors[order[begin]], run(begin + 1, end))
        return merge(run(begin, end - 1), factors[order[end - 1]])

    merged = []
    for held in held_out:
        stops = [-1, *sorted(place[label] for label in held), len(order)]
        runs = [run(a + 1, b) for a, b in pairwise(stops) if b > a + 1]
        whole = runs[0]
        for part in runs[1:]:
            whole = merge(whole, part)
        merged.append(whole)
    return merged


def solve_held_out(
    X: Array,
    y: Array,
    labels: NDArray[np.intp],
    weights: Array | None,
    held_out: Sequence[frozenset[int]],
    *,
    fit_intercept: bool = True,
) -> tuple[Array, Array, NDArray[np.intp]]:
    """Least squares of every held-out set from one QR per block, without squaring the condition number.

    Parameters
    ----------
    X : (n, p). y : (n,). labels : (n,), the fold of each row. weights : (n,) or None.
    held_out : H sets of labels; a set's fit uses the rows of all other labels. Sets may not hold out every label.

    Returns
    -------
    coef (H, p), the shortest where columns are collinear; intercept (H,); rank (H,).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(6.0)
    >>> coef, intercept, rank = solve_held_out(
    ...     x[:, None], 2 * x + 1, np.arange(6) // 2, None, [frozenset(), frozenset({1})]
    ... )
    >>> coef.round(12).ravel().tolist(), intercept.round(12).tolist(), rank.tolist()
    ([2.0, 2.0], [1.0, 1.0], [1, 1])
    """
    p = X.shape[1]
    coef, intercept, rank = np.zeros((len(held_out), p)), np.zeros(len(held_out)), np.zeros(len(held_out), np.intp)
    factors = block_factors(X, y[:, None], labels, weights, fit_intercept=fit_intercept)
    for h, factor in enumerate(merge_held_out(factors, held_out)):
        G, target = factor.R[:, :p], factor.R[:, p:]
        width = np.linalg.norm(G, axis=0)
        unit = EPS * factor.size[:p] * np.sqrt(factor.weight)
        live = np.flatnonzero(width > 4 * unit)
        blur = float(np.max(unit[live] / width[live], initial=0.0))
        tolerance = max(EPS * max(len(X), p), blur)
        if len(live):
            found = shortest(G[:, live] / width[live], target, width[live], tolerance)
            coef[h, live], rank[h] = found.coef[:, 0], found.rank
        intercept[h] = factor.mean[p] - factor.mean[:p] @ coef[h] if fit_intercept else 0.0
    return coef, intercept, rank
