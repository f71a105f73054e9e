"""Least squares: no penalty, nothing to choose."""

from foldwise.paths import Paths, fit_paths
from foldwise.study.candidates.path_candidate import PathCandidate
from foldwise.study.task import Task


def fit(task: Task) -> tuple[Paths, ...]:
    """One path with the single strength zero."""
    return (fit_paths(task.source, alphas=[0.0], nested=False),)


LEAST_SQUARES = PathCandidate("least squares", tunes=False, drops_features=False, fit=fit)
