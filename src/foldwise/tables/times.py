"""Times to an event: a column of times and one that says whether the event came, or the row was no longer watched."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.tables.checks import target_values
from foldwise.tables.target import Target
from foldwise.tables.values import kind_of, numbers


def read_times(time: str, times: pa.Array, event: str, events: pa.Array) -> Target:
    """Read a time to an event as the target of the Cox family.

    Parameters
    ----------
    time, event : str
        The names of the columns.
    times : array (n,)
        Numbers >= 0.
    events : array (n,)
        True or 1 where the event came at that time, false or 0 where it had not come by then.

    Raises
    ------
    InputError
        Names the column and the first row that can't be used.

    Examples
    --------
    >>> found = read_times("days", pa.array([3.0, 5.0]), "died", pa.array([True, False]))
    >>> found.values.tolist(), found.event.tolist(), found.reason
    ([3.0, 5.0], [1.0, 0.0], 'days is a time, and died says whether the event came (1 of 2 rows)')
    """
    values = target_values(time, times)
    _refuse_negative(time, values)
    came = _events(event, events)
    if not came.any():
        raise InputError(f"event {event!r} is 0 in every row: no event came, so that no risk can be told from another")
    count = f"{int(came.sum())} of {len(came)} rows"
    return Target(values, "cox", f"{time} is a time, and {event} says whether the event came ({count})", event=came)


def _events(name: str, column: pa.Array) -> NDArray[np.float64]:
    kind = kind_of(name, column)
    if kind == "nothing":
        raise InputError(f"event {name!r} is missing in every row")
    if kind == "text":
        raise InputError(
            f"event {name!r} must be true or false, or 1 or 0, got text: {str(column.drop_null()[0].as_py())!r}"
        )
    values = numbers(name, column)
    missing = np.flatnonzero(np.isnan(values))
    if missing.size:
        count = f"{missing.size} of {values.size} rows"
        raise InputError(f"event {name!r} is missing in {count}, first at row {missing[0] + 1}: remove those rows")
    odd = np.flatnonzero((values != 0.0) & (values != 1.0))
    if odd.size:
        raise InputError(
            f"event {name!r} must be 1 (it came) or 0 (it had not come), or true or false, got {values[odd[0]]:g} at "
            f"row {odd[0] + 1}"
        )
    return values


def _refuse_negative(name: str, values: NDArray[np.float64]) -> None:
    rows = np.flatnonzero(values < 0.0)
    if rows.size:
        such = f" ({rows.size} such rows)" if rows.size > 1 else ""
        first = f"{values[rows[0]]:g} at row {rows[0] + 1}{such}"
        raise InputError(f"time {name!r} must be 0 or more in every row, got {first}")
