"""Least squares and ridge from rows within bounds on the coefficients, by an active set on a triangular factor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foldwise.solvers.least_squares import EPS, Array, least_squares

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class BoundedSolution:
    """Coefficients (p,), intercept, how many times the active set changed, and whether it settled."""

    coef: Array
    intercept: float
    n_iter: int
    settled: bool


def bounded_least_squares(
    X: Array,
    y: Array,
    lower: Array,
    upper: Array,
    *,
    weights: Array | None = None,
    fit_intercept: bool = True,
    ridge: Array | None = None,
    max_iter: int | None = None,
) -> BoundedSolution:
    """Minimize sum_i w_i (y_i - b0 - x_i b)^2 + sum_j ridge_j b_j^2 with lower <= b <= upper.

    An active set on the triangular factor of the rows finds which coefficients stand at a bound; the others are then
    solved from the rows with all digits.

    Parameters
    ----------
    X : (n, p). y : (n,). weights : (n,) or None.
    lower, upper : (p,), lower <= 0 <= upper, in units of y per unit of x.
    ridge : (p,) of penalties >= 0; infinity holds a coefficient at zero.
    max_iter : how often the active set may change; 10 p + 100 where None.

    Source: P. B. Stark and R. L. Parker, *Bounded-variable least squares*, Computational Statistics 10 (1995).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    >>> fit = bounded_least_squares(X, X @ [2.0, -1.0], np.zeros(2), np.full(2, np.inf), fit_intercept=False)
    >>> fit.coef.round(6).tolist(), fit.settled
    ([1.5, 0.0], True)
    """
    p = X.shape[1]
    penalty = np.zeros(p) if ridge is None else np.asarray(ridge, float)
    root = np.ones(len(X)) if weights is None else np.sqrt(weights)
    mean = np.average(X, axis=0, weights=weights) if fit_intercept else np.zeros(p)
    start = np.average(y, weights=weights) if fit_intercept else 0.0
    rows = np.column_stack([(X - mean) * root[:, None], (y - start) * root])
    held = np.isinf(penalty)
    rows[:, :p][:, held] = 0.0
    if penalty[~held].any():
        rows = np.vstack([rows, np.diag(np.sqrt(np.append(np.where(held, 0.0, penalty), 0.0)))])
    R: Array = np.asarray(np.linalg.qr(rows, mode="r"))
    width = np.linalg.norm(R[:, :p], axis=0)
    unit = EPS * np.abs(X).max(axis=0, initial=0.0) * np.linalg.norm(root)
    live = width > 4 * unit
    scaled = R[:, :p][:, live] / width[live]
    found = _active_set(scaled, R[:, p], lower[live] * width[live], upper[live] * width[live], max_iter)
    at_bound = np.zeros(p, bool)
    at_bound[live] = ~found.free
    coef = np.zeros(p)
    coef[live] = found.x / width[live]
    coef = np.where(at_bound & (coef > 0), upper, np.where(at_bound & (coef < 0), lower, coef))
    fixed = np.where(at_bound | ~live, np.inf, penalty)
    left = y - X @ np.where(at_bound, coef, 0.0)
    rest = least_squares(X, left, weights=weights, fit_intercept=fit_intercept, ridge=fixed)
    exact = np.where(at_bound, coef, np.clip(rest.coef, lower, upper))
    if rest.collinear or not np.array_equal(exact[~at_bound], rest.coef[~at_bound]):
        # Of the many answers for collinear columns, only the active set's is known to lie within the bounds.
        return BoundedSolution(coef, float(start - mean @ coef), found.n_iter, found.settled)
    return BoundedSolution(exact, float(rest.intercept), found.n_iter, found.settled)


@dataclass(frozen=True)
class _ActiveSet:
    x: Array
    free: Mask
    n_iter: int
    settled: bool


def _active_set(A: Array, target: Array, lower: Array, upper: Array, max_iter: int | None) -> _ActiveSet:
    """Minimize |target - A x| with lower <= x <= upper from x = 0; A has columns of unit length."""
    p = A.shape[1]
    x, free = np.zeros(p), (lower < 0) & (upper > 0)
    stuck, cost = np.zeros(p, bool), np.inf  # stuck: freed, but it would not move inwards, so rounding decides there
    slack = 10 * EPS * max(A.shape) * float(np.linalg.norm(target))
    limit = 10 * p + 100 if max_iter is None else max_iter
    for step in range(1, limit + 1):
        columns = np.flatnonzero(free)
        goal = x.copy()
        if len(columns):
            goal[columns] = np.linalg.lstsq(A[:, columns], target - A[:, ~free] @ x[~free], rcond=None)[0]
        out = free & ((goal < lower) | (goal > upper))
        if out.any():
            end = np.where(goal < lower, lower, upper)
            share = np.full(p, np.inf)
            share[out] = (end[out] - x[out]) / (goal[out] - x[out])
            first = int(np.argmin(share))
            x = np.where(free, x + share[first] * (goal - x), x)
            x[first] = end[first]
            free[first] = False
            if share[first] == 0.0:
                stuck[first] = True
            continue
        x = goal
        residual = target - A @ x
        if residual @ residual < cost * (1 - EPS):
            cost = float(residual @ residual)
            stuck[:] = False
        pull = A.T @ residual  # where it points inwards from a bound, leaving that bound helps
        inwards = (
            ~free & ~stuck & (((x <= lower) & (pull > slack)) | ((x >= upper) & (pull < -slack))) & (lower < upper)
        )
        if not inwards.any():
            return _ActiveSet(x, free, step, settled=True)
        free[int(np.argmax(np.where(inwards, np.abs(pull), 0.0)))] = True
    return _ActiveSet(x, free, limit, settled=False)
