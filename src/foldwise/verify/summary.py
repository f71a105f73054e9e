"""What a report says of all candidates together: their errors' intervals, the baseline, differences and ties."""

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from foldwise.verify.checks import Verification
from foldwise.verify.interval import NESTED
from foldwise.verify.losses import Loss
from foldwise.verify.rows import Rows
from foldwise.verify.scores import verify_scores
from foldwise.verify.statistics import Mean, corrected, detectable, holm

Floats = NDArray[np.float64]

TOLD = 1e-10
"""What a report's 12 digits leave of an error; differences are held to as much of the errors they are between."""
ROUNDED = 1e-6
"""What the inverse of the noncentral t distribution is good to with few degrees of freedom."""
SAME = 1e-9
"""Errors that agree to this share of the baseline's are equal, as docs/mathematics.md says."""


def verify_summary(found: Verification, report: dict[str, Any], rows: Rows, loss: Loss) -> None:
    """The baseline, and every candidate's error, interval and share explained from its own errors per fold."""
    weight, ratio = _sizes(rows, loss)
    base, predicted = _baseline(rows, loss)
    root = loss.is_root
    told = np.sqrt if root else np.asarray
    key, explained, of_folds = ("rmse", "r2", "fold_mse") if root else ("deviance", "d2", "fold_deviance")
    mean = float(np.average(base, weights=weight))
    found.near(f"baseline.{key}", report["baseline"][key], float(told(mean)), TOLD * float(told(mean)))
    verify_scores(found, "baseline.scores", report["baseline"].get("scores", {}), rows, predicted, TOLD)
    best = np.array(report["candidates"][0][of_folds])
    test = corrected(_values(best, base, mean, weight, root=root), weight, ratio)
    found.near("baseline.p", report["baseline"]["p"], test.p, _room_of_p(test, mean, root=root))
    for candidate in report["candidates"]:
        where = f"candidates[{candidate['name']}]"
        errors = np.array(candidate[of_folds])
        found.same(f"{where}.{of_folds} (how many)", len(errors), len(weight))
        if len(errors) != len(weight):
            continue
        test = corrected(errors, weight, ratio)
        error, half = float(told(test.mean)), test.quantile * test.standard_error
        room = TOLD * error
        found.near(f"{where}.{key}", candidate[key], error, room)
        interval = told(np.maximum([test.mean - half, test.mean + half], 0.0))
        # Near zero a root magnifies what the digits leave.
        if candidate.get("interval_by") != NESTED:  # which takes the fits
            off = max(room, 1e-6 * error * (interval[0] < 0.01 * error))
            found.near(f"{where}.interval", candidate["interval"], interval, off)
        found.near(f"{where}.{explained}", candidate[explained], 1.0 - test.mean / mean, 10.0 * TOLD)
        if candidate["optimism"] is not None:
            found.near(f"{where}.optimism", candidate["optimism"], error - candidate["score"], 2.0 * room)


def verify_differences(found: Verification, report: dict[str, Any], rows: Rows, loss: Loss) -> None:
    """Every pair's difference, its tests, and the letters and ties that follow."""
    weight, ratio = _sizes(rows, loss)
    root = loss.is_root
    of_folds = "fold_mse" if root else "fold_deviance"
    errors = {each["name"]: np.array(each[of_folds]) for each in report["candidates"]}
    if any(len(each) != len(weight) for each in errors.values()):
        return
    mean = report["baseline"]["rmse"] ** 2 if root else report["baseline"]["deviance"]
    pairs = list(combinations(errors, 2))
    found.same("tests.comparisons", report["tests"]["comparisons"], len(pairs))
    found.same("differences (pairs)", [(d["first"], d["second"]) for d in report["differences"]], pairs)
    if len(report["differences"]) != len(pairs):
        return
    values = [_values(errors[a], errors[b], mean, weight, root=root) for a, b in pairs]
    tests = [corrected(each, weight, ratio) for each in values]
    adjusted = holm([test.p for test in tests])
    level, power, differ = report["tests"]["level"], report["tests"]["power"], set()
    for reported, value, test, p in zip(report["differences"], values, tests, adjusted, strict=True):
        where = f"differences[{reported['first']}, {reported['second']}]"
        room = TOLD * (np.sqrt(mean) if root else mean)
        half = test.quantile * test.standard_error
        found.near(f"{where}.difference", reported["difference"], test.mean, room)
        found.near(f"{where}.standard_error", reported["standard_error"], test.standard_error, room)
        found.near(f"{where}.interval", reported["interval"], [test.mean - half, test.mean + half], 3.0 * room)
        found.near(f"{where}.t", reported["t"], test.t, max(_room_of_p(test, mean, root=root), 1e-9 * abs(test.t)))
        found.near(f"{where}.p", reported["p"], test.p, _room_of_p(test, mean, root=root))
        found.near(f"{where}.p_holm", reported["p_holm"], p, len(pairs) * _room_of_p(test, mean, root=root))
        found.same(f"{where}.differ", reported["differ"], bool(p < level))
        least = detectable(test.standard_error, len(weight) - 1, level / len(pairs), power)
        found.near(f"{where}.detectable", reported["detectable"], least, 10.0 * room + ROUNDED * least)
        if "flip" in reported:
            _verify_beliefs(found, where, reported, value, weight, test, report, _room_of_p(test, mean, root=root))
        if p < level:
            differ.add((reported["first"], reported["second"]))
    letters = {each["name"]: set(each["letters"]) for each in report["candidates"]}
    for a, b in pairs:
        found.same(f"letters of {a} and {b} (shared)", bool(letters[a] & letters[b]), (a, b) not in differ)
    best = report["candidates"][0]["name"]
    found.same("tied", report["tied"], [name for name in errors if (best, name) not in differ])


def _verify_beliefs(
    found: Verification,
    where: str,
    reported: dict[str, Any],
    values: Floats,
    weight: Floats,
    test: Mean,
    report: dict[str, Any],
    room: float,
) -> None:
    """How probable it is that the difference matters, and the odds that the order is another one next time."""
    rope, repeats, df = report["settings"]["rope"], report["folds"]["repeats"], len(values) - 1
    above, below = (_above(side * test.mean - rope, test.standard_error, df) for side in (1.0, -1.0))
    found.near(f"{where}.first_better", reported["first_better"], above, room)
    found.near(f"{where}.second_better", reported["second_better"], below, room)
    found.near(f"{where}.equivalent", reported["equivalent"], 1.0 - above - below, 2.0 * room)
    found.near(f"{where}.flip", reported["flip"], _flip(test.mean, test.standard_error * np.sqrt(2.0), df), room)
    other = None
    if repeats > 1:
        means = [
            np.average(v, weights=w) for v, w in zip(np.split(values, repeats), np.split(weight, repeats), strict=True)
        ]
        spread = float(np.std(means, ddof=1)) * np.sqrt(2.0 / repeats) if np.ptp(values) > 0.0 else 0.0
        other = _flip(test.mean, spread, repeats - 1)
        # Repeats differ less than folds do, so digits weigh more.
        room *= max(test.standard_error / spread, 1.0) if spread > 0.0 else 1.0
    found.near(f"{where}.flip_folds", reported["flip_folds"], other, room)


def _above(mean: float, error: float, df: int) -> float:
    """The probability that Student's t about a mean is above zero."""
    return float(stats.t.sf(-mean / error, df)) if error > 0.0 else float(mean > 0.0)


def _flip(mean: float, error: float, df: int) -> float:
    """The probability of the other sign."""
    return 0.5 if mean == 0.0 else _above(-abs(mean), error, df)


def _sizes(rows: Rows, loss: Loss) -> tuple[Floats, Floats]:
    """What folds (J,) count by, and their rows over those of their training sets."""
    count = np.array([len(test) for test in rows.tests], dtype=np.float64)
    return loss.fold_weight(rows), count / (rows.folds.n_rows - count)


def _baseline(rows: Rows, loss: Loss) -> tuple[Floats, Floats]:
    """The error on every fold (J,) of what the others predict without features, and those predictions (R, n[, C])."""
    errors = []
    eta = np.empty((*rows.folds.labels.shape, *((rows.n_classes,) if loss.family == "multinomial" else (1,))))
    for i, test in enumerate(rows.tests):
        training = rows.folds.training_rows({i})
        each = loss.constant(rows, training) + rows.offset[:, None]
        eta[i // rows.folds.n_folds, test] = each[test]
        several = each[:, None, :] if loss.family == "multinomial" else each
        errors.append(loss.of_fold(rows, several, training, test)[0])
    return np.array(errors), loss.told(eta if loss.family == "multinomial" else eta[..., 0])


def _values(first: Floats, second: Floats, mean: float, weight: Floats, *, root: bool) -> Floats:
    """Between two candidates' errors per fold; between roots, (a^2 - b^2) / (a + b)."""
    gained = np.where(np.abs(second - first) <= SAME * mean, 0.0, second - first)
    sums = sum(float(np.sqrt(np.average(each, weights=weight))) for each in (first, second)) if root else 1.0
    return np.asarray(gained / (sums or 1.0))


def _room_of_p(test: Mean, mean: float, *, root: bool) -> float:
    """What 12 digits of the errors leave of t and p: much where the difference is itself next to rounding."""
    digits = TOLD * (np.sqrt(mean) if root else mean)
    return 1e-8 if test.standard_error == 0.0 else max(1e-8, float(digits * (1.0 + abs(test.t)) / test.standard_error))
