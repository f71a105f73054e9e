"""Errors per fold of out-of-fold predictors, what folds weigh, and the predictors without features."""

import numpy as np
from numpy.typing import NDArray

from foldwise.families import Family, Gaussian, null_intercept
from foldwise.families.cox import EVENT
from foldwise.families.risk_sets import RiskSets
from foldwise.resampling import Folds
from foldwise.study.rows import Rows

Floats = NDArray[np.float64]


def fold_weights(rows: Rows, folds: Folds) -> Floats:
    """Sum (R*K,) of the row weights of each fold; of its events where rows share a loss."""
    weights = rows.weights * rows.y[:, EVENT] if rows.family.shares_rows else rows.weights
    return np.concatenate([np.bincount(label, weights=weights, minlength=folds.n_folds) for label in folds.labels])


def fold_errors(rows: Rows, folds: Folds, eta: Floats, everywhere: Floats | None = None) -> Floats:
    """Weighted mean deviance (R*K,), for the gaussian family squared error, of out-of-fold predictors.

    Parameters
    ----------
    rows : Rows
    folds : Folds
    eta : (R, n) array, or (R, n, C)
    everywhere : (R*K, n) array, where rows share a loss
        Of all rows by each fold's fit: a fold's deviance is what its rows add to twice the loss of the training rows,
        for each of its events (P. Verweij and H. van Houwelingen, 1993, Statistics in Medicine 12).
    """
    if everywhere is not None:
        return _added(rows, folds, everywhere)
    error = rows.weights * row_errors(rows, eta)
    return np.concatenate(
        [
            np.bincount(label, weights=e) / np.bincount(label, weights=rows.weights)
            for label, e in zip(folds.labels, error, strict=True)
        ]
    )


def row_errors(rows: Rows, eta: Floats) -> Floats:
    """Deviance (R, n) of each row under predictors (R, n) or (R, n, C); for the gaussian family squared error."""
    return rows.family.deviance(eta, rows.y) if eta.ndim == 3 else rows.family.deviance(eta.T, rows.y).T


def _added(rows: Rows, folds: Folds, everywhere: Floats) -> Floats:
    risk, efron = RiskSets.of(rows.y), getattr(rows.family, "ties", "breslow") == "efron"
    weight, total = fold_weights(rows, folds), rows.weights
    found = np.empty(len(everywhere))
    for i, eta in enumerate(everywhere):
        training = total.copy()
        training[folds.test_rows(i)] = 0.0
        both = np.stack([total, training], axis=1)
        whole, part = risk.partial(np.stack([eta, eta], axis=1), both, efron=efron)[0]
        found[i] = 2.0 * (whole - part) / weight[i]
    return found


def without_features(rows: Rows, folds: Folds) -> tuple[Floats, Floats | None]:
    """Predictors (R, n[, C]) of each training set's best intercept, with the offset; and of all rows where needed."""
    family, offset = rows.family, rows.offset
    n_sets = folds.n_repeats * folds.n_folds
    if family.shares_rows:
        known = np.zeros(rows.n) if offset is None else offset
        return np.tile(known, (folds.n_repeats, 1)), np.tile(known, (n_sets, 1))
    eta = np.empty((folds.n_repeats, rows.n, *rows.y.shape[1:]))
    for i in range(n_sets):
        test, training = folds.test_rows(i), folds.training_rows({i})
        eta[i // folds.n_folds, test] = best_constant(
            family, rows.y[training], rows.weights[training], None if offset is None else offset[training]
        )
    return (eta if offset is None else eta + offset), None


def best_constant(family: Family, y: Floats, weights: Floats, offset: Floats | None = None) -> Floats | float:
    """The predictor, one number or (C,), that fits training rows best without features.

    Examples
    --------
    >>> best_constant(Gaussian(), np.array([1.0, 2.0, 6.0]), np.ones(3))
    3.0
    """
    if isinstance(family, Gaussian):
        return float(np.average(y if offset is None else y - offset, weights=weights))
    if y.ndim == 2:
        return family.link(np.average(y, axis=0, weights=weights))
    return float(null_intercept(family, y, weights[:, None], offset)[0])
