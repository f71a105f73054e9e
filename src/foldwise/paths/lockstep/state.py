"""The state of a lockstep walk: supports, residuals and gradients of all held-out sets, and its moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import lapack

from foldwise.paths.lockstep._rounds import Rounds
from foldwise.paths.lockstep._screen import conjugates, dual_scales, primal
from foldwise.paths.lockstep._support import Support
from foldwise.paths.lockstep.screen import Screen
from foldwise.paths.lockstep.training_statistics import training_statistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.moments.threads import Team
    from foldwise.paths.lockstep.columns import DenseColumns
    from foldwise.paths.lockstep.sparse_columns import SparseColumns
    from foldwise.paths.lockstep.working import Working
    from foldwise.paths.problem import Options

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

HeldOut = frozenset[int]
# Working columns that no set uses are dropped when there are more than this many, and a fifth of all.
MOST_IDLE = 256
# Supports larger than this keep an inverse that was made for a ridge term up to so many times stronger.
MANY_MEMBERS = 300
STALE = 1.3
JITTER = 1e-11
# Share of a column's own curvature that must be left beside those before it for a support to begin with it.
APART = 1e-7


class Lockstep:
    """Residuals (n, H) in fold order, gradients (p, H), working columns, and the support of each held-out set."""

    def __init__(
        self,
        columns: DenseColumns | SparseColumns,
        y: Floats,
        held_out: Sequence[HeldOut],
        options: Options,
        team: Team,
    ) -> None:
        self.columns, self.held_out, self.options, self.team = columns, held_out, options, team
        self.p, self.H = columns.p, len(held_out)
        statistics = training_statistics(columns, held_out, options)
        self.row_weight = np.ascontiguousarray(statistics.row_weight)
        self.total, self.fold_weight = statistics.total, statistics.fold_weight
        self.mean, self.scale, self.spread = statistics.mean, statistics.scale, statistics.spread
        self.y_mean = y @ self.row_weight / self.total if options.fit_intercept else np.zeros(self.H)
        self.target = np.ascontiguousarray(y[:, None] - self.y_mean)
        self.yy = np.einsum("nh,nh->h", self.row_weight, self.target**2) / self.total
        flat = self.yy <= (64.0 * np.finfo(float).eps * self.y_mean) ** 2
        self.target[:, flat], self.yy[flat] = 0.0, 0.0
        self.residual = self.target.copy()
        # What is typical of the folds: a single one, however far off, touches no digit of the others.
        self.work: Working = columns.working(np.median(statistics.fold_mean, axis=0))
        self.middle = np.ascontiguousarray(self.mean if options.fit_intercept else np.zeros_like(self.mean))
        self.row_weight_by_set = np.ascontiguousarray(self.row_weight.T)
        self.supports_ridge = False
        self.inside = np.zeros((self.p, self.H), dtype=np.int8)
        self.everywhere = np.arange(self.p)
        self.hand = np.empty(0, dtype=np.intp)
        self.coef = np.zeros((len(self.work.index), self.H))
        self._thresholds()
        size = self.scale if options.fit_intercept else np.hypot(self.mean, self.scale)
        self.screen = Screen(columns, self.row_weight, self.total, self.threshold, self.sides, size.T)
        self.gradient = self.screen.gradient
        self.rounds = Rounds(self)
        self.rounds.take_work(self.work, self.coef)
        self.look_everywhere()

    def _thresholds(self) -> None:
        """Per column and set (p, H): what a gradient must exceed per unit of l1, and which sides are open to it."""
        factor = np.where(np.isfinite(self.options.penalty_factor), self.options.penalty_factor, 0.0)
        self.threshold = np.ascontiguousarray((factor * self.spread).T)
        self.square = np.ascontiguousarray((factor * self.spread**2).T)
        live = np.isfinite(self.options.penalty_factor) & ((self.scale > 0.0) | (not self.options.fit_intercept))
        up, down = live & (self.options.upper > 0.0), live & (self.options.lower < 0.0)
        self.sides = np.ascontiguousarray((up + 2 * down).T.astype(np.int8))
        deviation = np.sqrt(self.yy)
        self.box = np.ascontiguousarray(deviation / np.where(self.scale > 0.0, self.scale, 1.0).T)
        free = np.isinf(self.options.lower) & np.isinf(self.options.upper)
        self.simple = bool(np.all((self.threshold > 0.0) & free[:, None] | (self.sides == 0)))
        size = np.maximum(np.abs(self.mean), self.scale).T
        self.rounding = np.ascontiguousarray(8.0 * np.finfo(float).eps * deviation * size)

    def strongest(self) -> float:
        """The smallest l1 at which no penalized column of the final model moves, the unpenalized ones being fitted."""
        self.start(ridge=False)
        self.rounds.free_of_charge(self, 1e-8)
        return float(self.screen.most[0])

    @property
    def supports(self) -> list[Support]:
        """One for each held-out set."""
        return self.rounds.supports

    def release_supports(self) -> None:
        """Have done with the supports: their inverses are the largest thing in memory."""
        self.rounds.take_supports([], self.supports_ridge)

    def emptying(self) -> float:
        """The smallest l1 at which no penalized column of any held-out set would move from where it stands."""
        return float(self.screen.most.max())

    def start(self, *, ridge: bool) -> None:
        """Empty supports; with a ridge term they keep what another strength's inverse is made from."""
        if not self.supports or self.supports_ridge != ridge:
            self.rounds.take_supports([Support(ridge) for _ in range(self.H)], ridge)
            self.supports_ridge = ridge
            self.inside[:] = 0

    def take_to_hand(self, l1: float) -> None:
        """Choose the columns to look at often: those within the sequential strong rule's reach, and those at work.

        R. Tibshirani et al., "Strong rules for discarding predictors in lasso-type problems", JRSS B 74, 2012.
        """
        idle = self.work.size - np.count_nonzero(self.coef[: self.work.size].any(axis=1))
        if idle > MOST_IDLE and 5 * idle > self.work.size:
            self._dismiss()
        self._take(self.reaching(l1))

    def _take(self, columns: Ints) -> None:
        self.hand = columns
        self.rounds.take_hand(columns, *self.columns.at_hand(columns))

    def reaching(self, l1: float) -> Ints:
        """The columns that some set would want at l1, and the working columns, when last looked at."""
        wanted = self.screen.reach > l1
        wanted[self.work.columns] = True
        return np.flatnonzero(wanted)

    def _dismiss(self) -> None:
        """Drop working columns that no held-out set uses."""
        busy = self.coef[: self.work.size].any(axis=1) | self.inside[self.work.columns].any(axis=1)
        kept = np.flatnonzero(busy)
        to = np.full(self.work.size, -1, dtype=np.intc)
        to[kept] = np.arange(len(kept))
        for support in self.supports:
            support.renumber(to)
        self.coef[: len(kept)] = self.coef[kept]
        self.coef[len(kept) :] = 0.0
        self.work.keep_only(kept)
        self.rounds.take_work(self.work, self.coef)

    def bring_in(self, columns: Ints) -> None:
        """Make these columns working columns."""
        self.work.bring_in(columns)
        if len(self.work.index) > len(self.coef):
            self.coef = np.concatenate([self.coef, np.zeros((len(self.work.index) - len(self.coef), self.H))])
        self.rounds.take_work(self.work, self.coef)

    def renew(self, l2: float, sets: Ints) -> None:
        """Inverses for another ridge term. One for a stronger term still serves, more slowly, while they are near."""

        def one(h: int) -> None:
            support = self.supports[h]
            if len(support) and support.l2 != l2:
                if len(support) > MANY_MEMBERS and l2 < support.l2 < STALE * l2:
                    return
                self._invert(h, support.matrix(), l2)
            support.l2 = l2

        self.team.each(one, sets.tolist())

    def _invert(self, h: int, matrix: Floats, l2: float, *, apart: float = 0.0) -> bool:
        """Take the inverse of a support's matrix, the ridge term added; whether its columns are so far apart."""
        support = self.supports[h]
        at = np.arange(len(support))
        ridge = l2 * self.square[self.work.index[support.members()], h]
        matrix[at, at] = (matrix[at, at] + ridge) * (1.0 + JITTER)
        factor, problem = lapack.dpotrf(matrix, lower=1)
        fine = problem == 0 and bool(np.all(factor[at, at] ** 2 > apart * matrix[at, at]))
        if fine:
            inverse, _ = lapack.dpotri(factor, lower=1)
            support.set_inverse(np.ascontiguousarray(inverse))
            support.l2 = l2
        return fine

    def take_in(self, coef: Floats, l1: float, l2: float) -> bool:
        """Stand at coefficients (p, H) from elsewhere; False where their columns are not apart."""
        coef = np.where(self.sides > 0, np.clip(coef.T, self.options.lower, self.options.upper).T, 0.0)
        self.bring_in(np.flatnonzero(coef.any(axis=1)))
        index, lower, upper = self.work.columns, self.options.lower, self.options.upper
        self.coef[:] = 0.0
        self.coef[: len(index)] = coef[index]
        ridge = self.supports_ridge
        for h, support in enumerate(self.supports):
            b = coef[index, h]
            free = np.flatnonzero((b != 0.0) & (b > lower[index]) & (b < upper[index]))
            j, sign = index[free], np.sign(b[free])
            kinked = l1 * self.threshold[j, h] > 0.0
            left = np.where(kinked & (sign > 0.0), np.maximum(lower[j], 0.0), lower[j])
            right = np.where(kinked & (sign < 0.0), np.minimum(upper[j], 0.0), upper[j])
            matrix = self._matrix(h, free)
            support.fill(free.astype(np.intc), sign, left, right, matrix)
            self.inside[j, h] = 1
            if len(free) and not self._invert(h, matrix, l2, apart=APART):
                self.release_supports()
                self.coef[:] = 0.0
                self.start(ridge=ridge)
                return False
        self.rounds.move()
        self.look_everywhere()
        return True

    def repair(self, h: int, l2: float, repaired: set[int]) -> bool:
        """Make a support's inverse anew from the rows, unless it has been at this strength; whether it was made."""
        if h in repaired:
            return False
        repaired.add(h)
        return self._invert(h, self._matrix(h, self.supports[h].members()), l2)

    def _matrix(self, h: int, places: NDArray[np.integer]) -> Floats:
        """Centred second moments of some working columns over a training set, from the rows."""
        off = self.middle[h, self.work.index[places]] - self.work.centre[self.work.index[places]]
        moments: Floats = self.work.second_moments(places, self.row_weight_by_set[h]) / self.total[h]
        return moments - np.outer(off, off)

    def widen_hand(self) -> None:
        """Take the working columns that a look everywhere has brought in to hand as well."""
        self._take(np.union1d(self.hand, self.work.columns))

    def reach_out(self, l1: float) -> bool:
        """Take the columns that some set wants at l1 to hand as well; whether there were any."""
        before = len(self.hand)
        self._take(np.union1d(self.hand, self.reaching(l1)))
        return len(self.hand) > before

    def look_everywhere(self) -> None:
        """Gradients of all p columns."""
        self.screen.look_everywhere(self.residual)

    def look_where_needed(self, l1: float) -> None:
        """Gradients of all columns that may reach l1."""
        self.screen.look_where_needed(self.residual, l1, self.hand)

    def relative_gap(self, l1: float, l2: float) -> Floats:
        """Relative duality gap (H,) over all p columns, as `foldwise.solvers.duality` defines it."""
        sums = np.empty((3, self.H))
        primal(
            self.row_weight, self.residual, self.target, self.total, self.work.columns, self.coef, self.threshold,
            self.square, l1, l2, sums,
        )  # fmt: skip
        rr, ry, penalty = sums
        if self.simple and l2 == 0.0:  # nothing bounds the dual but the thresholds
            scale = l1 / np.maximum(l1, self.screen.most)
            return self._relative(0.5 * rr + penalty, scale * ry - 0.5 * scale**2 * rr)
        needed, full = np.ones(self.H), np.ones(self.H)
        bounds = self.options.lower, self.options.upper
        dual_scales(self.gradient, self.threshold, self.sides, l1, *bounds, needed, full)
        best = np.full(self.H, -np.inf)
        # A ridge term bounds every coefficient, so that the dual needs no scaling; it may still be better with.
        for scale in (np.ones(self.H) if l2 > 0.0 else needed, full):
            lost = np.zeros(self.H)
            conjugates(
                self.gradient, self.threshold, self.sides, l1, l2, self.square, *bounds,
                self.box, self.work.place, self.coef, scale, lost,
            )  # fmt: skip
            best = np.maximum(best, scale * ry - 0.5 * scale**2 * rr - lost)
        return self._relative(0.5 * rr + penalty, best)

    def _relative(self, above: Floats, below: Floats) -> Floats:
        gap: Floats = np.divide(above - below, 0.5 * self.yy, out=np.zeros(self.H), where=self.yy > 0.0)
        return gap

    def explained(self) -> float:
        """Share of the first held-out set's null deviance that is explained."""
        left = self.row_weight[:, 0] @ self.residual[:, 0] ** 2 / self.total[0]
        return float(1.0 - left / self.yy[0]) if self.yy[0] > 0.0 else 0.0

    def fold_errors(self) -> Floats:
        """Mean squared error (H, K) on every fold."""
        squares = self.columns.weight[:, None] * self.residual**2
        return (np.add.reduceat(squares, self.columns.ends[:-1], axis=0) / self.fold_weight[:, None]).T
