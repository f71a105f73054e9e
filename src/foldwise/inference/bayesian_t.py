"""The Bayesian correlated t: how probable it is that two models differ by an amount that matters, or do not."""

from dataclasses import dataclass

from numpy.typing import ArrayLike
from scipy import special

from foldwise.errors import InputError
from foldwise.inference.corrected_t import corrected_resampled_t


@dataclass(frozen=True)
class BayesianT:
    """The posterior of a mean difference, cut by a region of practical equivalence.

    Attributes
    ----------
    below, within, above : float
        Probabilities that the difference is below -rope, between -rope and rope, above rope; they sum to one. Of
        errors "second minus first": the second is better, both are as good, the first is better.
    rope : float
        Half the width of the region, in the unit of the values.
    mean, scale : float
        Centre and scale of the posterior, in the same unit: Student's t with `df` degrees of freedom.
    df : int
    """

    below: float
    within: float
    above: float
    rope: float
    mean: float
    scale: float
    df: int


def bayesian_correlated_t(
    values: ArrayLike, *, rope: float, test_per_train: ArrayLike, weights: ArrayLike | None = None
) -> BayesianT:
    """Probabilities that the mean of J per-fold differences is below, within and above what matters in practice.

    With the prior that leaves all to the data, the posterior of the mean is Student's t with J - 1 degrees of freedom
    about the observed mean; its squared scale is (1/J + rho / (1 - rho)) s^2, where rho = n_test / n is the correlation
    of folds that Nadeau & Bengio assume, so rho / (1 - rho) = n_test / n_train. It is the distribution behind
    `corrected_resampled_t`, read as probabilities of the difference: unequal folds are weighted as there.

    What a test cannot say, this can: that two models are practically as good as each other. The probabilities are not
    adjusted for the number of comparisons.

    Parameters
    ----------
    values : (J,) array
        One difference for each fold of each repeat, J >= 2.
    rope : float >= 0
        The largest difference that does not matter, in the unit of the values. With 0, `within` is 0.
    test_per_train, weights
        As for `corrected_resampled_t`.

    Returns
    -------
    BayesianT
        Where all values are equal, one of the probabilities is 1.

    Raises
    ------
    InputError
        Where the rope or another argument is not a number in its range.

    References
    ----------
    Benavoli, Corani, Demsar & Zaffalon (2017), Time for a change: a tutorial for comparing multiple classifiers through
    Bayesian analysis, Journal of Machine Learning Research 18, section 3.1; Corani & Benavoli (2015), A Bayesian
    approach for comparing cross-validated algorithms on multiple data sets, Machine Learning 100.

    Examples
    --------
    >>> from foldwise.inference import bayesian_correlated_t
    >>> found = bayesian_correlated_t([0.3, 0.1, 0.2, 0.4, 0.0], rope=0.05, test_per_train=1 / 4)
    >>> round(found.below, 3), round(found.within, 3), round(found.above, 3)
    (0.039, 0.076, 0.885)
    """
    if not 0.0 <= rope < float("inf"):
        raise InputError(f"rope must be >= 0 and finite, in the unit of the values, got {rope}")
    found = corrected_resampled_t(values, test_per_train=test_per_train, weights=weights)
    mean, scale, df = found.mean, found.standard_error, found.df
    if scale == 0.0:
        below, above = float(mean < -rope), float(mean > rope)
        return BayesianT(below, 1.0 - below - above, above, float(rope), mean, scale, df)
    below, above = (float(special.stdtr(df, (-rope - side * mean) / scale)) for side in (1.0, -1.0))
    return BayesianT(below, max(1.0 - below - above, 0.0), above, float(rope), mean, scale, df)
