"""Group lasso: what comes from one column of the table, such as all levels of a category, stays or leaves together."""

import numpy as np

from foldwise.errors import InputError
from foldwise.paths import Paths, fit_paths
from foldwise.study.candidates.path_candidate import PathCandidate
from foldwise.study.task import Task


def refuse(task: Task) -> None:
    """Refuse other families, and a table without a group of several columns."""
    if not task.is_gaussian:
        raise InputError("candidates must leave out 'group lasso', which is for the gaussian family alone as yet")
    if len(np.unique(task.groups)) == len(task.groups):
        raise InputError(
            "candidates must leave out 'group lasso' for a table without categories of three or more levels: every "
            "group would have one column, which is the lasso"
        )


def fit(task: Task) -> tuple[Paths, ...]:
    """One path with the group penalty on the task's groups."""
    return (
        fit_paths(
            task.source,
            alphas=task.alphas,
            penalty="group",
            groups=task.groups,
            nested=True,
            standardize=task.standardize,
            progress=task.steps.on_the_way,
        ),
    )


GROUP_LASSO = PathCandidate("group lasso", tunes=True, drops_features=True, fit=fit, refuse=refuse)
