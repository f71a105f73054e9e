"""One held-out set's path: which solver, and its answer in original units with its certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from foldwise.paths.penalized import solve_penalized
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
    loss : "mean" or "sum"
        Whether alphas count against the mean loss over a training set's rows, or against the sum.
    """

    alphas: Floats
    l1_ratio: float
    tol: float
    max_iter: int
    loss: Literal["mean", "sum"] = "mean"

    def against_mean(self, weight: float) -> Strengths:
        """Strengths that count against the mean loss of a training set with this sum of weights."""
        return self if self.loss == "mean" else replace(self, alphas=self.alphas / weight, loss="mean")

    @property
    def l1(self) -> Floats:
        """Strengths of the lasso term (A,)."""
        return self.alphas * self.l1_ratio

    @property
    def l2(self) -> Floats:
        """Strengths of the ridge term (A,)."""
        return self.alphas * (1.0 - self.l1_ratio)


# Columns penalized on scales further apart than this share no eigendecomposition: it would drown the smaller ones.
WEIGHTS_APART = 1e4


def has_closed_form(problem: Problem, strengths: Strengths, options: Options) -> bool:
    """Whether an eigendecomposition solves the whole path: no lasso term, no box, columns penalized alike or not."""
    if strengths.l1.any() or options.is_bounded:
        return False
    weight = problem.penalty.l2_weight
    return not strengths.l2.any() or bool(weight.min() > 0.0 and weight.max() <= WEIGHTS_APART * weight.min())


def solve_problem(problem: Problem, strengths: Strengths, options: Options) -> tuple[QuadraticPath, float]:
    """Solve one problem for all strengths on the correlation scale.

    Returns
    -------
    path : QuadraticPath
    condition : float
        How much larger than rounding the relative error of a closed form may be; 1.0 for the active set, whose error
        the gap already tells.
    """
    if not options.penalty.is_plain:
        return solve_penalized(problem, strengths, options.penalty), 1.0
    if not has_closed_form(problem, strengths, options):
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


def certify(problem: Problem, strengths: Strengths, coef: Floats) -> Floats:
    """Relative duality gap (A,) of coefficients (A, p) in original units that were found in another way."""
    scaled = coef * np.where(np.isfinite(problem.root), problem.root, 0.0)
    return relative_gap(
        problem.Q, problem.c, problem.yy, scaled, l1=strengths.l1, l2=strengths.l2, penalty=problem.penalty
    )
