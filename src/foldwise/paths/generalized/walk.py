"""The walk down the strengths: every held-out set from its last solution, by Newton models that share their curvature.

At a strength every set solves its own model exactly and one pass over the rows tells where that led: the gradient for
the next model, the losses, and the duality gap. A set whose gap does not shrink fast enough under the shared curvature
gets its own; one whose objective would rise goes half the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.generalized.certificate import penalty_gap, penalty_value, residual
from foldwise.paths.generalized.passes import Passes, Step
from foldwise.paths.generalized.standing import Descent, Standing
from foldwise.paths.generalized.trail import Place, Trail
from foldwise.solvers.quadratic import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.generalized.passes import Evaluation
    from foldwise.paths.generalized.sets import Sets
    from foldwise.paths.problem import Options
    from foldwise.paths.strengths import Search

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

MAX_ROUNDS = 100
# A set whose gap, shrinking as it does, would take more corrections than this gets fresh curvature of its own, which
# costs about as much as so many corrections that ride along with those of other sets.
PATIENCE = 6.0
# A first step whose gap is below this share of what is asked for leaves the curvature good for the next strength; where
# steps start at places ahead and are short, curvature is worth its making every few strengths.
EASILY, LASTS = 0.1, 4
# Strengths that a set keeps its own curvature for before it tries the shared one again.
OWN_FOR = 8
# Rounds of a set's own Newton steps without much gain, and the least share of a step, that end in rounding.
MAX_IDLE, LEAST_SHARE = 12, 1e-6
# The share of the objective by which a step must lower it to have gained something.
GAIN = 1e-6
# Strengths further apart than this are gone down to in steps.
APART = 0.5
# Null objectives below this share of the largest (a class that is absent from a training set) leave nothing to explain.
NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Point:
    """All held-out sets at one strength: coef (H, q + 1), gap, n_iter, status (H,), fold_loss (H, K).

    The coefficients are of these columns (q,), class after class where there are several.
    """

    coef: Floats
    gap: Floats
    n_iter: Ints
    status: NDArray[np.int8]
    fold_loss: Floats
    columns: Ints


@dataclass(frozen=True, eq=False)
class _Descent(Descent):
    """What the sets know besides.

    Parameters
    ----------
    l1, l2 : arrays (H,)
        Strengths.
    target, pull : arrays (H, q + 1), (H, q)
        Where the model's step leads, and the pull of its dual point.
    """

    l1: Floats
    l2: Floats
    target: Floats
    pull: Floats


class Walker:
    """Where H held-out sets stand: coefficients and gradients (H, q + 1), losses.

    Parameters
    ----------
    passes : Passes
    options : Options
    search : Search
    """

    dual: Floats  # weighted dual points (n, H), where they are kept

    def __init__(self, passes: Passes, options: Options, search: Search) -> None:
        if not hasattr(self, "everything"):
            self.everything, self.columns = passes, np.arange(passes.n_columns)
        self.passes, self.options, self.tol, self.l1_ratio = passes, options, search.tol, search.l1_ratio
        total = passes.sets.weight
        self.per_weight = 1.0 / total if search.loss == "sum" else np.ones_like(total)
        self.sets, self.family = passes.sets, passes.family
        self.H, self.everyone = len(self.sets.held_out), np.arange(len(self.sets.held_out))
        self.first = passes.n_intercepts
        self.models = passes.newton_models(fit_intercept=options.fit_intercept)
        coef = passes.null_coef(fit_intercept=options.fit_intercept)
        found = passes.evaluate(self.everyone, coef)
        self.place = Place(coef, found.gradient, found.eta, found.slope)
        self.loss, self.fold_loss = found.loss, found.fold_loss
        self.before, self.trail = coef.copy(), Trail()
        self.saturated = passes.saturated()
        null = self.loss - self.sets.keep.T @ self.saturated / self.sets.weight
        self.null_objective = np.maximum(null, 0.0)
        self.something = self.null_objective > NOTHING * max(float(self.null_objective.max()), 1e-300)
        self.steepest = np.maximum(np.abs(self.gradient[:, self.first :]).max(axis=1, initial=0.0), 1e-300)
        self.largest: Floats | None = None
        self.keeps_dual = False
        self.own_for = np.zeros(self.H, dtype=np.intp)
        self.omega = self.moments = np.empty(0)
        self.first_gap = np.full(self.H, np.inf)
        self.own_omega: dict[int, Floats] = {}
        self.age = np.full(self.H, LASTS)  # strengths since a set's curvature was taken

    @property
    def coef(self) -> Floats:
        """Coefficients (H, q + 1) where the sets stand."""
        return self.place.coef

    @property
    def gradient(self) -> Floats:
        """Gradients (H, q + 1) of the mean training losses there."""
        return self.place.gradient

    def stand_at(self, coef: Floats, intercept: Floats) -> None:
        """Begin at coefficients (H, p) and intercepts (H,) in original units, with an axis more for several outputs."""
        whole, outputs = self.everything, self.first
        slopes = coef.reshape(self.H, -1, outputs)
        shifted = intercept.reshape(self.H, outputs) + np.einsum("hqc,hq->hc", slopes, whole.shift)
        if self.family.shares_rows or not self.options.fit_intercept:
            shifted = np.zeros_like(shifted)
        own = (slopes * whole.unit[:, None])[:, self.columns].swapaxes(1, 2).reshape(self.H, -1)
        own = np.clip(own, self.sets.lower, self.sets.upper)
        there = np.concatenate([shifted, own], axis=1)
        found = self.passes.evaluate(self.everyone, there, keep_dual=self.keeps_dual)
        self._take(found, there, self.everyone, self.everyone)
        self.before, self.trail = there, Trail()

    def refresh(self, coef: Floats, eta: Floats | None = None) -> None:
        """Take the shared curvature at the final model's coefficients (q + 1,), or its predictors (n,) if known."""
        self.omega = self.passes.curvature(coef, 0, eta)
        self.moments = self.passes.moments(self.omega)
        sharing = np.flatnonzero(self.own_for == 0)
        self.models.renew(sharing, self.moments)
        self.age[sharing] = 0

    def _refresh_own(self, h: int, coef: Floats) -> None:
        self.age[h], self.own_omega[h] = 0, self.passes.curvature(coef, h)
        self.models.renew_one(h, self.passes.own_moments(h, coef, self.own_omega[h]))

    def advance(self, alpha: float) -> Point:
        """Bring every set to its solution at one strength."""
        l1, l2 = alpha * self.l1_ratio * self.per_weight, alpha * (1.0 - self.l1_ratio) * self.per_weight
        ahead = self._ahead(alpha)
        # Without a place ahead curvature is best taken at the middle of the step that is likely to come.
        middle = Place(self.coef + 0.5 * (self.coef - self.before), self.gradient) if ahead is None else ahead
        self._renew(middle, 1 if ahead is None else LASTS)
        descent: _Descent = _Descent.begin(
            self.loss + penalty_value(self.sets, self.everyone, self.coef[:, self.first :], l1, l2),
            l1=l1,
            l2=l2,
            target=self.coef.copy(),
            pull=np.zeros((self.H, self.coef.shape[1] - self.first)),
        )
        self.before = self.coef
        pending = self.everyone if ahead is None else self._round(descent, self.everyone, ahead)
        for _ in range(MAX_ROUNDS):
            if not len(pending):
                break
            pending = self._round(descent, pending)
        self.trail.add(alpha, self.place)
        return Point(
            self.coef.copy(), descent.gap, descent.n_iter, descent.status, self.fold_loss.copy(), self.columns.copy()
        )

    def _ahead(self, alpha: float) -> Place | None:
        """Where the last strengths lead, if the slopes there can be had."""
        known = self.place.slope is not None or not self.family.has_gap
        return self.trail.ahead(alpha) if known else None

    def _take(self, found: Evaluation, there: Floats, at: Ints, part: Ints) -> None:
        """Stand where an evaluation has been: sets `part`, numbered `at` there."""
        self.loss[part], self.fold_loss[part] = found.loss[at], found.fold_loss[at]
        if found.dual is not None:
            self.dual[:, part] = found.dual[:, at]
        arrived = Place(there, found.gradient, found.eta, found.slope)
        self.place = arrived if len(part) == self.H else self.place.moved(arrived, at, part)

    def _renew(self, place: Place, lasts: int) -> None:
        """Fresh curvature at a place for the sets whose is not good any more, and at least so many strengths old."""
        again = self.own_for == 1
        self.own_for = np.maximum(self.own_for - 1, 0)
        self.age += 1
        stale, shares = (self.first_gap > self.tol * EASILY) & (self.age >= lasts), self.own_for == 0
        if np.any(stale & shares):
            self.refresh(place.coef[0], None if place.eta is None else place.eta[:, 0])
        elif np.any(again):
            self.models.renew(np.flatnonzero(again), self.moments)
        for h in np.flatnonzero(stale & ~shares):
            self._refresh_own(int(h), place.coef[h])

    def _round(self, now: _Descent, pending: Ints, ahead: Place | None = None) -> Ints:
        """Solve the models of the sets that are not there yet and see where that led; those that still are not.

        The models are made where the sets stand, or at a place ahead.
        """
        base, fresh = ahead or self.place, pending[now.share[pending] == 1.0]
        steps = self.passes.rows.team.each(
            lambda h: self.models.step(int(h), base.coef[h], base.gradient[h], now.l1[h], now.l2[h]), fresh
        )
        for h, (target, pull, _) in zip(fresh, steps, strict=True):
            now.target[h], now.pull[h] = target, pull
        now.n_iter[pending] += 1
        return self._look(now, pending, base, is_ahead=ahead is not None)

    def _look(self, now: _Descent, which: Ints, base: Place, *, is_ahead: bool) -> Ints:
        """One pass at where some sets' models lead that were made at a base; moves the sets that it helps."""
        share, l1, l2 = now.share[which], now.l1[which], now.l2[which]
        there = self.coef[which] + share[:, None] * (now.target[which] - self.coef[which])
        found = self._evaluate(which, there, base)
        gap = np.where(share == 1.0, self._certify(which, there, found, now.pull[which], l1, l2), np.inf)
        objective = found.loss + penalty_value(self.sets, which, there[:, self.first :], l1, l2)
        good = (gap <= self.tol) | ~self.something[which]
        rounding = 1e-13 * (np.abs(objective) + np.abs(now.objective[which]))
        better = good | (objective <= now.objective[which] + rounding)
        gained = objective < now.objective[which] - GAIN * np.abs(now.objective[which])
        first = now.n_iter[which] == 1
        self.first_gap[which[first]] = gap[first]
        at, part = np.flatnonzero(better), which[better]
        self._take(found, there, at, part)
        now.objective[part] = objective[at]
        now.status[which[good]] = Status.CERTIFIED
        now.gap[which[good]] = np.where(self.something[which], gap, 0.0)[good]
        now.idle[which[gained]] = 0
        left = np.flatnonzero(~good)
        if is_ahead:  # a place that was foreseen badly says nothing against the curvature: from where they stand, then
            now.gap[which[left]] = np.where(better, gap, np.inf)[left]
            return which[left]
        return which[[i for i in left if self._goes_on(now, int(which[i]), gap[i], better[i])]]

    def _goes_on(self, now: _Descent, h: int, gap: float, better: bool) -> bool:  # noqa: FBT001
        """What a set that is not there yet does next: another correction, its own curvature, a shorter step; or end."""
        own, slow = self.own_for[h] > 0, self._is_slow(gap, now.gap[h])
        if not own or gap < 0.5 * now.gap[h]:
            now.idle[h] = 0
        elif better:  # a step that is too long has a limit of its own
            now.idle[h] += 1
        now.share[h] = 0.5 * now.share[h] if own and not better else 1.0
        if better:
            now.gap[h] = min(now.gap[h], gap)
        if slow if better else not own:
            self.own_for[h] = OWN_FOR
            self._refresh_own(h, self.coef[h])
        if now.idle[h] > MAX_IDLE or now.share[h] < LEAST_SHARE:
            now.status[h] = Status.ROUNDING
            return False
        return True

    def _is_slow(self, gap: float, before: float) -> bool:
        """Whether a gap that came down from another needs too many corrections more."""
        if not np.isfinite(gap):  # a shortened step: the curvature was not good there
            return True
        return bool(np.isfinite(before)) and is_slow(gap, before, self.tol, PATIENCE)

    def _evaluate(self, which: Ints, there: Floats, base: Place) -> Evaluation:
        if not self.family.has_gap:
            return self.passes.evaluate(which, there, keep_dual=self.keeps_dual)
        omega = self.omega
        if self.own_for[which].any():
            omega = np.stack([self.own_omega[int(h)] if self.own_for[h] else self.omega for h in which], axis=1)
        part = base if len(which) == self.H else base.part(which)
        step = Step(part.coef, omega, part.eta, part.slope)
        return self.passes.evaluate(which, there, step, keep_dual=self.keeps_dual)

    def _certify(self, which: Ints, there: Floats, found: Evaluation, pull: Floats, l1: Floats, l2: Floats) -> Floats:
        b = there[:, self.first :]
        if not self.family.has_gap:
            off = residual(self.sets, which, b, -found.gradient[:, self.first :], l1, l2).max(axis=1, initial=0.0)
            if self.options.fit_intercept:
                off = np.maximum(off, np.abs(found.gradient[:, : self.first]).max(axis=1))
            return np.asarray(off / self.steepest[which])
        null = np.maximum(self.null_objective[which], 1e-300)
        diagonal = np.maximum(np.einsum("hjj->hj", self.models.C)[which], 1e-300)
        room = np.sqrt(2.0 * null[:, None] / diagonal)
        gap = found.misfit + penalty_gap(self.sets, which, b, pull, l1, l2, room)
        if found.spill.any():
            if self.largest is None:
                self.largest = np.tile(self.passes.largest(), self.first)
            reach = (2.0 * np.abs(b) + room) @ self.largest
            if self.options.fit_intercept:
                reach += 2.0 * np.abs(there[:, : self.first]).sum(axis=1) + np.sqrt(
                    2.0 * null / self.models.total[which]
                )
            gap = gap + found.spill * reach
        return np.asarray(gap / null)

    def standing(self) -> Standing:
        """Where the sets are left."""
        passes, rows = self.passes, self.everything.rows
        return Standing(
            self.family, self.options, self.everything.sets, rows.order, rows.label, rows.weight, passes.y,
            passes.predictor(self.coef), self.columns, self.coef[:, self.first :], self.loss, self.null_objective,
            self.something, self.saturated, getattr(self.everything, "maps", None),
        )  # fmt: skip

    def explained(self) -> float:
        """The share of its null deviance that the final model explains where it stands."""
        left = self.loss[0] - float(self.sets.keep[:, 0] @ self.saturated) / self.sets.weight[0]
        return 1.0 - float(left / self.null_objective[0]) if self.something[0] else 1.0

    def emptying(self, sets: slice = slice(None)) -> float:
        """The smallest l1 at which no penalized column of some sets would move from where they stand."""
        return self._emptying(-self.gradient[sets, self.first :], self.sets, sets)

    @staticmethod
    def _emptying(pull: Floats, of: Sets, sets: slice) -> float:
        weight = of.l1_weight[sets]
        can_move = np.where(pull > 0.0, of.upper[sets], -of.lower[sets]) > 0.0
        counted = (weight > 0.0) & can_move
        return float(np.max(np.abs(pull[counted]) / weight[counted], initial=0.0))


def is_slow(gap: float, before: float, tol: float, patience: float) -> bool:
    """Whether a gap that came down from another would take more than so many rounds more."""
    return gap >= before or bool(np.log(max(tol, 1e-16) / gap) < patience * np.log(gap / before))
