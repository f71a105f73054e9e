"""Rank-flip odds: how probable it is that two models change places on another table, or on other folds of this one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from foldwise.errors import InputError
from foldwise.inference.corrected_t import corrected_resampled_t, shares


@dataclass(frozen=True)
class RankFlip:
    """Probabilities that the sign of an observed mean difference is the opposite one next time.

    Attributes
    ----------
    new_table : float
        On another table of as many rows from the same source, judged by as many folds and repeats: between 0 and 1/2.
    new_folds : float or None
        On these rows, dealt into other folds as often; None where there is one repeat, which does not show how much
        the dealing matters.
    """

    new_table: float
    new_folds: float | None


def rank_flip(
    values: ArrayLike, *, test_per_train: ArrayLike, weights: ArrayLike | None = None, repeats: int = 1
) -> RankFlip:
    """How probable is it that the model that looks better now looks worse next time?

    **Another table.** Let d be the mean difference, V its corrected variance (Nadeau & Bengio 2003) and delta the true
    difference. Another table gives d' with the same mean delta and variance V, independently of d; with a flat prior
    for delta, d' given d is Student's t about d with squared scale 2 V and J - 1 degrees of freedom. The probability of
    the other sign is P(T > |t| / sqrt(2)), where t is the statistic of `corrected_resampled_t`. At p = 0.05 that is
    one in twelve, which is less certain than most people take p = 0.05 to be.

    **Other folds.** Given the rows, the mean differences of R repeats are independent draws. The mean of R further ones
    is Student's t about theirs, with squared scale 2 s_R^2 / R and R - 1 degrees of freedom.

    A flat prior knows nothing of the models: where most candidates are in truth alike, ranks flip more often than said.

    Parameters
    ----------
    values : (R*K,) array
        One difference for each fold, repeat after repeat.
    test_per_train, weights
        As for `corrected_resampled_t`.
    repeats : int
        R.

    Returns
    -------
    RankFlip
        A mean of exactly 0 has 1/2; values without any spread, of another mean, 0.

    Raises
    ------
    InputError
        Where repeats does not divide the number of values, or another argument is not a number in its range.

    References
    ----------
    Goodman (1992), A comment on replication, p-values and evidence, Statistics in Medicine 11; Killeen (2005), An
    alternative to null-hypothesis significance tests, Psychological Science 16: one minus his probability of
    replication, with the corrected variance and Student's t.

    Examples
    --------
    >>> from foldwise.inference import rank_flip
    >>> odds = rank_flip([0.3, 0.1, 0.2, 0.4, 0.0, 0.2, 0.1, 0.3, 0.1, 0.2], test_per_train=1 / 4, repeats=2)
    >>> round(odds.new_table, 3), round(odds.new_folds, 3)
    (0.045, 0.024)
    """
    found = corrected_resampled_t(values, test_per_train=test_per_train, weights=weights)
    value = np.asarray(values, dtype=float)
    n_folds, odd = divmod(len(value), repeats) if repeats >= 1 else (0, 1)
    if odd or n_folds < 1:
        raise InputError(f"repeats must divide the {len(value)} values, got {repeats}")
    new_table = _other_sign(found.mean, np.sqrt(2.0) * found.standard_error, found.df)
    if repeats == 1:
        return RankFlip(new_table, None)
    share = shares(weights, len(value)).reshape(repeats, n_folds)
    means = np.sum(share * value.reshape(repeats, n_folds), axis=1) / share.sum(axis=1)
    spread = float(np.std(means, ddof=1)) if np.ptp(value) > 0.0 else 0.0
    return RankFlip(new_table, _other_sign(found.mean, spread * np.sqrt(2.0 / repeats), repeats - 1))


def _other_sign(mean: float, scale: float, df: int) -> float:
    if mean == 0.0:
        return 0.5
    return float(special.stdtr(df, -abs(mean) / scale)) if scale > 0.0 else 0.0
