"""All points of all paths on their way to their solutions, a Newton step for each between two passes.

A point's model has the exact gradient of where it stands and the exact curvature of an anchor, a point near it; its
certificate is the duality gap of the in-memory walk (`foldwise.paths.generalized.passes`), from the pass that follows
the step. A point whose gap would not be small enough after one step more asks for an anchor nearer by.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.generalized.certificate import penalty_gap, penalty_value, residual
from foldwise.paths.generalized.newton import NewtonModels
from foldwise.paths.generalized.streamed.looking import Look
from foldwise.paths.generalized.walk import NOTHING, is_slow
from foldwise.solvers.quadratic import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.families import Family
    from foldwise.paths.generalized.streamed.looking import Looked
    from foldwise.paths.generalized.streamed.shared_columns import SharedColumns

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

MOMENTS_BYTES = 64 << 20
"""Of the fold moments of the anchors that one pass takes; each thread adds up its own."""
# A first gap within this many times what is asked for is expected to be there after the next step.
NEAR = 1e3
# Passes without gain under its own curvature, and the least share of a step, that end a point in rounding.
MAX_IDLE, LEAST_SHARE = 3, 1e-4


@dataclass(eq=False)
class Anchor:
    """A point's coefficients (r + 1,) of the shared columns, and the fold moments (K, r + 1, r + 1) there."""

    coef: Floats
    moments: Floats = field(default_factory=lambda: np.zeros((0, 0, 0)))


@dataclass(frozen=True, eq=False)
class Points:
    """Which points there are: P of them.

    Attributes
    ----------
    line, h, a : arrays (P,)
        Search; held-out set; strength, numbered through all searches.
    l1, l2 : arrays (P,)
    """

    line: Ints
    h: Ints
    a: Ints
    l1: Floats
    l2: Floats


class Descent:
    """Where P points stand.

    Parameters
    ----------
    shared : SharedColumns
    family : Family
    points : Points
    coef : array (P, q + 1)
        Where they start.
    tol : float
    fit_intercept : bool
    largest : array (r,)
        Largest sizes of the shared columns.
    saturated : array (K,)
        Smallest loss of every fold.
    """

    def __init__(
        self,
        shared: SharedColumns,
        family: Family,
        points: Points,
        coef: Floats,
        *,
        tol: float,
        fit_intercept: bool,
        largest: Floats,
        saturated: Floats,
    ) -> None:
        self.shared, self.family, self.points, self.tol = shared, family, points, tol
        self.fit_intercept, self.coef = fit_intercept, coef.copy()
        sets, (P, q) = shared.sets, (len(coef), coef.shape[1] - 1)
        _, loss, gradient = shared.null(family, fit_intercept=fit_intercept)
        null = np.maximum(loss - sets.keep.T @ saturated / sets.weight, 0.0)
        self.null_objective, self.something = null, null > NOTHING * max(float(null.max()), 1e-300)
        self.steepest = np.maximum(np.abs(gradient).max(axis=1, initial=0.0), 1e-300)
        self.largest = (
            largest if shared.designs is None else (np.abs(shared.designs).swapaxes(1, 2) @ largest).max(axis=0)
        )
        self.target, self.gradient = self.coef.copy(), np.zeros((P, q + 1))
        self.pull, self.room, self.rest = np.zeros((P, q)), np.zeros((P, q)), np.zeros(P)
        self.objective, self.gap, self.share = np.full(P, np.inf), np.full(P, np.inf), np.ones(P)
        self.fold_loss = np.zeros((P, len(sets.keep)))
        self.status, self.n_iter = np.full(P, Status.STOPPED, dtype=np.int8), np.zeros(P, dtype=np.intp)
        self.idle, self.near = np.zeros(P, dtype=np.intp), np.zeros(P, dtype=np.intp)
        self.pending = np.arange(P)
        self.anchors: list[Anchor] = []
        self.anchor_of = np.zeros(P, dtype=np.intp)
        self.wants: list[int] = []  # points at which the next pass takes curvature
        self.for_whom: list[Ints] = []

    # ---- what the next pass looks at

    def first_look(self) -> Look:
        """Where all points start; curvature at as many of the final model's strengths as cost no more than the rest."""
        final = np.flatnonzero(self.points.h == 0)
        most = min(len(final), self._most_anchors())
        chosen = final[np.unique(np.round(np.linspace(0, len(final) - 1, most)).astype(np.intp))]
        place = np.argmin(np.abs(self.points.a[:, None] - self.points.a[chosen]), axis=1)
        self.wants = chosen.tolist()
        self.for_whom = [np.flatnonzero(place == at) for at in range(len(chosen))]
        return self._look(self.coef.copy(), steps=False)

    def next_look(self) -> Look:
        """Where the steps of the points that are not there yet lead."""
        which = self.pending
        return self._look(self._there(which), steps=self.family.has_gap)

    def _there(self, which: Ints) -> Floats:
        return self.coef[which] + self.share[which, None] * (self.target[which] - self.coef[which])

    def _look(self, there: Floats, *, steps: bool) -> Look:
        which, h = self.pending, self.points.h[self.pending]
        new = self.shared.to_rows(h, there)
        old = self.shared.to_rows(h, self.coef[which]) if steps else None
        used, anchor = np.unique(self.anchor_of[which[: len(which) if steps else 0]], return_inverse=True)
        anchor = anchor if steps else np.zeros_like(h)
        none = np.zeros((0, new.shape[1]))
        arrived = dict(zip(which.tolist(), new, strict=True))
        wanted = [
            arrived[i] if i in arrived else self.shared.to_rows(self.points.h[[i]], self.coef[[i]])[0]
            for i in self.wants
        ]
        self._wanted = wanted
        return Look.at(
            self.shared,
            self.family,
            h,
            new,
            old,
            anchor,
            np.array([self.anchors[i].coef for i in used]).reshape(-1, new.shape[1]),
            np.array(wanted) if wanted else none,
        )

    def _most_anchors(self) -> int:
        """How many anchors' moments one pass takes: about as much work as its predictors, within some memory."""
        r, k = len(self.shared.unit) + 1, len(self.shared.sets.keep)
        return max(1, min(4 * len(self.pending) // r + 1, MOMENTS_BYTES // (8 * k * r * r)))

    # ---- what a pass found

    def take(self, found: Looked) -> None:
        """Move the points that a pass helps, say which are there, and set out the next steps."""
        which, there = self.pending, self._there(self.pending)
        h, l1, l2 = self.points.h[which], self.points.l1[which], self.points.l2[which]
        first = not self.anchors
        self._keep_anchors(found)
        sets = self.shared.sets
        total = sets.weight[h]
        loss = np.where(sets.keep[:, h], found.fold_loss, 0.0).sum(axis=0) / total
        gradient = self.shared.from_rows(h, found.gradient.T / total[:, None])
        objective = loss + penalty_value(sets, h, there[:, 1:], l1, l2)
        gap = np.full(len(which), np.inf) if first else self._certify(which, there, gradient, found)
        good = (gap <= self.tol) | ~self.something[h]
        rounding = 1e-13 * (np.abs(objective) + np.abs(self.objective[which]))
        with np.errstate(invalid="ignore"):
            better = good | ~(objective > self.objective[which] + rounding)
        at, part = np.flatnonzero(better), which[better]
        self.coef[part], self.gradient[part] = there[at], gradient[at]
        self.objective[part], self.fold_loss[part] = objective[at], found.fold_loss.T[at]
        self.n_iter[which] += 0 if first else 1
        self.status[which[good]] = Status.CERTIFIED
        before = self.gap[which].copy()
        self.gap[which[good]] = np.where(self.something[h], gap, 0.0)[good]
        if first:
            self.pending = which[~good]
            return
        asking = [
            int(i) for n, i in enumerate(which) if not good[n] and self._asks(int(i), gap[n], before[n], better[n])
        ]
        self.pending = np.array(
            [i for n, i in enumerate(which) if not good[n] and self.status[i] != Status.ROUNDING], dtype=np.intp
        )
        self._place(asking)

    def _keep_anchors(self, found: Looked) -> None:
        for v, (coef, whom) in enumerate(zip(self._wanted, self.for_whom, strict=True)):
            upper = np.triu(found.moments[:, v])
            self.anchors.append(Anchor(coef.copy(), upper + np.triu(upper, 1).swapaxes(1, 2)))
            self.anchor_of[whom] = len(self.anchors) - 1
        self.wants, self.for_whom = [], []

    def _asks(self, i: int, gap: float, before: float, better: bool) -> bool:  # noqa: FBT001
        """Whether a point that is not there yet asks for curvature nearer by; shortens its step, or gives it up."""
        own = self.near[i] > 1
        if better:
            self.share[i] = 1.0
            self.idle[i] = 0 if gap < 0.5 * before else self.idle[i] + 1
            self.gap[i] = min(self.gap[i], gap)
        else:
            self.share[i] *= 0.5
        if own and (self.idle[i] > MAX_IDLE or self.share[i] < LEAST_SHARE):
            self.status[i] = Status.ROUNDING
        if not np.isfinite(gap) or not better:
            return True
        return gap > NEAR * self.tol if not np.isfinite(before) else is_slow(gap, before, self.tol, 1.0)

    def _place(self, asking: list[int]) -> None:
        """Anchors for points that ask: first the final model's at their strength, then their own."""
        most = self._most_anchors()
        final = {int(self.points.a[i]): int(i) for i in np.flatnonzero(self.points.h == 0)}
        groups: dict[int, list[int]] = {}
        for i in asking:
            shared = final.get(int(self.points.a[i]), i)
            groups.setdefault(i if self.near[i] or shared == i else shared, []).append(i)
        places = list(groups)
        if len(places) > most:  # those that are left ask again
            places = [places[at] for at in np.unique(np.linspace(0, len(places) - 1, most).astype(np.intp))]
        for place in places:
            whom = np.array(groups[place], dtype=np.intp)
            self.wants.append(place)
            self.for_whom.append(whom)
            self.near[whom] += 1

    def _certify(self, which: Ints, there: Floats, gradient: Floats, found: Looked) -> Floats:
        """Relative duality gaps, as the walk in memory has them; inf for a step that was shortened."""
        sets, h, b = self.shared.sets, self.points.h[which], there[:, 1:]
        l1, l2 = self.points.l1[which], self.points.l2[which]
        if not self.family.has_gap:
            off = residual(sets, h, b, -gradient[:, 1:], l1, l2).max(axis=1, initial=0.0)
            off = np.maximum(off, np.abs(gradient[:, 0])) if self.fit_intercept else off
            return np.asarray(off / self.steepest[h])
        null = np.maximum(self.null_objective[h], 1e-300)
        misfit, spill = found.sums / sets.weight[h]
        room = np.sqrt(2.0 * null[:, None]) * self.room[which]
        gap = misfit + penalty_gap(sets, h, b, self.pull[which], l1, l2, room)
        if spill.any():
            reach = (2.0 * np.abs(b) + room) @ self.largest
            if self.fit_intercept:
                reach += 2.0 * np.abs(there[:, 0]) + np.sqrt(2.0 * null / self.rest[which])
            gap = gap + spill * reach
        return np.where(self.share[which] == 1.0, gap / null, np.inf)

    # ---- between two passes

    def step(self) -> None:
        """Minimize the models of the points that are not there yet: each search's from its strongest strength down."""
        fresh = self.pending[self.share[self.pending] == 1.0]
        for line in np.unique(self.points.line[fresh]):
            mine = fresh[self.points.line[fresh] == line]
            models = self._models()  # of their own: active sets are warm where strengths descend
            standing = np.full(len(self.shared.sets.weight), -1)
            for i in mine[np.argsort(self.points.a[mine], kind="stable")]:
                h, anchor = int(self.points.h[i]), int(self.anchor_of[i])
                if standing[h] != anchor:
                    models.renew(np.array([h]), self.anchors[anchor].moments)
                    standing[h] = anchor
                l1, l2 = float(self.points.l1[i]), float(self.points.l2[i])
                self.target[i], self.pull[i], _ = models.step(h, self.coef[i], self.gradient[i], l1, l2)
                self.room[i] = 1.0 / np.sqrt(np.maximum(np.diag(models.C[h]), 1e-300))
                self.rest[i] = models.total[h]

    def _models(self) -> NewtonModels:
        models, designs = NewtonModels(self.shared.sets, fit_intercept=self.fit_intercept), self.shared.designs
        if designs is not None:
            H, r, q = designs.shape
            models.designs = np.zeros((H, r + 1, q + 1))
            models.designs[:, 0, 0] = 1.0
            models.designs[:, 1:, 1:] = designs
        return models
