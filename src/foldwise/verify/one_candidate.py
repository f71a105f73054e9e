"""One candidate of a report beside its fits done again."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.verify.checks import Verification
from foldwise.verify.fits import Procedure
from foldwise.verify.interval import NESTED, nested
from foldwise.verify.losses import Loss, row_losses
from foldwise.verify.rows import Rows
from foldwise.verify.scores import verify_scores
from foldwise.verify.search import Grid, Search, agreed, choose, search

Floats = NDArray[np.float64]

ERRORS = 1e-8
"""How far errors may be apart at least, as a share: scikit-learn's solvers end at a gap, and not at the solution."""
COEFFICIENTS = 1e-6
"""How far a coefficient per standard deviation may be off at least, as a share of the target's spread."""
OF_GAP = 4.0
"""What both may be off by in roots of the report's own gap: curvatures are a quarter and less."""
OF_INTERVAL = 100.0
"""How many times that the ends of an interval may be off: its width comes from differences between errors."""
TOLD = 1e-10
"""What a report's 12 digits leave."""


def verify_candidate(
    found: Verification,
    report: dict[str, Any],
    candidate: dict[str, Any],
    rows: Rows,
    procedure: Procedure,
    grid: Grid,
    loss: tuple[Loss, Callable[[Floats], Floats]],
    tell: Callable[[], None],
) -> None:
    """Fit all that it fitted, and compare what comes out."""
    where = f"candidates[{candidate['name']}]"
    # The report's own certificate says how far its fits may be from the solution: predictions follow the gap's root.
    off = OF_GAP * float(np.sqrt(candidate["gap"]))
    room_of_errors, room_of_coef = max(ERRORS, off), max(COEFFICIENTS, off)
    is_nested = candidate.get("interval_by") == NESTED
    done = search(rows, procedure, grid, *loss, tell, is_nested)
    root = procedure.family == "gaussian"
    of_folds = "fold_mse" if root else "fold_deviance"
    weight = np.array([rows.weight[rows.folds.test_rows(i)].sum() for i in range(len(done.outer))])
    points = _verify_choices(found, report, candidate, where, done, grid, weight)
    errors = done.outer[np.arange(len(points)), points]
    found.near(f"{where}.{of_folds}", candidate[of_folds], errors, room_of_errors * float(errors.mean()))
    predicted = _out_of_fold(rows, done, points, loss[1])
    verify_scores(found, f"{where}.scores", candidate.get("scores", {}), rows, predicted, room_of_errors)
    final = _verify_final(found, report, candidate, where, done, grid, weight, room_of_errors, root=root)
    if is_nested and done.inner is not None:
        ends = _nested(report, rows, done, points, final, weight, predicted)
        told = np.sqrt if root else np.asarray
        room = OF_INTERVAL * room_of_errors * float(told(ends[1]))
        found.near(f"{where}.interval", candidate["interval"], told(np.array(ends)), room)
    scale = room_of_coef * report["settings"]["target_scale"]
    if not root and grid.alphas[final] == 0.0 and _collinear(rows):
        found.left_out.append(f"coefficients of {candidate['name']}: the columns are collinear, and many are as good")
        return
    per_sd = done.final.coef[final] * done.final.spread
    found.near(f"{where}.coef_per_sd", candidate["coef_per_sd"], per_sd, scale)
    for at, spread in enumerate(done.final.spread):
        room = scale / spread if spread > 0.0 else 0.0
        found.near(f"{where}.coef[{at}]", candidate["coef"][at], done.final.coef[final, at], room)
    means = np.abs(rows.encoded(np.arange(len(rows.y))).mean(axis=0))
    room = scale * (1.0 + float(np.sum(means / np.where(done.final.spread > 0, done.final.spread, np.inf))))
    found.near(f"{where}.intercept", candidate["intercept"], done.final.intercept[final], room)
    _verify_survival(found, candidate, where, done, points, final, scale)


def _nested(
    report: dict[str, Any],
    rows: Rows,
    done: Search,
    points: NDArray[np.intp],
    final: int,
    weight: Floats,
    predicted: Floats,
) -> tuple[float, float]:
    """The interval from the losses of rows and the errors of pairs of folds."""
    family, inner = report["family"], np.asarray(done.inner)
    losses = np.stack([row_losses(family["name"], family["parameters"], rows.y, each) for each in predicted])
    count = inner.shape[1]
    other = ~np.tile(np.eye(count, dtype=bool), (len(inner) // count, 1))
    of_folds = np.repeat(weight.reshape(-1, count), count, axis=0) * other
    at_final = np.where(other, inner[:, :, final], 0.0)
    mean = float(np.mean(np.sum(of_folds * at_final, axis=1) / of_folds.sum(axis=1)))
    outer = float(np.average(done.outer[:, final], weights=weight))
    cost = mean / outer if mean > 0.0 and outer > 0.0 else 1.0
    return nested(rows, losses, inner[np.arange(len(inner)), :, points], cost)


def _out_of_fold(rows: Rows, done: Search, points: NDArray[np.intp], mean: Callable[[Floats], Floats]) -> Floats:
    """Predictions (R, n) of the chosen fits for the rows that they have not seen."""
    predicted = np.empty(rows.folds.labels.shape)
    for i, (fits, at) in enumerate(zip(done.fits, points, strict=True)):
        test = rows.folds.test_rows(i)
        X = rows.encoded(rows.folds.training_rows({i}))[test]
        predicted[i // rows.folds.n_folds, test] = mean(X @ fits.coef[at] + fits.intercept[at])
    return predicted


def _verify_choices(
    found: Verification,
    report: dict[str, Any],
    candidate: dict[str, Any],
    where: str,
    done: Search,
    grid: Grid,
    weight: Floats,
) -> NDArray[np.intp]:
    """The point that every fold's inner folds choose (J,)."""
    points = np.zeros(len(done.outer), dtype=np.intp)
    if not done.tuned or done.inner is None:
        found.near(f"{where}.chosen_alpha", candidate["chosen_alpha"], [0.0] * len(points), TOLD)
        found.near(f"{where}.chosen_l1_ratio", candidate["chosen_l1_ratio"], [1.0] * len(points), TOLD)
        return points
    count, rule = done.inner.shape[1], report["settings"]["rule"]
    reported = zip(candidate["chosen_alpha"], candidate["chosen_l1_ratio"], strict=True)
    for i, (alpha, ratio) in enumerate(reported):
        inner = np.arange(count) != i % count
        here = weight[i - i % count : i - i % count + count][inner]
        best, one_se, mean = choose(done.inner[i][inner], here, grid, 1)
        theirs = grid.place(alpha, ratio)
        points[i] = agreed(mean, best, theirs) if rule == "min" else one_se
        mine = grid.alphas[points[i]]
        found.near(f"{where}.chosen_alpha[{i}]", alpha, mine, 1e-9 * mine)
        found.near(f"{where}.chosen_l1_ratio[{i}]", ratio, grid.l1_ratios[points[i]], TOLD)
    return points


def _verify_final(
    found: Verification,
    report: dict[str, Any],
    candidate: dict[str, Any],
    where: str,
    done: Search,
    grid: Grid,
    weight: Floats,
    room: float,
    *,
    root: bool,
) -> int:
    """The final model's point, by the errors of all folds; the score and the curve."""
    told = np.sqrt if root else np.asarray
    final = minimum = one_se = 0
    mean = np.average(done.outer, axis=0, weights=weight)
    if done.tuned:
        minimum, one_se, mean = choose(done.outer, weight, grid, report["folds"]["repeats"])
        theirs = grid.place(candidate["alpha_min"], candidate["l1_ratio"])
        minimum = agreed(mean, minimum, theirs)
        final = minimum if report["settings"]["rule"] == "min" else one_se
        for name, at in (("alpha_min", minimum), ("alpha_1se", one_se)):
            found.near(f"{where}.{name}", candidate[name], grid.alphas[at], 1e-9 * float(grid.alphas[at]))
    alpha = float(grid.alphas[final])
    found.near(f"{where}.alpha", candidate["alpha"], alpha, 1e-9 * alpha)
    found.near(f"{where}.l1_ratio", candidate["l1_ratio"], grid.l1_ratios[final], TOLD)
    score = float(told(mean[final]))
    key = "rmse" if root else "deviance"
    found.near(f"{where}.score", candidate["score"], score, room * score)
    here = np.flatnonzero(grid.path == grid.path[final])
    found.near(f"{where}.curve.alpha", candidate["curve"]["alpha"], grid.alphas[here], 1e-9 * float(grid.alphas.max()))
    curve = told(mean[here])
    found.near(f"{where}.curve.{key}", candidate["curve"][key], curve, room * float(curve.mean()))
    return final


def _verify_survival(
    found: Verification,
    candidate: dict[str, Any],
    where: str,
    done: Search,
    points: NDArray[np.intp],
    final: int,
    room: float,
) -> None:
    """Who is kept, and with which sign. A coefficient within rounding of zero may be either."""
    each = np.stack([fit.coef[at] * (fit.spread > 0.0) for fit, at in zip(done.fits, points, strict=True)])
    size = np.abs(each) * np.stack([fit.spread for fit in done.fits])
    doubtful = np.any((size > 0.0) & (size < room), axis=0) & candidate["drops_features"]
    share = np.mean(each != 0.0, axis=0)
    positive, negative = np.sum(each > 0.0, axis=0), np.sum(each < 0.0, axis=0)
    for at in np.flatnonzero(~doubtful):
        agreement = max(positive[at], negative[at]) / (positive[at] + negative[at]) if share[at] > 0.0 else None
        found.near(f"{where}.survival[{at}]", candidate["survival"][at], share[at], TOLD)
        found.same(f"{where}.sign[{at}]", candidate["sign"][at], int(np.sign(positive[at] - negative[at])))
        found.near(f"{where}.sign_agreement[{at}]", candidate["sign_agreement"][at], agreement, TOLD)
    if doubtful.any():
        names = f"{np.count_nonzero(doubtful)} of {len(doubtful)} features"
        found.left_out.append(f"survival and signs of {names} of {candidate['name']}: zero to scikit-learn's accuracy")
    kept = done.final.coef[final] * done.final.spread
    if not np.any((kept != 0.0) & (np.abs(kept) < room)) or not candidate["drops_features"]:
        found.same(f"{where}.features_kept", candidate["features_kept"], int(np.count_nonzero(kept)))


def _collinear(rows: Rows) -> bool:
    X = rows.encoded(np.arange(len(rows.y)))
    Z = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0.0, X.std(axis=0), 1.0)
    return bool(np.linalg.matrix_rank(Z, tol=1e-8 * len(Z)) < X.shape[1])
