"""Networks whose rows are not in memory: as in memory where the order is the same, no leak, never read whole."""

import importlib
import tracemalloc

import jax
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import foldwise as fw
from foldwise.errors import InputError
from foldwise.moments.streaming.dealing import deal
from foldwise.nets import Dealt, Member, perceptron, streaming, train
from foldwise.nets import buffers as buffers_module
from foldwise.nets.blocks import ArrayBlocks, words_of
from foldwise.nets.buffers import Carry, buffers
from foldwise.nets.streaming import Stream

jax.config.update("jax_disable_most_optimizations", True)  # noqa: FBT003 - tests compile much and run little
RNG = np.random.default_rng(0)
N = 1500
X = (RNG.normal(size=(N, 4)) + np.array([0, 1e3, 0, 0])).astype(np.float32)
X[::11, 2] = np.nan
Y = X[:, 0] - 0.5 * X[:, 3] + 0.1 * RNG.normal(size=N)
NAMES = np.where(Y > 0, "yes", "no")
KINDS = RNG.choice(["a", "b", "c"], size=N)
OWN = {"l1": 1e-3, "mixup": 0.2, "input_noise": 0.1, "ema": 0.5, "dropout": 0.2, "learning_rate": 0.02}


@pytest.fixture(autouse=True)
def _small_buffers(monkeypatch):
    """Of 192 rows: eight to a pass."""
    monkeypatch.setattr(buffers_module, "BUFFER_BYTES", 1)
    monkeypatch.setattr(buffers_module, "buffer_rows", lambda width: 192)  # noqa: ARG005 - the same for all
    for name in ("streamed", "fit_blocks", "train_blocks", "estimator", "trained"):
        monkeypatch.setattr(importlib.import_module(f"foldwise.nets.{name}"), "buffer_rows", buffers_module.buffer_rows)
    monkeypatch.setattr(streaming, "_SLOTS", 2)  # one program for several tests


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stream")


def on_disk(folder, array, name="X"):
    np.save(folder / f"{name}.npy", array)
    return np.load(folder / f"{name}.npy", mmap_mode="r")


def as_table(folder, name, rows_per_group, **more):
    columns = {f"x{j}": X[:, j].astype(float) for j in range(4)} | {"kind": KINDS, "y": Y, "id": np.arange(N)} | more
    pq.write_table(pa.table(columns), folder / name, row_group_size=rows_per_group)
    return folder / name


def network():
    return perceptron(4, (5,), 1, task="numbers", learning_rate=0.01, dropout=0.0, normalization="batch")


def leaves(member):
    scale = [each for own in (*member.scalings, member.target_scaling) for each in (own.mean, own.scale, own.gap)]
    return [*member.weights, *member.fixed, *scale, member.loss, member.watch_loss, np.array(member.objective)]


def dealt_rows(fold, n_folds):
    return deal(words_of(np.arange(N)), n_folds, 1, 0)[0] != fold


def test_what_fits_comes_out_as_from_memory_where_the_order_is_the_same(folder, monkeypatch):
    rows = [np.arange(0, 96), np.arange(12, 144), np.arange(192)]  # of batches without a rest
    members = [
        Member(rows=rows[0], seed=3, epochs=6, **OWN),
        Member(rows=rows[1], seed=4, epochs=12, patience=1, watch=np.arange(96, 100), **OWN | {"learning_rate": 0.1}),
        Member(rows=rows[2], seed=4, epochs=3, inputs=[0, 2, 3], **OWN),
    ]
    table, y = X[:192], Y[:192]
    from_memory = train(network(), table, y, members, batch_size=16, slots=2)
    monkeypatch.setattr(importlib.import_module("foldwise.nets.train"), "is_on_disk", lambda _: True)
    streamed = train(network(), on_disk(folder, table), y, members, batch_size=16)
    for first, second in zip(from_memory, streamed, strict=True):
        ends = [(each.status, each.last_epoch, each.best_epoch) for each in (first, second)]
        assert ends[0] == ends[1]
        for a, b in zip(leaves(first), leaves(second), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6)  # single precision, summed in another order
    np.testing.assert_allclose(streamed.predict(table), from_memory.predict(table), rtol=1e-4, atol=1e-5)


def test_rows_held_out_do_not_leak(folder):
    members = [Member(rows=Dealt(k, n_folds=3), seed=k, epochs=4, patience=1, **OWN) for k in range(3)]
    before = train(network(), on_disk(folder, X, "before"), Y, members, batch_size=16)
    for fold in (0, 2):
        own = dealt_rows(fold, 3)
        moved = np.where(own, 0.0, 1e6)
        shifted = on_disk(folder, X + moved[:, None].astype("f4"), "after")
        after = train(network(), shifted, Y + moved, members, batch_size=16)
        for a, b in zip(leaves(before[fold]), leaves(after[fold]), strict=True):
            np.testing.assert_array_equal(a, b)
        other = (fold + 1) % 3
        assert np.abs(before[other].weights[0] - after[other].weights[0]).max() > 1e-3  # it was trained on those rows
    own = dealt_rows(1, 3)
    np.testing.assert_allclose(before[1].scalings[0].mean, np.nanmean(X[own].astype(float), axis=0), atol=0.2)
    others = [Member(seed=at, epochs=2, **OWN) for at in (7, 8)]
    again = train(network(), on_disk(folder, X, "before"), Y, [members[1], *others], batch_size=16)
    for a, b in zip(leaves(before[1]), leaves(again[0]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)  # single precision in another order of summation


def test_scales_are_those_of_the_training_rows_however_they_are_cut(folder):
    members = [Member(rows=Dealt(k, n_folds=3), epochs=1) for k in range(3)]
    found = train((3,), on_disk(folder, X), Y, members, batch_size=16)
    for fold, member in enumerate(found):
        own = dealt_rows(fold, 3)
        np.testing.assert_allclose(member.scalings[0].mean, np.nanmean(X[own].astype(float), axis=0), rtol=1e-12)
        np.testing.assert_allclose(member.scalings[0].scale, np.nanstd(X[own].astype(float), axis=0), rtol=1e-12)
        np.testing.assert_allclose(member.target_scaling.scale, Y[own].std(), rtol=1e-12)
    tables = [as_table(folder, f"{size}.parquet", size) for size in (100, 1500)]
    (folder / "same").mkdir(exist_ok=True)
    cut = []
    for table in tables:
        table.rename(folder / "same" / "rows.parquet")  # folds depend on the file's name
        cut.append(train((3,), folder / "same" / "rows.parquet", "y", members, batch_size=16, drop=["id", "kind"]))
    for first, second in zip(*cut, strict=True):
        np.testing.assert_allclose(first.scalings[0].mean, second.scalings[0].mean, rtol=1e-12)
        np.testing.assert_allclose(first.scalings[0].scale, second.scalings[0].scale, rtol=1e-12)


@settings(max_examples=25, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(n=st.integers(1, 90), unit=st.integers(1, 20), size=st.integers(1, 40), seed=st.integers(0, 3))
def test_a_pass_goes_through_every_row_once_in_an_order_that_seed_and_epoch_decide(n, unit, size, seed):
    table = np.arange(n, dtype=float)[:, None]
    blocks = ArrayBlocks(table, table[:, 0], lambda y: y[:, None], n_targets=1, weights=None, unit_rows=unit)
    passes = [[block.rows for block in buffers(blocks, seed, epoch, size)] for epoch in (0, 0, 1)]
    for each in passes:
        assert sorted(np.concatenate(each).tolist()) == list(range(n))
        assert all(len(rows) == size for rows in each[:-1])
        assert all((np.diff(rows) > 0).all() for rows in each)
    assert [rows.tolist() for rows in passes[0]] == [rows.tolist() for rows in passes[1]]
    if blocks.n_units > 6 and size < n // 2:
        assert [rows.tolist() for rows in passes[0]] != [rows.tolist() for rows in passes[2]]


def test_no_row_is_trained_on_twice_in_a_pass_and_what_is_left_over_is_carried(folder, monkeypatch):
    seen, taken = [], Carry.take

    def watched(self, block, left):
        seen.append((block, [each.copy() for each in left]))
        return taken(self, block, left)

    trained_on = []

    def noted(self, job, mine, start, number, real=Stream._rows):
        found = real(self, job, mine, start, number)
        trained_on.append((job, found))
        return found

    monkeypatch.setattr(Carry, "take", watched)
    monkeypatch.setattr(Stream, "_rows", noted)
    train((3,), on_disk(folder, X), Y, [Member(rows=Dealt(0, n_folds=3), epochs=2)], batch_size=50)
    used = []
    for (block, (left,)), (_, places) in zip(seen, trained_on, strict=True):
        assert len(left) < 50
        used.append(block.rows[places[: len(places) - len(left)]])
        assert len(used[-1]) % 50 == 0
    times = np.bincount(np.concatenate(used), minlength=N)
    own = dealt_rows(0, 3)
    assert (times[~own] == 0).all()
    assert set(times[own]) <= {1, 2}
    assert (times[own] == 1).sum() < 50


def test_an_array_on_disk_is_never_in_memory_whole(folder, monkeypatch):
    n = 20_000
    for name in ("streamed", "fit_blocks", "estimator"):
        monkeypatch.setattr(importlib.import_module(f"foldwise.nets.{name}"), "buffer_rows", lambda _: 512)
    monkeypatch.setattr(importlib.import_module("foldwise.nets.streamed"), "UNITS", 2)
    rng = np.random.default_rng(2)
    large = on_disk(folder, rng.normal(size=(n, 30)).astype(np.float32), "large")  # 2.4 MB, 4.8 in double precision
    y = np.asarray(large[:, 0], dtype=np.float32)
    net = fw.NetRegressor((2,), epochs=1, batch_size=64, early_stopping=True, validation_fraction=0.02)
    net.fit(large, y)  # compiled by now
    tracemalloc.start()
    net.fit(large, y)
    said = net.predict(large)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.6e6  # buffers of 512 rows and their copies, and what is said of all rows
    assert said.shape == (n,)
    assert net.history_["val_loss"].shape == (1,)


def test_a_search_on_disk(folder):
    net = fw.NetRegressor((4,), epochs=6, learning_rate=0.02)
    search = fw.NetRegressorCV({"l2": [0.0, 3.0]}, net=net, cv=3).fit(on_disk(folder, X), Y)
    assert search.best_params_ == {"l2": 0.0}
    squares = (Y - search.oof_predictions_) ** 2
    assert search.best_error_ == pytest.approx(squares.mean(), rel=1e-6)
    assert search.best_error_ < 0.3 * Y.var()
    for fold, member in enumerate(search.members_):
        own = dealt_rows(fold, 3)
        search.set_params(predict_with="ensemble")
        kept, search.members_ = search.members_, [member]
        np.testing.assert_allclose(search.predict(X)[~own], search.oof_predictions_[~own], atol=1e-5)
        np.testing.assert_array_equal(search.predict(on_disk(folder, X)), search.predict(X))
        search.members_ = kept
    folds = fw.Folds.kfold(N, 3, seed=1)
    halved = fw.NetRegressorCV({"l2": [0.0, 1.0, 3.0]}, net=net, cv=folds, halving=True).fit(on_disk(folder, X), Y)
    assert halved.folds_ is folds
    assert halved.cv_results_["epochs"].tolist() == [6, 2, 2]
    squares = (Y - halved.oof_predictions_) ** 2
    by_fold = [squares[folds.test_rows(fold)].mean() for fold in range(3)]
    np.testing.assert_allclose(halved.cv_results_["fold_errors"][0], by_fold, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_tables(folder):
    counted = np.arange(N) % 5 > 0
    table = as_table(folder, "table.parquet", 130, w=counted.astype(float))
    net = fw.NetRegressor((4,), epochs=6, learning_rate=0.02)
    net.fit(table, target="y", sample_weight="w", drop=["id"])
    assert net.feature_names_in_.tolist() == ["x0", "x1", "x2", "x3", "kind=a", "kind=b", "kind=c"]
    np.testing.assert_allclose(net.member_.target_scaling.mean, Y[counted].mean(), rtol=1e-9)
    said = net.predict(table)
    assert np.corrcoef(said, Y)[0, 1] > 0.95
    encoded = np.column_stack([X, KINDS == "a", KINDS == "b", KINDS == "c"])
    np.testing.assert_allclose(said, net.predict(encoded), atol=1e-5)
    without = pq.read_table(table).drop_columns(["y", "w"])
    np.testing.assert_array_equal(net.predict(without), said)


def test_classes(folder):
    net = fw.NetClassifier((4,), epochs=6, learning_rate=0.02)
    found = fw.NetClassifierCV({"l2": [0.0]}, net=net, cv=2)
    table = as_table(folder, "classes.parquet", 130, c=(Y > 0).astype(int))
    found.fit(table, target="c", drop=["y", "kind"], key="id")
    assert found.classes_.tolist() == [0, 1]
    assert np.mean(found.predict(table) == (Y > 0)) > 0.9
    assert found.oof_predictions_.shape == (N, 2)
    log_loss = -np.log(found.oof_predictions_[np.arange(N), (Y > 0).astype(int)]).mean()
    assert found.best_error_ == pytest.approx(log_loss, rel=1e-5)
    named = as_table(folder, "names.parquet", 130, c=np.where(Y > 0, "yes", "no"))
    roles = {"target": "c", "drop": ["y", "kind", "id"]}
    assert net.fit(named, **roles).classes_.tolist() == ["no", "yes"]
    assert np.mean(net.predict(named) == NAMES) > 0.9
    named = as_table(folder, "names.parquet", 1500, c=pa.array([None, *NAMES[1:]]))
    with pytest.raises(InputError, match="target 'c' must be a class in every row, and is missing"):
        net.fit(named, **roles)
    net.fit(on_disk(folder, X), NAMES)
    with pytest.raises(InputError, match="X must be an array: the network was not trained on a table"):
        net.predict(table)
    assert net.classes_.tolist() == ["no", "yes"]
    assert net.score(X, NAMES) > 0.9
    np.testing.assert_array_equal(net.predict(on_disk(folder, X)), net.predict(X))


def test_what_can_not_be_is_named(folder):
    disk, table = on_disk(folder, X), as_table(folder, "errors.parquet", 500)
    net, bad = fw.NetRegressor((2,), epochs=1), X.copy()
    bad[700, 3] = np.inf
    cases = [
        (lambda: net.fit(table), "target must name the column of the table"),
        (lambda: net.fit(table, target="z"), "'z'"),
        (lambda: net.fit(table, Y, target="y"), "y must be left out where target names"),
        (lambda: net.fit(table, target="kind"), "target 'kind' must hold numbers"),
        (lambda: net.fit(disk, Y[:-1]), "y must have one row for each of 1500 rows"),
        (lambda: net.fit(disk, np.where(np.arange(N) == 9, np.nan, Y)), "y must be finite, got nan in row 9"),
        (lambda: net.fit(on_disk(folder, bad, "bad"), Y), "at most 1e.30 in size, got inf in row 700, column 3"),
        (lambda: net.fit(disk, Y, drop=["x"]), "drop names columns, and an array on disk has none"),
        (lambda: net.fit(X, Y, drop=["x"]), "drop is for tables"),
        (lambda: fw.NetClassifier((2,)).fit(disk, np.ones(N)), "at least two classes"),
        (lambda: train((2,), disk, Y, [Member(rows=[0, 0, 1])]), "rows must be different rows"),
        (lambda: train((2,), disk, Y, [Member(rows=[0, 1])]), "batch_size must be at most 2, the training rows of"),
        (lambda: train((2,), disk, Y, [Member(rows=[0, 1, 2], patience=1, watch=[5])]), "got row 5: early stopping"),
        (lambda: train((2,), disk, Y, [Member()], trainer="annealing"), "trainer must be 'gradient'"),
        (lambda: train((2,), X, members=[Member()], target="y"), "target and key name columns of a table on disk"),
        (lambda: Dealt(5, n_folds=5), "held_out must be a fold from 0 to 4, got 5"),
        (lambda: fw.NetRegressorCV(cv="all").fit(disk, Y), "cv must be a number of folds, or Folds"),
        (lambda: net.fit(iter([pa.table({"y": [1.0]})]), target="y"), "can be read again"),
    ]
    for call, message in cases:
        with pytest.raises(InputError, match=message):
            call()
