"""Batches of a table -> flat arrays of numbers, places of levels, target, weights and fold words; all checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from foldwise.moments.streaming.bad import BadCell
from foldwise.moments.streaming.dealing import by_key, by_row
from foldwise.tables.design import MISSING_LEVEL, OTHER_LEVEL
from foldwise.tables.values import levels_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from foldwise.moments.streaming.plan import ScanPlan
    from foldwise.tables import Category

    Flat = list[NDArray[Any]]


def encoded(batch: pa.RecordBatch, plan: ScanPlan, file: int, rows: NDArray[np.int64]) -> Flat:
    """Arrays (m,) of a batch: each number, each category's places, target, weights if any, fold words, row numbers.

    Raises
    ------
    BadCell
        For a target that is missing or not finite, a negative weight, a missing key, an unlisted level.
    """
    flat: Flat = [as_numbers(batch.column(column.source)) for _, column in plan.numbers]
    flat += [_places(batch.column(category.source), category, rows) for category in plan.categories]
    y = _classes(batch.column(plan.target), plan, rows) if plan.classes else as_numbers(batch.column(plan.target))
    _check(y, rows, f"target {plan.target!r}", np.isfinite, "must be a finite number")
    flat.append(y)
    if plan.weight is not None:
        weights = as_numbers(batch.column(plan.weight)).astype(np.float64, copy=False)
        _check(weights, rows, f"column {plan.weight!r}", _is_weight, "must be a finite weight >= 0")
        flat.append(weights)
    flat += [_words(batch, plan, file, rows), rows]
    return flat


def _classes(column: pa.Array, plan: ScanPlan, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """0 and 1 for the two classes of the target; of text also 0, 1, 2, ... for more."""
    if isinstance(plan.classes[0], str):
        names, codes = named_codes(column)
        known = {name: float(at) for at, name in enumerate(plan.classes)}
        found = np.array([known.get(name, np.nan) for name in names])[codes]
    else:
        values = as_numbers(column)
        found = np.where(values == plan.classes[1], 1.0, np.where(values == plan.classes[0], 0.0, np.nan))
    odd = np.flatnonzero(np.isnan(found))
    if len(odd):
        wanted, got = " or ".join(map(repr, plan.classes)), column[int(odd[0])].as_py()
        raise BadCell(int(rows[odd[0]]), f"target {plan.target!r} must be {wanted}, got {got!r}")
    return found


def as_numbers(column: pa.Array) -> NDArray[Any]:
    """A column of numbers or booleans as a NumPy array, NaN where it is missing; no copy where none is needed."""
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    elif pa.types.is_decimal(kind) or pa.types.is_null(kind):
        column = column.cast(pa.float64())
    if column.null_count:
        column = column.cast(pa.float64(), safe=False)
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


def named_codes(column: pa.Array) -> tuple[list[str], NDArray[np.intp]]:
    """The levels that occur in a column, and each row's."""
    kind = column.type
    if pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type):
        names = column.dictionary.to_pylist()
        codes = column.indices
        if codes.null_count or None in names:
            missing = len(names)
            names = [MISSING_LEVEL if name is None else name for name in names]
            codes, names = codes.fill_null(missing), [*names, MISSING_LEVEL]
        return names, codes.to_numpy(zero_copy_only=False).astype(np.intp)
    levels = levels_of(column.cast(pa.string()) if pa.types.is_null(kind) else column)
    return list(levels.names), levels.codes


def _places(column: pa.Array, category: Category, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    names, codes = named_codes(column)
    known = category.column_of
    unlisted = known.get(OTHER_LEVEL, -2 if category.other is None else category.other)
    places = np.full(len(names), -1, dtype=np.int64)
    for at, name in enumerate(names):
        place = known.get(name, unlisted)
        places[at] = -1 if place is None else place
    out = places[codes]
    odd = np.flatnonzero(out == -2)
    if len(odd):
        name = names[codes[odd[0]]]
        remedy = f"list it in categories, or list {OTHER_LEVEL!r} to count it there"
        raise BadCell(int(rows[odd[0]]), f"column {category.source!r} has the unlisted level {name!r}; {remedy}")
    return out


def _words(batch: pa.RecordBatch, plan: ScanPlan, file: int, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    if plan.key is None:
        return by_row(file, rows)
    column = batch.column(plan.key)
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise BadCell(int(rows[row]), f"key {plan.key!r} is missing")
    return by_key(column)


def _is_weight(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(values) & (values >= 0.0))


def _check(values: NDArray[Any], rows: NDArray[np.int64], what: str, fits: Any, accepted: str) -> None:
    if values.dtype.kind != "f" and fits is np.isfinite:
        return
    odd = np.flatnonzero(~fits(values))
    if len(odd):
        raise BadCell(int(rows[odd[0]]), f"{what} {accepted}, got {values[odd[0]]:g} ({len(odd)} such in the batch)")


def in_chunks(batches: Iterable[Flat], size: int) -> Iterator[Flat]:
    """The same rows in chunks of `size`, the last perhaps shorter, however they came.

    Examples
    --------
    >>> [chunk[0].tolist() for chunk in in_chunks([[np.arange(3)], [np.arange(3, 7)]], 2)]
    [[0, 1], [2, 3], [4, 5], [6]]
    """
    held: list[Flat] = []
    n_held = 0
    for flat in batches:
        start, m = 0, len(flat[0])
        while start < m:
            stop = min(m, start + size - n_held)
            held.append([array[start:stop] for array in flat])
            n_held += stop - start
            start = stop
            if n_held == size:
                yield _joined(held)
                held, n_held = [], 0
    if held:
        yield _joined(held)


def _joined(held: list[Flat]) -> Flat:
    return held[0] if len(held) == 1 else [np.concatenate(arrays) for arrays in zip(*held, strict=True)]
