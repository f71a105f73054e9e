"""From a table's first rows, and a first scan of its text columns, to the plan of the pass."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from foldwise.errors import DataWarning, InputError
from foldwise.moments.streaming.dealing import by_key
from foldwise.moments.streaming.encode import as_numbers
from foldwise.moments.streaming.kinds import kind_of_type
from foldwise.moments.streaming.levels import Spread, as_levels, count_levels, listed_levels, on_threads
from foldwise.moments.streaming.plan import ScanPlan
from foldwise.tables import Category, Column
from foldwise.tables.categories import one_hot
from foldwise.tables.checks import identifiers, require_column
from foldwise.tables.values import kind_of, levels_of, refuse_spoiled_numbers

if TYPE_CHECKING:
    from foldwise.moments.streaming.sources import Source

HEAD = 4096
MOST_COLUMNS = 20_000
Categories = Iterable[str] | Mapping[str, Sequence[str] | None]


@dataclass(frozen=True)
class Asked:
    """What the caller asked for: roles of columns, folds, settings.

    Attributes
    ----------
    target, weight, key : str, str or None
    drop : tuple of str
    categories : dict
        Columns to be taken as levels, and the levels where they are given.
    units : dict
    n_folds, n_repeats, seed, min_level_count : int
    classes : tuple
        Two values of the target that count as 0 and 1; empty for numbers.
    """

    target: str
    weight: str | None = None
    key: str | None = None
    drop: tuple[str, ...] = ()
    categories: Mapping[str, Sequence[str] | None] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    n_folds: int = 1
    n_repeats: int = 1
    seed: int = 0
    min_level_count: int = 10
    classes: tuple[str | float, ...] = ()


def make_plan(
    source: Source, asked: Asked, *, skip_bad: bool, spread: Spread = on_threads
) -> tuple[ScanPlan, tuple[str, ...]]:
    """The plan, and what was left out or looks odd, in plain sentences; each is issued as a `DataWarning` too.

    Raises
    ------
    InputError
        For a column that is not there or can't be used, a target without numbers, levels that can't be counted.
    """
    head = source.head(HEAD, skip_bad=skip_bad)
    names = head.schema.names
    _check_roles(names, asked)
    kinds = {name: _kind(name, head.column(name)) for name in names if name not in asked.drop}
    for name in (asked.target, asked.weight):
        is_class = name == asked.target and bool(asked.classes)
        if name is not None and kinds[name] != "number" and not is_class:
            role = "target" if name == asked.target else "sample_weight"
            message = f"{role} {name!r} must hold numbers, got {kinds[name]}"
            raise InputError(message)
    if asked.key is not None:
        _check_key(asked.key, head.column(asked.key))
    roles = {asked.target, asked.weight, asked.key}
    features = [name for name in names if name in kinds and name not in roles]
    texts = [name for name in features if kinds[name] == "text" or name in asked.categories]
    types = {name: pa.string() for name in texts if kinds[name] == "text"}
    unlisted = [name for name in texts if not asked.categories.get(name)]
    source.refuse_second_pass(unlisted)
    counts = count_levels(source.files, unlisted, types, skip_bad=skip_bad, spread=spread) if unlisted else {}
    parts = _Parts(asked)
    for name in features:
        if name not in texts:
            parts.add_number(name, kinds[name], head.column(name))
        else:
            parts.add_levels(name, counts.get(name))
    if not parts.columns:
        message = "the table has no column left to predict from"
        raise InputError(message)
    if len(parts.columns) > MOST_COLUMNS:
        message = f"the table makes {len(parts.columns):,} columns; one pass can hold {MOST_COLUMNS:,}: drop some"
        raise InputError(message)
    notes = [*parts.notes(), *identifiers({name: head.column(name) for name in features if name not in texts})]
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=5)
    plan = ScanPlan(
        columns=tuple(parts.columns),
        categories=tuple(parts.categories),
        reference=(*parts.reference, 0.0 if asked.classes else _middle(head.column(asked.target))),
        target=asked.target,
        weight=asked.weight,
        key=asked.key,
        n_folds=asked.n_folds,
        n_repeats=asked.n_repeats,
        seed=asked.seed,
        kinds=tuple(kinds.items()),
        drop=(*asked.drop, *parts.left_out),
        min_level_count=asked.min_level_count,
        classes=asked.classes,
    )
    return plan, tuple(notes)


class _Parts:
    """The design columns made so far."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.columns: list[Column] = []
        self.categories: list[Category] = []
        self.reference: list[float] = []
        self.left_out: list[str] = []
        self.constant: list[str] = []
        self.too_many: list[str] = []
        self.no_common: list[str] = []
        self.pooled: list[str] = []

    def add_number(self, name: str, kind: str, head: pa.Array) -> None:
        self.reference.append(_middle(head))
        unit = self.asked.units.get(name)
        self.columns.append(Column(name, name, "boolean" if kind == "boolean" else "number", unit=unit))

    def add_levels(self, name: str, counts: Mapping[str, int] | None) -> None:
        least = self.asked.min_level_count
        listed = self.asked.categories.get(name)
        if not listed and counts is None:
            return self._leave_out(name, self.too_many)
        levels = as_levels(counts or {}) if not listed else listed_levels(name, listed, 1 << 62)
        if len(levels.names) < 2:
            return self._leave_out(name, self.constant)
        hot = one_hot(name, levels, start=len(self.columns), min_level_count=least)
        if not hot.columns:
            return self._leave_out(name, self.no_common)
        if hot.pooled and not listed:
            self.pooled.append(f"{name!r} ({len(hot.pooled)})")
        self.columns.extend(hot.columns)
        self.categories.append(hot.category)
        self.reference += [0.0] * len(hot.columns)
        return None

    def _leave_out(self, name: str, among: list[str]) -> None:
        among.append(name)
        self.left_out.append(name)

    def notes(self) -> list[str]:
        least = self.asked.min_level_count
        found = (
            (self.constant, "the same value in every row"),
            (self.too_many, "text with too many different values (an identifier?)"),
            (self.no_common, f"text with no level on {least} rows or more"),
        )
        sentences = [f"{_listed(names)} left out: {why}" for names, why in found if names]
        if self.pooled:
            sentences.append(f"levels on fewer than {least} rows are pooled as '(other)': {', '.join(self.pooled)}")
        return sentences


def _middle(column: pa.Array) -> float:
    """A median, so that a few odd values do not matter."""
    values = as_numbers(column).astype(np.float64)
    seen = values[np.isfinite(values)]
    return float(np.median(seen)) if len(seen) else 0.0


def _kind(name: str, column: pa.Array) -> str:
    """What a column holds, as far as its first rows tell; dates and nested values are refused."""
    kind = kind_of_type(column.type)
    if kind == "nothing":
        return "number"
    if kind not in {"number", "boolean", "text"}:
        return kind
    if column.null_count < len(column) and kind_of(name, column) == "text":
        refuse_spoiled_numbers(name, column, levels_of(column))
    return kind


def _check_roles(names: Sequence[str], asked: Asked) -> None:
    roles = {"target": asked.target, "sample_weight": asked.weight, "key": asked.key}
    for argument, name in roles.items():
        if name is not None:
            require_column(name, names, argument)
    for argument, wanted in (("drop", asked.drop), ("categories", asked.categories), ("units", asked.units)):
        for name in wanted:
            require_column(name, names, argument)
    taken = [name for name in roles.values() if name is not None]
    for name in chain(asked.drop, asked.categories):
        if name in taken:
            role = next(argument for argument, value in roles.items() if value == name)
            message = f"drop, categories: {name!r} is the {role}"
            raise InputError(message)
    if len(set(taken)) < len(taken):
        message = f"target, sample_weight and key must be different columns, got {taken}"
        raise InputError(message)


def _check_key(name: str, column: pa.Array) -> None:
    try:
        by_key(column.slice(0, 1))
    except TypeError as error:
        message = f"key {name!r} {error}"
        raise InputError(message) from error


def _listed(names: list[str]) -> str:
    return f"{'columns' if len(names) > 1 else 'column'} {', '.join(map(repr, names))}"
