"""A new table -> raw values in the columns of a design made before: missing columns, changed types, unseen levels."""

import warnings
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foldwise.errors import DataWarning, InputError
from foldwise.tables.checks import require_column
from foldwise.tables.design import Category, Column
from foldwise.tables.frames import Columns
from foldwise.tables.values import Levels, kind_of, levels_of, number_in, numbers, refuse_spoiled_numbers


def raw_values(table: Columns, columns: Sequence[Column], categories: Sequence[Category]) -> NDArray[np.float64]:
    """Give the raw values (m, p) of a new table of m rows, NaN where a number is missing.

    Raises
    ------
    InputError
        If a column is missing, holds another type than before, or holds infinities.

    Warns
    -----
    DataWarning
        For levels that are new (all their columns are 0), and for a number column without a value.

    Examples
    --------
    >>> raw_values({"x": pa.array([1, None])}, [Column("x", "x", "number")], [])
    array([[ 1.],
           [nan]])
    """
    missing = [c.source for c in columns if c.source not in table]
    if missing and len(table) > 0 and len(set(missing)) == 1:
        require_column(missing[0], table, "table")
    if missing:
        listed = ", ".join(map(repr, dict.fromkeys(missing)))
        raise InputError(f"table: columns {listed} are missing")
    rows = len(next(iter(table.values())))
    values = np.zeros((rows, len(columns)), order="F")
    for j, column in enumerate(columns):
        if column.kind in {"number", "boolean"}:
            values[:, j] = _numbers(column, table[column.source])
    for category in categories:
        _mark_levels(values, category, table[category.source])
    return values


def _numbers(column: Column, found: pa.Array) -> NDArray[np.float64]:
    kind = kind_of(column.source, found)
    if kind == "nothing":
        message = (
            f"column {column.source!r} has no value in this table: every row gets the fill value of the training rows"
        )
        warnings.warn(message, DataWarning, stacklevel=4)
        return np.full(len(found), np.nan)
    if kind == "text":
        levels = levels_of(found)
        refuse_spoiled_numbers(column.source, found, levels)
        was = "numbers" if column.kind == "number" else "true and false"
        raise InputError(
            f"column {column.source!r} held {was} when the model was fitted and holds text now: {levels.names[0]!r}"
        )
    x = numbers(column.source, found)
    if column.kind == "boolean" and kind == "number":
        other = np.flatnonzero(~np.isnan(x) & (x != 0) & (x != 1))
        if other.size:
            at = f"{x[other[0]]:g} at row {other[0] + 1}"
            raise InputError(f"column {column.source!r} held true and false when the model was fitted, got {at}")
    if column.kind == "number" and kind == "boolean":
        raise InputError(
            f"column {column.source!r} held numbers when the model was fitted and holds true and false now"
        )
    return x


def _mark_levels(values: NDArray[np.float64], category: Category, found: pa.Array) -> None:
    kind = kind_of(category.source, found)
    known = category.column_of
    # A file with only the levels '1' and '2' is read as numbers; they are levels if the known ones look like that.
    if kind in {"number", "boolean"} and not _as_text(kind, known):
        what = "numbers" if kind == "number" else "true and false"
        raise InputError(f"column {category.source!r} held text when the model was fitted and holds {what} now")
    levels = levels_of(found.cast(pa.string()) if kind == "nothing" else found)
    place = np.array([-1 if known.get(name) is None else known[name] for name in levels.names], dtype=np.intp)
    row_place = place[levels.codes]
    rows = np.flatnonzero(row_place >= 0)
    values[rows, row_place[rows]] = 1.0
    _warn_of_new(category.source, levels, known)


def _as_text(kind: str, known: dict[str, int | None]) -> bool:
    if kind == "boolean":
        return not {"true", "false"}.isdisjoint(known)
    return any(number_in(level) is not None for level in known)


def _warn_of_new(source: str, levels: Levels, known: dict[str, int | None]) -> None:
    new = [(name, count) for name, count in zip(levels.names, levels.counts, strict=True) if name not in known]
    if not new:
        return
    rows = sum(int(count) for _, count in new)
    shown = ", ".join(repr(name) for name, _ in new[:3]) + (", ..." if len(new) > 3 else "")
    levels_text = f"{len(new)} level{'s' if len(new) > 1 else ''}"
    rows_text = f"{rows} row{'s' if rows > 1 else ''}"
    seen = f"has {levels_text} not seen before ({shown}) on {rows_text}"
    warnings.warn(f"column {source!r} {seen}: encoded as none of the known ones", DataWarning, stacklevel=4)
