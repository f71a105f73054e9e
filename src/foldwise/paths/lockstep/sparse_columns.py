"""A sparse table as the lockstep walk sees it: never made dense, centred only in the algebra.

The counterpart of `columns` for scipy's sparse matrices. Rows are kept as one CSC block per fold; products of raw
columns are corrected by the folds' means where the dense way would subtract them from the rows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.moments.threads import Team

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


class SparseColumns:
    """Sparse X (n, p) in a fold order of its rows: one CSC block per fold, as many non-zeros in all as X has.

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
        by_row = sparse.csr_array(X)
        self.blocks = [sparse.csc_array(by_row[order[start:stop]], dtype=np.float64) for start, stop in pairwise(ends)]

    def products(self, R: Floats) -> Floats:
        """X'R (p, H) for R (n, H) in fold order."""
        parts = self.team.each(
            lambda fold: self.blocks[fold].T @ R[self.ends[fold] : self.ends[fold + 1]], range(len(self.blocks))
        )
        total: Floats = parts[0]
        for part in parts[1:]:
            total += part
        return total

    def fold_moments(self) -> tuple[Floats, Floats]:
        """Weighted means (K, p) of every fold, and sums of squares about them (K, p)."""
        means, squares = [], []
        for block, (start, stop) in zip(self.blocks, pairwise(self.ends), strict=True):
            weight = self.weight[start:stop]
            total = weight.sum()
            mean = block.T @ weight / total
            # About the mean: the non-zeros one by one, the zeros all at once.
            columns = np.repeat(np.arange(self.p), np.diff(block.indptr))
            held = weight[block.indices]
            off = np.bincount(columns, weights=held * (block.data - mean[columns]) ** 2, minlength=self.p)
            zeros = total - np.bincount(columns, weights=held, minlength=self.p)
            means.append(mean)
            squares.append(off + np.maximum(zeros, 0.0) * mean**2)
        return np.stack(means), np.stack(squares)

    def working(self, means: Floats) -> SparseWorkingColumns:
        """An empty set of working columns centred at the folds' means (K, p)."""
        return SparseWorkingColumns(self, means)

    def rows_of(self, rows: Ints, span: slice) -> Floats:
        """Some rows, numbered in fold order, of a range of columns, dense (rows, columns)."""
        part = sparse.vstack([block[:, span] for block in self.blocks], format="csr")
        dense: Floats = part[rows].toarray()
        return dense


class SparseWorkingColumns:
    """Some columns of a sparse table, with cross-products centred fold by fold in the algebra."""

    def __init__(self, source: SparseColumns, means: Floats) -> None:
        self.source, self.means = source, means
        self.typical = np.median(means, axis=0)
        self.place = np.full(source.p, -1, dtype=np.intp)
        self.columns = np.empty(0, dtype=np.intp)
        self.parts = [block[:, :0] for block in source.blocks]

    @property
    def size(self) -> int:
        """How many."""
        return len(self.columns)

    @property
    def fold_mean(self) -> Floats:
        """(K, size): what each fold of the working columns is centred at."""
        return self.means[:, self.columns]

    def bring_in(self, columns: Ints) -> None:
        """Add the columns that are not there yet."""
        new = columns[self.place[columns] < 0]
        if not len(new):
            return
        self.place[new] = np.arange(self.size, self.size + len(new))
        self.columns = np.concatenate([self.columns, new])
        self.parts = [
            sparse.hstack([part, block[:, new]], format="csc")
            for part, block in zip(self.parts, self.source.blocks, strict=True)
        ]

    def crossed(self, columns: Ints) -> Floats:
        """Weighted cross-products (K, m, size) of some working columns with all of them, centred fold by fold."""
        chosen = self.place[columns]

        def part(fold: int) -> Floats:
            weight = self.source.weight[self.source.ends[fold] : self.source.ends[fold + 1]]
            mine = self.parts[fold][:, chosen]
            raw = (mine.multiply(weight[:, None]).T.tocsr() @ self.parts[fold]).toarray()
            mean = self.fold_mean[fold]
            centred: Floats = raw - weight.sum() * np.outer(mean[chosen], mean)
            return centred

        return np.stack(self.source.team.each(part, range(len(self.parts))))

    def products(self, R: Floats, among: Ints | None = None) -> Floats:
        """Working columns, or some of them, times R (n, H) of which every column sums to zero: (size, H)."""
        total = sum(
            (part if among is None else part[:, among]).T @ R[start:stop]
            for part, (start, stop) in zip(self.parts, pairwise(self.source.ends), strict=True)
        )
        return np.asarray(total)

    def fitted(self, coef: Floats) -> Floats:
        """Predictions (n, H) up to a constant, from coefficients (size, H) of the working columns."""
        return np.concatenate([part @ coef for part in self.parts]) - self.typical[self.columns] @ coef
