"""Verification: a report's numbers one by one, beside those that scikit-learn's fits give."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.verify.checks import Verification
from foldwise.verify.fits import procedure_of, smooth_of, standardized
from foldwise.verify.interval import NESTED
from foldwise.verify.losses import FAMILIES, Loss, loss_of
from foldwise.verify.one_candidate import Beside
from foldwise.verify.rows import Rows
from foldwise.verify.search import Grid
from foldwise.verify.summary import verify_differences, verify_summary

Floats = NDArray[np.float64]
Tell = Callable[[int, int, str], None]

SCHEMAS = (1, 2)
EPS, RIDGE_STRONGEST = 1e-3, 100.0
"""How far a path goes down, and where ridge's begins, as docs/mathematics.md has it."""
NEVER = {
    "picked": "a bootstrap of the pick, by draws of its own",
    "noise_floor": "what near rows differ by",
    "co_selection": "which features are kept together",
    "leaks": "errors that are wrong on purpose",
    "gap": "each fit's own certificate",
    "verdict and notes": "words",
}
"""What is not recomputed of any report."""


def verify(report: Any, table: Any, *, progress: Tell | None = None) -> Verification:
    """Recompute a report's numbers from the table, with scikit-learn's estimators in plain loops over folds.

    Folds are dealt again from the report's seed. Every fold's training rows are filled, pooled and scaled by
    themselves and fitted at every strength; so is every pair of folds' for the choices; then come errors, curves,
    coefficients, survival, and the statistics from their formulas.

    Parameters
    ----------
    report : dict
        The content of report.json.
    table : Any
        The table that it is of.
    progress : callable, optional
        Called with (folds done, folds in all, the candidate at work).

    Returns
    -------
    Verification

    Raises
    ------
    InputError
        If it is no report, or not of this table.
    """
    if not isinstance(report, dict) or report.get("schema") not in SCHEMAS:
        raise InputError(f"it is not a report.json of layout {' or '.join(map(str, SCHEMAS))}")
    found = Verification()
    rows = Rows.of(report, table)
    loss = loss_of(report)
    if loss is None:
        name = report["family"]["name"]
        raise InputError(
            f"reports of the {name} family can't be recomputed as yet, only those of {', '.join(FAMILIES)}"
        )
    verify_summary(found, report, rows, loss)
    verify_differences(found, report, rows, loss)
    total = rows.folds.n_repeats * rows.folds.n_folds
    for at, candidate in enumerate(report["candidates"]):
        name = candidate["name"]
        procedure = procedure_of(candidate, report, loss)
        if isinstance(procedure, str):
            found.left_out.append(f"the fits of {name}{_and_interval(candidate)}: {procedure}")
            continue
        grid = _grid(report, candidate, rows, loss)
        if isinstance(grid, str):
            found.left_out.append(f"the fits of {name}{_and_interval(candidate)}: {grid}")
            continue
        steps = _Steps(progress, at * total, len(report["candidates"]) * total, name)
        Beside.of(found, report, candidate, rows, procedure, grid, steps.next).verify()
    has = report | {"gap": True, "verdict and notes": True}
    found.left_out += [f"{name}: {what}" for name, what in NEVER.items() if has.get(name)]
    return found


def _and_interval(candidate: dict[str, Any]) -> str:
    return " and its interval" if candidate.get("interval_by") == NESTED else ""


@dataclass
class _Steps:
    """Tells the caller how many folds are done."""

    progress: Tell | None
    done: int
    total: int
    name: str

    def next(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total, self.name)


def _grid(report: dict[str, Any], candidate: dict[str, Any], rows: Rows, loss: Loss) -> Grid | str:
    """What a candidate tried; the curve's own strengths where the grid is not told by the rows alone."""
    name, settings = candidate["name"], report["settings"]
    if name in {"least squares", "unpenalized"}:
        return Grid.of([(1.0, np.zeros(1))])
    curve = np.array(candidate["curve"]["alpha"])
    asked = settings["alphas"]
    count = asked if isinstance(asked, int) else len(asked)
    ratios = {"ridge": [0.0], "lasso": [1.0]}.get(name, settings["l1_ratios"])
    if len(curve) < count and len(ratios) > 1:
        return "its paths ended where their errors turned, and the report has the end of one"
    if not isinstance(asked, int):
        return Grid.of([(ratio, np.sort(asked)[::-1][: len(curve)].astype(np.float64)) for ratio in ratios])
    if name == "ridge" and not loss.is_root:  # whose grid begins by a curvature that is found on the way
        return Grid.of([(0.0, curve)])
    return Grid.of([(ratio, strengths(report, rows, loss, count, ratio)[: len(curve)]) for ratio in ratios])


def strengths(report: dict[str, Any], rows: Rows, loss: Loss, count: int, ratio: float) -> Floats:
    """The strengths of one path, evenly spaced in their logarithm, from the strongest that all rows make."""
    s = report["settings"]["target_scale"]
    if ratio == 0.0:
        return np.geomspace(RIDGE_STRONGEST * s, RIDGE_STRONGEST * s * EPS**3, count)
    everything = np.arange(len(rows.y))
    Z, _, _ = standardized(rows.encoded(everything), rows.weight)
    constant = loss.constant(rows, everything)
    if loss.is_root:
        pull = rows.weight @ ((rows.y - rows.offset - constant)[:, None] * Z) / rows.weight.sum()
    else:
        smooth = smooth_of(loss, rows, Z, everything)
        start = np.zeros(smooth.size)
        start[: smooth.free] = constant[: smooth.free]
        pull = smooth.at(start)[1][smooth.free :]
    strongest = float(np.abs(pull).max()) / ratio
    return np.geomspace(strongest, strongest * EPS, count)
