"""What families with the same link share: the mean at a predictor, and the predictor at a mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from foldwise.families.family import Family, exp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class IdentityLink(Family):
    """The predictor is the mean; a row that it meets has no loss."""

    link_name: ClassVar[str] = "identity"

    def mean(self, eta: Floats) -> Floats:
        """Eta itself."""
        return np.array(eta, dtype=np.float64)

    def link(self, mean: Floats) -> Floats:
        """The mean itself."""
        return np.array(mean, dtype=np.float64)

    def saturated(self, y: Floats) -> Floats:
        """0."""
        return np.zeros(len(y))


class LogLink(Family):
    """The predictor is the mean's logarithm."""

    link_name: ClassVar[str] = "log"

    def mean(self, eta: Floats) -> Floats:
        """exp(eta)."""
        return exp(eta)

    def link(self, mean: Floats) -> Floats:
        """log(mean)."""
        return np.log(mean)
