"""Poisson: counts, or counts per exposure with the exposure as weight, with the log link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import xlogy

from foldwise.families.family import against, check_numbers, exp, refuse, refuse_constant
from foldwise.families.links import LogLink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Poisson(LogLink):
    """l = exp(eta) - y eta, y >= 0.

    Source: P. McCullagh and J. A. Nelder, *Generalized Linear Models*, 2nd ed. 1989, ch. 6.

    Examples
    --------
    >>> import numpy as np
    >>> Poisson().deviance(np.log(np.array([1.0, 2.0])), np.array([0.0, 2.0]))
    array([2., 0.])
    """

    name: ClassVar[str] = "poisson"

    def check_target(self, y: Any, n: int) -> Floats:
        """Numbers from 0 up, not all 0."""
        target = check_numbers(y, n)
        refuse(target, target < 0.0, self.name, ">= 0")
        refuse_constant(target, None, 0.0, self.name, "a positive count")
        return target

    def loss(self, eta: Floats, y: Floats) -> Floats:
        """exp(eta) - y eta."""
        return exp(eta) - against(y, eta) * eta

    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """exp(eta) - y, and exp(eta)."""
        mean = exp(eta)
        return mean - against(y, eta), mean

    def saturated(self, y: Floats) -> Floats:
        """At mean y: y - y log y."""
        return np.asarray(y - xlogy(y, y))

    def conjugate(self, u: Floats, y: Floats) -> Floats:
        """With m = y + u >= 0: m log m - m."""
        m = against(y, u) + u
        return np.where(m >= 0.0, xlogy(np.maximum(m, 0.0), np.maximum(m, np.finfo(float).tiny)) - m, np.inf)
