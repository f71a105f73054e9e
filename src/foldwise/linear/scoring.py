"""Scores of held-out rows by name, as scikit-learn has them: the greater the better."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer

from foldwise.errors import InputError
from foldwise.linear.checks import Array
from foldwise.paths import Paths, RowTable
from foldwise.paths.output_paths import OutputPaths
from foldwise.paths.scores import held_out_scores

# Name -> the engine's score, and the slope and intercept that make it greater for better.
_KNOWN = {
    "deviance": ("deviance", -1.0, 0.0),
    "log_loss": ("log_loss", -1.0, 0.0),
    "neg_log_loss": ("log_loss", -1.0, 0.0),
    "brier": ("brier", -1.0, 0.0),
    "neg_brier_score": ("brier", -1.0, 0.0),
    "accuracy": ("misclassification", -1.0, 1.0),
    "auc": ("auc", 1.0, 0.0),
    "roc_auc": ("auc", 1.0, 0.0),
    "mse": ("mse", -1.0, 0.0),
    "neg_mean_squared_error": ("mse", -1.0, 0.0),
    "mae": ("mae", -1.0, 0.0),
    "neg_mean_absolute_error": ("mae", -1.0, 0.0),
}
_CLASSES_ONLY = {"log_loss", "brier", "misclassification", "auc"}

# What can be had of three classes or more: the loss times this, or the share of wrong classes.
_OF_MANY = {"deviance": 2.0, "log_loss": 1.0, "misclassification": 0.0}

Models = Callable[[frozenset[int], int], Any]


def fold_scores(scoring: Any, paths: Paths, rows: RowTable, weights: Array | None, y: Any, models: Models) -> Array:
    """Scores (K, A) of every fold, by the fits that hold it out; the greater the better.

    Parameters
    ----------
    scoring : str or callable
        One of "deviance", "log_loss", "brier", "accuracy", "auc", "mse", "mae", a scikit-learn scorer's name, or a
        scorer, called with (model, X, y).
    paths : Paths
    rows : RowTable
        With folds; y as numbers.
    weights : (n,) or None
        What a row counts in its fold's score.
    y : (n,)
        The target as it was given, for scorers.
    models : callable
        Of a held-out set and a position in the alphas, the fitted model, for scorers.

    Raises
    ------
    InputError
        For an unknown name, and for a score that a fold can't have.
    """
    folds = rows.folds
    if folds is None:
        raise InputError("rows must have folds")
    known = _KNOWN.get(scoring) if isinstance(scoring, str) else None
    if known is None:
        return _by_scorer(scoring, paths, rows, weights, y, models)
    name, slope, shift = known
    if isinstance(paths, OutputPaths) and name in _OF_MANY:
        return slope * _of_many(name, paths, rows, weights) + shift
    if isinstance(paths, OutputPaths):
        return _by_scorer(scoring, paths, rows, weights, y, models)
    if name in _CLASSES_ONLY and rows.family.name not in {"binomial", "probit", "cloglog"}:
        raise InputError(f"scoring must be one for amounts, such as 'deviance', 'mse' or 'mae', got {scoring!r}")
    found, _ = held_out_scores(paths, rows.X, rows.y, folds, name, sample_weight=weights, offset=rows.offset)
    without = np.flatnonzero(np.isnan(found).any(axis=1))
    if len(without):
        raise InputError(
            f"scoring={scoring!r} needs both classes in every fold, and fold {without[0]} has one only: use stratified "
            "folds, fewer folds, or another score"
        )
    return slope * found + shift


def _of_many(name: str, paths: Paths, rows: RowTable, weights: Array | None) -> Array:
    """Losses (K, A) of three classes or more."""
    folds: Any = rows.folds
    found = np.empty((folds.get_n_splits(), len(paths.alphas)))
    for fold in range(len(found)):
        test = folds.test_rows(fold)
        eta, marks = paths.linear_predictor(rows.X[test], {fold}), rows.y[test][:, None, :]
        wrong = eta.argmax(axis=2) != marks.argmax(axis=2)
        each = wrong if name == "misclassification" else _OF_MANY[name] * rows.family.loss(eta, marks)
        found[fold] = np.average(each, axis=0, weights=None if weights is None else weights[test])
    return found


def _by_scorer(scoring: Any, paths: Paths, rows: RowTable, weights: Array | None, y: Any, models: Models) -> Array:
    try:
        scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    except ValueError as error:
        raise InputError(
            f"scoring must be one of {', '.join(map(repr, _KNOWN))} or a scorer, got {scoring!r}"
        ) from error
    if not callable(scorer):
        raise InputError(f"scoring must be a name or a scorer, got {scoring!r}")
    if rows.offset is not None:
        raise InputError(f"scoring must be one of {', '.join(map(repr, _KNOWN))} with offset, got {scoring!r}")
    folds: Any = rows.folds
    scores = np.empty((folds.get_n_splits(), len(paths.alphas)))
    for fold in range(len(scores)):
        test = folds.test_rows(fold)
        extra = {} if weights is None else {"sample_weight": weights[test]}
        for at in range(scores.shape[1]):
            scores[fold, at] = scorer(models(frozenset({fold}), at), rows.X[test], np.asarray(y)[test], **extra)
    return scores
