"""Separable: a penalty that is a sum over single coefficients, each with its own weight and box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.penalties.pieces import Pieces

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Separable:
    """sum_j P(|b_j|; l1 w_j) + 1/2 l2 w_j b_j^2 within lower <= b <= upper.

    All methods take coefficients (..., p), the leading axes being those of l1 and l2.

    Parameters
    ----------
    pieces : Pieces
        P.
    weight, lower, upper : arrays (p,)
        lower <= 0 <= upper.
    l1, l2 : arrays (...)
        Strengths of P and of the ridge term.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.penalties import mcp
    >>> free = np.full(3, np.inf)
    >>> penalty = Separable(mcp(gamma=3.0), np.ones(3), -free, free, np.array(1.0), np.array(0.0))
    >>> penalty.prox(np.array([0.5, 2.0, -5.0]), step=1.0)  # dropped, shrunk, and left as it is
    array([ 0. ,  1.5, -5. ])
    >>> penalty.is_convex
    False
    """

    pieces: Pieces
    weight: Floats
    lower: Floats
    upper: Floats
    l1: Floats
    l2: Floats

    is_separable = True

    @property
    def is_convex(self) -> bool:
        """Whether every local solution is a solution, and the conjugate makes a certificate."""
        return self.pieces.concavity == 0.0

    @property
    def _lam(self) -> Floats:
        return np.asarray(self.l1)[..., None] * self.weight

    @property
    def _ridge(self) -> Floats:
        return np.asarray(self.l2)[..., None] * self.weight

    def value(self, b: Floats) -> Floats:
        """The penalty (...)."""
        each = self.pieces.value(np.abs(b), self._lam) + 0.5 * self._ridge * b**2
        return np.asarray(each.sum(axis=-1))

    def prox(self, z: Floats, step: float) -> Floats:
        """The minimizer (..., p) of |b - z|^2 / (2 step) + penalty; needs a step below 1 / concavity."""
        curvature = 1.0 / step + self._ridge
        size = self.pieces.threshold(np.abs(z) / step, self._lam, curvature)
        return np.clip(np.sign(z) * size, self.lower, self.upper)

    def kkt_residual(self, b: Floats, pull: Floats) -> Floats:
        """How far b is from stationary (...), `pull` (..., p) being minus the gradient of the loss at b.

        The distance of the pull to the penalty's slopes at b, the largest over the coefficients.
        """
        slope = self.pieces.derivative(np.abs(b), self._lam)
        net = pull - self._ridge * b
        up = np.where(b < self.upper, net - np.where(b >= 0.0, slope, -slope), 0.0)
        down = np.where(b > self.lower, -net - np.where(b <= 0.0, slope, -slope), 0.0)
        return np.asarray(np.maximum(np.maximum(up, down), 0.0).max(axis=-1, initial=0.0))

    def conjugate(self, pull: Floats) -> Floats:
        """Supremum over b of pull'b - penalty (...), infinite where nothing bounds b; for a penalty of one piece."""
        if len(self.pieces.start) > 1:
            message = "only a penalty of one piece has its conjugate written out"
            raise NotImplementedError(message)
        excess = np.maximum(np.abs(pull) - self._lam, 0.0)
        limit = np.where(pull > 0.0, self.upper, -self.lower)
        ridge = self._ridge + self.pieces.slope[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.minimum(np.where(excess > 0.0, excess / ridge, 0.0), limit)
            each = np.where(size > 0.0, size * (excess - np.where(ridge > 0.0, 0.5 * ridge * size, 0.0)), 0.0)
        return np.asarray(each.sum(axis=-1))
