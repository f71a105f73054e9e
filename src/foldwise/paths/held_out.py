"""Held-out error from moments: what a fit's mean squared error on other rows is, without the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def mean_squared_error(coef: Floats, test: tuple[float, Floats, Floats], centre: Floats, y_centre: float) -> Floats:
    """Weighted mean of (y - y_centre - (x - centre)'b)^2 over a test set, for every alpha.

    W e^2 + [-b; 1]' C [-b; 1], over W, with e the error at the test set's mean. Taken relative to the training set's
    means, so that a column far from zero loses no digits.

    Parameters
    ----------
    coef : array (A, p)
        In original units.
    test : weight, mean (p + 1,), cross (p + 1, p + 1)
        Moments of [x, y] on the test set.
    centre, y_centre : array (p,), float
        The training set's means; zeros where there is no intercept.

    Returns
    -------
    array (A,)

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.array([1.0, 2.0, 4.0]), np.array([2.0, 1.0, 5.0])
    >>> test = 3.0, np.array([x.mean(), y.mean()]), 3.0 * np.cov(x, y, bias=True)
    >>> mean_squared_error(np.array([[1.5]]), test, np.array([2.0]), 2.5).round(6)
    array([1.166667])
    >>> float(np.mean((y - 2.5 - 1.5 * (x - 2.0)) ** 2).round(6))
    1.166667
    """
    weight, mean, cross = test
    at_mean = (mean[-1] - y_centre) - coef @ (mean[:-1] - centre)
    within = cross[-1, -1] - 2.0 * (coef @ cross[:-1, -1]) + np.einsum("aj,aj->a", coef @ cross[:-1, :-1], coef)
    # Rounding can leave a perfect fit a hair below zero.
    error: Floats = at_mean**2 + np.maximum(within, 0.0) / weight
    return error
