"""Signed bars made of characters: negative to the left of a line, positive to the right."""

from math import isfinite

AXIS = "│"
FULL = "█"
RIGHT_HALF, LEFT_HALF = "▐", "▌"


def signed_bar(value: float, largest: float, half: int) -> tuple[str, str]:
    """(left, right) of the axis, `half` characters each, in steps of half a character.

    A value other than zero shows at least half a character; zero shows none.

    Examples
    --------
    >>> "".join([signed_bar(-2.0, 4.0, 4)[0], AXIS, signed_bar(-2.0, 4.0, 4)[1]])
    '  ██│    '
    >>> signed_bar(1.5, 4.0, 4)[1]
    '█▌  '
    """
    if value == 0.0 or not isfinite(value) or largest <= 0.0:
        return " " * half, " " * half
    steps = min(max(round(2 * half * abs(value) / largest), 1), 2 * half)
    whole, odd = divmod(steps, 2)
    if value < 0.0:
        return ((RIGHT_HALF if odd else "") + FULL * whole).rjust(half), " " * half
    return " " * half, (FULL * whole + (LEFT_HALF if odd else "")).ljust(half)
