"""Which of the p columns must be looked at: those that may have come within reach since they were last.

A column's gradient changes by at most its own size times how far the residuals move. So a column that was far from its
threshold stays below it until they have moved far, whatever happens in between: that is certain, no rule of thumb, and
its product can be left out of a full check. It is the safe ball of El Ghaoui, Viallon & Rabbani, "Safe feature
elimination in sparse supervised learning", Pacific J. Optimization 8, 2012, kept for each column from when it was last
looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.lockstep._screen import go_to, survey, within_reach

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.lockstep.columns import DenseColumns
    from foldwise.paths.lockstep.sparse_columns import SparseColumns

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Bytes = NDArray[np.int8]

# Ways are taken to be longer by this share, so that no rounding makes one too short.
ROUNDING = 1e-9


class Screen:
    """Gradients (p, H), how far they reach, and for how long that is known.

    Parameters
    ----------
    columns : DenseColumns or SparseColumns
    row_weight : array (n, H)
    total : array (H,)
    threshold : array (p, H)
        What a gradient must exceed per unit of l1.
    sides : array (p, H)
        Which sides are open to a column: bit 1 up, bit 2 down.
    size : array (p, H)
        By how much a gradient changes at most per unit of the weighted root mean square of the residuals' change.

    Attributes
    ----------
    gradient : array (p, H)
    reach : array (p,)
        The largest l1 at which some held-out set wanted the column when it was last looked at.
    most : array (H,)
        The largest l1 at which each set wants some column that was looked at last, free ones aside.
    """

    def __init__(
        self,
        columns: DenseColumns | SparseColumns,
        row_weight: Floats,
        total: Floats,
        threshold: Floats,
        sides: Bytes,
        size: Floats,
    ) -> None:
        self.columns, self.row_weight, self.total = columns, row_weight, total
        self.threshold, self.sides, self._share = threshold, sides, 1.0 / total
        charged = (threshold > 0.0) & (sides > 0)
        self._plain = np.all(charged & (sides == 3), axis=1).astype(np.int8)
        # How fast a column can come nearer, in units of l1, where it is charged for.
        self._pace = np.divide(size, threshold, out=np.zeros_like(size), where=charged).max(axis=1)
        self.gradient = np.empty(threshold.shape)
        self.reach, self.most = np.empty(columns.p), np.empty(len(total))
        # What a column would reach where the residuals began, were it to go back as fast as it can.
        self._base = np.empty(columns.p)
        self._way = 0.0
        self._seen = np.zeros_like(row_weight)
        self._moved, self._marked = np.empty(len(total)), np.zeros(columns.p, dtype=np.int8)
        self._picks = np.empty(columns.p + 1, dtype=np.intp)

    def look_everywhere(self, residual: Floats) -> None:
        """Gradients of all p columns at residuals (n, H): one product X'R for all held-out sets."""
        self._go_to(residual)
        self._look(residual, None)
        np.subtract(self.reach, self._pace * self._way, out=self._base)

    def look_where_needed(self, residual: Floats, l1: float, hand: Ints) -> None:
        """Gradients of the columns at hand, and of all that may reach l1; it is certain that no other does."""
        self._go_to(residual)
        count = within_reach(self._base, self._pace, self._way, l1, hand, self._marked, self._picks)
        picks = self._picks[:count]
        self._look(residual, picks)
        self._base[picks] = self.reach[picks] - self._pace[picks] * self._way

    def _go_to(self, residual: Floats) -> None:
        self._way += (1.0 + ROUNDING) * go_to(self.row_weight, residual, self._share, self._seen, self._moved)

    def _look(self, residual: Floats, picks: Ints | None) -> None:
        products = self.columns.products(self.row_weight * residual, picks)
        survey(
            products, picks, self._share, self.threshold, self.sides, self._plain, self.gradient, self.reach, self.most
        )
