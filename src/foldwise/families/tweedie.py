"""Tweedie: amounts with a variance of mean to some power, such as claims of which many are zero; with the log link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from foldwise.families.family import against, check_numbers, check_parameter, exp, refuse, refuse_constant
from foldwise.families.links import LogLink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tweedie(LogLink):
    """l = y exp((1 - power) eta) / (power - 1) + exp((2 - power) eta) / (2 - power), 1 < power < 2, y >= 0.

    At power 1 it is Poisson, at 2 gamma; between them y is a sum of a Poisson number of gamma amounts.

    Parameters
    ----------
    power : float
        Above 1 and below 2.

    Source: B. Jorgensen (1987), Exponential dispersion models, JRSS B 49.

    Examples
    --------
    >>> import numpy as np
    >>> Tweedie(power=1.5).deviance(np.log(np.array([1.0, 2.0])), np.array([0.0, 2.0]))
    array([4., 0.])
    """

    power: float = 1.5
    name: ClassVar[str] = "tweedie"

    def __post_init__(self) -> None:
        """Check the power."""
        hint = "; take 'gaussian' for 0, 'poisson' for 1, 'gamma' for 2"
        check_parameter("power", self.power, 1.0, 2.0, hint)

    def check_target(self, y: Any, n: int) -> Floats:
        """Numbers from 0 up, not all 0."""
        target = check_numbers(y, n)
        refuse(target, target < 0.0, self.name, ">= 0")
        refuse_constant(target, None, 0.0, self.name, "a positive amount")
        return target

    def _terms(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        return against(y, eta) * exp((1.0 - self.power) * eta), exp((2.0 - self.power) * eta)

    def loss(self, eta: Floats, y: Floats) -> Floats:
        """As above."""
        of_y, of_mean = self._terms(eta, y)
        return of_y / (self.power - 1.0) + of_mean / (2.0 - self.power)

    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """The two terms' difference, and their sum weighted by (power - 1) and (2 - power)."""
        of_y, of_mean = self._terms(eta, y)
        return of_mean - of_y, (self.power - 1.0) * of_y + (2.0 - self.power) * of_mean

    def saturated(self, y: Floats) -> Floats:
        """y^(2 - power) / ((power - 1)(2 - power))."""
        best: Floats = y ** (2.0 - self.power) / ((self.power - 1.0) * (2.0 - self.power))
        return best
