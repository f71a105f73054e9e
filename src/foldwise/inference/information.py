"""Information criteria of gaussian fits: AIC, AICc, BIC, EBIC from residual sums of squares and degrees of freedom."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from foldwise.errors import InputError
from foldwise.inference.corrected_t import checked_row

Criterion = Literal["aic", "aicc", "bic", "ebic"]
CRITERIA: tuple[Criterion, ...] = ("aic", "aicc", "bic", "ebic")


def information_criterion(
    criterion: Criterion,
    rss: ArrayLike,
    df: ArrayLike,
    *,
    n: int,
    noise_variance: float | None = None,
    n_kept: ArrayLike | None = None,
    n_features: int | None = None,
    gamma: float = 0.5,
    fit_intercept: bool = True,
) -> NDArray[np.float64]:
    """Minus twice the log likelihood plus what the fit's degrees of freedom cost; smaller is better.

    With the noise variance v known (or estimated once, for all fits alike):

        aic    n log(2 pi v) + rss / v + 2 df
        bic    n log(2 pi v) + rss / v + log(n) df
        ebic   bic + 2 gamma log(n_features choose n_kept)

    AICc corrects AIC for having estimated the variance from the same fit, so it takes none: with v = rss / n and
    m = df + 1 for the variance + 1 for an intercept,

        aicc   n log(2 pi rss / n) + n + 2 m + 2 m (m + 1) / (n - m - 1), and inf from m = n - 1 on.

    Parameters
    ----------
    criterion : {"aic", "aicc", "bic", "ebic"}
    rss : (A,) array
        Residual sums of squares, in units of y squared.
    df : (A,) array
        Degrees of freedom without the intercept.
    n : int
        Rows.
    noise_variance : float, optional
        In units of y squared; needed by all but "aicc".
    n_kept : (A,) array, optional
        Features in each fit, for "ebic".
    n_features : int, optional
        Features to choose from, for "ebic".
    gamma : float in [0, 1]
        How strongly "ebic" counts the number of candidate models: 0 is BIC. With n_features growing like n^k it is
        consistent for gamma > 1 - 1 / (2 k).
    fit_intercept : bool
        Whether "aicc" counts an intercept.

    Returns
    -------
    (A,) array

    Raises
    ------
    InputError
        Where an argument is out of range, missing or has no use.

    References
    ----------
    Akaike (1973); Hurvich & Tsai (1989), Regression and time series model selection in small samples, Biometrika 76;
    Schwarz (1978); Chen & Chen (2008), Extended Bayesian information criteria for model selection with large model
    spaces, Biometrika 95, equation 4.

    Examples
    --------
    >>> from foldwise.inference import information_criterion
    >>> information_criterion("bic", [100.0, 60.0, 59.0], [0, 1, 2], n=50, noise_variance=1.25).round(1)
    array([183.1, 155. , 158.1])
    """
    if criterion not in CRITERIA:
        raise InputError(f"criterion must be one of {', '.join(CRITERIA)}, got {criterion!r}")
    squares, freedom = checked_row("rss", rss), checked_row("df", df)
    if squares.shape != freedom.shape or np.any(squares < 0.0) or np.any(freedom < 0.0):
        raise InputError("rss and df must be as long as each other and >= 0")
    if criterion == "aicc":
        if noise_variance is not None:
            raise InputError("noise_variance has no use for 'aicc', which estimates the variance of every fit")
        return _corrected(squares, freedom + 1.0 + float(fit_intercept), n)
    if noise_variance is None or not 0.0 < noise_variance < np.inf:
        raise InputError(f"noise_variance must be > 0 and finite, got {noise_variance}")
    misfit = n * np.log(2.0 * np.pi * noise_variance) + squares / noise_variance
    value: NDArray[np.float64] = misfit + (2.0 if criterion == "aic" else np.log(n)) * freedom
    if criterion == "ebic":
        value = value + 2.0 * _checked_gamma(gamma) * _log_models(n_kept, n_features)
    return value


def _corrected(rss: NDArray[np.float64], m: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    left = n - m - 1.0
    with np.errstate(divide="ignore"):  # a perfect fit has -inf
        likely = n * np.log(2.0 * np.pi * rss / n) + n
    return np.where(left > 0.0, likely + 2.0 * m + 2.0 * m * (m + 1.0) / np.where(left > 0.0, left, 1.0), np.inf)


def _log_models(n_kept: ArrayLike | None, n_features: int | None) -> NDArray[np.float64]:
    """Logarithm of the number of models with as many features (A,)."""
    if n_kept is None or n_features is None:
        raise InputError("n_kept and n_features must be given for 'ebic'")
    kept = checked_row("n_kept", n_kept)
    if np.any((kept < 0) | (kept > n_features)):
        raise InputError(f"n_kept must be from 0 to n_features ({n_features}), got {kept.min():g} to {kept.max():g}")
    log_models: NDArray[np.float64] = (
        special.gammaln(n_features + 1.0) - special.gammaln(kept + 1.0) - special.gammaln(n_features - kept + 1.0)
    )
    return log_models


def _checked_gamma(gamma: float) -> float:
    if not 0.0 <= gamma <= 1.0:
        raise InputError(f"gamma must be from 0 to 1, got {gamma}")
    return float(gamma)
