"""Concordance: how often the row with the higher risk has its event first, Harrell's C."""

import numpy as np

from foldwise.errors import InputError
from foldwise.linear.checks import Array

_PAIRS = 1 << 22  # how many pairs are looked at at a time


def concordance(time: Array, event: Array, risk: Array) -> float:
    """Share of comparable pairs in which the higher risk goes first, ties in risk counting half.

    A pair is comparable where the earlier time is an event's (at equal times: where the other is censored).

    Parameters
    ----------
    time, event, risk : arrays (n,)
        Event is 1, or 0 where censored.

    Raises
    ------
    InputError
        Where no pair is comparable.

    Source: F. E. Harrell et al. (1982), Evaluating the yield of medical tests, JAMA 247.

    Examples
    --------
    >>> concordance(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 0.0]), np.array([2.0, 3.0, 1.0]))
    0.6666666666666666
    """
    right, pairs = 0.0, 0
    events = np.flatnonzero(event > 0.0)
    for part in np.array_split(events, max(1, len(events) * len(time) // _PAIRS)):
        later = (time > time[part, None]) | ((time == time[part, None]) & (event == 0.0))
        away = risk[part, None] - risk
        right += float(np.count_nonzero(later & (away > 0.0))) + 0.5 * float(np.count_nonzero(later & (away == 0.0)))
        pairs += int(np.count_nonzero(later))
    if not pairs:
        raise InputError("y must have an event before another row's time, got no comparable pair")
    return right / pairs
