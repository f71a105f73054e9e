"""Huber's joint fit of coefficients and residual scale, by exact weighted least squares in turns with the scale."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.sparse import diags_array, issparse

from foldwise.linear.base import times
from foldwise.linear.checks import Array
from foldwise.paths import fit_paths

MAX_TURNS = 500
SETTLED = 1e-12
"""Relative change of the residuals, in scales, at which turns end."""
DENSE_CELLS = 4_000_000
LEAST = 1e-9
"""Share of the target's spread below which residuals are none: the rows lie on a plane."""


@dataclass(frozen=True, eq=False)
class Joint:
    """Coefficients (p,), intercept, the residuals' scale, and how many turns it took."""

    coef: Array
    intercept: float
    scale: float
    turns: int


def joint_fit(X: Any, y: Array, weight: Array, epsilon: float, alpha: float, l1_ratio: float, **settings: Any) -> Joint:
    """Minimize sum_i w_i (s + H(r_i / s) s) + the penalty over coefficients and s, which is convex in both together.

    With a row's weight cut to epsilon s / |r|, a parabola touches its term of the sum and lies above it elsewhere, so
    that a weighted fit never raises the sum; the best s for given residuals is the root of a monotone function. Turns
    end where neither changes anything.

    Parameters
    ----------
    X : array (n, p), dense or sparse. y, weight : arrays (n,)
    epsilon, alpha, l1_ratio : float
    settings
        fit_intercept, standardize, penalty_factor, bounds, as for fit_paths.

    Source: A. B. Owen (2007), A robust hybrid of lasso and ridge regression; D. R. Hunter and K. Lange (2004).

    Examples
    --------
    >>> x = np.arange(5.0)[:, None]
    >>> found = joint_fit(x, np.array([0.0, 1.1, 1.9, 3.0, 40.0]), np.ones(5), 1.35, 0.0, 0.0, fit_intercept=True)
    >>> found.coef.round(2)
    array([1.12])
    """
    standardize, bounds = settings.pop("standardize", False), settings.pop("bounds", None)
    if issparse(X) and X.shape[0] * X.shape[1] <= DENSE_CELLS:
        X = X.toarray()  # a weighted fit of nearly collinear columns goes back to dense rows for its digits
    spread = np.ones(X.shape[1])
    if standardize:  # by the rows' own weights, not by those of a turn
        spread = _spread(X, weight)
        X = X @ diags_array(1.0 / spread) if issparse(X) else X / spread
        bounds = None if bounds is None else tuple(limit * spread for limit in bounds)
    total, cut = float(weight.sum()), np.ones(len(y))
    around = y - np.average(y, weights=weight)
    least = LEAST * float(np.sqrt(np.average(around**2, weights=weight)))
    scale, before, coef, intercept, turns = max(least / LEAST, 1e-300), around, np.zeros(X.shape[1]), 0.0, 0
    for turn in range(MAX_TURNS):
        paths = fit_paths(
            X, y, alphas=[alpha * scale], l1_ratio=l1_ratio, loss="sum", standardize=False, sample_weight=weight * cut,
            bounds=bounds, tol=1e-12, **settings,
        ).uninterrupted()  # fmt: skip
        coef, intercept = paths.model(at=0)
        residual = y - times(X, coef) - intercept
        turns = turn + 1
        scale = best_scale(np.abs(residual), weight / total, epsilon, least)
        if scale <= least:
            break
        cut = np.minimum(1.0, epsilon * scale / np.maximum(np.abs(residual), 1e-300))
        if np.abs(residual - before).max() <= SETTLED * max(scale, np.abs(residual).max()):
            break
        before = residual
    return Joint(coef / spread, intercept, scale, turns)


def best_scale(size: Array, share: Array, epsilon: float, least: float) -> float:
    """The s at which the weighted mean of min(size / s, epsilon)^2 is 1; `least` where it is below everywhere.

    Examples
    --------
    >>> best_scale(np.array([1.0, 1.0]), np.array([0.5, 0.5]), 1.35, 1e-9)
    1.0
    """

    def excess(scale: float) -> float:
        return float(share @ np.minimum(size / scale, epsilon) ** 2) - 1.0

    high = float(np.sqrt(share @ size**2))
    if least <= 0.0 or high <= least or excess(least) <= 0.0:
        return least
    return high if excess(high) >= 0.0 else float(brentq(excess, least, high, xtol=1e-15 * high, rtol=1e-14))


def _spread(X: Any, weight: Array) -> Array:
    """Weighted standard deviations (p,), 1 for constant columns."""
    total = weight.sum()
    mean = np.asarray(weight @ X) / total
    square = np.asarray(weight @ (X.multiply(X) if issparse(X) else (X - mean) ** 2)) / total
    variance = square - mean**2 if issparse(X) else square
    deviation = np.sqrt(np.maximum(variance, 0.0))
    return np.where(deviation > 1e-12 * np.maximum(np.abs(mean), 1e-300), deviation, 1.0)
