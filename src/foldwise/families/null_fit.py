"""The null fit: the intercept that fits best without any feature, for many sets of row weights at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.families.family import Family

    Floats = NDArray[np.float64]

MAX_STEPS = 200


def null_intercept(family: Family, y: Floats, weight: Floats, offset: Floats | None = None) -> Floats:
    """The intercept (H,) that minimizes sum_i w_ih l(offset_i + b0; y_i) for each column of weights.

    Newton's method with a bracket: a step that leaves it is halved towards its end.

    Parameters
    ----------
    family : Family
    y : array (n,)
    weight : array (n, H)
        Each column has a positive sum.
    offset : array (n,), optional

    Returns
    -------
    array (H,)
        Far out (about 30 from the start) where the best intercept is infinite, as for a class that is absent.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.families import Poisson
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> null_intercept(Poisson(), y, np.ones((3, 1))).round(6) == np.log(3.0).round(6)
    array([ True])
    """
    total = weight.sum(axis=0)
    mean = y @ weight / total
    with np.errstate(divide="ignore"):
        start = family.link(mean)
    start = np.clip(np.nan_to_num(start, neginf=-30.0, posinf=30.0), -1e300, 1e300)
    centre = 0.0 if offset is None else offset @ weight / total
    b = start - centre
    if offset is None and family.name != "huber":
        return b
    return _newton(family, y, weight, np.zeros(len(y)) if offset is None else offset, b)


def _newton(family: Family, y: Floats, weight: Floats, offset: Floats, b: Floats) -> Floats:
    low, high = np.full(len(b), -np.inf), np.full(len(b), np.inf)
    total = weight.sum(axis=0)
    width = 1.0 + np.abs(b)
    for _ in range(MAX_STEPS):
        gradient, curvature = family.slopes(offset[:, None] + b, y)
        g = np.where(weight > 0.0, weight * gradient, 0.0).sum(axis=0) / total
        h = np.where(weight > 0.0, weight * curvature, 0.0).sum(axis=0) / total
        low, high = np.where(g < 0.0, b, low), np.where(g > 0.0, b, high)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = np.clip(np.nan_to_num(g / h, posinf=1e300, neginf=-1e300), -width, width)
        new = b - step
        inside = (new > low) & (new < high)
        with np.errstate(invalid="ignore"):
            middle = 0.5 * (low + high)
        new = np.where(inside | ~np.isfinite(middle), new, middle)
        moved = np.abs(new - b)
        b = new
        if np.all(moved <= 4.0 * np.finfo(float).eps * np.maximum(np.abs(b), 1.0)):
            break
    return b
