"""Triangular factors of blocks of rows, merged into least squares of every held-out set."""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foldwise.solvers.least_squares import EPS, Array, ridge_path, shortest


class BlockFactor(NamedTuple):
    """What least squares needs of a block of rows: R with R'R the centred cross-products of [X, Y], never formed."""

    weight: float
    mean: Array  # (p + T,)
    R: Array  # (min(n, p + T), p + T)
    size: Array  # (p + T,) largest absolute entry, from which rounding is judged
    rows: int

    def mean_square(self, p: int) -> Array:
        """Mean squares (p,) of the first p columns about their centre, with 1/W."""
        return np.asarray(np.linalg.norm(self.R[:, :p], axis=0) ** 2 / self.weight)


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
        factors[int(label)] = BlockFactor(weight, mean, _triangle(Z), size, len(rows))
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
    return BlockFactor(
        weight, mean, _triangle(np.vstack([a.R, b.R, apart])), np.maximum(a.size, b.size), a.rows + b.rows
    )


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
        coef[h], rank[h] = _least_squares(factor, p)
        intercept[h] = factor.mean[p] - factor.mean[:p] @ coef[h] if fit_intercept else 0.0
    return coef, intercept, rank


def solve_factor(factor: BlockFactor, p: int, alphas: Array, penalty: Array) -> Array:
    """Ridge for every alpha from the factor of [X, Y]: minimize sum_i w_i |y_i - b0 - x_i b|^2 + alpha sum_j f_j b_j^2.

    Parameters
    ----------
    factor : BlockFactor of p + T columns. alphas : (A,) of numbers >= 0; zero is least squares.
    penalty : (p,) of factors f_j >= 0; infinity leaves a column out.

    Returns
    -------
    (A, p, T)

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> factor = block_factors(x[:, None], x[:, None], np.zeros(3, int))[0]
    >>> solve_factor(factor, 1, np.array([0.0, 2.0]), np.ones(1)).ravel().round(12).tolist()
    [1.0, 0.5]
    """
    G, target = factor.R[:, :p], factor.R[:, p:]
    kept = np.flatnonzero(np.isfinite(penalty) & (_lengths(factor, p) > 0))
    coef = np.zeros((len(alphas), p, target.shape[1]))
    shrunk = alphas > 0
    if shrunk.any():
        coef[np.ix_(shrunk, kept)] = ridge_path(G[:, kept], target, alphas[shrunk], penalty[kept])
    if not shrunk.all():
        coef[~shrunk] = _least_squares(factor, p, kept)[0].reshape(p, -1)
    return coef


def _least_squares(factor: BlockFactor, p: int, kept: NDArray[np.intp] | None = None) -> tuple[Array, int]:
    """Shortest least squares on the columns that vary, or those kept: (p,) or (p, T), and the rank."""
    width, target = _lengths(factor, p), factor.R[:, p:]
    live = np.flatnonzero(width > 0) if kept is None else kept
    coef = np.zeros((p, target.shape[1]))
    rank = 0
    if len(live):
        unit = EPS * factor.size[live] * np.sqrt(factor.weight)
        tolerance = max(EPS * max(factor.rows, p), float(np.max(unit / width[live])))
        found = shortest(factor.R[:, live] / width[live], target, width[live], tolerance)
        coef[live], rank = found.coef, found.rank
    return (coef[:, 0] if target.shape[1] == 1 else coef), rank


def _lengths(factor: BlockFactor, p: int) -> Array:
    """Lengths (p,) of the centred columns; 0 where a column does not vary beyond rounding."""
    width = np.linalg.norm(factor.R[:, :p], axis=0)
    return np.where(width > 4 * EPS * factor.size[:p] * np.sqrt(factor.weight), width, 0.0)
