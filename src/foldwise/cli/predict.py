"""`foldwise predict`: the rows of a table through a saved model."""

import csv
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from foldwise.cli.files import check_goal, write_whole
from foldwise.cli.model_file import read_model
from foldwise.cli.terminal import notes_shown
from foldwise.tables import read_table


def show_predictions(model: Path, table: Path, *, out: Path | None) -> None:
    """Print the predictions as CSV, or write them to a .csv or .parquet file."""
    if out is not None:
        check_goal(out, "--out", (".csv", ".parquet"))
    with notes_shown():
        predicted = read_model(model).columns(read_table(table))
    if out is None:
        sys.stdout.write("".join(_lines(predicted)))
        return
    column = pa.table(predicted)
    write = pyarrow.parquet.write_table if out.suffix.lower() == ".parquet" else pyarrow.csv.write_csv
    write_whole(out, lambda draft: write(column, draft))
    sys.stdout.write(f"{column.num_rows} predictions written to {out}\n")


def _lines(columns: dict[str, list[Any]]) -> Iterator[str]:
    """The columns as CSV; numbers are written so that they read back exactly."""
    line = StringIO()
    writer = csv.writer(line, lineterminator="\n")
    for row in [tuple(columns), *zip(*columns.values(), strict=True)]:
        writer.writerow([repr(value) if isinstance(value, float) else value for value in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()
