"""Numbers of one column, written with the same decimals so that they line up."""

from collections.abc import Callable
from math import floor, isfinite, log10


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
