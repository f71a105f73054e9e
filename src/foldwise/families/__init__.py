"""Families: what a model of one linear predictor loses on a row, its slopes in the predictor, and its mean.

A family knows no coefficient, no fold and no penalty. `FAMILIES` holds those that a name alone says; the others take a
parameter (`Tweedie(power)`, `NegativeBinomial(theta)`, `Huber(delta)`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foldwise.errors import InputError
from foldwise.families.binomial import Binomial, Cloglog, Probit
from foldwise.families.cox import Cox
from foldwise.families.family import Family
from foldwise.families.gamma import Gamma
from foldwise.families.gaussian import Gaussian
from foldwise.families.huber import Huber
from foldwise.families.multigaussian import MultiGaussian
from foldwise.families.multinomial import Multinomial
from foldwise.families.negative_binomial import NegativeBinomial
from foldwise.families.null_fit import null_intercept
from foldwise.families.poisson import Poisson
from foldwise.families.tweedie import Tweedie

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FAMILIES",
    "Binomial",
    "Cloglog",
    "Cox",
    "Family",
    "Gamma",
    "Gaussian",
    "Huber",
    "MultiGaussian",
    "Multinomial",
    "NegativeBinomial",
    "Poisson",
    "Probit",
    "Tweedie",
    "family_of",
    "null_intercept",
]

FAMILIES: dict[str, Callable[[], Family]] = {
    "gaussian": Gaussian,
    "binomial": Binomial,
    "probit": Probit,
    "cloglog": Cloglog,
    "multinomial": Multinomial,
    "multigaussian": MultiGaussian,
    "cox": Cox,
    "poisson": Poisson,
    "gamma": Gamma,
    "tweedie": Tweedie,
    "negative binomial": NegativeBinomial,
    "huber": Huber,
}


def family_of(family: Any) -> Family:
    """A family from its name, or the family itself.

    Raises
    ------
    InputError
        Names what would be accepted.

    Examples
    --------
    >>> family_of("poisson")
    Poisson()
    >>> family_of(Tweedie(power=1.7))
    Tweedie(power=1.7)
    """
    if isinstance(family, Family):
        return family
    if isinstance(family, str) and family in FAMILIES:
        return FAMILIES[family]()
    message = f"family must be one of {', '.join(map(repr, FAMILIES))}, or a foldwise.families.Family, got {family!r}"
    raise InputError(message)
