"""The grid of strengths: from the smallest that empties the model down to a share of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from foldwise.errors import InputError
from foldwise.paths.penalized import Choice, emptying_group_strength
from foldwise.solvers.quadratic import Penalty, solve_path
from foldwise.solvers.ridge import solve_ridge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.problem import Problem

    Floats = NDArray[np.float64]

RIDGE_STRONGEST = 100.0


@dataclass(frozen=True, eq=False)
class Search:
    """What fit_paths is asked to look for, whichever way the table is fitted.

    Parameters
    ----------
    alphas : int or array (A,)
        How many strengths, or which, descending.
    l1_ratio, eps, tol, max_iter, loss, nested
        As in `foldwise.paths.fit_paths`.
    """

    alphas: int | Floats
    l1_ratio: float
    eps: float
    tol: float
    max_iter: int
    loss: Literal["mean", "sum"]
    nested: bool


def check_strengths(alphas: Any) -> int | Floats:
    """A number of strengths, or the strengths themselves in descending order."""
    if isinstance(alphas, (int, np.integer)) and not isinstance(alphas, bool):
        if alphas < 1:
            message = f"alphas must be at least 1, or an array of strengths, got {alphas}"
            raise InputError(message)
        return int(alphas)
    try:
        array = np.array(alphas, dtype=np.float64)
    except (TypeError, ValueError) as error:
        message = f"alphas must be a whole number or an array of strengths, got {alphas!r}"
        raise InputError(message) from error
    if array.ndim != 1 or len(array) == 0:
        message = f"alphas must be a whole number or a one-dimensional array of strengths, got {alphas!r}"
        raise InputError(message)
    bad = array[~(np.isfinite(array) & (array >= 0.0))]
    if len(bad):
        message = f"alpha must be finite and >= 0, got {bad[0]}"
        raise InputError(message)
    return np.sort(array)[::-1]


def strength_grid(problem: Problem, number: int, l1_ratio: float, eps: float, choice: Choice | None = None) -> Floats:
    """`number` strengths in descending order, evenly spaced in their logarithm, for the final model's problem.

    With a lasso term: from the smallest alpha whose solution has no penalized coefficient, down to eps times that.
    For ridge (l1_ratio 0), where no strength empties the model: from 100 times the typical curvature of a column (every
    coefficient shrunk to about a hundredth) down to eps**3 times that, which least squares can't be told from.
    """
    if l1_ratio == 0.0:
        weight = problem.penalty.l2_weight[problem.penalty.l2_weight > 0.0]
        strongest = RIDGE_STRONGEST / float(np.median(weight)) if len(weight) else 1.0
        return np.geomspace(strongest, strongest * eps**3, number)
    strongest = float(emptying_strength(problem, choice)) / l1_ratio
    if strongest <= np.finfo(float).resolution * np.sqrt(problem.yy) or problem.yy == 0.0:
        return np.full(number, np.finfo(float).resolution)
    return np.geomspace(strongest, strongest * eps, number)


def emptying_strength(problem: Problem, choice: Choice | None = None) -> float:
    """The smallest l1 at which every penalized coefficient is zero, the unpenalized ones being fitted."""
    weight, penalty = problem.penalty.l1_weight, problem.penalty
    unpenalized = np.flatnonzero((weight == 0.0) & (np.diag(problem.Q) > 0.0))
    pull = problem.c
    if len(unpenalized):
        free = Penalty(*(part[unpenalized] for part in (weight, penalty.l2_weight, penalty.lower, penalty.upper)))
        sub = np.ascontiguousarray(problem.Q[np.ix_(unpenalized, unpenalized)])
        if np.all(np.isinf(free.lower)) and np.all(np.isinf(free.upper)):
            coef = solve_ridge(sub, pull[unpenalized], np.zeros(1), np.ones(len(unpenalized)))[0][0]
        else:
            none = np.zeros(1)
            coef = solve_path(sub, pull[unpenalized], problem.yy, l1=none, l2=none, penalty=free).coef[0]
        pull = pull - problem.Q[:, unpenalized] @ coef
    if choice is not None and choice.groups is not None:
        return emptying_group_strength(problem, choice, pull)
    can_move = np.where(pull > 0.0, penalty.upper, -penalty.lower) > 0.0
    counted = (weight > 0.0) & can_move
    return float(np.max(np.abs(pull[counted]) / weight[counted])) if counted.any() else 0.0
