"""What is compared: for each procedure scikit-learn's call and foldwise's, and the worst gap each side leaves behind.

Timed calls are what a user writes, with both libraries' defaults. Gaps are computed afterwards, on the final model's
path and on a sample of folds; scikit-learn does not keep its coefficients, so its path is computed again by the
function that its estimator calls, with the same settings.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNetCV, LassoCV, Ridge, RidgeCV, enet_path
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

import foldwise as fw
from benchmarks.gap import relative_gaps
from benchmarks.tasks import Task

Array = NDArray[np.float64]

L1_RATIOS = (0.1, 0.5, 0.9)
SAMPLED_FOLDS = (0, 5)
SAMPLED_RIDGE_ALPHAS = slice(None, None, 9)  # 12 of 100, first and last included


@dataclass(frozen=True)
class Contest:
    """One procedure, run by both sides on a task; the gaps take the task and what the timed call returned."""

    title: str
    sklearn: Callable[[Task], Any]
    foldwise: Callable[[Task], Any]
    sklearn_gap: Callable[[Task, Any], float]
    foldwise_gap: Callable[[Task, Any], float]
    most_rows: int = 1_000_000
    """Tasks with more rows are left out: scikit-learn would take many minutes."""


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence the reports of non-convergence: the gap says it better."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _sampled_rows(task: Task) -> list[tuple[frozenset[int], NDArray[np.intp]]]:
    """Return the held-out sets that gaps are computed for, with their training rows."""
    splits = task.splits
    everything = np.arange(len(task.y))
    return [(frozenset(), everything), *((frozenset({fold}), splits[fold][0]) for fold in SAMPLED_FOLDS)]


# --- lasso and elastic net


def _sklearn_lasso(task: Task) -> LassoCV:
    with _quietly():
        return LassoCV(alphas=task.alphas, cv=task.splits).fit(task.X, task.y)


def _foldwise_lasso(task: Task) -> Any:
    return fw.LassoCV(alphas=task.alphas, cv=task.splits).fit(task.X, task.y)


def _sklearn_elastic_net(task: Task) -> ElasticNetCV:
    with _quietly():
        return ElasticNetCV(l1_ratio=list(L1_RATIOS), alphas=task.alphas, cv=task.splits).fit(task.X, task.y)


def _foldwise_elastic_net(task: Task) -> Any:
    return fw.ElasticNetCV(l1_ratio=list(L1_RATIOS), alphas=task.alphas, cv=task.splits).fit(task.X, task.y)


def _sklearn_path_gap(task: Task, l1_ratio: float) -> float:
    worst = 0.0
    for _, rows in _sampled_rows(task):
        X, y = np.asfortranarray(task.X[rows]), task.y[rows]
        x_mean, y_mean = X.mean(0), y.mean()
        with _quietly():
            alphas, coef, _ = enet_path(X - x_mean, y - y_mean, l1_ratio=l1_ratio, alphas=task.alphas)
        gaps = relative_gaps(X, y, coef.T, y_mean - x_mean @ coef, alphas, l1_ratio)
        worst = max(worst, gaps.max())
    return worst


def _foldwise_path_gap(task: Task, paths: Any, l1_ratio: float, *, loss: str = "mean") -> float:
    worst = 0.0
    for members, rows in _sampled_rows(task):
        alphas = paths.alphas / len(rows) if loss == "sum" else paths.alphas
        worst = max(worst, _gaps_of(task, rows, paths, members, alphas, l1_ratio).max())
    return worst


def _gaps_of(
    task: Task, rows: NDArray[np.intp], paths: Any, members: frozenset[int], alphas: Array, l1_ratio: float
) -> Array:
    at = paths.index(members)
    return relative_gaps(task.X[rows], task.y[rows], paths.coef[at], paths.intercept[at], alphas, l1_ratio)


def _foldwise_elastic_net_gap(task: Task, fitted: Any) -> float:
    return max(_foldwise_path_gap(task, paths, paths.l1_ratio) for paths in fitted.paths_)


# --- ridge


def _sklearn_ridge(task: Task) -> RidgeCV:
    return RidgeCV(alphas=task.ridge_alphas, cv=task.splits).fit(task.X, task.y)


def _foldwise_ridge(task: Task) -> Any:
    return fw.RidgeCV(alphas=task.ridge_alphas, cv=task.splits).fit(task.X, task.y)


def _sklearn_ridge_gap(task: Task, _fitted: Any) -> float:
    alphas = task.ridge_alphas[SAMPLED_RIDGE_ALPHAS]
    worst = 0.0
    for _, rows in _sampled_rows(task):
        X, y = task.X[rows], task.y[rows]
        models = [Ridge(alpha=alpha).fit(X, y) for alpha in alphas]
        coef, intercept = np.stack([model.coef_ for model in models]), np.array([model.intercept_ for model in models])
        worst = max(worst, relative_gaps(X, y, coef, intercept, alphas / len(y), 0.0).max())
    return worst


def _foldwise_ridge_gap(task: Task, fitted: Any) -> float:
    return _foldwise_path_gap(task, fitted.paths_, 0.0, loss="sum")


# --- nested


def _sklearn_nested(task: Task) -> Array:
    """Return the error of the tuned lasso on each outer fold; the inner folds are the nine others, as in foldwise."""
    with _quietly(), sklearn.config_context(enable_metadata_routing=True):
        return -cross_val_score(
            LassoCV(alphas=task.alphas, cv=LeaveOneGroupOut()),
            task.X,
            task.y,
            cv=LeaveOneGroupOut(),
            scoring="neg_mean_squared_error",
            params={"groups": task.labels},
        )


def _foldwise_nested(task: Task) -> Any:
    """Return the paths and, from them, the error of the tuned lasso on each outer fold."""
    folds = fw.Folds.from_labels(task.labels)
    paths = fw.fit_paths(task.X, task.y, alphas=task.alphas, folds=folds, nested=True, standardize=False)
    best = np.nanmean(paths.inner_error, axis=1).argmin(axis=1)
    return paths, paths.cv_error[np.arange(len(best)), best]


def _foldwise_nested_gap(task: Task, fitted: Any) -> float:
    """Return the worst gap of the final path, two folds and one pair of folds."""
    paths, _ = fitted
    rows = np.flatnonzero(~np.isin(task.labels, SAMPLED_FOLDS))
    pair = _gaps_of(task, rows, paths, frozenset(SAMPLED_FOLDS), paths.alphas, 1.0)
    return max(_foldwise_path_gap(task, paths, 1.0), pair.max())


CONTESTS = {
    "lasso": Contest(
        "LassoCV: 100 alphas, 10 folds",
        _sklearn_lasso,
        _foldwise_lasso,
        lambda task, _: _sklearn_path_gap(task, 1.0),
        lambda task, fitted: _foldwise_path_gap(task, fitted.paths_, 1.0),
    ),
    "elastic-net": Contest(
        "ElasticNetCV: 100 alphas, 3 l1_ratios, 10 folds",
        _sklearn_elastic_net,
        _foldwise_elastic_net,
        lambda task, _: max(_sklearn_path_gap(task, l1_ratio) for l1_ratio in L1_RATIOS),
        _foldwise_elastic_net_gap,
    ),
    "ridge": Contest(
        "RidgeCV: 100 alphas, cv=10",
        _sklearn_ridge,
        _foldwise_ridge,
        _sklearn_ridge_gap,
        _foldwise_ridge_gap,
        most_rows=25_000,
    ),
    "nested": Contest(
        "Nested 10 x 10: cross_val_score(LassoCV) beside fit_paths(nested=True)",
        _sklearn_nested,
        _foldwise_nested,
        lambda task, _: _sklearn_path_gap(task, 1.0),
        _foldwise_nested_gap,
        most_rows=5_000,
    ),
    "nested-against-plain": Contest(
        "Nested 10 x 10 with foldwise beside scikit-learn's plain LassoCV",
        _sklearn_lasso,
        _foldwise_nested,
        lambda task, _: _sklearn_path_gap(task, 1.0),
        _foldwise_nested_gap,
    ),
}
