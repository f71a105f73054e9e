"""The values of one table column: which kind they are, as numbers, or as levels; refused where they are neither."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.tables.design import MISSING_LEVEL

Values = Literal["number", "boolean", "text", "nothing"]


def kind_of(name: str, column: pa.Array) -> Values:
    """Say what a column holds; ``nothing`` is a column without a single value.

    Raises
    ------
    InputError
        For dates, times, durations, bytes and nested values; the message suggests what to do instead.

    Examples
    --------
    >>> kind_of("x", pa.array([1.5, None]))
    'number'
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if column.null_count == len(column):
        return "nothing"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_dictionary(column.type) or _is_text(kind):
        return "text"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "nothing" if pa.types.is_floating(kind) and bool(pc.all(pc.is_nan(column)).as_py()) else "number"
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        hint = "turn it into a number with a unit (days, seconds)"
        raise InputError(f"column {name!r} holds durations ({kind}): {hint}, or drop it")
    if pa.types.is_temporal(kind):
        hint = "derive numbers from it (year, month, weekday, days since a date)"
        raise InputError(f"column {name!r} holds dates or times ({kind}): {hint}, or drop it")
    if pa.types.is_nested(kind):
        raise InputError(
            f"column {name!r} holds a list or record in each row ({kind}): make columns of its parts, or drop it"
        )
    raise InputError(f"column {name!r} must hold numbers, booleans or text, got {kind}")


def numbers(name: str, column: pa.Array) -> NDArray[np.float64]:
    """Give a column of numbers or booleans as float64, NaN where it is missing.

    Raises
    ------
    InputError
        If a value is infinite; the message names how many and the first row.

    Examples
    --------
    >>> numbers("x", pa.array([True, None, False]))
    array([ 1., nan,  0.])
    """
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    values: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        count = f"{infinite.size} infinite value{'s' if infinite.size > 1 else ''}"
        raise InputError(
            f"column {name!r} has {count}, first at row {infinite[0] + 1}: replace by a number, or leave empty"
        )
    return values


@dataclass(frozen=True, eq=False)
class Levels:
    """The texts of a column: its levels in sorted order (the missing one last), how often each occurs, and each row's.

    Examples
    --------
    >>> levels_of(pa.array(["b", "a", None, "b"])).names
    ('a', 'b', '(missing)')
    """

    names: tuple[str, ...]
    counts: NDArray[np.intp]
    codes: NDArray[np.intp]


def levels_of(column: pa.Array) -> Levels:
    """Sort out the levels of a column; numbers are taken by their digits (``3``, ``3.5``), missing values are a level.

    Levels that are all numbers are sorted as numbers.

    Examples
    --------
    >>> levels_of(pa.array([10, 9, 10])).counts
    array([1, 2])
    """
    texts = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    if pa.types.is_floating(texts.type):
        texts = pa.array([None if v is None or v != v else _digits(v) for v in texts.to_pylist()], pa.string())  # noqa: PLR0124
    texts = texts.cast(pa.large_string())
    encoded = pc.fill_null(texts, MISSING_LEVEL).dictionary_encode()
    found: list[str] = encoded.dictionary.to_pylist()
    order = in_order(found)
    rank = np.empty(len(found), dtype=np.intp)
    rank[order] = np.arange(len(found))
    codes = rank[encoded.indices.to_numpy(zero_copy_only=False)]
    return Levels(tuple(found[i] for i in order), np.bincount(codes, minlength=len(found)), codes)


def refuse_spoiled_numbers(name: str, column: pa.Array, levels: Levels) -> None:
    """Refuse text in which most, but not all, of the values are numbers: a stray mark has spoiled a numeric column.

    Raises
    ------
    InputError
        Naming the column, how many values are not numbers, and the first of them with its row.

    Examples
    --------
    >>> spoiled = pa.array(["1", "2", "$12", "4"])
    >>> refuse_spoiled_numbers("price", spoiled, levels_of(spoiled))
    Traceback (most recent call last):
    foldwise.errors.InputError: column 'price' has 1 non-numeric value, first at row 3: '$12'
    """
    if pa.types.is_dictionary(column.type):  # somebody has declared these categories
        return
    missing = np.array([level == MISSING_LEVEL for level in levels.names])
    numeric = np.array([number_in(level) is not None for level in levels.names]) & ~missing
    good, bad = int(levels.counts[numeric].sum()), int(levels.counts[~numeric & ~missing].sum())
    if bad == 0 or good <= bad:
        return
    row = int(np.flatnonzero((~numeric & ~missing)[levels.codes])[0])
    value = levels.names[levels.codes[row]]
    count = f"{bad} non-numeric value{'s' if bad > 1 else ''}"
    raise InputError(f"column {name!r} has {count}, first at row {row + 1}: {value!r}")


def number_in(text: str) -> float | None:
    """Read a text as a number, None where it is not one.

    Examples
    --------
    >>> number_in(" 1e3"), number_in("$12")
    (1000.0, None)
    """
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _digits(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def in_order(found: list[str]) -> list[int]:
    """Places of the levels in sorted order: as numbers where all are, as text otherwise, the missing one last."""
    values = {text: number_in(text) for text in found}
    numeric = all(value is not None for text, value in values.items() if text != MISSING_LEVEL)
    keys = [(text == MISSING_LEVEL, (values[text] or 0.0) if numeric else 0.0, text) for text in found]
    return sorted(range(len(found)), key=keys.__getitem__)
