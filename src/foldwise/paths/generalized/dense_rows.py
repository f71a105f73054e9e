"""Dense rows: a small table is copied once, centred and scaled; of a large one chunks are made as they are needed."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Self

import numpy as np

from foldwise.paths.generalized.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.moments.threads import Team

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# A table up to this size is copied.
COPIED_BYTES = 64 << 20


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
            self.copied, self.is_dear = self._made(0, self.n), True

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

    def add_cross(self, start: int, stop: int, weight: Floats, out: Floats) -> None:
        """Add weighted products of [1, x] with itself to out."""
        block = self._block(start, stop)
        out[0, 0] += weight.sum()
        sums = weight @ block
        out[1:, 0] += sums
        out[0, 1:] += sums
        rooted = block * np.sqrt(weight)[:, None]
        out[1:, 1:] += rooted.T @ rooted

    def _with(self, columns: Ints) -> Self:
        chosen = copy(self)
        if self.copied is None:
            chosen.copied = (self.X[np.ix_(self.order, columns)] - self.centre[columns]) / self.unit[columns]
        else:
            chosen.copied = self.copied[:, columns]
        return chosen

    def largest(self) -> Floats:
        """The largest size of an entry of every column (q,)."""
        found = np.zeros(self.q)
        for start, stop in self.chunks(self.run):
            np.maximum(found, np.abs(self._block(start, stop)).max(axis=0), out=found)
        return found
