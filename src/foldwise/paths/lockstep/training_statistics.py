"""Means and scales of every training set of a wide table, from the folds' own: nothing of a held-out fold enters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foldwise.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.paths.lockstep.columns import DenseColumns
    from foldwise.paths.lockstep.sparse_columns import SparseColumns
    from foldwise.paths.problem import Options

    Floats = NDArray[np.float64]

HeldOut = frozenset[int]


@dataclass(frozen=True, eq=False)
class TrainingStatistics:
    """Weights, means and scales of H training sets of one partition.

    Parameters
    ----------
    row_weight : array (n, H)
        Zero on held-out rows; in fold order.
    total : array (H,)
        Sums of the row weights.
    fold_weight : array (K,)
    mean, scale : arrays (H, p)
        Scale is 0 for a column that is constant up to rounding.
    spread : array (H, p)
        What a coefficient is penalized per: the scale where standardized, else 1.
    fold_mean : array (K, p)
        What the working columns are centred at, fold by fold; zeros without an intercept.
    """

    row_weight: Floats
    total: Floats
    fold_weight: Floats
    mean: Floats
    scale: Floats
    spread: Floats
    fold_mean: Floats


def training_statistics(
    columns: DenseColumns | SparseColumns, held_out: Sequence[HeldOut], options: Options
) -> TrainingStatistics:
    """Every training set's statistics from the folds' own, merged about a common centre."""
    ends, weight = columns.ends, columns.weight
    k = len(ends) - 1
    kept = np.ones((len(held_out), k))
    for h, members in enumerate(held_out):
        kept[h, list(members)] = 0.0
    row_weight = kept.T[np.repeat(np.arange(k), np.diff(ends))] * weight[:, None]
    total = row_weight.sum(axis=0)
    fold_weight = np.add.reduceat(weight, ends[:-1])
    if np.any(fold_weight <= 0.0):
        message = f"sample_weight must have a positive sum in every fold, got 0 in fold {int(np.argmin(fold_weight))}"
        raise InputError(message)
    fold_mean, squares = columns.fold_moments()
    share = kept * fold_weight / total[:, None]
    typical = np.median(fold_mean, axis=0)
    about = fold_mean - typical
    off = share @ about
    mean = off + typical
    variance = (kept / total[:, None]) @ squares
    for fold in range(k):
        variance += share[:, fold, None] * (about[fold] - off) ** 2
    constant = variance <= (64.0 * np.finfo(float).eps * np.abs(mean)) ** 2
    scale = np.where(constant, 0.0, np.sqrt(variance))
    # A column without spread of its own, where it still counts (no intercept), is penalized as it is.
    lone = np.ones_like(mean) if options.fit_intercept else np.where(mean != 0.0, np.abs(mean), 1.0)
    return TrainingStatistics(
        row_weight=row_weight,
        total=total,
        fold_weight=fold_weight,
        mean=mean,
        scale=scale,
        spread=np.where(constant, lone, scale) if options.standardize else np.ones_like(scale),
        fold_mean=fold_mean if options.fit_intercept else np.zeros_like(fold_mean),
    )
