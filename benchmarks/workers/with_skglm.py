"""skglm: its cross-validation draws its own folds, so this loops Lasso.path over ours, on processes where faster."""

from typing import Any

import numpy as np
from joblib import Parallel, delayed
from skglm import Lasso

from benchmarks.workers.problem import Problem

PACKAGES = ("skglm", "numba", "numpy")
JOBS = (1, 2)
MODES: dict[str, dict[str, Any]] = {"default": {}, "tight": {"tol": 1e-10, "max_iter": 5000}}


def _path(problem: Problem, mode: str, held_out: list[int]) -> tuple[Any, Any]:
    rows = problem.training(held_out)
    X = problem.X[rows]
    X = X.tocsc() if problem.is_sparse else np.asfortranarray(X)
    coef = Lasso(**MODES[mode]).path(X, problem.y[rows], alphas=problem.alphas)[1]
    return coef[:-1].T, coef[-1]


def _fold(problem: Problem, mode: str, held_out: list[int]) -> Any:
    coef, intercept = _path(problem, mode, held_out)
    return problem.test_error(held_out[0], coef, intercept) if held_out else None


def cross_validate(problem: Problem, mode: str, jobs: int | None) -> Any:
    """Return the error curve (A,); the final model is fitted too."""
    sets = [[], *([fold] for fold in range(problem.n_folds))]
    errors = Parallel(jobs)(delayed(_fold)(problem, mode, held_out) for held_out in sets)
    return problem.mean_error(np.array(errors[1:]))


def path(problem: Problem, mode: str, held_out: list[int], _jobs: int | None) -> tuple[Any, Any]:
    """Return coef (A, p) and intercept (A,) of a held-out set."""
    return _path(problem, mode, held_out)
