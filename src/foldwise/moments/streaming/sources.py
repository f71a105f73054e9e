"""What a table can be: files, folders, patterns, data sets of Arrow's, readers, lazy frames, iterators of blocks."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, takewhile
from os.path import commonpath
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset

from foldwise.errors import InputError
from foldwise.moments.streaming.bad import BadBlock
from foldwise.moments.streaming.dask_frames import partitions_of
from foldwise.moments.streaming.files import MemoryFile, ParquetFile, changed_at
from foldwise.moments.streaming.text import SUFFIXES, FrontFile
from foldwise.tables.design import MISSING_LEVEL
from foldwise.tables.frames import columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foldwise.moments.streaming.files import Partition, SourceFile

PARQUET = (".parquet", ".pq")
_ACCEPTED = (
    "a file, folder or pattern such as 'data/*.parquet', a list of them, a pyarrow data set or record batch reader, a "
    "dataframe (also a lazy or a Dask one), or an iterator of dataframes"
)


@dataclass(frozen=True, eq=False)
class Source:
    """A table as the files it consists of.

    Attributes
    ----------
    files : sequence of SourceFile
    is_stream : bool
        Whether it can be read only once.
    """

    files: Sequence[SourceFile]
    is_stream: bool = False

    def head(self, n_rows: int, *, skip_bad: bool) -> pa.RecordBatch:
        """Some first rows, each column as one array; with `skip_bad` of the first file that can be read."""
        for file in self.files:
            try:
                for batch in file.batches(file.schema().names, n_rows=n_rows):
                    if batch.num_rows:
                        return batch.slice(0, n_rows)
            except BadBlock:
                if not skip_bad:
                    raise
        message = "the table has no rows"
        raise InputError(message)

    def refuse_second_pass(self, columns: Sequence[str]) -> None:
        """Refuse text columns whose levels would have to be looked for in rows that come only once."""
        if self.is_stream and columns:
            example = f"categories={{{columns[0]!r}: ['a', 'b', '(other)']}}"
            message = (
                f"column {columns[0]!r} holds text, and its levels can't be counted in rows that come only once: list "
                f"them ({example}), drop it, or give a function that starts the rows again"
            )
            raise InputError(message)


def open_source(source: Any) -> Source:
    """The files of whatever a table is.

    Raises
    ------
    InputError
        Where there is no such file, a pattern matches none, or it is no table.
    """
    if isinstance(source, (str, Path)):
        return Source(_files([source]))
    if isinstance(source, (list, tuple)) and source and all(isinstance(item, (str, Path)) for item in source):
        return Source(_files(list(source)))
    if isinstance(source, pyarrow.dataset.Dataset):
        return Source(_of_dataset(source))
    if is_dask(source):
        return Source(partitions_of(source))
    if isinstance(source, (Iterator, pa.RecordBatchReader)):
        return _stream(_batches_of(source))
    start = _start_of(source)
    if start is None:
        message = f"source must be {_ACCEPTED}, got {type(source).__name__}"
        raise InputError(message)
    return Source((MemoryFile("the table", start),))


def is_dask(source: Any) -> bool:
    """Whether it is a Dask frame."""
    return type(source).__module__.startswith("dask") and hasattr(source, "to_delayed")


def _start_of(source: Any) -> Callable[[], Iterable[pa.RecordBatch]] | None:
    """What starts the batches of a table that can be read again; None where it is no table."""
    if isinstance(source, (pa.RecordBatch, pa.Table)):
        return lambda: [source] if isinstance(source, pa.RecordBatch) else source.to_batches()
    if hasattr(source, "collect_batches") and hasattr(source, "collect_schema"):
        return lambda: _batches_of(source.collect_batches(maintain_order=True))
    if callable(source):
        return lambda: _batches_of(source())
    if isinstance(source, dict) or any(hasattr(source, name) for name in ("collect_schema", "__arrow_c_stream__")):
        table = pa.table(columns_of(source))
        return lambda: iter(table.to_batches())
    if isinstance(source, Iterable) and not hasattr(source, "shape"):
        return lambda: _batches_of(source)
    return None


def _stream(batches: Iterable[pa.RecordBatch]) -> Source:
    """Rows that come once: the first batch is looked at before the pass, and comes again in it."""
    rest = iter(batches)
    first = next((batch for batch in rest if batch.num_rows), None)
    if first is None:
        message = "the stream has no rows"
        raise InputError(message)
    # Head and schema want the first batch only; the pass alone goes on to the rest.
    return Source((MemoryFile("the stream", lambda: chain([first], rest)),), is_stream=True)


def _batches_of(blocks: Iterable[Any]) -> Iterator[pa.RecordBatch]:
    """Blocks of any kind of dataframe as record batches."""
    for number, block in enumerate(blocks):
        if isinstance(block, pa.RecordBatch):
            yield block
        elif isinstance(block, pa.Table):
            yield from block.to_batches()
        else:
            try:
                yield from pa.table(columns_of(block)).to_batches()
            except InputError as error:
                message = f"block {number} (from 0): {error}"
                raise InputError(message) from error


def _files(paths: Sequence[str | Path]) -> tuple[SourceFile, ...]:
    """Files in order; their names, and the columns that folders give, are what follows the folder that was named."""
    found: list[Path] = []
    for given in paths:
        found += _matches(Path(given))
    twice = [path for path, count in Counter(found).items() if count > 1]
    if twice:
        message = f"source names {str(twice[0])!r} twice"
        raise InputError(message)
    alone = len(paths) == 1
    top = _root(Path(paths[0])) if alone else Path(commonpath([str(path.absolute().parent) for path in found]))
    return tuple(_file(path, path.absolute().relative_to(top.absolute())) for path in found)


def _matches(given: Path) -> list[Path]:
    if given.is_file():
        return [given]
    if given.is_dir():
        inside = [path for path in sorted(given.rglob("*")) if path.is_file() and not _is_hidden(path, given)]
        known = [path for path in inside if path.suffix.lower() in {*PARQUET, *SUFFIXES}]
        if not known:
            message = f"the folder {str(given)!r} has no table foldwise can read, such as .parquet or .csv"
            raise InputError(message)
        return known
    matches = [Path(path) for path in sorted(glob.glob(str(given), recursive=True)) if Path(path).is_file()]  # noqa: PTH207
    if not matches:
        what = "no file matches" if glob.has_magic(str(given)) else "there is no file"
        message = f"{what} {str(given)!r}"
        raise InputError(message)
    return matches


def _root(given: Path) -> Path:
    """The folder that was named: of a pattern what comes before its first mark."""
    if given.is_dir():
        return given
    if given.is_file():
        return given.parent
    plain = [*takewhile(lambda part: not glob.has_magic(part), given.parts)]
    return Path(*plain)


def _file(path: Path, inside: Path) -> SourceFile:
    size, changed = changed_at(path)
    name, suffix, partition = inside.as_posix(), path.suffix.lower(), _folders(inside)
    if suffix in PARQUET:
        return ParquetFile(str(path), name, partition, size, changed)
    if suffix in SUFFIXES:
        return FrontFile(str(path), name, partition, size, changed)
    known = ", ".join(PARQUET + SUFFIXES)
    message = f"{name!r} is not a table foldwise can read: the name should end in one of {known}"
    raise InputError(message)


def _folders(inside: Path) -> Partition:
    """Columns that folders named column=value give."""
    pairs = [part.split("=", maxsplit=1) for part in inside.parts[:-1] if "=" in part]
    return tuple((name, _value(unquote(value))) for name, value in pairs if name)


def _value(text: str) -> str | int:
    if text == "__HIVE_DEFAULT_PARTITION__":  # what writers call a missing value
        return MISSING_LEVEL
    return int(text) if text.lstrip("-").isdigit() else text


def _is_hidden(path: Path, below: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.relative_to(below).parts)


def _of_dataset(data: pyarrow.dataset.Dataset) -> tuple[SourceFile, ...]:
    """The files of a data set where it is made of whole Parquet files; its rows as they come where not."""
    fragments = [] if _is_filtered(data) else list(data.get_fragments())
    if fragments and all(isinstance(fragment, pyarrow.dataset.ParquetFileFragment) for fragment in fragments):
        top = commonpath([str(Path(fragment.path).parent) for fragment in fragments])
        made = []
        for fragment in fragments:
            info = fragment.filesystem.get_file_info(fragment.path)
            keys = pyarrow.dataset.get_partition_keys(fragment.partition_expression)
            made.append(
                ParquetFile(
                    fragment.path,
                    Path(fragment.path).relative_to(top).as_posix(),
                    tuple((name, value if isinstance(value, int) else str(value)) for name, value in keys.items()),
                    int(info.size or 0),
                    int(info.mtime_ns or 0),
                    fragment.filesystem,
                )
            )
        return tuple(made)
    return (MemoryFile("the data set", lambda: iter(data.to_batches())),)


def _is_filtered(data: pyarrow.dataset.Dataset) -> bool:
    scanner = getattr(data, "_scan_options", {})
    return bool(scanner.get("filter") is not None) if isinstance(scanner, dict) else True
