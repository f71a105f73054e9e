"""Evaluation: each candidate's tuned procedure scored on rows it has not seen, and its final model read out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter

import numpy as np

from foldwise.families import Family, Gaussian, null_intercept
from foldwise.inference import optimism, stability
from foldwise.paths import Paths
from foldwise.resampling import Folds
from foldwise.study.candidates import Candidate
from foldwise.study.differences import Difference, Scoring, compare_all
from foldwise.study.measure import measure_of, other_scores
from foldwise.study.result import CandidateResult
from foldwise.study.search import Floats, Search
from foldwise.study.task import Rule, Task
from foldwise.study.tuning import Tuning, tune

Progress = Callable[[int, int, str], None]
# Seconds that a path may take before its strengths are counted.
PATIENCE = 1.0


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows that score.

    Attributes
    ----------
    values : (n, p) array
        Raw design values, NaN where missing.
    target, weights : (n,) arrays
    family : Family
    """

    values: Floats
    target: Floats
    weights: Floats
    family: Family = field(default_factory=Gaussian)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What came out, in ascending order of error.

    Attributes
    ----------
    results : one for each candidate
    differences : one for each pair of candidates
    baseline_error : float
        Error of always predicting the training mean.
    baseline_scores : dict
        What else is told of it.
    baseline_difference : Difference
        How much worse that is than the best candidate; one comparison, not adjusted.
    seconds : dict
        Wall time of each candidate's fits and choices.
    """

    results: tuple[CandidateResult, ...]
    differences: tuple[Difference, ...]
    baseline_error: float
    baseline_difference: Difference
    seconds: dict[str, float]
    baseline_scores: dict[str, float]


def evaluate(
    task: Task, rows: Rows, candidates: Sequence[Candidate], *, rule: Rule, progress: Progress | None = None
) -> Evaluation:
    """Fit, tune and score every candidate; compare them in pairs."""
    folds = task.folds
    searches, tunings, seconds = [], [], {}
    steps = _Steps(sum(candidate.steps(task) for candidate in candidates), progress)
    task = replace(task, progress=steps.on_the_way)
    for candidate in candidates:
        start = perf_counter()
        search = Search.of(steps.counted(partial(candidate.fit, task), candidate.name), task.target_scale)
        searches.append(search)
        tunings.append(tune(search, repeats=folds.n_repeats, rule=rule))
        seconds[candidate.name] = perf_counter() - start
    etas, baseline = _out_of_fold(folds, rows, searches, tunings)
    fold_error = np.stack([_fold_error(folds, rows, eta) for eta in etas])
    baseline_error = _fold_error(folds, rows, baseline)
    fold_weight = np.array([rows.weights[folds.test_rows(i)].sum() for i in range(fold_error.shape[1])])
    fold_rows = np.array([folds.test_rows(i).shape[0] for i in range(fold_error.shape[1])])
    variance = float(np.average(baseline_error, weights=fold_weight))
    is_root = measure_of(rows.family).is_root
    scoring = Scoring(fold_weight, fold_rows / (folds.n_rows - fold_rows), variance, is_root)

    order = np.argsort(fold_error @ fold_weight, kind="stable").tolist()
    names = [candidates[c].name for c in order]
    differences, letters = compare_all(names, fold_error[order], scoring)
    (baseline_difference,), _ = compare_all(
        [names[0], "the mean"], np.stack([fold_error[order[0]], baseline_error]), scoring
    )
    results = tuple(
        _result(candidates[c], searches[c], tunings[c], folds, rows, etas[c], fold_error[c], letter, scoring)
        for c, letter in zip(order, letters, strict=True)
    )
    steps.show("")
    error = float(np.sqrt(variance)) if is_root else variance
    scores = other_scores(rows.family, rows.target, baseline, rows.weights, folds)
    return Evaluation(results, differences, error, baseline_difference, seconds, scores)


class _Steps:
    """Tells the caller how many paths are done."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.done, self.total, self.progress = 0, total, progress
        self.name, self.began = "", perf_counter()

    def show(self, following: str) -> None:
        if self.progress is not None:
            self.progress(self.done, self.total, following)

    def on_the_way(self, done: int, strengths: int) -> None:
        if perf_counter() - self.began > PATIENCE:
            self.show(f"{self.name}, strength {done} of {strengths}")

    def counted(self, paths: Callable[[], Iterable[Paths]], name: str) -> Iterator[Paths]:
        self.name = name
        self.show(name)
        self.began = perf_counter()
        for path in paths():
            self.done += 1
            yield path
            self.show(name)
            self.began = perf_counter()


def _out_of_fold(
    folds: Folds, rows: Rows, searches: Sequence[Search], tunings: Sequence[Tuning]
) -> tuple[Floats, Floats]:
    """Linear predictors (C, R, n) of the tuned procedures, and without features (R, n), in the order of the table."""
    predictions = np.empty((len(searches), folds.n_repeats, folds.n_rows))
    baseline = np.empty((folds.n_repeats, folds.n_rows))
    for i in range(folds.n_repeats * folds.n_folds):
        repeat = i // folds.n_folds
        test, training = folds.test_rows(i), folds.training_rows({i})
        if isinstance(rows.family, Gaussian):
            baseline[repeat, test] = np.average(rows.target[training], weights=rows.weights[training])
        else:
            weight = rows.weights[training][:, None]
            baseline[repeat, test] = null_intercept(rows.family, rows.target[training], weight)[0]
        design = searches[0].maps[1 + i].rows(rows.values[test])
        centre = searches[0].mean[1 + i]
        points = [tuning.outer[i] for tuning in tunings]
        coef = np.stack([search.coef[1 + i, g] for search, g in zip(searches, points, strict=True)])
        intercept = np.array([search.intercept[1 + i, g] for search, g in zip(searches, points, strict=True)])
        # About the training means, so that columns far from zero lose no digits.
        predictions[:, repeat, test] = coef @ (design - centre).T + (intercept + coef @ centre)[:, None]
    return predictions, baseline


def _fold_error(folds: Folds, rows: Rows, eta: Floats) -> Floats:
    """Weighted mean deviance (R*K,), for the gaussian family squared error, of out-of-fold predictors (R, n)."""
    error = rows.weights * rows.family.deviance(eta.T, rows.target).T
    return np.concatenate(
        [
            np.bincount(label, weights=e) / np.bincount(label, weights=rows.weights)
            for label, e in zip(folds.labels, error, strict=True)
        ]
    )


def _result(
    candidate: Candidate,
    search: Search,
    tuning: Tuning,
    folds: Folds,
    rows: Rows,
    eta: Floats,
    fold_error: Floats,
    letters: str,
    scoring: Scoring,
) -> CandidateResult:
    error = scoring.corrected_t(fold_error)
    told = np.sqrt if scoring.is_root else np.asarray
    low, high = told(np.maximum(error.interval, 0.0)).tolist()
    mean, score = float(told(error.mean)), float(told(tuning.score))
    tuned = search.inner_error is not None
    fits = search.coef[np.arange(1, 1 + tuning.outer.shape[0]), tuning.outer]
    steady = stability(fits)
    points = np.flatnonzero(search.path == search.path[tuning.final])
    coef = search.coef[0, tuning.final]
    return CandidateResult(
        name=candidate.name,
        drops_features=candidate.drops_features,
        error=mean,
        interval=(low, high),
        explained=1.0 - error.mean / scoring.variance,
        score=score,
        optimism=optimism(mean, score) if tuned else None,
        letters=letters,
        alpha=float(search.alphas[tuning.final]),
        l1_ratio=float(search.l1_ratios[tuning.final]),
        alpha_min=float(search.alphas[tuning.minimum]) if tuned else None,
        alpha_1se=float(search.alphas[tuning.one_se]) if tuned else None,
        intercept=float(search.intercept[0, tuning.final]),
        coef=coef,
        coef_per_sd=coef * search.scale[0],
        survival=steady.survival,
        sign=steady.sign,
        agreement=steady.agreement,
        chosen_alpha=search.alphas[tuning.outer],
        chosen_l1_ratio=search.l1_ratios[tuning.outer],
        fold_error=fold_error,
        predictions=rows.family.mean(eta),
        curve_alpha=search.alphas[points],
        curve_error=told(np.sum(scoring.share[:, None] * search.outer_error[:, points], axis=0)),
        gap=search.gap,
        scores=other_scores(rows.family, rows.target, eta, rows.weights, folds),
        is_root=scoring.is_root,
    )
