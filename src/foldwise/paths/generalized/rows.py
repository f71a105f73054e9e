"""Rows sorted by fold, their columns on one scale: the products and weighted moments that Newton steps ask for.

Columns are taken about a typical mean and in units of a typical spread, the medians of the folds' own, so that no
fold's oddities touch the digits of the others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.moments.threads import Team
    from foldwise.paths.generalized._cells import Sweep

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# A table that is not copied is read in windows of this many rows, sorted by fold within each.
WINDOW = 8192


def fold_order(labels: Ints, *, in_windows: bool) -> Ints:
    """An order of the rows that brings folds together: in the whole table, or in each window of it.

    Examples
    --------
    >>> import numpy as np
    >>> fold_order(np.array([1, 0, 1, 0]), in_windows=False)
    array([1, 3, 0, 2])
    """
    if in_windows:
        return np.lexsort((labels, np.arange(len(labels)) // WINDOW))
    return np.argsort(labels, kind="stable")


class Rows(ABC):
    """n rows of q columns, in an order that keeps the rows of a fold together.

    Parameters
    ----------
    X : array (n, q), or sparse by rows
    order : array (n,)
        Row numbers; see `fold_order`.
    label : array (n,)
        The fold 0..K-1 of every row, in that order.
    weight : array (n,)
        Row weights, in that order.
    team : Team
    centred : bool
        Whether there is an intercept that can take in what centring moves.

    Attributes
    ----------
    runs : list of (fold, start, stop)
        Neighbouring rows of one fold.
    fold_weight, fold_mean, fold_square : arrays (K,), (K, q), (K, q)
        Weight, weighted mean, and sum of squares about it, of each fold in original units.
    centre, unit : arrays (q,)
        A column is worked with as (x - centre) / unit.
    """

    def __init__(self, X: Any, order: Ints, label: Ints, weight: Floats, team: Team, *, centred: bool) -> None:
        self.X, self.order, self.label, self.weight, self.team = X, order, label, weight, team
        self.n, self.q = X.shape
        self.folds = int(label.max()) + 1
        changes = [0, *(np.flatnonzero(np.diff(label)) + 1).tolist(), self.n]
        self.runs = [
            (int(label[start]), at, min(at + self.run, stop))
            for start, stop in pairwise(changes)
            for at in range(start, stop, self.run)
        ]
        self.fold_weight = self.by_fold(weight)
        parts = team.each(self._statistics, range(self.folds))
        self.fold_mean = np.stack([part[0] for part in parts])
        self.fold_square = np.stack([part[1] for part in parts])
        middle = np.median(self.fold_mean, axis=0)
        spread = np.sqrt(self.fold_square / np.maximum(self.fold_weight, np.finfo(float).tiny)[:, None])
        unit = np.median(spread, axis=0)
        unit = np.where(unit > 0.0, unit, spread.max(axis=0))
        self.unit = np.where(unit > 1e-12 * np.abs(middle), unit, 1.0)
        self.centre = middle if centred and self.can_centre else np.zeros(self.q)

    can_centre = True
    run = 2048  # rows that are multiplied out together

    @abstractmethod
    def _sums(self, start: int, stop: int) -> tuple[Floats, Floats, float]:
        """Weighted mean (q,) of some rows, sum of squares about it, and weight, in original units."""

    @abstractmethod
    def times(self, start: int, stop: int, B: Floats, out: Floats) -> None:
        """Add rows of a range times B (q, width) to out (rows, width); the width is a multiple of 8."""

    @abstractmethod
    def transposed_times(self, start: int, stop: int, R: Floats, out: Floats) -> None:
        """Add the transposed rows of a range times R (rows, width) to out (q, width)."""

    @abstractmethod
    def sweep(self, sweep: Sweep, start: int, stop: int, fold_loss: Floats, sums: Floats, gradient: Floats) -> None:
        """A compiled pass over a range of rows; adds to the sums as `Sweep` says."""

    @abstractmethod
    def add_cross(self, start: int, stop: int, weight: Floats, out: Floats) -> None:
        """Add weighted products of [1, x] with itself over a range to out (q + 1, q + 1)."""

    @abstractmethod
    def _with(self, columns: Ints) -> Self:
        """A copy of this with some columns' cells."""

    def select(self, columns: Ints) -> Self:
        """The same rows with some columns alone."""
        chosen = self._with(columns)
        chosen.q = len(columns)
        chosen.unit, chosen.centre = self.unit[columns], self.centre[columns]
        chosen.fold_mean, chosen.fold_square = self.fold_mean[:, columns], self.fold_square[:, columns]
        return chosen

    @abstractmethod
    def largest(self) -> Floats:
        """The largest size of an entry of every column (q,)."""

    def _statistics(self, fold: int) -> tuple[Floats, Floats]:
        mean, square, total = np.zeros(self.q), np.zeros(self.q), 0.0
        for _, start, stop in (run for run in self.runs if run[0] == fold):
            middle, spread, here = self._sums(start, stop)
            if here > 0.0:
                away = middle - mean
                square += np.maximum(spread, 0.0) + away**2 * (total * here / (total + here))
                total += here
                mean += away * (here / total)
        return mean, square

    def by_fold(self, each: Floats) -> Floats:
        """Sums (K,) of one number a row over every fold."""
        return np.asarray(np.bincount(self.label, weights=each, minlength=self.folds), dtype=np.float64)

    def chunks(self, size: int) -> list[tuple[int, int]]:
        """Row ranges of about this many rows, the team's shares alike."""
        pieces = max(1, -(-self.n // size))
        if self.n * self.q > 1 << 15:
            pieces = -(-pieces // self.team.workers) * self.team.workers
        bounds = [self.n * piece // pieces for piece in range(pieces + 1)]
        return list(pairwise(bounds))

    def moments(self, weight: Floats, folds: Sequence[int] | None = None) -> Floats:
        """Products (K, q + 1, q + 1) of [1, x] with itself in every fold, or in some, with row weights (n,)."""
        parts = self.runs if folds is None else [run for run in self.runs if run[0] in folds]
        workers = self.team.workers if self.n * self.q > 1 << 15 else 1
        shares = [parts[worker::workers] for worker in range(min(workers, len(parts)))]
        found = self.team.each(lambda share: self._moments(share, weight), shares)
        for other in found[1:]:
            found[0] += other
        return found[0]

    def merged_moments(self, weight: Floats) -> Floats:
        """Products (q + 1, q + 1) of [1, x] with itself over all rows, with row weights (n,)."""
        workers = self.team.workers if self.n * self.q > 1 << 15 else 1
        chunks = self.chunks(self.run)
        shares = [chunks[worker::workers] for worker in range(min(workers, len(chunks)))]

        def over(share: list[tuple[int, int]]) -> Floats:
            total = np.zeros((self.q + 1, self.q + 1))
            for start, stop in share:
                self.add_cross(start, stop, weight[start:stop], total)
            return total

        return np.asarray(np.sum(self.team.each(over, shares), axis=0))

    def _moments(self, parts: list[tuple[int, int, int]], weight: Floats) -> Floats:
        total = np.zeros((self.folds, self.q + 1, self.q + 1))
        for fold, start, stop in parts:
            self.add_cross(start, stop, weight[start:stop], total[fold])
        return total
