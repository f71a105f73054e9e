"""Numbers of one column, written with the same decimals so that they line up, and the round numbers of an axis."""

from collections.abc import Callable
from math import ceil, floor, isfinite, log10


def same_decimals(reference: float, digits: int = 3, *, signed: bool = False) -> Callable[[float], str]:
    """A writer that gives `reference` so many significant digits, and every other number the same decimals.

    Examples
    --------
    >>> write = same_decimals(3.4029)
    >>> write(3.4029), write(12.0), write(0.001)
    ('3.40', '12.00', '0.00')
    >>> same_decimals(15234.7)(15234.7), same_decimals(2.5e-8)(2.5e-8), same_decimals(0.2, 2, signed=True)(0.25)
    ('15,235', '2.50e-08', '+0.25')
    """
    sign = "+" if signed else ""
    exponent = floor(log10(abs(reference))) if reference != 0.0 and isfinite(reference) else 0
    if not -5 <= exponent < 8:
        return lambda value: f"{value:{sign}.{digits - 1}e}"
    decimals = max(digits - 1 - exponent, 0)
    return lambda value: f"{value:{sign},.{decimals}f}"


def ticks(low: float, high: float, count: int, *, closest: float = 0.999) -> list[float]:
    """Round numbers within [low, high], about so many.

    Parameters
    ----------
    low, high : float
    count : int
    closest : float
        How close they may stand, as a share of (high - low) / count: below 1 there may be some more.

    Examples
    --------
    >>> ticks(3.02, 3.77, 4)
    [3.2, 3.4, 3.6]
    """
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** floor(log10(rough))
    step = next(s for s in (power, 2 * power, 5 * power, 10 * power) if s >= closest * rough)
    first = ceil(low / step - 1e-9)
    return [round((first + i) * step, 12) for i in range(floor(high / step + 1e-9) - first + 1)]
