"""Paths of a generalized linear model whose rows are read in passes: scan, sample, looks at all points at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.control import Control
from foldwise.paths.generalized.assemble import Walked, assemble, mean_deviance
from foldwise.paths.generalized.streamed.descending import Descent, Points
from foldwise.paths.generalized.streamed.shared_columns import SharedColumns
from foldwise.paths.generalized.streamed.starting import ENOUGH, draw, sample_paths
from foldwise.paths.generalized.walk import Point
from foldwise.paths.options import check_options
from foldwise.paths.strengths import RIDGE_STRONGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from foldwise.paths.generalized.streamed.row_stream import RowStream
    from foldwise.paths.generalized.streamed.starting import Drawn
    from foldwise.paths.paths import Paths
    from foldwise.paths.problem import Options
    from foldwise.paths.strengths import Search

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

HeldOut = frozenset[int]

MOST_PASSES = 30
"""Looks at all rows, beside the scan and the sample; two or three are the rule."""


@dataclass(frozen=True, eq=False)
class _Line:
    """One search's points: its strengths (A,), its sets (the first H' of all), and the number of its first strength."""

    search: Search
    grid: Floats
    sets: int
    first: int

    @property
    def strengths(self) -> slice:
        """Its strengths' numbers among those of all searches."""
        return slice(self.first, self.first + len(self.grid))


def fit_streamed(stream: RowStream, search: Search, options: Options, control: Control) -> Paths:
    """Paths of every held-out set; those that were made ready come at once.

    Parameters
    ----------
    stream : RowStream
    search : Search
        What to look for.
    options : Options
    control : Control
        A time limit, and Ctrl-C, end the path at the strengths that every set has finished.
    """
    ready = stream.ready.get(_key(search, options))
    return ready if ready is not None else _fitted(stream, [search], options, control)[0]


def make_ready(stream: RowStream, searches: Sequence[Search]) -> None:
    """Fit several searches, with the options that `fit_paths` has by itself, in the passes that one takes."""
    options = check_options(stream.n_features, fit_intercept=True, standardize=True, penalty_factor=None, bounds=None)
    for search, paths in zip(searches, _fitted(stream, searches, options, Control()), strict=True):
        stream.ready[_key(search, options)] = paths


def null_deviance(stream: RowStream) -> Floats:
    """Mean deviance (R K,) on every fold of the best intercept of the others."""
    options = check_options(stream.n_features, fit_intercept=True, standardize=True, penalty_factor=None, bounds=None)
    members = _members(stream.n_folds, nested=False)
    found = []
    for r in range(stream.moments.n_repeats):
        moments = stream.repeat(r)
        shared = SharedColumns.of(moments, members, options)
        drawn = draw(stream, shared, r)
        eta = shared.null(stream.family, fit_intercept=True)[0][1:]
        losses = stream.family.loss(eta, moments.mean[:, -1]) * drawn.fold_weight
        found.append(mean_deviance(losses, drawn.saturated, drawn.fold_weight))
    return np.concatenate(found)


def _key(search: Search, options: Options) -> tuple[object, ...]:
    """What tells two searches apart."""
    grid = search.alphas if isinstance(search.alphas, int) else search.alphas.tobytes()
    arrays = (options.penalty_factor, options.lower, options.upper)
    asked = (search.l1_ratio, search.eps, search.tol, search.loss, search.nested)
    return (grid, *asked, options.fit_intercept, options.standardize, *(array.tobytes() for array in arrays))


def _members(k: int, *, nested: bool) -> list[HeldOut]:
    members = [frozenset[int](), *(frozenset({fold}) for fold in range(k if k > 1 else 0))]
    return members + [frozenset({a, b}) for a in range(k if nested else 0) for b in range(a + 1, k)]


def _fitted(stream: RowStream, searches: Sequence[Search], options: Options, control: Control) -> list[Paths]:
    members = _members(stream.n_folds, nested=any(search.nested for search in searches))
    repeats = stream.moments.n_repeats
    grids: list[int | Floats] = [search.alphas for search in searches]
    walks: list[list[Walked]] = [[] for _ in searches]
    for r in range(repeats):
        shared = SharedColumns.of(stream.repeat(r), members, options)
        drawn = draw(stream, shared, r)
        lines: list[_Line] = []
        for search, grid in zip(searches, grids, strict=True):
            found = _grid(shared, stream, grid, search, options) if isinstance(grid, int) else grid
            first = lines[-1].strengths.stop if lines else 0
            lines.append(_Line(search, found, len(_members(stream.n_folds, nested=search.nested)), first))
        control.expect(sum(len(line.grid) for line in lines), part=r, parts=repeats)
        descent = _descended(stream, drawn, shared, lines, options, control, r)
        if control.ended != "whole":  # of several searches, none would be of use
            many = finished(descent, lines[-1].strengths.stop) if len(lines) == 1 else 0
            if not many:
                raise KeyboardInterrupt
            lines = [replace(lines[0], grid=lines[0].grid[:many])]
        for mine, line in zip(walks, lines, strict=True):
            mine.append(_walked(descent, drawn, shared, line))
        grids = [line.grid for line in lines]
        if control.interrupted:
            break
    return [
        assemble(stream, mine, members[: line.sets], line.grid, line.search, control.ended)
        for mine, line in zip(walks, lines, strict=True)
    ]


def _per_weight(search: Search, shared: SharedColumns) -> Floats:
    weight = shared.sets.weight
    return 1.0 / weight if search.loss == "sum" else np.ones_like(weight)


def _grid(shared: SharedColumns, stream: RowStream, number: int, search: Search, options: Options) -> Floats:
    """As in memory, from the final model's null fit; columns without a penalty count as not fitted yet."""
    sets, per_sum = shared.sets, 1.0 / float(_per_weight(search, shared)[0])
    eta, _, gradient = shared.null(stream.family, fit_intercept=options.fit_intercept)
    if search.l1_ratio == 0.0:
        weight = sets.l2_weight[0]
        bend = stream.family.slopes(eta[:1], shared.y_mean[:1])[1]
        square = (sets.scale[0] / shared.unit[: len(weight)]) ** 2
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


def _starts(
    stream: RowStream, drawn: Drawn, shared: SharedColumns, lines: Sequence[_Line], options: Options
) -> tuple[Points, Floats]:
    """All points, strength by strength, and their coefficients (P, q + 1) on the sample."""
    eta = shared.null(stream.family, fit_intercept=options.fit_intercept)[0] * options.fit_intercept
    parts, starts = [], []
    if stream.tell is not None:
        stream.tell("fitting the sample", sum(len(part[1]) for part in drawn.parts), None)
    for number, line in enumerate(lines):
        search, A, H = line.search, len(line.grid), line.sets
        tol = search.tol if drawn.share >= 1.0 else max(search.tol, ENOUGH)
        per_weight = _per_weight(search, shared)[:H]
        # The sample's own weights are not those that alpha counts against.
        inside = replace(search, tol=tol, loss="mean")
        start = np.zeros((A, H, shared.n_columns + 1))
        start[..., 0] = eta[:H]
        found = sample_paths(drawn, shared.of_first(H), options, inside, line.grid, per_weight)
        starts.append((start if found is None else found).reshape(A * H, -1))
        h, a = np.tile(np.arange(H), A), np.repeat(np.arange(A), H)
        strength = line.grid[a] * per_weight[h]
        parts.append(
            (np.full(A * H, number), h, a + line.first, strength * search.l1_ratio, strength * (1.0 - search.l1_ratio))
        )
    return Points(*(np.concatenate(each) for each in zip(*parts, strict=True))), np.concatenate(starts)


def _descended(
    stream: RowStream,
    drawn: Drawn,
    shared: SharedColumns,
    lines: Sequence[_Line],
    options: Options,
    control: Control,
    repeat: int,
) -> Descent:
    """From the sample's paths to certified ones."""
    A = lines[-1].strengths.stop
    points, start = _starts(stream, drawn, shared, lines, options)
    descent = Descent(
        shared,
        stream.family,
        points,
        start,
        tol=min(line.search.tol for line in lines),
        fit_intercept=options.fit_intercept,
        largest=drawn.largest,
        saturated=drawn.saturated,
    )
    look = descent.first_look()
    try:
        for number in range(MOST_PASSES):
            tell = _telling(stream, descent, number)
            descent.take(stream.passage.over(look.nothing, stream.first_repeat + repeat, tell))
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


def _walked(descent: Descent, drawn: Drawn, shared: SharedColumns, line: _Line) -> Walked:
    """One search's paths in original units."""
    a = descent.points.a
    mine = (line.first <= a) & (a < line.strengths.stop)
    H, A = line.sets, len(line.grid)
    per_point = {name: getattr(descent, name)[mine].reshape(A, H) for name in ("gap", "n_iter", "status")}
    coef = descent.coef[mine].reshape(A, H, -1).swapaxes(0, 1)
    some = shared.of_first(H)
    slopes, intercept = some.original_units(coef)
    fold_loss = descent.fold_loss[mine].reshape(A, H, -1)
    columns = np.arange(shared.n_columns)
    return Walked(
        sets=some.sets,
        columns=columns,
        coef=slopes,
        intercept=intercept,
        points=[
            Point(coef[:, i], columns=columns, fold_loss=fold_loss[i], **{n: each[i] for n, each in per_point.items()})
            for i in range(A)
        ],
        deviance=np.moveaxis(mean_deviance(fold_loss, drawn.saturated, drawn.fold_weight), 0, 2),
        null_objective=descent.null_objective[:H],
        score_weight=drawn.fold_weight,
        maps=some.maps,
    )
