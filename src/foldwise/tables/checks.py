"""What is looked for in a table before anything is fitted: an unusable target, leaks, identifiers."""

import difflib
import re
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.tables.frames import Columns
from foldwise.tables.values import kind_of, levels_of, numbers, refuse_spoiled_numbers

_LEAK = 1e-12  # 1 - |correlation| below which a feature is the target in another unit
_FEW_ROWS = 10  # too few to tell an identifier or a leak from chance
_ID_NAME = re.compile(
    r"(?i)(^|[^a-z])(id|idx|index|key|nr|no|num|row|rowid|rownum|uuid|guid|serial)([^a-z]|$)|[a-z](ID|Id)$"
)


def require_column(name: str, columns: Iterable[str], argument: str) -> None:
    """Refuse a column name that the table does not have, and list those that look like it.

    Examples
    --------
    >>> require_column("mgp", ["mpg", "weight"], "target")
    Traceback (most recent call last):
    foldwise.errors.InputError: target: the table has no column 'mgp'; did you mean 'mpg'?
    """
    names = list(columns)
    if name in names:
        return
    lower = {known.lower(): known for known in names}
    close = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=3)]
    shown = ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "")
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"it has {shown}"
    raise InputError(f"{argument}: the table has no column {name!r}; {hint}")


def target_values(name: str, column: pa.Array) -> NDArray[np.float64]:
    """Give the target as (n,) float64.

    Raises
    ------
    InputError
        If it is not numeric, has missing or infinite values (with their count and the first row), or is constant.

    Examples
    --------
    >>> target_values("y", pa.array([1, 2]))
    array([1., 2.])
    """
    kind = kind_of(name, column)
    if kind == "nothing":
        raise InputError(f"target {name!r} is missing in every row")
    if kind == "text":
        levels = levels_of(column)
        refuse_spoiled_numbers(name, column, levels)
        shown = ", ".join(map(repr, levels.names[:3])) + (", ..." if len(levels.names) > 3 else "")
        raise InputError(f"target {name!r} must be a number, got text: {shown}")
    if kind == "boolean":
        raise InputError(
            f"target {name!r} must be a number, got true and false; write them as 1 and 0 if that is what you mean"
        )
    values = numbers(name, column)
    missing = np.flatnonzero(np.isnan(values))
    if missing.size:
        count = f"{missing.size} of {values.size} rows"
        raise InputError(
            f"target {name!r} is missing in {count}, first at row {missing[0] + 1}: remove those rows, or fill them"
        )
    if values.size > 1 and np.all(values == values[0]):
        raise InputError(f"target {name!r} is {values[0]:g} in every row; there is nothing to predict")
    return values


def leaks(
    values: NDArray[np.float64], names: Sequence[str], target: NDArray[np.float64], target_name: str
) -> list[str]:
    """Find the columns that are the target itself, or the target in another unit (|correlation| = 1 to 1e-12).

    Rows where the column is missing are left out of its correlation; a column with under ten values is not judged.

    Examples
    --------
    >>> y = np.arange(10.0) ** 2
    >>> leaks(np.column_stack([3 - 2 * y, np.sqrt(y)]), ["a", "b"], y, "y")
    ["column 'a' is an exact linear function of the target 'y': a leak? drop it if it is not known beforehand"]
    """
    sentences = []
    for j, name in enumerate(names):
        x = values[:, j]
        seen = ~np.isnan(x)
        if seen.sum() < _FEW_ROWS:
            continue
        y = target if seen.all() else target[seen]
        x = x if seen.all() else x[seen]
        equal = np.array_equal(x, y)
        if equal or _is_linear(x, y):
            what = "equals the target" if equal else "is an exact linear function of the target"
            sentences.append(f"column {name!r} {what} {target_name!r}: a leak? drop it if it is not known beforehand")
    return sentences


def _is_linear(x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    dx, dy = x - x.mean(), y - y.mean()
    xx, yy, xy = dx @ dx, dy @ dy, dx @ dy
    if xx == 0 or yy == 0 or abs(xy) < 0.999 * np.sqrt(xx) * np.sqrt(yy):
        return False
    rest = dy - (xy / xx) * dx  # the residual keeps the digits that 1 - |correlation| would lose
    return bool(rest @ rest <= 2 * _LEAK * yy)


def identifiers(columns: Columns) -> list[str]:
    """Find columns that only name the row: row counters, and all-different whole numbers called something like id.

    Examples
    --------
    >>> identifiers({"car_id": pa.array([40, 7, 32, 18, 95, 21, 60, 11, 84, 3])})
    ["column 'car_id' looks like an identifier (whole numbers, all different): drop it if it only names the row"]
    """
    sentences = []
    for name, column in columns.items():
        if len(column) < _FEW_ROWS or column.null_count or not pa.types.is_integer(column.type):
            continue
        values = column.to_numpy(zero_copy_only=False)
        ordered = np.sort(values)
        if np.any(ordered[1:] == ordered[:-1]):
            continue
        if int(ordered[-1]) - int(ordered[0]) == len(values) - 1:
            what = "numbers the rows one by one: drop it if it is a row number and not a time"
            sentences.append(f"column {name!r} {what}")
        elif _ID_NAME.search(name):
            what = "looks like an identifier (whole numbers, all different): drop it if it only names the row"
            sentences.append(f"column {name!r} {what}")
    return sentences
