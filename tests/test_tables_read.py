"""Files become tables, or errors that say what is wrong with the file and where."""

import json
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.feather
import pyarrow.parquet
import pytest

from foldwise.errors import DataWarning, InputError
from foldwise.tables import Recipe, make_design, read_table

TABLE = pa.table({"height": [1.5, None, 3.0], "kind": ["oak", None, "ash"], "old": [True, False, None]})


def write(path: Path, text: str) -> Path:
    """A text file."""
    path.write_text(text, encoding="utf-8")
    return path


def files(folder: Path) -> dict[str, Path]:
    """The same table in every format."""
    text = [["height", "kind", "old"], ["1.5", "oak", "true"], ["", "NA", "false"], ["3", "ash", "?"]]
    lines = [json.dumps(row) for row in TABLE.to_pylist()]
    made = {
        ".csv": write(folder / "t.csv", "\n".join(map(",".join, text))),
        ".CSV": write(folder / "u.CSV", "\r\n".join(map(",".join, text)) + "\r\n"),
        "; .csv": write(folder / "semicolons.csv", "\n".join(map(";".join, text))),
        "BOM .csv": write(folder / "bom.csv", "\ufeff" + "\n".join(map(",".join, text))),
        ".tsv": write(folder / "t.tsv", "\n".join(map("\t".join, text))),
        ".jsonl": write(folder / "t.jsonl", "\n".join(lines)),
        ".parquet": folder / "t.parquet",
        ".feather": folder / "t.feather",
        ".arrow": folder / "t.arrow",
    }
    pa.parquet.write_table(TABLE, made[".parquet"])
    pa.feather.write_feather(TABLE, str(made[".feather"]))
    with pa.ipc.new_file(str(made[".arrow"]), TABLE.schema) as sink:
        sink.write(TABLE)
    return made


@pytest.mark.parametrize(
    "kind", [".csv", ".CSV", "; .csv", "BOM .csv", ".tsv", ".jsonl", ".parquet", ".feather", ".arrow"]
)
def test_every_format_reads_the_same_table(kind, tmp_path):
    assert read_table(files(tmp_path)[kind]).to_pydict() == TABLE.to_pydict()


def test_a_late_text_makes_a_text_column(tmp_path):
    path = write(tmp_path / "long.csv", "x,y\n" + "1,2\n" * 5_000_000 + "a,3\n")
    assert read_table(path).schema.types == [pa.string(), pa.int64()]


def test_a_column_without_a_name_gets_one(tmp_path):
    assert read_table(write(tmp_path / "r.csv", ",x\n1,2\n")).column_names == ["(unnamed 1)", "x"]


BAD = {
    "t.csv": [
        (b"", "'t.csv' is empty"),
        (b"a,b\n1,2\n3\n4,5\n", "'t.csv': line 3 has 1 cell where the header has 2"),
        (b"a,b\n1,2\n3,4,5\n", "'t.csv': line 3 has 3 cells where the header has 2"),
        (b"a,a\n1,2\n", "'t.csv' has more than one column named 'a'"),
        (b"a,b\n1,x\n3,caf\xe9\n", "not UTF-8 text: line 3 holds the byte 0xe9 (byte 14 of the file)"),
        (b"a,\xe9\n1,x\n", "not UTF-8 text: line 1 holds the byte 0xe9 (byte 3 of the file)"),
        ("a,b\n1,2\n".encode("utf-16"), "not UTF-8 text: line 1 holds the byte 0xff (byte 1 of the file)"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not UTF-8 text: line 1"),
    ],
    "t.parquet": [
        (b"", "'t.parquet' is empty"),
        (b"a,b\n1,2\n", "'t.parquet' is not a whole Parquet file (damaged or cut off)"),
    ],
    "t.feather": [(b"a,b\n1,2\n", "'t.feather' is not a whole Feather file (damaged or cut off)")],
    "t.jsonl": [
        (b"", "'t.jsonl' is empty"),
        (b'{"a": 1}\n{"a":\n', "'t.jsonl' is not JSON lines: line 2"),
        (b'[{"a": 1}]\n', "'t.jsonl' is not JSON lines: line 1 holds a list; write one object a line"),
        (b'{"a": 1}\n{"a": "x"}\n', "'t.jsonl': column 'a' changes from number to string at row 2"),
        (b'{"a": "caf\xe9"}\n', "not UTF-8"),
    ],
    "t.xlsx": [(b"PK", "'t.xlsx' is not a table foldwise can read: the name should end in one of .csv, .tsv")],
    "table": [(b"a,b\n", "'table' is not a table foldwise can read")],
}


@pytest.mark.parametrize(
    ("name", "content", "message"), [(name, *case) for name, cases in BAD.items() for case in cases]
)
def test_what_is_not_a_table_is_refused(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", [".parquet", ".feather"])
def test_a_file_cut_off_anywhere_is_refused(kind, tmp_path):
    path = files(tmp_path)[kind]
    whole = path.read_bytes()
    for length in (1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="damaged or cut off"):
            read_table(path)


def test_no_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="is a folder, not a table"):
        read_table(tmp_path / "folder.csv")


def test_dates_in_a_csv_are_refused_by_name(tmp_path):
    table = read_table(write(tmp_path / "d.csv", "day,x,y\n2020-01-01,1,2\n2020-01-02,2,5\n"))
    with pytest.raises(InputError, match="column 'day' holds dates or times"):
        make_design(table, target="y")


def test_every_real_regression_table_makes_a_design(shared):
    """What is noted about each is listed in the assertion: nothing else may look odd."""
    index = json.loads((shared / "data" / "index.json").read_text(encoding="utf-8"))
    noted = {}
    for entry in index.values():
        if entry.get("task") != "regression" or entry["p"] > 5000:
            continue
        table = read_table(shared / "data" / entry["file"])
        target = entry["target"][0]
        table = table.filter(pa.compute.is_valid(table.column(target)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            design = make_design(table, target=target, drop=[*entry["drop"], *entry["target"][1:]])
        n, p = design.values.shape
        assert n == table.num_rows, entry["name"]
        assert len(design.columns) == p >= entry["p"] - 1, entry["name"]
        encoded = Recipe.learn(design, np.arange(0, n, 2), indicators=True).encode_values(design.values)
        assert encoded.shape == (n, p + len(design.gaps)), entry["name"]
        assert np.isfinite(encoded).all(), entry["name"]
        if design.notes:
            noted[entry["name"]] = [note.split(":")[0] for note in design.notes]
    assert noted == {
        "islp_wage": ["column 'region' left out"],
        "md_ames": ["levels on fewer than 10 rows are pooled as '(other)'"],
        "sm_longley": ["column 'YEAR' numbers the rows one by one"],
    }
