"""Paths of a generalized linear model: a table's rows to a walk for each repeat, assembled into Paths."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from foldwise.errors import DataWarning, InputError
from foldwise.moments import DesignMap
from foldwise.moments.check import check_features, check_weight
from foldwise.moments.threads import Team
from foldwise.paths.control import Control
from foldwise.paths.generalized.cox_passes import CoxPasses
from foldwise.paths.generalized.dense_rows import COPIED_BYTES, DenseRows
from foldwise.paths.generalized.filling import FilledPasses, Filling
from foldwise.paths.generalized.multinomial_passes import MultinomialPasses
from foldwise.paths.generalized.passes import Passes
from foldwise.paths.generalized.rows import Rows, fold_order
from foldwise.paths.generalized.separation import warn_of_separation
from foldwise.paths.generalized.sets import Sets
from foldwise.paths.generalized.several_targets import fit_several_targets
from foldwise.paths.generalized.sparse_rows import SparseRows, is_sparse_enough
from foldwise.paths.generalized.walk import APART, Point, Walker
from foldwise.paths.generalized.working_sets import WorkingSets
from foldwise.paths.output_paths import OutputPaths
from foldwise.paths.paths import Paths
from foldwise.paths.strengths import RIDGE_STRONGEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.families import Family
    from foldwise.paths.control import Ended
    from foldwise.paths.problem import Options
    from foldwise.paths.strengths import Search
    from foldwise.resampling import Folds

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

HeldOut = frozenset[int]

# Up to this many columns every model has all of them; with a ridge penalty alone it must, up to the second number.
FEW_COLUMNS, MANY_COLUMNS = 500, 3000
# Cells times held-out sets below which threads cost more than they save.
SMALL = 1e6


@dataclass(frozen=True, eq=False)
class RowTable:
    """Checked rows of a generalized linear model.

    Parameters
    ----------
    X : array (n, p), or sparse by rows
    y : array (n,), or marks (n, C) of C classes
    weight : array (n,)
    offset : array (n,) or None
    folds : Folds or None
    family : Family
    filling : Filling
        What is done with missing values and rare levels.
    """

    X: Any
    y: Floats
    weight: Floats
    offset: Floats | None
    folds: Folds | None
    family: Family
    filling: Filling = field(default_factory=Filling)

    @classmethod
    def of(
        cls,
        X: Any,
        y: Any,
        family: Family,
        *,
        folds: Folds | None = None,
        sample_weight: Any = None,
        offset: Any = None,
        filling: Filling | None = None,
    ) -> RowTable:
        """Check everything, with messages that name the argument."""
        filling = filling or Filling()
        table = check_features(X, allow_missing=filling.fill is not None)
        n = table.shape[0]
        target = family.check_target(y, n)
        weight = check_weight(sample_weight, n)
        if folds is not None and folds.n_rows != n:
            message = f"folds must label the {n} rows of X, got {folds.n_rows} labels"
            raise InputError(message)
        if offset is not None and target.ndim == 2 and not family.shares_rows:
            message = f"offset must be left out with family={family.name!r}"
            raise InputError(message)
        if filling.pools and sparse.issparse(table):
            message = "pools must be left out with a sparse X"
            raise InputError(message)
        weight = np.ones(n) if weight is None else weight
        return cls(table, target, weight, check_offset(offset, n), folds, family, filling)

    @cached_property
    def gaps(self) -> Ints:
        """Columns (g,) with missing values."""
        none = self.filling.fill is None or sparse.issparse(self.X)
        return np.zeros(0, dtype=np.intp) if none else np.flatnonzero(np.isnan(self.X).any(axis=0))

    @property
    def n_features(self) -> int:
        """Columns of a fitted design: p, and the missing indicators where they are asked for."""
        return int(self.X.shape[1]) + (len(self.gaps) if self.filling.indicators else 0)

    @property
    def n_folds(self) -> int:
        """K; 1 without folds."""
        return 1 if self.folds is None else self.folds.n_folds

    @property
    def n_outputs(self) -> int:
        """Linear predictors of a row: the classes of a multinomial target, else 1."""
        return 1 if self.y.ndim == 1 or self.family.shares_rows else int(self.y.shape[1])

    @property
    def labels(self) -> Ints:
        """Folds (R, n)."""
        return np.zeros((1, len(self.y)), dtype=np.intp) if self.folds is None else self.folds.labels


def check_offset(offset: Any, n: int) -> Floats | None:
    """What is added to every row's predictor, as finite floats (n,)."""
    if offset is None:
        return None
    array = np.asarray(offset, dtype=np.float64)
    if array.shape != (n,):
        message = f"offset must have one number for each of the {n} rows of X, got shape {array.shape}"
        raise InputError(message)
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        message = f"offset must be finite, got {array[bad[0]]} in row {bad[0]} (from 0)"
        raise InputError(message)
    return array


@dataclass(frozen=True, eq=False)
class _Walked:
    """One repeat's answer: the sets, the walker as it ended, and its points in original units."""

    sets: Sets
    walker: Walker
    columns: Ints
    coef: Floats
    intercept: Floats
    points: list[Point]
    deviance: Floats


def fit_generalized(table: RowTable, search: Search, options: Options, control: Control | None = None) -> Paths:
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
    walks: list[_Walked] = []
    small = table.X.shape[0] * min(table.n_features, FEW_COLUMNS) * len(members) < SMALL
    repeats = len(table.labels)
    with Team(1 if small else None) as team, control:
        for r, labels in enumerate(table.labels):
            walker = _begin(table, labels, members, search, options, team)
            if isinstance(grid, int):
                grid = _grid(walker, grid, search)
            control.expect(len(grid), part=r, parts=repeats)
            points = _walk(walker, grid, search, control)
            weakest = float(grid[len(points) - 1])
            if np.any(options.penalty_factor == 0.0) or weakest == 0.0:
                warn_of_separation(walker, table, penalized=weakest > 0.0)
            if walks and control.interrupted:
                break
            grid = grid[: len(points)]
            walks.append(_in_original_units(walker, points))
    return _assemble(table, walks, members, np.asarray(grid), search, control.ended)


def _check_size(table: RowTable, search: Search) -> None:
    """Refuse what would need too large a matrix for every set."""
    name, p, outputs = table.family.name, table.n_features, table.n_outputs
    message = ""
    if len(table.gaps) or table.filling.pools:
        if name == "multigaussian":
            message = "fill and pools must be left out with family='multigaussian'; fill X beforehand"
        elif p > FEW_COLUMNS:
            message = f"fill and pools need at most {FEW_COLUMNS} columns, got {p}; fill X beforehand"
    elif outputs > 1 and outputs * p > MANY_COLUMNS:
        message = f"X must have at most {MANY_COLUMNS // outputs} columns with {outputs} outputs ({name}), got {p}"
    elif search.l1_ratio == 0.0 and p > MANY_COLUMNS:
        message = (
            f"l1_ratio must be above 0 for {p} columns with family={name!r}, got 0.0: "
            "without zeros every set needs a matrix of all of them; 0.01 is nearly ridge"
        )
    if message:
        raise InputError(message)


def _begin(
    table: RowTable, labels: Ints, members: list[HeldOut], search: Search, options: Options, team: Team
) -> Walker:
    """One repeat's held-out sets at their null fits, unpenalized columns fitted."""
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
    few = fills or table.n_outputs > 1 or table.n_features <= FEW_COLUMNS or search.l1_ratio == 0.0
    walker = Walker(passes, options, search) if few else WorkingSets(passes, options, search)
    _warn_of_nothing(walker, table)
    if np.any(np.isfinite(options.penalty_factor) & (options.penalty_factor == 0.0)):
        walker.advance(1e6 * walker.emptying() * float(sets.weight.max() if search.loss == "sum" else 1.0))
    return walker


def _walk(walker: Walker, grid: Floats, search: Search, control: Control) -> list[Point]:
    """Points of the grid, as many as control lets be; strengths far below the emptying one are come down to."""
    if search.l1_ratio > 0.0:
        strength = walker.emptying() / search.l1_ratio / float(walker.per_weight.max())
        while strength * APART > grid[0] > 0.0:
            strength *= APART
            walker.advance(strength)
    points: list[Point] = []
    for alpha in grid:
        if control.cut(len(points)):
            break
        points.append(walker.advance(float(alpha)))
        if control.explained(walker.explained):
            break
    return points


def _in_original_units(walker: Walker, points: list[Point]) -> _Walked:
    passes = walker.passes
    last = walker.coef.shape[1]
    coef = np.stack([np.pad(point.coef, ((0, 0), (0, last - point.coef.shape[1]))) for point in points], axis=1)
    outputs = walker.first
    # (H, A, C q) to (H, A, q, C)
    original = coef[:, :, outputs:].reshape(*coef.shape[:2], outputs, passes.n_columns).swapaxes(2, 3)
    original = original / passes.unit[:, None]
    intercept = coef[:, :, :outputs] - np.einsum("haqc,hq->hac", original, passes.shift)
    if walker.family.shares_rows:
        intercept = np.zeros_like(intercept)
    if outputs == 1:
        original, intercept = original[..., 0], intercept[..., 0]
    elif walker.options.fit_intercept:
        intercept -= intercept.mean(axis=2, keepdims=True)
    fold_loss = np.stack([point.fold_loss for point in points], axis=2)
    deviance = 2.0 * np.maximum(fold_loss - walker.saturated[:, None], 0.0) / walker.passes.score_weight()[:, None]
    return _Walked(
        sets=walker.everything.sets,
        walker=walker,
        columns=walker.columns,
        coef=original,
        intercept=intercept,
        points=points,
        deviance=deviance,
    )


def _grid(walker: Walker, number: int, search: Search) -> Floats:
    """As `foldwise.paths.strengths.strength_grid`, from the final model's null fit."""
    per_sum = 1.0 / float(walker.per_weight[0])
    if search.l1_ratio == 0.0:
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


def _warn_of_nothing(walker: Walker, table: RowTable) -> None:
    alone = np.flatnonzero(~walker.something)
    if len(alone) and walker.null_objective.max() > 0.0:
        folds = ", ".join(str(sorted(walker.sets.held_out[h])) for h in alone[:3])
        warnings.warn(
            f"without the rows of folds {folds} y does not vary, so that nothing can be fitted there and its "
            f"coefficients are 0 (family={table.family.name!r}); use fewer or stratified folds",
            DataWarning,
            stacklevel=5,
        )


def _assemble(
    table: RowTable, walks: list[_Walked], members: list[HeldOut], alphas: Floats, search: Search, ended: Ended
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
    none = np.zeros(0, dtype=np.intp)
    same = DesignMap(gaps=none, reference=np.zeros(0), fill=np.zeros(0), moved=(), indicators=False)
    maps = [getattr(walked.walker.passes, "maps", (same,) * len(members)) for walked in walks]

    def of_points(name: str) -> Any:
        return np.stack([[getattr(point, name)[h] for point in walks[r].points[:points]] for r, h in where])

    fold_weight = np.concatenate([walked.walker.passes.score_weight() for walked in walks])
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
        null_objective=np.array([walks[r].walker.null_objective[h] for r, h in where]),
        mean=np.stack([walks[r].sets.mean[h] for r, h in where]),
        scale=np.stack([walks[r].sets.scale[h] for r, h in where]),
        maps=tuple(maps[r][h] for r, h in where),
        n_folds=k,
        n_repeats=repeats,
        cv_error=cv_error,
        fold_weight=fold_weight if k > 1 else np.zeros(0),
        inner_error=inner_error,
        ended=ended,
        family=table.family,
    )
