"""The partial likelihood of times to an event, from its definition: who was at risk at every event."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Partial:
    """Minus the log partial likelihood of n rows: sum over T terms of d log(at_risk exp(eta)) - sum of events' eta.

    Attributes
    ----------
    at_risk : (T, n) array
        Weights of the rows in each term. By Breslow there is a term for each time with events; by Efron one for each
        event, of which those at the same time leave one after another.
    d : (T,) array
        How much each term counts.
    events : (n,) array
        Weights of the rows whose event came.

    Examples
    --------
    >>> partial = Partial.of(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 0.0]), np.ones(3), efron=False)
    >>> round(partial.loss(np.zeros(3)), 4)  # log 3 + log 2
    1.7918
    """

    at_risk: Floats
    d: Floats
    events: Floats

    @classmethod
    def of(cls, time: Floats, event: Floats, weight: Floats, *, efron: bool) -> Self:
        """From times, whether the event came, and row weights, all (n,)."""
        at_risk, d = [], []
        for when in np.unique(time[(event > 0.0) & (weight > 0.0)]):
            here = (time == when) & (event > 0.0) & (weight > 0.0)
            count = int(np.count_nonzero(here)) if efron else 1
            for gone in range(count):
                at_risk.append(weight * ((time >= when) - gone / count * here))
                d.append(weight[here].sum() / count)
        return cls(np.array(at_risk).reshape(-1, len(time)), np.array(d), weight * event)

    def loss(self, eta: Floats) -> float:
        """At predictors (n,)."""
        top = eta.max()
        return float(self.d @ (np.log(self.at_risk @ np.exp(eta - top)) + top) - self.events @ eta)

    def slopes(self, eta: Floats, Z: Floats) -> tuple[float, Floats, Floats]:
        """Loss, gradient (p,) and Hessian (p, p) in the coefficients of columns Z (n, p)."""
        odds = np.exp(eta - eta.max())
        sums = self.at_risk @ odds
        hazard = odds * (self.at_risk.T @ (self.d / sums))
        means = (self.at_risk @ (odds[:, None] * Z)) / sums[:, None]
        gradient = Z.T @ (hazard - self.events)
        return self.loss(eta), gradient, Z.T @ (hazard[:, None] * Z) - means.T @ (self.d[:, None] * means)
