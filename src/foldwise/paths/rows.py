"""Least squares and ridge of every held-out set from the rows themselves, where moments would cost too many digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.moments.check import check_weight
from foldwise.solvers.block_factors import BlockFactor, block_factors, merge_held_out, solve_factor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.moments import DesignMap
    from foldwise.paths.point import Strengths
    from foldwise.paths.problem import Options
    from foldwise.resampling import Folds

    Floats = NDArray[np.float64]


def refit_from_rows(
    X: Any,
    y: Any,
    folds: Folds | None,
    sample_weight: Any,
    held_out: tuple[frozenset[int], ...],
    maps: Sequence[DesignMap],
    scales: Sequence[Floats],
    strengths: Strengths,
    options: Options,
) -> Floats:
    """Coefficients (H, A, p) by orthogonal factors of the rows.

    Parameters
    ----------
    X : array (n, p)
    y : array (n,)
    folds : Folds or None
    sample_weight : array (n,) or None
    held_out : H held-out sets, repeats numbered through
    maps : H maps
    scales : H arrays (p,)
        Training standard deviations.
    strengths, options
        With a closed form: no lasso term, no bounds.
    """
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64).reshape(-1)
    weight = check_weight(sample_weight, len(y))
    factors = _factors(X, y, folds, weight, held_out, maps, fit_intercept=options.fit_intercept)
    coefs = []
    for factor, scale in zip(factors, scales, strict=True):
        p = len(scale)
        penalty = options.penalty_factor
        if options.standardize:
            square = np.where(scale > 0.0, scale**2, factor.mean_square(p))
            penalty = np.where(np.isinf(penalty) | (square == 0.0), penalty, penalty * square)
        alphas = factor.weight * strengths.against_mean(factor.weight).l2
        coefs.append(solve_factor(factor, p, alphas, penalty)[:, :, 0])
    return np.stack(coefs)


def _factors(
    X: Floats,
    y: Floats,
    folds: Folds | None,
    weight: Floats | None,
    held_out: tuple[frozenset[int], ...],
    maps: Sequence[DesignMap],
    *,
    fit_intercept: bool,
) -> list[BlockFactor]:
    """One QR per fold block and merges; where training sets fill or pool in their own ways, one QR for each."""
    if any(len(each.gaps) or each.moved for each in maps):
        return [
            _whole(each, X, y, weight, None if folds is None else folds.training_rows(members), fit_intercept)
            for members, each in zip(held_out, maps, strict=True)
        ]
    labels = np.zeros((1, len(y)), dtype=np.intp) if folds is None else folds.labels
    k = 1 if folds is None else folds.n_folds
    found: dict[int, BlockFactor] = {}
    for repeat, row in enumerate(labels):
        places = [h for h, members in enumerate(held_out) if (min(members) // k if members else 0) == repeat]
        local = [frozenset(member % k for member in held_out[h]) for h in places]
        blocks = block_factors(X, y[:, None], row, weight, fit_intercept=fit_intercept)
        found.update(zip(places, merge_held_out(blocks, local), strict=True))
    return [found[h] for h in range(len(held_out))]


def _whole(
    each: DesignMap,
    X: Floats,
    y: Floats,
    weight: Floats | None,
    training: NDArray[np.intp] | None,
    fit_intercept: bool,  # noqa: FBT001
) -> BlockFactor:
    rows = np.arange(len(y)) if training is None else training
    part = None if weight is None else weight[rows]
    label = np.zeros(len(rows), dtype=np.intp)
    return block_factors(each.rows(X[rows]), y[rows, None], label, part, fit_intercept=fit_intercept)[0]
