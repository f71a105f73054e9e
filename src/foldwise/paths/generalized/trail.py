"""Where held-out sets stood at the last strengths, and the place ahead that this leads to.

Solutions follow smooth curves between the strengths at which columns come and go, and so do predictors and slopes. The
polynomial through the last places is continued: coefficients, gradients, predictors and slopes by the same weights, so
that the continued gradients are exactly those of the continued slopes, and a model made there has a dual point whose
gradient is known without another pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# Places that a polynomial goes through, and the largest sum of its weights' sizes: 7 where three are evenly spaced.
MOST_PLACES, FURTHEST = 3, 8.0


@dataclass(frozen=True, eq=False)
class Place:
    """What a Newton model is made from: where H sets stand, or are foreseen to.

    Parameters
    ----------
    coef, gradient : arrays (H, q + 1)
    eta, slope : arrays (n, H or more) or None
        Predictors and the family's gradient there, where they are kept.
    """

    coef: Floats
    gradient: Floats
    eta: Floats | None = None
    slope: Floats | None = None

    def part(self, which: Ints) -> Place:
        """The place of some sets."""
        eta, slope = (None if cells is None else cells[:, which] for cells in (self.eta, self.slope))
        return Place(self.coef[which], self.gradient[which], eta, slope)

    def moved(self, other: Place, at: Ints, part: Ints) -> Place:
        """A place where sets `part` stand where another has those numbered `at`."""
        coef, gradient = self.coef.copy(), self.gradient.copy()
        coef[part], gradient[part] = other.coef[at], other.gradient[at]
        if self.eta is None or self.slope is None or other.eta is None or other.slope is None:
            return Place(coef, gradient)
        eta, slope = self.eta.copy(), self.slope.copy()
        eta[:, part], slope[:, part] = other.eta[:, at], other.slope[:, at]
        return Place(coef, gradient, eta, slope)


class Trail:
    """The last few strengths above 0 and the places there, the latest first."""

    def __init__(self) -> None:
        self.places: list[tuple[float, Place]] = []

    def add(self, alpha: float, place: Place) -> None:
        """Remember a strength's place, which must not be changed from here on."""
        self.places = [(x, known) for x, known in self.places if alpha > 0.0 and x != log(alpha)][: MOST_PLACES - 1]
        if alpha > 0.0:
            self.places.insert(0, (log(alpha), place))

    def ahead(self, alpha: float) -> Place | None:
        """The place that the last ones lead to; None where there is nothing to go by."""
        places = self.places
        while alpha > 0.0 and len(places) > 1:
            weights = continued([x for x, _ in places], log(alpha))
            if sum(abs(weight) for weight in weights) <= FURTHEST:
                return _sum(weights, [place for _, place in places])
            places = places[:-1]
        return None


def continued(nodes: Sequence[float], x: float) -> list[float]:
    """Weights of the values at some nodes that a polynomial through them has at x (Lagrange).

    Examples
    --------
    >>> continued([3.0, 2.0, 1.0], 4.0)
    [3.0, -3.0, 1.0]
    """
    weights = []
    for here in nodes:
        weight = 1.0
        for other in nodes:
            weight *= (x - other) / (here - other) if other != here else 1.0
        weights.append(weight)
    return weights


def _sum(weights: Sequence[float], places: Sequence[Place]) -> Place:
    def total(name: str) -> Floats | None:
        arrays = [getattr(place, name) for place in places]
        if arrays[0] is None:
            return None
        result: Floats = weights[0] * arrays[0]
        for weight, array in zip(weights[1:], arrays[1:], strict=True):
            result += weight * array
        return result

    coef, gradient = total("coef"), total("gradient")
    assert coef is not None  # noqa: S101 - always there
    assert gradient is not None  # noqa: S101
    return Place(coef, gradient, total("eta"), total("slope"))
