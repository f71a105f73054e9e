"""Gamma: positive amounts whose spread grows with their mean, with the log link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import xlogy

from foldwise.families.family import against, check_numbers, exp, refuse
from foldwise.families.links import LogLink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Gamma(LogLink):
    """l = y exp(-eta) + eta, y > 0.

    Source: P. McCullagh and J. A. Nelder, *Generalized Linear Models*, 2nd ed. 1989, ch. 8.

    Examples
    --------
    >>> import numpy as np
    >>> Gamma().deviance(np.log(np.array([1.0, 2.0])), np.array([2.0, 2.0])).round(4)
    array([0.6137, 0.    ])
    """

    name: ClassVar[str] = "gamma"

    def check_target(self, y: Any, n: int) -> Floats:
        """Numbers above 0."""
        target = check_numbers(y, n)
        refuse(target, target <= 0.0, self.name, "> 0")
        return target

    def loss(self, eta: Floats, y: Floats) -> Floats:
        """As above."""
        return against(y, eta) * exp(-eta) + eta

    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """1 - y exp(-eta), and y exp(-eta)."""
        ratio = against(y, eta) * exp(-eta)
        return 1.0 - ratio, ratio

    def saturated(self, y: Floats) -> Floats:
        """1 + log y."""
        return np.asarray(1.0 + np.log(y))

    def conjugate(self, u: Floats, y: Floats) -> Floats:
        """With v = 1 - u >= 0: v log v - v - v log y."""
        v = np.maximum(1.0 - u, 0.0)
        return np.where(u <= 1.0, xlogy(v, np.maximum(v, np.finfo(float).tiny)) - v - v * np.log(against(y, u)), np.inf)
