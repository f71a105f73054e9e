"""Working columns of a wide table with what every held-out set penalizes, bounds and uses of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.generalized.wide_table import WideTable
    from foldwise.paths.lockstep.working import Working

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# Working columns that no set uses are dropped when there are more than this many, and as many as are used.
MOST_IDLE = 128


class WideWorking:
    """Some columns of a wide table, numbered in the order in which they came in.

    Parameters
    ----------
    table : WideTable

    Attributes
    ----------
    columns : Working
        Their cells, about what is typical of the folds.
    coef : array (H, room)
        Coefficients in original units.
    l1_weight, l2_weight, lower, upper : arrays (H, room)
        The penalty and the box.
    spread : array (H, room)
        Their size in each training set, about the same centre.
    """

    def __init__(self, table: WideTable) -> None:
        self.table = table
        self.columns: Working = table.columns.working(np.median(table.statistics.fold_mean, axis=0))
        shape = (table.H, len(self.columns.index))
        self.coef, self.l1_weight, self.l2_weight, self.lower, self.upper = (np.zeros(shape) for _ in range(5))
        self.spread = np.ones(shape)

    @property
    def size(self) -> int:
        """How many there are."""
        return self.columns.size

    @property
    def centre(self) -> Floats:
        """What their cells are about (size,)."""
        return self.columns.centre[self.columns.columns]

    def bring_in(self, wanted: Ints) -> None:
        """Add the columns that are not there yet."""
        before = self.size
        self.columns.bring_in(wanted)
        more = len(self.columns.index) - self.coef.shape[1]
        if more:
            for name in ("coef", "l1_weight", "l2_weight", "lower", "upper", "spread"):
                setattr(self, name, np.ascontiguousarray(np.pad(getattr(self, name), ((0, 0), (0, more)))))
        new, part = self.columns.columns[before:], slice(before, self.size)
        if not len(new):
            return
        table, statistics = self.table, self.table.statistics
        live, spread = table.live[:, new], statistics.spread[:, new]
        self.coef[:, part] = 0.0
        self.l1_weight[:, part], self.l2_weight[:, part] = table.factor[new] * spread, table.factor[new] * spread**2
        self.lower[:, part] = np.where(live, table.options.lower[new], 0.0)
        self.upper[:, part] = np.where(live, table.options.upper[new], 0.0)
        away = statistics.mean[:, new] - self.columns.centre[new]
        size = np.sqrt(statistics.scale[:, new] ** 2 + away**2)
        self.spread[:, part] = np.where(size > 0.0, size, 1.0)

    def dismiss(self) -> bool:
        """Drop the columns that no set uses, where they are many; whether the others' numbers have changed."""
        m = self.size
        if m <= MOST_IDLE:
            return False
        used = self.coef[:, :m].any(axis=0) | (self.l1_weight[:, :m] == 0.0).any(axis=0)
        kept = np.flatnonzero(used)
        if m - len(kept) <= max(MOST_IDLE, len(kept)):
            return False
        for array in (self.coef, self.l1_weight, self.l2_weight, self.lower, self.upper, self.spread):
            array[:, : len(kept)] = array[:, kept]
        self.coef[:, len(kept) :] = 0.0
        self.columns.keep_only(kept)
        return True

    def cells(self, rows: Ints) -> Floats:
        """Cells (size, rows) in some rows."""
        columns = self.columns
        if columns.rows is not None:
            return np.asarray(columns.rows[: self.size, rows])
        start, at, value = (np.asarray(part) for part in (columns.start, columns.at, columns.value))
        used = int(start[self.size])
        shape = (self.size, self.table.n)
        cells = sparse.csr_array((value[:used], at[:used], start[: self.size + 1]), shape=shape)
        return np.asarray(cells[:, rows].toarray())
