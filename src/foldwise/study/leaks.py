"""Leaks: the errors that one would have reported, had rows that judge taken part in the preparation.

Each is a common mistake, made on purpose and shown beside the honest error. Nothing of it enters a verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foldwise.study.candidates import Candidate
from foldwise.study.candidates.network import NetworkCandidate
from foldwise.study.candidates.path_candidate import PathCandidate
from foldwise.study.digest import Digest, source_of
from foldwise.study.fold_errors import fold_errors, fold_weights
from foldwise.study.making import Shelf
from foldwise.study.measure import measure_of
from foldwise.study.result import CandidateResult
from foldwise.study.running import Here
from foldwise.study.store import Store
from foldwise.study.task import Encoding, Task
from foldwise.tables import Recipe

Floats = NDArray[np.float64]
USUAL = 10
"""Columns that are selected, unless the sparsest candidate keeps more or the table has few."""


@dataclass(frozen=True)
class Leaks:
    """What one candidate's error would have looked like.

    Attributes
    ----------
    candidate : str
    honest : float
        The error that the comparison reports.
    prepared : float or None
        Gaps filled, rare levels pooled and columns scaled by all rows, before the folds were made.
    selected : float or None
        The same, and columns selected by their correlation with the target on all rows, as many as
        `n_selected`: 10, or what the sparsest candidate keeps if that is more; half of them where there are few.
    n_selected : int
    tuned : float or None
        The smallest cross-validated error, which chose the strength, reported as the error.
    stopped : float or None
        Of networks with early stopping: training ended by the very rows that score, all else the same.
    """

    candidate: str
    honest: float
    prepared: float | None
    selected: float | None
    n_selected: int
    tuned: float | None
    stopped: float | None = None

    @property
    def flattery(self) -> dict[str, float]:
        """By how much each leak that was tried makes the error look smaller."""
        tried = {"tuned": self.tuned, "prepared": self.prepared, "selected": self.selected, "stopped": self.stopped}
        return {name: self.honest - error for name, error in tried.items() if error is not None}


def measure_leaks(
    tasks: Sequence[Task],
    candidates: Sequence[Candidate],
    results: Sequence[CandidateResult],
    *,
    store: Store | None = None,
) -> tuple[Leaks, ...]:
    """Run every candidate that fits coefficients again, with preparations that saw all rows; networks, stopped by them.

    Parameters
    ----------
    tasks : R Tasks
    candidates : C Candidates
    results : what came out of them honestly, in any order
    store : Store, optional
        Where pieces are kept, and looked for before they are made.

    Returns
    -------
    tuple of Leaks
        In the order of the results; candidates that prepare the table's own columns by themselves are left out.
    """
    kept = [int(r.features.kept.sum()) for r in results if r.features is not None and r.drops_features]
    tables = [_prepared(task) for task in tasks]
    p = len(tables[0].rows.design.columns)
    n_selected = max([1, min(USUAL, p // 2), *sorted(kept)[:1]])
    narrow = [_selected(task, n_selected) for task in tables]
    shelf = Shelf.of(store, tasks[0])

    def again(tables: Sequence[Task], candidate: Candidate, what: str) -> float:
        """The error on such tables, kept under the honest rows' name and what was done to them."""
        done = Digest().add(shelf.rows, what, repr(tasks[0].encoding), source_of(_prepared), source_of(_selected))
        return _error(tables, candidate, Here(Shelf(store, done.hexdigest())))

    found = []
    for result in results:
        candidate = next(each for each in candidates if each.name == result.name)
        linear = isinstance(candidate, PathCandidate)
        if not linear and not isinstance(candidate, NetworkCandidate):
            continue
        leaky = candidate.stopped_by_scored_rows() if isinstance(candidate, NetworkCandidate) else None
        found.append(
            Leaks(
                candidate=result.name,
                honest=result.error,
                prepared=again(tables, candidate, "prepared") if linear else None,
                selected=again(narrow, candidate, f"prepared, {n_selected} selected") if linear else None,
                n_selected=n_selected,
                tuned=result.score if result.optimism is not None else None,
                stopped=None if leaky is None else again(tasks, leaky, "as it is"),
            )
        )
    return tuple(found)


def steps_of_leaks(candidate: Candidate, task: Task) -> int:
    """How many steps more a candidate takes with them, for the progress bar."""
    if isinstance(candidate, PathCandidate):
        return 2 * candidate.steps(task)
    if isinstance(candidate, NetworkCandidate) and candidate.stopped_by_scored_rows() is not None:
        return candidate.steps(task)
    return 0


def _prepared(task: Task) -> Task:
    """The task on a table that all rows filled, pooled and scaled."""
    rows, encoding = task.rows, task.encoding
    weights = rows.weights if rows.is_weighted else None
    recipe = Recipe.learn(
        rows.design,
        fill=encoding.fill,
        indicators=encoding.indicators,
        min_level_count=encoding.min_level_count,
        weights=weights,
    )
    values = recipe.encode_values(rows.values)
    spread = np.sqrt(np.average((values - np.average(values, axis=0, weights=weights)) ** 2, axis=0, weights=weights))
    values = np.asfortranarray(values / np.where(spread > 0.0, spread, 1.0))
    design = replace(rows.design, values=values, columns=recipe.columns, categories=())
    return replace(task, rows=replace(rows, design=design), encoding=Encoding(), standardize=False)


def _selected(task: Task, count: int) -> Task:
    """The task on the columns that go best with the target, on all rows."""
    rows = task.rows
    marks = rows.y if rows.y.ndim == 2 else rows.y[:, None]
    if rows.event is not None:
        marks = marks[:, 1:]
    weight = (rows.weights / rows.weights.sum())[:, None]
    x, y = rows.values, marks - np.sum(weight * marks, axis=0)
    size = np.sqrt(np.maximum(np.sum(weight * (x - np.sum(weight * x, axis=0)) ** 2, axis=0), 1e-300))
    along = np.max(np.abs((weight * y).T @ x), axis=0) / size
    chosen = np.sort(np.argsort(-along, kind="stable")[:count])
    columns = tuple(rows.design.columns[j] for j in chosen)
    design = replace(rows.design, values=np.asfortranarray(x[:, chosen]), columns=columns)
    return replace(task, rows=replace(rows, design=design), groups=task.groups[chosen])


def _error(tasks: Sequence[Task], candidate: Candidate, where: Here) -> float:
    outcome = candidate.outcome(tasks, [where.piece(candidate, task) for task in tasks])
    rows, partitions = tasks[0].rows, [task.folds for task in tasks]
    folds = replace(partitions[0], labels=np.concatenate([each.labels for each in partitions]))
    error = np.average(fold_errors(rows, folds, outcome.eta, outcome.everywhere), weights=fold_weights(rows, folds))
    return float(np.sqrt(error)) if measure_of(rows.family).is_root else float(error)
