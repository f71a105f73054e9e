"""What a prediction is charged: squared errors, deviances, partial likelihoods."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import expit, log_softmax, softmax, xlogy
from sklearn import metrics

from foldwise.verify.partial import Partial
from foldwise.verify.rows import Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

POWERS = {"poisson": 1.0, "gamma": 2.0, "tweedie": 1.5}
"""Families whose deviance is Tweedie's, with its power unless the report says another."""
FAMILIES = ("gaussian", "binomial", "multinomial", *POWERS, "cox")
"""Whose losses are known here."""


@dataclass(frozen=True)
class Loss:
    """A family's.

    Examples
    --------
    >>> loss = Loss("poisson")
    >>> round(loss.of_set(np.array([1.0, 2.0]), np.array([0.0, 0.0]), np.ones(2)), 4)
    0.3863
    """

    family: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def is_root(self) -> bool:
        """Whether the root of the mean is told."""
        return self.family == "gaussian"

    @property
    def shares_rows(self) -> bool:
        """Whether it is of a whole training set, and not of single rows."""
        return self.family == "cox"

    @property
    def power(self) -> float:
        """Of the Tweedie deviance."""
        return float(self.parameters.get("power", POWERS[self.family]))

    def told(self, eta: Floats) -> Floats:
        """What is predicted at linear predictors (..., n[, C]); of times the predictors themselves."""
        if self.family in {"gaussian", "cox"}:
            return eta
        if self.family == "multinomial":
            return np.asarray(softmax(eta, axis=-1))
        return np.asarray(expit(eta) if self.family == "binomial" else np.exp(eta))

    def of_set(self, y: Floats, eta: Floats, w: Floats) -> float:
        """The mean over rows (n,) under predictors (n[, C])."""
        if self.family == "gaussian":
            return float(w @ (y - eta) ** 2 / w.sum())
        if self.family in {"binomial", "multinomial"}:  # scikit-learn's log_loss is cut off where chances are tiny
            return float(np.average(self.of_rows(y, eta), weights=w))
        return float(metrics.mean_tweedie_deviance(y, self.told(eta), sample_weight=w, power=self.power))

    def of_rows(self, y: Floats, eta: Floats) -> Floats:
        """Of each row, from the formula of the deviance; their weighted mean is that of `of_set`.

        Examples
        --------
        >>> Loss("poisson").of_rows(np.array([1.0, 2.0]), np.array([0.0, 0.0])).round(4).tolist()
        [0.0, 0.7726]
        """
        if self.family == "gaussian":
            return np.asarray((y - eta) ** 2)
        if self.family == "binomial":
            return np.asarray(2.0 * (np.logaddexp(0.0, eta) - y * eta))
        if self.family == "multinomial":
            return np.asarray(-2.0 * log_softmax(eta, axis=1)[np.arange(len(y)), y.astype(np.intp)])
        m, p = np.exp(eta), self.power
        if p == 1.0:
            return np.asarray(2.0 * (xlogy(y, y / m) - y + m))
        if p == 2.0:
            return np.asarray(2.0 * (np.log(m / y) + y / m - 1.0))
        at_y = np.maximum(y, 0.0) ** (2.0 - p) / ((1.0 - p) * (2.0 - p))
        return np.asarray(2.0 * (at_y - y * m ** (1.0 - p) / (1.0 - p) + m ** (2.0 - p) / (2.0 - p)))

    def of_fold(self, rows: Rows, etas: Floats, training: Ints, test: Ints) -> Floats:
        """The error (G,) on the rows of a fold under predictors (n, G[, C]) of all rows that training rows gave.

        Of times to an event it is what the fold's rows add to twice the loss of the training rows, for each event.
        """
        if not self.shares_rows:
            y, w = rows.y[test], rows.weight[test]
            return np.array([self.of_set(y, eta, w) for eta in np.moveaxis(etas[test], 1, 0)])
        both = np.concatenate([training, test])
        part, whole = self.partial(rows, training), self.partial(rows, both)
        events = float(rows.weight[test] @ rows.event[test])
        return np.array([2.0 * (whole.loss(eta[both]) - part.loss(eta[training])) / events for eta in etas.T])

    def partial(self, rows: Rows, training: Ints) -> Partial:
        """The partial likelihood of some rows."""
        efron = self.parameters.get("ties") == "efron"
        return Partial.of(rows.y[training], rows.event[training], rows.weight[training], efron=efron)

    def fold_weight(self, rows: Rows) -> Floats:
        """What folds (J,) count by: the weights of their rows, or of their events."""
        counted = rows.weight * rows.event if self.shares_rows else rows.weight
        return np.array([counted[test].sum() for test in rows.tests])

    def constant(self, rows: Rows, training: Ints) -> Floats:
        """The predictor without features, but for the offset, that fits training rows best: (1,), or (C,)."""
        y, w, o = rows.y[training], rows.weight[training], rows.offset[training]
        if self.shares_rows:
            return np.zeros(1)
        if self.family == "multinomial":
            shares = np.array([w[y == c].sum() for c in range(rows.n_classes)]) / w.sum()
            return np.asarray(np.log(shares) - np.log(shares).mean())
        if self.family == "gaussian":
            return np.array([np.average(y - o, weights=w)])
        if self.family == "binomial":
            share = float(np.average(y, weights=w))
            start = float(np.log(share / (1.0 - share)))
            if not rows.has_offset:
                return np.array([start])
            ends = start - o.max() - 1.0, start - o.min() + 1.0
            return np.array([optimize.brentq(lambda b: float(w @ (expit(b + o) - y)), *ends, xtol=1e-14)])
        p = self.power
        return np.array([np.log(w @ (y * np.exp((1.0 - p) * o)) / (w @ np.exp((2.0 - p) * o)))])


def loss_of(report: dict[str, Any]) -> Loss | None:
    """That of a report's family; None where it is not known here."""
    name = report["family"]["name"]
    return Loss(name, report["family"]["parameters"]) if name in FAMILIES else None
