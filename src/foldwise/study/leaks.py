"""Leaks: the errors that one would have reported, had rows that judge taken part in the preparation.

Each is a common mistake, made on purpose and shown beside the honest error. Nothing of it enters a verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foldwise.study.candidates import Candidate
from foldwise.study.candidates.path_candidate import PathCandidate
from foldwise.study.fold_errors import fold_errors, fold_weights
from foldwise.study.measure import measure_of
from foldwise.study.result import CandidateResult
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
    """

    candidate: str
    honest: float
    prepared: float | None
    selected: float | None
    n_selected: int
    tuned: float | None


def measure_leaks(
    tasks: Sequence[Task], candidates: Sequence[Candidate], results: Sequence[CandidateResult]
) -> tuple[Leaks, ...]:
    """Run every candidate that fits coefficients again, with preparations that saw all rows.

    Parameters
    ----------
    tasks : R Tasks
    candidates : C Candidates
    results : what came out of them honestly, in any order

    Returns
    -------
    tuple of Leaks
        In the order of the results; candidates that prepare the table's own columns by themselves are left out.
    """
    by_name = {candidate.name: candidate for candidate in candidates if isinstance(candidate, PathCandidate)}
    kept = [int(r.features.kept.sum()) for r in results if r.features is not None and r.drops_features]
    tables = [_prepared(task) for task in tasks]
    p = len(tables[0].rows.design.columns)
    n_selected = max([1, min(USUAL, p // 2), *sorted(kept)[:1]])
    narrow = [_selected(task, n_selected) for task in tables]
    return tuple(
        Leaks(
            candidate=result.name,
            honest=result.error,
            prepared=_error(tables, by_name[result.name]),
            selected=_error(narrow, by_name[result.name]),
            n_selected=n_selected,
            tuned=result.score if result.optimism is not None else None,
        )
        for result in results
        if result.name in by_name
    )


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


def _error(tasks: Sequence[Task], candidate: Candidate) -> float:
    outcome = candidate.outcome(tasks, [candidate.run(task) for task in tasks])
    rows, partitions = tasks[0].rows, [task.folds for task in tasks]
    folds = replace(partitions[0], labels=np.concatenate([each.labels for each in partitions]))
    error = np.average(fold_errors(rows, folds, outcome.eta, outcome.everywhere), weights=fold_weights(rows, folds))
    return float(np.sqrt(error)) if measure_of(rows.family).is_root else float(error)
