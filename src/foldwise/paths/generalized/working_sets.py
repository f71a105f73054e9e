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
from foldwise.paths.generalized.newton import NewtonModels
from foldwise.paths.generalized.passes import Passes
from foldwise.paths.generalized.walk import Point, Walker

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.problem import Options
    from foldwise.paths.strengths import Search

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

MAX_GROWTHS = 50
# Share of its threshold that a column outside may exceed it by: what rounding makes of it.
SLACK = 1e-12


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
        self.columns = np.flatnonzero(free)
        self.dual = np.zeros((passes.rows.n, len(passes.sets.held_out)))
        super().__init__(self._chosen(), options, search)
        self.keeps_dual = True
        # Where nothing has been stepped yet the gradient itself is the dual point.
        gradients = self.passes.evaluate(self.everyone, self.coef, keep_dual=True).dual
        if gradients is not None:
            self.dual[:] = gradients
        self.all_pull = self._product()
        self.steepest = np.maximum(np.abs(self.all_pull).max(axis=1, initial=0.0), 1e-300)

    def _chosen(self) -> Passes:
        whole = self.everything
        sets = whole.sets.select(self.columns)
        return type(whole)(whole.rows.select(self.columns), whole.y, whole.offset, whole.family, sets)

    def _product(self) -> Floats:
        """Minus the products (H, p) of all columns with the dual points, over the sets' weights."""
        rows, wide = self.everything.rows, -(-self.H // LANES) * LANES
        padded = np.zeros((rows.n, wide))
        padded[:, : self.H] = self.dual
        chunks = rows.chunks(max((1 << 20) // max(rows.q, 1), 256))
        shares = [chunks[worker :: rows.team.workers] for worker in range(min(rows.team.workers, len(chunks)))]

        def over(share: list[tuple[int, int]]) -> Floats:
            out = np.zeros((rows.q, wide))
            for start, stop in share:
                rows.transposed_times(start, stop, padded[start:stop], out)
            return out

        total = np.sum(rows.team.each(over, shares), axis=0)[:, : self.H]
        return np.asarray(-total.T / self.sets.weight[:, None])

    def _beyond(self, l1: Floats) -> Ints:
        """Columns outside whose pull exceeds l1 (H,) times their threshold in some set."""
        sets = self.everything.sets
        can_move = np.where(self.all_pull > 0.0, sets.upper, -sets.lower) > 0.0
        wanted = (np.abs(self.all_pull) > l1[:, None] * sets.l1_weight) & can_move
        wanted[:, self.columns] = False
        return np.flatnonzero(wanted.any(axis=0))

    def _grow(self, new: Ints) -> None:
        if not len(new):
            return
        before = self.models.problems
        self.columns = np.concatenate([self.columns, new])
        self.passes = self._chosen()
        self.sets = self.passes.sets
        self.coef = np.pad(self.coef, ((0, 0), (0, len(new))))
        self.before = self.coef.copy()
        self.models = NewtonModels(self.sets, fit_intercept=self.options.fit_intercept, before=before)
        self.own_for[:] = 0
        self.first_gap[:] = np.inf
        found = self.passes.evaluate(self.everyone, self.coef)
        self.gradient, self.largest = found.gradient, None

    def advance(self, alpha: float) -> Point:
        """Bring every set to its solution at one strength."""
        l1 = alpha * self.l1_ratio * self.per_weight
        self._grow(self._beyond(l1))
        point = super().advance(alpha)
        n_iter = point.n_iter
        for _ in range(MAX_GROWTHS):
            self.all_pull = self._product()
            new = self._beyond((1.0 + SLACK) * l1)
            if not len(new):
                break
            self._grow(new)
            point = super().advance(alpha)
            n_iter = n_iter + point.n_iter
        return replace(point, n_iter=n_iter)

    def emptying(self, sets: slice = slice(None)) -> float:
        """The smallest l1 at which no penalized column of some sets would move from where they stand."""
        return self._emptying(self.all_pull[sets], self.everything.sets, sets)
