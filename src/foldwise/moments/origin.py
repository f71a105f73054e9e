"""Origin: the table that fold moments were scanned from, as far as fits and later scans need to know."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from foldwise.tables import Category, Column


@dataclass(frozen=True)
class Origin:
    """The table that fold moments were scanned from.

    Attributes
    ----------
    columns : tuple (p,) of Column
        What each variable is.
    categories : tuple of Category
    target : str
    reference : tuple (p + 1,)
        What means of the columns and of the target were kept relative to, and what is taken from the observed values of
        a column once it has gaps.
    kinds : tuple of (column, kind)
        What the table's columns hold.
    key, weight : str or None
        The columns by which rows are dealt to folds, and of row weights.
    seed : int
    drop : tuple of str
        Columns that were not read.
    n_files : int
    skipped : tuple of (where, why, rows or None)
        What `skip_bad` left out.
    notes : tuple of str
        What looks odd, in plain sentences.
    units : tuple of (column, unit)
        As they were given.
    classes : tuple
        The two values of the target that count as 0 and 1; empty where it is a number.
    """

    columns: tuple[Column, ...]
    categories: tuple[Category, ...]
    target: str
    reference: tuple[float, ...]
    kinds: tuple[tuple[str, str], ...] = ()
    key: str | None = None
    weight: str | None = None
    seed: int = 0
    drop: tuple[str, ...] = ()
    n_files: int = 1
    skipped: tuple[tuple[str, str, int | None], ...] = ()
    notes: tuple[str, ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    classes: tuple[str | float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the p columns."""
        return tuple(column.name for column in self.columns)

    @property
    def n_skipped_rows(self) -> int:
        """Rows that were left out, as far as their number is known."""
        return sum(rows or 0 for _, _, rows in self.skipped)

    def to_dict(self) -> dict[str, Any]:
        """As plain data that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """What `to_dict` gave, also after a way through JSON.

        Raises
        ------
        KeyError, TypeError
            Where it is something else.
        """
        categories = tuple(Category.from_dict(category) for category in plain["categories"])
        pairs: dict[str, Any] = {
            name: tuple(tuple(item) for item in plain[name]) for name in ("kinds", "skipped", "units")
        }
        lists: dict[str, Any] = {name: tuple(plain[name]) for name in ("reference", "drop", "notes")}
        rest = {name: plain[name] for name in ("target", "key", "weight", "seed", "n_files")}
        columns = tuple(Column(**column) for column in plain["columns"])
        classes = tuple(plain.get("classes", ()))  # files of before have none
        return cls(columns=columns, categories=categories, classes=classes, **pairs, **lists, **rest)
