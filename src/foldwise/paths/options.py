"""Checks of what is asked of fit_paths, with messages that name the argument and what would be accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError
from foldwise.paths.penalized import Choice, check_grouped_factor
from foldwise.paths.problem import Options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


ADAPTIVE = "adaptive"


def check_options(
    p: int,
    *,
    fit_intercept: bool,
    standardize: bool,
    penalty_factor: Any,
    bounds: Any,
    penalty: Choice | None = None,
) -> Options:
    """Options for p columns; penalty factors and bounds spread over all of them."""
    # Who names no penalty makes no factors for each training set either.
    adaptive = penalty is not None and isinstance(penalty_factor, str) and penalty_factor == ADAPTIVE
    plain = penalty_factor is None or adaptive
    factor = np.ones(p) if plain else spread("penalty_factor", penalty_factor, p)
    if np.any(np.isnan(factor) | (factor < 0.0)):
        at = int(np.flatnonzero(np.isnan(factor) | (factor < 0.0))[0])
        message = f"penalty_factor must be >= 0 (0 unpenalized, inf left out), got {factor[at]} for column {at}"
        raise InputError(message)
    lower, upper = check_bounds(bounds, p)
    options = Options(
        fit_intercept=bool(fit_intercept),
        standardize=bool(standardize),
        penalty_factor=factor,
        lower=lower,
        upper=upper,
        penalty=penalty or Choice(),
        adaptive=adaptive,
    )
    check_grouped_factor(options.penalty, factor, bounded=options.is_bounded)
    return options


def check_bounds(bounds: Any, p: int) -> tuple[Floats, Floats]:
    """Lower and upper bounds (p,) from a pair of scalars, arrays or None."""
    if bounds is None:
        return np.full(p, -np.inf), np.full(p, np.inf)
    try:
        low, high = bounds
    except (TypeError, ValueError) as error:
        message = f"bounds must be a pair (lower, upper) of numbers, arrays or None, got {bounds!r}"
        raise InputError(message) from error
    lower = np.full(p, -np.inf) if low is None else spread("bounds", low, p)
    upper = np.full(p, np.inf) if high is None else spread("bounds", high, p)
    bad = np.flatnonzero(~((lower <= 0.0) & (upper >= 0.0)))
    if len(bad):
        at = bad[0]
        message = f"bounds must have lower <= 0 <= upper, got ({lower[at]}, {upper[at]}) for column {at}"
        raise InputError(message)
    return lower, upper


def spread(name: str, value: Any, p: int) -> Floats:
    """A float array (p,) from a number or an array of that length."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        message = f"{name} must be numbers, got {value!r}"
        raise InputError(message) from error
    if array.ndim == 0:
        return np.full(p, float(array))
    if array.shape != (p,):
        message = f"{name} must be one number or one for each of the {p} columns, got shape {array.shape}"
        raise InputError(message)
    return array


def check_fraction(name: str, value: Any, *, least: float, most: float, open_left: bool = False) -> float:
    """A number in [least, most], or (least, most]."""
    kind = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not kind or not (least < value <= most if open_left else least <= value <= most):
        message = f"{name} must be a number {'above' if open_left else 'from'} {least} up to {most}, got {value!r}"
        raise InputError(message)
    return float(value)
