"""The statistics of fold errors, from their textbook formulas and scipy.stats."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """A mean over folds, its corrected standard error, the quantile of its 95 % interval, t and p."""

    mean: float
    standard_error: float
    quantile: float
    t: float
    p: float


def corrected(values: Floats, weight: Floats, test_per_train: Floats) -> Mean:
    """Nadeau and Bengio's corrected resampled t of one value a fold (J,), folds weighted by their rows.

    Examples
    --------
    >>> found = corrected(np.array([0.3, 0.1, 0.2, 0.4, 0.0]), np.ones(5), np.full(5, 0.25))
    >>> round(found.standard_error, 3), round(found.p, 3)
    (0.106, 0.132)
    """
    share = weight / weight.sum()
    mean = float(np.average(values, weights=weight))
    of_shares = float(np.sum(share**2))
    variance = float(np.average((values - mean) ** 2, weights=weight)) / (1.0 - of_shares)
    error = float(np.sqrt((of_shares + np.average(test_per_train, weights=weight)) * variance))
    t = mean / error if error > 0.0 else (0.0 if mean == 0.0 else float("inf"))
    df = len(values) - 1
    return Mean(mean, error, float(stats.t.ppf(0.975, df)), t, float(2.0 * stats.t.sf(abs(t), df)))


def holm(p: list[float]) -> list[float]:
    """Holm's adjusted p values.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p)), key=p.__getitem__)
    adjusted, largest = [0.0] * len(p), 0.0
    for rank, at in enumerate(order):
        largest = max(largest, min((len(p) - rank) * p[at], 1.0))
        adjusted[at] = largest
    return adjusted


def detectable(standard_error: float, df: int, level: float, power: float) -> float:
    """The difference that a two-sided t test finds, with the right sign, with this probability.

    Examples
    --------
    >>> round(detectable(1.0, 49, 0.05, 0.8), 3)
    2.858
    """
    critical = stats.t.ppf(1.0 - level / 2.0, df)
    found = optimize.brentq(lambda shift: stats.nct.sf(critical, df, shift) - power, 0.0, 50.0, xtol=1e-9)
    return float(found) * standard_error
