"""Comparing without rows at hand: from fold moments, or from rows that are read in passes for other families."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from time import perf_counter
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import DataWarning, InputError
from foldwise.families import Gaussian
from foldwise.moments import FoldMoments
from foldwise.moments.whole import one_repeat
from foldwise.paths import RowStream
from foldwise.paths.strengths import check_strengths
from foldwise.study.candidates import find_candidates
from foldwise.study.candidates.path_candidate import PathCandidate
from foldwise.study.collinear import collinear_notes
from foldwise.study.comparison import Comparison, Run, Settings
from foldwise.study.differences import Scoring
from foldwise.study.error_interval import CORRECTED
from foldwise.study.evaluation import Judged, compared
from foldwise.study.floor import READ_ONCE, Floor
from foldwise.study.from_stream import NO_PREDICTIONS, baseline_of, made_ready, modelled_by
from foldwise.study.rows import Rows
from foldwise.study.running import run
from foldwise.study.sizes import Dealt
from foldwise.study.steps import Progress, Steps
from foldwise.study.task import Rule, Task
from foldwise.tables import Column, Design

NO_ROWS = (  # of squared errors
    "the rows were read once and are not kept: errors are exact, from each fold's moments; out-of-fold predictions and "
    "mean absolute errors are absent"
)
LEAK = 1e-12
"""1 - |correlation| below which a feature is the target in another unit."""
NOTHING = frozenset[int]()


@dataclass(frozen=True, eq=False)
class MomentsTask(Task):
    """A task without rows: the moments of one repeat, the target divided by the task's scale, or a stream of rows."""

    kept: FoldMoments | RowStream | None = field(default=None)

    @property
    def has_rows(self) -> bool:
        """There are none."""
        return False

    @cached_property
    def source(self) -> FoldMoments | RowStream:
        """The moments, or the stream."""
        if self.kept is None:
            raise InputError("a task without rows needs moments")
        return self.kept


def compare_moments(
    given: FoldMoments | RowStream,
    notes: tuple[str, ...] = (),
    *,
    candidates: Any,
    alphas: int | ArrayLike = 100,
    l1_ratios: tuple[float, ...] = (0.5,),
    target_scale: float | None = None,
    rule: Rule = "min",
    rope: float = 0.0,
    progress: Progress | None = None,
) -> Comparison:
    """Compare candidates on the folds of a scan; `foldwise.compare` says what the parameters are.

    Raises
    ------
    InputError
        For moments with fewer than three folds where a strength is to be chosen, and candidates that need rows.
    """
    begun, start = datetime.now(UTC), perf_counter()
    if rule not in get_args(Rule):
        raise InputError(f"rule must be 'min' or '1se', got {rule!r}")
    strengths = check_strengths(alphas)
    stream = given if isinstance(given, RowStream) else None
    moments = given.moments if isinstance(given, RowStream) else given
    family = Gaussian() if stream is None else stream.family
    chosen = find_candidates(candidates, gaussian=stream is None)
    needing = [candidate.name for candidate in chosen if not isinstance(candidate, PathCandidate)]
    if needing:
        raise InputError(f"candidate {needing[0]!r} needs the rows, and they are not kept")
    if moments.n_folds < (3 if any(candidate.tunes for candidate in chosen) else 2):
        found = moments.n_folds if moments.n_folds > 1 else "none"
        raise InputError(f"folds must be at least 3, so that inner folds can choose a strength, got {found}")
    whole = moments.training_set(NOTHING)
    if stream is not None:
        if target_scale is not None:
            raise InputError(f"target_scale must be left out with the {family.name} family, got {target_scale!r}")
        scale = 1.0
    elif target_scale is None:
        scale = float(np.sqrt(whole.y_variance)) or 1.0
    elif not (np.isfinite(target_scale) and target_scale > 0.0):
        raise InputError(f"target_scale must be a number > 0, got {target_scale!r}")
    else:
        scale = float(target_scale)
    columns, target = _columns(moments), "y" if moments.origin is None else moments.origin.target
    scaled = _with_target_divided(moments, scale)
    steps = Steps(progress=progress)
    rows = Rows(Design(np.zeros((0, len(columns))), columns), family, np.zeros(0), np.zeros(0))
    _, groups = np.unique([column.source for column in columns], return_inverse=True)
    tasks = [
        MomentsTask(
            rows,
            Dealt(moments.n_rows, moments.n_folds, 1),  # type: ignore[arg-type]  # only sizes are asked of it
            repeat,
            target_scale=scale,
            alphas=strengths if isinstance(strengths, int) else strengths / scale,
            l1_ratios=l1_ratios,
            rule=rule,
            groups=groups,
            steps=steps,
            kept=one_repeat(scaled, repeat) if stream is None else stream.only(repeat),
        )
        for repeat in range(moments.n_repeats)
    ]
    steps.total = sum(candidate.steps(task) for candidate in chosen for task in tasks)
    shared = made_ready(tasks, chosen)
    finished = run(tasks, chosen)
    outcomes = [candidate.outcome(tasks, mine) for candidate, mine in zip(chosen, finished.pieces, strict=True)]
    baseline = _baseline(moments) if stream is None else baseline_of(tasks)
    evaluation = compared(chosen, outcomes, _judged(moments, finished.pieces, rope, baseline, is_root=stream is None))
    origin = moments.origin
    told = (*_leaks(moments, columns, target), *collinear_notes(whole, columns, moments.n_rows))
    for note in told:
        warnings.warn(note, DataWarning, stacklevel=3)
    units = {} if origin is None else dict(origin.units)
    return Comparison(
        target=target,
        unit=units.get(target),
        columns=columns,
        folds=Dealt(moments.n_rows, moments.n_folds, moments.n_repeats),
        results=evaluation.results,
        differences=evaluation.differences,
        baseline_error=evaluation.baseline_error,
        baseline_difference=evaluation.baseline_difference,
        notes=(
            *notes,
            NO_ROWS if stream is None else NO_PREDICTIONS,
            *_skipped(moments),
            *(() if origin is None else origin.notes),
            *told,
        ),
        settings=Settings(
            seed=None if origin is None else origin.seed,
            stratify=False,
            groups=None if origin is None else origin.key,
            sample_weight=None if origin is None else origin.weight,
            offset=None,
            drop=() if origin is None else origin.drop,
            fill=moments.fill or "mean",
            indicators=moments.indicators,
            min_level_count=moments.min_level_count,
            alphas=strengths if isinstance(strengths, int) else tuple(strengths.tolist()),
            l1_ratios=l1_ratios,
            target_scale=scale,
            rule=rule,
            rope=rope,
        ),
        run=Run.since(
            begun,
            perf_counter() - start,
            {each.name: sum(spent) for each, *spent in zip(chosen, finished.seconds, shared, strict=True)},
        ),
        modelled=modelled_by(stream, target),
        moments=scaled if stream is None else None,
        noise_floor=Floor(None, READ_ONCE),
    )


def _baseline(moments: FoldMoments) -> NDArray[np.float64]:
    """Mean squared errors (R K,) of predicting the training mean."""
    baseline = np.empty(len(moments.weight))
    for block in range(len(baseline)):
        training = moments.training_set(frozenset({block}))
        weight, mean, cross = moments.test_set(block, training.map)
        baseline[block] = (mean[-1] - training.y_mean) ** 2 + cross[-1, -1] / weight
    return baseline


def _judged(
    moments: FoldMoments, pieces: Sequence[Sequence[Any]], rope: float, baseline: NDArray[np.float64], *, is_root: bool
) -> Judged:
    """Errors of what each fold's inner folds chose, beside those without features."""
    total = np.repeat(moments.weight.reshape(moments.n_repeats, -1).sum(axis=1), moments.n_folds)
    variance = float(np.average(baseline, weights=moments.weight))
    shares = moments.weight / (total - moments.weight)
    return Judged(
        fold_error=np.stack([np.concatenate([_chosen(piece.arrays) for piece in mine]) for mine in pieces]),
        baseline=baseline,
        scoring=Scoring(moments.weight, shares, variance, is_root, repeats=moments.n_repeats, rope=rope),
        interval=lambda _, error: ((max(error.interval[0], 0.0), max(error.interval[1], 0.0)), CORRECTED),
        scores=[{} for _ in pieces],
        baseline_scores={},
    )


def _chosen(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    at = arrays["chosen"].astype(np.intp)
    errors: NDArray[np.float64] = arrays["outer_error"][np.arange(len(at)), at]
    return errors


def _columns(moments: FoldMoments) -> tuple[Column, ...]:
    if moments.origin is not None:
        return moments.recipe.columns
    names = [f"x{j}" for j in range(1, moments.n_features + 1)]
    return tuple(Column(name, name, "number") for name in names)


def _with_target_divided(moments: FoldMoments, scale: float) -> FoldMoments:
    mean, cross = moments.mean.copy(), moments.cross.copy()
    mean[:, -1] /= scale
    cross[:, -1, :] /= scale
    cross[:, :, -1] /= scale
    return replace(moments, mean=mean, cross=cross)


def _leaks(moments: FoldMoments, columns: Sequence[Column], target: str) -> tuple[str, ...]:
    whole = moments.training_set(NOTHING)
    size = whole.scale * np.sqrt(whole.y_variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(size > 0.0, np.abs(whole.with_y) / size, 0.0)
    found = np.flatnonzero(1.0 - share < LEAK).tolist()
    why = f"is an exact linear function of the target {target!r}: a leak? drop it if it is not known beforehand"
    return tuple(f"column {columns[j].name!r} {why}" for j in found)


def _skipped(moments: FoldMoments) -> tuple[str, ...]:
    if moments.origin is None or not moments.origin.skipped:
        return ()
    parts = moments.origin.skipped
    rows = moments.origin.n_skipped_rows
    known = f", of at least {rows:,} rows" if rows else ""
    many = f"{len(parts)} parts of the table were" if len(parts) > 1 else "1 part of the table was"
    return (f"{many} skipped{known}; the first is {parts[0][0]}: {parts[0][1]}",)
