"""The walk of a table with many columns: models of the columns that have a say, and a check of all others.

The dual point of each set's last step is feasible on its working columns by construction. One product of all columns
with the dual points of all sets tells which others exceed their threshold; those join, and a strength is left when none
does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.generalized.cells import LANES
from foldwise.paths.generalized.passes import Passes
from foldwise.paths.generalized.trail import Place, Trail
from foldwise.paths.generalized.walk import LASTS, Point, Walker

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.problem import Options
    from foldwise.paths.strengths import Search

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

MAX_GROWTHS = 50
# Share of its threshold that a column outside may exceed it by: what rounding makes of it.
SLACK = 1e-12
# Columns that come in at once, or as many as there are.
MOST_NEW = 64
# Working columns that no set uses are dropped when there are more than this many, and as many as are used; of several
# classes, whose matrices are as many times larger, that share of it.
MOST_IDLE = 128


class WorkingSets(Walker):
    """Where the sets stand, with coefficients (H, s + 1) of the s working columns.

    Parameters
    ----------
    passes : Passes
        Of all columns.
    options : Options
    search : Search
    """

    def __init__(self, passes: Passes, options: Options, search: Search) -> None:
        self.everything = passes
        free = np.isfinite(options.penalty_factor) & (options.penalty_factor == 0.0)
        self.columns, self.outputs = np.flatnonzero(free), passes.n_intercepts
        self.dual = np.zeros((passes.rows.n, len(passes.sets.held_out), self.outputs))
        super().__init__(self._chosen(), options, search)
        self.keeps_dual = True
        # Where nothing has been stepped yet the gradient itself is the dual point.
        gradients = self.passes.evaluate(self.everyone, self.coef, keep_dual=True).dual
        if self.outputs == 1:
            self.dual = self.dual[..., 0]
        if gradients is not None:
            self.dual[:] = gradients
        self.all_pull = self._product()
        self.steepest = np.maximum(np.abs(self.all_pull).max(axis=1, initial=0.0), 1e-300)

    def _chosen(self) -> Passes:
        whole, p = self.everything, self.everything.rows.q
        everywhere = np.concatenate([output * p + self.columns for output in range(self.outputs)])
        sets = whole.sets.select(everywhere, self.columns)
        return type(whole)(whole.rows.select(self.columns), whole.y, whole.offset, whole.family, sets)

    def _product(self) -> Floats:
        """Minus the products (H, C p) of all columns with the dual points, over the sets' weights."""
        rows, lanes = self.everything.rows, self.H * self.outputs
        wide = -(-lanes // LANES) * LANES
        padded = np.zeros((rows.n, wide))
        padded[:, :lanes] = self.dual.reshape(rows.n, lanes)
        chunks = rows.chunks(max((1 << 20) // max(rows.q, 1), 256))
        shares = [chunks[worker :: rows.team.workers] for worker in range(min(rows.team.workers, len(chunks)))]

        def over(share: list[tuple[int, int]]) -> Floats:
            out = np.zeros((rows.q, wide))
            for start, stop in share:
                rows.transposed_times(start, stop, padded[start:stop], out)
            return out

        total = np.sum(rows.team.each(over, shares), axis=0)[:, :lanes].T
        return np.asarray(-total.reshape(self.H, -1) / self.sets.weight[:, None])

    def _beyond(self, l1: Floats) -> Ints:
        """Columns outside whose pull exceeds l1 (H,) times their threshold in some set; if many, the furthest."""
        sets = self.everything.sets
        can_move = np.where(self.all_pull > 0.0, sets.upper, -sets.lower) > 0.0
        wanted = (np.abs(self.all_pull) > l1[:, None] * sets.l1_weight) & can_move
        some = np.asarray(wanted.reshape(self.H * self.outputs, -1).any(axis=0))
        some[self.columns] = False
        most = max(MOST_NEW, len(self.columns))
        if some.sum() > most:  # alike, as columns with one far row are: once some are in, the others need not be
            far = np.abs(self.all_pull) / np.maximum(l1[:, None] * sets.l1_weight, 1e-300)
            reach = np.where(some, far.reshape(self.H * self.outputs, -1).max(axis=0), -1.0)
            return np.sort(np.argsort(-reach, kind="stable")[:most])
        return np.flatnonzero(some)

    def _work_with(self, columns: Ints) -> None:
        """Take these columns; those that the sets use must be among them."""
        p, outputs = self.everything.rows.q, self.outputs
        place = np.full(p, -1)
        place[columns] = np.arange(len(columns))
        grown = outputs == 1 and np.array_equal(columns[: len(self.columns)], self.columns)
        before = self.models.problems if grown else None
        slopes = np.zeros((self.H, outputs, len(columns)))
        kept = place[self.columns] >= 0
        slopes[:, :, place[self.columns[kept]]] = self.coef[:, outputs:].reshape(self.H, outputs, -1)[:, :, kept]
        coef = np.concatenate([self.coef[:, :outputs], slopes.reshape(self.H, -1)], axis=1)
        self.columns = columns
        self.passes = self._chosen()
        self.sets = self.passes.sets
        self.before, self.trail = coef, Trail()
        self.models = self.passes.newton_models(fit_intercept=self.options.fit_intercept, before=before)
        self.own_for[:] = 0
        self.first_gap[:], self.age[:] = np.inf, LASTS
        found = self.passes.evaluate(self.everyone, coef)
        self.place, self.largest = Place(coef, found.gradient, found.eta, found.slope), None

    def _renumber(self, new: Ints) -> None:
        """Let columns in, and where many are of no use to any set, those out."""
        used = self.coef[:, self.outputs :].reshape(self.H * self.outputs, -1).any(axis=0)
        used |= (self.sets.l1_weight == 0.0).reshape(self.H * self.outputs, -1).any(axis=0)
        most = max(MOST_IDLE, int(used.sum())) // self.outputs
        stay = self.columns[used] if len(used) - used.sum() > most else self.columns
        if len(new) or len(stay) < len(self.columns):
            self._work_with(np.concatenate([stay, new]))

    def stand_at(self, coef: Floats, intercept: Floats) -> None:
        """Begin at coefficients in original units, with the columns that any set uses."""
        used = np.flatnonzero(coef.reshape(self.H, -1, self.outputs).any(axis=(0, 2)))
        self._work_with(np.concatenate([self.columns, np.setdiff1d(used, self.columns)]))
        super().stand_at(coef, intercept)
        self.all_pull = self._product()

    def advance(self, alpha: float) -> Point:
        """Bring every set to its solution at one strength."""
        l1 = alpha * self.l1_ratio * self.per_weight
        self._renumber(self._beyond(l1))
        point = super().advance(alpha)
        n_iter = point.n_iter
        for _ in range(MAX_GROWTHS):
            self.all_pull = self._product()
            new = self._beyond((1.0 + SLACK) * l1)
            if not len(new):
                break
            self._work_with(np.concatenate([self.columns, new]))
            point = super().advance(alpha)
            n_iter = n_iter + point.n_iter
        return replace(point, n_iter=n_iter)

    def emptying(self, sets: slice = slice(None)) -> float:
        """The smallest l1 at which no penalized column of some sets would move from where they stand."""
        return self._emptying(self.all_pull[sets], self.everything.sets, sets)
