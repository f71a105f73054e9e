"""adelie: its cv_grpnet draws its own folds and strengths, so this is its loop over weights with ours."""

from typing import Any

import adelie as ad
import numpy as np

from benchmarks.workers.problem import Problem

PACKAGES = ("adelie", "numpy")
JOBS = (1, 2)
MODES: dict[str, dict[str, Any]] = {
    "default": {},
    "tight": {"tol": 1e-14, "irls_tol": 1e-14, "max_iters": 10_000_000},
}  # of squared changes


def threads(jobs: int | None, _cores: int) -> str:
    """Say how the cores are used."""
    return f"n_threads={jobs}"


def _matrix(problem: Problem, jobs: int | None) -> Any:
    return ad.matrix.sparse(problem.X, method="naive", n_threads=jobs) if problem.is_sparse else problem.X


def _state(problem: Problem, X: Any, mode: str, held_out: list[int], jobs: int | None) -> Any:
    weights = np.where(np.isin(problem.labels, held_out), 0.0, 1.0 if problem.weights is None else problem.weights)
    return ad.grpnet(
        X=X,
        glm=getattr(ad.glm, problem.family)(y=problem.y, weights=weights / weights.sum()),
        lmda_path=problem.alphas,
        early_exit=False,
        n_threads=jobs,
        progress_bar=False,
        **MODES[mode],
    )


def cross_validate(problem: Problem, mode: str, jobs: int | None) -> Any:
    """Return the error curve (A,); the final model is fitted too."""
    X = _matrix(problem, jobs)
    _state(problem, X, mode, [], jobs)
    errors = []
    for fold in range(problem.n_folds):
        state = _state(problem, X, mode, [fold], jobs)
        errors.append(problem.test_error(fold, state.betas, state.intercepts))
    return problem.mean_error(np.array(errors))


def path(problem: Problem, mode: str, held_out: list[int], jobs: int | None) -> tuple[Any, Any]:
    """Return coef (A, p) and intercept (A,) of a held-out set."""
    state = _state(problem, _matrix(problem, jobs), mode, held_out, jobs)
    return state.betas, state.intercepts
