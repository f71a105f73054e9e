"""A member's own scale: means, standard deviations and fill values of its own training rows."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Single = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scaling:
    """z = (x - mean) / scale, and `gap` for a missing x, which stands for the mean of the training rows.

    Attributes
    ----------
    mean : (p,), in the units of the columns
    scale : (p,), in the units of the columns; 1 for a constant column, infinite for one that is not seen
    gap : (p,), scaled
    """

    mean: Array
    scale: Array
    gap: Array

    @classmethod
    def of(cls, rows: Array, *, standardize: bool = True, importance: Array | None = None) -> Self:
        """The scaling of training rows (n, p) with NaN for missing numbers; without `standardize`, only the fill."""
        known = ~np.isnan(rows)
        weight = known if importance is None else known * importance[:, None]
        count = np.maximum(weight.sum(axis=0), 1 if importance is None else np.finfo(float).tiny)
        # Shifted by one of the column's own values: a sum of large numbers would cost the mean its digits.
        shift = np.where(known.any(axis=0), rows[np.argmax(known, axis=0), np.arange(rows.shape[1])], 0.0)
        offset = (weight * np.where(known, rows - shift, 0.0)).sum(axis=0) / count
        mean = shift + offset
        if not standardize:
            return cls(np.zeros_like(mean), np.ones_like(mean), mean)
        deviation = np.sqrt((weight * np.where(known, rows - mean, 0.0) ** 2).sum(axis=0) / count)
        constant = deviation <= 4 * np.finfo(float).eps * np.abs(mean)
        return cls(mean, np.where(constant, 1.0, deviation), np.zeros_like(mean))

    def seeing(self, columns: NDArray[np.intp]) -> Self:
        """The same with zero for every value of all other columns."""
        seen = np.isin(np.arange(len(self.mean)), columns)
        return type(self)(self.mean, np.where(seen, self.scale, np.inf), np.where(seen, self.gap, 0.0))

    def apply(self, X: Array) -> Array:
        """Rows (n, p) in units of standard deviations from the mean."""
        scaled = (X - self.mean) / self.scale
        return np.where(np.isnan(X), self.gap, scaled)

    def undo(self, Z: Array) -> Array:
        """Rows (n, p) in the columns' units."""
        return Z * self.scale + self.mean

    def arrays(self) -> dict[str, Single]:
        """The same for single precision: the mean as a sum of two numbers, so that large means keep their digits."""
        high, low = two_singles(self.mean)
        scale, gap = self.scale.astype(np.float32), self.gap.astype(np.float32)
        return {"mean": high, "mean_low": low, "scale": scale, "gap": gap}


def two_singles(values: Array) -> tuple[Single, Single]:
    """Doubles as a sum of two single-precision numbers."""
    high = values.astype(np.float32)
    return high, np.nan_to_num(values - high, posinf=0.0, neginf=0.0).astype(np.float32)
