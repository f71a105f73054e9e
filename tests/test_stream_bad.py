"""What can't be read or used: an error that names file and row group, or with skip_bad a count; and resuming."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import foldwise as fw
from foldwise.errors import InputError
from foldwise.moments.streaming import scan as scan_module
from foldwise.moments.streaming import walk as walk_module

N = 200_000


def table(n=N, seed=0):
    rng = np.random.default_rng(seed)
    x = {f"x{j}": rng.normal(size=n) for j in range(3)}
    return pa.table(x | {"y": x["x0"] - x["x2"] + rng.normal(size=n)})


def with_value(rows, column, row, value):
    values = rows[column].to_numpy().copy()
    values[row] = value
    return rows.set_column(rows.column_names.index(column), column, pa.array(values))


@pytest.fixture
def folder(tmp_path):
    """Three sound files of two row groups each, all large enough to be pieces of their own."""
    for at in range(3):
        pq.write_table(table(seed=at), tmp_path / f"part-{at}.parquet", row_group_size=N // 2)
    return tmp_path


def scan(source, **options):
    return fw.FoldMoments.scan(source, "y", 3, **options)


def equal(first, second):
    return all(np.array_equal(getattr(first, part), getattr(second, part)) for part in ("weight", "mean", "cross"))


def damage(path, how):
    rows = table(seed=1)
    if how == "truncated":
        path.write_bytes(path.read_bytes()[:-3000])
    elif how == "no table":
        path.write_bytes(b"PAR1 and then nothing of the kind PAR1")
    elif how == "other columns":
        pq.write_table(rows.rename_columns(["x0", "x1", "z", "y"]), path)
    elif how == "one more column":
        pq.write_table(rows.append_column("z", rows["x0"]), path)
    elif how == "other type":
        pq.write_table(rows.set_column(1, "x1", pa.array(["a"] * N)), path)
    elif how == "infinity":
        pq.write_table(with_value(rows, "x1", 150_007, np.inf), path, row_group_size=N // 2)
    elif how == "missing target":
        pq.write_table(with_value(rows, "y", 7, np.nan), path, row_group_size=N // 2)
    elif how == "too large":
        pq.write_table(with_value(rows, "x1", 150_007, 1e200), path, row_group_size=N // 2)
    elif how == "damaged page":
        data = bytearray(path.read_bytes())
        start = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
        data[start : start + 400] = os.urandom(400)
        path.write_bytes(bytes(data))


BAD = [
    ("truncated", r"part-1.parquet: not a whole Parquet file \(damaged or cut off\)", None),
    ("no table", r"part-1.parquet: not a whole Parquet file", None),
    ("other columns", r"part-1.parquet: there is no column 'x2', which the first file has", None),
    ("one more column", r"part-1.parquet: there is a column 'z', which the first file lacks; drop it", None),
    ("other type", r"part-1.parquet: column 'x1' holds numbers in the first file and text here", None),
    ("infinity", r"part-1.parquet, row group 1 \(from 0\), row 50,?008 of 100,000: column 'x1' is inf", N // 2),
    ("missing target", r"part-1.parquet, row group 0 .*, row 8 .*target 'y' must be a finite number, got nan", N // 2),
    ("damaged page", r"part-1.parquet, row group 1 \(from 0\): damaged or cut off", N // 2),
]  # fmt: skip


@pytest.mark.parametrize(("how", "match", "rows"), BAD, ids=[how for how, _, _ in BAD])
def test_bad_parts_are_named_or_skipped_whole(folder, how, match, rows):
    bad = folder / "part-1.parquet"
    group = pq.ParquetFile(bad).read_row_group(1 if "row group 0" in match else 0)
    damage(bad, how)
    with pytest.raises(InputError, match=match):
        scan(folder)
    found = scan(folder, skip_bad=True)
    ((where, why, skipped),) = found.origin.skipped
    assert where.startswith("part-1.parquet")
    assert why
    assert skipped == rows
    assert found.n_rows == 2 * N + (0 if rows is None else N - rows)
    assert found.origin.n_skipped_rows == (rows or 0)
    # What is left is the sound rows' alone.
    pq.write_table(group.slice(0, 0) if rows is None else group, bad)
    sound = scan(folder, skip_bad=False)
    everything = frozenset[int]()
    a, b = found.training_set(everything), sound.training_set(everything)
    np.testing.assert_allclose(a.covariance, b.covariance, atol=1e-13)
    assert a.weight == b.weight


def test_numbers_too_large_to_be_squared_are_named(folder):
    damage(folder / "part-1.parquet", "too large")
    named = r"part-1.parquet, row group 1.*, row 50008 .*'x1' is 1e\+200 in size, too large"
    with pytest.raises(InputError, match=named):
        scan(folder)


def test_a_first_file_that_is_bad_can_be_skipped_too(folder):
    damage(folder / "part-0.parquet", "truncated")
    with pytest.raises(InputError, match=r"part-0.parquet: not a whole"):
        scan(folder)
    assert scan(folder, skip_bad=True).n_rows == 2 * N


def test_small_bad_row_groups_are_skipped_alone(tmp_path):
    rows = with_value(table(20_000), "x2", 3017, -np.inf)
    pq.write_table(rows, tmp_path / "t.parquet", row_group_size=1000)
    with pytest.raises(InputError, match=r"t.parquet, row group 3 \(from 0\), row 18 of 1,000: column 'x2' is -inf"):
        scan(tmp_path / "t.parquet")
    found = scan(tmp_path / "t.parquet", skip_bad=True)
    assert found.n_rows == 19_000
    assert found.origin.skipped[0][2] == 1000


def test_empty_row_groups_and_files_count_for_nothing(tmp_path):
    rows = table(3000)
    with pq.ParquetWriter(tmp_path / "t.parquet", rows.schema) as writer:
        for part in (rows.slice(0, 0), rows.slice(0, 1500), rows.slice(0, 0), rows.slice(1500)):
            writer.write_table(part)
    whole = scan(tmp_path / "t.parquet")
    assert whole.n_rows == 3000
    (tmp_path / "more").mkdir()
    pq.write_table(rows.slice(0, 0), tmp_path / "more" / "empty.parquet")
    pq.write_table(rows, tmp_path / "more" / "t.parquet")
    assert equal(scan(tmp_path / "more"), scan(tmp_path / "more" / "t.parquet"))
    with pytest.raises(InputError, match="the table has no rows"):
        scan(tmp_path / "more" / "empty.parquet")


def test_empty_text_files_are_told_from_files_without_rows(tmp_path):
    pa.csv.write_csv(table(500), tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("x0,x1,x2,y\n")
    assert scan(tmp_path).n_rows == 500
    (tmp_path / "c.csv").write_text("")
    with pytest.raises(InputError, match=r"c.csv: Empty CSV file"):
        scan(tmp_path)
    found = scan(tmp_path, skip_bad=True)
    assert found.n_rows == 500
    assert [where for where, _, _ in found.origin.skipped] == ["c.csv"]


def test_a_text_column_that_changes_midway_is_named(tmp_path):
    rows = table(60_000)
    pa.csv.write_csv(rows, tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text().splitlines()
    text[50_001] = "0.5,oak,1.0,2.0"
    (tmp_path / "b.csv").write_text("\n".join(text) + "\n")
    with pytest.raises(InputError, match=r"b.csv: column 'x1' holds numbers .* and 'oak' in line 50002 here"):
        scan(tmp_path)
    found = scan(tmp_path, skip_bad=True)
    assert found.n_rows == 60_000
    assert equal(found, scan(tmp_path / "a.csv"))
    text[50_001] = "0.5,1.0"
    (tmp_path / "b.csv").write_text("\n".join(text) + "\n")
    with pytest.raises(InputError, match=r"b.csv: .*Expected 4 columns, got 2"):
        scan(tmp_path)


def test_a_block_of_a_stream_that_is_other_is_named():
    blocks = [table(100_000), table(100_000).rename_columns(["x0", "x1", "z", "y"])]
    with pytest.raises(InputError, match=r"the stream, rows .*: there is no column 'x2'"):
        scan(iter(blocks))
    with pytest.raises(InputError, match=r"block 1 \(from 0\)"):
        scan(iter([blocks[0].to_pandas(), 17]))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"target": "z"}, "target: the table has no column 'z'"),
        ({"folds": 1}, "folds must be a whole number from 2"),
        ({"folds": fw.Folds.kfold(10)}, "folds must be a number for a table"),
        ({"fill": "median"}, "fill must be 'mean' for a table that is read once, got 'median': medians can't be told"),
        ({"key": "y"}, "must be different columns"),
        ({"key": "x0"}, "key 'x0' must hold whole numbers, dates or text, got double"),
        ({"drop": "x0"}, "drop must be a list of names"),
        ({"drop": ["x0", "x1", "x2"]}, "no column left"),
        ({"sample_weight": "x0"}, r"column 'x0' must be a finite weight >= 0"),
        ({"sample_weight": np.ones(3)}, "sample_weight must name a column"),
        ({"categories": {"x0": ["1"]}}, "two or more different levels"),
        ({"workers": 0}, "workers must be a whole number from 1"),
        ({"state": "/nowhere/at/all"}, "state must name a file in a folder that is there"),
        ({"source": "/nowhere/*.parquet"}, r"no file matches '/nowhere/\*.parquet'"),
        ({"source": "/nowhere.parquet"}, "there is no file '/nowhere.parquet'"),
        ({"source": 17}, "source must be a file, folder or pattern .*, got int"),
        ({"source": np.zeros((3, 2))}, "source must be .*, got ndarray"),
        ({"source": iter([])}, "the stream has no rows"),
    ],
)
def test_what_is_asked_for_is_checked(options, match):
    ask = {"source": table(1000), "target": "y", "folds": 3} | options
    with pytest.raises(InputError, match=match):
        fw.FoldMoments.scan(**ask)


def test_few_rows_for_many_folds_are_told():
    with pytest.raises(InputError, match=r"folds=50: fold \d+ of repeat 0 has no rows \(there are 60 rows\)"):
        fw.FoldMoments.scan(table(60), "y", 50)


def test_text_in_a_stream_asks_for_its_levels():
    rows = table(100).append_column("town", pa.array(["a", "b"] * 50))
    with pytest.raises(InputError, match=r"column 'town' holds text, and its levels can't be counted.*categories="):
        scan(iter([rows]))
    with pytest.raises(InputError, match=r"row 2: column 'town' has the unlisted level 'b'"):
        scan(iter([rows]), categories={"town": ["a", "c"]})


def test_arrays_take_no_options_of_tables():
    with pytest.raises(InputError, match="key is for a table"):
        fw.FoldMoments.scan(np.eye(3), np.arange(3.0), key="id")


class StopError(Exception):
    """What stops a scan midway here."""


def test_a_scan_goes_on_from_its_state(folder, monkeypatch):
    state = folder / "scan.state"
    whole = scan([folder / f"part-{at}.parquet" for at in range(3)])
    read = []
    real = walk_module.tally_of
    monkeypatch.setattr(walk_module, "tally_of", lambda piece, *a, **k: read.append(piece.name) or real(piece, *a, **k))
    for stop_at in (1, 2, 3):
        calls = itertools.count(1)

        def tell(rows, share, calls=calls, stop_at=stop_at):
            assert rows > 0
            assert 0 < share <= 1
            if next(calls) == stop_at:
                raise StopError

        with pytest.raises(StopError):
            scan(folder / "*.parquet", state=state, progress=tell, workers=1)
        assert state.exists()
    read.clear()
    found = scan(folder / "*.parquet", state=state)
    assert 0 < len(read) < 6
    assert equal(found, whole)
    assert not state.exists()
    assert sorted(path.name for path in folder.iterdir()) == [f"part-{at}.parquet" for at in range(3)]


def test_a_state_of_another_scan_is_refused(folder):
    state = folder / "scan.state"

    def stop(*_):
        raise StopError

    with pytest.raises(StopError):
        scan(folder / "*.parquet", state=state, progress=stop)
    with pytest.raises(InputError, match=r"is of another scan: the files have changed since, or"):
        scan(folder / "*.parquet", state=state, seed=1)
    pq.write_table(table(seed=9), folder / "part-2.parquet")
    with pytest.raises(InputError, match="is of another scan"):
        scan(folder / "*.parquet", state=state)
    state.write_text("{}")
    with pytest.raises(InputError, match="is not the state of a scan"):
        scan(folder / "*.parquet", state=state)
    with pytest.raises(InputError, match="a stream can't"):
        scan(iter([table(100)]), state=state)


def test_ctrl_c_saves_how_far_it_came(folder, monkeypatch):
    state = folder / "scan.state"
    real = walk_module.tally_of

    def slow(*given, **options):
        time.sleep(0.15)
        return real(*given, **options)

    monkeypatch.setattr(walk_module, "tally_of", slow)
    timer = threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        scan(folder / "*.parquet", state=state, workers=1)
    timer.cancel()
    with np.load(state, allow_pickle=False) as file:
        settings = json.loads(str(file["settings"]))
    assert settings["files"] + settings["pieces"] > 0
    monkeypatch.undo()
    assert equal(scan(folder / "*.parquet", state=state), scan(folder / "*.parquet"))


def test_memory_does_not_grow_with_the_table(tmp_path):
    """A row group of 100 MB is read in batches: the scan's peak beyond its start is far below."""
    rng = np.random.default_rng(0)
    wide = pa.table({name: rng.random(400_000) for name in [*(f"x{j}" for j in range(30)), "y"]})
    pq.write_table(wide, tmp_path / "t.parquet", row_group_size=400_000, compression="none", use_dictionary=False)
    code = f"""
import resource, foldwise as fw, pyarrow as pa, pyarrow.parquet
import foldwise.moments.streaming
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
fw.FoldMoments.scan({str(tmp_path / "t.parquet")!r}, "y", 5)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 0.8 * wide.nbytes


def test_workers_are_fewer_where_tallies_are_large():
    plan = scan_module.make_plan(
        scan_module.open_source(table(100)), scan_module.Asked("y", n_folds=5), skip_bad=False
    )[0]
    assert walk_module.workers_for(plan, 3) == 3
    assert walk_module.workers_for(plan, None) >= 1
