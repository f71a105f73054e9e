"""Wide tables: which way a table is fitted, and the wide way: one lockstep walk per repeat, assembled into Paths.

Fold moments hold a (p, p) matrix per fold. Where that is more than the table itself is worth, the rows are kept at hand
instead, and a walk looks only at the columns that have a say.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from foldwise.errors import InputError
from foldwise.moments import DesignMap, FoldMoments
from foldwise.moments.check import check_features, check_target, check_weight
from foldwise.moments.threads import Team
from foldwise.paths.control import Control
from foldwise.paths.lockstep.columns import DenseColumns
from foldwise.paths.lockstep.ridge import ridge_walk
from foldwise.paths.lockstep.sparse_columns import SparseColumns
from foldwise.paths.lockstep.state import Lockstep
from foldwise.paths.lockstep.walk import Walk, first_of, walk
from foldwise.paths.paths import Paths
from foldwise.paths.point import Strengths
from foldwise.paths.strengths import Search

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from foldwise.moments import Fill, Pools
    from foldwise.paths.control import Ended
    from foldwise.paths.problem import Options
    from foldwise.resampling import Folds

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

HeldOut = frozenset[int]

# Up to this many columns moments are cheap whatever the number of rows; above the other, they never are.
FEW_COLUMNS = 500
MANY_COLUMNS = 5000
# Cell times held-out sets below which threads cost more than they save.
SMALL = 1e7


@dataclass(frozen=True, eq=False)
class WideTable:
    """Rows at hand: what the walk needs of a table, checked.

    Parameters
    ----------
    X : array (n, p), or sparse by rows
        float32 or float64 in any layout, read-only or memory-mapped; used as it is.
    y : array (n,)
    weight : array (n,)
    folds : Folds or None
    """

    X: Any
    y: Floats
    weight: Floats
    folds: Folds | None

    @property
    def n_features(self) -> int:
        """P."""
        return int(self.X.shape[1])

    @property
    def n_folds(self) -> int:
        """K; 1 without folds."""
        return 1 if self.folds is None else self.folds.n_folds

    def held_out_sets(self, *, nested: bool = False) -> tuple[HeldOut, ...]:
        """`{}`, the R * K single folds, and with `nested` all pairs of folds of one repeat."""
        return (frozenset(),) if self.folds is None else self.folds.held_out_sets(nested=nested)


def prepare(
    X: ArrayLike,
    y: ArrayLike,
    *,
    folds: Folds | None = None,
    sample_weight: ArrayLike | None = None,
    fill: Fill | None = None,
    indicators: bool = False,
    pools: Pools = (),
    min_level_count: int = 10,
) -> FoldMoments | WideTable:
    """Read a table once for any number of `fit_paths` calls: its fold moments, or a wide table's rows kept at hand.

    Parameters
    ----------
    X, y, folds, sample_weight, fill, indicators, pools, min_level_count
        As in `fit_paths`.

    Returns
    -------
    FoldMoments or WideTable
        Moments for up to 500 columns, or for up to 5,000 where there are at least as many rows or values to fill.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> type(prepare(rng.normal(size=(50, 20)), rng.normal(size=50))).__name__
    'FoldMoments'
    >>> type(prepare(rng.normal(size=(50, 2000)), rng.normal(size=50))).__name__
    'WideTable'
    """
    shape = np.shape(X)
    n, p = shape if len(shape) == 2 else (0, 0)
    is_sparse = sparse.issparse(X)
    # Moments of a sparse table are dense: worth it only while they are small beside it.
    wide = p > MANY_COLUMNS or (p > FEW_COLUMNS and (p > n or is_sparse))
    if wide and (pools or (fill is not None and not is_sparse and np.isnan(np.sum(X)))):
        if p > MANY_COLUMNS:
            message = f"fill and pools need at most {MANY_COLUMNS} columns, got {p}; fill X beforehand"
            raise InputError(message)
        wide = False
    if not wide:
        return FoldMoments.scan(
            X,
            y,
            folds,
            sample_weight=sample_weight,
            fill=fill,
            indicators=indicators,
            pools=pools,
            min_level_count=min_level_count,
        )
    table = check_features(X, allow_missing=False)
    weight = check_weight(sample_weight, n)
    if folds is not None and folds.n_rows != n:
        message = f"folds must label the {n} rows of X, got {folds.n_rows} labels"
        raise InputError(message)
    return WideTable(table, check_target(y, n), np.ones(n) if weight is None else weight, folds)


def as_moments(table: WideTable, what: str) -> FoldMoments:
    """Fold moments of a wide table, for what only they can do."""
    if table.n_features > MANY_COLUMNS:
        message = f"{what} needs at most {MANY_COLUMNS} columns, got {table.n_features}"
        raise InputError(message)
    return FoldMoments.scan(table.X, table.y, table.folds, sample_weight=table.weight)


def fit_wide(
    table: WideTable,
    search: Search,
    options: Options,
    *,
    stop_when_turned: bool,
    control: Control | None = None,
    start: Callable[[Floats], Floats] | None = None,
) -> Paths:
    """Paths of a wide table.

    Parameters
    ----------
    table : WideTable
    search : Search
        What to look for.
    options : Options
    stop_when_turned : bool
        End the path once every cross-validated curve of the first repeat has turned; see `lockstep.turned`.
    control : Control, optional
        What may end the path early. Repeats follow each other: one that is interrupted is left out, unless it is the
        first.
    start : callable, optional
        For strengths (A,), the coefficients (H, p) from which the first is solved.
    """
    control = control or Control()
    n, k, grid, l1_ratio, nested = len(table.y), table.n_folds, search.alphas, search.l1_ratio, search.nested
    smooth = l1_ratio == 0.0 or (not isinstance(grid, int) and not grid.any())
    if search.loss == "sum" and not smooth:
        message = f"loss must be 'mean' for a lasso path of {table.n_features} columns and {n} rows, got 'sum'"
        raise InputError(message)
    repeats = np.zeros((1, n), dtype=np.intp) if table.folds is None else table.folds.labels
    sets = [_local_sets(k, nested=nested, final=repeat == 0) for repeat in range(len(repeats))]
    if not smooth and not isinstance(grid, int) and grid[-1] == 0.0:
        message = f"alpha must be > 0 for {table.n_features} columns and {n} rows, got 0.0: nothing picks one solution"
        raise InputError(message)
    walks: list[Walk] = []
    where = _order(sets)
    small = n * table.n_features * len(sets[0]) < SMALL
    # A closed form gives all strengths at once: nothing is finished until everything is.
    with Team(1 if small else None) as team, nullcontext() if smooth else control:
        for r, (labels, members) in enumerate(zip(repeats, sets, strict=True)):
            order = np.argsort(labels, kind="stable")
            ends = np.searchsorted(labels[order], np.arange(k + 1))
            kind = SparseColumns if sparse.issparse(table.X) else DenseColumns
            columns = kind(table.X, order, ends, table.weight[order], team)
            if smooth:
                one, grid = ridge_walk(columns, table.y[order], members, options, grid, search)
                if r == 0:
                    grid = grid[: _explained(one, table.weight[order], ends, control)]
            else:
                lockstep = Lockstep(columns, table.y[order], members, options, team)
                if isinstance(grid, int):
                    strongest = lockstep.strongest() / l1_ratio
                    tiny = np.finfo(float).resolution
                    grid = (
                        np.full(grid, tiny)
                        if strongest <= tiny
                        else np.geomspace(strongest, strongest * search.eps, grid)
                    )
                control.expect(len(grid), part=r, parts=len(repeats))
                strengths = Strengths(grid, l1_ratio, search.tol, search.max_iter)
                begin = None if start is None else start(grid)[[at for at, (part, _) in enumerate(where) if part == r]]
                walked = walk(
                    lockstep, strengths, stop_when_turned=stop_when_turned and r == 0, control=control, start=begin
                )
                if walked is None or (walks and control.interrupted):
                    break
                one = walked
                if one.gap.shape[1] < len(grid) and control.ended == "whole":
                    control.ended = "turned"
                grid = grid[: one.gap.shape[1]]
            walks.append(one)
    return _assemble(table, walks, sets[: len(walks)], np.asarray(grid), l1_ratio, control.ended, nested=nested)


def _explained(one: Walk, weight: Floats, ends: Ints, control: Control) -> int:
    """How many strengths it takes until the final model explains enough, where that was asked for; else all."""
    share = np.add.reduceat(weight, ends[:-1]) / weight.sum()
    left = share @ one.fold_error[0] / (2.0 * one.null_objective[0] or 1.0)
    points = len(left)
    return next((at + 1 for at in range(points) if control.explained(partial(float, 1.0 - left[at]))), points)


def _order(sets: list[list[HeldOut]]) -> list[tuple[int, int]]:
    """Repeat and number there of each held-out set, as `Folds.held_out_sets` orders them: {}, singles, pairs."""
    return [
        (r, h) for size in (0, 1, 2) for r, part in enumerate(sets) for h, one in enumerate(part) if len(one) == size
    ]


def _local_sets(k: int, *, nested: bool, final: bool) -> list[HeldOut]:
    """The held-out sets of one repeat, by fold 0..K-1 within it."""
    sets = [frozenset[int]()] if final else []
    if k > 1:
        sets += [frozenset({fold}) for fold in range(k)]
    if nested:
        sets += [frozenset({a, b}) for a in range(k) for b in range(a + 1, k)]
    return sets


def _assemble(
    table: WideTable,
    walks: list[Walk],
    sets: list[list[HeldOut]],
    alphas: Floats,
    l1_ratio: float,
    ended: Ended,
    *,
    nested: bool,
) -> Paths:
    """Put the repeats' walks in the order of `Folds.held_out_sets`, as far as all of them came."""
    k, repeats, points = table.n_folds, len(walks), len(alphas)
    index = np.unique(np.concatenate([one.index for one in walks]))
    where = _order(sets)
    walks = [first_of(one, points) for one in walks]
    # One walk has its held-out sets in the right order already, and its coefficients need no copy.
    coef = walks[0].coef if repeats == 1 else np.zeros((len(where), points, len(index)))
    cv_error = np.full((repeats * k if k > 1 else 0, points), np.nan)
    inner_error = np.full((repeats * k, k, points), np.nan) if nested else None
    for at, (r, h) in enumerate(where):
        if repeats > 1:
            coef[at][:, np.searchsorted(index, walks[r].index)] = walks[r].coef[h]
        for fold in sets[r][h]:
            error = walks[r].fold_error[h, fold]
            if len(sets[r][h]) == 1:
                cv_error[r * k + fold] = error
            elif inner_error is not None:
                (outer,) = sets[r][h] - {fold}
                inner_error[r * k + outer, fold] = error

    def stacked(name: str) -> Any:
        return np.stack([getattr(walks[r], name)[h] for r, h in where])

    none = np.zeros(0, dtype=np.intp)
    same = DesignMap(gaps=none, reference=np.zeros(0), fill=np.zeros(0), moved=(), indicators=False)
    labels = np.zeros((1, len(table.y)), dtype=np.intp) if table.folds is None else table.folds.labels[:repeats]
    fold_weight = [np.bincount(row, weights=table.weight, minlength=k) for row in labels]
    return Paths(
        alphas=alphas,
        l1_ratio=l1_ratio,
        held_out=tuple(frozenset(r * k + fold for fold in sets[r][h]) for r, h in where),
        kept=coef,
        columns=index,
        intercept=stacked("intercept"),
        gap=stacked("gap"),
        n_iter=stacked("n_iter"),
        status=stacked("status"),
        null_objective=stacked("null_objective"),
        mean=stacked("mean"),
        scale=stacked("scale"),
        maps=(same,) * len(where),
        n_folds=k,
        n_repeats=repeats,
        cv_error=cv_error,
        fold_weight=np.concatenate(fold_weight) if k > 1 else np.zeros(0),
        inner_error=inner_error,
        ended=ended,
    )
