"""Read a table from a file: CSV, TSV, Parquet, Feather or JSON lines, told apart by the suffix."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.json
import pyarrow.parquet

from foldwise.errors import InputError

# What a missing value looks like in a text file: pyarrow's own list, and the question mark of the UCI tables.
MISSING_MARKS = (*pyarrow.csv.ConvertOptions().null_values, "?")
_BLOCK = 1 << 24  # bytes; pyarrow's CSV and JSON readers refuse rows longer than a block


def read_table(path: str | Path) -> pa.Table:
    r"""Read the table in a file.

    CSV and TSV files are UTF-8 with a header line. Empty cells, ``NA``, ``NaN``, ``null`` and ``?`` are missing. A
    ``.csv`` file whose header holds semicolons and no comma is read as separated by semicolons.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv``, ``.tab``, ``.parquet``, ``.pq``, ``.feather``, ``.arrow``, ``.jsonl``, ``.ndjson`` or
        ``.json`` (one object a line).

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    InputError
        If there is no such file, its suffix is not one of those above, or it is empty, truncated, not UTF-8 (the
        message names line and byte), ragged (names the line) or has two columns of one name.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "trees.csv"
    >>> _ = path.write_text("height,kind\n12.5,oak\n?,ash\n")
    >>> read_table(path).to_pydict()
    {'height': [12.5, None], 'kind': ['oak', 'ash']}
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if not path.exists():
        raise InputError(f"there is no file {str(path)!r}")
    if not path.is_file():
        raise InputError(f"{str(path)!r} is a folder, not a table")
    if reader is None:
        raise InputError(
            f"{path.name!r} is not a table foldwise can read: the name should end in one of {', '.join(_READERS)}"
        )
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path.name!r} is empty")
        table = reader(path)
    except OSError as error:
        raise InputError(f"{path.name!r} can't be read: {error.strerror or error}") from error
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise InputError(
            f"{path.name!r} has more than one column named {twice[0]!r}; every column needs a name of its own"
        )
    return table


def _read_csv(path: Path) -> pa.Table:
    with path.open("rb") as file:
        header = file.readline()
    semicolons = b";" in header and b"," not in header and b"\t" not in header
    return _read_delimited(path, ";" if semicolons else ",")


def _read_tsv(path: Path) -> pa.Table:
    return _read_delimited(path, "\t")


def _read_delimited(path: Path, delimiter: str, *, use_threads: bool = True) -> pa.Table:
    try:
        table = pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK, use_threads=use_threads),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(null_values=MISSING_MARKS, strings_can_be_null=True),
        )
        names = table.column_names
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except pa.ArrowInvalid as error:
        if use_threads:  # one thread counts the rows, so that the message can name one
            return _read_delimited(path, delimiter, use_threads=False)
        raise _bad_csv(path, str(error)) from error
    if any(pa.types.is_binary(kind) for kind in table.schema.types) or "\ufffd" in "".join(names):
        raise _not_utf8(path)
    return table.rename_columns([name or f"(unnamed {i})" for i, name in enumerate(names, start=1)])


def _bad_csv(path: Path, detail: str) -> InputError:
    if _first_bad_byte(path) is not None:
        return _not_utf8(path)
    ragged = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", detail)
    if not ragged:
        return InputError(f"{path.name!r} is not a table: {_first_line(detail)}")
    row, expected, got = map(int, ragged.groups())
    return InputError(f"{path.name!r}: line {row} has {_cells(got)} where the header has {expected}")


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _first_bad_byte(path: Path) -> int | None:
    try:
        path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return None


def _not_utf8(path: Path) -> InputError:
    at = _first_bad_byte(path)
    if at is None:
        return InputError(f"{path.name!r} holds bytes that are not text")
    data = path.read_bytes()
    line = data.count(b"\n", 0, at) + 1
    found = f"line {line} holds the byte 0x{data[at]:02x} (byte {at + 1} of the file)"
    return InputError(f"{path.name!r} is not UTF-8 text: {found}; save it as UTF-8")


def _read_parquet(path: Path) -> pa.Table:
    try:
        return pyarrow.parquet.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path.name!r} is not a whole Parquet file (damaged or cut off): {_first_line(str(error))}"
        ) from error


def _read_feather(path: Path) -> pa.Table:
    try:
        with pa.memory_map(str(path)) as source:
            return pa.ipc.open_file(source).read_all()
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path.name!r} is not a whole Feather file (damaged or cut off): {_first_line(str(error))}"
        ) from error


def _read_json_lines(path: Path) -> pa.Table:
    block = max(_BLOCK, min(path.stat().st_size + 1, (1 << 31) - 1))
    try:
        table = pyarrow.json.read_json(path, read_options=pyarrow.json.ReadOptions(block_size=block))
    except pa.ArrowInvalid as error:
        raise _bad_json_lines(path, str(error)) from error
    if _first_bad_byte(path) is not None:  # the reader takes any bytes for text
        raise _not_utf8(path)
    return table


def _bad_json_lines(path: Path, detail: str) -> InputError:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                value = json.loads(line) if line.strip() else {}
            except UnicodeDecodeError:
                return _not_utf8(path)
            except json.JSONDecodeError as error:
                return InputError(f"{path.name!r} is not JSON lines: line {number}: {error.msg}")
            if not isinstance(value, dict):
                found = f"line {number} holds a {type(value).__name__}"
                return InputError(f"{path.name!r} is not JSON lines: {found}; write one object a line")
    mixed = re.search(r"Column\(/?(.*?)\) changed from (\w+) to (\w+) in row (\d+)", detail)
    if mixed:
        name, before, after, row = mixed.groups()
        return InputError(f"{path.name!r}: column {name!r} changes from {before} to {after} at row {int(row) + 1}")
    return InputError(f"{path.name!r} is not JSON lines: {_first_line(detail)}")


def _first_line(text: str) -> str:
    return text.strip().split("\n", maxsplit=1)[0]


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".tab": _read_tsv,
    ".parquet": _read_parquet,
    ".pq": _read_parquet,
    ".feather": _read_feather,
    ".arrow": _read_feather,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json_lines,
}
