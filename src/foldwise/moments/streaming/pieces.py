"""A piece: as many rows of one file as one worker tallies at a time, and its tally."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from foldwise.moments.streaming.bad import BadBlock, BadCell, Skipped
from foldwise.moments.streaming.dealing import deal, number_of
from foldwise.moments.streaming.encode import encoded, in_chunks
from foldwise.moments.streaming.kinds import check_columns
from foldwise.moments.streaming.tally import Tally, Tallying, merged
from foldwise.moments.streaming.tree import Tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.moments.streaming.encode import Flat
    from foldwise.moments.streaming.files import ParquetFile, SourceFile
    from foldwise.moments.streaming.plan import ScanPlan

Placed = Iterator[tuple[int, pa.RecordBatch]]
"""Batches, each with its first row's number in the file (from 0)."""


class Piece(Protocol):
    """As many rows as one worker tallies at a time."""

    @property
    def name(self) -> str:
        """The file's name, as messages and fold words have it."""

    @property
    def n_rows(self) -> int:
        """How many rows there are."""

    @property
    def share(self) -> float:
        """How much of the file is done with this piece, about."""

    def placed(self, plan: ScanPlan) -> Placed:
        """Its batches."""

    def blame(self, row: int, why: str) -> BadBlock:
        """The error for a bad value in a row of the file."""

    def without(self, group: int) -> Piece | None:
        """The piece less a row group; None where nothing is left."""


@dataclass(frozen=True)
class Group:
    """A row group: its number, its first row's in the file, and how many rows it has."""

    at: int
    first_row: int
    n_rows: int


@dataclass(frozen=True)
class GroupsPiece:
    """Neighbouring row groups of a Parquet file: only their place travels, whoever tallies them reads them there."""

    file: ParquetFile
    groups: tuple[Group, ...]
    share: float = 1.0
    threads: bool = False

    @property
    def name(self) -> str:
        """The file's."""
        return self.file.name

    @property
    def n_rows(self) -> int:
        """Of all its groups."""
        return sum(group.n_rows for group in self.groups)

    def placed(self, plan: ScanPlan) -> Placed:
        """Batches read one after another, so that memory does not grow with the size of a row group."""
        row = {group.at: group.first_row for group in self.groups}
        reading = self.file.batches_of(plan.sources, [group.at for group in self.groups], plan.batch_rows, self.threads)
        for at, batch in reading:
            yield row[at], batch
            row[at] += batch.num_rows

    def blame(self, row: int, why: str) -> BadBlock:
        """Name the row group."""
        group = next(group for group in reversed(self.groups) if row >= group.first_row)
        where = f"{self.name}, row group {group.at} (from 0), row {row - group.first_row + 1} of {group.n_rows:,}"
        return BadBlock(where, why, group.at)

    def without(self, group: int) -> GroupsPiece | None:
        """The other groups."""
        rest = tuple(one for one in self.groups if one.at != group)
        return replace(self, groups=rest) if rest else None


@dataclass(frozen=True, eq=False)
class RowsPiece:
    """Rows that have been read already, as those of a text file or a stream are."""

    name: str
    first_row: int
    batches: tuple[pa.RecordBatch, ...]
    share: float = 1.0

    @property
    def n_rows(self) -> int:
        """Of all its batches."""
        return sum(batch.num_rows for batch in self.batches)

    def placed(self, plan: ScanPlan) -> Placed:
        """The batches, checked."""
        row = self.first_row
        for batch in self.batches:
            check_columns(batch.schema, plan, self._where())
            yield row, batch
            row += batch.num_rows

    def blame(self, row: int, why: str) -> BadBlock:
        """Name the row and the block."""
        return BadBlock(f"{self.name}, row {row + 1:,}", why, 0)

    def without(self, group: int) -> None:
        """It stands or falls as a whole."""

    def _where(self) -> str:
        return f"{self.name}, rows {self.first_row + 1:,} to {self.first_row + self.n_rows:,}"


@dataclass(frozen=True, eq=False)
class Tallied:
    """A piece's tally, and what of it was skipped."""

    tally: Tally
    skipped: tuple[Skipped, ...] = ()
    share: float = 1.0


def tally_of(piece: Piece, plan: ScanPlan, *, skip_bad: bool = False) -> Tallied:
    """Read, check and multiply out a piece.

    Raises
    ------
    BadBlock
        Naming the file and the row group or row, unless `skip_bad` leaves that row group out.
    """
    skipped: list[Skipped] = []
    left: Piece | None = piece
    while left is not None:
        try:
            return Tallied(_tally(left, plan), tuple(skipped), piece.share)
        except BadBlock as error:
            if not skip_bad:
                raise
            rest = None if error.group is None else left.without(error.group)
            skipped.append(Skipped(error.where, error.why, left.n_rows - (0 if rest is None else rest.n_rows)))
            left = rest
    return Tallied(plan.empty(), tuple(skipped), piece.share)


def merged_pieces(first: Tallied, second: Tallied) -> Tallied:
    """Both's rows, and what was skipped of both."""
    return Tallied(merged(first.tally, second.tally), first.skipped + second.skipped)


def tally_of_file(file: SourceFile, plan: ScanPlan, *, skip_bad: bool = False) -> Tallied:
    """A whole file's tally, by one worker.

    Raises
    ------
    BadBlock
        As `tally_of`, and for a file that can't be read to its end, which `skip_bad` leaves out whole.
    """
    tree = Tree(merged_pieces)
    try:
        for piece in file.pieces(plan):
            tree.add(tally_of(piece, plan, skip_bad=skip_bad))
    except BadBlock as error:
        if not skip_bad:
            raise
        return Tallied(plan.empty(), (Skipped(error.where, error.why),))
    return tree.total() or Tallied(plan.empty())


def _tally(piece: Piece, plan: ScanPlan) -> Tally:
    made = Tallying(plan.n_folds, plan.n_repeats, np.array(plan.reference), plan.counted)
    file, room = number_of(piece.name), np.empty((len(plan.columns) + 1, plan.chunk_rows))
    try:
        for chunk in in_chunks(encoded_parts(piece, plan, file), plan.chunk_rows):
            _add(made, chunk, plan, room)
    except BadCell as error:
        raise piece.blame(error.row, error.why) from error
    return made.tally()


def encoded_parts(piece: Piece, plan: ScanPlan, file: int) -> Iterator[Flat]:
    """Its batches as flat arrays."""
    for first, batch in piece.placed(plan):
        if batch.num_rows:
            yield encoded(batch, plan, file, np.arange(first, first + batch.num_rows, dtype=np.int64))


def _add(made: Tallying, chunk: Flat, plan: ScanPlan, room: NDArray[np.float64]) -> None:
    *values, words, rows = chunk
    labels = deal(words, plan.n_folds, plan.n_repeats, plan.seed)
    weights = values.pop() if plan.weight is not None else None
    for repeat, folds in enumerate(labels):
        order = np.argsort(folds, kind="stable")
        ends = np.searchsorted(folds[order], np.arange(plan.n_folds + 1))
        gather(values, order, plan, room[:, : len(order)])
        mine = None if weights is None else weights[order]
        if not made.add(room[:, : len(order)], ends, mine, repeat):
            raise infinite(values, rows, plan)


def gather(values: Flat, order: NDArray[np.intp], plan: ScanPlan, out: NDArray[np.float64]) -> None:
    """[x, y] of the rows in fold order."""
    numbers, places = values[: len(plan.numbers)], values[len(plan.numbers) : -1]
    for (j, _), array in zip(plan.numbers, numbers, strict=True):
        _take(array, order, out[j])
    for category, array in zip(plan.categories, places, strict=True):
        columns = [*category.columns, *([] if category.other is None else [category.other])]
        out[columns] = 0.0
        place = array[order]
        rows = np.flatnonzero(place >= 0)
        out[place[rows], rows] = 1.0
    _take(values[-1], order, out[-1])


def _take(array: NDArray[np.generic], order: NDArray[np.intp], out: NDArray[np.float64]) -> None:
    if array.dtype == np.float64:
        np.take(array, order, out=out, mode="clip")
    else:
        out[:] = array[order]


def infinite(values: Flat, rows: NDArray[np.int64], plan: ScanPlan) -> BadCell:
    """The error for the value that is infinite, or whose square is."""
    for (_, column), array in zip(plan.numbers, values, strict=False):
        odd = np.flatnonzero(np.isinf(array))
        if len(odd):
            return BadCell(int(rows[odd[0]]), f"column {column.source!r} is {array[odd[0]]}; replace it by a number")
    names = [*(repr(column.source) for _, column in plan.numbers), f"target {plan.target!r}"]
    arrays = [*values[: len(plan.numbers)], values[-1]]
    sizes = [np.abs(array.astype(np.float64)) for array in arrays]
    largest = int(np.argmax([np.nanmax(size, initial=0.0) for size in sizes]))
    row, value = int(np.nanargmax(sizes[largest])), np.nanmax(sizes[largest])
    return BadCell(int(rows[row]), f"{names[largest]} is {value:g} in size, too large to be squared; use another unit")
