"""Numbers and lists as people read them."""

from collections.abc import Sequence
from math import floor, isfinite, log10


def number(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, without an exponent where it is readable without.

    Examples
    --------
    >>> number(3.3512), number(0.0021777), number(15234.7), number(1.5e-9), number(0.0), number(-0.5)
    ('3.35', '0.00218', '15,235', '1.50e-09', '0', '-0.500')
    """
    if value == 0.0 or not isfinite(value):
        return f"{value:.0f}"
    exponent = floor(log10(abs(float(f"{value:.{digits - 1}e}"))))
    if not -5 <= exponent < 9:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{max(digits - 1 - exponent, 0)}f}"


def share(value: float) -> str:
    """A share in percent, never rounded up to all or down to none.

    Examples
    --------
    >>> share(1.0), share(0.998), share(0.001), share(0.52)
    ('100 %', '99 %', '1 %', '52 %')
    """
    if 0.0 < value < 1.0:
        return f"{min(max(round(100 * value), 1), 99)} %"
    return f"{100 * value:.0f} %"


def p_value(value: float) -> str:
    """A p value to two digits, not below 0.001.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.00002), p_value(1.0), p_value(0.9996)
    ('0.031', '<0.001', '1', '1')
    """
    if value < 0.001:
        return "<0.001"
    return f"{value:.2g}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as a list.

    Examples
    --------
    >>> listed(["ridge"]), listed(["ridge", "lasso"]), listed(["a", "b", "c"])
    ('ridge', 'ridge and lasso', 'a, b and c')
    """
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def with_unit(value: str, unit: str | None) -> str:
    """A number in words, followed by its unit where it has one.

    Examples
    --------
    >>> with_unit("3.35", "mi/gal"), with_unit("3.35", None)
    ('3.35 mi/gal', '3.35')
    """
    return f"{value} {unit}" if unit else value
