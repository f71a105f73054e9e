"""One pass over a table: whatever its files, blocks and workers, the moments are those of its rows in memory."""

import itertools

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import foldwise as fw
from foldwise.errors import DataWarning, InputError
from foldwise.moments.streaming.dealing import by_key, by_row, deal, number_of
from foldwise.tables import make_design

PARTS = ("weight", "mean", "cross", "gaps", "reference", "level_count")


def table(n=3000, seed=0, *, gaps=False, town=False):
    rng = np.random.default_rng(seed)
    x = {f"x{j}": rng.normal(size=n) * 10.0**j + 100.0 * j for j in range(4)}
    x["count"] = rng.integers(0, 9, size=n)
    x["old"] = rng.random(n) < 0.3
    x["seconds"] = 1.7e9 + np.arange(n) * 0.25
    if town:
        x["town"] = rng.choice(["Aba", "Bern", "Cork", "Doha"], p=[0.5, 0.3, 0.19, 0.01], size=n)
    y = x["x0"] + 0.01 * x["x2"] + rng.normal(size=n)
    if gaps:
        x["x1"] = np.where(rng.random(n) < 0.2, np.nan, x["x1"])
        x["x3"] = np.where((np.arange(n) > n // 2) & (rng.random(n) < 0.1), np.nan, x["x3"])  # late
    return pa.table(x | {"id": np.arange(n) * 7, "y": y})


def same(first, second, *, atol=1e-12, rtol=1e-11):
    """Equal on the correlation scale."""
    assert first.n_rows == second.n_rows
    for held_out in first.held_out_sets(nested=first.n_folds > 2):
        a, b = first.training_set(held_out), second.training_set(held_out)
        assert a.weight == pytest.approx(b.weight)
        scale = np.where(b.scale > 0, b.scale, 1.0)
        np.testing.assert_allclose(a.scale, b.scale, rtol=rtol, atol=1e-12)
        np.testing.assert_allclose(a.mean / scale, b.mean / scale, rtol=1e-13, atol=atol)
        np.testing.assert_allclose(
            a.covariance / np.outer(scale, scale), b.covariance / np.outer(scale, scale), atol=atol
        )
        np.testing.assert_allclose(a.with_y / scale, b.with_y / scale, atol=atol)


def equal(first, second):
    """The same bytes."""
    return all(np.array_equal(getattr(first, part), getattr(second, part)) for part in PARTS)


def in_memory(rows, labels, **settings):
    rows = rows.drop_columns(["id"])
    design = make_design(rows, target="y")
    settings = {"fill": "mean", "pools": design.pools} | settings
    return fw.FoldMoments.scan(design.values, design.target, fw.Folds.from_labels(labels), **settings)


@pytest.mark.filterwarnings("ignore:levels on fewer:foldwise.errors.DataWarning")
@settings(
    deadline=None,
    max_examples=15,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    seed=st.integers(0, 1000),
    gaps=st.booleans(),
    town=st.booleans(),
    indicators=st.booleans(),
    group=st.sampled_from([100, 701, 3000]),
)
def test_every_training_set_equals_the_rows_in_memory(tmp_path, seed, gaps, town, indicators, group):
    rows = table(3000, seed, gaps=gaps, town=town)
    path = tmp_path / "t.parquet"
    pq.write_table(rows, path, row_group_size=group)
    streamed = fw.FoldMoments.scan(path, "y", 4, repeats=2, seed=seed, drop=["id"], indicators=indicators)
    labels = deal(by_row(number_of("t.parquet"), np.arange(3000)), 4, 2, seed)
    memory = in_memory(rows, labels, indicators=indicators)
    same(streamed, memory, atol=1e-11)
    assert np.array_equal(streamed.level_count.sum(), memory.level_count.sum())


def test_row_groups_blocks_and_workers_do_not_matter(tmp_path):
    rows = table(200_000, gaps=True)
    made = []
    for group in (200_000, 70_000, 999):
        pq.write_table(rows, tmp_path / "t.parquet", row_group_size=group)
        made += [fw.FoldMoments.scan(tmp_path / "t.parquet", "y", 5, drop=["id"], workers=w) for w in (1, 2)]
        assert equal(made[-1], made[-2])
    for other in made[1:]:
        same(made[0], other)


def test_streams_of_any_block_size_give_the_same_bytes():
    rows = table(150_000)
    whole = fw.FoldMoments.scan(rows, "y", 3, drop=["id"])
    cuts = [(7,), (64, 50_000), (99_999, 1)]
    for cut in cuts:
        ends = [0, *np.cumsum(cut).tolist(), len(rows)]
        blocks = (rows.slice(a, b - a) for a, b in itertools.pairwise(ends))
        streamed = fw.FoldMoments.scan((block.to_pandas() for block in blocks), "y", 3, drop=["id"], seed=0)
        # Another name, other folds: the rows of all folds together are the same.
        same(fw.FoldMoments.scan(lambda cut=cut: rows.to_batches(cut[0] + 1000), "y", 3, drop=["id"]), whole)
        assert streamed.n_rows == 150_000


def test_every_kind_of_source_gives_the_same_moments(tmp_path):
    """With a key the folds do not depend on names either."""
    rows = table(5000, gaps=True, town=True)
    ask = {"target": "y", "folds": 3, "key": "id"}
    expected = fw.FoldMoments.scan(rows, **ask)
    halves = [rows.slice(0, 2345), rows.slice(2345)]
    (tmp_path / "parts" / "deep").mkdir(parents=True)
    pq.write_table(halves[0], tmp_path / "parts" / "a.parquet", row_group_size=1000)
    pq.write_table(halves[1], tmp_path / "parts" / "deep" / "b.parquet")
    (tmp_path / "parts" / "_SUCCESS").write_text("")
    pa.csv.write_csv(rows, tmp_path / "t.csv")
    rows.to_pandas().to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    pa.feather.write_feather(rows, tmp_path / "t.feather", chunksize=777)
    pl.from_arrow(rows).write_ndjson(tmp_path / "t.jsonl")
    data = pa.dataset.dataset(tmp_path / "parts" / "a.parquet")
    sources = {
        "folder": tmp_path / "parts",
        "pattern": str(tmp_path / "parts" / "**" / "*.parquet"),
        "list": [tmp_path / "parts" / "a.parquet", str(tmp_path / "parts" / "deep" / "b.parquet")],
        "csv": tmp_path / "t.csv",
        "tsv": tmp_path / "t.tsv",
        "feather": tmp_path / "t.feather",
        "json lines": tmp_path / "t.jsonl",
        "data set": pa.dataset.dataset([str(p) for p in sorted((tmp_path / "parts").rglob("*.parquet"))]),
        "in-memory data set": pa.dataset.dataset(rows),
        "pandas": rows.to_pandas(),
        "polars": pl.from_arrow(rows),
        "lazy": pl.from_arrow(rows).lazy(),
        "dict": {name: rows[name].to_numpy() for name in rows.column_names},
        "function": lambda: iter(halves),
        "list of frames": [half.to_pandas() for half in halves],
    }
    for name, source in sources.items():
        same(fw.FoldMoments.scan(source, **ask), expected)
        assert name
    levels = {"town": ["Aba", "Bern", "Cork", "Doha"]}
    for stream in (rows.to_reader(999), iter(halves)):
        same(fw.FoldMoments.scan(stream, **ask, categories=levels), expected)
    part = data.filter(pa.dataset.field("id") < 7000)
    assert fw.FoldMoments.scan(part, **ask).n_rows == 1000


def test_partitioned_folders_give_columns(tmp_path):
    rows = table(4000)
    rows = rows.append_column("year", pa.array(np.repeat([2023, 2024], 2000)))
    rows = rows.append_column("land", pa.array(["cz", "de"] * 2000))
    pa.dataset.write_dataset(
        rows,
        tmp_path,
        format="parquet",
        partitioning=pa.dataset.partitioning(pa.schema([("land", pa.string()), ("year", pa.int64())]), flavor="hive"),
    )
    expected = fw.FoldMoments.scan(rows, "y", 3, key="id")
    for source in (tmp_path, pa.dataset.dataset(tmp_path, partitioning="hive")):
        found = fw.FoldMoments.scan(source, "y", 3, key="id")
        assert set(found.origin.names) == set(expected.origin.names)
        order = [expected.origin.names.index(name) for name in found.origin.names]
        a, b = found.training_set(frozenset({1})), expected.training_set(frozenset({1}))
        np.testing.assert_allclose(a.mean, b.mean[order], rtol=1e-12)
        np.testing.assert_allclose(a.scale, b.scale[order], rtol=1e-10)


def test_only_folders_below_the_one_that_is_named_give_columns(tmp_path):
    base = tmp_path / "run=7" / "table"
    for town in ("Bad%20Ems", "__HIVE_DEFAULT_PARTITION__"):
        (base / f"town={town}").mkdir(parents=True)
        pq.write_table(table(400), base / f"town={town}" / "part.parquet")
    towns = ["town=Bad Ems"]  # of two levels the second in order, which the missing one always is, has the column
    for source in (base, str(base / "*" / "*.parquet"), sorted(base.rglob("*.parquet"))):
        names = fw.FoldMoments.scan(source, "y", drop=["id"]).origin.names
        assert [name for name in names if "=" in name] in (towns, ["town=(missing)"])
        assert "run" not in names
    one = fw.FoldMoments.scan(base / "town=Bad%20Ems" / "part.parquet", "y", drop=["id"])
    assert "town" not in " ".join(one.origin.names)


def test_no_row_reaches_a_fold_it_is_held_out_of():
    """Shift a fold's rows by 1e6: every other fold's block is the same to the last bit."""
    rows = table(40_000, gaps=True)
    labels = deal(by_key(rows["id"].combine_chunks()), 5, 1, 0)[0]
    moved = rows.to_pandas()
    columns = ["x0", "x1", "x3", "seconds", "y"]
    moved.loc[labels == 2, columns] += 1e6
    head = moved.copy()
    before, after = (fw.FoldMoments.scan(frame, "y", 5, key="id") for frame in (rows, head))
    for block in (0, 1, 3, 4):
        assert before.weight[block] == after.weight[block]
        # The reference is a median of the first rows: it moves what is kept, never what is fitted.
        a, b = before.test_set(block, before.training_set(frozenset({2})).map), None
        b = after.test_set(block, after.training_set(frozenset({2})).map)
        scale = np.sqrt(np.diag(a[2]))
        np.testing.assert_allclose(a[2] / np.outer(scale, scale), b[2] / np.outer(scale, scale), atol=1e-11)
    assert np.abs(before.mean[2] - after.mean[2])[0] > 1e5


def test_rows_of_one_key_share_a_fold():
    rng = np.random.default_rng(3)
    owner = rng.integers(0, 300, size=6000)
    rows = table(6000).append_column("owner", pa.array([f"customer {o}" for o in owner]))
    moments = fw.FoldMoments.scan(rows, "y", 4, key="owner", drop=["id"], repeats=3)
    labels = deal(by_key(rows["owner"].combine_chunks()), 4, 3, 0)
    for one in range(300):
        assert len(np.unique(labels[:, owner == one], axis=1).T) == 1
    same(moments, in_memory(rows.drop_columns(["owner"]), labels))
    assert not np.array_equal(labels[0], labels[1])


def test_keys_of_any_make_are_dealt_alike():
    texts = ["", "a", "ab", "ba", "long " * 50, "é"]
    plain = by_key(pa.array(texts))
    assert len(set(plain.tolist())) == len(texts)
    assert plain.tolist() == by_key(pa.array(texts).dictionary_encode()).tolist()
    assert plain[2:4].tolist() == by_key(pa.array(["x", *texts]).slice(3, 2)).tolist()
    assert by_key(pa.array([3, 4], pa.uint8())).tolist() == by_key(pa.array([3, 4])).tolist()
    with pytest.raises(TypeError, match="whole numbers, dates or text"):
        by_key(pa.array([0.5]))


def test_folds_are_even_and_independent_of_each_other():
    labels = deal(by_row(number_of("a"), np.arange(100_000)), 10, 2, 0)
    assert (np.abs(np.bincount(labels[0]) - 10_000) < 500).all()
    both = np.bincount(labels[0].astype(int) * 10 + labels[1], minlength=100)
    assert (np.abs(both - 1000) < 200).all()
    other = deal(by_row(number_of("b"), np.arange(100_000)), 10, 2, 0)
    assert 0.08 < (other[0] == labels[0]).mean() < 0.12


def test_yesterday_and_today(tmp_path):
    rows = table(6000, gaps=True, town=True)
    rows = rows.filter(pa.compute.not_equal(rows["town"], "Doha"))
    halves = [rows.slice(0, 2500), rows.slice(2500)]
    whole = fw.FoldMoments.scan(rows, "y", 3, key="id", indicators=True)
    yesterday = fw.FoldMoments.scan(halves[0], "y", 3, key="id", indicators=True)
    today = fw.FoldMoments.scan(halves[1], "y", like=yesterday, indicators=True)
    yesterday.save(tmp_path / "yesterday.npz")
    merged = fw.FoldMoments.load(tmp_path / "yesterday.npz").merge(today)
    assert len(yesterday.gaps) == 1
    assert len(merged.gaps) == 2
    # Moments that are kept hold absolute means: those of epoch seconds are rounded to 2e-7, of a deviation of 433.
    same(merged, whole, atol=1e-9, rtol=1e-9)
    same(today.merge(yesterday), whole, atol=1e-9, rtol=1e-9)
    with pytest.raises(InputError, match="same seed, got 0 and 1"):
        yesterday.merge(fw.FoldMoments.scan(halves[1], "y", 3, key="id", seed=1, indicators=True))
    with pytest.raises(InputError, match="scan the later table with like="):
        yesterday.merge(fw.FoldMoments.scan(halves[1].drop_columns(["x0"]), "y", 3, key="id", indicators=True))


def test_moments_of_arrays_merge_whatever_their_gaps_and_references():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 3)) + 1e3, rng.normal(size=500)
    X[:200, 0][rng.random(200) < 0.3] = np.nan
    X[200:, 1:][rng.random((300, 2)) < 0.3] = np.nan
    X[200:, 0] -= 5.0
    X[210, 0] = np.nan
    labels = np.arange(500) % 4
    parts = [fw.FoldMoments.scan(X[s], y[s], fw.Folds.from_labels(labels[s]), fill="mean", indicators=True)
             for s in (slice(200), slice(200, None))]  # fmt: skip
    whole = fw.FoldMoments.scan(X, y, fw.Folds.from_labels(labels), fill="mean", indicators=True)
    same(parts[0].merge(parts[1]), whole, atol=1e-11)


def test_fits_from_a_scan_equal_fits_from_rows(tmp_path):
    rows = table(20_000)
    pq.write_table(rows, tmp_path / "t.parquet", row_group_size=3000)
    moments = fw.FoldMoments.scan(tmp_path / "t.parquet", "y", 5, drop=["id"])
    labels = deal(by_row(number_of("t.parquet"), np.arange(20_000)), 5, 1, 0)
    design = make_design(rows.drop_columns(["id"]), target="y")
    paths = fw.fit_paths(moments, nested=True)
    expected = fw.fit_paths(
        design.values, design.target, folds=fw.Folds.from_labels(labels), nested=True, alphas=paths.alphas
    )
    scale = expected.scale[0]
    np.testing.assert_allclose(paths.coef * scale, expected.coef * scale, atol=1e-8)
    np.testing.assert_allclose(paths.cv_error, expected.cv_error, rtol=1e-8)


def test_weights_count_as_copies_do():
    rng = np.random.default_rng(1)
    rows = table(3000)
    copies = rng.integers(0, 3, size=3000)
    weighted = fw.FoldMoments.scan(rows.append_column("w", pa.array(copies)), "y", 3, key="id", sample_weight="w")
    repeated = fw.FoldMoments.scan(rows.take(np.repeat(np.arange(3000), copies)), "y", 3, key="id")
    for part in ("weight", "mean"):
        np.testing.assert_allclose(getattr(weighted, part), getattr(repeated, part), rtol=1e-12)
    assert weighted.n_rows == 3000


def test_levels_are_those_of_the_table_in_memory():
    rng = np.random.default_rng(2)
    n = 2000
    rows = table(n).append_column(
        "kind", pa.array(rng.choice(["oak", "ash", None, "elm"], p=[0.6, 0.3, 0.09, 0.01], size=n))
    )
    rows = rows.append_column("code", pa.array(rng.integers(8, 12, size=n)))
    rows = rows.append_column("name", pa.array([f"n{i}" for i in range(n)])).append_column("one", pa.array(["a"] * n))
    with pytest.warns(DataWarning, match="left out|pooled"):
        moments = fw.FoldMoments.scan(rows, "y", 3, drop=["id"], categories=["code"], min_level_count=30)
    with pytest.warns(DataWarning, match="left out|pooled"):
        design = make_design(rows.drop_columns(["id"]), target="y", categories=["code"], min_level_count=30)
    assert moments.origin.columns == design.columns
    assert moments.pools == design.pools
    codes = {"kind": ["oak", "ash", "(missing)", "(other)"], "code": ["8", "9", "10", "11"]}
    listed = fw.FoldMoments.scan(rows.drop_columns(["name", "one"]), "y", 3, drop=["id"], categories=codes)
    assert [name for name in listed.origin.names if "=" in name] == [
        "kind=oak", "kind=ash", "kind=(missing)", "kind=(other)", "code=8", "code=9", "code=10", "code=11",
    ]  # fmt: skip
    elm = listed.origin.names.index("kind=(other)")
    assert listed.level_count[:, elm].sum() == rows["kind"].to_pylist().count("elm")


def test_floats_of_half_width_and_decimals_are_numbers(tmp_path):
    n = 500
    rng = np.random.default_rng(0)
    x = rng.integers(0, 100, size=n)
    wide = pa.table({"x": x.astype(float), "z": rng.normal(size=n).astype(np.float32).astype(float), "y": x + 0.5})
    narrow = pa.table({
        "x": wide["x"].cast(pa.decimal128(10, 2)), "z": wide["z"].cast(pa.float32()), "y": wide["y"].cast(pa.float32()),
    })  # fmt: skip
    pq.write_table(narrow, tmp_path / "t.parquet")
    found = fw.FoldMoments.scan(tmp_path / "t.parquet", "y")
    same(found, fw.FoldMoments.scan(wide, "y"))
