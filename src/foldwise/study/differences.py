"""Differences between candidates on the same folds: how large, how sure, and how small a one could have been seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from foldwise.inference import CorrectedT, corrected_resampled_t, holm, smallest_detectable_difference, tie_letters

Floats = NDArray[np.float64]

LEVEL = 0.05
POWER = 0.8
SAME = 1e-9
"""Mean squared errors that agree to this share of the target's variance are equal: fits are certified to as much."""


@dataclass(frozen=True, eq=False)
class Scoring:
    """What the J = R*K folds weigh.

    Attributes
    ----------
    weights : (J,) array
        Sum of the row weights of each fold.
    test_per_train : (J,) array
        Rows of each fold over rows of its training set.
    variance : float
        Mean error of predicting without features: what errors are measured against.
    is_root : bool
        Whether errors are mean squared ones, whose roots are told; else mean deviances, told as they are.
    """

    weights: Floats
    test_per_train: Floats
    variance: float
    is_root: bool = True

    @property
    def share(self) -> Floats:
        """The weights, summing to one."""
        share: Floats = self.weights / self.weights.sum()
        return share

    def corrected_t(self, values: Floats) -> CorrectedT:
        """The corrected resampled t of one value per fold (J,)."""
        return corrected_resampled_t(values, test_per_train=self.test_per_train, weights=self.weights)


@dataclass(frozen=True)
class Difference:
    """How much worse the second of two candidates is than the first, in the target's unit or in deviance.

    Attributes
    ----------
    first, second : str
        Names; the first has the smaller error.
    difference, standard_error : float
        RMSE, or deviance, of the second minus that of the first.
    interval : (float, float)
        95 % confidence interval of this one difference.
    t, p : float
        Corrected resampled t, two-sided p value.
    p_holm : float
        The p value adjusted for all comparisons between candidates.
    differ : bool
        Whether `p_holm` is below 5 %.
    detectable : float
        The smallest true difference that would have been found with 80 % probability, adjusted for all comparisons.
    """

    first: str
    second: str
    difference: float
    standard_error: float
    interval: tuple[float, float]
    t: float
    p: float
    p_holm: float
    differ: bool
    detectable: float


def error_difference(first: Floats, second: Floats, scoring: Scoring) -> CorrectedT:
    """Test the difference between two candidates' errors per fold (J,); report it between their RMSEs or deviances.

    Mean squared errors are what is tested: their weighted mean over folds is the error of all out-of-fold predictions,
    whatever the folds' sizes, where a mean of roots depends on them (with one row per fold it is the mean absolute
    error). People read the target's unit. Since a^2 - b^2 = (a - b)(a + b), the mean difference of mean squared errors
    divided by the sum of the two RMSEs is exactly the difference of the RMSEs; the division by one constant changes
    neither t nor p. Mean deviances are tested and told as they are.
    """
    roots = sqrt(float(scoring.share @ first)) + sqrt(float(scoring.share @ second)) if scoring.is_root else 1.0
    gained = second - first
    gained = np.where(np.abs(gained) <= SAME * scoring.variance, 0.0, gained)
    return scoring.corrected_t(gained / roots if roots > 0.0 else gained)


def compare_all(
    names: Sequence[str], fold_error: Floats, scoring: Scoring
) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """All pairwise differences, and the tie letters, of C candidates in ascending order of their errors.

    Parameters
    ----------
    names : C strings
    fold_error : (C, J) array
        Mean squared errors, or deviances, per fold.
    scoring : Scoring

    Examples
    --------
    >>> mse = np.array([[1.0, 1.2, 0.9, 1.1], [1.0, 1.2, 0.9, 1.1], [4.0, 4.2, 4.1, 4.0]])
    >>> found, letters = compare_all("abc", mse, Scoring(np.ones(4), np.full(4, 1 / 3), 5.0))
    >>> letters, round(found[1].difference, 3), round(found[1].p_holm, 4)
    (('a', 'a', 'b'), 0.994, 0.0002)
    """
    pairs = list(combinations(range(len(names)), 2))
    if not pairs:
        return (), ("a",) * len(names)
    tests = [error_difference(fold_error[i], fold_error[j], scoring) for i, j in pairs]
    adjusted = holm([test.p for test in tests])
    differ = np.zeros((len(names), len(names)), dtype=bool)
    differences = []
    for (i, j), test, p in zip(pairs, tests, adjusted.tolist(), strict=True):
        differ[i, j] = differ[j, i] = p < LEVEL
        differences.append(
            Difference(
                names[i],
                names[j],
                test.mean,
                test.standard_error,
                test.interval,
                test.t,
                test.p,
                p,
                bool(differ[i, j]),
                smallest_detectable_difference(test.standard_error, test.df, alpha=LEVEL / len(pairs), power=POWER),
            )
        )
    return tuple(differences), tie_letters(differ)
