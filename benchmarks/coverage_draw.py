"""One draw of the coverage simulation: a table, every interval for the error of its models, and the test of a null."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

import foldwise as fw
from benchmarks.coverage_worlds import HALF, World
from foldwise.families import family_of
from foldwise.inference import (
    bayesian_correlated_t,
    bbc_cv,
    corrected_resampled_t,
    nested_interval,
    rank_flip,
)
from foldwise.paths import Paths

Floats = NDArray[np.float64]
Interval = tuple[float, float]

CONFIDENCE = 0.95
SAMPLES = 200
"""Bootstrap samples of BBC-CV: enough for percentiles that are averaged over a thousand tables."""
STRENGTHS = {
    "gaussian": {"l1_ratio": 1.0, "alphas": np.append(np.geomspace(1.0, 0.01, 14), 0.0)},
    "binomial": {"l1_ratio": 0.0, "alphas": np.geomspace(1.0, 0.03, 6)},
}


@dataclass(frozen=True)
class Judged:
    """A model's true error, and the intervals that were stated for it from its table alone."""

    error: float
    intervals: dict[str, Interval]


@dataclass(frozen=True)
class Null:
    """What was said of two models that are equally good before their table is drawn.

    Attributes
    ----------
    difference : float
        What their observed mean difference was.
    corrected, naive : float
        P values of the corrected resampled t and of the plain paired t.
    surest : float
        The larger of the probabilities, Bayesian, that one or the other is better.
    flip : float
        Odds that another table reverses their order.
    """

    difference: float
    corrected: float
    naive: float
    surest: float
    flip: float


def draw(world: World, n: int, folds: fw.Folds, rng: np.random.Generator) -> tuple[dict[str, Judged], Null]:
    """Draw one table; judge the tuned procedure, for the gaussian family least squares too, and the null."""
    X, y = world.table(rng, n)
    paths = fw.fit_paths(X, y, family=world.family, folds=folds, nested=True, **STRENGTHS[world.family])
    losses = out_of_fold_losses(paths, X, y, folds)
    judged = {"tuned": tuned(world, paths, losses, folds, seed=int(rng.integers(1 << 32)))}
    if world.family == "gaussian":
        judged["least squares"] = untuned(world, paths, losses, folds, at=-1)
    return judged, null(world, X, y, folds)


def tuned(world: World, paths: Paths, losses: Floats, folds: fw.Folds, *, seed: int) -> Judged:
    """Judge the procedure that chooses its strength by cross-validation."""
    share = paths.fold_weight / paths.fold_weight.sum()
    inner_mean = mean_inner(paths)
    outer, choice = paths.cv_error, inner_mean.argmin(axis=1)
    final = int((share @ outer).argmin())
    fold, row = np.arange(len(outer)), np.arange(folds.n_rows)
    chosen = choice.reshape(folds.labels.shape[0], -1)[np.arange(folds.n_repeats)[:, None], folds.labels]
    honest = losses[np.arange(folds.n_repeats)[:, None], row, chosen]
    cost = float(inner_mean[:, final].mean() / (share @ outer[:, final]))
    intervals = {
        "naive": naive(losses[:, :, final]),
        "corrected t": corrected(outer[fold, choice], folds, paths.fold_weight),
        "nested": nested_interval(honest, folds.labels, paths.inner_error[fold, :, choice], size_cost=cost).interval,
        "BBC-CV": bbc_cv(losses, samples=SAMPLES, confidence=CONFIDENCE, seed=seed).interval,
    }
    return Judged(world.error(paths.coef[0, final], float(paths.intercept[0, final])), intervals)


def untuned(world: World, paths: Paths, losses: Floats, folds: fw.Folds, *, at: int) -> Judged:
    """Judge the fit of one strength, at which nothing is chosen."""
    intervals = {
        "naive": naive(losses[:, :, at]),
        "corrected t": corrected(paths.cv_error[:, at], folds, paths.fold_weight),
        "nested": nested_interval(losses[:, :, at], folds.labels, paths.inner_error[:, :, at]).interval,
    }
    return Judged(world.error(paths.coef[0, at], float(paths.intercept[0, at])), intervals)


def null(world: World, X: Floats, y: Floats, folds: fw.Folds) -> Null:
    """Compare the model of the first five features with that of the last five, which are worth as much."""
    half = len(HALF)
    settings = {"family": world.family, "folds": folds, "alphas": [0.02], "l1_ratio": 0.0}
    first, second = (fw.fit_paths(part, y, **settings).cv_error[:, 0] for part in (X[:, :half], X[:, half:]))
    values, ratio = second - first, 1.0 / (folds.n_folds - 1)
    found = corrected_resampled_t(values, test_per_train=ratio)
    posterior = bayesian_correlated_t(values, rope=0.0, test_per_train=ratio)
    return Null(
        found.mean,
        found.p,
        float(stats.ttest_1samp(values, 0.0).pvalue),
        max(posterior.below, posterior.above),
        rank_flip(values, test_per_train=ratio, repeats=folds.n_repeats).new_table,
    )


def naive(losses: Floats) -> Interval:
    """What most people state: the cross-validated error plus and minus 1.96 s / sqrt(n), losses (R, n)."""
    mean, error = losses.mean(), np.sqrt(np.mean(losses.var(axis=1, ddof=1) / losses.shape[1]))
    half = float(stats.norm.ppf(0.5 + 0.5 * CONFIDENCE)) * error
    return float(mean - half), float(mean + half)


def corrected(values: Floats, folds: fw.Folds, weights: Floats) -> Interval:
    """Interval of the corrected resampled t on errors per fold (R*K,)."""
    ratio = 1.0 / (folds.n_folds - 1)
    return corrected_resampled_t(values, test_per_train=ratio, weights=weights, confidence=CONFIDENCE).interval


def mean_inner(paths: Paths) -> Floats:
    """Mean inner error (R*K, A) of each outer fold."""
    weight = paths.fold_weight.reshape(paths.n_repeats, 1, paths.n_folds)
    weight = np.broadcast_to(weight, (paths.n_repeats, paths.n_folds, paths.n_folds)).reshape(-1, paths.n_folds).copy()
    weight[np.isnan(paths.inner_error[:, :, 0])] = 0.0
    mean: Floats = np.einsum("ik,ika->ia", weight, np.nan_to_num(paths.inner_error)) / weight.sum(axis=1)[:, None]
    return mean


def out_of_fold_losses(paths: Paths, X: Floats, y: Floats, folds: fw.Folds) -> Floats:
    """Loss (R, n, A) of every row, at every strength, under the fit that holds out its fold."""
    family, coef = family_of(paths.family), paths.coef
    losses = np.empty((folds.n_repeats, folds.n_rows, len(paths.alphas)))
    for i in range(folds.n_repeats * folds.n_folds):
        rows = folds.test_rows(i)
        eta = X[rows] @ coef[1 + i].T + paths.intercept[1 + i]
        losses[i // folds.n_folds, rows] = family.deviance(eta, y[rows])
    return losses
