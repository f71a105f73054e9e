"""Elastic net: both penalties, their mixture chosen together with the strength."""

from foldwise.paths import Paths, fit_paths
from foldwise.study.candidates.candidate import Candidate
from foldwise.study.task import Task


def fit(task: Task) -> tuple[Paths, ...]:
    """One path for each l1_ratio, from the same moments."""
    return tuple(fit_paths(task.moments, alphas=task.alphas, l1_ratio=mix, nested=True) for mix in task.l1_ratios)


ELASTIC_NET = Candidate("elastic net", tunes=True, drops_features=True, fit=fit)
