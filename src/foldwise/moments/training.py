"""What one training set decides: fill values, pooled levels, means; and the moments of its design that follow.

All of it is algebra on the merged moments of the raw variables v = [x, m, y], where x is 0 at a missing value (after
taking a fixed reference a from the column) and m is its indicator. With the fill value f the filled column is
x + (f - a) m + a; a rare level's column is added to its category's "other" column and becomes zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

Pools = tuple[tuple[tuple[int, ...], int], ...]


@dataclass(frozen=True, eq=False)
class DesignMap:
    """How raw variables become the columns of one training set's design; applies to moments and to rows.

    Parameters
    ----------
    gaps : array (g,)
        The columns with missing values.
    reference : array (g,)
        What was taken from their observed values in the moments.
    fill : array (g,)
        What their missing values are filled with, in the column's own units.
    moved : tuple of (level column, other column)
        Rare levels and where their rows count.
    indicators : bool
        Whether the missing indicators are columns of the design, after the p others.
    """

    gaps: Ints
    reference: Floats
    fill: Floats
    moved: tuple[tuple[int, int], ...]
    indicators: bool

    def moments(self, mean: Floats, cross: Floats) -> tuple[Floats, Floats]:
        """Mean (q,) and cross-products (q, q) of [design columns, y] from those of [x, m, y]; works in place."""
        g = len(self.gaps)
        p = len(mean) - g - 1
        if g:
            marks = np.arange(p, p + g)
            by = self.fill - self.reference
            mean[self.gaps] += by * mean[marks] + self.reference
            cross[self.gaps] += by[:, None] * cross[marks]
            cross[:, self.gaps] += by * cross[:, marks]
        for level, other in self.moved:
            mean[other] += mean[level]
            cross[other] += cross[level]
            cross[:, other] += cross[:, level]
            mean[level], cross[level], cross[:, level] = 0.0, 0.0, 0.0
        if g and not self.indicators:
            keep = np.r_[np.arange(p), p + g]
            mean, cross = mean[keep], cross[np.ix_(keep, keep)]
        return mean, cross

    def rows(self, X: NDArray[np.floating]) -> Floats:
        """The design (n, p) or (n, p + g) of raw rows; X itself where there is nothing to do."""
        if not len(self.gaps) and not self.moved:
            return X.astype(np.float64, copy=False)
        design = np.array(X, dtype=np.float64, order="F")
        missing = np.isnan(design[:, self.gaps])
        design[:, self.gaps] = np.where(missing, self.fill, design[:, self.gaps])
        for level, other in self.moved:
            design[:, other] += design[:, level]
            design[:, level] = 0.0
        return np.hstack([design, missing]) if self.indicators and len(self.gaps) else design


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Moments of one training set's design, each per unit of weight.

    Parameters
    ----------
    weight : float
        Sum of the row weights.
    mean : array (p,)
    covariance : array (p, p)
    with_y : array (p,)
        Covariance of every column with y.
    y_mean, y_variance : float
    map : DesignMap
    """

    weight: float
    mean: Floats
    covariance: Floats
    with_y: Floats
    y_mean: float
    y_variance: float
    map: DesignMap

    @classmethod
    def of(cls, weight: float, mean: Floats, cross: Floats, design_map: DesignMap) -> TrainingSet:
        """From merged moments of the raw variables; `cross` is used up."""
        mean, cross = design_map.moments(mean, cross)
        cross /= weight
        return cls(
            weight=weight,
            mean=mean[:-1],
            covariance=cross[:-1, :-1],
            with_y=cross[:-1, -1].copy(),
            y_mean=float(mean[-1]),
            y_variance=float(cross[-1, -1]),
            map=design_map,
        )

    @property
    def scale(self) -> Floats:
        """Standard deviations (p,) with the 1/W convention; exactly 0 for a column that is constant up to rounding."""
        deviation = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        deviation[deviation <= 64.0 * np.finfo(float).eps * np.abs(self.mean)] = 0.0
        return deviation
