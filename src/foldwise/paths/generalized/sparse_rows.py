"""Sparse rows, scaled and never centred; also what a dense table with many zeros is turned into."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse

from foldwise.paths.generalized import _cells
from foldwise.paths.generalized.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.moments.threads import Team
    from foldwise.paths.generalized._cells import Sweep

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# A dense table of at least this many cells, with at most this share of them not zero, is kept as its other cells.
MANY_CELLS, FEW = 1 << 16, 0.3
SAMPLE = 4096
CHUNK = 8192
LANES = 8


def is_sparse_enough(X: Any) -> bool:
    """Whether a table is sparse, or has so many zeros that it is better kept so."""
    if sparse.issparse(X):
        return True
    n, p = X.shape
    if n * p < MANY_CELLS:
        return False
    sample = X[:: max(1, n // SAMPLE)]
    return bool(np.count_nonzero(sample) <= FEW * sample.size)


class SparseRows(Rows):
    """The cells of a table that are not zero, row after row.

    Attributes
    ----------
    starts, columns, values : arrays (n + 1,), (cells,), (cells,)
        As in SciPy's compressed sparse rows.
    sizes : array (q,)
        The largest size of every column's cells in original units.
    """

    can_centre = False

    def __init__(self, X: Any, order: Ints, label: Ints, weight: Floats, team: Team, *, centred: bool) -> None:
        q = X.shape[1]
        if sparse.issparse(X):
            rows = sparse.csr_array(X)[order]
            rows.sort_indices()
        else:
            rows = _gathered(X, team)[order]
        self.starts = np.ascontiguousarray(rows.indptr, dtype=np.int32)
        self.columns = np.ascontiguousarray(rows.indices, dtype=np.int32)
        self.values = np.array(rows.data, dtype=np.float64)
        self.sizes = np.zeros(q)
        del rows
        super().__init__(X, order, label, weight, team, centred=centred)
        self.values /= self.unit[self.columns]

    def _sums(self, start: int, stop: int) -> tuple[Floats, Floats, float]:
        w, starts = self.weight[start:stop], self.starts[start : stop + 1]
        here, sums = float(w.sum()), np.zeros((2, self.q, LANES))
        if here == 0.0:
            return sums[0, :, 0], sums[1, :, 0], here
        by_row = np.zeros((stop - start, LANES))
        by_row[:, 0] = w
        part = slice(int(starts[0]), int(starts[-1]))
        columns, values = self.columns[part], self.values[part]
        _cells.columns_times(starts - starts[0], columns, values, by_row, sums[0])
        _cells.columns_times(starts - starts[0], columns, values**2, by_row, sums[1])
        np.maximum.at(self.sizes, columns, np.abs(values))
        middle = sums[0, :, 0] / here
        return middle, sums[1, :, 0] - here * middle**2, here

    def times(self, start: int, stop: int, B: Floats, out: Floats) -> None:
        """Add rows times B to out."""
        _cells.rows_times(self.starts[start : stop + 1], self.columns, self.values, B, out)

    def transposed_times(self, start: int, stop: int, R: Floats, out: Floats) -> None:
        """Add transposed rows times R to out."""
        _cells.columns_times(self.starts[start : stop + 1], self.columns, self.values, R, out)

    def sweep(self, sweep: Sweep, start: int, stop: int, fold_loss: Floats, sums: Floats, gradient: Floats) -> None:
        """A compiled pass over a range of rows."""
        sweep.sparse(start, stop, self.starts, self.columns, self.values, fold_loss, sums, gradient)

    def add_cross(self, start: int, stop: int, weight: Floats, out: Floats) -> None:
        """Add weighted products of [1, x] with itself to out."""
        lower = np.zeros_like(out)
        _cells.cross(self.starts[start : stop + 1], self.columns, self.values, np.ascontiguousarray(weight), lower)
        out += lower
        np.fill_diagonal(lower, 0.0)
        out += lower.T

    def _with(self, columns: Ints) -> Self:
        chosen = copy(self)
        rows = sparse.csr_array((self.values, self.columns, self.starts), shape=(self.n, self.q))[:, columns]
        rows.sort_indices()
        chosen.starts, chosen.columns, chosen.values = rows.indptr, rows.indices, rows.data
        chosen.sizes = self.sizes[columns]
        return chosen

    def largest(self) -> Floats:
        """The largest size of an entry of every column (q,)."""
        return self.sizes / self.unit


def _gathered(X: NDArray[np.floating], team: Team) -> Any:
    """The cells of a dense table that are not zero, as sparse rows."""
    n, q = X.shape

    def one(start: int) -> tuple[Ints, NDArray[np.int32], Floats]:
        part = np.ascontiguousarray(X[start : start + CHUNK])
        there = np.flatnonzero(part)
        row, column = np.divmod(there, q)
        return np.bincount(row, minlength=len(part)), column.astype(np.int32), part.ravel()[there]

    parts = team.each(one, range(0, n, CHUNK))
    starts = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.concatenate([part[0] for part in parts]), out=starts[1:])
    columns = np.concatenate([part[1] for part in parts])
    values = np.concatenate([part[2] for part in parts])
    return sparse.csr_array((values, columns, starts), shape=(n, q))
