"""Checks of numbers given to networks, each error naming the argument, the value and what would be accepted."""

import math
from typing import Any

import numpy as np

from foldwise.errors import InputError


def number(name: str, value: Any, low: float = 0.0, high: float = math.inf, *, above: bool = False) -> float:
    """Return the value as a finite float within [low, high], or (low, high] where `above`."""
    fits = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if fits and math.isfinite(value) and (low < value or (low == value and not above)) and value <= high:
        return float(value)
    lower = f"> {low:g}" if above else f">= {low:g}"
    upper = "" if math.isinf(high) else f" and <= {high:g}"
    raise InputError(f"{name} must be a number {lower}{upper}, got {value!r}")


def share(name: str, value: Any) -> float:
    """Return the value as a float in [0, 1)."""
    fits = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if fits and 0.0 <= value < 1.0:
        return float(value)
    raise InputError(f"{name} must be a number >= 0 and < 1, got {value!r}")


def whole(name: str, value: Any, least: int) -> int:
    """Return the value as an int of at least `least`."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise InputError(f"{name} must be a whole number >= {least}, got {value!r}")
