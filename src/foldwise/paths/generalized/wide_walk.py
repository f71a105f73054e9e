"""The walk of a wide table: every held-out set's own Newton models, on the few columns that have a say.

A model's solution has a dual point that meets the optimality conditions on the working columns exactly; one product of
the columns that may have come within reach with the dual points of all sets tells which others exceed their threshold.
Those join, and a strength is left when none does. No matrix is larger than a support.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foldwise.families import null_intercept
from foldwise.paths.generalized._models import NewtonModel, solve
from foldwise.paths.generalized.cells import LANES, Cells
from foldwise.paths.generalized.certificate import penalty_value, residual
from foldwise.paths.generalized.passes import padded
from foldwise.paths.generalized.standing import Descent, Standing
from foldwise.paths.generalized.walk import EASILY, LEAST_SHARE, MAX_IDLE, MAX_ROUNDS, NOTHING, is_slow
from foldwise.paths.generalized.wide_working import WideWorking
from foldwise.paths.generalized.working_sets import MAX_GROWTHS, SLACK
from foldwise.solvers.quadratic import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.families import Family
    from foldwise.paths.generalized.sets import Sets
    from foldwise.paths.generalized.wide_table import WideTable

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# Share of a threshold that a working column's pull may exceed it by.
MODEL_SLACK = 1e-13
# Cells of working columns times sets from which a second thread is worth calling.
WORTH_SHARING = 2e6
# A fresh factor that costs no more than so many corrections is always taken.
CHEAP = 3.0


@dataclass(frozen=True, eq=False)
class WidePoint:
    """All held-out sets at one strength.

    Parameters
    ----------
    columns : array (s,)
    coef, intercept : arrays (H, s), (H,)
        In original units.
    gap, n_iter, status : arrays (H,)
    fold_loss : array (H, K)
    """

    columns: Ints
    coef: Floats
    intercept: Floats
    gap: Floats
    n_iter: Ints
    status: NDArray[np.int8]
    fold_loss: Floats


@dataclass(frozen=True, eq=False)
class _Descent(Descent):
    """What the sets know besides: the strength."""

    alpha: float


@dataclass(frozen=True, eq=False)
class _Seen:
    """What H' sets find where they arrive: weighted slopes (n, H'), fold_loss (H', K), loss, misfit, spill (H',)."""

    pull: Floats
    fold_loss: Floats
    loss: Floats
    misfit: Floats
    spill: Floats


class WideWalk:
    """Where H held-out sets stand, with coefficients (H, room) of the working columns.

    Parameters
    ----------
    table : WideTable
    y : array (n,)
        In the table's order.
    offset : array (n,) or None
    family : Family
        With rows of their own, one predictor each, and a duality gap or without.
    l1_ratio, tol : float
    """

    first = 1

    def __init__(
        self, table: WideTable, y: Floats, offset: Floats | None, family: Family, *, l1_ratio: float, tol: float
    ) -> None:
        self.table, self.y, self.family, self.tol, self.l1_ratio = table, y, family, tol, l1_ratio
        self.options, self.per_weight, self.total = table.options, table.per_weight, table.total
        self.offset = np.zeros(table.n) if offset is None else offset
        n, self.H = table.n, table.H
        self.everyone = np.arange(self.H)
        self.team = table.columns.team
        wide = -(-self.H // LANES) * LANES
        self.share_of_weight = np.ascontiguousarray((table.row_weight / table.total).T)
        self.work = WideWorking(table)
        self.models = [NewtonModel(n) for _ in range(self.H)]
        self.intercept = np.zeros(self.H)
        if self.options.fit_intercept:
            self.intercept = null_intercept(family, y, table.row_weight, offset)
        self.eta, self.omega, self.move, self.pulls, self.dual = (np.zeros((n, wide)) for _ in range(5))
        self.eta[:, : self.H] = self.intercept + self.offset[:, None]
        self.before = self.eta.copy()
        self.saturated: Floats = np.bincount(table.label, weights=table.weight * family.saturated(y)).astype(np.float64)
        seen = self._evaluate(self.everyone, self.eta[:, : self.H], None)
        self.pulls[:, : self.H], self.loss, self.fold_loss = seen.pull, seen.loss, seen.fold_loss
        null = self.loss - table.kept.T @ self.saturated / self.total
        self.null_objective = np.maximum(null, 0.0)
        self.something = self.null_objective > NOTHING * max(float(self.null_objective.max()), 1e-300)
        self.renew = np.ones(self.H, dtype=np.int8)
        self.is_current = np.zeros(self.H, dtype=bool)
        self.first_gap = np.full(self.H, np.inf)
        self.last_rounds = np.full(self.H, MAX_ROUNDS)
        self.work.bring_in(table.free)
        self.dual[:, : self.H] = self.pulls[:, : self.H] / self.total
        table.look_everywhere(self.dual)
        self.last = float(table.most.max())
        self.steepest = np.maximum(table.steepest(self.dual), 1e-300)
        self.target, self.steps = self.work.coef.copy(), np.zeros(self.H, dtype=np.intp)
        self.shift, self.penalty, self.penalty_gap = (np.zeros(self.H) for _ in range(3))

    def advance(self, alpha: float) -> WidePoint:
        """Bring every set to its solution at one strength."""
        if self.work.dismiss():
            self.renew[:] = 1  # the supports' numbers have changed
        # The sequential strong rule: R. Tibshirani et al. (2012).
        self.work.bring_in(np.flatnonzero(self.table.reach > max(2.0 * alpha - self.last, 0.5 * alpha)))
        self.last = alpha
        self._renew()
        values = penalty_value(self.work, self.everyone, self.work.coef, *self._strengths(alpha))
        now: _Descent = _Descent.begin(self.loss + values, alpha=alpha)
        pending = self.everyone
        for _ in range(MAX_GROWTHS):
            self._descend(now, pending)
            wanted, where = self.table.look(self.dual, (1.0 + SLACK) * alpha)
            outside = self.work.columns.place[wanted] < 0
            pending = np.flatnonzero(where[outside].any(axis=0))
            if not len(pending):
                break
            self.work.bring_in(wanted[outside])
            for array, value in ((now.share, 1.0), (now.gap, np.inf), (now.idle, 0), (now.status, Status.STOPPED)):
                array[pending] = value
        self.last_rounds = now.n_iter
        return self._point(now)

    def stand_at(self, coef: Floats, intercept: Floats) -> None:
        """Begin at coefficients (H, p) and intercepts (H,) in original units, with the columns that any set uses."""
        work, table = self.work, self.table
        work.bring_in(np.setdiff1d(np.flatnonzero(coef.any(axis=0)), work.columns.columns))
        columns, m = work.columns.columns, work.size
        work.coef[:, :m] = np.clip(coef[:, columns], work.lower[:, :m], work.upper[:, :m])
        self.intercept = intercept + work.coef[:, :m] @ work.centre if self.options.fit_intercept else 0.0 * intercept
        there = (work.coef[:, :m] @ work.cells(np.arange(table.n))).T + self.intercept + self.offset[:, None]
        self.eta[:, : self.H] = there
        np.copyto(self.before, self.eta)
        seen = self._evaluate(self.everyone, there, None)
        self.pulls[:, : self.H], self.loss, self.fold_loss = seen.pull, seen.loss, seen.fold_loss
        self.dual[:, : self.H] = self.pulls[:, : self.H] / self.total
        table.look_everywhere(self.dual)
        self.last = float(table.most.max())
        self._bend(self.everyone, self.eta)

    def _descend(self, now: _Descent, pending: Ints) -> None:
        for _ in range(MAX_ROUNDS):
            fresh = pending[now.share[pending] == 1.0]
            if len(fresh):
                self._solve(fresh, now.alpha)
            now.n_iter[pending] += 1
            pending = self._look(now, pending)
            if not len(pending):
                break

    def _strengths(self, alpha: float) -> tuple[Floats, Floats]:
        return alpha * self.l1_ratio * self.per_weight, alpha * (1.0 - self.l1_ratio) * self.per_weight

    def _renew(self) -> None:
        """Fresh curvature where it pays, at the middle of the step that is likely to come."""
        stale = (self.first_gap > self.tol * EASILY) & (self.last_rounds >= self._patience() - 1.0)
        if stale.any():
            ahead = self.eta + 0.5 * (self.eta - self.before)
            self._bend(np.flatnonzero(stale), ahead)
            self.is_current[stale] = False
        np.copyto(self.before, self.eta)

    def _patience(self) -> Floats:
        """Corrections (H,) that cost as much as a set's fresh factor."""
        s = np.array([len(model) for model in self.models])
        return 1.0 + s**2 / (6.0 * max(self.work.size, 1))

    def _bend(self, which: Ints, eta: Floats) -> None:
        """Take the curvature of some sets at predictors (n, lanes)."""
        wide = -(-len(which) // LANES) * LANES
        out = np.zeros((len(eta), wide))
        cells = Cells(self.family, self.y, self.table.weight, self.table.label, np.zeros((1, wide)), len(which))
        cells.bend(padded(eta[:, which], wide), out)
        self.omega[:, which] = out[:, : len(which)]
        self.renew[which] = 1

    def _solve(self, which: Ints, alpha: float) -> None:
        """Solve the models of some sets: where they lead, and their dual points."""
        l1, l2 = self._strengths(alpha)
        work, columns = self.work, self.work.columns
        if self.target.shape != self.work.coef.shape:
            self.target = self.work.coef.copy()
        self.target[which] = self.work.coef[which]

        def part(sets: Ints) -> None:
            solve(
                self.models, sets, columns.rows, columns.start, columns.at, columns.value, work.size,
                self.share_of_weight, self.pulls, self.omega, self.renew, work.l1_weight, work.l2_weight, work.lower,
                work.upper, work.spread, l1, l2, MODEL_SLACK, self.null_objective, self.options.fit_intercept,
                self.total, self.target, self.shift, self.move, self.dual, self.penalty, self.penalty_gap, self.steps,
            )  # fmt: skip

        if self.team.workers == 1 or work.size * self.table.n * len(which) < WORTH_SHARING:
            part(which)
        else:
            self.team.each(part, [which[worker :: self.team.workers].copy() for worker in range(self.team.workers)])
        self.renew[which] = 0
        lost = which[~np.isfinite(self.penalty_gap[which] + self.penalty[which])]
        if len(lost):  # a factor without digits: these stay where they are, and take another
            self.target[lost], self.shift[lost], self.penalty_gap[lost] = work.coef[lost], 0.0, np.inf
            self.penalty[lost] = penalty_value(work, lost, work.coef[lost], l1[lost], l2[lost])
            self.move[:, lost], self.dual[:, lost] = 0.0, self.pulls[:, lost] / self.total[lost]

    def _evaluate(self, which: Ints, there: Floats, old: Floats | None) -> _Seen:
        """What some sets find at predictors there (n, H'), after a step from old where there was one."""
        table, wide = self.table, len(which)
        width = -(-wide // LANES) * LANES
        keep = np.zeros((len(table.kept), width))
        keep[:, :wide] = table.kept[:, which]
        eta, omega = padded(there, width), None
        if old is not None:
            eta, omega = np.concatenate([eta, padded(old, width)], axis=1), padded(self.omega[:, which], width)
        pull, fold_loss, sums = np.zeros((table.n, width)), np.zeros((len(keep), width)), np.zeros((2, width))
        look = Cells(self.family, self.y, table.weight, table.label, keep, wide).look
        look(slice(0, table.n), eta, omega, pull, fold_loss, sums)
        total = self.total[which]
        loss = (keep * fold_loss)[:, :wide].sum(axis=0) / total
        return _Seen(pull[:, :wide], fold_loss[:, :wide].T, loss, *(sums[:, :wide] / total))

    def _look(self, now: _Descent, which: Ints) -> Ints:
        """See where some sets' steps lead and move those that it helps; the sets that are not there yet."""
        share = now.share[which]
        l1, l2 = (strength[which] for strength in self._strengths(now.alpha))
        old = self.eta[:, which]
        there = old + share * self.move[:, which]
        seen = self._evaluate(which, there, old if self.family.has_gap else None)
        whole = share == 1.0
        value = self.penalty[which]
        if not whole.all():
            value = np.where(whole, value, penalty_value(self.work, which, self._between(which, share), l1, l2))
        objective = seen.loss + value
        if self.family.has_gap:
            null = np.maximum(self.null_objective[which], 1e-300)
            gap = np.where(whole, (seen.misfit + self.penalty_gap[which]) / null, np.inf)
            for i in np.flatnonzero((seen.spill > 0.0) & (gap <= self.tol)):
                gap[i] += seen.spill[i] * self._take_off(int(which[i]), there[:, i], old[:, i]) / null[i]
        else:
            self.dual[:, which] = seen.pull / self.total[which]
            gap = self._off(which, self._between(which, share), self.dual[:, which], l1, l2)
        good = (gap <= self.tol) | ~self.something[which]
        rounding = 1e-13 * (np.abs(objective) + np.abs(now.objective[which]))
        better = good | (objective <= now.objective[which] + rounding)
        first = now.n_iter[which] == 1
        self.first_gap[which[first]] = gap[first]
        fell = now.objective[which] - objective > rounding + 0.01 * self.tol * self.null_objective[which]
        onwards = (gap < 0.5 * now.gap[which]) | fell
        now.idle[which] = np.where(onwards, 0, now.idle[which] + 1)
        at, part = np.flatnonzero(better), which[better]
        self.work.coef[part] = self.target[part] if whole.all() else self._between(which, share)[at]
        self.intercept[part] += share[at] * self.shift[part]
        self.eta[:, part], self.pulls[:, part] = there[:, at], seen.pull[:, at]
        self.loss[part], self.fold_loss[part], now.objective[part] = seen.loss[at], seen.fold_loss[at], objective[at]
        now.status[which[good]] = Status.CERTIFIED
        now.gap[which[good]] = np.where(self.something[which], gap, 0.0)[good]
        if good.all():
            return which[:0]
        patience = self._patience()[which]
        still = [i for i in np.flatnonzero(~good) if self._goes_on(now, int(which[i]), gap[i], better[i], patience[i])]
        bent = which[still][self.renew[which[still]] == 1]
        if len(bent):
            self._bend(bent, self.eta)
            self.is_current[bent] = True
        return which[still]

    def _take_off(self, h: int, there: Floats, old: Floats) -> float:
        """Bring a set's dual point as near as its misfit has it; a bound on the predictors of the set's solutions."""
        weight = self.share_of_weight[h]
        kept, m = np.flatnonzero(weight > 0.0), self.work.size
        slope, bend = self.family.slopes(there, self.y)
        u = self.family.slopes(old, self.y)[0] + self.omega[:, h] * (there - old)
        self.dual[kept, h] = (weight * self.family.misfit(there, self.y, slope, bend, u)[1])[kept]
        bent, cells = weight[kept] * self.omega[kept, h], self.work.cells(kept)
        total = max(float(bent.sum()), 1e-300)
        own = cells**2 @ bent - (cells @ bent) ** 2 / total
        room = np.sqrt(2.0 * self.null_objective[h] / np.maximum(own, 1e-300))
        reach = float((2.0 * np.abs(self.target[h, :m]) + room) @ np.abs(cells).max(axis=1, initial=0.0))
        if self.options.fit_intercept:
            reach += 2.0 * abs(self.intercept[h] + self.shift[h]) + np.sqrt(2.0 * self.null_objective[h] / total)
        return reach

    def _off(self, which: Ints, b: Floats, slope: Floats, l1: Floats, l2: Floats) -> Floats:
        """How far (H',) the optimality conditions are from holding, against the steepest slope at the null fit."""
        pull = np.zeros_like(b)
        pull[:, : self.work.size] = -(self.work.cells(np.arange(self.table.n)) @ slope).T
        off = (
            residual(self.work, which, b, pull, l1, l2)[:, : self.work.size] / self.work.spread[which, : self.work.size]
        ).max(axis=1, initial=0.0)
        if self.options.fit_intercept:
            off = np.maximum(off, np.abs(slope.sum(axis=0)))
        return np.asarray(off / self.steepest[which])

    def _between(self, which: Ints, share: Floats) -> Floats:
        return self.work.coef[which] + share[:, None] * (self.target[which] - self.work.coef[which])

    def _goes_on(self, now: _Descent, h: int, gap: float, better: bool, patience: float) -> bool:  # noqa: FBT001
        """What a set that is not there yet does next: another correction, fresh curvature, a shorter step; or end."""
        before, was_whole = now.gap[h], now.share[h] == 1.0
        if better:
            now.gap[h], now.share[h], self.is_current[h] = min(before, gap), 1.0, False
            known = was_whole and gap < np.inf and patience >= CHEAP
            slow = known and before < np.inf and is_slow(gap, before, self.tol, patience)
            self.renew[h] = not known or slow
        elif self.is_current[h]:
            now.share[h] = self._shorter(now, h)
        else:
            self.renew[h], now.share[h] = 1, 1.0
        if now.idle[h] > MAX_IDLE or now.share[h] < LEAST_SHARE:
            now.status[h] = Status.ROUNDING
            return False
        return True

    def _shorter(self, now: _Descent, h: int) -> float:
        """The best of eight shares of a step that led too far, each half of the one before."""
        shares, which = now.share[h] * 0.5 ** np.arange(1.0, LANES + 1.0), np.full(LANES, h)
        l1, l2 = (strength[which] for strength in self._strengths(now.alpha))
        seen = self._evaluate(which, self.eta[:, [h]] + shares * self.move[:, [h]], None)
        value = penalty_value(self.work, which, self._between(which, shares), l1, l2)
        return float(shares[np.argmin(seen.loss + value)])

    def _point(self, now: _Descent) -> WidePoint:
        used = np.flatnonzero(self.work.coef[:, : self.work.size].any(axis=0))
        columns, coef = self.work.columns.columns[used].copy(), self.work.coef[:, used]
        intercept = self.intercept - coef @ self.work.centre[used]
        return WidePoint(
            columns, coef, intercept, now.gap.copy(), now.n_iter.copy(), now.status.copy(), self.fold_loss.copy()
        )

    def explained(self) -> float:
        """The share of its null deviance that the final model explains where it stands."""
        left = self.loss[0] - float(self.table.kept[:, 0] @ self.saturated) / self.total[0]
        return 1.0 - float(left / self.null_objective[0]) if self.something[0] else 1.0

    def emptying(self, sets: slice = slice(None)) -> float:
        """The smallest l1 at which no penalized column of some sets would move from where they stand."""
        self.table.look_everywhere(self.dual)
        self.last = float(self.table.most.max())
        return float(np.max(self.table.most[sets] * self.per_weight[sets]) * self.l1_ratio)

    @property
    def sets(self) -> Sets:
        """The held-out sets."""
        return self.table.sets

    def standing(self) -> Standing:
        """Where the sets are left, with their working columns."""
        table, work = self.table, self.work
        return Standing(
            self.family, self.options, self.sets, table.order, table.label, table.weight, self.y,
            self.eta[:, : self.H], work.columns.columns, work.coef[:, : work.size], self.loss, self.null_objective,
            self.something, self.saturated,
        )  # fmt: skip
