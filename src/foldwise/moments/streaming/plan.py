"""ScanPlan: what every row becomes and where it counts, decided before the pass and the same for all who take part."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from foldwise.moments.streaming.tally import Tally
from foldwise.tables import Category, Column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from foldwise.moments.streaming.files import SourceFile

FORMAT = 1
"""Goes up when the same rows would come to another sum, so that saved states of before are refused."""
CHUNK_BYTES = 8 << 20
BATCH_BYTES = 32 << 20


@dataclass(frozen=True)
class ScanPlan:
    """What every row becomes, and where it counts.

    Attributes
    ----------
    columns : tuple of Column
        The p design columns, in the order of the table's.
    categories : tuple of Category
        Which of them belong together, and the column of each level.
    reference : tuple (p + 1,)
        What means of the columns and of the target are kept relative to, and where a missing value's 0 lies.
    target : str
    weight, key : str or None
        The column of row weights; the column whose equal values share a fold.
    n_folds, n_repeats, seed : int
    kinds : tuple of (column, kind)
        What each column that is read holds; see `kinds.kind_of_type`.
    drop : tuple of str
        Columns that are not read.
    min_level_count : int
        Levels with fewer training rows count as "other".
    classes : tuple
        The two values of the target that count as 0 and 1; empty where it is a number.
    """

    columns: tuple[Column, ...]
    categories: tuple[Category, ...]
    reference: tuple[float, ...]
    target: str
    weight: str | None = None
    key: str | None = None
    n_folds: int = 1
    n_repeats: int = 1
    seed: int = 0
    kinds: tuple[tuple[str, str], ...] = ()
    drop: tuple[str, ...] = ()
    min_level_count: int = 10
    classes: tuple[str | float, ...] = ()

    @cached_property
    def numbers(self) -> tuple[tuple[int, Column], ...]:
        """Places and columns of the numbers and booleans."""
        return tuple((j, c) for j, c in enumerate(self.columns) if c.kind in {"number", "boolean"})

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The columns of the table that are read, each once."""
        asked = (self.target, self.weight, self.key)
        features = (*(c.source for c in self.columns), *(c.source for c in self.categories))
        return tuple(dict.fromkeys([*features, *(name for name in asked if name is not None)]))

    @cached_property
    def types(self) -> dict[str, pa.DataType]:
        """The types that a text file's columns are read as; keys and codes of levels are left to their looks."""
        numbers = {c.source for _, c in self.numbers if c.kind == "number"} | {self.target, self.weight}
        exact = {self.key}
        if dict(self.kinds).get(self.target) != "number":  # one of two classes
            numbers.discard(self.target)
        types = {"text": pa.string(), "boolean": pa.bool_()}
        types_of = {name: pa.float64() if name in numbers else types.get(kind) for name, kind in self.kinds}
        return {name: kind for name, kind in types_of.items() if kind is not None and name not in exact}

    @property
    def pools(self) -> tuple[tuple[tuple[int, ...], int], ...]:
        """(level columns, other column) of every category whose rare levels each training set pools."""
        return tuple((c.columns, c.other) for c in self.categories if c.other is not None and c.columns)

    @cached_property
    def counted(self) -> NDArray[np.intp]:
        """The columns whose rows are counted for that."""
        places = {place for columns, other in self.pools for place in (*columns, other)}
        return np.array(sorted(places), dtype=np.intp)

    @property
    def n_blocks(self) -> int:
        """Folds of all repeats."""
        return self.n_folds * self.n_repeats

    @property
    def chunk_rows(self) -> int:
        """Rows multiplied out at a time: a power of two that depends on the number of columns alone."""
        return _power_of_two(CHUNK_BYTES // (8 * (len(self.columns) + 1)), 1 << 10, 1 << 16)

    @property
    def batch_rows(self) -> int:
        """Rows read at a time: a multiple of that."""
        return max(self.chunk_rows, _power_of_two(BATCH_BYTES // (8 * (len(self.sources) + 1)), 1 << 10, 1 << 18))

    @property
    def tally_bytes(self) -> int:
        """Memory of one tally without gaps."""
        return int(self.n_blocks * (len(self.columns) + 1) ** 2 * 8)

    def empty(self) -> Tally:
        """The tally of no rows."""
        return Tally.empty(self.n_blocks, len(self.columns), len(self.counted))

    def fingerprint(self, files: Iterable[SourceFile]) -> str:
        """A text that differs where anything does that the answer depends on."""
        plain: dict[str, Any] = asdict(self) | {"format": FORMAT, "chunk": self.chunk_rows}
        plain["files"] = [file.identity for file in files]
        return sha256(json.dumps(plain, sort_keys=True).encode("utf-8")).hexdigest()


def _power_of_two(most: int, low: int, high: int) -> int:
    return min(max(1 << (max(most, 1).bit_length() - 1), low), high)
