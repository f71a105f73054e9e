"""A table -> its Design: every column checked, encoded and named."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import DataWarning, InputError
from foldwise.tables.categories import one_hot
from foldwise.tables.checks import identifiers, leaks, require_column
from foldwise.tables.design import Category, Column, Design
from foldwise.tables.frames import Columns, columns_of
from foldwise.tables.target import Target, read_target
from foldwise.tables.times import read_times
from foldwise.tables.values import kind_of, levels_of, numbers, refuse_spoiled_numbers


def make_design(
    table: Any,
    *,
    target: str | None = None,
    drop: Iterable[str] = (),
    categories: Iterable[str] = (),
    units: Mapping[str, str] | None = None,
    min_level_count: int = 10,
    names: Sequence[str] | None = None,
    family: str | None = "gaussian",
    event: str | None = None,
) -> Design:
    """Turn a table into named numeric columns.

    Numbers and booleans stay as they are, NaN where missing. Text and categories become one column a level (two levels:
    one column, for the second in sorted order); missing text is the level ``(missing)``; levels on fewer than
    `min_level_count` rows are pooled in ``column=(other)`` (see `foldwise.tables.categories.one_hot`). Constant
    columns, and text with no level on `min_level_count` rows (names, identifiers), are left out. Nothing here depends
    on which rows will be held out: filling gaps and pooling what is rare among training rows is
    `foldwise.tables.Recipe`'s part.

    Rows in messages are counted from 1, the header not included.

    Parameters
    ----------
    table
        A dataframe (pandas, polars, pyarrow, ...), a dict of 1-D arrays, or a 2-D array; n rows.
    target
        The column to predict; None if there is none.
    drop
        Columns to leave out.
    categories
        Columns of numbers that are codes of levels, to be treated as text.
    units
        Unit of each number column, by name; only kept and shown.
    min_level_count
        Levels on fewer rows are rare. At least 1.
    names
        Column names where `table` is a 2-D array.
    family
        What the target is to be fitted by; None takes it from the target's values (`foldwise.tables.target`).
    event
        Where the target is a time: the column that says whether the event came then (`foldwise.tables.times`).

    Returns
    -------
    Design
        Its `notes` say what was left out, pooled or looks odd; each is also issued as a `DataWarning`.

    Raises
    ------
    InputError
        For an empty table, unknown or duplicate column names, a target that is missing in some rows, constant or not
        numeric, infinities, a column without any value, dates, nested values, and text that is mostly numbers. Names
        the column and row.

    Examples
    --------
    >>> design = make_design(
    ...     {"weight": [3504, 2130, 2372], "origin": ["USA", "Japan", "Japan"], "mpg": [18.0, 27.0, 24.0]},
    ...     target="mpg",
    ...     units={"weight": "lb"},
    ... )
    >>> design.names
    ('weight', 'origin=USA')
    """
    columns = columns_of(table, names)
    _check_shape(columns, min_level_count)
    drop, categories, units = _names(drop, "drop"), _names(categories, "categories"), dict(units or {})
    for argument, wanted in (("drop", drop), ("categories", categories), ("units", units)):
        for name in wanted:
            require_column(name, columns, argument)
    read: Target | None = None
    if target is not None:
        require_column(str(target), columns, "target")
        target = str(target)
        if target in drop:
            raise InputError(f"drop: {target!r} is the target")
        read = _read(target, event, columns, drop, family)
    y = None if read is None else read.values
    features = {name: column for name, column in columns.items() if name not in {*drop, target, event}}
    if not features:
        raise InputError("the table has no column left to predict from")

    parts = _Parts(min_level_count)
    for name, column in features.items():
        parts.add(name, column, units.get(name), as_levels=name in categories)
    values, made = parts.stacked(next(iter(columns.values())))
    design_names = [column.name for column in made]
    if len(set(design_names)) < len(design_names):
        twice = next(name for name in design_names if design_names.count(name) > 1)
        raise InputError(f"two columns of the design would be called {twice!r}; rename that column of the table")
    notes = [
        *parts.notes(),
        *identifiers({name: column for name, column in features.items() if name not in categories}),
        *(leaks(values, design_names, y, str(target)) if y is not None else []),
    ]
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=2)
    if not made:
        raise InputError(f"the table has no column left to predict from: {'; '.join(notes)}")
    return Design(
        values,
        tuple(made),
        tuple(parts.categories),
        target=y,
        target_name=target,
        target_unit=units.get(target) if target is not None else None,
        notes=tuple(notes),
        family="gaussian" if read is None else read.family,
        reason="" if read is None else read.reason,
        classes=() if read is None else read.classes,
        event_name=event,
        event=None if read is None else read.event,
    )


def _read(target: str, event: str | None, columns: Columns, drop: Sequence[str], family: str | None) -> Target:
    if event is None:
        return read_target(target, columns[target], family)
    require_column(event, columns, "event")
    if event in drop or event == target:
        raise InputError(f"event: {event!r} is {'dropped' if event in drop else 'the time'}")
    if family not in {None, "cox"}:
        raise InputError(f"family must be 'cox' where an event is given, got {family!r}")
    return read_times(target, columns[target], event, columns[event])


class _Parts:
    """The design columns made so far, and what was left out of them."""

    def __init__(self, min_level_count: int) -> None:
        self.min_level_count = min_level_count
        self.values: list[NDArray[np.float64]] = []
        self.columns: list[Column] = []
        self.categories: list[Category] = []
        self.constant: list[str] = []
        self.no_common_level: list[str] = []
        self.all_different: list[str] = []
        self.pooled: list[tuple[str, int]] = []

    def add(self, name: str, column: Any, unit: str | None, *, as_levels: bool) -> None:
        kind = kind_of(name, column)
        if kind == "nothing":
            raise InputError(f"column {name!r} is missing in every row: drop it")
        if kind == "text" or as_levels:
            self._add_levels(name, column)
            return
        x = numbers(name, column)
        if np.all(x == x[0]):  # a gap is unequal to itself: a column with gaps stays, its indicator may tell something
            self.constant.append(name)
            return
        self.values.append(x[:, None])
        self.columns.append(Column(name, name, "boolean" if kind == "boolean" else "number", unit=unit))

    def _add_levels(self, name: str, column: Any) -> None:
        levels = levels_of(column)
        if len(levels.names) == 1:
            self.constant.append(name)
            return
        if len(levels.names) == len(column) and len(column) >= self.min_level_count:
            self.all_different.append(name)
            return
        refuse_spoiled_numbers(name, column, levels)
        hot = one_hot(name, levels, start=len(self.columns), min_level_count=self.min_level_count)
        if not hot.columns:
            self.no_common_level.append(name)
            return
        if hot.pooled:
            self.pooled.append((name, len(hot.pooled)))
        self.values.append(hot.values)
        self.columns.extend(hot.columns)
        self.categories.append(hot.category)

    def stacked(self, like: Any) -> tuple[NDArray[np.float64], list[Column]]:
        values = np.empty((len(like), len(self.columns)), order="F")
        at = 0
        for block in self.values:
            values[:, at : at + block.shape[1]] = block
            at += block.shape[1]
        return values, self.columns

    def notes(self) -> list[str]:
        sentences = []
        limit = self.min_level_count
        if self.all_different:
            text = "text that differs in every row (an identifier?)"
            sentences.append(f"{_listed(self.all_different)} left out: {text}")
        if self.no_common_level:
            sentences.append(f"{_listed(self.no_common_level)} left out: text with no level on {limit} rows or more")
        if self.constant:
            sentences.append(f"{_listed(self.constant)} left out: the same value in every row")
        if self.pooled:
            which = ", ".join(f"{name!r} ({count})" for name, count in self.pooled[:6])
            which += f" and {len(self.pooled) - 6} more columns" if len(self.pooled) > 6 else ""
            sentences.append(f"levels on fewer than {limit} rows are pooled as '(other)': {which}")
        return sentences


def _listed(names: list[str]) -> str:
    return f"{'columns' if len(names) > 1 else 'column'} {', '.join(map(repr, names))}"


def _names(names: Iterable[str], argument: str) -> list[str]:
    if isinstance(names, str):
        raise InputError(f"{argument} must be a list of column names, got the text {names!r}; write [{names!r}]")
    return [str(name) for name in names]


def _check_shape(columns: Columns, min_level_count: int) -> None:
    if not columns:
        raise InputError("the table has no columns")
    if len(next(iter(columns.values()))) == 0:
        raise InputError("the table has no rows")
    if min_level_count < 1:
        raise InputError(f"min_level_count must be at least 1, got {min_level_count}")
