"""Unpenalized: the family's loss alone, nothing to choose; for the gaussian family that is least squares."""

from foldwise.paths import Paths, fit_paths
from foldwise.study.candidates.path_candidate import PathCandidate
from foldwise.study.task import Task


def fit(task: Task) -> tuple[Paths, ...]:
    """One path with the single strength zero."""
    return (fit_paths(task.source, alphas=[0.0], nested=False),)


UNPENALIZED = PathCandidate("unpenalized", tunes=False, drops_features=False, fit=fit)
