"""scikit-learn: its LassoCV or LogisticRegressionCV. Final paths come from what these call, same settings."""

from typing import Any

import numpy as np
from sklearn.linear_model import LassoCV, LogisticRegression, LogisticRegressionCV, lasso_path

from benchmarks.workers.centred import centred
from benchmarks.workers.problem import Problem

PACKAGES = ("scikit-learn", "numpy", "scipy")
JOBS = (1, 2)
MODES: dict[str, dict[str, Any]] = {"default": {}, "tight": {"tol": 1e-10, "max_iter": 100_000}}
LOGISTIC = {"solver": "saga", "random_state": 0}
"""The one solver that has the lasso with an intercept that is not penalized."""


def cross_validate(problem: Problem, mode: str, jobs: int | None) -> Any:
    """Return the error curve (A,)."""
    if problem.family == "binomial":
        return _logistic(problem, mode, jobs)
    if problem.family != "gaussian":
        message = f"it has no lasso for the {problem.family} family"
        raise NotImplementedError(message)
    model = LassoCV(alphas=problem.alphas, cv=problem.splits, n_jobs=jobs, **MODES[mode]).fit(problem.X, problem.y)
    return problem.mean_error(model.mse_path_.T)


def _logistic(problem: Problem, mode: str, jobs: int | None) -> Any:
    """Return the deviances; C counts against the sum, so a fold's penalties are the given ones up to rounding of n."""
    training_rows = len(problem.y) * (1.0 - 1.0 / problem.n_folds)
    model = LogisticRegressionCV(
        Cs=1.0 / (problem.alphas * training_rows),
        l1_ratios=(1.0,),
        cv=problem.splits,
        scoring="neg_log_loss",
        use_legacy_attributes=False,
        n_jobs=jobs,
        **LOGISTIC,
        **MODES[mode],
    ).fit(problem.X, problem.y)
    return problem.mean_error(-2.0 * np.reshape(model.scores_, (problem.n_folds, len(problem.alphas))))


def path(problem: Problem, mode: str, held_out: list[int], _jobs: int | None) -> tuple[Any, Any]:
    """Return coef (A, p) and intercept (A,) of a held-out set."""
    if problem.family == "binomial":
        return _logistic_path(problem, mode, held_out)
    data = centred(problem, held_out)
    _, coef, _ = lasso_path(data.X, data.y, alphas=problem.alphas, **data.offset, **MODES[mode])
    return coef.T, data.intercept(np.asarray(coef))


def _logistic_path(problem: Problem, mode: str, held_out: list[int]) -> tuple[Any, Any]:
    rows = problem.training(held_out)
    X, y = problem.X[rows], problem.y[rows]
    model = LogisticRegression(l1_ratio=1.0, warm_start=True, **LOGISTIC, **MODES[mode])
    coef, intercept = [], []
    for alpha in problem.alphas:
        model.set_params(C=1.0 / (alpha * len(rows))).fit(X, y)
        coef.append(model.coef_[0].copy())
        intercept.append(float(model.intercept_[0]))
    return np.stack(coef), np.array(intercept)
