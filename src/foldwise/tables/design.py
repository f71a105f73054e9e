"""What a design is: named numeric columns that know where they come from, their categories, and the target."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

Kind = Literal["number", "boolean", "level", "other levels", "missing"]

MISSING_LEVEL = "(missing)"
OTHER_LEVEL = "(other)"


@dataclass(frozen=True)
class Column:
    """One column of a design: its name, the table column it comes from, and what it holds.

    Attributes
    ----------
    name
        The design column's own name: ``weight``, ``origin=Japan``, ``origin=(other)`` or ``horsepower (missing)``.
    source
        The table column it was made from.
    kind
        ``number``, ``boolean`` (0 or 1), ``level`` (1 on the rows of one level of a category), ``other levels`` (1 on
        the rows of its pooled rare levels) or ``missing`` (1 where the source had a gap).
    level
        The level of a ``level`` column, else None.
    unit
        The unit of a ``number`` column where one was given, else None.

    Examples
    --------
    >>> Column("origin=Japan", source="origin", kind="level", level="Japan").name
    'origin=Japan'
    """

    name: str
    source: str
    kind: Kind
    level: str | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Category:
    """The design columns of one category.

    Attributes
    ----------
    source
        The table column.
    columns
        Indices of its level columns in the design.
    other
        Index of the column in which rare levels are pooled, or None where the category is never pooled.
    levels
        Every level of the table and the design column that is 1 on its rows (None: a level without a column, the first
        of two).

    Examples
    --------
    >>> Category("sex", columns=(3,), other=None, levels=(("female", None), ("male", 3))).column_of["male"]
    3
    """

    source: str
    columns: tuple[int, ...]
    other: int | None
    levels: tuple[tuple[str, int | None], ...] = ()

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` gave, also after a way through JSON."""
        levels = tuple((level, column) for level, column in plain["levels"])
        return cls(plain["source"], tuple(plain["columns"]), plain["other"], levels)

    @property
    def column_of(self) -> dict[str, int | None]:
        """The design column of each level."""
        return dict(self.levels)


@dataclass(frozen=True, eq=False)
class Design:
    """A table as numbers: n rows, p named columns.

    Attributes
    ----------
    values
        (n, p) float64, Fortran order. A missing number is NaN; a missing text is a level of its own.
    columns
        What each of the p columns is.
    categories
        The columns that belong together as levels of one category.
    target
        (n,) float64, or None where no target was named; numbers of classes, and times of events.
    target_name, target_unit
        Its name and unit.
    family, reason
        The family that fits the target, and why.
    classes
        The classes that target 0, 1, ... stand for; empty for numbers.
    event_name, event
        For times to an event: the column that says whether it came, and (n,) 1 where it did; else None.
    notes
        What was left out, pooled or looks odd, in plain sentences.

    Examples
    --------
    >>> from foldwise.tables import make_design
    >>> design = make_design({"x": [1.0, 2.0, 4.0], "y": [1.0, 3.0, 2.0]}, target="y")
    >>> design.names, design.values.shape
    (('x',), (3, 1))
    """

    values: NDArray[np.float64]
    columns: tuple[Column, ...]
    categories: tuple[Category, ...] = ()
    target: NDArray[np.float64] | None = None
    target_name: str | None = None
    target_unit: str | None = None
    notes: tuple[str, ...] = ()
    family: str = "gaussian"
    reason: str = ""
    classes: tuple[str | bool | int | float, ...] = ()
    event_name: str | None = None
    event: NDArray[np.float64] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the p columns."""
        return tuple(column.name for column in self.columns)

    @property
    def gaps(self) -> tuple[int, ...]:
        """Indices of the columns with a missing value anywhere in the table."""
        return tuple(np.flatnonzero(np.isnan(self.values).any(axis=0)).tolist())

    @property
    def pools(self) -> tuple[tuple[tuple[int, ...], int], ...]:
        """(level columns, other column) of every category whose rare levels are pooled by each training set."""
        return tuple((c.columns, c.other) for c in self.categories if c.other is not None and c.columns)
