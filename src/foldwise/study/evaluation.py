"""Evaluation: what each candidate left on every repeat, scored on rows it had not seen, and compared in pairs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foldwise.inference import CorrectedT, optimism
from foldwise.resampling import Folds
from foldwise.study.candidates import Candidate
from foldwise.study.differences import Difference, Scoring, compare_all
from foldwise.study.error_interval import error_interval
from foldwise.study.fold_errors import fold_errors, fold_weights, without_features
from foldwise.study.measure import measure_of, other_scores
from foldwise.study.outcome import Outcome
from foldwise.study.picked import Picked, picked_of
from foldwise.study.piece import Piece
from foldwise.study.result import CandidateResult
from foldwise.study.rows import Rows
from foldwise.study.task import Task

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What came out, in ascending order of error.

    Attributes
    ----------
    results : one for each candidate
    differences : one for each pair of candidates
    baseline_error : float
        Error of predicting without features.
    baseline_difference : Difference
        How much worse that is than the best candidate; one comparison, not adjusted.
    baseline_scores : dict
        What else is told of it.
    picked : Picked or None
        What being picked as the best is worth; None with one candidate, and where no rows are kept.
    """

    results: tuple[CandidateResult, ...]
    differences: tuple[Difference, ...]
    baseline_error: float
    baseline_difference: Difference
    baseline_scores: dict[str, float]
    picked: Picked | None = None


def evaluate(
    tasks: Sequence[Task],
    candidates: Sequence[Candidate],
    pieces: Sequence[Sequence[Piece]],
    *,
    rope: float = 0.0,
    groups: NDArray[np.intp] | None = None,
) -> Evaluation:
    """Join what candidates left on every repeat, and score and compare it.

    Parameters
    ----------
    tasks : R Tasks
        One for each repeat, in order; all of the same rows.
    candidates : C Candidates
    pieces : C sequences of R Pieces
    rope : float
        The largest difference between errors that does not matter.
    groups : (n,) array of int, optional
        Rows with the same number were kept in one fold.
    """
    outcomes = [candidate.outcome(tasks, mine) for candidate, mine in zip(candidates, pieces, strict=True)]
    folds = Folds(np.concatenate([task.folds.labels for task in tasks]))
    rows = tasks[0].rows
    judged = _judged_by_rows(rows, folds, outcomes, rope=rope, grouped=groups is not None)
    found = compared(candidates, outcomes, judged)
    names = [candidate.name for candidate in candidates]
    return replace(found, picked=picked_of(rows, outcomes, names, found.results[0], groups=groups))


@dataclass(frozen=True, eq=False)
class Judged:
    """What all candidates are compared by.

    Attributes
    ----------
    fold_error : (C, R*K) array
        Mean squared errors, or deviances, of the candidates' tuned procedures on each fold.
    baseline : (R*K,) array
        Those of predicting without features.
    scoring : Scoring
    interval : callable
        For candidate number c, and its errors' corrected t, the 95 % interval and what it is by.
    scores, baseline_scores : C dicts, dict
        What else is told of the predictions.
    """

    fold_error: Floats
    baseline: Floats
    scoring: Scoring
    interval: Callable[[int, CorrectedT], tuple[tuple[float, float], str]]
    scores: Sequence[dict[str, float]]
    baseline_scores: dict[str, float]


def _judged_by_rows(rows: Rows, folds: Folds, outcomes: Sequence[Outcome], *, rope: float, grouped: bool) -> Judged:
    baseline, everywhere = without_features(rows, folds)
    baseline_error = fold_errors(rows, folds, baseline, everywhere)
    weight = fold_weights(rows, folds)
    n_test = np.concatenate([np.bincount(label) for label in folds.labels])
    variance = float(np.average(baseline_error, weights=weight))
    is_root = measure_of(rows.family).is_root
    return Judged(
        fold_error=np.stack([fold_errors(rows, folds, outcome.eta, outcome.everywhere) for outcome in outcomes]),
        baseline=baseline_error,
        scoring=Scoring(weight, n_test / (folds.n_rows - n_test), variance, is_root, folds.n_repeats, rope),
        interval=lambda c, error: error_interval(rows, folds, outcomes[c], error, grouped=grouped),
        scores=[other_scores(rows.family, rows.y, outcome.eta, rows.weights, folds) for outcome in outcomes],
        baseline_scores=other_scores(rows.family, rows.y, baseline, rows.weights, folds),
    )


def compared(candidates: Sequence[Candidate], outcomes: Sequence[Outcome], judged: Judged) -> Evaluation:
    """Order the candidates by their errors, and test the differences."""
    fold_error, scoring = judged.fold_error, judged.scoring
    order = np.argsort(fold_error @ scoring.weights, kind="stable").tolist()
    names = [candidates[c].name for c in order]
    differences, letters = compare_all(names, fold_error[order], scoring)
    (baseline_difference,), _ = compare_all(
        [names[0], "the mean"], np.stack([fold_error[order[0]], judged.baseline]), scoring
    )
    results = tuple(
        _result(candidates[c], outcomes[c], judged, c, letter) for c, letter in zip(order, letters, strict=True)
    )
    error = float(np.sqrt(scoring.variance)) if scoring.is_root else scoring.variance
    return Evaluation(results, differences, error, baseline_difference, judged.baseline_scores)


def _result(candidate: Candidate, outcome: Outcome, judged: Judged, c: int, letters: str) -> CandidateResult:
    scoring, fold_error = judged.scoring, judged.fold_error[c]
    error = scoring.corrected_t(fold_error)
    told = np.sqrt if scoring.is_root else np.asarray
    interval, interval_by = judged.interval(c, error)
    low, high = told(np.asarray(interval)).tolist()
    mean = float(told(error.mean))
    score = None if outcome.score is None else float(told(outcome.score))
    strengths = outcome.strengths
    return CandidateResult(
        name=candidate.name,
        drops_features=candidate.drops_features,
        error=mean,
        interval=(low, high),
        interval_by=interval_by,
        explained=1.0 - error.mean / scoring.variance,
        letters=letters,
        fold_error=fold_error,
        predictions=outcome.predictions,
        score=score,
        optimism=optimism(mean, score) if outcome.tuned and score is not None else None,
        strengths=None if strengths is None else replace(strengths, curve_error=told(strengths.curve_error)),
        features=outcome.features,
        gap=outcome.gap,
        scores=judged.scores[c],
        about=outcome.about,
        notes=outcome.notes,
        along=outcome.along,
        is_root=scoring.is_root,
    )
