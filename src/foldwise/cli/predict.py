"""`foldwise predict`: the rows of a table through a saved model."""

import sys
from pathlib import Path

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
        predicted = read_model(model).predict(read_table(table))
    if out is None:
        sys.stdout.write("prediction\n" + "".join(f"{value!r}\n" for value in predicted.tolist()))
        return
    column = pa.table({"prediction": predicted})
    write = pyarrow.parquet.write_table if out.suffix.lower() == ".parquet" else pyarrow.csv.write_csv
    write_whole(out, lambda draft: write(column, draft))
    sys.stdout.write(f"{len(predicted)} predictions written to {out}\n")
