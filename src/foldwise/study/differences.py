"""Differences between candidates on the same folds: how large, how sure, and how small a one could have been seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from foldwise.inference import (
    CorrectedT,
    bayesian_correlated_t,
    corrected_resampled_t,
    holm,
    rank_flip,
    smallest_detectable_difference,
    tie_letters,
)

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
    repeats : int
        R.
    rope : float
        The largest difference between told errors that does not matter.
    """

    weights: Floats
    test_per_train: Floats
    variance: float
    is_root: bool = True
    repeats: int = 1
    rope: float = 0.0

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
    first_better, equivalent, second_better : float
        Probabilities (Bayesian correlated t) that the true difference is above the region of practical equivalence,
        within it, below it; not adjusted for the number of comparisons.
    flip : float
        The odds that another table of as many rows puts the two the other way round.
    flip_folds : float or None
        The odds that other folds of this table do; None with one repeat.
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
    first_better: float
    equivalent: float
    second_better: float
    flip: float
    flip_folds: float | None


def error_differences(first: Floats, second: Floats, scoring: Scoring) -> Floats:
    """Differences (J,) between two candidates' errors per fold (J,), so that their mean is that of RMSEs or deviances.

    Mean squared errors are what is tested: their weighted mean over folds is the error of all out-of-fold predictions,
    whatever the folds' sizes, where a mean of roots depends on them (with one row per fold it is the mean absolute
    error). People read the target's unit. Since a^2 - b^2 = (a - b)(a + b), the mean difference of mean squared errors
    divided by the sum of the two RMSEs is exactly the difference of the RMSEs; the division by one constant changes
    neither t nor p. Mean deviances are tested and told as they are.
    """
    roots = sqrt(float(scoring.share @ first)) + sqrt(float(scoring.share @ second)) if scoring.is_root else 1.0
    gained = second - first
    gained = np.where(np.abs(gained) <= SAME * scoring.variance, 0.0, gained)
    return np.asarray(gained / roots if roots > 0.0 else gained)


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
    values = [error_differences(fold_error[i], fold_error[j], scoring) for i, j in pairs]
    tests = [scoring.corrected_t(value) for value in values]
    adjusted = holm([test.p for test in tests])
    differ = np.zeros((len(names), len(names)), dtype=bool)
    differences = []
    folds: dict[str, Floats] = {"test_per_train": scoring.test_per_train, "weights": scoring.weights}
    for (i, j), value, test, p in zip(pairs, values, tests, adjusted.tolist(), strict=True):
        differ[i, j] = differ[j, i] = p < LEVEL
        belief = bayesian_correlated_t(value, rope=scoring.rope, **folds)
        flip = rank_flip(value, repeats=scoring.repeats, **folds)
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
                belief.above,
                belief.within,
                belief.below,
                flip.new_table,
                flip.new_folds,
            )
        )
    return tuple(differences), tie_letters(differ)
