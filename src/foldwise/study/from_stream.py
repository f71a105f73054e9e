"""What a comparison of rows that are read in passes has of its own: one descent for all candidates, and a baseline."""

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.families import Gaussian
from foldwise.paths import RowStream
from foldwise.paths.fit import GENERALIZED_TOL
from foldwise.paths.generalized.streamed.fit import make_ready, null_deviance
from foldwise.paths.strengths import Search, check_strengths
from foldwise.solvers.quadratic import MAX_ITER
from foldwise.study.candidates import Candidate
from foldwise.study.measure import Modelled
from foldwise.study.task import Task

NO_PREDICTIONS = (
    "the rows are read in passes and are not kept: deviances are exact; out-of-fold predictions, and the scores that "
    "want them, are absent"
)


def made_ready(tasks: Sequence[Task], candidates: Sequence[Candidate]) -> list[float]:
    """Let the passes serve all candidates at once, where rows are read in passes; seconds of each, by its paths."""
    begun = perf_counter()
    for task in tasks:
        source = task.source
        if isinstance(source, RowStream):
            for candidate in candidates:
                candidate.check(task)
            make_ready(source, list(_searches(task, [candidate.name for candidate in candidates])))
    paths = np.array([candidate.steps(tasks[0]) if candidate.tunes else 0 for candidate in candidates])
    spent: list[float] = ((perf_counter() - begun) * paths / max(paths.sum(), 1)).tolist()
    return spent


def _searches(task: Task, names: Sequence[str]) -> Iterator[Search]:
    """What the candidates of these names will ask for; what is not foreseen here costs passes of its own."""
    mixes = {"ridge": (0.0,), "lasso": (1.0,), "elastic net": task.l1_ratios}
    known: dict[float, None] = dict.fromkeys(mix for name in names for mix in mixes.get(name, ()))
    if "unpenalized" in names:
        yield _search([0.0], 1.0, nested=False)
    for mix in known:
        yield _search(task.alphas, mix, nested=True)


def _search(alphas: Any, l1_ratio: float, *, nested: bool) -> Search:
    """As `fit_paths` makes it of what it is not told."""
    return Search(check_strengths(alphas), l1_ratio, 1e-3, GENERALIZED_TOL, MAX_ITER, "mean", nested)


def baseline_of(tasks: Sequence[Task]) -> NDArray[np.float64]:
    """Mean deviances (R K,) of the best intercept of the other folds."""
    return np.concatenate([null_deviance(task.source) for task in tasks if isinstance(task.source, RowStream)])


def modelled_by(stream: RowStream | None, target: str) -> Modelled:
    """What is modelled, and why so; squared errors without a stream."""
    if stream is None:
        return Modelled(Gaussian(), target, f"{target} holds numbers")
    origin = stream.moments.origin
    classes = () if origin is None or not stream.family.is_two_class else origin.classes or (0, 1)
    return Modelled(stream.family, target, stream.reason, classes)
