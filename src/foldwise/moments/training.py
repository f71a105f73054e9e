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

    def moments(self, mean: Floats, cross: Floats) -> tuple[Floats, Floats, Floats]:
        """Mean and cross-products of [design columns, y] from those of [x, m, y]; works in place.

        The third array is the spread (q,) that went into each column's own, which tells rounding from variation where
        terms cancel: a category with all levels pooled is constant.
        """
        g = len(self.gaps)
        p = len(mean) - g - 1
        spread = np.diag(cross).copy()
        if g:
            marks = np.arange(p, p + g)
            by = self.fill - self.reference
            spread[self.gaps] += by**2 * spread[marks]
            mean[self.gaps] += by * mean[marks] + self.reference
            cross[self.gaps] += by[:, None] * cross[marks]
            cross[:, self.gaps] += by * cross[:, marks]
        for level, other in self.moved:
            spread[other] += spread[level]
            mean[other] += mean[level]
            cross[other] += cross[level]
            cross[:, other] += cross[:, level]
            mean[level], cross[level], cross[:, level] = 0.0, 0.0, 0.0
        if g and not self.indicators:
            keep = np.r_[np.arange(p), p + g]
            mean, cross, spread = mean[keep], cross[np.ix_(keep, keep)], spread[keep]
        return mean, cross, spread

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
    scale : array (p,)
        Standard deviations (1/W convention); exactly 0 for a column that is constant up to rounding.
    map : DesignMap
    """

    weight: float
    mean: Floats
    covariance: Floats
    with_y: Floats
    y_mean: float
    y_variance: float
    scale: Floats
    map: DesignMap

    @classmethod
    def of(cls, weight: float, mean: Floats, cross: Floats, design_map: DesignMap) -> TrainingSet:
        """From merged moments of the raw variables; `cross` is used up."""
        mean, cross, spread = design_map.moments(mean, cross)
        cross /= weight
        variance = np.maximum(np.diag(cross)[:-1], 0.0)
        rounding = 64.0 * np.finfo(float).eps
        constant = (variance <= rounding * spread[:-1] / weight) | (variance <= (rounding * mean[:-1]) ** 2)
        return cls(
            weight=weight,
            mean=mean[:-1],
            covariance=cross[:-1, :-1],
            with_y=cross[:-1, -1].copy(),
            y_mean=float(mean[-1]),
            y_variance=float(cross[-1, -1]),
            scale=np.where(constant, 0.0, np.sqrt(variance)),
            map=design_map,
        )
