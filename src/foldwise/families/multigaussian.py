"""Several gaussian targets: half the squared error, summed over the targets, with the identity link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from foldwise.errors import InputError
from foldwise.families.links import IdentityLink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MultiGaussian(IdentityLink):
    """l = |y - eta|^2 / 2 for a row of C targets; a feature's C coefficients enter and leave together.

    Predictors are (..., C), the targets last. The mean deviance is the mean squared error, summed over the targets.

    Examples
    --------
    >>> import numpy as np
    >>> MultiGaussian().deviance(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]]))
    array([5.])
    """

    name: ClassVar[str] = "multigaussian"
    concordance: ClassVar[float | None] = 0.0

    def check_target(self, y: Any, n: int) -> Floats:
        """Finite numbers (n, C)."""
        try:
            array = np.asarray(y, dtype=np.float64)
        except (TypeError, ValueError) as error:
            message = f"y must hold numbers for family='multigaussian', got {np.asarray(y).dtype}"
            raise InputError(message) from error
        if array.ndim != 2 or array.shape[0] != n or array.shape[1] == 0:
            message = f"y must have shape ({n}, targets) for family='multigaussian', got {array.shape}"
            raise InputError(message)
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            row, column = bad[0]
            message = f"y must be finite, got {array[row, column]} in row {row}, column {column} (from 0)"
            raise InputError(message)
        return array

    def loss(self, eta: Floats, y: Floats) -> Floats:
        """Loss (...) of predictors (..., C)."""
        return np.asarray(0.5 * ((y - eta) ** 2).sum(axis=-1))

    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Eta - y, and 1."""
        return eta - y, np.ones_like(eta)

    def deviance(self, eta: Floats, y: Floats) -> Floats:
        """Squared error (...), summed over the targets."""
        return 2.0 * self.loss(eta, y)

    def conjugate(self, u: Floats, y: Floats) -> Floats:
        """|u|^2 / 2 + u'y."""
        return np.asarray((0.5 * u**2 + u * y).sum(axis=-1))
