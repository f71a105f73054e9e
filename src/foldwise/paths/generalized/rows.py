"""Rows in fold order, their columns centred and scaled: the products and weighted moments that Newton steps ask for.

Columns are taken about a typical mean and in units of a typical spread, the medians of the folds' own, so that no
fold's oddities touch the digits of the others. A small dense table is copied so once; of a large one each chunk is made
when it is needed. Sparse columns are scaled alone.
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

# A dense table up to this size is copied once in fold order.
COPIED_BYTES = 64 << 20
GRAM_ROWS = 2048


class Rows:
    """n rows of q columns in fold order.

    Parameters
    ----------
    X : array (n, p), or sparse by rows
    order : array (n,)
        Row numbers, fold after fold.
    ends : array (K + 1,)
        Where each fold starts in that order, and n.
    weight : array (n,)
        Row weights, in that order.
    team : Team
    centred : bool
        Whether there is an intercept that can take in what centring moves.
    """

    def __init__(self, X: Any, order: Ints, ends: Ints, weight: Floats, team: Team, *, centred: bool) -> None:
        self.X, self.order, self.ends, self.weight, self.team = X, order, ends, weight, team
        self.n, self.q = X.shape
        self.is_sparse = sparse.issparse(X)
        self.columns = np.arange(self.q)
        self.centre, self.unit = np.zeros(self.q), np.ones(self.q)
        self.copy: Any = None
        self.fold_weight = np.add.reduceat(weight, ends[:-1])
        self.fold_mean, self.fold_square = self._fold_statistics()
        spread = np.sqrt(np.maximum(self.fold_square / np.maximum(self.fold_weight, 1e-300)[:, None], 0.0))
        if centred and not self.is_sparse:
            self.centre = np.median(self.fold_mean, axis=0)
        unit = np.median(spread, axis=0)
        unit = np.where(unit > 0.0, unit, spread.max(axis=0))
        size = np.maximum(np.abs(np.median(self.fold_mean, axis=0)), np.finfo(float).tiny)
        self.unit = np.where(unit > 1e-12 * size, unit, 1.0)
        if self.is_sparse:
            self.copy = sparse.csr_array(X[order].astype(np.float64) @ sparse.diags_array(1.0 / self.unit))
        elif 8 * self.n * self.q <= COPIED_BYTES:
            self.copy = self._made(0, self.n)

    def _raw(self, start: int, stop: int) -> Any:
        rows = self.order[start:stop]
        if self.is_sparse:
            return self.X[rows]
        if self.X.flags.c_contiguous:
            return self.X[rows]
        return np.take(self.X.T, rows, axis=1).T

    def _made(self, start: int, stop: int) -> Floats:
        block = np.array(self._raw(start, stop), dtype=np.float64, order="C")
        block -= self.centre
        block /= self.unit
        return block

    def _fold_statistics(self) -> tuple[Floats, Floats]:
        """Weighted mean (K, q) of each fold, and sums of squares about it."""
        folds = len(self.ends) - 1

        def one(fold: int) -> tuple[Floats, Floats]:
            start, stop = self.ends[fold], self.ends[fold + 1]
            mean, square, total = np.zeros(self.q), np.zeros(self.q), 0.0
            for a in range(start, stop, 4 * GRAM_ROWS):
                b = min(a + 4 * GRAM_ROWS, stop)
                part, w = self._raw(a, b), self.weight[a:b]
                here = float(w.sum())
                if here == 0.0:
                    continue
                if self.is_sparse:
                    middle = np.asarray(w @ part) / here
                    spread = np.asarray(w @ part.multiply(part)) - here * middle**2
                else:
                    middle = (w @ part) / here
                    spread = w @ (part - middle) ** 2
                away = middle - mean
                square += np.maximum(spread, 0.0) + away**2 * (total * here / (total + here))
                total += here
                mean += away * (here / total)
            return mean, square

        parts = self.team.each(one, range(folds))
        return np.stack([part[0] for part in parts]), np.stack([part[1] for part in parts])

    def chunks(self, size: int) -> list[tuple[int, int]]:
        """Row ranges of about this many rows, the team's shares alike."""
        pieces = max(1, -(-self.n // size))
        if self.n * self.q > 1 << 15:
            pieces = -(-pieces // self.team.workers) * self.team.workers
        bounds = np.linspace(0, self.n, pieces + 1).astype(np.intp)
        return list(pairwise(bounds.tolist()))

    def block(self, start: int, stop: int) -> Any:
        """Rows of a range: an array (rows, q) or sparse rows, for products from either side."""
        return self._made(start, stop) if self.copy is None else self.copy[start:stop]

    def largest(self) -> Floats:
        """The largest size of an entry of every column (q,)."""
        if self.is_sparse:
            return np.asarray(abs(self.copy).max(axis=0).todense()).ravel()
        found = np.zeros(self.q)
        for start, stop in self.chunks(4 * GRAM_ROWS):
            np.maximum(found, np.abs(self.block(start, stop)).max(axis=0), out=found)
        return found

    def moments(self, weight: Floats) -> Floats:
        """Products (K, q + 1, q + 1) of [1, x] with itself in every fold, with row weights (n,)."""
        parts = [
            (fold, a, min(a + GRAM_ROWS, stop))
            for fold, (start, stop) in enumerate(pairwise(self.ends.tolist()))
            for a in range(start, stop, GRAM_ROWS)
        ]
        shares = [parts[worker :: self.team.workers] for worker in range(min(self.team.workers, len(parts)))]
        found = self.team.each(lambda share: self._moments(share, weight), shares)
        for other in found[1:]:
            found[0] += other
        return found[0]

    def _moments(self, parts: list[tuple[int, int, int]], weight: Floats) -> Floats:
        total = np.zeros((len(self.ends) - 1, self.q + 1, self.q + 1))
        for fold, start, stop in parts:
            w, x = weight[start:stop], self.block(start, stop)
            total[fold, 0, 0] += w.sum()
            sums = np.asarray(w @ x)
            total[fold, 0, 1:] += sums
            total[fold, 1:, 0] += sums
            if self.is_sparse:
                total[fold, 1:, 1:] += (x.multiply(w[:, None]).T.tocsr() @ x).toarray()
            else:
                rooted = x * np.sqrt(w)[:, None]
                total[fold, 1:, 1:] += rooted.T @ rooted
        return total
