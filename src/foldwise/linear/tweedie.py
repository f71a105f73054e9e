"""Tweedie regression: amounts whose variance is a power of their mean, at one strength or with the strength chosen."""

from typing import Any

from foldwise.errors import InputError
from foldwise.families import Family, Gamma, Gaussian, Poisson, Tweedie
from foldwise.linear.by_cross_validation import ByCrossValidation
from foldwise.linear.generalized_regressor import AtOneStrength, GeneralizedRegressor, WithSolver
from foldwise.parameters.checks import choice


class _OfPower(GeneralizedRegressor):
    def __init__(self, *, power: float = 0.0, link: str = "auto", **rest: Any) -> None:
        super().__init__(**rest)
        self.power = power
        self.link = link

    def _family(self) -> Family:
        power, fits = self.power, isinstance(self.power, int | float)
        if not fits or not (power == 0 or 1 <= power <= 2):
            raise InputError(f"power must be 0 (normal), 1 (Poisson), 2 (gamma) or between 1 and 2, got {power!r}")
        usual = "identity" if power == 0 else "log"
        if choice("link", self.link, ("auto", "identity", "log")) not in {"auto", usual}:
            raise InputError(f"link must be 'auto' or {usual!r} for power={power:g}, got {self.link!r}")
        known: dict[float, Family] = {0.0: Gaussian(), 1.0: Poisson(), 2.0: Gamma()}
        return known[float(power)] if float(power) in known else Tweedie(power=float(power))


class TweedieRegressor(_OfPower, WithSolver, AtOneStrength):
    """Tweedie: half the unit deviance of that power, averaged, plus alpha sum_j f_j (r |b_j| + (1 - r)/2 b_j^2).

    A drop-in for scikit-learn's class; the other parameters and the attributes are those of `PoissonRegressor`.

    Parameters
    ----------
    power : 0, or from 1 to 2, default 0
        0 is the normal distribution, 1 Poisson, 2 gamma; between 1 and 2 amounts of which some are zero.
    link : 'auto', 'identity' or 'log', default 'auto'
        Identity for power 0, log for the others; no other pairs.

    Examples
    --------
    >>> import foldwise as fw
    >>> model = fw.TweedieRegressor(power=1.5, alpha=0.1).fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 2.0, 3.0, 9.0])
    >>> model.coef_.round(3).tolist()
    [1.041]
    """


class TweedieRegressorCV(_OfPower, ByCrossValidation):
    """Tweedie regression with the strength chosen; `power` and `link` as for `TweedieRegressor`.

    The other parameters and the attributes are those of `PoissonRegressorCV`.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(150, 5))
    >>> y = rng.poisson(np.exp(X[:, 1])) * rng.gamma(2.0, size=150)
    >>> np.flatnonzero(fw.TweedieRegressorCV(power=1.5, l1_ratio=1.0, rule="1se").fit(X, y).coef_).tolist()
    [1]
    """
