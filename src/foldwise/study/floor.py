"""The noise floor of a comparison: how near the best candidate is to what its features can explain at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.families import Family
from foldwise.inference import ErrorFloor, neighbour_floor, replicated_floor
from foldwise.study.result import CandidateResult
from foldwise.study.rows import Rows
from foldwise.tables import Recipe

Floats = NDArray[np.float64]

REPLICATED, NEAR = "replicated rows", "near rows"
ENOUGH = 30
"""Degrees of freedom within groups of equal rows from which these are asked instead of near ones."""
ENOUGH_OF_ALL = 0.1
"""And of all rows, so that they stand for the others."""
MOST_COLUMNS = 100
"""No row has near ones in more."""
READ_ONCE = "the rows were read once and are not kept"
FEW = "there are too few rows that could be near each other"
FAR = "no two rows are near enough to each other"
STEEP = "near rows differ by less than the slope between them"


@dataclass(frozen=True)
class Floor:
    """The error that no model of the features avoids, beside that of the best candidate.

    Attributes
    ----------
    method : {"replicated rows", "near rows"} or None
        What it was seen on; None where it can't be told.
    why_not : str or None
        Why it can't.
    score : {"rmse", "brier"}
        The score in which it is told: Brier's for classes.
    error : float or None
    interval : (float, float) or None
        95 % interval of it.
    best : float or None
        The best candidate's error in this score.
    explained : float or None
        The share that the best candidate explains of what can be explained: of the mean's squared error less the
        floor's. Between 0 and 1.
    rows : int
        How many rows it was seen on.
    distance : float or None
        Mean squared distance from a row to its nearest one, over that of two rows drawn at random.
    """

    method: str | None
    why_not: str | None = None
    score: str = "rmse"
    error: float | None = None
    interval: tuple[float, float] | None = None
    best: float | None = None
    explained: float | None = None
    rows: int = 0
    distance: float | None = None


def noise_floor_of(
    rows: Rows,
    recipe: Recipe,
    results: Sequence[CandidateResult],
    baseline: tuple[float, dict[str, float]],
    *,
    apart: NDArray[np.intp] | None = None,
) -> Floor:
    """The floor from rows that have the same features, else from rows that are near each other.

    Parameters
    ----------
    rows : Rows
    recipe : Recipe
        How all rows are filled and pooled.
    results : results of the candidates, the best first
    baseline : (float, dict)
        The error, and the other scores, of predicting without features.
    apart : (n,) array of int, optional
        Rows with the same number depend on each other, or may.
    """
    score = "brier" if rows.has_classes else "rmse"
    use = rows.weights > 0.0
    why_not = _refused(rows, use)
    if why_not is not None:
        return Floor(None, why_not, score)
    y, weights = rows.y[use], rows.weights[use] if rows.is_weighted else None
    found = None if apart is not None else _replicated(y, rows.values[use], weights)
    if found is not None:
        return _told(REPLICATED, found, score, results[0], baseline)
    if len(recipe.columns) > MOST_COLUMNS:
        return Floor(None, f"no row is near another in {len(recipe.columns):,} features", score)
    encoded = recipe.encode_values(rows.values[use])
    left = y - _explained(rows.family, results, encoded)
    near = neighbour_floor(left, encoded, apart=None if apart is None else apart[use], weights=weights)
    if isinstance(near, ErrorFloor) and near.interval[1] > 0.0:
        return _told(NEAR, near, score, results[0], baseline)
    distance = near.distance if isinstance(near, ErrorFloor) else near
    return Floor(None, FEW if near is None else FAR if isinstance(near, float) else STEEP, score, distance=distance)


def _refused(rows: Rows, use: NDArray[np.bool_]) -> str | None:
    """Why nothing can be told of these rows, if so."""
    if rows.family.shares_rows:
        return "times of which some are not seen to their end have no squared error"
    if rows.offset is not None:
        return "rows that agree in their features differ in their offset"
    return None if np.any(use) else "no row has weight"


def _replicated(y: Floats, values: Floats, weights: Floats | None) -> ErrorFloor | None:
    """By rows with the same features, where there are enough."""
    known: dict[bytes, int] = {}
    groups = np.array([known.setdefault(row.tobytes(), len(known)) for row in np.ascontiguousarray(values)])
    if len(groups) - len(known) < ENOUGH:
        return None
    found = replicated_floor(y, groups, weights=weights)
    return None if found is None or found.rows < ENOUGH_OF_ALL * len(y) else found


def _explained(family: Family, results: Sequence[CandidateResult], encoded: Floats) -> Any:
    """What the best of the final models with coefficients predicts: near rows differ less in what it leaves."""
    linear = next((result for result in results if result.features is not None), None)
    if linear is None or linear.features is None:
        return 0.0
    return family.mean(encoded @ linear.features.coef + linear.features.intercept)


def _told(
    method: str, found: ErrorFloor, score: str, best: CandidateResult, baseline: tuple[float, dict[str, float]]
) -> Floor:
    """In the score that people read, beside the best candidate's."""
    if score == "rmse" and best.is_root:
        error, without = best.error, baseline[0]
    else:
        error, without = best.scores[score], baseline[1][score]
    power = 2.0 if score == "rmse" else 1.0
    told = np.sqrt(np.maximum([found.variance, *found.interval], 0.0)) if score == "rmse" else None
    floor, low, high = (max(found.variance, 0.0), *found.interval) if told is None else told.tolist()
    can = without**power - floor**power
    explained = float(np.clip((without**power - error**power) / can, 0.0, 1.0)) if can > 0.0 else None
    return Floor(method, None, score, floor, (low, high), error, explained, found.rows, found.distance)
