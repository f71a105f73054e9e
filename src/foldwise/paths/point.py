"""One held-out set's path: which solver, and its answer in original units with its certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foldwise.solvers.duality import relative_gap
from foldwise.solvers.quadratic import QuadraticPath, Status, solve_path
from foldwise.solvers.ridge import solve_ridge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.problem import Options, Problem

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Strengths:
    """The path's strengths and how exactly to solve.

    Parameters
    ----------
    alphas : array (A,)
        Descending.
    l1_ratio : float
    tol : float
        Relative duality gap.
    max_iter : int
    """

    alphas: Floats
    l1_ratio: float
    tol: float
    max_iter: int

    @property
    def l1(self) -> Floats:
        """Strengths of the lasso term (A,)."""
        return self.alphas * self.l1_ratio

    @property
    def l2(self) -> Floats:
        """Strengths of the ridge term (A,)."""
        return self.alphas * (1.0 - self.l1_ratio)


def has_closed_form(strengths: Strengths, options: Options) -> bool:
    """Whether an eigendecomposition solves the whole path: no lasso term, no box, every column penalized or none."""
    smooth = not strengths.l1.any() and not options.is_bounded
    return smooth and (not strengths.l2.any() or bool(np.all(options.penalty_factor > 0.0)))


def solve_problem(problem: Problem, strengths: Strengths, options: Options) -> tuple[QuadraticPath, float]:
    """Solve one problem for all strengths on the correlation scale.

    Returns
    -------
    path : QuadraticPath
    condition : float
        How much larger than rounding the relative error of a closed form may be; 1.0 for the active set, whose error
        the gap already tells.
    """
    if not has_closed_form(strengths, options):
        path = solve_path(
            problem.Q,
            problem.c,
            problem.yy,
            l1=strengths.l1,
            l2=strengths.l2,
            penalty=problem.penalty,
            tol=strengths.tol,
            max_iter=strengths.max_iter,
        )
        return path, 1.0
    weight = problem.penalty.l2_weight if strengths.l2.any() else np.ones(len(problem.c))
    coef, condition = solve_ridge(problem.Q, problem.c, strengths.l2, weight)
    gap = relative_gap(
        problem.Q, problem.c, problem.yy, coef, l1=strengths.l1, l2=strengths.l2, penalty=problem.penalty
    )
    status = np.where(gap <= strengths.tol, Status.CERTIFIED, Status.ROUNDING).astype(np.int8)
    return QuadraticPath(coef=coef, gap=gap, n_iter=np.zeros(len(coef), dtype=np.intp), status=status), condition
