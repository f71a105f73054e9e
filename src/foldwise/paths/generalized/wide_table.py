"""A wide table for generalized models: training statistics, what columns must exceed, and how far they reach."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.generalized._models import survey
from foldwise.paths.generalized.sets import Sets
from foldwise.paths.lockstep.training_statistics import training_statistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.paths.lockstep.columns import DenseColumns
    from foldwise.paths.lockstep.sparse_columns import SparseColumns
    from foldwise.paths.problem import Options

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

HeldOut = frozenset[int]

# A bound on a column's reach is rounded up by this share.
ROUNDED_UP = 1.0 + 1e-9
# What dual points may be said to have shrunk by at one look; a square of their size that counts as none.
LEAST, TINY = 0.1, 1e-300
# Where this share of the columns is looked at, all are.
MANY = 0.25


class WideTable:
    """Columns in fold order under H held-out sets, and the last that was seen of them.

    Parameters
    ----------
    columns : DenseColumns or SparseColumns
    order : array (n,)
        The rows' numbers in fold order.
    held_out : sequence of frozenset, length H
    options : Options
    l1_ratio : float
        Above 0.
    is_sum : bool
        Whether alpha counts against the sum of the losses, and not against their mean.

    Attributes
    ----------
    label, weight : arrays (n,)
        Folds and row weights, in fold order.
    kept : array (K, H) of bool
    row_weight : array (n, H)
        Zero on held-out rows.
    total, fold_weight : arrays (H,), (K,)
    threshold : array (p, H)
        What a pull must exceed per unit of alpha.
    reach : array (p,)
        The alpha down to which a column was wanted by no set, when it was looked at; 0 where none can use it.
    most : array (H,)
        The largest reach in each set, when all were looked at.
    """

    def __init__(
        self,
        columns: DenseColumns | SparseColumns,
        order: Ints,
        held_out: Sequence[HeldOut],
        options: Options,
        *,
        l1_ratio: float,
        is_sum: bool,
    ) -> None:
        self.columns, self.order, self.held_out, self.options = columns, order, held_out, options
        self.n, self.p, self.H = columns.n, columns.p, len(held_out)
        self.statistics = statistics = training_statistics(columns, held_out, options)
        self.weight, self.row_weight, self.total = columns.weight, statistics.row_weight, statistics.total
        self.fold_weight = statistics.fold_weight
        self.label = np.repeat(np.arange(len(self.fold_weight)), np.diff(columns.ends))
        self.kept = np.array([[k not in members for members in held_out] for k in range(len(self.fold_weight))])
        self.per_weight = 1.0 / self.total if is_sum else np.ones(self.H)
        size = statistics.scale if options.fit_intercept else np.sqrt(statistics.scale**2 + statistics.mean**2)
        self.live = (size > 0.0) & np.isfinite(options.penalty_factor)
        factor = np.where(np.isfinite(options.penalty_factor), options.penalty_factor, 0.0)
        self.factor = factor
        self.threshold = np.ascontiguousarray((l1_ratio * self.per_weight[:, None] * factor * statistics.spread).T)
        counted = self.live.T & (self.threshold > 0.0)
        self.inverse = np.divide(1.0, self.threshold, out=np.zeros_like(self.threshold), where=counted)
        self.ratio = (self.inverse * size.T).max(axis=1, initial=0.0) * ROUNDED_UP
        self.size = size
        self.free = np.flatnonzero((factor == 0.0) & self.live.any(axis=0))
        self.sides = ((options.upper > 0.0) + 2 * (options.lower < 0.0)).astype(np.int8)
        share = self.row_weight / self.total
        self._per_root = np.divide(1.0, np.sqrt(share), out=np.zeros_like(share), where=share > 0.0)
        self.reach, self.most = np.zeros(self.p), np.zeros(self.H)
        self._expiry = np.full(self.p, np.inf)
        self._clock, self._unit, self._seen = 0.0, 1.0, np.zeros((self.n, self.H))

    def look(self, dual: Floats, alpha: float) -> tuple[Ints, NDArray[np.bool_]]:
        """See how far the columns reach that may reach alpha: which do (m,), and in which sets (m, H).

        By Cauchy and Schwarz a pull changes by no more than the column's size times what the dual points (n, H) have
        moved, in the rows' weights; columns that cannot have come within reach since they were seen are left out. Dual
        points mostly shrink as a path goes down, and pulls with them: what they all shrink by is taken off first, so
        that pulls and movements are counted in units that shrink as well.
        """
        new = dual[:, : self.H] * self._per_root
        size = max(float(np.vdot(self._seen, self._seen)), TINY)
        shrunk = min(max(float(np.vdot(new, self._seen)) / size, LEAST), 1.0)
        self._unit *= shrunk
        self.reach *= shrunk  # as good a guess as there is of those that are not looked at
        moved = new - shrunk * self._seen
        self._seen = new
        self._clock += float(np.sqrt(np.einsum("nh,nh->h", moved, moved).max())) / self._unit * ROUNDED_UP
        picks = np.flatnonzero(self._expiry + self.ratio * self._clock > alpha / self._unit)
        if len(picks) > MANY * self.p:
            picks = np.arange(self.p)
            products = self.columns.products(dual)
            self.most[:] = 0.0
        else:
            products = self.columns.products(dual, picks)
        survey(np.ascontiguousarray(products), picks, self.inverse, self.sides, self.reach, self.most)
        self._expiry[picks] = self.reach[picks] / self._unit - self.ratio[picks] * self._clock
        far = np.flatnonzero(self.reach[picks] > alpha)
        wanted = picks[far]
        return wanted, np.abs(products[far, : self.H]) * self.inverse[wanted] > alpha

    def look_everywhere(self, dual: Floats) -> None:
        """See how far all columns reach."""
        self._expiry[:], self._unit = np.inf, 1.0
        self.look(dual, 0.0)

    def steepest(self, dual: Floats) -> Floats:
        """The largest slope (H,) of a column per standard deviation."""
        pulls = np.abs(self.columns.products(dual)[:, : self.H])
        sized = np.divide(pulls, self.size.T, out=np.zeros_like(pulls), where=self.live.T)
        return np.asarray(sized.max(axis=0, initial=0.0))

    @cached_property
    def sets(self) -> Sets:
        """The held-out sets with penalty and box of all columns, in original units."""
        statistics, live = self.statistics, self.live
        return Sets(
            held_out=self.held_out,
            keep=self.kept,
            weight=self.total,
            mean=statistics.mean,
            scale=statistics.scale,
            l1_weight=self.factor * statistics.spread,
            l2_weight=self.factor * statistics.spread**2,
            lower=np.where(live, self.options.lower, 0.0),
            upper=np.where(live, self.options.upper, 0.0),
        )
