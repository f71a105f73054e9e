"""The files and streams that a table consists of: each gives its columns, its batches, and its pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from foldwise.moments.streaming.bad import BadBlock, first_line
from foldwise.moments.streaming.kinds import check_columns
from foldwise.moments.streaming.pieces import Group, GroupsPiece, Piece, RowsPiece

if TYPE_CHECKING:
    from foldwise.moments.streaming.plan import ScanPlan

SMALL_GROUP = 1 << 16
"""Row groups of fewer rows are tallied together with their neighbours."""
_PAGE_BUFFER = 1 << 20
BATCH_ROWS = 1 << 16
Types = dict[str, pa.DataType]
Partition = tuple[tuple[str, str | int], ...]


class SourceFile(Protocol):
    """A file, a stream or a table in memory."""

    @property
    def name(self) -> str:
        """As messages and fold words have it."""

    @property
    def n_bytes(self) -> int:
        """Its size, for the share that is done; 0 where nobody knows."""

    @property
    def identity(self) -> list[str | int]:
        """What differs when the file does."""

    def schema(self) -> pa.Schema:
        """Its columns."""

    def batches(
        self, columns: Sequence[str], types: Types | None = None, n_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """All its rows of some columns; `types` are for files that do not know theirs, `n_rows` is a wish."""

    def pieces(self, plan: ScanPlan) -> Iterator[Piece]:
        """All its rows in pieces that can be tallied by anybody in any order."""


@dataclass(frozen=True)
class StoredFile:
    """What files on a disk or a file system of Arrow's have in common.

    Attributes
    ----------
    path, name : str
        Where it is, and what it is called: its path below the table's folder.
    partition : pairs of column and value
        That the folders it lies in give it.
    size, changed : int
        Bytes, and when it was written last.
    filesystem : pyarrow.fs.FileSystem or None
    """

    path: str
    name: str
    partition: Partition = ()
    size: int = 0
    changed: int = 0
    filesystem: Any = None

    @property
    def n_bytes(self) -> int:
        """On disk."""
        return self.size

    @property
    def identity(self) -> list[str | int]:
        """Name, size and time."""
        return [self.name, self.size, self.changed]

    def with_partition(self, own: pa.Schema) -> pa.Schema:
        """Its own columns, then those of its folders."""
        for name, value in self.partition:
            own = own.append(pa.field(name, constant(value, 1).type))
        return own.remove_metadata()


class ParquetFile(StoredFile):
    """A Parquet file, read by row groups."""

    def schema(self) -> pa.Schema:
        """Its own columns, then those of its folders."""
        with self._open() as file:
            return self.with_partition(file.schema_arrow)

    def batches(
        self,
        columns: Sequence[str],
        types: Types | None = None,  # noqa: ARG002
        n_rows: int = BATCH_ROWS,
    ) -> Iterator[pa.RecordBatch]:
        """All its rows of some columns."""
        with self._open() as file:
            groups = list(range(file.num_row_groups))
        for _, batch in self.batches_of(columns, groups, n_rows, threads=True):
            yield batch

    def batches_of(
        self,
        columns: Sequence[str],
        groups: Sequence[int],
        batch_rows: int,
        threads: bool,  # noqa: FBT001
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Rows of some row groups, each batch with its group's number; never more than a batch is in memory."""
        given = dict(self.partition)
        own = [name for name in columns if name not in given]
        with self._open() as file:
            for group in groups:
                where = f"{self.name}, row group {group} (from 0)"
                try:
                    for batch in file.iter_batches(batch_rows, row_groups=[group], columns=own, use_threads=threads):
                        yield group, with_constants(batch, given)
                except (pa.ArrowException, OSError) as error:
                    raise BadBlock(where, f"damaged or cut off: {first_line(error)}", group) from error

    def pieces(self, plan: ScanPlan) -> Iterator[Piece]:
        """Row groups, small neighbours together."""
        check_columns(self.schema(), plan, self.name)
        with self._open() as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        starts = np.concatenate([[0], np.cumsum(sizes)]).tolist()
        alone, held = len(sizes) == 1, list[Group]()
        for at, size in enumerate(sizes):
            if size:
                held.append(Group(at, starts[at], size))
            if sum(group.n_rows for group in held) >= SMALL_GROUP:
                yield GroupsPiece(self, tuple(held), starts[at + 1] / starts[-1], threads=alone)
                held = []
        if held:
            yield GroupsPiece(self, tuple(held), threads=alone)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            source = self.path if self.filesystem is None else self.filesystem.open_input_file(self.path)
            with pyarrow.parquet.ParquetFile(source, buffer_size=_PAGE_BUFFER, pre_buffer=False) as file:
                yield file
        except BadBlock:
            raise
        except (pa.ArrowException, OSError) as error:
            whole = "not a whole Parquet file (damaged or cut off)"
            raise BadBlock(self.name, f"{whole}: {first_line(error)}") from error


@dataclass(frozen=True, eq=False)
class MemoryFile:
    """Record batches that are in memory, or come as they are made.

    Attributes
    ----------
    name : str
    open : callable
        Iterates over the batches from the first.
    """

    name: str
    open: Callable[[], Iterable[pa.RecordBatch]]

    @property
    def n_bytes(self) -> int:
        """Not known."""
        return 0

    @property
    def identity(self) -> list[str | int]:
        """Nothing tells one stream from another."""
        return [self.name]

    def schema(self) -> pa.Schema:
        """The first batch's."""
        first = next(iter(self.open()), None)
        if first is None:
            raise BadBlock(self.name, "there are no rows")
        return first.schema.remove_metadata()

    def batches(
        self,
        columns: Sequence[str],
        types: Types | None = None,  # noqa: ARG002
        n_rows: int = BATCH_ROWS,  # noqa: ARG002
    ) -> Iterator[pa.RecordBatch]:
        """As they come."""
        for batch in self.open():
            yield batch.select(list(columns))

    def pieces(self, plan: ScanPlan) -> Iterator[Piece]:
        """As many rows each as are read at a time from Parquet files, whatever the batches' size."""
        yield from rows_pieces(self.name, self.open(), plan.batch_rows)


def rows_pieces(name: str, batches: Iterable[pa.RecordBatch], size: int, guess: float = 0.0) -> Iterator[Piece]:
    """Pieces of `size` rows, the last perhaps of fewer; `guess` is about how many rows there are in all."""
    row, held, n_held = 0, list[pa.RecordBatch](), 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            take = min(size - n_held, batch.num_rows - start)
            held.append(batch.slice(start, take))
            n_held, start = n_held + take, start + take
            if n_held == size:
                yield RowsPiece(name, row, tuple(held), min(1.0, (row + size) / max(guess, 1.0)))
                row, held, n_held = row + size, [], 0
    if held:
        yield RowsPiece(name, row, tuple(held))


def changed_at(path: str | Path) -> tuple[int, int]:
    """Bytes of a file, and when it was written last, in nanoseconds."""
    found = Path(path).stat()
    return found.st_size, found.st_mtime_ns


def constant(value: str | int, n_rows: int) -> pa.Array:
    """A column of one value."""
    if isinstance(value, int):
        return pa.array(np.full(n_rows, value))
    return pa.DictionaryArray.from_arrays(np.zeros(n_rows, dtype=np.int32), [value])


def with_constants(batch: pa.RecordBatch, given: dict[str, str | int]) -> pa.RecordBatch:
    """A batch and the columns that its file's folders give it."""
    for name, value in given.items():
        batch = batch.append_column(name, constant(value, batch.num_rows))
    return batch
