"""Least squares: no penalty, nothing to choose."""

from foldwise.paths import Paths, fit_paths
from foldwise.study.candidates.path_candidate import PathCandidate
from foldwise.study.task import Task

MOST_NESTED = 20
"""With more folds their pairs cost more than the interval is worth."""


def fit(task: Task) -> tuple[Paths, ...]:
    """One path with the single strength zero; nested for the interval of its error alone."""
    return (fit_paths(task.source, alphas=[0.0], nested=3 <= task.folds.n_folds <= MOST_NESTED),)


LEAST_SQUARES = PathCandidate("least squares", tunes=False, drops_features=False, fit=fit)
