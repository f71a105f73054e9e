"""Rows in blocks, for networks whose rows are not in memory: an array on disk, or a table as a scan reads it."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.moments.streaming.bad import BadCell
from foldwise.moments.streaming.dealing import by_row, number_of
from foldwise.moments.streaming.encode import encoded
from foldwise.moments.streaming.files import ParquetFile, SourceFile
from foldwise.moments.streaming.pieces import GroupsPiece
from foldwise.moments.streaming.plan import ScanPlan

Floats = NDArray[np.float64]
Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows.

    Attributes
    ----------
    values : (m, p), of single or double precision, NaN where missing
    targets : (m, T) as the loss wants them
    weights : (m,) or None
    words : (m,) a number for each row by which it is dealt to folds
    rows : (m,) numbers of the rows in the whole table
    """

    values: NDArray[Any]
    targets: Floats
    weights: Floats | None
    words: NDArray[np.uint64]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.rows)

    def at(self, places: NDArray[Any] | slice) -> "Block":
        """Some of them."""
        weights = None if self.weights is None else self.weights[places]
        return Block(self.values[places], self.targets[places], weights, self.words[places], self.rows[places])

    @staticmethod
    def joined(blocks: Sequence["Block"]) -> "Block":
        """All rows of some blocks, in order."""
        if len(blocks) == 1:
            return blocks[0]
        weights = [block.weights for block in blocks if block.weights is not None]
        return Block(
            np.concatenate([block.values for block in blocks]),
            np.concatenate([block.targets for block in blocks]),
            np.concatenate(weights) if weights else None,
            np.concatenate([block.words for block in blocks]),
            np.concatenate([block.rows for block in blocks]),
        )


class Blocks(Protocol):
    """What can be read in units, any number of times."""

    @property
    def n_rows(self) -> int:
        """How many rows there are."""

    @property
    def width(self) -> int:
        """How many columns."""

    @property
    def n_targets(self) -> int:
        """T."""

    @property
    def is_weighted(self) -> bool:
        """Whether rows have weights."""

    @property
    def levels(self) -> NDArray[np.intp]:
        """Columns that are levels of a category."""

    @property
    def min_level_count(self) -> int:
        """Training rows that a level must have to be seen."""

    @property
    def n_units(self) -> int:
        """How many units; they are read whole and in any order."""

    def read(self, unit: int) -> Iterator[Block]:
        """The rows of a unit, in order."""

    def where(self, block: Block, row: int) -> str:
        """A row of a block, for messages."""


class ArrayBlocks:
    """Rows of an array on disk (or in memory); units are as many neighbouring rows.

    Parameters
    ----------
    X : (n, p) array
    y : (n,) or (n, ...) array
    targets : function of some of y to targets (m, T)
    weights : (n,) array or None
    unit_rows : int
    """

    def __init__(
        self, X: Any, y: Any, targets: Callable[[Any], Floats], *, n_targets: int, weights: Any, unit_rows: int
    ) -> None:
        self._X, self._y, self._targets, self._weights, self._size = X, y, targets, weights, unit_rows
        self.n_rows, self.width = int(X.shape[0]), int(X.shape[1])
        self.n_targets, self.is_weighted = n_targets, weights is not None
        self.n_units = -(-self.n_rows // unit_rows)
        self.levels, self.min_level_count = np.zeros(0, dtype=np.intp), 0

    def read(self, unit: int) -> Iterator[Block]:
        """One block."""
        part = slice(unit * self._size, min((unit + 1) * self._size, self.n_rows))
        rows = np.arange(part.start, part.stop, dtype=np.int64)
        values = np.asarray(self._X[part])
        if values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
        weights = None if self._weights is None else np.asarray(self._weights[part], dtype=np.float64)
        yield Block(values, self._targets(np.asarray(self._y[part])), weights, words_of(rows), rows)

    def where(self, block: Block, row: int) -> str:
        """By its number."""
        return f"row {int(block.rows[row])}"


def words_of(rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """What rows of an array are dealt by."""
    return by_row(number_of("array"), rows)


class TableBlocks:
    """Rows of a table's files by a plan; units are row groups of Parquet files, and other files as a whole.

    Parameters
    ----------
    files : files of a source
    plan : ScanPlan
    targets : function of the target's numbers (m,) to targets (m, T)
    batch_rows : int
        How many rows of a row group are read at a time.
    """

    def __init__(
        self,
        files: Sequence[SourceFile],
        plan: ScanPlan,
        targets: Callable[[Any], Floats],
        *,
        n_targets: int,
        batch_rows: int,
    ) -> None:
        self.plan, self._targets, self._batch = plan, targets, batch_rows
        self.width, self.n_targets, self.is_weighted = len(plan.columns), n_targets, plan.weight is not None
        self._units = [unit for file in files for unit in _units(file, plan)]
        sizes = [_count(unit, plan) for unit in self._units]
        self._starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self.n_rows, self.n_units = int(self._starts[-1]), len(self._units)
        some = [column for category in plan.categories for column in (*category.columns, category.other)]
        self.levels = np.array([column for column in some if column is not None], dtype=np.intp)
        self.min_level_count = plan.min_level_count

    def read(self, unit: int) -> Iterator[Block]:
        """Batch after batch, so that a large row group is never in memory whole."""
        done = int(self._starts[unit])
        for piece in self._pieces(self._units[unit]):
            name = number_of(piece.name)
            try:
                for first, batch in self._placed(piece):
                    if not batch.num_rows:
                        continue
                    own = np.arange(first, first + batch.num_rows, dtype=np.int64)
                    *values, words, _ = encoded(batch, self.plan, name, own)
                    weights = values.pop().astype(np.float64) if self.plan.weight is not None else None
                    rows = np.arange(done, done + batch.num_rows, dtype=np.int64)
                    yield Block(matrix(values, self.plan), self._targets(values[-1]), weights, words, rows)
                    done += batch.num_rows
            except BadCell as error:
                raise piece.blame(error.row, error.why) from error

    def _pieces(self, unit: Any) -> Iterable[Any]:
        return [unit] if isinstance(unit, GroupsPiece) else unit.pieces(self.plan)

    def _placed(self, piece: Any) -> Iterator[tuple[int, Any]]:
        """Batches, each with its first row's number in the file."""
        if not isinstance(piece, GroupsPiece):
            yield from piece.placed(self.plan)
            return
        (group,) = piece.groups
        row = group.first_row
        for _, batch in piece.file.batches_of(self.plan.sources, [group.at], self._batch, threads=False):
            yield row, batch
            row += batch.num_rows

    def where(self, block: Block, row: int) -> str:
        """By its number in the whole table."""
        return f"row {int(block.rows[row]) + 1:,} of the table"


def _units(file: SourceFile, plan: ScanPlan) -> list[Any]:
    if not isinstance(file, ParquetFile):
        return [file]
    pieces = [piece for piece in file.pieces(plan) if isinstance(piece, GroupsPiece)]
    return [replace(piece, groups=(group,)) for piece in pieces for group in piece.groups]


def _count(unit: Any, plan: ScanPlan) -> int:
    if isinstance(unit, GroupsPiece):
        return unit.n_rows
    return sum(batch.num_rows for batch in unit.batches([plan.target]))


def matrix(values: list[NDArray[Any]], plan: ScanPlan) -> Floats:
    """Columns (m, p) of numbers and of levels."""
    table = np.zeros((len(values[-1]), len(plan.columns)))
    for (j, _), numbers in zip(plan.numbers, values, strict=False):
        table[:, j] = numbers
    for category, places in zip(plan.categories, values[len(plan.numbers) : -1], strict=True):
        columns = [*category.columns, *([] if category.other is None else [category.other])]
        some = np.flatnonzero((places >= 0) & np.isin(places, columns))
        table[some, places[some]] = 1.0
    return table


def check_block(blocks: Blocks, block: Block, largest: float) -> None:
    """Refuse what can't be trained on.

    Raises
    ------
    InputError
        With the row and the column.
    """
    for name, table in (("X", block.values), ("y", block.targets)):
        odd = np.argwhere(np.abs(table) > largest if name == "X" else ~np.isfinite(table))
        if odd.size:
            row, column = map(int, odd[0])
            accepted = f"at most {largest:g} in size" if name == "X" else "finite"
            where = f"{blocks.where(block, row)}, column {column}"
            raise InputError(f"{name} must be {accepted}, got {table[row, column]} in {where}")
    if block.weights is not None:
        bad = np.flatnonzero(~(np.isfinite(block.weights) & (block.weights >= 0)))
        if bad.size:
            where = blocks.where(block, int(bad[0]))
            raise InputError(f"sample_weight must be finite and >= 0, got {block.weights[bad[0]]} in {where}")


def read_ahead(items: Iterator[Item]) -> Generator[Item]:
    """The same items, each made by a thread while the one before it is used.

    Examples
    --------
    >>> list(read_ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def in_order(blocks: Blocks) -> Iterator[Block]:
    """All rows in their order, read ahead."""
    with closing(read_ahead(block for unit in range(blocks.n_units) for block in blocks.read(unit))) as reading:
        yield from reading
