"""MCP, the minimax concave penalty: a lasso whose pull fades in a straight line as a coefficient grows."""

from __future__ import annotations

import numpy as np

from foldwise.errors import InputError
from foldwise.penalties.pieces import Pieces

GAMMA = 3.0


def mcp(gamma: float = GAMMA) -> Pieces:
    """Two pieces, lam t - t^2 / (2 gamma) up to t = gamma lam and constant beyond: no large coefficient is shrunk.

    Parameters
    ----------
    gamma : float above 1
        Towards 1 it is hard thresholding, towards infinity the lasso.

    Source: C.-H. Zhang (2010), Nearly unbiased variable selection under minimax concave penalty, Annals of Statistics
    38.

    Examples
    --------
    >>> import numpy as np
    >>> mcp(3.0).derivative(np.array([0.0, 1.5, 4.0]), np.ones(3))
    array([1. , 0.5, 0. ])
    """
    if not 1.0 < gamma < np.inf:
        message = f"gamma must be a finite number above 1 for MCP, got {gamma!r}"
        raise InputError(message)
    return Pieces(start=np.array([0.0, gamma]), level=np.array([1.0, 0.0]), slope=np.array([-1.0 / gamma, 0.0]))
