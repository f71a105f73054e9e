"""Holm's adjustment of p values for the number of comparisons."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError
from foldwise.inference.corrected_t import checked_row


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p values (m,): comparing them with 5 % keeps the chance of any false claim among m at 5 %.

    Step-down: the smallest p is multiplied by m, the next by m - 1 and so on; none falls below the one before.
    Valid whatever the dependence between the comparisons.

    Parameters
    ----------
    p : (m,) array
        p values, in any order.

    Returns
    -------
    (m,) array
        Adjusted p values in the same order, at most 1.

    Raises
    ------
    InputError
        Where a value is not between 0 and 1.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.

    Examples
    --------
    >>> from foldwise.inference import holm
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    value = checked_row("p", p)
    if np.any((value < 0.0) | (value > 1.0)):
        raise InputError(f"p must be between 0 and 1, got {value[(value < 0.0) | (value > 1.0)][0]}")
    m = value.shape[0]
    order = np.argsort(value, kind="stable")
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(value[order] * (m - np.arange(m))))
    return adjusted
