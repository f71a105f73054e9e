"""Huber: the squared error near, the absolute error far away, so that outliers pull no harder than delta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from foldwise.families.family import against, check_numbers, check_parameter
from foldwise.families.links import IdentityLink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Rows beyond delta have no curvature; this much keeps a model of few near rows definite.
LEAST_CURVATURE = 1e-3


@dataclass(frozen=True)
class Huber(IdentityLink):
    """l = r^2 / 2 for |r| <= delta, delta |r| - delta^2 / 2 beyond, with r = eta - y.

    Parameters
    ----------
    delta : float
        In units of y.

    Source: P. J. Huber (1964), Robust estimation of a location parameter, Annals of Mathematical Statistics 35.

    Examples
    --------
    >>> import numpy as np
    >>> Huber(delta=1.0).loss(np.array([0.5, 10.0]), np.zeros(2))
    array([0.125, 9.5  ])
    """

    delta: float = 1.35
    name: ClassVar[str] = "huber"
    concordance: ClassVar[float | None] = 0.0

    def __post_init__(self) -> None:
        """Check delta."""
        check_parameter("delta", self.delta, 0.0, np.inf)

    def check_target(self, y: Any, n: int) -> Floats:
        """Any finite numbers."""
        return check_numbers(y, n)

    def loss(self, eta: Floats, y: Floats) -> Floats:
        """As above."""
        r = np.abs(eta - against(y, eta))
        near = np.minimum(r, self.delta)
        loss: Floats = near * (r - 0.5 * near)
        return loss

    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """The residual cut off at delta; 1 within, a little beyond."""
        r = eta - against(y, eta)
        return np.clip(r, -self.delta, self.delta), np.where(np.abs(r) <= self.delta, 1.0, LEAST_CURVATURE)

    def conjugate(self, u: Floats, y: Floats) -> Floats:
        """u^2 / 2 + u y for |u| <= delta."""
        return np.where(np.abs(u) <= self.delta, 0.5 * u**2 + u * against(y, u), np.inf)

    def misfit(self, eta: Floats, y: Floats, gradient: Floats, curvature: Floats, u: Floats) -> tuple[Floats, Floats]:  # noqa: ARG002
        """Exact: with d = |u - l'|, d^2 / 2, and d times what the residual exceeds delta by."""
        u = np.clip(u, -self.delta, self.delta)
        away = np.abs(u - gradient)
        beyond = np.maximum(np.abs(eta - against(y, eta)) - self.delta, 0.0)
        return away * (0.5 * away + beyond), u
