"""Dense rows: a small table is copied once, centred and scaled; of a large one chunks are made as they are needed."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Self

import numpy as np

from foldwise.paths.generalized._cells import dense_cross
from foldwise.paths.generalized.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.moments.threads import Team
    from foldwise.paths.generalized._cells import Sweep

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# A table up to this size is copied.
COPIED_BYTES = 64 << 20
# Rows of a larger one that a pass makes at once.
BLOCK = 2048


class DenseRows(Rows):
    """Rows of an array, float32 or float64 in any layout; products are in float64.

    Attributes
    ----------
    copied : array (n, q) or None
        The centred and scaled rows, where they are kept.
    """

    run = 512  # weighted rows that stay in a core's cache

    def __init__(
        self, X: NDArray[np.floating], order: Ints, label: Ints, weight: Floats, team: Team, *, centred: bool
    ) -> None:
        super().__init__(X, order, label, weight, team, centred=centred)
        self.copied: Floats | None = None
        if 8 * self.n * self.q <= COPIED_BYTES:
            self.copied = self._made(0, self.n)

    def _raw(self, start: int, stop: int) -> NDArray[np.floating]:
        rows = self.order[start:stop]
        if self.X.flags.c_contiguous:
            return np.asarray(self.X[rows])
        return np.take(self.X.T, rows, axis=1).T

    def _made(self, start: int, stop: int) -> Floats:
        block = np.array(self._raw(start, stop), dtype=np.float64, order="C")
        block -= self.centre
        block /= self.unit
        return block

    def _block(self, start: int, stop: int) -> Floats:
        return self._made(start, stop) if self.copied is None else self.copied[start:stop]

    def _sums(self, start: int, stop: int) -> tuple[Floats, Floats, float]:
        part, w = self._raw(start, stop).astype(np.float64, copy=False), self.weight[start:stop]
        here = float(w.sum())
        middle = w @ part / here if here > 0.0 else np.zeros(self.q)
        return middle, w @ (part - middle) ** 2, here

    def times(self, start: int, stop: int, B: Floats, out: Floats) -> None:
        """Add rows times B to out."""
        out += self._block(start, stop) @ B

    def transposed_times(self, start: int, stop: int, R: Floats, out: Floats) -> None:
        """Add transposed rows times R to out."""
        out += self._block(start, stop).T @ R

    def sweep(self, sweep: Sweep, start: int, stop: int, fold_loss: Floats, sums: Floats, gradient: Floats) -> None:
        """A compiled pass over a range of rows."""
        size = stop - start if self.copied is not None else BLOCK
        for at in range(start, stop, max(size, 1)):
            end = min(at + size, stop)
            sweep.dense(at, end, self._block(at, end), fold_loss, sums, gradient)

    def add_cross(self, start: int, stop: int, weight: Floats, out: Floats) -> None:
        """Add weighted products of [1, x] with itself to out."""
        dense_cross(self._block(start, stop), np.ascontiguousarray(weight), out)

    def _with(self, columns: Ints) -> Self:
        chosen = copy(self)
        if self.copied is None:
            chosen.copied = (self.X[np.ix_(self.order, columns)] - self.centre[columns]) / self.unit[columns]
        else:
            chosen.copied = np.ascontiguousarray(self.copied[:, columns])
        return chosen

    def largest(self) -> Floats:
        """The largest size of an entry of every column (q,)."""
        found = np.zeros(self.q)
        for start, stop in self.chunks(self.run):
            np.maximum(found, np.abs(self._block(start, stop)).max(axis=0), out=found)
        return found
