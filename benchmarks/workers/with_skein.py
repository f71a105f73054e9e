"""skein-glm: its ElasticNetPathCV at alpha=1. It keeps the chosen model only; paths come from its path class."""

from dataclasses import dataclass
from typing import Any

from skein_glm import ElasticNetPathRegressor
from skein_glm.cv import ElasticNetPathCV

from benchmarks.workers.problem import Problem

PACKAGES = ("skein-glm", "scikit-learn", "numpy")
JOBS = (1, 2)
MODES: dict[str, dict[str, Any]] = {"default": {}, "tight": {"tol": 1e-10, "max_iter": 10_000}}


@dataclass(frozen=True)
class _Given:
    """Folds that are given, as a splitter."""

    problem: Problem

    def split(self, _rows: Any) -> Any:
        """Return pairs of training and test rows."""
        return self.problem.splits


def cross_validate(problem: Problem, mode: str, jobs: int | None) -> Any:
    """Return the error curve (A,)."""
    model = ElasticNetPathCV(1.0, lambdas=problem.alphas, cv=_Given(problem), n_jobs=jobs, **MODES[mode])
    return problem.mean_error(model.fit(problem.X, problem.y).cv_scores_)


def path(problem: Problem, mode: str, held_out: list[int], _jobs: int | None) -> tuple[Any, Any]:
    """Return coef (A, p) and intercept (A,) of a held-out set."""
    rows = problem.training(held_out)
    model = ElasticNetPathRegressor(1.0, lambdas=problem.alphas, **MODES[mode]).fit(problem.X[rows], problem.y[rows])
    return model.coefs_, model.intercepts_
