"""A sparse table as the lockstep walk sees it: never made dense, centred only in the algebra.

The counterpart of `columns` for scipy's sparse matrices: rows in fold order, stored by columns. Second moments of raw
columns are corrected by their means where the dense way would subtract something from the rows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from foldwise.paths.lockstep._product import csc_times
from foldwise.paths.lockstep.columns import padded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.moments.threads import Team

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


class SparseColumns:
    """Sparse X (n, p) in a fold order of its rows: stored by columns, as many non-zeros as X has.

    Parameters
    ----------
    X : sparse array or matrix (n, p)
    order : array (n,)
        Rows in fold order.
    ends : array (K + 1,)
        Where each fold begins and ends in that order.
    weight : array (n,)
        Row weights in that order.
    team : Team
    """

    def __init__(self, X: Any, order: Ints, ends: Ints, weight: Floats, team: Team) -> None:
        self.ends, self.weight, self.team = ends, weight, team
        self.n, self.p = X.shape
        self.matrix = sparse.csc_array(sparse.csr_array(X)[order], dtype=np.float64)
        self.start = np.asarray(self.matrix.indptr, dtype=np.intc)
        self.at = np.asarray(self.matrix.indices, dtype=np.intc)
        self.value = self.matrix.data
        self._hand = np.empty(0, dtype=np.intp)

    def products(self, R: Floats) -> Floats:
        """X'R (p, H or wider, as `padded`) for R (n, H) in fold order."""
        return self._products(R, np.arange(self.p))

    def take_to_hand(self, columns: Ints) -> None:
        """Say which columns `products_at_hand` is to look at."""
        self._hand = columns

    def products_at_hand(self, R: Floats) -> Floats:
        """Products (m, H or wider) of the columns at hand."""
        return self._products(R, self._hand)

    def _products(self, R: Floats, picks: Ints) -> Floats:
        R = padded(R)
        out = np.empty((len(picks), R.shape[1]))
        bounds = np.linspace(0, len(picks), self.team.workers + 1).astype(np.intp)

        def part(span: slice) -> None:
            csc_times(self.start, self.at, self.value, R, out[span], picks[span])

        self.team.each(part, [slice(a, b) for a, b in pairwise(bounds)])
        return out

    def fold_moments(self) -> tuple[Floats, Floats]:
        """Weighted means (K, p) of every fold, and sums of squares about them (K, p)."""
        folds = len(self.ends) - 1
        fold_of_row = np.repeat(np.arange(folds), np.diff(self.ends))
        sums = sparse.csr_array((self.weight, (fold_of_row, np.arange(self.n))), shape=(folds, self.n))
        total = np.asarray(sums.sum(axis=1)).ravel()[:, None]
        mean = (sums @ self.matrix).toarray() / total
        # About the mean: the non-zeros one by one, the zeros all at once.
        columns = np.repeat(np.arange(self.p), np.diff(self.start))
        about = self.matrix.copy()
        about.data = (self.value - mean[fold_of_row[self.at], columns]) ** 2
        squares = (sums @ about).toarray()
        about.data = np.ones(len(self.value))
        zeros = np.maximum(total - (sums @ about).toarray(), 0.0)
        squares += zeros * mean**2
        return mean, squares

    def working(self, centre: Floats) -> SparseWorkingColumns:
        """An empty set of working columns; `centre` (p,) becomes zeros, for sparse columns stay as they are."""
        centre[:] = 0.0
        return SparseWorkingColumns(self, centre)

    def rows_of(self, rows: Ints, span: slice) -> Floats:
        """Some rows, numbered in fold order, of a range of columns, dense (rows, columns)."""
        dense: Floats = sparse.csr_array(self.matrix[:, span])[rows].toarray()
        return dense


class SparseWorkingColumns:
    """Some columns of a sparse table, as they are, side by side."""

    def __init__(self, source: SparseColumns, centre: Floats) -> None:
        self.source, self.centre = source, centre
        self.place = np.full(source.p, -1, dtype=np.intp)
        self.index = np.zeros(64, dtype=np.intp)
        self.size = 0
        self.rows = None
        self.start = np.zeros(65, dtype=np.intc)
        self.at = np.zeros(1024, dtype=np.intc)
        self.value = np.zeros(1024)

    @property
    def columns(self) -> Ints:
        """(size,): which columns of X they are."""
        return self.index[: self.size]

    def bring_in(self, columns: Ints) -> None:
        """Add the columns that are not there yet."""
        new = columns[self.place[columns] < 0]
        if not len(new):
            return
        part = self.source.matrix[:, new]
        need, used = self.size + len(new), int(self.start[self.size])
        if need > len(self.index):
            more = max(need, 2 * len(self.index)) - len(self.index)
            self.index = np.concatenate([self.index, np.zeros(more, dtype=np.intp)])
            self.start = np.concatenate([self.start, np.zeros(more, dtype=np.intc)])
        if used + part.nnz > len(self.at):
            more = max(used + part.nnz, 2 * len(self.at)) - len(self.at)
            self.at = np.concatenate([self.at, np.zeros(more, dtype=np.intc)])
            self.value = np.concatenate([self.value, np.zeros(more)])
        self.at[used : used + part.nnz], self.value[used : used + part.nnz] = part.indices, part.data
        self.start[self.size + 1 : need + 1] = used + part.indptr[1:]
        self.index[self.size : need] = new
        self.place[new] = np.arange(self.size, need)
        self.size = need

    def keep_only(self, kept: Ints) -> None:
        """Drop all but the working columns in these places, which are in increasing order."""
        part, columns = self._matrix()[:, kept], self.index[kept]
        self.place[self.columns] = -1
        self.at[: part.nnz], self.value[: part.nnz] = part.indices, part.data
        self.start[: len(kept) + 1] = part.indptr
        self.index[: len(kept)], self.size = columns, len(kept)
        self.place[columns] = np.arange(self.size)

    def fitted(self, coef: Floats) -> Floats:
        """Predictions (n, H) up to a constant, from coefficients (size, H) of the working columns."""
        return np.asarray(self._matrix() @ coef)

    def second_moments(self, places: NDArray[np.integer], weight: Floats) -> Floats:
        """Weighted sums of products (m, m) of some working columns."""
        part = self._matrix()[:, places]
        dense: Floats = (part.T @ part.multiply(weight[:, None])).toarray()
        return dense

    def _matrix(self) -> Any:
        used = self.start[self.size]
        return sparse.csc_array(
            (self.value[:used], self.at[:used], self.start[: self.size + 1]), shape=(self.source.n, self.size)
        )
