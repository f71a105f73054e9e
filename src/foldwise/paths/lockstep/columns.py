"""A wide table as the lockstep walk sees it: gradients of all held-out sets at once, and the working columns.

Rows are put in fold order once, for the working columns only; X itself is read where it lies, never copied, scaled or
centred. Residuals of a fit with an intercept sum to zero over its rows, so the product with the raw columns is the
product with the centred ones.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.lockstep._product import rows_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.moments.threads import Team

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

CHUNK_BYTES = 8 << 20


def rows_times_thin(rows: NDArray[np.floating], R: Floats, team: Team) -> Floats:
    """Contiguous rows (m, n) times a thin matrix R (n, H), shared out over the team's threads: (m, H)."""
    m, sets = len(rows), R.shape[1]
    padded = np.zeros((len(R), -(-sets // 8) * 8))
    padded[:, :sets] = R
    out = np.zeros((m, padded.shape[1]))
    bounds = np.linspace(0, m, team.workers + 1).astype(np.intp)
    team.each(lambda span: rows_times(rows[span], padded, out[span]), [slice(a, b) for a, b in pairwise(bounds)])
    return np.ascontiguousarray(out[:, :sets])


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

    def __init__(self, X: NDArray[np.floating], order: Ints, ends: Ints, weight: Floats, team: Team) -> None:
        self.X, self.order, self.ends, self.weight, self.team = X, order, ends, weight, team
        self.n, self.p = X.shape
        self._back = np.empty(self.n, dtype=np.intp)
        self._back[order] = np.arange(self.n)

    def _spans(self, least: int) -> list[slice]:
        """Column ranges: at least `least` of them, each no larger than a chunk where it must be converted."""
        pieces = least
        if self.X.dtype != np.float64:
            pieces = max(pieces, self.n * self.p * 8 // CHUNK_BYTES)
        bounds = np.linspace(0, self.p, min(pieces, self.p) + 1).astype(np.intp)
        return [slice(start, stop) for start, stop in pairwise(bounds)]

    def products(self, R: Floats) -> Floats:
        """X'R (p, H) for R (n, H) in fold order: one pass over X for all held-out sets."""
        R = R[self._back]
        if self.X.strides[0] == self.X.itemsize:
            return rows_times_thin(self.X.T, R, self.team)
        out = np.empty((self.p, R.shape[1]))

        def part(span: slice) -> None:
            np.matmul(self.X[:, span].T.astype(np.float64, copy=False), R, out=out[span])

        self.team.each(part, self._spans(self.team.workers if self.n * self.p > 1 << 18 else 1))
        return out

    def fold_moments(self) -> tuple[Floats, Floats]:
        """Weighted means (K, p) of every fold, and sums of squares about them (K, p)."""
        folds = [slice(start, stop) for start, stop in pairwise(self.ends)]
        mean, squares = np.empty((len(folds), self.p)), np.empty((len(folds), self.p))

        def part(span: slice) -> None:
            columns = np.take(self.X[:, span].T, self.order, axis=1).astype(np.float64, copy=False)
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

    def working(self, means: Floats) -> WorkingColumns:
        """An empty set of working columns centred at the folds' means (K, p)."""
        return WorkingColumns(self, means)

    def rows_of(self, rows: Ints, span: slice) -> Floats:
        """Some rows, numbered in fold order, of a range of columns: a copy (rows, columns)."""
        return self.X[self.order[rows], span].astype(np.float64)

    def take(self, columns: Ints) -> Floats:
        """Some columns (m, n) as rows, in fold order."""
        chosen = self.X.T[columns].astype(np.float64, copy=False)
        return np.take(chosen, self.order, axis=1)


class WorkingColumns:
    """Some columns of a wide table, in fold order, each fold centred at its own mean.

    Centred fold by fold, so that nothing of a held-out fold, however far off, touches the digits of the others.

    Parameters
    ----------
    source : DenseColumns
    means : array (K, p)
        The folds' means, or zeros.
    """

    def __init__(self, source: DenseColumns, means: Floats) -> None:
        self.source, self.means = source, means
        # Relative to a typical fold's: what is common to all folds would only cost digits.
        self.away = means - np.median(means, axis=0)
        self.fold_of_row = np.repeat(np.arange(len(means)), np.diff(source.ends))
        self.place = np.full(source.p, -1, dtype=np.intp)
        self.index = np.empty(64, dtype=np.intp)
        self.size = 0
        self._rows = np.empty((64, source.n))

    @property
    def columns(self) -> Ints:
        """(size,): which columns of X they are."""
        return self.index[: self.size]

    @property
    def fold_mean(self) -> Floats:
        """(K, size): what each fold of the working columns is centred at."""
        return self.means[:, self.columns]

    @property
    def rows(self) -> Floats:
        """(size, n): one row per working column."""
        return self._rows[: self.size]

    def bring_in(self, columns: Ints) -> None:
        """Add the columns that are not there yet."""
        new = columns[self.place[columns] < 0]
        if not len(new):
            return
        need = self.size + len(new)
        if need > len(self._rows):
            room = max(need, 3 * len(self._rows) // 2)
            self._rows = np.concatenate([self._rows[: self.size], np.empty((room - self.size, self.source.n))])
            self.index = np.concatenate([self.index[: self.size], np.empty(room - self.size, dtype=np.intp)])
        self._rows[self.size : need] = self.source.take(new)
        for fold, (start, stop) in enumerate(pairwise(self.source.ends)):
            self._rows[self.size : need, start:stop] -= self.means[fold, new][:, None]
        self.index[self.size : need] = new
        self.place[new] = np.arange(self.size, need)
        self.size = need

    def crossed(self, columns: Ints) -> Floats:
        """Weighted cross-products (K, m, size) of some working columns with all of them, fold by fold."""
        weighted = self.rows[self.place[columns]] * self.source.weight
        ends = self.source.ends
        out = np.empty((len(ends) - 1, len(columns), self.size))

        def part(fold: int) -> None:
            span = slice(ends[fold], ends[fold + 1])
            np.matmul(weighted[:, span], self.rows[:, span].T, out=out[fold])

        self.source.team.each(part, range(len(out)))
        return out

    def products(self, R: Floats, among: Ints | None = None) -> Floats:
        """Working columns, or some of them, times R (n, H) of which every column sums to zero: (size, H)."""
        rows = self.rows if among is None else self.rows[among]
        out = rows_times_thin(rows, R, self.source.team)
        by_fold = np.add.reduceat(R, self.source.ends[:-1], axis=0)
        away = self.away[:, self.columns if among is None else self.index[among]]
        out += away.T @ by_fold
        return out

    def fitted(self, coef: Floats) -> Floats:
        """Predictions (n, H) up to a constant, from coefficients (size, H) of the working columns."""
        used = np.flatnonzero(coef.any(axis=1))
        few = len(used) < 0.7 * self.size
        rows, coef = (self.rows[used], coef[used]) if few else (self.rows, coef)
        out = np.empty((self.source.n, coef.shape[1]))
        ends = np.linspace(0, self.source.n, self.source.team.workers + 1).astype(np.intp)

        def part(span: slice) -> None:
            np.matmul(rows[:, span].T, coef, out=out[span])

        self.source.team.each(part, [slice(a, b) for a, b in pairwise(ends)])
        columns = self.columns[used] if few else self.columns
        out += (self.away[:, columns] @ coef)[self.fold_of_row]
        return out
