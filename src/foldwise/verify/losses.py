"""What a prediction is charged: squared errors, and deviances by scikit-learn's metrics."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlogy
from sklearn import metrics

Floats = NDArray[np.float64]
Loss = Callable[[Floats, Floats, Floats], float]

FAMILIES = ("gaussian", "binomial", "poisson", "gamma", "tweedie")
"""Whose losses are known here."""


def loss_of(family: str, parameters: dict[str, float]) -> tuple[Loss, Callable[[Floats], Floats]] | None:
    """The mean loss of (y, prediction, weight), and the prediction at a linear predictor; None for other families.

    Examples
    --------
    >>> loss, mean = loss_of("poisson", {})
    >>> round(loss(np.array([1.0, 2.0]), mean(np.array([0.0, 0.0])), np.ones(2)), 4)
    0.3863
    """
    if family == "gaussian":
        return lambda y, m, w: float(w @ (y - m) ** 2 / w.sum()), lambda eta: eta
    if family == "binomial":
        return _log_loss, lambda eta: np.asarray(expit(eta))
    power = {"poisson": 1.0, "gamma": 2.0, "tweedie": parameters.get("power", 1.5)}.get(family)
    if power is None:
        return None
    return lambda y, m, w: float(metrics.mean_tweedie_deviance(y, m, sample_weight=w, power=power)), np.exp


def row_losses(family: str, parameters: dict[str, float], y: Floats, m: Floats) -> Floats:
    """Of each row, from the formula of the deviance; their weighted mean is the loss of `loss_of`.

    Examples
    --------
    >>> row_losses("poisson", {}, np.array([1.0, 2.0]), np.array([1.0, 1.0])).round(4).tolist()
    [0.0, 0.7726]
    """
    if family == "gaussian":
        return np.asarray((y - m) ** 2)
    if family == "binomial":
        m = np.clip(m, 1e-15, 1 - 1e-15)
        return np.asarray(-2.0 * (y * np.log(m) + (1.0 - y) * np.log1p(-m)))
    p = {"poisson": 1.0, "gamma": 2.0}.get(family, parameters.get("power", 1.5))
    if p == 1.0:
        return np.asarray(2.0 * (xlogy(y, y / m) - y + m))
    if p == 2.0:
        return np.asarray(2.0 * (np.log(m / y) + y / m - 1.0))
    at_y = np.maximum(y, 0.0) ** (2.0 - p) / ((1.0 - p) * (2.0 - p))
    return np.asarray(2.0 * (at_y - y * m ** (1.0 - p) / (1.0 - p) + m ** (2.0 - p) / (2.0 - p)))


def _log_loss(y: Floats, m: Floats, w: Floats) -> float:
    # log_loss refuses a fold with one class unless it is told of both.
    return 2.0 * float(metrics.log_loss(y, np.clip(m, 1e-15, 1 - 1e-15), sample_weight=w, labels=[0.0, 1.0]))
