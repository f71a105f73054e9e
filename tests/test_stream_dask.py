"""A Dask cluster: the same moments as one machine's, also where a worker dies midway."""

import os
import signal
import time

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import foldwise as fw
from foldwise.errors import InputError
from foldwise.moments.streaming import cluster as cluster_module

pytest.importorskip("distributed", reason="Dask is not installed")

# The cluster's own threads and sockets are closed by its fixture; what Dask warns of on the way is not ours.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    for at in range(3):
        pq.write_table(table(140_000, at), folder / f"part-{at}.parquet", row_group_size=70_000)
    pa.csv.write_csv(table(2000, 7), folder / "part-3.csv")
    return folder


def table(n, seed):
    rng = np.random.default_rng(seed)
    x = {f"x{j}": rng.normal(size=n) for j in range(3)} | {"kind": rng.choice(["a", "b", "c"], size=n)}
    return pa.table(x | {"id": np.arange(n) + n * seed, "y": x["x0"] - x["x2"] + rng.normal(size=n)})


def equal(first, second):
    return first.n_rows == second.n_rows and all(
        np.array_equal(getattr(first, part), getattr(second, part)) for part in ("weight", "mean", "cross")
    )


def scan(source, **options):
    return fw.FoldMoments.scan(source, "y", 3, drop=["id"], **options)


def test_a_cluster_gives_the_same_bytes_as_one_machine(cluster, folder):
    told = []
    found = scan(folder, dask=cluster, progress=lambda rows, share: told.append((rows, share)))
    assert equal(found, scan(folder))
    assert found.origin == scan(folder).origin
    assert max(rows for rows, _ in told) == 420_000
    assert told[-1][1] == 1.0
    (folder / "zz").mkdir(exist_ok=True)
    bad = folder / "zz" / "cut.parquet"
    bad.write_bytes((folder / "part-0.parquet").read_bytes()[:-100])
    (folder / "zz" / "other.csv").write_text("x0,kind\n1,a\n")
    try:
        with pytest.raises(InputError, match="not a whole Parquet file"):
            scan(folder, dask=cluster)
        skipping = scan(folder, dask=cluster, skip_bad=True)
        assert skipping.n_rows == found.n_rows
        assert len(skipping.origin.skipped) == 2
        assert equal(skipping, scan(folder, skip_bad=True))
    finally:
        for path in (folder / "zz").iterdir():
            path.unlink()


def slow_tally(piece, plan, *, skip_bad):
    """Slow enough to be killed at work; top-level, so that it travels."""
    from foldwise.moments.streaming.pieces import tally_of

    time.sleep(0.3)
    return tally_of(piece, plan, skip_bad=skip_bad)


def test_a_worker_that_dies_midway_changes_nothing(cluster, folder, monkeypatch):
    expected = scan(folder)
    pids = list(cluster.run(os.getpid).values())
    killed = []

    def kill_one(*_):
        if not killed:
            killed.append(pids[0])
            os.kill(pids[0], signal.SIGKILL)

    monkeypatch.setattr(cluster_module, "tally_of", slow_tally)
    found = scan(folder, dask=cluster, progress=kill_one)
    assert killed
    assert equal(found, expected)
    cluster.wait_for_workers(2, timeout=20)
    assert set(cluster.run(os.getpid).values()) != set(pids)


def test_a_dask_frame_is_read_where_it_lies(cluster, tmp_path):
    dd = pytest.importorskip("dask.dataframe", reason="Dask has no dataframes here")
    for at in range(2):
        pq.write_table(table(3000, at), tmp_path / f"part-{at}.parquet")
    files = sorted(tmp_path.glob("*.parquet"))
    frame = dd.read_parquet([str(path) for path in files])
    expected = fw.FoldMoments.scan(files, "y", 3, key="id")
    for options in ({"dask": cluster}, {}):
        found = fw.FoldMoments.scan(frame, "y", 3, key="id", **options)
        assert found.n_rows == expected.n_rows
        assert found.origin.names == expected.origin.names
        np.testing.assert_allclose(found.weight, expected.weight)
        np.testing.assert_allclose(found.cross, expected.cross, rtol=1e-9, atol=1e-8)


def test_what_a_cluster_can_not_do_is_said(cluster, folder, monkeypatch):
    with pytest.raises(InputError, match="dask is for files and Dask frames"):
        scan(table(100, 0).drop_columns(["kind"]), dask=cluster)
    with pytest.raises(InputError, match="state can't be given with dask"):
        scan(folder, dask=cluster, state=folder / "state")
    with pytest.raises(InputError, match="dask must be 'local', the address"):
        scan(folder, dask=17)
    monkeypatch.setattr(cluster_module, "_PATIENCE", 0.3)
    with pytest.raises(InputError, match=r"no scheduler answers at 'tcp://127\.0\.0\.1:9'"):
        scan(folder, dask="tcp://127.0.0.1:9")
