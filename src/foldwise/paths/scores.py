"""Scores on held-out rows other than the deviance: those of class probabilities and predictions, from the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from foldwise.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from foldwise.families import Family
    from foldwise.paths.paths import Paths
    from foldwise.resampling import Folds

    Floats = NDArray[np.float64]
    Score = Callable[[Family, Floats, Floats, Floats], Floats]

NEVER_QUITE = np.finfo(float).eps


def _mean(weight: Floats, each: Floats) -> Floats:
    return np.asarray(weight @ each / weight.sum())


def _deviance(family: Family, y: Floats, eta: Floats, weight: Floats) -> Floats:
    return _mean(weight, family.deviance(eta, y[:, None] if y.ndim == 2 else y))


def _squared(family: Family, y: Floats, eta: Floats, weight: Floats) -> Floats:
    if y.ndim == 2:
        return _mean(weight, ((family.mean(eta) - y[:, None]) ** 2).sum(axis=-1))
    return _mean(weight, (family.mean(eta) - y[:, None]) ** 2)


def _absolute(family: Family, y: Floats, eta: Floats, weight: Floats) -> Floats:
    return _mean(weight, np.abs(family.mean(eta) - y[:, None]))


def _wrong(family: Family, y: Floats, eta: Floats, weight: Floats) -> Floats:
    if y.ndim == 2:
        return _mean(weight, eta.argmax(axis=-1) != y.argmax(axis=-1)[:, None])
    return _mean(weight, (family.mean(eta) > 0.5) != (y[:, None] > 0.5))


def _log_loss(family: Family, y: Floats, eta: Floats, weight: Floats) -> Floats:
    if y.ndim == 2:
        return _mean(weight, family.loss(eta, y[:, None]))
    chance = np.clip(family.mean(eta), NEVER_QUITE, 1.0 - NEVER_QUITE)
    return _mean(weight, -np.where(y[:, None] > 0.5, np.log(chance), np.log1p(-chance)))


def _auc(family: Family, y: Floats, eta: Floats, weight: Floats) -> Floats:  # noqa: ARG001 - any family's ranking
    """Area under the receiver operating characteristic (A,); nan where a class is absent."""
    if y.ndim == 2:
        message = "score 'auc' is for two classes; take 'deviance', 'brier' or 'misclassification'"
        raise InputError(message)
    positive = y > 0.5
    total = weight[positive].sum() * weight[~positive].sum()
    if total == 0.0:
        return np.full(eta.shape[1], np.nan)
    found = np.empty(eta.shape[1])
    for a in range(eta.shape[1]):
        _, place = np.unique(eta[:, a], return_inverse=True)
        ups = np.bincount(place, weight * positive)
        downs = np.bincount(place, weight * ~positive)
        found[a] = ups @ (np.cumsum(downs) - 0.5 * downs) / total
    return found


def _concordance(family: Family, y: Floats, eta: Floats, weight: Floats) -> Floats:
    """Share of comparable pairs (A,) whose earlier event has the larger predictor, ties half; nan where there are none.

    Comparable are an event and a row of its stratum that was under observation for longer, weighted by both weights.
    Source: F. E. Harrell et al. (1982), Evaluating the yield of medical tests, JAMA 247.
    """
    if not family.shares_rows:
        message = f"score 'concordance' is for family='cox', got {family.name!r}"
        raise InputError(message)
    _, time, event, stratum = y.T
    right, pairs = np.zeros(eta.shape[1]), 0.0
    for i in np.flatnonzero(event):
        longer = (stratum == stratum[i]) & (time > time[i])
        w = weight[i] * weight[longer]
        ahead = eta[i] - eta[longer]
        right += w @ np.where(ahead == 0.0, 0.5, ahead > 0.0)
        pairs += float(w.sum())
    return right / pairs if pairs > 0.0 else np.full(eta.shape[1], np.nan)


SCORES: dict[str, Score] = {
    "deviance": _deviance,
    "mse": _squared,
    "brier": _squared,
    "mae": _absolute,
    "misclassification": _wrong,
    "log_loss": _log_loss,
    "auc": _auc,
    "concordance": _concordance,
}


def held_out_scores(
    paths: Paths,
    X: Any,
    y: ArrayLike,
    folds: Folds,
    score: str | Score = "deviance",
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
) -> tuple[Floats, Floats | None]:
    """Score every fold's rows with the fits that hold them out.

    Parameters
    ----------
    paths : Paths
    X : array (n, p), or sparse
    y : array (n,)
    folds : Folds
        The ones of the paths.
    score : str or callable
        A name in `SCORES`, or a function of (family, y (m,), linear predictors (m, A), weight (m,)) that returns (A,).
    sample_weight, offset : arrays (n,), optional

    Returns
    -------
    cv_score : array (R K, A)
        Of fold i by the fit that holds out `{i}`.
    inner_score : array (R K, K, A) or None
        As `Paths.inner_error`, where the paths are nested.

    Raises
    ------
    InputError
        Where the score is unknown or the folds are others.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 3))
    >>> y = (X[:, 0] + rng.normal(size=90) > 0).astype(float)
    >>> folds = fw.Folds.kfold(90, n_folds=3)
    >>> paths = fw.fit_paths(X, y, family="binomial", folds=folds, alphas=[0.1, 0.01])
    >>> auc, _ = held_out_scores(paths, X, y, folds, "auc")
    >>> auc.shape, bool((auc > 0.6).all())
    ((3, 2), True)
    """
    if isinstance(score, str) and score not in SCORES:
        message = f"score must be one of {', '.join(map(repr, SCORES))}, or a function, got {score!r}"
        raise InputError(message)
    function = SCORES[score] if isinstance(score, str) else score
    if (folds.n_folds, folds.n_repeats) != (paths.n_folds, paths.n_repeats):
        message = (
            f"folds must be those of the paths, {paths.n_repeats} x {paths.n_folds}, "
            f"got {folds.n_repeats} x {folds.n_folds}"
        )
        raise InputError(message)
    table = sparse.csr_array(X) if sparse.issparse(X) else np.asarray(X)
    n = table.shape[0]
    of_family = paths.kept.ndim == 4 or paths.family.shares_rows
    target = paths.family.check_target(y, n) if of_family else np.asarray(y, dtype=np.float64).reshape(-1)
    if paths.family.shares_rows and score in SCORES and score != "concordance":
        message = (
            f"score must be 'concordance' or a function with family='cox' (cv_error has the deviance), got {score!r}"
        )
        raise InputError(message)
    weight = np.ones(n) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    added = None if offset is None else np.asarray(offset, dtype=np.float64)
    k, points = paths.n_folds, len(paths.alphas)
    cv_score = np.full((paths.n_repeats * k, points), np.nan)
    nested = any(len(members) == 2 for members in paths.held_out)
    inner_score = np.full((paths.n_repeats * k, k, points), np.nan) if nested else None
    for members in paths.held_out:
        for fold in members:
            rows = folds.test_rows(fold)
            eta = paths.linear_predictor(table[rows], members, offset=None if added is None else added[rows])
            found = function(paths.family, target[rows], eta, weight[rows])
            if len(members) == 1:
                cv_score[fold] = found
            elif inner_score is not None:
                (outer,) = members - {fold}
                inner_score[outer, fold % k] = found
    return cv_score, inner_score
