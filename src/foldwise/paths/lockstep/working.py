"""Working columns: those few that some held-out set has use for, numbered in the order in which they came in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Numbers: TypeAlias = NDArray[np.intc]
    # Columns of a table: as the rows of a dense matrix, or else stored by columns.
    Cells: TypeAlias = tuple[NDArray[np.floating] | None, Numbers | None, Numbers | None, Floats | None]


class Working(ABC):
    """Some of the p columns of a wide table, kept as the compiled rounds read them.

    Parameters
    ----------
    p : int
    centre : array (p,)
        What their cells are kept about.

    Attributes
    ----------
    place : array (p,)
        The number of a column here, -1 where it is not.
    index : array (room,)
        Which columns they are; the first `size` count.
    rows : array (room, n) or None
        The cells of dense columns, a row each.
    start, at, value : arrays or None
        The cells of sparse columns, one column after the other.
    """

    rows: Floats | None = None
    start: Numbers | None = None
    at: Numbers | None = None
    value: Floats | None = None

    def __init__(self, p: int, centre: Floats) -> None:
        self.centre = centre
        self.place = np.full(p, -1, dtype=np.intp)
        self.index = np.zeros(64, dtype=np.intp)
        self.size = 0

    @property
    def columns(self) -> Ints:
        """(size,): which columns of the table they are."""
        return self.index[: self.size]

    def bring_in(self, columns: Ints) -> None:
        """Add the columns that are not there yet."""
        new = columns[self.place[columns] < 0]
        if not len(new):
            return
        need = self.size + len(new)
        if need > len(self.index):
            more = max(need, 9 * len(self.index) // 8) - len(self.index)
            self.index = np.concatenate([self.index, np.zeros(more, dtype=np.intp)])
        self._append(new)
        self.index[self.size : need] = new
        self.place[new] = np.arange(self.size, need)
        self.size = need

    def keep_only(self, kept: Ints) -> None:
        """Drop all but the working columns in these places, which are in increasing order."""
        self._keep(kept)
        self.place[self.columns] = -1
        self.index[: len(kept)] = self.index[kept]
        self.size = len(kept)
        self.place[self.columns] = np.arange(self.size)

    @abstractmethod
    def _append(self, new: Ints) -> None:
        """Put the cells of new columns behind those there are; `index` has room for them."""

    @abstractmethod
    def _keep(self, kept: Ints) -> None:
        """Move the cells in these places to the front."""

    @abstractmethod
    def second_moments(self, places: NDArray[np.integer], weight: Floats) -> Floats:
        """Weighted sums of products (m, m) of some working columns."""
