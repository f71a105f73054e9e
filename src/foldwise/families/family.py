"""Family: what the engine asks of a loss of one linear predictor, and what follows for all of them alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from foldwise.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# exp of this is finite, and so are sums of many such.
LARGEST = 600.0


def exp(eta: Floats) -> Floats:
    """The exponential, bounded so that nothing overflows."""
    bounded: Floats = np.exp(np.clip(eta, -LARGEST, LARGEST))
    return bounded


def against(y: Floats, eta: Floats) -> Floats:
    """The target (n,) with as many axes as eta (n,) or (n, H)."""
    return y[:, None] if eta.ndim == 2 and y.ndim == 1 else y


class Family(ABC):
    """A loss l(eta; y) of one linear predictor eta for a row: the negative log likelihood up to terms without eta.

    Every method takes eta as (n,) or (n, H) and y as (n,), and works row by row. Losses are convex in eta unless
    `is_convex` says otherwise.

    Attributes
    ----------
    name, link : str
    is_convex, is_two_class, shares_rows : bool
        The last where the loss is of a whole training set and not of single rows.
    concordance : float or None
        M where |l'''| <= M l'' for every eta: what the duality gap is bounded with. None where there is none; then the
        certificate is the optimality conditions' residual, unless `misfit` is the family's own.
    """

    name: ClassVar[str]
    link_name: ClassVar[str]
    is_convex: bool = True
    is_two_class: ClassVar[bool] = False
    shares_rows: ClassVar[bool] = False
    concordance: ClassVar[float | None] = 1.0

    @abstractmethod
    def check_target(self, y: Any, n: int) -> Floats:
        """The target as floats (n,); InputError with the first row that can't be one."""

    @abstractmethod
    def loss(self, eta: Floats, y: Floats) -> Floats:
        """Loss l, of eta's shape."""

    @abstractmethod
    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Gradient l' and curvature, each of eta's shape; the curvature is l'' or its expectation, and positive."""

    @abstractmethod
    def mean(self, eta: Floats) -> Floats:
        """Inverse link: the mean of y at eta."""

    @abstractmethod
    def link(self, mean: Floats) -> Floats:
        """The eta at which the mean is this."""

    @abstractmethod
    def saturated(self, y: Floats) -> Floats:
        """The smallest loss that any eta has for each y (n,)."""

    @property
    def has_gap(self) -> bool:
        """Whether a duality gap certifies a solution."""
        return self.is_convex and self.concordance is not None

    def conjugate(self, u: Floats, y: Floats) -> Floats:
        """Supremum over eta of u eta - l(eta; y); inf outside its domain. Where there is a closed form."""
        message = f"the {self.name} family's conjugate has no closed form here"
        raise NotImplementedError(message)

    def deviance(self, eta: Floats, y: Floats) -> Floats:
        """Unit deviance 2 (l(eta; y) - its minimum), of eta's shape."""
        return np.maximum(2.0 * (self.loss(eta, y) - against(self.saturated(y), eta)), 0.0)

    def misfit(
        self,
        eta: Floats,
        y: Floats,
        gradient: Floats,
        curvature: Floats,
        u: Floats,
    ) -> tuple[Floats, Floats]:
        """Upper bound of l(eta) + conjugate(u) - u eta, and the dual point that it is for.

        With |l'''| <= M l'', the conjugate's curvature at v is at most 1 / (l'' - M |v - l'|), whose integral is at
        most d^2 / 2 / (l'' - M d), d = |u - l'|. Of a dual point further off than half of where that ends the
        conjugate itself is taken where it has a closed form and u is in its domain; else the point is brought nearer.

        Parameters
        ----------
        eta, gradient, curvature : arrays (n, H)
            The predictor, l' and l'' there.
        y : array (n,)
        u : array (n, H)
            A dual point near the gradient.

        Returns
        -------
        bound, u : arrays (n, H)
        """
        if self.concordance is None:
            message = f"the {self.name} family has no duality gap"
            raise NotImplementedError(message)
        away = u - gradient
        far = np.zeros(away.shape, dtype=bool)
        if self.concordance > 0.0:
            reach = (0.5 / self.concordance) * curvature
            far = np.abs(away) > reach
            away = np.clip(away, -reach, reach)
        size = np.abs(away)
        room = np.maximum(curvature - self.concordance * size, np.finfo(float).tiny)
        bound, nearer = 0.5 * size * (size / room), gradient + away
        if type(self).conjugate is not Family.conjugate and far.any():
            at, target = np.nonzero(far), np.broadcast_to(against(y, eta), eta.shape)[far]
            with np.errstate(over="ignore", invalid="ignore"):
                known = self.loss(eta[far], target) + self.conjugate(u[far], target) - u[far] * eta[far]
            closed = np.isfinite(known)
            inside = tuple(axis[closed] for axis in at)
            bound[inside], nearer[inside] = np.maximum(known[closed], 0.0), u[inside]
        return bound, nearer


def check_numbers(y: Any, n: int) -> Floats:
    """Y as finite floats (n,)."""
    from foldwise.moments.check import check_target

    return check_target(y, n)


def check_parameter(name: str, value: Any, low: float, high: float, hint: str = "") -> None:
    """A family's own parameter: a number strictly between two."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not low < value < high:
        room = f"above {low:g}" if high == np.inf else f"above {low:g} and below {high:g}"
        message = f"{name} must be a finite number {room}, got {value!r}{hint}"
        raise InputError(message)


def refuse(y: Floats, bad: NDArray[np.bool_], family: str, accepted: str) -> None:
    """Raise for the first row whose target a family can't have."""
    rows = np.flatnonzero(bad)
    if len(rows):
        where = f"row {rows[0]} (from 0; {len(rows)} such)"
        message = f"y must be {accepted} for family={family!r}, got {y[rows[0]]:g} in {where}"
        raise InputError(message)


def refuse_constant(y: Floats, weight: Floats | None, value: float, family: str, what: str) -> None:
    """Raise where every row that counts has the same extreme target, so that the best intercept is infinite."""
    counted = y if weight is None else y[weight > 0.0]
    if np.all(counted == value):
        message = f"y must have {what} for family={family!r}, got {value:g} in every row"
        raise InputError(message)
