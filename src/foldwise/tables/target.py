"""The target of a table: its numbers or classes, and the family that fits them, with the reason in words."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.tables.checks import target_values
from foldwise.tables.values import kind_of, levels_of, number_in, numbers, refuse_spoiled_numbers

Label = str | bool | int | float

TWO_CLASSES = ("binomial", "probit", "cloglog")
KNOWN = ("gaussian", "huber", *TWO_CLASSES, "multinomial", "poisson", "gamma", "tweedie", "negative binomial", "cox")
_LEAST = {"poisson": 0.0, "negative binomial": 0.0, "tweedie": 0.0, "gamma": np.nextafter(0.0, 1.0)}
_ACCEPTED = {"gamma": "an amount above 0 in every row"}
MOST_CLASSES = 20
"""Text with more different values than this names rows or things, and is no classes."""
MOST_COUNTS = 10.0
"""Whole numbers from 0 whose mean is larger are taken for amounts like any others."""


@dataclass(frozen=True, eq=False)
class Target:
    """What is predicted.

    Attributes
    ----------
    values : (n,) array
        Numbers; for classes their numbers, from 0 in sorted order; for times to an event the times.
    family : str
        Whose loss fits such a target: "gaussian" for numbers, "binomial" for two classes, "multinomial" for more,
        "poisson" for counts, "cox" for times to an event, or the one that was asked for.
    reason : str
        Why, in a few words.
    classes : tuple
        The classes in sorted order; empty for numbers.
    event : (n,) array or None
        For times to an event: 1 where it came, 0 where the row was no longer watched.
    """

    values: NDArray[np.float64]
    family: str
    reason: str
    classes: tuple[Label, ...] = ()
    event: NDArray[np.float64] | None = None


def read_target(name: str, column: pa.Array, family: str | None = None) -> Target:
    """Read a target, for a family or for the one that its values suggest.

    Two different values of any kind are classes, and so is text with 3 to 20 different values. Whole numbers from 0,
    with zeros and a mean of at most 10, are counts.

    Raises
    ------
    InputError
        If it is missing in some rows, has one value only, too many classes, or values that the family can't have.

    Examples
    --------
    >>> found = read_target("smokes", pa.array(["yes", "no", "no"]))
    >>> found.family, found.classes, found.values.tolist()
    ('binomial', ('no', 'yes'), [1.0, 0.0, 0.0])
    >>> read_target("visits", pa.array([0, 2, 1, 0])).reason
    'visits holds whole numbers from 0 with a mean of 0.75: counts'
    """
    if family is not None and family not in KNOWN:
        raise InputError(f"family must be one of {', '.join(KNOWN)} for a table, got {family!r}")
    if family == "cox":
        raise InputError("family 'cox' needs the names of a column of times and one of events: give time and event")
    if family in {*TWO_CLASSES, "multinomial"}:
        return _classes(name, column, family)
    kind = kind_of(name, column)
    if family is None and (kind in {"text", "boolean"} or _has_two_values(name, column, kind)):
        return _classes(name, column, None)
    values = target_values(name, column)
    if family is not None:
        _refuse_values(name, values, family)
        return Target(values, family, "as asked for")
    if values.min() == 0.0 and values.mean() <= MOST_COUNTS and np.all(values == np.round(values)):
        why = f"{name} holds whole numbers from 0 with a mean of {values.mean():.3g}: counts"
        return Target(values, "poisson", why)
    return Target(values, "gaussian", f"{name} holds numbers")


def _has_two_values(name: str, column: pa.Array, kind: str) -> bool:
    if kind != "number" or column.null_count:
        return False
    return np.unique(numbers(name, column)).size == 2


def _classes(name: str, column: pa.Array, family: str | None) -> Target:
    kind = kind_of(name, column)
    _refuse_missing(f"target {name!r}", column, kind)
    labels, codes = _labels(name, column, kind)
    if len(labels) == 1:
        raise InputError(f"target {name!r} is {labels[0]!r} in every row; there is nothing to predict")
    if len(labels) > (2 if family in TWO_CLASSES else MOST_CLASSES):
        _refuse_many(name, labels, family)
    if len(labels) == 2 and family != "multinomial":
        first, second = map(repr, labels)
        why = f"{name} has two classes, {first} and {second}"
    else:
        why = f"{name} has {len(labels)} classes, {_shown(labels)}"
    chosen = family or ("binomial" if len(labels) == 2 else "multinomial")
    return Target(codes.astype(np.float64), chosen, why, labels)


def _refuse_many(name: str, labels: tuple[Label, ...], family: str | None) -> None:
    shown = _shown(labels)
    if family in TWO_CLASSES:
        more = "; the multinomial family takes more" if len(labels) <= MOST_CLASSES else ""
        raise InputError(
            f"target {name!r} must have two different values for the {family} family, got {len(labels)}: {shown}{more}"
        )
    what = "text with" if isinstance(labels[0], str) else ""
    raise InputError(
        f"target {name!r} must be a number or have at most {MOST_CLASSES} classes, got {what} {len(labels)} different "
        f"values: {shown}".replace("got  ", "got ")
    )


def _shown(labels: tuple[Label, ...]) -> str:
    return ", ".join(map(repr, labels[:3])) + (", ..." if len(labels) > 3 else "")


def _refuse_missing(what: str, column: pa.Array, kind: str) -> None:
    if kind == "nothing":
        raise InputError(f"{what} is missing in every row")
    missing = np.flatnonzero(column.is_null(nan_is_null=True).to_numpy(zero_copy_only=False))
    if missing.size:
        count = f"{missing.size} of {len(column)} rows"
        raise InputError(f"{what} is missing in {count}, first at row {missing[0] + 1}: remove those rows")


def _labels(name: str, column: pa.Array, kind: str) -> tuple[tuple[Label, ...], NDArray[Any]]:
    if kind == "text":
        levels = levels_of(column)
        if not all(number_in(level) is None for level in levels.names[:2]) and len(levels.names) > 2:
            refuse_spoiled_numbers(name, column, levels)
        return levels.names, levels.codes
    values, codes = np.unique(numbers(name, column), return_inverse=True)
    found: list[Any] = values.tolist()
    if kind == "boolean":
        return tuple(bool(value) for value in found), codes
    return tuple(int(value) if float(value).is_integer() else value for value in found), codes


def _refuse_values(name: str, values: NDArray[np.float64], family: str) -> None:
    least = _LEAST.get(family, -np.inf)
    odd = np.flatnonzero(values < least)
    if odd.size:
        accepted = _ACCEPTED.get(family, "0 or more in every row")
        such = f" ({odd.size} such rows)" if odd.size > 1 else ""
        raise InputError(
            f"target {name!r} must be {accepted} for the {family} family, got {values[odd[0]]:g} at row "
            f"{odd[0] + 1}{such}"
        )
