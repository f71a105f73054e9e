"""CSV, TSV, Feather and JSON lines files as batches: read from the front, in blocks, with the plan's types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc

from foldwise.errors import InputError
from foldwise.moments.streaming.bad import BadBlock, first_line
from foldwise.moments.streaming.files import BATCH_ROWS, StoredFile, Types, rows_pieces, with_constants
from foldwise.moments.streaming.kinds import check_columns
from foldwise.tables import read_table
from foldwise.tables.read import MISSING_MARKS

if TYPE_CHECKING:
    from foldwise.moments.streaming.pieces import Piece
    from foldwise.moments.streaming.plan import ScanPlan

_BLOCK = 1 << 22
SUFFIXES = (".csv", ".tsv", ".tab", ".feather", ".arrow", ".jsonl", ".ndjson", ".json")


class FrontFile(StoredFile):
    """A file that can only be read from the front."""

    def schema(self) -> pa.Schema:
        """Its own columns, then those of its folders; of a text file as its first rows suggest."""
        if self._is_text:
            with self._named(0, None, {}), self._reader(None, {}) as reader:
                return self.with_partition(reader.schema)
        first = next(self._batches(None, {}), None)
        return self.with_partition(pa.schema([]) if first is None else first.schema)

    def batches(
        self,
        columns: Sequence[str],
        types: Types | None = None,
        n_rows: int = BATCH_ROWS,  # noqa: ARG002
    ) -> Iterator[pa.RecordBatch]:
        """All its rows of some columns."""
        given = dict(self.partition)
        own = [name for name in columns if name not in given]
        for batch in self._batches(own, types or {}):
            yield with_constants(batch, given)

    def pieces(self, plan: ScanPlan) -> Iterator[Piece]:
        """As many rows each as are read at a time from Parquet files."""
        kinds, schema = dict(plan.kinds), self.schema()
        # What one block suggests is not what the file holds: numbers and text are told apart by the plan.
        for at, name in enumerate(schema.names):
            if name in plan.types and kinds.get(name) in {"number", "text"} and self._is_text:
                schema = schema.set(at, pa.field(name, plan.types[name]))
        check_columns(schema, plan, self.name)
        yield from rows_pieces(self.name, self.batches(plan.sources, plan.types), plan.batch_rows, self._guess())

    def _guess(self) -> float:
        """About how many rows there are, by the first ones' length."""
        if not self._is_text:
            return 0.0
        with Path(self.path).open("rb") as file:
            start = file.read(1 << 16)
        return self.size * max(1, start.count(b"\n")) / len(start)

    @property
    def _is_text(self) -> bool:
        return Path(self.path).suffix.lower() in {".csv", ".tsv", ".tab"}

    def _batches(self, columns: Sequence[str] | None, types: Types) -> Iterator[pa.RecordBatch]:
        row, reader = 0, self._delimited(columns, types) if self._is_text else self._whole()
        while True:
            with self._named(row, columns, types):
                batch = next(reader, None)
            if batch is None:
                return
            yield batch if columns is None or self._is_text else batch.select(list(columns))
            row += batch.num_rows

    @contextmanager
    def _named(self, row: int, columns: Sequence[str] | None, types: Types) -> Iterator[None]:
        """Say of what is wrong where it is."""
        try:
            yield
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            where = f"{self.name}, after row {row:,}" if row else self.name
            told = self._counted(error, columns, types) if self._is_text else error
            raise BadBlock(where, _explained(told, columns)) from error

    def _counted(self, error: Any, columns: Sequence[str] | None, types: Types) -> Any:
        """The same error with the number of its row, which pyarrow counts where it reads with one thread only."""
        if "conversion error" not in str(error) or "Row #" in str(error):
            return error
        try:
            with self._reader(columns, types, use_threads=False) as reader:
                for _ in reader:
                    pass
        except pa.ArrowInvalid as counted:
            return counted
        return error

    def _delimited(self, columns: Sequence[str] | None, types: Types) -> Iterator[pa.RecordBatch]:
        with self._reader(columns, types) as reader:
            yield from reader

    def _reader(self, columns: Sequence[str] | None, types: Types, *, use_threads: bool = True) -> Any:
        with Path(self.path).open("rb") as file:
            header = file.readline()
        semicolons = b";" in header and b"," not in header and b"\t" not in header
        tabs = Path(self.path).suffix.lower() != ".csv"
        options = pyarrow.csv.ConvertOptions(
            null_values=MISSING_MARKS,
            strings_can_be_null=True,
            column_types=types,
            include_columns=None if columns is None else list(columns),
        )
        return pyarrow.csv.open_csv(
            self.path,
            read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK, use_threads=use_threads),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter="\t" if tabs else ";" if semicolons else ",", newlines_in_values=True
            ),
            convert_options=options,
        )

    def _whole(self) -> Iterator[pa.RecordBatch]:
        if Path(self.path).suffix.lower() in {".feather", ".arrow"}:
            with pa.memory_map(self.path) as source, pa.ipc.open_file(source) as file:
                for at in range(file.num_record_batches):
                    yield file.get_batch(at)
            return
        try:
            yield from read_table(self.path).to_batches()
        except InputError as error:
            raise BadBlock(self.name, str(error)) from error


def _explained(error: Any, columns: Sequence[str] | None) -> str:
    """What pyarrow's CSV reader said, with the column's name in place of its number."""
    text = first_line(error)
    found = re.search(
        r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to (\w+): invalid value '(.*)'", text
    )
    if not found:
        return text
    at, row, kind, value = found.groups()
    name = repr(columns[int(at)]) if columns is not None and int(at) < len(columns) else f"number {int(at) + 1}"
    place = f" in line {row}" if row else ""
    kind = {"double": "numbers", "int64": "whole numbers", "bool": "true and false"}.get(kind, kind)
    return f"column {name} holds {kind} in the first file's first rows and {value!r}{place} here"
