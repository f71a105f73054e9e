"""Paths of a generalized linear model whose rows are read in passes: scan, sample, looks at all points at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.generalized.assemble import Walked, assemble, mean_deviance
from foldwise.paths.generalized.streamed.descending import Descent, Points
from foldwise.paths.generalized.streamed.shared_columns import SharedColumns
from foldwise.paths.generalized.streamed.starting import ENOUGH, draw, sample_paths
from foldwise.paths.generalized.walk import Point
from foldwise.paths.strengths import RIDGE_STRONGEST, Search

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from foldwise.paths.control import Control
    from foldwise.paths.generalized.streamed.row_stream import RowStream
    from foldwise.paths.generalized.streamed.starting import Drawn
    from foldwise.paths.paths import Paths
    from foldwise.paths.problem import Options

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

HeldOut = frozenset[int]

MOST_PASSES = 30
"""Looks at all rows, beside the scan and the sample; two or three are the rule."""


@dataclass(frozen=True, eq=False)
class _Begun:
    """One repeat's shared columns and held-out sets, and the strengths."""

    shared: SharedColumns
    members: list[HeldOut]
    per_weight: Floats


def fit_streamed(stream: RowStream, search: Search, options: Options, control: Control) -> Paths:
    """Paths of every held-out set.

    Parameters
    ----------
    stream : RowStream
    search : Search
        What to look for.
    options : Options
    control : Control
        A time limit, and Ctrl-C, end the path at the strengths that every set has finished.
    """
    k = stream.n_folds
    members = [frozenset[int](), *(frozenset({fold}) for fold in range(k if k > 1 else 0))]
    if search.nested:
        members += [frozenset({a, b}) for a in range(k) for b in range(a + 1, k)]
    grid: int | Floats = search.alphas
    walks: list[Walked] = []
    repeats = stream.moments.n_repeats
    for r in range(repeats):
        shared = SharedColumns.of(stream.repeat(r), members, options)
        weight = shared.sets.weight
        begun = _Begun(shared, members, 1.0 / weight if search.loss == "sum" else np.ones_like(weight))
        drawn = draw(stream, shared, r)
        if isinstance(grid, int):
            grid = _grid(begun, stream, grid, search, options)
        control.expect(len(grid), part=r, parts=repeats)
        descent = _descended(stream, drawn, begun, grid, search, options, control, r)
        if control.ended != "whole":
            grid = grid[: finished(descent, len(grid))]
            if not len(grid):
                raise KeyboardInterrupt
        walks.append(_walked(descent, drawn, begun, len(grid)))
        if control.interrupted:
            break
    return assemble(stream, walks, members, np.asarray(grid), search, control.ended)


def _grid(begun: _Begun, stream: RowStream, number: int, search: Search, options: Options) -> Floats:
    """As in memory, from the final model's null fit; columns without a penalty count as not fitted yet."""
    sets, per_sum = begun.shared.sets, 1.0 / float(begun.per_weight[0])
    eta, _, gradient = begun.shared.null(stream.family, fit_intercept=options.fit_intercept)
    if search.l1_ratio == 0.0:
        weight = sets.l2_weight[0]
        bend = stream.family.slopes(eta[:1], begun.shared.y_mean[:1])[1]
        square = (sets.scale[0] / begun.shared.unit[: len(weight)]) ** 2
        curvature = (bend * square)[weight > 0.0] / weight[weight > 0.0]
        strongest = RIDGE_STRONGEST * float(np.median(curvature)) * per_sum if len(curvature) else 1.0
        return np.geomspace(strongest, strongest * search.eps**3, number)
    pull, weight = -gradient[0], sets.l1_weight[0]
    counted = (weight > 0.0) & (np.where(pull > 0.0, sets.upper[0], -sets.lower[0]) > 0.0)
    emptying = float(np.max(np.abs(pull[counted]) / weight[counted], initial=0.0))
    strongest = emptying / search.l1_ratio * per_sum
    if strongest <= np.finfo(float).resolution:
        return np.full(number, np.finfo(float).resolution)
    return np.geomspace(strongest, strongest * search.eps, number)


def _descended(
    stream: RowStream,
    drawn: Drawn,
    begun: _Begun,
    grid: Floats,
    search: Search,
    options: Options,
    control: Control,
    repeat: int,
) -> Descent:
    """From the sample's paths to certified ones."""
    shared, H, A = begun.shared, len(begun.members), len(grid)
    tol = search.tol if drawn.share >= 1.0 else max(search.tol, ENOUGH)
    inside = Search(search.alphas, search.l1_ratio, search.eps, tol, search.max_iter, "mean", search.nested)
    start = np.zeros((A, H, shared.n_columns + 1))
    start[..., 0] = shared.null(stream.family, fit_intercept=options.fit_intercept)[0] * options.fit_intercept
    found = sample_paths(drawn, options, inside, grid, begun.per_weight)
    start = start if found is None else found
    h, a = np.tile(np.arange(H), A), np.repeat(np.arange(A), H)
    strength = grid[a] * begun.per_weight[h]
    descent = Descent(
        shared,
        stream.family,
        Points(h, a, strength * search.l1_ratio, strength * (1.0 - search.l1_ratio)),
        start.reshape(A * H, -1),
        tol=search.tol,
        fit_intercept=options.fit_intercept,
        largest=drawn.largest,
        saturated=drawn.saturated,
    )
    look = descent.first_look()
    try:
        for number in range(MOST_PASSES):
            descent.take(stream.passage.over(look.nothing, repeat, _telling(stream, descent, number)))
            if not len(descent.pending) or control.cut(finished(descent, A)):
                break
            descent.step()
            look = descent.next_look()
    except KeyboardInterrupt:
        if not finished(descent, A):
            raise
        control.ended = "interrupted"
    return descent


def _telling(stream: RowStream, descent: Descent, number: int) -> Callable[[int], object] | None:
    if stream.tell is None:
        return None
    tell, n, left, all_of_them = stream.tell, stream.moments.n_rows, len(descent.pending), len(descent.coef)
    what = f"pass {number + 3}, {left:,} of {all_of_them:,} points"
    return lambda rows: tell(what, rows, rows / n)


def finished(descent: Descent, n_strengths: int) -> int:
    """How many of the strongest strengths every set has finished."""
    left = np.zeros(n_strengths, dtype=bool)
    left[descent.points.a[descent.pending]] = True
    return int(np.argmax(left)) if left.any() else n_strengths


def _walked(descent: Descent, drawn: Drawn, begun: _Begun, A: int) -> Walked:
    """In original units."""
    H, shared = len(begun.members), begun.shared
    per_point = {name: getattr(descent, name).reshape(-1, H)[:A] for name in ("gap", "n_iter", "status")}
    coef = descent.coef.reshape(-1, H, descent.coef.shape[1])[:A].swapaxes(0, 1)
    slopes, intercept = shared.original_units(coef)
    fold_loss = descent.fold_loss.reshape(-1, H, len(drawn.saturated))[:A]
    columns = np.arange(shared.n_columns)
    return Walked(
        sets=shared.sets,
        columns=columns,
        coef=slopes,
        intercept=intercept,
        points=[
            Point(
                coef[:, i], columns=columns, fold_loss=fold_loss[i], **{name: per_point[name][i] for name in per_point}
            )
            for i in range(A)
        ],
        deviance=np.moveaxis(mean_deviance(fold_loss, drawn.saturated, drawn.fold_weight), 0, 2),
        null_objective=descent.null_objective,
        score_weight=drawn.fold_weight,
        maps=shared.maps,
    )
