"""Checks of the estimators' parameters, each error naming the parameter, the value and what would be accepted."""

import math
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.paths.options import check_bounds

Array = NDArray[np.float64]
Bounds = tuple[Array, Array]


def number(name: str, value: Any, low: float = 0.0, high: float = math.inf, *, above: bool = False) -> float:
    """Return the value as a float within [low, high], or within (low, high] where `above`."""
    fits = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if fits and (low < value or (low == value and not above)) and value <= high:
        return float(value)
    lower = f"> {low:g}" if above else f">= {low:g}"
    upper = "" if math.isinf(high) else f" and <= {high:g}"
    raise InputError(f"{name} must be a number {lower}{upper}, got {value!r}")


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


def numbers(name: str, values: Any, high: float = math.inf, *, above: bool = False) -> Array:
    """Return one or more finite numbers in [0, high], (0, high] where `above`, as (A,)."""
    try:
        array = np.atleast_1d(np.array(values, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be a number or a list of them, got {values!r}") from error
    if array.ndim != 1 or array.size == 0:
        raise InputError(f"{name} must be a number or a list of them, got shape {array.shape}")
    for at, value in enumerate(array.tolist()):
        number(f"{name}[{at}]" if np.ndim(values) else name, value, 0.0, min(high, np.finfo(float).max), above=above)
    return array


def limits(bounds: Any, p: int, *, positive: bool) -> Bounds | None:
    """Return (lower, upper), both (p,) with lower <= 0 <= upper in units of the coefficients; None for no limits.

    `positive` raises every lower bound to zero.
    """
    if bounds is None and not positive:
        return None
    lower, upper = check_bounds(bounds, p)
    return (np.maximum(lower, 0.0) if positive else lower), upper
