"""One held-out set's path: which solver, its answer stretch by stretch, and its certificate."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from foldwise.paths.penalized import solve_penalized
from foldwise.solvers.duality import relative_gap
from foldwise.solvers.quadratic import PathSolver, QuadraticPath, Status
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

    def stretch(self, start: int, stop: int) -> Strengths:
        """Those with these numbers."""
        return replace(self, alphas=self.alphas[start:stop])

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


class Solving:
    """One held-out set's path in the making: a stretch of strengths at a time, on the correlation scale.

    Stretch after stretch gives the very numbers that one for all strengths gives.

    Parameters
    ----------
    problem : Problem
        Not kept: it is handed over again for each stretch.
    strengths : Strengths
        Against the mean loss of the problem's rows.
    options : Options
    start : array (p,), optional
        Coefficients in original units from which the first strength is solved, in place of zeros.
    """

    def __init__(self, problem: Problem, strengths: Strengths, options: Options, start: Floats | None = None) -> None:
        self.done, self.condition = 0, 1.0
        self._strengths, self._options = strengths, options
        self._parts: list[QuadraticPath] = []
        self.closed = options.penalty.is_plain and has_closed_form(problem, strengths, options)
        self._start = None if start is None else scaled_coef(problem, start)
        self._solver = PathSolver(problem.penalty, tol=strengths.tol, max_iter=strengths.max_iter, start=self._start)

    def advance(self, problem: Problem, stop: int) -> QuadraticPath | None:
        """Solve up to strength number `stop`, all of them where there is a closed form; what came new."""
        if self.done >= stop:
            return None
        strengths = self._strengths.stretch(self.done, len(self._strengths.alphas) if self.closed else stop)
        if self.closed:
            path, self.condition = _closed_form(problem, strengths)
        elif self._options.penalty.is_plain:
            path = self._solver.solve(problem.Q, problem.c, problem.yy, strengths.l1, strengths.l2)
        else:
            last = self._parts[-1].coef[-1] if self._parts else self._start
            path = solve_penalized(problem, strengths, self._options.penalty, last)
        self._parts.append(path)
        self.done += len(path.coef)
        return path

    def path(self, points: int) -> QuadraticPath:
        """The first `points` strengths."""
        first = self._parts[0]
        if len(first.coef) == points:
            return first
        joined = {
            each.name: np.concatenate([getattr(part, each.name) for part in self._parts])[:points]
            for each in fields(first)
        }
        return replace(first, **joined)


def _closed_form(problem: Problem, strengths: Strengths) -> tuple[QuadraticPath, float]:
    """Every strength at once; and how much larger than rounding the relative error may be."""
    weight = problem.penalty.l2_weight if strengths.l2.any() else np.ones(len(problem.c))
    coef, condition = solve_ridge(problem.Q, problem.c, strengths.l2, weight)
    gap = relative_gap(
        problem.Q, problem.c, problem.yy, coef, l1=strengths.l1, l2=strengths.l2, penalty=problem.penalty
    )
    status = np.where(gap <= strengths.tol, Status.CERTIFIED, Status.ROUNDING).astype(np.int8)
    return QuadraticPath(coef=coef, gap=gap, n_iter=np.zeros(len(coef), dtype=np.intp), status=status), condition


def scaled_coef(problem: Problem, coef: Floats) -> Floats:
    """Coefficients (..., p) in original units on the correlation scale."""
    return coef * np.where(np.isfinite(problem.root), problem.root, 0.0)


def certify(problem: Problem, strengths: Strengths, coef: Floats) -> Floats:
    """Relative duality gap (A,) of coefficients (A, p) in original units that were found in another way."""
    scaled = scaled_coef(problem, coef)
    return relative_gap(
        problem.Q, problem.c, problem.yy, scaled, l1=strengths.l1, l2=strengths.l2, penalty=problem.penalty
    )
