"""Limits of coefficients as the estimators take them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.paths.options import check_bounds

Array = NDArray[np.float64]
Bounds = tuple[Array, Array]


def limits(bounds: Any, p: int, *, positive: bool) -> Bounds | None:
    """Return (lower, upper), both (p,) with lower <= 0 <= upper in units of the coefficients; None for no limits.

    `positive` raises every lower bound to zero.
    """
    if bounds is None and not positive:
        return None
    lower, upper = check_bounds(bounds, p)
    return (np.maximum(lower, 0.0) if positive else lower), upper
