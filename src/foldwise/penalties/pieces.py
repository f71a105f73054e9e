"""Pieces: a penalty of one coefficient's size whose slope is made of straight lines, so that data describes it whole.

The lasso, MCP and SCAD are of this kind, and a solver that takes pieces takes them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pieces:
    """The slope of a penalty P at size t >= 0 for strength lam, P'(t) = level_k lam + slope_k t on piece k.

    Piece k reaches from start_k lam to start_{k+1} lam, the last one without end. P' is continuous for t > 0.

    Parameters
    ----------
    start, level, slope : arrays (m,)
        start[0] is 0; level[0] is 1, so that lam is the threshold below which a coefficient stays zero.

    Examples
    --------
    >>> import numpy as np
    >>> lasso = Pieces(np.zeros(1), np.ones(1), np.zeros(1))
    >>> lasso.threshold(np.array([0.5, 3.0]), np.ones(2), np.ones(2))
    array([0., 2.])
    """

    start: Floats
    level: Floats
    slope: Floats

    @property
    def concavity(self) -> float:
        """The steepest fall of the slope: a curvature above this makes every single coefficient's problem convex."""
        return float(max(-self.slope.min(), 0.0))

    def derivative(self, t: Floats, lam: Floats) -> Floats:
        """P'(t) at sizes t >= 0; at 0 from the right."""
        found = np.broadcast_to(lam * self.level[0] + t * self.slope[0], np.broadcast_shapes(t.shape, lam.shape))
        for k in range(1, len(self.start)):
            found = np.where(t >= lam * self.start[k], lam * self.level[k] + t * self.slope[k], found)
        return np.asarray(found)

    def value(self, t: Floats, lam: Floats) -> Floats:
        """P(t) at sizes t >= 0, with P(0) = 0."""
        total = np.zeros(np.broadcast_shapes(t.shape, lam.shape))
        for k, start in enumerate(self.start):
            left = np.minimum(t, lam * start)
            right = np.minimum(t, lam * self.start[k + 1]) if k + 1 < len(self.start) else t
            total = total + self.level[k] * lam * (right - left) + 0.5 * self.slope[k] * (right**2 - left**2)
        return total

    def threshold(self, z: Floats, lam: Floats, curvature: Floats) -> Floats:
        """The t >= 0 that minimizes 1/2 curvature t^2 - z t + P(t), for z >= 0 and curvature above the concavity."""
        best = np.zeros(np.broadcast_shapes(z.shape, lam.shape))
        for k in range(len(self.start)):
            t = (z - lam * self.level[k]) / (curvature + self.slope[k])
            best = np.where(t >= lam * self.start[k], np.maximum(t, 0.0), best)
        return best
