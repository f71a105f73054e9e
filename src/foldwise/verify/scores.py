"""What else a report tells of out-of-fold predictions, by scikit-learn's metrics."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from foldwise.verify.checks import Verification
from foldwise.verify.rows import Rows

Floats = NDArray[np.float64]


def verify_scores(
    found: Verification, where: str, reported: dict[str, float | None], rows: Rows, predicted: Floats, room: float
) -> None:
    """Compare every score of predictions (R, n[, C]), as exact as these are to a share `room`."""
    for name, value in reported.items():
        mine = _score(name, rows, predicted)
        if mine is None:
            found.left_out.append(f"{where}.{name}: not known here")
            continue
        near = room * max(abs(mine), 1.0)
        if name == "accuracy":  # a chance next to another may fall on either side
            near = float(np.mean(_margin(predicted) <= room)) * float(rows.weight.max() / rows.weight.mean())
        if name == "concordance":  # as may the order of two risks next to each other
            near = _within(partial(_doubtful, room), rows, rows.y, predicted)
        found.near(f"{where}.{name}", value, mine, max(near, 1e-10))


def _margin(predicted: Floats) -> Floats:
    """How far the largest chance (R, n) is ahead of the next."""
    if predicted.ndim == 2:
        return 2.0 * np.abs(predicted - 0.5)
    ordered = np.sort(predicted, axis=2)
    return np.asarray(ordered[:, :, -1] - ordered[:, :, -2])


def _score(name: str, rows: Rows, predicted: Floats) -> float | None:
    """One score by its name; None for one that is not known."""
    if name == "auc":
        return _auc(rows, predicted)
    return (
        _within(_concordance, rows, rows.y, predicted) if name == "concordance" else _mean_score(name, rows, predicted)
    )


def _mean_score(name: str, rows: Rows, predicted: Floats) -> float | None:
    """The mean over repeats of a score of all rows; None for one that is not known."""
    y, w = rows.y, rows.weight
    if predicted.ndim == 3:
        marks = np.eye(rows.n_classes)[y.astype(np.intp)]
        known = {
            "brier": lambda m: np.average(((m - marks) ** 2).sum(axis=1), weights=w),
            "log_loss": lambda m: np.average(-np.log(m[marks > 0.0]), weights=w),
            "accuracy": lambda m: metrics.accuracy_score(y, m.argmax(axis=1), sample_weight=w),
        }
    else:
        known = {
            "mae": lambda m: metrics.mean_absolute_error(y, m, sample_weight=w),
            "rmse": lambda m: np.sqrt(metrics.mean_squared_error(y, m, sample_weight=w)),
            "brier": lambda m: metrics.mean_squared_error(y, m, sample_weight=w),
            "log_loss": lambda m: metrics.log_loss(y, m, sample_weight=w, labels=[0.0, 1.0]),
            "accuracy": lambda m: metrics.accuracy_score(y > 0.5, m > 0.5, sample_weight=w),
        }
    return float(np.mean([known[name](m) for m in predicted])) if name in known else None


def _auc(rows: Rows, predicted: Floats) -> float:
    """Of two classes; of more the mean over classes of each against the others."""
    if predicted.ndim == 2:
        return _within(_area, rows, rows.y, predicted)
    each = [_within(_area, rows, (rows.y == c).astype(float), predicted[:, :, c]) for c in range(rows.n_classes)]
    return float(np.mean(each))


def _within(
    score: Callable[[Rows, NDArray[np.intp], Floats, Floats], float | None], rows: Rows, y: Floats, predicted: Floats
) -> float:
    """The mean over folds that have a score, by the folds' rows."""
    values, weights = [], []
    for i, test in enumerate(rows.tests):
        value = score(rows, test, y[test], predicted[i // rows.folds.n_folds, test])
        if value is not None:
            values.append(value)
            weights.append(rows.weight[test].sum())
    return float(np.average(values, weights=weights)) if values else float("nan")


def _area(rows: Rows, test: NDArray[np.intp], y: Floats, m: Floats) -> float | None:
    """The area under the receiver operating characteristic; None where a class is absent."""
    w = rows.weight[test]
    if not 0.0 < w[y > 0.5].sum() < w.sum():
        return None
    return float(metrics.roc_auc_score(y > 0.5, m, sample_weight=w))


def _pairs(rows: Rows, test: NDArray[np.intp], time: Floats, risk: Floats) -> tuple[Floats, Floats]:
    """Of an event and a row that was watched for longer: the pair's weight, and how much higher the first's risk is."""
    w, came = rows.weight[test], rows.event[test]
    pairs = np.outer(w * came, w) * (time[:, None] < time)
    return pairs, risk[:, None] - risk


def _concordance(rows: Rows, test: NDArray[np.intp], time: Floats, risk: Floats) -> float | None:
    """The share of pairs in which the row at higher risk has its event first, ties half."""
    pairs, ahead = _pairs(rows, test, time, risk)
    return float((pairs * (0.5 + 0.5 * np.sign(ahead))).sum() / pairs.sum()) if pairs.sum() > 0.0 else None


def _doubtful(room: float, rows: Rows, test: NDArray[np.intp], time: Floats, risk: Floats) -> float | None:
    """The share of pairs whose risks are as near as the fits are exact."""
    pairs, ahead = _pairs(rows, test, time, risk)
    near = pairs * (np.abs(ahead) <= room * max(float(np.abs(risk).max(initial=0.0)), 1.0))
    return float(near.sum() / pairs.sum()) if pairs.sum() > 0.0 else None
