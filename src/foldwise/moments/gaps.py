"""Incomplete columns found late: moments as if a column had been known to have gaps, and its reference, from the start.

The variables are [x (p), indicators (g), y]. An indicator that has been 0 in every row so far has mean 0 and
cross-products 0, so that it can join at any time, at no loss. A reference a is taken from the observed values only,
x0 = (x - a)(1 - m), so that a change of reference to b is x0 + (a - b)(1 - m): algebra on the moments as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


def with_gaps(mean: Floats, cross: Floats, gaps: Ints, wanted: Ints, reference: Floats) -> tuple[Floats, Floats]:
    """Moments with an indicator for each of the wanted columns.

    Parameters
    ----------
    mean, cross : arrays (..., q), (..., q, q), q = p + g + 1
    gaps : array (g,)
        Sorted; the columns that have an indicator.
    wanted : array (G,)
        Sorted; these and perhaps more.
    reference : array (G,)
        What is to be taken from the observed values of the wanted columns. It has been for those of `gaps`.

    Returns
    -------
    mean, cross : arrays (..., Q), (..., Q, Q), Q = p + G + 1
        Themselves where nothing is to be done.
    """
    if len(gaps) == len(wanted):
        return mean, cross
    p = mean.shape[-1] - 1 - len(gaps)
    old = np.isin(wanted, gaps)
    keep = np.r_[np.arange(p), p + np.flatnonzero(old), p + len(wanted)]
    size = p + len(wanted) + 1
    wide_mean = np.zeros((*mean.shape[:-1], size))
    wide_mean[..., keep] = mean
    wide_mean[..., wanted[~old]] -= reference[~old]
    wide_cross = np.zeros((*cross.shape[:-2], size, size))
    wide_cross[..., keep[:, None], keep] = cross
    return wide_mean, wide_cross


def rebased(mean: Floats, cross: Floats, gaps: Ints, before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Moments whose incomplete columns have another reference; new arrays where one differs.

    Parameters
    ----------
    mean, cross : arrays (..., q), (..., q, q)
    gaps, before, after : arrays (g,)
        The incomplete columns, what was taken from their observed values, and what is to be.
    """
    by = before - after
    if not by.any():
        return mean, cross
    p = mean.shape[-1] - 1 - len(gaps)
    marks = np.arange(p, p + len(gaps))
    mean, cross = mean.copy(), cross.copy()
    mean[..., gaps] += by * (1.0 - mean[..., marks])
    cross[..., gaps, :] -= by[:, None] * cross[..., marks, :]
    cross[..., :, gaps] -= by * cross[..., :, marks]
    return mean, cross
