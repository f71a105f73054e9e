"""When a cross-validated error has clearly turned, so that the rest of the path can be left out.

The curve has turned at a point when, for each of the last `PATIENCE` points, the error exceeds the smallest one so far
by more than `ERRORS` standard errors of that very difference (paired over folds), and by more than a share `RISE` of
what the path has gained on the mean. Paired, because the folds' errors move together: what is
common to them says nothing about which strength is better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PATIENCE = 5
ERRORS = 1.0
RISE = 0.01


def has_turned(errors: Floats, weight: Floats) -> bool:
    """Whether a curve of fold errors has clearly risen past its minimum.

    Parameters
    ----------
    errors : array (K, a)
        Mean squared error of each fold at the a strengths so far.
    weight : array (K,)
        Weights of the folds.

    Examples
    --------
    >>> import numpy as np
    >>> down, up = np.linspace(3.0, 1.0, 10), np.linspace(1.1, 2.0, 10)
    >>> fold = np.array([[-0.1], [0.0], [0.1]])
    >>> has_turned(np.r_[down, up] + fold, np.ones(3)), has_turned(down + fold, np.ones(3))
    (True, False)
    """
    k, points = errors.shape
    if points <= PATIENCE or k < 2:
        return False
    share = weight / weight.sum()
    mean = share @ errors
    best = int(np.argmin(mean))
    if points - 1 - best < PATIENCE:
        return False
    late = errors[:, -PATIENCE:] - errors[:, [best]]
    rise = share @ late
    spread = np.sqrt(share @ (late - rise) ** 2 / (k - 1))
    gained = max(float(mean[0] - mean[best]), 0.0)
    return bool(np.all(rise > ERRORS * spread) and np.all(rise > RISE * gained))


def all_turned(held_out: Sequence[frozenset[int]], errors: Floats, weight: Floats) -> bool:
    """Whether the curve of the cross-validation, and of every inner one where folds are nested, has turned.

    Parameters
    ----------
    held_out : sequence of frozenset, length H
    errors : array (H, K, a)
        Mean errors on every fold at the a strengths so far.
    weight : array (K,)
        Weights of the folds.
    """
    curves: dict[int, list[tuple[int, Floats]]] = {-1: []}
    for h, members in enumerate(held_out):
        if len(members) == 1:
            (fold,) = members
            curves[-1].append((fold, errors[h, fold]))
        for fold in members if len(members) == 2 else ():
            (outer,) = members - {fold}
            curves.setdefault(outer, []).append((fold, errors[h, fold]))
    return all(
        len(parts) > 1 and has_turned(np.stack([curve for _, curve in parts]), weight[[fold for fold, _ in parts]])
        for parts in curves.values()
    )
