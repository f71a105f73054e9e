"""A repeat's walk in original units, and the walks of all repeats as Paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.moments import DesignMap
from foldwise.paths.output_paths import OutputPaths
from foldwise.paths.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.paths.control import Ended
    from foldwise.paths.generalized.row_table import RowTable
    from foldwise.paths.generalized.sets import Sets
    from foldwise.paths.generalized.streamed.row_stream import RowStream
    from foldwise.paths.generalized.walk import Point, Walker
    from foldwise.paths.generalized.wide_walk import WidePoint, WideWalk
    from foldwise.paths.strengths import Search

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

HeldOut = frozenset[int]


@dataclass(frozen=True, eq=False)
class Walked:
    """One repeat's answer in original units.

    Parameters
    ----------
    sets : Sets
    columns : array (q,)
        Columns that the coefficients are of.
    coef, intercept : arrays (H, A, q), (H, A), with an axis more for several outputs
    points : list of Point or WidePoint
        For their gaps, rounds and outcomes.
    deviance : array (H, K, A)
        Mean deviance on every fold.
    null_objective : array (H,)
    score_weight : array (K,)
        What a fold's deviance was divided by.
    maps : tuple of DesignMap, length H
    """

    sets: Sets
    columns: Ints
    coef: Floats
    intercept: Floats
    points: Sequence[Point | WidePoint]
    deviance: Floats
    null_objective: Floats
    score_weight: Floats
    maps: tuple[DesignMap, ...]


def _unfilled(H: int) -> tuple[DesignMap, ...]:
    none = np.zeros(0, dtype=np.intp)
    return (DesignMap(gaps=none, reference=np.zeros(0), fill=np.zeros(0), moved=(), indicators=False),) * H


def mean_deviance(fold_loss: Floats, saturated: Floats, weight: Floats) -> Floats:
    """Mean deviances (..., K) from summed losses (..., K), the smallest there can be (K,) and weights (K,)."""
    return np.asarray(2.0 * np.maximum(fold_loss - saturated, 0.0) / weight)


def of_walk(walker: Walker, points: Sequence[Point]) -> Walked:
    """From a walk on the scale of its rows."""
    passes = walker.passes
    outputs, whole = walker.first, walker.everything
    columns = np.unique(np.concatenate([point.columns for point in points]))
    original = np.zeros((walker.H, len(points), len(columns), outputs))
    for a, point in enumerate(points):
        slopes = point.coef[:, outputs:].reshape(walker.H, outputs, -1).swapaxes(1, 2)
        original[:, a, np.searchsorted(columns, point.columns)] = slopes / whole.unit[point.columns, None]
    intercept = np.stack([point.coef[:, :outputs] for point in points], axis=1)
    intercept -= np.einsum("haqc,hq->hac", original, whole.shift[:, columns])
    if walker.family.shares_rows:
        intercept = np.zeros_like(intercept)
    if outputs == 1:
        original, intercept = original[..., 0], intercept[..., 0]
    elif walker.options.fit_intercept:
        intercept -= intercept.mean(axis=2, keepdims=True)
    return Walked(
        sets=whole.sets,
        columns=columns,
        coef=original,
        intercept=intercept,
        points=points,
        deviance=deviances(points, walker.saturated, passes.score_weight()),
        null_objective=walker.null_objective,
        score_weight=passes.score_weight(),
        maps=getattr(passes, "maps", _unfilled(walker.H)),
    )


def of_wide_walk(walker: WideWalk, points: Sequence[WidePoint]) -> Walked:
    """From a walk on working columns that came and went."""
    columns = np.unique(np.concatenate([point.columns for point in points]))
    coef = np.zeros((walker.H, len(points), len(columns)))
    for a, point in enumerate(points):
        coef[:, a, np.searchsorted(columns, point.columns)] = point.coef
    weight = walker.table.fold_weight
    return Walked(
        sets=walker.sets,
        columns=columns,
        coef=coef,
        intercept=np.stack([point.intercept for point in points], axis=1),
        points=points,
        deviance=deviances(points, walker.saturated, weight),
        null_objective=walker.null_objective,
        score_weight=weight,
        maps=_unfilled(walker.H),
    )


def deviances(points: Sequence[Point | WidePoint], saturated: Floats, weight: Floats) -> Floats:
    """Mean deviances (H, K, A) on every fold."""
    return np.moveaxis(mean_deviance(np.stack([point.fold_loss for point in points]), saturated, weight), 0, 2)


def assemble(
    table: RowTable | RowStream,
    walks: list[Walked],
    members: list[HeldOut],
    alphas: Floats,
    search: Search,
    ended: Ended,
) -> Paths:
    """Put the repeats' walks in the order of `Folds.held_out_sets`, as far as all of them came."""
    k, repeats, points = table.n_folds, len(walks), len(alphas)
    where = [
        (r, h)
        for size in (0, 1, 2)
        for r in range(repeats)
        for h, held_out in enumerate(members)
        if len(held_out) == size and (size > 0 or r == 0)
    ]
    columns = np.unique(np.concatenate([walked.columns for walked in walks]))
    outputs = () if table.n_outputs == 1 else (table.n_outputs,)
    kept = np.zeros((len(where), points, len(columns), *outputs))
    cv_error = np.full((repeats * k if k > 1 else 0, points), np.nan)
    inner_error = np.full((repeats * k, k, points), np.nan) if search.nested else None
    for at, (r, h) in enumerate(where):
        kept[at][:, np.searchsorted(columns, walks[r].columns)] = walks[r].coef[h, :points]
        for fold in members[h]:
            error = walks[r].deviance[h, fold, :points]
            if len(members[h]) == 1:
                cv_error[r * k + fold] = error
            elif inner_error is not None:
                (outer,) = members[h] - {fold}
                inner_error[r * k + outer, fold] = error

    def of_points(name: str) -> Any:
        return np.stack([[getattr(point, name)[h] for point in walks[r].points[:points]] for r, h in where])

    fold_weight = np.concatenate([walked.score_weight for walked in walks])
    kind = Paths if table.n_outputs == 1 else OutputPaths
    return kind(
        alphas=alphas,
        l1_ratio=search.l1_ratio,
        held_out=tuple(frozenset(r * k + fold for fold in members[h]) for r, h in where),
        kept=kept,
        columns=None if len(columns) == table.n_features else columns,
        intercept=np.stack([walks[r].intercept[h, :points] for r, h in where]),
        gap=of_points("gap"),
        n_iter=of_points("n_iter"),
        status=of_points("status"),
        null_objective=np.array([walks[r].null_objective[h] for r, h in where]),
        mean=np.stack([walks[r].sets.mean[h] for r, h in where]),
        scale=np.stack([walks[r].sets.scale[h] for r, h in where]),
        maps=tuple(walks[r].maps[h] for r, h in where),
        n_folds=k,
        n_repeats=repeats,
        cv_error=cv_error,
        fold_weight=fold_weight if k > 1 else np.zeros(0),
        inner_error=inner_error,
        ended=ended,
        family=table.family,
    )
