"""Dask frames as files: each partition is one, and is computed where its rows lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foldwise.moments.streaming.files import BATCH_ROWS, MemoryFile, rows_pieces
from foldwise.tables.frames import columns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from foldwise.moments.streaming.files import Types
    from foldwise.moments.streaming.pieces import Piece
    from foldwise.moments.streaming.plan import ScanPlan


@dataclass(frozen=True, eq=False)
class PartitionFile:
    """One partition of a Dask frame.

    Attributes
    ----------
    name : str
        By its number, so that rows are dealt to folds by partition and row where there is no key.
    frame : dask.dataframe.DataFrame
        Of this partition only.
    """

    name: str
    frame: Any

    @property
    def n_bytes(self) -> int:
        """Not known."""
        return 0

    @property
    def identity(self) -> list[str | int]:
        """By the name of what makes it."""
        return [self.name, str(self.frame._name)]  # noqa: SLF001 - Dask's own token of what a frame is made by

    def schema(self) -> pa.Schema:
        """The columns' names; their types show in the rows."""
        return pa.schema([pa.field(str(name), pa.null()) for name in self.frame.columns])

    def batches(
        self,
        columns: Sequence[str],
        types: Types | None = None,  # noqa: ARG002
        n_rows: int = BATCH_ROWS,  # noqa: ARG002
    ) -> Iterator[pa.RecordBatch]:
        """Its rows, brought here."""
        yield from batches_of(self.frame[list(columns)].compute())

    def pieces(self, plan: ScanPlan) -> Iterator[Piece]:
        """Its rows, brought here, in pieces."""
        yield from rows_pieces(self.name, batches_of(self.frame.compute()), plan.batch_rows)

    def submit(self, client: Any, work: Callable[..., Any], *more: Any) -> Any:
        """A future of `work` on the partition, as a file in memory, wherever that is."""
        from dask.delayed import delayed

        (rows,) = self.frame.to_delayed()
        return client.compute(delayed(partial(_on_rows, work, self.name))(rows, *more))


def partitions_of(frame: Any) -> tuple[PartitionFile, ...]:
    """The partitions of a Dask frame."""
    return tuple(PartitionFile(f"partition {at}", frame.partitions[at]) for at in range(frame.npartitions))


def batches_of(rows: Any) -> list[pa.RecordBatch]:
    """A dataframe's rows."""
    found: list[pa.RecordBatch] = pa.table(columns_of(rows)).to_batches()
    return found


def _on_rows(work: Callable[..., Any], name: str, rows: Any, *more: Any) -> Any:
    return work(MemoryFile(name, partial(batches_of, rows)), *more)
