"""scikit-learn: its LassoCV. It keeps no path, so coefficients come from the function it calls, same settings."""

from typing import Any

import numpy as np
from sklearn.linear_model import LassoCV, lasso_path

from benchmarks.workers.centred import centred
from benchmarks.workers.problem import Problem

PACKAGES = ("scikit-learn", "numpy", "scipy")
JOBS = (1, 2)
MODES: dict[str, dict[str, Any]] = {"default": {}, "tight": {"tol": 1e-10, "max_iter": 100_000}}


def cross_validate(problem: Problem, mode: str, jobs: int | None) -> Any:
    """Return the error curve (A,)."""
    model = LassoCV(alphas=problem.alphas, cv=problem.splits, n_jobs=jobs, **MODES[mode]).fit(problem.X, problem.y)
    return problem.mean_error(model.mse_path_.T)


def path(problem: Problem, mode: str, held_out: list[int], _jobs: int | None) -> tuple[Any, Any]:
    """Return coef (A, p) and intercept (A,) of a held-out set."""
    data = centred(problem, held_out)
    _, coef, _ = lasso_path(data.X, data.y, alphas=problem.alphas, **data.offset, **MODES[mode])
    return coef.T, data.intercept(np.asarray(coef))
