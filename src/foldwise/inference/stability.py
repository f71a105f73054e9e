"""How steadily features are kept, and with which sign, over the fits of a cross-validation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError


@dataclass(frozen=True)
class Stability:
    """What the fits agree on, feature by feature.

    Attributes
    ----------
    survival : (p,) array
        The share of fits whose coefficient is not zero.
    sign : (p,) array of int
        The sign that most fits with a nonzero coefficient have: -1, 1, or 0 where there are none or as many of each.
    agreement : (p,) array
        The share of those fits that have the more frequent sign; NaN where no fit keeps the feature.
    """

    survival: NDArray[np.float64]
    sign: NDArray[np.intp]
    agreement: NDArray[np.float64]


def stability(coef: ArrayLike) -> Stability:
    """Selection frequencies and sign agreement of p coefficients over F fits.

    Parameters
    ----------
    coef : (F, p) array
        Coefficients of each fit at the penalty strength it chose, exact zeros where a feature is dropped.

    Returns
    -------
    Stability

    Raises
    ------
    InputError
        Where there is no fit, or a coefficient is not finite.

    References
    ----------
    Meinshausen & Buehlmann (2010), Stability selection, Journal of the Royal Statistical Society B 72, section 2, for
    selection frequencies.

    Examples
    --------
    >>> from foldwise.inference import stability
    >>> found = stability([[1.0, 0.0], [2.0, -1.0], [-1.0, 0.0], [3.0, 0.0]])
    >>> found.survival.tolist(), found.sign.tolist(), found.agreement.tolist()
    ([1.0, 0.25], [1, -1], [0.75, 1.0])
    """
    fits = checked_fits(coef)
    positive = np.sum(fits > 0.0, axis=0)
    negative = np.sum(fits < 0.0, axis=0)
    kept = positive + negative
    agreement = np.full(kept.shape, np.nan)
    np.divide(np.maximum(positive, negative), kept, out=agreement, where=kept > 0)
    return Stability(kept / fits.shape[0], np.sign(positive - negative), agreement)


def checked_fits(coef: ArrayLike) -> NDArray[np.float64]:
    """Coefficients of several fits (F, p), finite.

    Examples
    --------
    >>> checked_fits([[1.0, 0.0]]).shape
    (1, 2)
    """
    fits = np.asarray(coef, dtype=float)
    if fits.ndim != 2 or fits.shape[0] == 0:
        raise InputError(f"coef must have shape (fits, features) with at least one fit, got {fits.shape}")
    if not np.all(np.isfinite(fits)):
        fit, feature = np.argwhere(~np.isfinite(fits))[0]
        raise InputError(f"coef must be finite, got {fits[fit, feature]} in fit {fit} for feature {feature}")
    return fits
