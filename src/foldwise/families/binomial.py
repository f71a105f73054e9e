"""Binomial: y of two classes, or a share of trials, with the logit, probit or complementary log-log link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import expit, log_ndtr, logit, ndtr, ndtri, xlogy

from foldwise.families.family import Family, against, check_numbers, exp, refuse, refuse_constant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TINY = np.finfo(float).tiny
# Below the one, log(1 - exp(-exp(eta))) is eta; above the other the square of exp(exp(eta)) overflows.
CLOGLOG_LOW, CLOGLOG_HIGH = -30.0, 5.8


class _TwoClasses(Family):
    """What all links share: the target's check and the entropy that a fit of y itself leaves."""

    is_two_class: ClassVar[bool] = True

    def check_target(self, y: Any, n: int) -> Floats:
        """0 or 1, true or false, or a share between them (with the number of trials as sample_weight)."""
        array = np.asarray(y)
        target = check_numbers(array.astype(np.float64) if array.dtype == bool else array, n)
        refuse(target, (target < 0.0) | (target > 1.0), self.name, "0 or 1 (or a share between)")
        for only in (0.0, 1.0):
            refuse_constant(target, None, only, self.name, "both classes, 0 and 1,")
        return target

    def saturated(self, y: Floats) -> Floats:
        """The entropy of y: 0 for 0 and 1."""
        return np.asarray(-(xlogy(y, y) + xlogy(1.0 - y, 1.0 - y)))


@dataclass(frozen=True)
class Binomial(_TwoClasses):
    """l = log(1 + exp(eta)) - y eta: the logit link, logistic regression.

    Source: P. McCullagh and J. A. Nelder, *Generalized Linear Models*, 2nd ed. 1989, ch. 4.

    Examples
    --------
    >>> import numpy as np
    >>> Binomial().mean(np.array([0.0, 2.0])).round(3)
    array([0.5  , 0.881])
    """

    name: ClassVar[str] = "binomial"
    link_name: ClassVar[str] = "logit"

    def loss(self, eta: Floats, y: Floats) -> Floats:
        """log(1 + exp(eta)) - y eta."""
        return np.logaddexp(0.0, eta) - against(y, eta) * eta

    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Mean less y, and mean (1 - mean)."""
        e = np.exp(-np.abs(eta))
        small = e / (1.0 + e)  # the smaller of mean and 1 - mean, with all its digits
        mean = np.where(eta >= 0.0, 1.0 - small, small)
        return mean - against(y, eta), np.maximum(small / (1.0 + e), TINY)

    def mean(self, eta: Floats) -> Floats:
        """1 / (1 + exp(-eta))."""
        return np.asarray(expit(eta))

    def link(self, mean: Floats) -> Floats:
        """log(mean / (1 - mean))."""
        return np.asarray(logit(mean))

    def conjugate(self, u: Floats, y: Floats) -> Floats:
        """Minus the entropy of y + u."""
        m = against(y, u) + u
        inside = (m >= 0.0) & (m <= 1.0)
        m = np.where(inside, m, 0.5)
        return np.where(inside, xlogy(m, m) + xlogy(1.0 - m, 1.0 - m), np.inf)


def _mills(eta: Floats) -> Floats:
    """Density over distribution function of the normal at eta."""
    return np.asarray(np.exp(-0.5 * eta**2 - 0.5 * np.log(2.0 * np.pi) - log_ndtr(eta)))


@dataclass(frozen=True)
class Probit(_TwoClasses):
    """l = -y log F(eta) - (1 - y) log F(-eta), F the normal distribution function.

    Examples
    --------
    >>> import numpy as np
    >>> Probit().mean(np.array([0.0, 2.0])).round(3)
    array([0.5  , 0.977])
    """

    name: ClassVar[str] = "probit"
    link_name: ClassVar[str] = "probit"
    concordance: ClassVar[float | None] = None

    def loss(self, eta: Floats, y: Floats) -> Floats:
        """-y log F(eta) - (1 - y) log F(-eta)."""
        y = against(y, eta)
        return np.asarray(-y * log_ndtr(eta) - (1.0 - y) * log_ndtr(-eta))

    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """By the ratio of density and distribution function on either side."""
        y = against(y, eta)
        one, zero = _mills(eta), _mills(-eta)
        curvature = y * one * (one + eta) + (1.0 - y) * zero * (zero - eta)
        return (1.0 - y) * zero - y * one, np.maximum(curvature, TINY)

    def mean(self, eta: Floats) -> Floats:
        """F(eta)."""
        return np.asarray(ndtr(eta))

    def link(self, mean: Floats) -> Floats:
        """The normal quantile."""
        return np.asarray(ndtri(mean))


@dataclass(frozen=True)
class Cloglog(_TwoClasses):
    """l = -y log(1 - exp(-exp(eta))) + (1 - y) exp(eta): the complementary log-log link, for events in a time span.

    Examples
    --------
    >>> import numpy as np
    >>> Cloglog().mean(np.array([0.0, 2.0])).round(3)
    array([0.632, 0.999])
    """

    name: ClassVar[str] = "cloglog"
    link_name: ClassVar[str] = "cloglog"
    concordance: ClassVar[float | None] = None

    def loss(self, eta: Floats, y: Floats) -> Floats:
        """As above, by the limits far from zero."""
        y = against(y, eta)
        t = exp(np.maximum(eta, CLOGLOG_LOW))
        hit = np.where(eta < CLOGLOG_LOW, -eta, -np.log(-np.expm1(-t)))
        return y * hit + (1.0 - y) * exp(eta)

    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """With t = exp(eta): t - y t / (1 - exp(-t)), and its slope."""
        y, t = against(y, eta), exp(eta)
        bounded = np.clip(t, np.exp(CLOGLOG_LOW), np.exp(CLOGLOG_HIGH))
        over = np.expm1(bounded)
        hit = -bounded / over
        # t (t exp(t) - expm1(t)) / expm1(t)^2, whose digits cancel where t is small: there it is t / 2.
        bend = np.where(
            bounded < 1e-4, bounded * (0.5 - bounded / 6.0), bounded * (bounded * (over + 1.0) - over) / over**2
        )
        return y * hit + (1.0 - y) * t, np.maximum(y * bend + (1.0 - y) * t, TINY)

    def mean(self, eta: Floats) -> Floats:
        """1 - exp(-exp(eta))."""
        return -np.expm1(-exp(eta))

    def link(self, mean: Floats) -> Floats:
        """log(-log(1 - mean))."""
        return np.log(-np.log1p(-np.asarray(mean, dtype=np.float64)))
