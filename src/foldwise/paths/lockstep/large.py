"""Large supports of a sparse table: all held-out sets at one strength, by products with its columns alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.lockstep._large import settle, training_entries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.lockstep.sparse_columns import SparseColumns
    from foldwise.paths.lockstep.state import Lockstep

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Numbers = NDArray[np.intc]

# Certified at least so well, whatever is asked for: a digit more is a sixth more of the work.
COMMON = 1e-6
# How far gradients may be off at most, as a share of their thresholds.
FURTHEST = 1e-2
# Looks at all columns before a strength is taken as it is.
MAX_LOOKS = 30


class LargeSupports:
    """Solves at one strength after the other, each begun on the line through the last two.

    Parameters
    ----------
    lockstep : Lockstep
        Its coefficients are moved, its working columns grow; its supports have no part in it.
    columns : SparseColumns
    """

    def __init__(self, lockstep: Lockstep, columns: SparseColumns) -> None:
        self.lockstep, self.columns = lockstep, columns
        self._root = np.sqrt(columns.weight)
        square = lockstep.scale**2
        self._square = square if lockstep.options.fit_intercept else square + lockstep.mean**2
        self._trail: list[tuple[float, Ints, Floats]] = []

    def forget(self) -> None:
        """Begin anew: the strengths that come next do not follow those before."""
        self._trail = []

    def stand_still(self, l1: float, l2: float, near: float, tol: float, budget: int) -> tuple[Ints, bool]:
        """Go to where every gap is at most tol, or 1e-6: the products (H,) that took, and whether it was reached.

        Gradients beyond `near` are let in from the start. No set spends more than about `budget` products.
        """
        lockstep, tol = self.lockstep, min(tol, COMMON)
        way = self._way(l1)
        columns = lockstep.work.columns
        paid = l1 * np.einsum("qh,qh->h", np.abs(lockstep.coef[: len(columns)]), lockstep.threshold[columns])
        # A gradient that is off by a share costs the gap that share of what the penalty takes.
        share = np.divide(paid, 0.5 * lockstep.yy, out=np.ones(lockstep.H), where=lockstep.yy > 0.0)
        close = np.minimum(tol / np.maximum(share, tol), FURTHEST)
        spent = np.zeros(lockstep.H, dtype=np.intp)
        which = np.arange(lockstep.H)
        for _ in range(MAX_LOOKS):
            spent[which] += self._settle(which, l1, l2, near, way, close, budget)
            lockstep.rounds.move()
            lockstep.look_where_needed(l1)
            gap = lockstep.relative_gap(l1, l2)
            which = np.flatnonzero(gap > tol)
            if not len(which) or spent[which].max() >= budget:
                break
            if not lockstep.reach_out(l1):
                close[which] *= 0.1
            way, near = np.zeros((lockstep.work.size, lockstep.H)), l1
        work = lockstep.work
        self._trail = [*self._trail[-1:], (l1, work.columns.copy(), lockstep.coef[: work.size].copy())]
        return spent, not len(which)

    def _entries(self, columns: Ints, rows: Ints) -> tuple[Ints, Numbers, Floats]:
        """Some columns' entries in the rows that are trained on."""
        table = self.columns
        row = np.full(table.n, -1, dtype=np.intc)
        row[rows] = np.arange(len(rows))
        size = int(np.sum(table.start[columns + 1] - table.start[columns]))
        parts = np.empty(len(columns) + 1, dtype=np.intp), np.empty(size, dtype=np.intc), np.empty(size)
        training_entries(table.start, table.at, table.value, columns, row, self._root, *parts)
        return parts

    def _of_columns(self, columns: Ints, h: int, l1: float, l2: float) -> Floats:
        """What `settle` wants to know of each column (7, m)."""
        lockstep, options = self.lockstep, self.lockstep.options
        sides, slope = lockstep.sides[columns, h], l1 * lockstep.threshold[columns, h]
        return np.stack(
            [
                lockstep.middle[h, columns],
                self._square[h, columns],
                slope,
                l2 * lockstep.square[columns, h],
                np.where(sides & 2, options.lower[columns], 0.0),
                np.where(sides & 1, options.upper[columns], 0.0),
                np.where(slope > 0.0, slope, l1 * lockstep.spread[h, columns]),
            ]
        )

    def _way(self, l1: float) -> Floats:
        """How far coefficients (size, H) go from here if they go on as they came: between kinks a path is a line."""
        work = self.lockstep.work
        way = np.zeros((work.size, self.lockstep.H))
        if len(self._trail) < 2 or self._trail[0][0] == self._trail[1][0]:
            return way
        (before, *older), (last, *newer) = self._trail
        for (columns, coef), sign in ((newer, 1.0), (older, -1.0)):
            place = work.place[columns]
            way[place[place >= 0]] += sign * coef[place >= 0]
        return way * ((last - l1) / (before - last))

    def _settle(self, which: Ints, l1: float, l2: float, near: float, way: Floats, close: Floats, budget: int) -> Ints:
        """Bring these sets to where no gradient at hand is off; the products (len(which),) taken."""
        lockstep, hand = self.lockstep, self.lockstep.hand
        place = lockstep.work.place[hand]
        known = place >= 0
        coef = np.where(known[:, None], lockstep.coef[place], 0.0)

        def one(h: int) -> int:
            pulls = np.abs(lockstep.gradient[hand, h]) > near * lockstep.threshold[hand, h]
            mine = np.flatnonzero((coef[:, h] != 0.0) | (pulls & (lockstep.sides[hand, h] > 0)))
            b = coef[mine, h]
            guess = np.where(known[mine], way[place[mine], h], 0.0)
            rows = np.flatnonzero(lockstep.row_weight[:, h])
            residual = self._root[rows] * lockstep.residual[rows, h]
            spent = settle(
                *self._entries(hand[mine], rows), self._of_columns(hand[mine], h, l1, l2), lockstep.total[h], b,
                residual, guess, close[h], budget,
            )  # fmt: skip
            coef[mine, h] = b
            return spent

        spent = lockstep.team.each(one, which.tolist())
        lockstep.bring_in(hand[coef.any(axis=1)])
        place = lockstep.work.place[hand]
        lockstep.coef[place[place >= 0]] = coef[place >= 0]
        return np.array(spent, dtype=np.intp)
