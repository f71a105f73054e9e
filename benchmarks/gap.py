"""How far from the minimum a fit is: the relative duality gap, from the rows, by neither library's code.

The problem, with weights a1 = alpha l1_ratio and a2 = alpha (1 - l1_ratio):

    P(b0, b) = 1/(2n) ||y - b0 - X b||^2 + a1 |b|_1 + a2/2 |b|_2^2

For any t with sum(t) = 0, D(t) = t'y - n/2 |t|^2 - g*(X't) is at most the minimum of P, where g* is the conjugate of
the penalty: 0 if |X't|_inf <= a1 and infinite otherwise for the lasso; sum (|X't| - a1)_+^2 / (2 a2) with a2 > 0.
Candidates for t are the centred residuals over n, as they are and scaled to |X't|_inf <= a1. P - max D, over
P at b = 0, is at least the relative distance of P from its minimum.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def relative_gaps(X: Any, y: Array, coef: Array, intercept: Array, alphas: Array, l1_ratio: float) -> Array:
    """Return the relative duality gap of each fit of a path.

    Parameters
    ----------
    X : (n, p), dense or sparse
    y : (n,)
    coef : (A, p)
    intercept : (A,)
    alphas : (A,)
        In scikit-learn's units for the elastic net; a ridge penalty is divided by n first.
    l1_ratio : float in [0, 1]

    Returns
    -------
    (A,) relative to 1/(2n) ||y - mean(y)||^2, the objective of the empty model
    """
    n = len(y)
    a1, a2 = alphas * l1_ratio, alphas * (1 - l1_ratio)
    centred = y - y.mean()
    residual = centred[:, None] - X @ coef.T - (intercept - y.mean())
    penalty = a1 * np.abs(coef).sum(1) + a2 / 2 * (coef**2).sum(1)
    primal = (residual**2).sum(0) / (2 * n) + penalty

    dual_point = (residual - residual.mean(0)) / n
    slope = X.T @ dual_point
    along_y, square = centred @ dual_point, (dual_point**2).sum(0)
    dual = np.maximum(
        _dual_scaled(along_y, square, slope, n=n, a1=a1),
        _dual_as_is(along_y, square, slope, n=n, a1=a1, a2=a2),
    )
    return (primal - dual) / ((centred**2).sum() / (2 * n))


def _dual_scaled(along_y: Array, square: Array, slope: Array, *, n: int, a1: Array) -> Array:
    """Return D at the best multiple of the dual point that meets |X't|_inf <= a1, which makes g* zero."""
    steepest = np.abs(slope).max(0)
    largest = np.divide(a1, steepest, out=np.full_like(a1, np.inf), where=steepest > 0)
    best = np.divide(along_y, n * square, out=np.ones_like(square), where=square > 0)
    scale = np.clip(best, -largest, largest)
    return scale * along_y - n / 2 * scale**2 * square


def _dual_as_is(along_y: Array, square: Array, slope: Array, *, n: int, a1: Array, a2: Array) -> Array:
    """Return D at the dual point itself, where the squared part of the penalty makes g* finite."""
    excess = (np.maximum(np.abs(slope) - a1, 0) ** 2).sum(0)
    conjugate = np.divide(excess, 2 * a2, out=np.where(excess > 0, np.inf, 0.0), where=a2 > 0)
    return along_y - n / 2 * square - conjugate
