"""Gaussian: half the squared error, with the identity link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from foldwise.families.family import against, check_numbers
from foldwise.families.links import IdentityLink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Gaussian(IdentityLink):
    """l = (y - eta)^2 / 2, y any number; the mean deviance is the mean squared error.

    Examples
    --------
    >>> import numpy as np
    >>> Gaussian().deviance(np.array([1.0, 2.0]), np.array([0.0, 2.0]))
    array([1., 0.])
    """

    name: ClassVar[str] = "gaussian"
    concordance: ClassVar[float | None] = 0.0

    def check_target(self, y: Any, n: int) -> Floats:
        """Any finite numbers."""
        return check_numbers(y, n)

    def loss(self, eta: Floats, y: Floats) -> Floats:
        """(y - eta)^2 / 2."""
        return 0.5 * (against(y, eta) - eta) ** 2

    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Eta - y, and 1."""
        return eta - against(y, eta), np.ones_like(eta)

    def conjugate(self, u: Floats, y: Floats) -> Floats:
        """u^2 / 2 + u y."""
        conjugate: Floats = 0.5 * u**2 + u * against(y, u)
        return conjugate
