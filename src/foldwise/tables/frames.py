"""Any table in memory -> named Arrow columns: dataframes through narwhals, dicts of arrays, 2-D arrays."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from narwhals.exceptions import DuplicateError

from foldwise.errors import InputError

Columns = dict[str, pa.Array]


def columns_of(table: Any, names: Sequence[str] | None = None) -> Columns:
    """Give the columns of a table as Arrow arrays, in order.

    Parameters
    ----------
    table
        A pandas, polars (lazy ones are collected), pyarrow or other dataframe that narwhals knows; a dict of 1-D arrays
        of one length; or a 2-D array.
    names
        Column names of a 2-D array (default ``x1``, ``x2``, ...). Other tables bring their own.

    Raises
    ------
    InputError
        If it is none of these, two columns share a name, or a column holds something other than values.

    Examples
    --------
    >>> list(columns_of({"a": [1, 2], "b": ["x", None]}))
    ['a', 'b']
    """
    if isinstance(table, np.ndarray):
        return _from_array(table, names)
    if names is not None:
        raise InputError("names are for a 2-D array; this table brings its own column names")
    if isinstance(table, Mapping):
        return _from_mapping(table)
    if isinstance(table, pa.Table):  # narwhals would do; this spares it a look at every column
        _refuse_twins(table.column_names)
        return {name: _one_chunk(table.column(name)) for name in table.column_names}
    return _from_dataframe(table)


def _from_dataframe(table: Any) -> Columns:
    try:
        frame = nw.from_native(table)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        names = list(frame.columns)
    except DuplicateError as error:
        _refuse_twins([str(name) for name in table.columns])
        raise InputError(str(error)) from error
    except TypeError as error:
        kind = type(table).__name__
        raise InputError(f"table must be a dataframe, a dict of 1-D arrays or a 2-D array, got {kind}") from error
    _refuse_twins([str(name) for name in names])
    columns = {}
    for name in names:
        series = frame.get_column(name)
        if series.dtype == nw.Object:
            columns[str(name)] = _from_objects(str(name), series.to_list())
            continue
        try:
            columns[str(name)] = _one_chunk(series.to_arrow())
        except (pa.ArrowException, TypeError) as error:
            raise _not_values(str(name), str(series.dtype)) from error
    return columns


def _from_mapping(table: Mapping[Any, Any]) -> Columns:
    names = [str(name) for name in table]
    _refuse_twins(names)
    columns = {name: _from_values(name, values) for name, values in zip(names, table.values(), strict=True)}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        (first, n), *rest = lengths.items()
        name, length = next((name, length) for name, length in rest if length != n)
        raise InputError(f"column {name!r} has {length} rows, column {first!r} has {n}")
    return columns


def _from_array(table: np.ndarray[Any, Any], names: Sequence[str] | None) -> Columns:
    if table.ndim != 2:
        raise InputError(f"table must be a 2-D array (n, p), got one of shape {table.shape}")
    p = table.shape[1]
    names = [f"x{j}" for j in range(1, p + 1)] if names is None else [str(name) for name in names]
    if len(names) != p:
        raise InputError(f"names must have one name a column: the array has {p} columns, got {len(names)} names")
    _refuse_twins(names)
    return {name: _from_values(name, table[:, j]) for j, name in enumerate(names)}


def _from_values(name: str, values: Any) -> pa.Array:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return _one_chunk(values)
    array = np.asarray(values if hasattr(values, "__len__") else [values])
    if array.ndim != 1:
        raise InputError(f"column {name!r} must be 1-D, got shape {array.shape}")
    if array.dtype.kind in "OU":
        return _from_objects(name, list(values))
    try:
        return pa.array(array, from_pandas=True)
    except pa.ArrowException as error:
        raise _not_values(name, str(array.dtype)) from error


def _from_objects(name: str, values: list[Any]) -> pa.Array:
    """Python objects: of one kind if they are, as text if they are a mixture of texts and numbers."""
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError):
        pass
    gap = [value is None or (isinstance(value, float) and value != value) for value in values]  # noqa: PLR0124
    for row, (value, missing) in enumerate(zip(values, gap, strict=True), start=1):
        if not missing and not isinstance(value, (str, int, float, np.generic)):
            raise _not_values(name, f"{type(value).__name__} at row {row}")
    return pa.array([None if missing else str(value) for value, missing in zip(values, gap, strict=True)])


def _one_chunk(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _refuse_twins(names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"the table has more than one column named {twice[0]!r}; every column needs a name of its own")


def _not_values(name: str, found: str) -> InputError:
    return InputError(f"column {name!r} must hold numbers, booleans or text, got {found}")
