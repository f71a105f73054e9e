"""A sparse table as the lockstep walk sees it: never made dense, centred only in the algebra.

The counterpart of `columns` for scipy's sparse matrices: rows in fold order, stored by columns. Second moments of raw
columns are corrected by their means where the dense way would subtract something from the rows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from foldwise.paths.lockstep._product import csc_times
from foldwise.paths.lockstep.columns import padded
from foldwise.paths.lockstep.working import Working

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.moments.threads import Team
    from foldwise.paths.lockstep.working import Cells

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Numbers = NDArray[np.intc]


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

    is_sparse: Literal[True] = True

    def __init__(self, X: Any, order: Ints, ends: Ints, weight: Floats, team: Team) -> None:
        self.ends, self.weight, self.team = ends, weight, team
        self.n, self.p = X.shape
        self.matrix = sparse.csc_array(sparse.csr_array(X)[order], dtype=np.float64)
        self.start = np.asarray(self.matrix.indptr, dtype=np.intc)
        self.at = np.asarray(self.matrix.indices, dtype=np.intc)
        self.value = self.matrix.data
        self.own = np.arange(self.n)

    def products(self, R: Floats, picks: Ints | None = None) -> Floats:
        """X'R (p, H or wider, as `padded`) for R (n, H) in fold order, or its rows for the picked columns."""
        return self._products(R, np.arange(self.p) if picks is None else picks)

    def at_hand(self, columns: Ints) -> tuple[Cells, Ints | None]:
        """Where some columns' cells are, for many products, and which of those there."""
        return (None, self.start, self.at, self.value), columns

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

    def working(self, typical: Floats) -> SparseWorkingColumns:  # noqa: ARG002 - as the dense way has it
        """An empty set of working columns; sparse columns stay as they are, whatever is typical of them."""
        return SparseWorkingColumns(self)

    def rows_of(self, rows: Ints, span: slice) -> Floats:
        """Some rows, numbered in fold order, of a range of columns, dense (rows, columns)."""
        dense: Floats = sparse.csr_array(self.matrix[:, span])[rows].toarray()
        return dense


class SparseWorkingColumns(Working):
    """Some columns of a sparse table, as they are, side by side."""

    start: Numbers
    at: Numbers
    value: Floats

    def __init__(self, source: SparseColumns) -> None:
        super().__init__(source.p, np.zeros(source.p))
        self.source = source
        self.start = np.zeros(len(self.index) + 1, dtype=np.intc)
        self.at = np.zeros(1024, dtype=np.intc)
        self.value = np.zeros(1024)

    def _append(self, new: Ints) -> None:
        part = self.source.matrix[:, new]
        used = int(self.start[self.size])
        if len(self.start) <= len(self.index):
            more = len(self.index) + 1 - len(self.start)
            self.start = np.concatenate([self.start, np.zeros(more, dtype=np.intc)])
        if used + part.nnz > len(self.at):
            more = max(used + part.nnz, 2 * len(self.at)) - len(self.at)
            self.at = np.concatenate([self.at, np.zeros(more, dtype=np.intc)])
            self.value = np.concatenate([self.value, np.zeros(more)])
        self.at[used : used + part.nnz], self.value[used : used + part.nnz] = part.indices, part.data
        self.start[self.size + 1 : self.size + len(new) + 1] = used + part.indptr[1:]

    def _keep(self, kept: Ints) -> None:
        part = self._matrix()[:, kept]
        self.at[: part.nnz], self.value[: part.nnz] = part.indices, part.data
        self.start[: len(kept) + 1] = part.indptr

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
