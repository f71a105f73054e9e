"""Worlds to draw tables from, with the exact error that a linear model has on all rows that a world could ever give."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, Floats], Floats]
Error = Callable[[Floats, float], float]

HALF = np.array([1.0, 0.5, -0.5, 0.25, 0.0])
SLOPES = np.concatenate([HALF, HALF])
"""Ten features with standard normal values; the first five and the last five are worth the same."""
DEGREES = 5.0
NODES, MASS = np.polynomial.hermite_e.hermegauss(80)
MASS = MASS / MASS.sum()


@dataclass(frozen=True)
class World:
    """A source of tables.

    Attributes
    ----------
    name, words : str
    family : str
    target : callable
        Draws y (n,) for rows X (n, p).
    error : callable
        Mean loss of a coefficient vector (p,) and an intercept on rows never drawn: squared error or deviance.
    """

    name: str
    words: str
    family: str
    target: Draw
    error: Error

    def table(self, rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
        """Draw X (n, p) and y (n,)."""
        X = rng.normal(size=(n, len(SLOPES)))
        return X, self.target(rng, X)


def squared_error(coef: Floats, intercept: float) -> float:
    """Variance of the noise, which is 1, plus the squared distance of the fit, for features without correlation."""
    return float(1.0 + np.sum((coef - SLOPES) ** 2) + intercept**2)


def deviance(coef: Floats, intercept: float) -> float:
    """Expected binomial deviance 2 E[log(1 + exp(f)) - P(y = 1) f], where f = intercept + x'coef.

    f is normal: the first part is a one-dimensional integral. By Stein's lemma E[P x'coef] is slopes'coef times the
    mean derivative of P, and E[P] is 1/2 by symmetry.
    """
    f = intercept + np.sqrt(coef @ coef) * NODES
    return float(2.0 * (MASS @ np.logaddexp(0.0, f) - 0.5 * intercept - SLOPES @ coef * MEAN_DERIVATIVE))


def _mean_derivative() -> float:
    p = special.expit(np.sqrt(SLOPES @ SLOPES) * NODES)
    return float(MASS @ (p * (1.0 - p)))


MEAN_DERIVATIVE = _mean_derivative()


def _gaussian(rng: np.random.Generator, X: Floats) -> Floats:
    noisy: Floats = X @ SLOPES + rng.normal(size=len(X))
    return noisy


def _heavy(rng: np.random.Generator, X: Floats) -> Floats:
    noisy: Floats = X @ SLOPES + rng.standard_t(DEGREES, size=len(X)) / np.sqrt(DEGREES / (DEGREES - 2.0))
    return noisy


def _classes(rng: np.random.Generator, X: Floats) -> Floats:
    drawn: Floats = (rng.random(len(X)) < special.expit(X @ SLOPES)).astype(float)
    return drawn


WORLDS = (
    World("gaussian", "normal noise, squared error", "gaussian", _gaussian, squared_error),
    World(
        "heavy-tailed",
        "noise of Student's t with 5 degrees of freedom, squared error",
        "gaussian",
        _heavy,
        squared_error,
    ),
    World("classes", "two classes from a logistic model, deviance", "binomial", _classes, deviance),
)
