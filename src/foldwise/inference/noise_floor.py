"""Noise floor: how many features that mean nothing survive at each strength, counted on shadows that ride along."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NoiseFloor:
    """What shadow columns say of the others.

    Attributes
    ----------
    kept, shadows : (A,) arrays
        Features, and shadows, that a fit keeps at each strength; means over the fits.
    false_share : (A,) array
        The expected share of false ones among the kept features, at most 1; 0 where none is kept.
    above : (p,) array
        The share of fits that each feature enters at a stronger penalty than any shadow.
    """

    kept: Floats
    shadows: Floats
    false_share: Floats
    above: Floats


def noise_floor(coef: ArrayLike, shadow_coef: ArrayLike) -> NoiseFloor:
    """Count how many shadow columns survive beside p features, along paths of F fits.

    A shadow has its feature's values in other rows' places (`foldwise.paths.shadow_columns`), so that it cannot help to
    predict; whatever a penalty lets in of q shadows it would let in of as many meaningless features. If of the p
    features m are meaningless, about m / q times as many of them are kept as shadows; since m is unknown, and at most
    p, `false_share` takes p: it errs on the careful side, the more so the more features matter. Shadows make a fit's
    choice harder (there are q more columns to choose from), which also errs on the careful side.

    Parameters
    ----------
    coef : (F, A, p) array
        Coefficients of the features, strengths descending, exact zeros where dropped.
    shadow_coef : (F, A, q) array
        Those of the shadows in the same fits.

    Returns
    -------
    NoiseFloor

    Raises
    ------
    InputError
        Where shapes disagree, or there is no fit, strength, feature or shadow.

    References
    ----------
    Wu, Boos & Stefanski (2007), Controlling variable selection by the addition of pseudovariables, Journal of the
    American Statistical Association 102, for the share; Kursa & Rudnicki (2010), Feature selection with the Boruta
    package, Journal of Statistical Software 36, for being above every shadow.

    Examples
    --------
    Two fits, two strengths: the first feature comes before the shadow, the second with it.

    >>> from foldwise.inference import noise_floor
    >>> floor = noise_floor([[[1.0, 0.0], [1.5, 0.2]]] * 2, [[[0.0], [0.1]]] * 2)
    >>> floor.kept.tolist(), floor.shadows.tolist(), floor.above.tolist()
    ([1.0, 2.0], [0.0, 1.0], [1.0, 0.0])
    """
    real, fake = np.asarray(coef, dtype=float), np.asarray(shadow_coef, dtype=float)
    if real.ndim != 3 or fake.ndim != 3 or real.shape[:2] != fake.shape[:2] or 0 in (*real.shape, *fake.shape):
        raise InputError(
            "coef and shadow_coef must have shapes (fits, strengths, features) and (fits, strengths, shadows), with "
            f"one of each or more, got {real.shape} and {fake.shape}"
        )
    on, fake_on = real != 0.0, fake != 0.0
    kept, shadows = on.sum(axis=2).mean(axis=0), fake_on.sum(axis=2).mean(axis=0)
    expected = shadows * (real.shape[2] / fake.shape[2])
    false_share = np.minimum(np.divide(expected, kept, out=np.zeros_like(kept), where=kept > 0.0), 1.0)
    first_fake = _entry(fake_on).min(axis=1)
    return NoiseFloor(kept, shadows, false_share, np.mean(_entry(on) < first_fake[:, None], axis=0))


def _entry(on: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The first strength at which each column is kept (F, p); A where it never is."""
    first: NDArray[np.intp] = np.where(on.any(axis=1), on.argmax(axis=1), on.shape[1])
    return first
