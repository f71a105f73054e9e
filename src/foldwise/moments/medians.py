"""Median fill values of every held-out set: the one statistic that moments do not carry, taken from the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

HeldOut = frozenset[int]


def training_medians(
    X: NDArray[np.floating], gaps: NDArray[np.intp], labels: NDArray[np.intp], held_out: Iterable[HeldOut]
) -> dict[HeldOut, NDArray[np.float64]]:
    """Median of the observed values of each column with gaps, over the rows every held-out set trains on.

    Parameters
    ----------
    X : array (n, p)
        NaN where missing.
    gaps : array (g,)
        Columns to look at. Each is sorted once; every held-out set then only counts.
    labels : array (R, n)
        Fold of each row in each repeat; fold k of repeat r is number r K + k in a held-out set.
    held_out : iterable of frozenset of int

    Returns
    -------
    dict of arrays (g,)
        0 where a training set has no observed value at all.
    """
    n_folds = int(labels.max()) + 1
    sets = list(held_out)
    medians = {members: np.zeros(len(gaps)) for members in sets}
    for at, column in enumerate(gaps):
        values = X[:, column]
        order = np.argsort(values)[: int(np.sum(~np.isnan(values)))]
        values = values[order].astype(np.float64)
        folds = labels[:, order]
        for members in sets:
            repeat = next(iter(members)) // n_folds if members else 0
            kept = ~np.isin(folds[repeat], [member % n_folds for member in members])
            used = values[kept]
            if len(used):
                medians[members][at] = 0.5 * (used[(len(used) - 1) // 2] + used[len(used) // 2])
    return medians
