"""Elastic net: both penalties, their mixture chosen together with the strength."""

from collections.abc import Iterator

from foldwise.paths import Paths, fit_paths
from foldwise.study.candidates.path_candidate import PathCandidate
from foldwise.study.task import Task


def fit(task: Task) -> Iterator[Paths]:
    """One path for each l1_ratio, from the same moments."""
    for mix in task.l1_ratios:
        yield fit_paths(
            task.source,
            alphas=task.alphas,
            l1_ratio=mix,
            nested=True,
            standardize=task.standardize,
            progress=task.steps.on_the_way,
            stop_when_turned=task.may_turn,
        )


def count(task: Task) -> int:
    """One for each l1_ratio."""
    return len(task.l1_ratios)


ELASTIC_NET = PathCandidate("elastic net", tunes=True, drops_features=True, fit=fit, count=count)
