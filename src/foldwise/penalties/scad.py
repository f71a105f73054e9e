"""SCAD, the smoothly clipped absolute deviation: the lasso for small coefficients, no pull on large ones."""

from __future__ import annotations

import numpy as np

from foldwise.errors import InputError
from foldwise.penalties.pieces import Pieces

GAMMA = 3.7


def scad(gamma: float = GAMMA) -> Pieces:
    """Slope lam up to t = lam, from there falling in a straight line to 0 at t = gamma lam.

    Parameters
    ----------
    gamma : float above 2

    Source: J. Fan and R. Li (2001), Variable selection via nonconcave penalized likelihood and its oracle properties,
    Journal of the American Statistical Association 96; 3.7 is theirs.

    Examples
    --------
    >>> import numpy as np
    >>> scad(3.0).derivative(np.array([0.5, 2.0, 4.0]), np.ones(3))
    array([1. , 0.5, 0. ])
    """
    if not 2.0 < gamma < np.inf:
        message = f"gamma must be a finite number above 2 for SCAD, got {gamma!r}"
        raise InputError(message)
    fall = 1.0 / (gamma - 1.0)
    return Pieces(
        start=np.array([0.0, 1.0, gamma]), level=np.array([1.0, gamma * fall, 0.0]), slope=np.array([0.0, -fall, 0.0])
    )
