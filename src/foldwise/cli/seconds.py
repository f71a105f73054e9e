"""Times as people type them."""

import re

from foldwise.errors import InputError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds_of(text: str, argument: str = "--budget") -> float:
    """Seconds of a time such as 60, 60s, 5m or 1.5h.

    Raises
    ------
    InputError
        Where it is none.

    Examples
    --------
    >>> seconds_of("90"), seconds_of("1.5 min"), seconds_of("2h")
    (90.0, 90.0, 7200.0)
    """
    found = re.fullmatch(r"\s*(\d+\.?\d*)\s*(s|m|min|h|)\s*", text)
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if seconds <= 0.0:
        raise InputError(f"{argument} must be a time such as 60s, 5m or 1h, got {text!r}")
    return seconds
