"""Lasso: the absolute size of the coefficients is penalized; some become exactly zero."""

from foldwise.paths import Paths, fit_paths
from foldwise.study.candidates.path_candidate import PathCandidate
from foldwise.study.task import Task


def fit(task: Task) -> tuple[Paths, ...]:
    """One path with l1_ratio 1."""
    return (
        fit_paths(
            task.source,
            alphas=task.alphas,
            l1_ratio=1.0,
            nested=True,
            standardize=task.standardize,
            progress=task.steps.on_the_way,
            stop_when_turned=task.may_turn,
        ),
    )


LASSO = PathCandidate("lasso", tunes=True, drops_features=True, fit=fit)
