"""A wide table as the lockstep walk sees it: gradients of all held-out sets at once, and the working columns.

Rows are put in fold order once, for the working columns only; X itself is read where it lies, never copied, scaled or
centred. Residuals of a fit with an intercept sum to zero over its rows, so the product with the raw columns is the
product with the centred ones.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from foldwise.paths.lockstep._product import fold_moments, rows_times
from foldwise.paths.lockstep.working import Working

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.moments.threads import Team
    from foldwise.paths.lockstep.working import Cells

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

CHUNK_BYTES = 8 << 20
# Multiplications below which a second thread costs more than it saves.
WORTH_SHARING = 1e6
# Gathering a column where X lies by rows costs so many times its product, once all are multiplied.
GATHERING = 8


def padded(R: Floats) -> Floats:
    """R (n, H) in a width the kernels take: a multiple of 8, filled up with zeros."""
    out = np.zeros((len(R), -(-R.shape[1] // 8) * 8))
    out[:, : R.shape[1]] = R
    return out


def rows_times_thin(rows: NDArray[np.floating], R: Floats, team: Team, picks: Ints | None = None) -> Floats:
    """Contiguous rows (m, n), or those picked, times R (n, width) as `padded` makes it, shared out over the team."""
    m = len(rows) if picks is None else len(picks)
    out = np.zeros((m, R.shape[1]))
    if team.workers == 1 or m * R.size < WORTH_SHARING:
        rows_times(rows, R, out, picks)
        return out
    bounds = np.linspace(0, m, team.workers + 1).astype(np.intp)

    def part(span: slice) -> None:
        if picks is None:
            rows_times(rows[span], R, out[span])
        else:
            rows_times(rows, R, out[span], picks[span])

    team.each(part, [slice(a, b) for a, b in pairwise(bounds)])
    return out


class DenseColumns:
    """X (n, p), float32 or float64 in any layout, in a fold order of its rows.

    Parameters
    ----------
    X : array (n, p)
    order : array (n,)
        Rows in fold order.
    ends : array (K + 1,)
        Where each fold begins and ends in that order.
    weight : array (n,)
        Row weights in that order.
    team : Team
    """

    is_sparse: Literal[False] = False

    def __init__(self, X: NDArray[np.floating], order: Ints, ends: Ints, weight: Floats, team: Team) -> None:
        self.X, self.own, self.ends, self.weight, self.team = X, order, ends, weight, team
        self.n, self.p = X.shape
        self._back = np.empty(self.n, dtype=np.intp)
        self._back[order] = np.arange(self.n)
        self._by_column = X.strides[0] == X.itemsize

    def _spans(self, least: int) -> list[slice]:
        """Column ranges: at least `least` of them, each no larger than a chunk where it must be converted."""
        pieces = least
        if self.X.dtype != np.float64:
            pieces = max(pieces, self.n * self.p * 8 // CHUNK_BYTES)
        bounds = np.linspace(0, self.p, min(pieces, self.p) + 1).astype(np.intp)
        return [slice(start, stop) for start, stop in pairwise(bounds)]

    def products(self, R: Floats, picks: Ints | None = None) -> Floats:
        """X'R (p, H or wider, as `padded`) for R (n, H) in fold order, or its rows for the picked columns.

        One pass over X for all held-out sets.
        """
        R = R[self._back]
        if self._by_column:
            return rows_times_thin(self.X.T, padded(R), self.team, picks)
        if picks is not None:
            if GATHERING * len(picks) > self.p:
                return self.products(R[self.own])[picks]
            return rows_times_thin(np.ascontiguousarray(self.X[:, picks].T), padded(R), self.team)
        out = np.empty((self.p, R.shape[1]))

        def part(span: slice) -> None:
            np.matmul(self.X[:, span].T.astype(np.float64, copy=False), R, out=out[span])

        self.team.each(part, self._spans(self.team.workers if self.n * self.p > 1 << 18 else 1))
        return out

    def at_hand(self, columns: Ints) -> tuple[Cells, Ints | None]:
        """Where some columns' cells are, for many products, and which of those there; copied where X lies by rows."""
        if self._by_column:
            return (self.X.T, None, None, None), columns
        return (np.ascontiguousarray(self.X[:, columns].T), None, None, None), None

    def fold_moments(self) -> tuple[Floats, Floats]:
        """Weighted means (K, p) of every fold, and sums of squares about them (K, p)."""
        folds = [slice(start, stop) for start, stop in pairwise(self.ends)]
        mean, squares = np.empty((len(folds), self.p)), np.empty((len(folds), self.p))
        if self._by_column:
            fold_of_row = np.repeat(np.arange(len(folds), dtype=np.intc), np.diff(self.ends))[self._back]
            weight, total = self.weight[self._back], np.add.reduceat(self.weight, self.ends[:-1])
            self.team.each(
                lambda at: fold_moments(self.X.T[at], fold_of_row, weight, total, mean[:, at], squares[:, at]),
                self._spans(self.team.workers),
            )
            return mean, squares

        def part(span: slice) -> None:
            columns = np.take(self.X[:, span].T, self.own, axis=1).astype(np.float64, copy=False)
            for fold, rows in enumerate(folds):
                values, weight = columns[:, rows], self.weight[rows]
                mean[fold, span] = values @ weight / weight.sum()
                values -= mean[fold, span][:, None]
                np.square(values, out=values)
                squares[fold, span] = values @ weight

        pieces = max(self.team.workers, self.n * self.p * 8 // CHUNK_BYTES)
        bounds = np.linspace(0, self.p, min(pieces, self.p) + 1).astype(np.intp)
        self.team.each(part, [slice(a, b) for a, b in pairwise(bounds)])
        return mean, squares

    def working(self, typical: Floats) -> WorkingColumns:
        """An empty set of working columns, to be kept about `typical` (p,)."""
        return WorkingColumns(self, typical)

    def rows_of(self, rows: Ints, span: slice) -> Floats:
        """Some rows, numbered in fold order, of a range of columns: a copy (rows, columns)."""
        return self.X[self.own[rows], span].astype(np.float64)

    def take(self, columns: Ints) -> Floats:
        """Some columns (m, n) as rows, in fold order."""
        chosen = self.X.T[columns].astype(np.float64, copy=False)
        return np.take(chosen, self.own, axis=1)


class WorkingColumns(Working):
    """Some columns of a dense table, in fold order, about what is typical of the folds.

    Parameters
    ----------
    source : DenseColumns
    typical : array (p,)
        The median of the folds' means, which no single held-out fold, however far off, can move away; or zeros.
    """

    rows: Floats

    def __init__(self, source: DenseColumns, typical: Floats) -> None:
        super().__init__(source.p, typical)
        self.source = source
        self.rows = np.empty((len(self.index), source.n))

    def _append(self, new: Ints) -> None:
        if len(self.rows) < len(self.index):
            # In place: a second copy of the working columns would be the peak of a whole walk's memory.
            self.rows.resize((len(self.index), self.source.n), refcheck=False)
        added = self.rows[self.size : self.size + len(new)]
        added[:] = self.source.take(new)
        added -= self.centre[new][:, None]

    def _keep(self, kept: Ints) -> None:
        for to, here in enumerate(kept):
            self.rows[to] = self.rows[here]

    def second_moments(self, places: NDArray[np.integer], weight: Floats) -> Floats:
        """Weighted sums of products (m, m) of some working columns."""
        rows = self.rows[places]
        moments: Floats = np.matmul(rows * weight, rows.T)
        return moments
