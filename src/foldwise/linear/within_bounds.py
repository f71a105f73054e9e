"""Least squares and ridge within bounds, one target after the other."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from foldwise.linear.checks import Array, Bounds
from foldwise.solvers.bounded import bounded_least_squares


def fit_within_bounds(
    X: Array,
    y: Array,
    box: Bounds,
    *,
    weights: Array | None,
    fit_intercept: bool,
    ridge: Array | None = None,
    max_iter: int | None = None,
) -> tuple[Array, Array, NDArray[np.intp]]:
    """Return (coef, intercept, n_iter) of each target of y, (n,) or (n, T); `ridge` is (p,) or (T, p).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(4.0)[:, None]
    >>> coef, intercept, _ = fit_within_bounds(x, -x, (np.zeros(1), np.ones(1)), weights=None, fit_intercept=True)
    >>> coef.tolist(), intercept.tolist()
    ([[0.0]], [-1.5])
    """
    Y = y.reshape(len(X), -1)
    penalties = (
        np.zeros((Y.shape[1], X.shape[1])) if ridge is None else np.broadcast_to(ridge, (Y.shape[1], X.shape[1]))
    )
    fits = [
        bounded_least_squares(
            X, target, *box, weights=weights, fit_intercept=fit_intercept, ridge=penalty, max_iter=max_iter
        )
        for target, penalty in zip(Y.T, penalties, strict=True)
    ]
    if not all(fit.settled for fit in fits):
        steps = max(fit.n_iter for fit in fits)
        message = f"Which coefficients stand at a bound is not settled after {steps} changes. Raise max_iter."
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
    coef, intercept = np.array([fit.coef for fit in fits]), np.array([fit.intercept for fit in fits])
    n_iter = np.array([fit.n_iter for fit in fits])
    return (coef, intercept, n_iter) if y.ndim > 1 else (coef[0], intercept[0], n_iter[0])
