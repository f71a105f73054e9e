"""Piece: what one candidate leaves on one repeat, as plain arrays, so that it can be kept and joined with others."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Piece:
    """Out-of-fold predictions of one tuned procedure on one partition, rows in the table's order.

    Attributes
    ----------
    predictions : (n,) array, or (n, C) for C classes
        Of each row by the fit that holds out its fold: means in the target's unit, chances of the second of two
        classes or of each of C, the logarithm of the relative hazard.
    eta : array of the same shape, or None
        The linear predictors that are scored; None where predictions are all there is.
    everywhere : (K, n) array or None
        Linear predictors of all rows by each fold's fit: what families need whose rows share a loss.
    score : float or None
        Mean squared error, or mean deviance, that the inner choice saw for what it chose; None where there was none or
        it is another score.
    arrays : dict of arrays
        What the candidate itself needs when it joins its pieces.
    notes : tuple of str
        What the user should know, in sentences without the last period.
    seconds : float
        How long it took; entered by the study.
    """

    predictions: Floats
    eta: Floats | None = None
    everywhere: Floats | None = None
    score: float | None = None
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
