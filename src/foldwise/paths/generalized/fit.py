"""Paths of a generalized linear model: a table's rows to a walk for each repeat, assembled into Paths."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from foldwise.errors import DataWarning, InputError
from foldwise.moments.threads import Team
from foldwise.paths.control import Control
from foldwise.paths.generalized.assemble import Walked, assemble, deviances, of_walk, of_wide_walk
from foldwise.paths.generalized.cox_passes import CoxPasses
from foldwise.paths.generalized.dense_rows import COPIED_BYTES, DenseRows
from foldwise.paths.generalized.filling import FilledPasses
from foldwise.paths.generalized.multinomial_passes import MultinomialPasses
from foldwise.paths.generalized.passes import Passes
from foldwise.paths.generalized.rows import Rows, fold_order
from foldwise.paths.generalized.separation import warn_of_separation
from foldwise.paths.generalized.sets import Sets
from foldwise.paths.generalized.several_targets import fit_several_targets
from foldwise.paths.generalized.sparse_rows import SparseRows, is_sparse_enough
from foldwise.paths.generalized.walk import APART, Point, Walker
from foldwise.paths.generalized.wide_table import WideTable
from foldwise.paths.generalized.wide_walk import WidePoint, WideWalk
from foldwise.paths.generalized.working_sets import WorkingSets
from foldwise.paths.lockstep.columns import DenseColumns
from foldwise.paths.lockstep.sparse_columns import SparseColumns
from foldwise.paths.lockstep.turned import all_turned
from foldwise.paths.strengths import RIDGE_STRONGEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.generalized.row_table import RowTable
    from foldwise.paths.paths import Paths
    from foldwise.paths.problem import Options
    from foldwise.paths.start import Start
    from foldwise.paths.strengths import Search

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

HeldOut = frozenset[int]

# Up to this many columns every model has all of them; with a ridge penalty alone it must, up to the second number.
FEW_COLUMNS, MANY_COLUMNS = 500, 3000
# Cells times held-out sets below which threads cost more than they save.
SMALL = 4e6
# Share of the span of y's middle half below which Huber's delta is named where a point is not certified.
SMALL_DELTA = 0.02


def fit_generalized(
    table: RowTable,
    search: Search,
    options: Options,
    control: Control | None = None,
    *,
    stop_when_turned: bool = False,
    start: Start | None = None,
) -> Paths:
    """Paths of every held-out set.

    Parameters
    ----------
    table : RowTable
    search : Search
        What to look for.
    options : Options
    control : Control, optional
        What may end the path early. Repeats follow each other: one that is interrupted is left out, unless it is the
        first.
    stop_when_turned : bool
        End the path of a table of many columns once every cross-validated curve of the first repeat has turned.
    start : Start, optional
        Where every set's walk begins; from zero where omitted, strength by strength.
    """
    control = control or Control()
    _check_size(table, search)
    if table.family.name == "multigaussian":
        return fit_several_targets(table, search, options)
    if table.family.shares_rows:
        options = replace(options, fit_intercept=True)  # without a meaning, it takes up the centring
    k = table.n_folds
    members = [frozenset[int](), *(frozenset({fold}) for fold in range(k if k > 1 else 0))]
    if search.nested:
        members += [frozenset({a, b}) for a in range(k) for b in range(a + 1, k)]
    grid: int | Floats = search.alphas
    walks: list[Walked] = []
    small = table.X.shape[0] * min(table.n_features, FEW_COLUMNS) * len(members) < SMALL
    repeats = len(table.labels)
    with Team(1 if small else None) as team, control:
        for r, labels in enumerate(table.labels):
            walker = _begin(table, labels, members, search, options, team)
            if isinstance(grid, int):
                grid = _grid(walker, grid, search)
            if start is not None:
                sets = [frozenset(r * k + fold for fold in held_out) for held_out in members]
                walker.stand_at(*start.of_sets(grid, sets))
            control.expect(len(grid), part=r, parts=repeats)
            many = isinstance(walker, WideWalk | WorkingSets)
            may_turn = stop_when_turned and many and r == 0
            points = _walk(walker, grid, search, control, may_turn=may_turn, comes_down=start is None)
            weakest = float(grid[len(points) - 1])
            if table.family.is_two_class and (np.any(options.penalty_factor == 0.0) or weakest == 0.0):
                warn_of_separation(walker.standing(), table, penalized=weakest > 0.0)
            if walks and control.interrupted:
                break
            grid = grid[: len(points)]
            walks.append(of_wide_walk(walker, points) if isinstance(walker, WideWalk) else of_walk(walker, points))
    paths = assemble(table, walks, members, np.asarray(grid), search, control.ended)
    _warn_of_small_delta(table, paths)
    return paths


def _check_size(table: RowTable, search: Search) -> None:
    """Refuse what would need too large a matrix for every set."""
    name, p, outputs = table.family.name, table.n_features, table.n_outputs
    message = ""
    if len(table.gaps) or table.filling.pools:
        if name == "multigaussian":
            message = "fill and pools must be left out with family='multigaussian'; fill X beforehand"
        elif p > FEW_COLUMNS:
            message = f"fill and pools need at most {FEW_COLUMNS} columns, got {p}; fill X beforehand"
    elif outputs > 1 and outputs * p > MANY_COLUMNS and name == "multigaussian":
        message = f"X must have at most {MANY_COLUMNS // outputs} columns with {outputs} outputs ({name}), got {p}"
    elif search.l1_ratio == 0.0 and outputs * p > MANY_COLUMNS:
        each = "" if outputs == 1 else f" and {outputs} classes"
        message = (
            f"l1_ratio must be above 0 for {p} columns{each} with family={name!r}, got 0.0: "
            "without zeros every set needs a matrix of all of them; 0.01 is nearly ridge"
        )
    elif search.l1_ratio > 0.0 and _is_wide(table) and not isinstance(search.alphas, int) and search.alphas[-1] == 0.0:
        message = f"alpha must be > 0 for {p} columns and {len(table.y)} rows, got 0.0: nothing picks one solution"
    if message:
        raise InputError(message)


def _is_wide(table: RowTable) -> bool:
    """Whether every set has Newton models of its own, on the columns that have a say."""
    p, alone = table.n_features, table.n_outputs == 1 and not table.family.shares_rows
    return alone and not table.filling.pools and not len(table.gaps) and p > FEW_COLUMNS and p > len(table.y)


def _begin(
    table: RowTable, labels: Ints, members: list[HeldOut], search: Search, options: Options, team: Team
) -> Walker | WideWalk:
    """One repeat's held-out sets at their null fits, unpenalized columns fitted."""
    wide = search.l1_ratio > 0.0 and _is_wide(table)
    make = _begin_wide if wide else _begin_walk
    walker = make(table, labels, members, search, options, team)
    _warn_of_nothing(walker, table)
    if np.any(np.isfinite(options.penalty_factor) & (options.penalty_factor == 0.0)):
        walker.advance(1e6 * walker.emptying() * float(walker.sets.weight.max() if search.loss == "sum" else 1.0))
    return walker


def _begin_wide(
    table: RowTable, labels: Ints, members: list[HeldOut], search: Search, options: Options, team: Team
) -> WideWalk:
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], np.arange(table.n_folds + 1))
    kind = SparseColumns if sparse.issparse(table.X) else DenseColumns
    columns = kind(table.X, order, ends, table.weight[order], team)
    wide = WideTable(columns, order, members, options, l1_ratio=search.l1_ratio, is_sum=search.loss == "sum")
    offset = None if table.offset is None else table.offset[order]
    return WideWalk(wide, table.y[order], offset, table.family, l1_ratio=search.l1_ratio, tol=search.tol)


def _begin_walk(
    table: RowTable, labels: Ints, members: list[HeldOut], search: Search, options: Options, team: Team
) -> Walker:
    X, filling, gaps = table.X, table.filling, table.gaps
    fills = len(gaps) > 0 or len(filling.pools) > 0
    # A median, so that far-off rows of one fold do not take digits from the others.
    reference = np.nanmedian(X[:, gaps], axis=0) if len(gaps) and options.fit_intercept else np.zeros(len(gaps))
    if fills:
        X = filling.shared_columns(X, gaps, reference)
    kind = SparseRows if is_sparse_enough(X) else DenseRows
    order = fold_order(labels, in_windows=kind is DenseRows and 8 * X.size > COPIED_BYTES)
    rows = kind(X, order, labels[order], table.weight[order], team, centred=options.fit_intercept)
    _check_fold_weights(rows)
    maps = filling.maps(table.X, table.weight, labels, members, gaps, reference) if fills else []
    sets = Sets.filled(rows, members, options, table.X[order], maps) if fills else Sets.of(rows, members, options)
    offset = None if table.offset is None else table.offset[order]
    passes: Passes
    if table.family.shares_rows:
        passes = CoxPasses(rows, table.y[order], offset, table.family, sets)
    elif table.n_outputs > 1:
        passes = MultinomialPasses(rows, table.y[order], offset, table.family, sets.repeated(table.n_outputs))
    else:
        passes = Passes(rows, table.y[order], offset, table.family, sets)
    if fills:
        passes = FilledPasses.of(passes, maps)
    few = fills or table.n_outputs * table.n_features <= FEW_COLUMNS or search.l1_ratio == 0.0
    return Walker(passes, options, search) if few else WorkingSets(passes, options, search)


def _walk(
    walker: Walker | WideWalk,
    grid: Floats,
    search: Search,
    control: Control,
    *,
    may_turn: bool = False,
    comes_down: bool = True,
) -> list[Any]:
    """Points of the grid, as many as control lets be; strengths far below the emptying one are come down to."""
    if comes_down and search.l1_ratio > 0.0:
        strength = walker.emptying() / search.l1_ratio / float(walker.per_weight.max())
        while strength * APART > grid[0] > 0.0:
            strength *= APART
            walker.advance(strength)
    points: list[Point | WidePoint] = []
    for alpha in grid:
        if control.cut(len(points)):
            break
        points.append(walker.advance(float(alpha)))
        if may_turn and _has_turned(walker, points):
            control.ended = "turned" if len(points) < len(grid) else control.ended
            break
        if control.explained(walker.explained):
            break
    return points


def _has_turned(walker: Walker | WideWalk, points: list[Any]) -> bool:
    """Whether every cross-validated deviance has clearly risen past its smallest."""
    weight = walker.table.fold_weight if isinstance(walker, WideWalk) else walker.passes.score_weight()
    return all_turned(walker.sets.held_out, deviances(points, walker.saturated, weight), weight)


def _grid(walker: Walker | WideWalk, number: int, search: Search) -> Floats:
    """As `foldwise.paths.strengths.strength_grid`, from the final model's null fit."""
    per_sum = 1.0 / float(walker.per_weight[0])
    if isinstance(walker, Walker) and search.l1_ratio == 0.0:
        walker.refresh(walker.coef[0])
        weight = walker.sets.l2_weight[0]
        curvature = np.diag(walker.models.C[0])[weight > 0.0] / weight[weight > 0.0]
        strongest = RIDGE_STRONGEST * float(np.median(curvature)) * per_sum if len(curvature) else 1.0
        return np.geomspace(strongest, strongest * search.eps**3, number)
    strongest = walker.emptying(slice(0, 1)) / search.l1_ratio * per_sum
    if strongest <= np.finfo(float).resolution:
        return np.full(number, np.finfo(float).resolution)
    return np.geomspace(strongest, strongest * search.eps, number)


def _check_fold_weights(rows: Rows) -> None:
    empty = np.flatnonzero(rows.fold_weight <= 0.0)
    if len(empty):
        message = f"sample_weight must have a positive sum in every fold, got 0 in fold {empty[0]}"
        raise InputError(message)


def _warn_of_small_delta(table: RowTable, paths: Paths) -> None:
    """Say of Huber's loss why it was not minimized where delta leaves next to no row with curvature."""
    delta = getattr(table.family, "delta", None)
    if delta is None or not np.any(paths.status):
        return
    low, high = np.quantile(table.y, [0.25, 0.75])
    if delta < SMALL_DELTA * (high - low):
        warnings.warn(
            f"delta={delta:g} is small beside y, whose middle half spans {high - low:.3g}: nearly the absolute loss, "
            f"which Newton's method does not minimize; use a delta of {SMALL_DELTA * (high - low):.1g} or more "
            "(delta is in units of y)",
            ConvergenceWarning,
            stacklevel=4,
        )


def _warn_of_nothing(walker: Walker | WideWalk, table: RowTable) -> None:
    alone = np.flatnonzero(~walker.something)
    if len(alone) and walker.null_objective.max() > 0.0:
        folds = ", ".join(str(sorted(walker.sets.held_out[h])) for h in alone[:3])
        warnings.warn(
            f"without the rows of folds {folds} y does not vary, so that nothing can be fitted there and its "
            f"coefficients are 0 (family={table.family.name!r}); use fewer or stratified folds",
            DataWarning,
            stacklevel=5,
        )
