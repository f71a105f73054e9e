"""Multinomial: y of three or more classes, one linear predictor for each, in symmetric form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import logsumexp, softmax, xlogy

from foldwise.errors import InputError
from foldwise.families.family import Family, check_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Multinomial(Family):
    """l = log sum_c exp(eta_c) - eta_y; every class has its coefficients, none is the reference.

    Predictors are (..., C), the classes last; so are gradients and means. Adding the same to all classes changes
    nothing, so that the penalty decides: under the lasso the coefficients of a feature have median 0, under ridge
    mean 0. Intercepts sum to 0.

    Source: J. Friedman, T. Hastie and R. Tibshirani (2010), Regularization paths for generalized linear models via
    coordinate descent, Journal of Statistical Software 33, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> Multinomial().mean(np.array([[0.0, 0.0, 0.0]])).round(3)
    array([[0.333, 0.333, 0.333]])
    """

    name: ClassVar[str] = "multinomial"
    link_name: ClassVar[str] = "softmax"

    def check_target(self, y: Any, n: int) -> Floats:
        """Class numbers 0..C-1, each of them present; as marks (n, C) of 0 and 1."""
        numbers = check_numbers(y, n)
        bad = np.flatnonzero((numbers < 0) | (numbers != np.rint(numbers)))
        if len(bad):
            where = f"{numbers[bad[0]]:g} in row {bad[0]} (from 0)"
            message = f"y must be class numbers 0, 1, 2, ... for family='multinomial', got {where}"
            raise InputError(message)
        codes = numbers.astype(np.intp)
        present = np.bincount(codes)
        if len(present) < 2 or not present.all():
            missing = 1 if len(present) < 2 else int(np.flatnonzero(present == 0)[0])
            message = (
                f"y must have every class 0..{max(len(present) - 1, 1)} for family='multinomial', got no {missing}"
            )
            raise InputError(message)
        marks: Floats = np.eye(len(present))[codes]
        return marks

    def loss(self, eta: Floats, y: Floats) -> Floats:
        """Loss (...) of predictors (..., C) for marks y that broadcast against them."""
        return np.asarray(logsumexp(eta, axis=-1) - (y * eta).sum(axis=-1))

    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Gradient (..., C), and the curvature's diagonal; the whole curvature is diag(m) - m m', m the means."""
        m = self.mean(eta)
        return m - y, m * (1.0 - m)

    def mean(self, eta: Floats) -> Floats:
        """Probabilities (..., C)."""
        return np.asarray(softmax(eta, axis=-1))

    def link(self, mean: Floats) -> Floats:
        """Centred logarithms (..., C)."""
        logs = np.log(mean)
        return np.asarray(logs - logs.mean(axis=-1, keepdims=True))

    def saturated(self, y: Floats) -> Floats:
        """0."""
        return np.zeros(len(y))

    def deviance(self, eta: Floats, y: Floats) -> Floats:
        """Twice the loss, (...)."""
        return 2.0 * self.loss(eta, y)

    def conjugate(self, u: Floats, y: Floats) -> Floats:
        """Minus the entropy (...) of y + u, which must be probabilities."""
        m = y + u
        inside = (m >= 0.0).all(axis=-1) & (np.abs(m.sum(axis=-1) - 1.0) <= 1e-9)
        return np.where(inside, xlogy(m, np.maximum(m, np.finfo(float).tiny)).sum(axis=-1), np.inf)

    def misfit(
        self,
        eta: Floats,  # noqa: ARG002 - the mean says it
        y: Floats,
        gradient: Floats,
        curvature: Floats,  # noqa: ARG002 - the bound is exact
        u: Floats,
    ) -> tuple[Floats, Floats]:
        """The Kullback-Leibler divergence (...) of y + u from the means, and the dual point, brought near where needed.

        A dual point whose probabilities fall below half the means is brought nearer to them.
        """
        m = gradient + y
        away = u - gradient
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(away < 0.0, -0.5 * m / away, np.inf).min(axis=-1, initial=1.0)
        away = away * np.nan_to_num(reach, nan=1.0)[..., None]
        ratio = away / np.maximum(m, np.finfo(float).tiny)
        # (m + d) log(1 + d / m) - d, which sums to the divergence because the d sum to 0.
        divergence = (m + away) * np.log1p(ratio) - away
        return np.maximum(divergence, 0.0).sum(axis=-1), gradient + away
