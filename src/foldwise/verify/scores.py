"""What else a report tells of out-of-fold predictions, by scikit-learn's metrics."""

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from foldwise.verify.checks import Verification
from foldwise.verify.rows import Rows

Floats = NDArray[np.float64]


def verify_scores(
    found: Verification, where: str, reported: dict[str, float | None], rows: Rows, predicted: Floats, room: float
) -> None:
    """Compare every score of predictions (R, n), as exact as these are to a share `room`."""
    for name, value in reported.items():
        mine = _within_folds(rows, predicted) if name == "auc" else _mean_score(name, rows, predicted)
        if mine is None:
            found.left_out.append(f"{where}.{name}: not known here")
            continue
        near = room * max(abs(mine), 1.0)
        if name == "accuracy":  # a chance next to a half may fall on either side
            near = float(np.mean(np.abs(predicted - 0.5) <= room)) * float(rows.weight.max() / rows.weight.mean())
        found.near(f"{where}.{name}", value, mine, max(near, 1e-10))


def _mean_score(name: str, rows: Rows, predicted: Floats) -> float | None:
    """The mean over repeats of a score of all rows; None for one that is not known."""
    y, w = rows.y, rows.weight
    known = {
        "mae": lambda m: metrics.mean_absolute_error(y, m, sample_weight=w),
        "rmse": lambda m: np.sqrt(metrics.mean_squared_error(y, m, sample_weight=w)),
        "brier": lambda m: metrics.mean_squared_error(y, m, sample_weight=w),
        "log_loss": lambda m: metrics.log_loss(y, m, sample_weight=w, labels=[0.0, 1.0]),
        "accuracy": lambda m: metrics.accuracy_score(y > 0.5, m > 0.5, sample_weight=w),
    }
    return float(np.mean([known[name](m) for m in predicted])) if name in known else None


def _within_folds(rows: Rows, predicted: Floats) -> float:
    """The AUC within each fold that has both classes, by the folds' rows."""
    values, weights = [], []
    for i in range(rows.folds.n_repeats * rows.folds.n_folds):
        test = rows.folds.test_rows(i)
        y, w = rows.y[test] > 0.5, rows.weight[test]
        if 0.0 < w[y].sum() < w.sum():
            values.append(metrics.roc_auc_score(y, predicted[i // rows.folds.n_folds, test], sample_weight=w))
            weights.append(w.sum())
    return float(np.average(values, weights=weights)) if values else float("nan")
