"""Negative binomial: counts that vary more than Poisson's, theta given, with the log link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import xlogy

from foldwise.families.family import against, check_numbers, check_parameter, exp, refuse, refuse_constant
from foldwise.families.links import LogLink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NegativeBinomial(LogLink):
    """l = (y + theta) log(theta + exp(eta)) - y eta, y >= 0; the variance is mean + mean^2 / theta.

    Parameters
    ----------
    theta : float
        Above 0; the larger, the nearer to Poisson.

    Source: J. M. Hilbe, *Negative Binomial Regression*, 2nd ed. 2011, ch. 8 (NB2).

    Examples
    --------
    >>> import numpy as np
    >>> NegativeBinomial(theta=2.0).deviance(np.log(np.array([1.0, 3.0])), np.array([0.0, 3.0])).round(4)
    array([1.6219, 0.    ])
    """

    theta: float = 1.0
    name: ClassVar[str] = "negative binomial"

    def __post_init__(self) -> None:
        """Check theta."""
        check_parameter("theta", self.theta, 0.0, np.inf)

    def check_target(self, y: Any, n: int) -> Floats:
        """Numbers from 0 up, not all 0."""
        target = check_numbers(y, n)
        refuse(target, target < 0.0, self.name, ">= 0")
        refuse_constant(target, None, 0.0, self.name, "a positive count")
        return target

    def loss(self, eta: Floats, y: Floats) -> Floats:
        """(y + theta) log(theta + exp(eta)) - y eta."""
        y = against(y, eta)
        return (y + self.theta) * np.logaddexp(np.log(self.theta), eta) - y * eta

    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """(y + theta) s - y with s = mean / (theta + mean), and (y + theta) s (1 - s)."""
        y, e = against(y, eta), exp(eta)
        share = e / (self.theta + e)
        rest = self.theta / (self.theta + e)
        return (y + self.theta) * share - y, np.maximum((y + self.theta) * share * rest, np.finfo(float).tiny)

    def saturated(self, y: Floats) -> Floats:
        """(y + theta) log(y + theta) - y log y."""
        return np.asarray(xlogy(y + self.theta, y + self.theta) - xlogy(y, y))

    def conjugate(self, u: Floats, y: Floats) -> Floats:
        """With s = (y + u) / (y + theta) in [0, 1]: (y + theta) (s log s + (1 - s) log(1 - s) - (1 - s) log theta)."""
        total = against(y, u) + self.theta
        s = (against(y, u) + u) / total
        inside = (s >= 0.0) & (s <= 1.0)
        s = np.where(inside, s, 0.5)
        value = total * (xlogy(s, s) + xlogy(1.0 - s, 1.0 - s) + (s - 1.0) * np.log(self.theta))
        return np.where(inside, value, np.inf)
