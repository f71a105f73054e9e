"""Checks of parameters, each error naming the parameter, the value received and what would be accepted."""

import math
import sys
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError

_LARGEST = sys.float_info.max


def number(name: str, value: Any, low: float = 0.0, high: float = _LARGEST, *, above: bool = False) -> float:
    """Return the value as a float within [low, high], or within (low, high] where `above`.

    Finite, unless `high` is infinite.

    Examples
    --------
    >>> from foldwise.parameters.checks import number
    >>> number("C", float("inf"), high=float("inf"))
    inf
    >>> number("alpha", float("inf"))
    Traceback (most recent call last):
    foldwise.errors.InputError: alpha must be a finite number >= 0, got inf
    """
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if real and (low < value or (low == value and not above)) and value <= high:
        return float(value)
    kind = "finite number" if real and math.isinf(value) and value > 0 else "number"
    lower = f"> {low:g}" if above else f">= {low:g}"
    upper = "" if high >= _LARGEST else f" and <= {high:g}"
    raise InputError(f"{name} must be a {kind} {lower}{upper}, got {value!r}")


def share(name: str, value: Any) -> float:
    """Return the value as a float in [0, 1)."""
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if real and 0.0 <= value < 1.0:
        return float(value)
    raise InputError(f"{name} must be a number >= 0 and < 1, got {value!r}")


def whole(name: str, value: Any, least: int) -> int:
    """Return the value as an int of at least `least`."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise InputError(f"{name} must be a whole number >= {least}, got {value!r}")


def flag(name: str, value: Any) -> bool:
    """Return the value, True or False."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise InputError(f"{name} must be True or False, got {value!r}")


def choice(name: str, value: Any, choices: Collection[str | None]) -> Any:
    """Return the value, one of the choices."""
    if isinstance(value, str | None) and value in choices:
        return value
    raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def numbers(name: str, values: Any, high: float = _LARGEST, *, above: bool = False) -> NDArray[np.float64]:
    """Return one or more numbers in [0, high], (0, high] where `above`, as (A,); finite, unless `high` is infinite."""
    try:
        array = np.atleast_1d(np.array(values, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be a number or a list of them, got {values!r}") from error
    if array.ndim != 1 or array.size == 0:
        raise InputError(f"{name} must be a number or a list of them, got shape {array.shape}")
    for at, value in enumerate(array.tolist()):
        number(f"{name}[{at}]" if np.ndim(values) else name, value, high=high, above=above)
    return array
