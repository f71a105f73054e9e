"""Classes, counts and amounts of a table that is read in passes: the fit of the same rows in memory, in few passes."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import foldwise as fw
from foldwise import report
from foldwise.cli import main
from foldwise.errors import DataWarning, InputError, PathCutShort
from foldwise.families import Gaussian, Tweedie
from foldwise.moments.streaming import passing
from foldwise.moments.streaming.dealing import by_row, deal, number_of
from foldwise.paths import RowTable
from foldwise.paths.generalized.filling import Filling
from foldwise.paths.generalized.streamed import descending, starting
from foldwise.paths.generalized.streamed import fit as streamed_fit

N, P, K = 4000, 6, 4


def make(family="binomial", *, gaps=False, seed=0):
    rng = np.random.default_rng(seed)
    x = {f"x{j}": 5.0 + rng.normal(size=N) * 10.0 ** (j - 2) for j in range(P)}
    eta = 0.7 * (x["x0"] - 5.0) * 100.0 - 0.4 * (x["x3"] - 5.0) / 10.0
    weight = rng.integers(1, 4, size=N).astype(float)
    if gaps:
        town = rng.choice(["a", "b", "c", "rare"], p=[0.5, 0.3, 0.197, 0.003], size=N)
        eta = eta + 0.5 * (town == "b")
        x["x1"] = np.where(rng.random(N) < 0.1, np.nan, x["x1"])
        x["town"] = town
    y = {
        "binomial": lambda: (rng.random(N) < 1.0 / (1.0 + np.exp(-eta))).astype(int),
        "probit": lambda: (rng.normal(size=N) < eta).astype(int),
        "poisson": lambda: rng.poisson(np.exp(0.5 * eta)),
        "gamma": lambda: rng.gamma(2.0, np.exp(0.5 * eta)),
        "tweedie": lambda: rng.poisson(np.exp(0.5 * eta)) * rng.gamma(2.0, size=N),
    }[family]()
    return pa.table(x | {"weight": weight, "y": y})


def labels(name="t.parquet", repeats=1, n=N):
    return fw.Folds(deal(by_row(number_of(name), np.arange(n)), K, repeats, 0).astype(int))


@pytest.fixture
def small_sample(monkeypatch):
    monkeypatch.setattr(starting, "MOST_ROWS", 1000)


def write(path, table, rows=700):
    pq.write_table(table, path, row_group_size=rows)
    return path


def columns_of(table, names):
    return np.column_stack([table[name].to_numpy().astype(float) for name in names])


def assert_same(mine, theirs, atol):
    scale = theirs.scale[:, None]
    np.testing.assert_allclose(mine.coef * scale, theirs.coef * scale, atol=atol * np.abs(theirs.coef * scale).max())
    np.testing.assert_allclose(mine.cv_error, theirs.cv_error, rtol=10.0 * atol)
    np.testing.assert_allclose(mine.null_objective, theirs.null_objective, rtol=1e-10)
    np.testing.assert_allclose(mine.mean, theirs.mean, rtol=1e-10)
    assert mine.held_out == theirs.held_out


@pytest.mark.usefixtures("small_sample")
@pytest.mark.parametrize(
    ("family", "l1_ratio"), [("binomial", 1.0), ("poisson", 0.5), ("gamma", 0.0), ("tweedie", 1.0)]
)
def test_every_point_is_that_of_the_rows_in_memory(tmp_path, family, l1_ratio):
    table = make(family)
    path = write(tmp_path / "t.parquet", table)
    stream = fw.RowStream.scan(path, "y", folds=K, family=family, drop=["weight"])
    paths = fw.fit_paths(stream, alphas=15, l1_ratio=l1_ratio, tol=1e-13)
    X, y = columns_of(table, [f"x{j}" for j in range(P)]), table["y"].to_numpy()
    memory = fw.fit_paths(X, y, family=family, folds=labels(), alphas=paths.alphas, l1_ratio=l1_ratio, tol=1e-14)
    assert_same(paths, memory, 3e-6)
    assert paths.gap.max() <= 1e-13
    grid = fw.fit_paths(X, y, family=family, alphas=15, l1_ratio=l1_ratio)
    np.testing.assert_allclose(paths.alphas, grid.alphas, rtol=1e-6 if l1_ratio else 0.3)


@pytest.mark.usefixtures("small_sample")
@pytest.mark.parametrize("indicators", [False, True])
def test_gaps_rare_levels_weights_repeats_and_nested_sets_are_as_in_memory(tmp_path, indicators):
    table = make(gaps=True)
    path = write(tmp_path / "t.parquet", table)
    stream = fw.RowStream.scan(
        path, "y", folds=K, repeats=2, sample_weight="weight", indicators=indicators, min_level_count=11
    )
    assert stream.reason == "y has two classes, 0 and 1"
    paths = fw.fit_paths(stream, alphas=6, nested=True, tol=1e-13)
    names = stream.moments.origin.names
    raw = [name for name in names if "=" not in name]
    levels = np.column_stack([table["town"].to_numpy() == name.split("=")[1] for name in names if "=" in name])
    X = np.hstack([columns_of(table, raw), levels])
    assert "town=rare" in names  # on 12 rows of all, and on fewer than 11 of some training sets
    filling = Filling("mean", indicators, stream.moments.pools, 11)
    rows = RowTable.of(
        X,
        table["y"].to_numpy(),
        stream.family,
        folds=labels(repeats=2),
        sample_weight=table["weight"].to_numpy(),
        filling=filling,
    )
    memory = fw.fit_paths(rows, alphas=paths.alphas, nested=True, tol=1e-14)
    assert_same(paths, memory, 3e-6)
    np.testing.assert_allclose(paths.inner_error, memory.inner_error, rtol=3e-5)


@pytest.mark.usefixtures("small_sample")
def test_neither_row_groups_nor_blocks_nor_workers_matter(tmp_path, monkeypatch):
    table = make("poisson").drop(["weight"])
    found = []
    for rows, workers in ((4000, 1), (333, 2)):
        path = write(tmp_path / "t.parquet", table, rows)
        stream = fw.RowStream.scan(path, "y", folds=K, family="poisson", workers=workers)
        found.append(fw.fit_paths(stream, alphas=8, tol=1e-12))
        monkeypatch.setattr(starting, "SAMPLE_CELLS", 6 * 900)  # another sample, the same answer
    assert np.abs((found[0].coef - found[1].coef) * found[0].scale[:, None]).max() < 1e-5
    np.testing.assert_allclose(found[0].cv_error, found[1].cv_error, rtol=1e-6)


def test_few_passes_serve_all_points(tmp_path, small_sample):  # noqa: ARG001
    path = write(tmp_path / "t.parquet", make())
    told = []
    stream = fw.RowStream.scan(path, "y", folds=K, tell=lambda *what: told.append(what))
    made = []
    begun = passing.Passage.over
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passing, "TOLD_EVERY", 0.0)
        patch.setattr(passing.Passage, "over", lambda self, *rest: made.append(1) or begun(self, *rest))
        paths = fw.fit_paths(stream, alphas=40)
    assert len(made) <= 5  # the sample, a quarter of these few rows, and four looks, after the scan
    assert paths.gap.max() <= 1e-7
    assert {what[0].split(",")[0] for what in told} >= {f"pass {number}" for number in range(1, 5)}
    assert all(0.0 < share <= 1.0 for what, _, share in told if "points" in what)


def test_a_sample_of_everything_starts_at_the_answer(tmp_path):
    path = write(tmp_path / "t.parquet", make())
    paths = fw.fit_paths(fw.RowStream.scan(path, "y", folds=K), alphas=10)
    assert paths.n_iter.max() == 1


@pytest.mark.usefixtures("small_sample")
def test_a_poor_start_and_few_anchors_only_take_more_passes(tmp_path, monkeypatch):
    table = make("poisson").drop(["weight"])
    path = write(tmp_path / "t.parquet", table)
    stream = fw.RowStream.scan(path, "y", folds=K, family="poisson")
    expected = fw.fit_paths(stream, alphas=10, tol=1e-12)
    monkeypatch.setattr(streamed_fit, "sample_paths", lambda *_: None)
    monkeypatch.setattr(descending, "MOMENTS_BYTES", 8 * K * (P + 1) ** 2)
    found = fw.fit_paths(stream, alphas=10, tol=1e-12)
    assert found.n_iter.max() > expected.n_iter.max()
    assert_same(found, expected, 1e-5)


@pytest.mark.usefixtures("small_sample")
def test_unpenalized_bounded_and_single_strengths_are_as_in_memory(tmp_path):
    table = make("binomial").drop(["weight"])
    stream = fw.RowStream.scan(write(tmp_path / "t.parquet", table), "y", folds=K)
    X, y = columns_of(table, [f"x{j}" for j in range(P)]), table["y"].to_numpy()
    factor = np.r_[0.0, np.ones(P - 2), np.inf]
    for options in (
        {"alphas": [0.0]},
        {"alphas": [0.03, 0.01], "penalty_factor": factor, "bounds": (0.0, None)},
        {"alphas": [5.0, 1.0], "l1_ratio": 0.3, "loss": "sum", "standardize": False},
    ):
        mine = fw.fit_paths(stream, tol=1e-13, **options)
        assert_same(mine, fw.fit_paths(X, y, family="binomial", folds=labels(), tol=1e-14, **options), 3e-6)
    with_zero = fw.fit_paths(stream, alphas=[0.02], fit_intercept=False, tol=1e-12)
    memory = fw.fit_paths(X, y, family="binomial", folds=labels(), alphas=[0.02], fit_intercept=False, tol=1e-13)
    assert_same(with_zero, memory, 1e-5)


def test_a_family_without_a_gap_is_certified_by_its_residual(tmp_path, small_sample):  # noqa: ARG001
    table = make("probit").drop(["weight"])
    stream = fw.RowStream.scan(write(tmp_path / "t.parquet", table), "y", folds=K, family="probit")
    paths = fw.fit_paths(stream, alphas=5)
    X = columns_of(table, [f"x{j}" for j in range(P)])
    memory = fw.fit_paths(X, table["y"].to_numpy(), family="probit", folds=labels(), alphas=paths.alphas, tol=1e-9)
    assert_same(paths, memory, 1e-5)


@pytest.mark.parametrize("values", [["no", "yes"], [False, True], [1, 2]])
def test_classes_may_be_any_two_values(tmp_path, values):
    table = make().drop(["weight"])
    codes = table["y"].to_numpy()
    plain = fw.fit_paths(fw.RowStream.scan(write(tmp_path / "a.parquet", table), "y", folds=K), alphas=[0.02])
    named = table.set_column(P, "y", pa.array([values[code] for code in codes]))
    stream = fw.RowStream.scan(write(tmp_path / "a.parquet", named), "y", folds=K)
    np.testing.assert_allclose(fw.fit_paths(stream, alphas=[0.02]).coef, plain.coef, rtol=1e-6, atol=1e-12)
    assert list(stream.moments.origin.classes) == values
    stream.moments.save(tmp_path / "m.npz")
    loaded = fw.FoldMoments.load(tmp_path / "m.npz")
    again = fw.fit_paths(fw.RowStream.of(loaded, tmp_path / "a.parquet", "binomial"), alphas=[0.02])
    np.testing.assert_array_equal(again.coef, fw.fit_paths(stream, alphas=[0.02]).coef)
    third = pa.array([values[0], *(values[code] for code in codes[1:-1]), {"no": "?", 1: 7}.get(values[0])])
    write(tmp_path / "a.parquet", table.set_column(P, "y", third))
    with pytest.raises(InputError, match=r"row group 5 .*target 'y' (must be .* or .*, got|is missing)"):
        fw.FoldMoments.scan(tmp_path / "a.parquet", "y", K, classes=values)


def test_what_is_wrong_is_named(tmp_path):
    table = make("poisson").drop(["weight"])
    path = write(tmp_path / "t.parquet", table)
    for options, match in (
        ({"family": "multinomial"}, "family must be one of binomial, .* where rows are read in passes, got 'multinom"),
        ({"family": "gaussian"}, "squared errors are fitted from FoldMoments alone"),
        ({"dask": "local"}, "dask must be left out for classes, counts and amounts"),
    ):
        with pytest.raises(InputError, match=match):
            fw.RowStream.scan(path, "y", folds=K, **options)
    with pytest.raises(InputError, match="that come only once can't be passed over again"):
        fw.RowStream.scan(iter([table]), "y", folds=K)
    stream = fw.RowStream.scan(path, "y", folds=K)
    with pytest.raises(InputError, match="y can't be given with RowStream"):
        fw.fit_paths(stream, table["y"])
    with pytest.raises(InputError, match="penalty must be left out"):
        fw.fit_paths(stream, penalty="mcp")
    write(path, table.slice(0, N - 1))
    with pytest.raises(InputError, match="the table has changed since it was scanned: 4,000 rows then, 3,999 now"):
        fw.fit_paths(stream)
    y = table["y"].to_numpy().astype(float)
    y[2000] = -1.0
    write(path, table.set_column(P, "y", pa.array(y)), 4000)
    stream = fw.RowStream.of(fw.FoldMoments.scan(path, "y", K), path, "poisson")
    with pytest.raises(InputError, match=r"row group 0 .*row 2001 .*target must be 0 or more for the poisson"):
        fw.fit_paths(stream)
    gone = table.set_column(0, "x0", pa.array(np.where(np.arange(N) == 7, np.nan, table["x0"].to_numpy())))
    stream = fw.RowStream.scan(write(path, table), "y", folds=K)
    write(path, gone)
    with pytest.raises(InputError, match=r"row 8 .*column 0 \(from 0\) is missing, as it nowhere was"):
        fw.fit_paths(stream)


def test_what_the_scan_skipped_is_skipped_in_every_pass(tmp_path):
    table = make("poisson").drop(["weight"])
    for name in "ab":
        write(tmp_path / f"{name}.parquet", table)
    whole = fw.fit_paths(fw.RowStream.scan(tmp_path, "y", folds=K, family="poisson"), alphas=4)
    (tmp_path / "c.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    x0 = np.where(np.arange(N) == 800, np.inf, table["x0"].to_numpy())
    write(tmp_path / "d.parquet", table.set_column(0, "x0", pa.array(x0)), 400).rename(tmp_path / "b2.parquet")
    with pytest.raises(InputError, match=r"c\.parquet"):
        fw.RowStream.scan([tmp_path / "a.parquet", tmp_path / "c.parquet"], "y", folds=K, family="poisson")
    stream = fw.RowStream.scan(tmp_path, "y", folds=K, family="poisson", skip_bad=True)
    assert len(stream.moments.origin.skipped) == 2
    found = fw.fit_paths(stream, alphas=4)
    assert stream.moments.n_rows == 3 * N - 400
    assert np.abs((found.coef - whole.coef) * whole.scale[:, None]).max() < 0.1


def test_ctrl_c_and_a_time_limit_leave_what_is_finished(tmp_path, monkeypatch, small_sample):  # noqa: ARG001
    stream = fw.RowStream.scan(write(tmp_path / "t.parquet", make()), "y", folds=K)
    taken = descending.Descent.take

    def interrupted(self, found):
        taken(self, found)
        if 0 < streamed_fit.finished(self, 30) < 30:
            raise KeyboardInterrupt

    monkeypatch.setattr(descending.Descent, "take", interrupted)
    with pytest.warns(PathCutShort, match="it was interrupted"):
        paths = fw.fit_paths(stream, alphas=30, tol=1e-11)
    assert 0 < len(paths.alphas) < 30
    assert paths.gap.max() <= 1e-11

    def at_once(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(descending.Descent, "take", at_once)
    with pytest.raises(KeyboardInterrupt):
        fw.fit_paths(stream, alphas=5)


def test_a_parameter_and_a_constant_column_are_fine(tmp_path, small_sample):  # noqa: ARG001
    table = make("tweedie").drop(["weight"]).append_column("same", pa.array(np.full(N, 3.0)))
    path = write(tmp_path / "t.parquet", table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        stream = fw.RowStream.scan(path, "y", folds=K, family=Tweedie(power=1.7))
    paths = fw.fit_paths(stream, alphas=5)
    assert np.all(paths.coef[:, :, -1] == 0.0)
    assert fw.fit_paths(stream.without_folds(), alphas=[0.1]).held_out == (frozenset(),)


def test_several_searches_share_their_passes(tmp_path, monkeypatch, small_sample):  # noqa: ARG001
    path = write(tmp_path / "t.parquet", make("poisson").drop(["weight"]))
    plain = fw.compare(
        path, target="y", stream=True, family="poisson", folds=K, alphas=12, l1_ratios=[0.5], candidates=["ridge"]
    )
    made, begun = [], passing.Passage.over
    monkeypatch.setattr(passing.Passage, "over", lambda self, *rest: made.append(1) or begun(self, *rest))
    found = fw.compare(path, target="y", stream=True, folds=K, alphas=12, l1_ratios=[0.5])
    assert len(found.results) == 4
    assert found.modelled.reason.endswith(": counts")
    assert len(made) <= 5  # for all candidates, and the baseline
    mine = next(result for result in found.results if result.name == "ridge")
    assert mine.error == pytest.approx(plain.results[0].error, rel=1e-6)
    squared = fw.compare(path, target="y", stream=True, family=Gaussian(), folds=K, candidates=["ridge"])
    assert squared.measure.is_root


def test_a_comparison_has_the_deviances_of_the_rows(tmp_path, monkeypatch, small_sample):  # noqa: ARG001
    table = make().drop(["weight"])
    table = table.set_column(P, "y", pa.array(np.where(table["y"].to_numpy() == 1, "yes", "no")))
    path = write(tmp_path / "t.parquet", table)
    told = []
    monkeypatch.setattr(passing, "TOLD_EVERY", 0.0)
    options = {"alphas": 12, "l1_ratios": [0.5], "repeats": 2}
    once = fw.compare(path, target="y", stream=True, folds=K, progress=lambda *step: told.append(step[2]), **options)
    rows = fw.compare(table, target="y", folds=labels(repeats=2), **{**options, "repeats": None})
    theirs = {result.name: result for result in rows.results}
    for mine in once.results:
        other = theirs[mine.name]
        assert mine.error == pytest.approx(other.error, rel=1e-4)
        np.testing.assert_allclose(mine.fold_error, other.fold_error, rtol=1e-3)
        assert mine.gap <= 1e-7
    assert once.baseline_error == pytest.approx(rows.baseline_error, rel=1e-10)
    assert once.modelled == rows.modelled
    assert any(what.startswith("pass 2, a sample") and what.endswith("rows/s") for what in told)
    page = report.text(once)
    assert "The same predictions in other scores" not in page
    assert "the rows are read in passes and are not kept" in " ".join(page.split())
    once.report(tmp_path / "report")
    assert (tmp_path / "report" / "report.html").exists()
    with pytest.raises(InputError, match="target_scale must be left out"):
        fw.compare(path, target="y", stream=True, target_scale=2.0)


def test_the_command_compares_classes_of_a_folder(tmp_path, capsys, small_sample):  # noqa: ARG001
    (tmp_path / "rows").mkdir()
    for name in "ab":
        write(tmp_path / "rows" / f"{name}.parquet", make(seed=ord(name)).drop(["weight"]))
    (tmp_path / "rows" / "c.parquet").write_bytes(b"PAR1")
    ask = ["compare", str(tmp_path / "rows"), "--target", "y", "--candidates", "lasso", "--skip-bad", "--folds", "3"]
    with pytest.raises(SystemExit) as ended:
        main(ask)
    out, err = capsys.readouterr()
    assert ended.value.code == 0, err
    assert "note: skipped c.parquet" in err
    assert "note: the table is read in a few passes: a folder of files" in err
    assert "8,000 rows, 6 features; 3 folds" in out
    assert "Note: read in passes: a folder of files." in out


def test_estimators_take_a_stream_in_the_place_of_rows(tmp_path, small_sample):  # noqa: ARG001
    table = make("poisson").drop(["weight"])
    stream = fw.RowStream.scan(write(tmp_path / "t.parquet", table), "y", folds=K, family="poisson")
    X, y = columns_of(table, [f"x{j}" for j in range(P)]), table["y"].to_numpy()
    one, other = (fw.PoissonRegressor(alpha=0.1, standardize=True).fit(*given) for given in ((stream,), (X, y)))
    np.testing.assert_allclose(one.coef_ * one.scale_, other.coef_ * one.scale_, atol=3e-6)
    assert one.gap_ <= 1e-12
    assert one.feature_names_in_.tolist() == [f"x{j}" for j in range(P)]
    settings = {"alphas": 15, "l1_ratio": [0.5, 1.0], "standardize": True}
    one = fw.PoissonRegressorCV(**settings).fit(stream)
    other = fw.PoissonRegressorCV(**settings, cv=labels()).fit(X, y)
    assert one.alpha_ == pytest.approx(other.alpha_)
    assert one.l1_ratio_ == other.l1_ratio_
    np.testing.assert_allclose(one.scores_, other.scores_, rtol=1e-5)
    np.testing.assert_allclose(one.coef_ * one.scale_, other.coef_ * one.scale_, atol=3e-6)
    for model, match in (
        (fw.GammaRegressor(), r"family that GammaRegressor fits, got Poisson\(\): scan with family=Gamma\(\)"),
        (fw.PoissonRegressorCV(cv=3), "cv must be None with RowStream"),
        (
            fw.PoissonRegressorCV(scoring="mae"),
            r"scoring must be one of \['deviance'\] for rows that are read in passes",
        ),
    ):
        with pytest.raises(InputError, match=match):
            model.fit(stream)
    with pytest.raises(InputError, match="y can't be given with RowStream"):
        fw.PoissonRegressor().fit(stream, y)
    with pytest.raises(InputError, match="X must have folds"):
        fw.PoissonRegressorCV().fit(stream.without_folds())


def test_logistic_estimators_take_a_stream(tmp_path, small_sample):  # noqa: ARG001
    table = make().drop(["weight"])
    words = np.where(table["y"].to_numpy() == 1, "yes", "no")
    path = write(tmp_path / "t.parquet", table.set_column(P, "y", pa.array(words)))
    stream = fw.RowStream.scan(path, "y", folds=K)
    X = columns_of(table, [f"x{j}" for j in range(P)])
    one, other = (fw.LogisticRegression(C=0.02, standardize=True).fit(*given) for given in ((stream,), (X, words)))
    np.testing.assert_allclose(one.coef_ * one.scale_, other.coef_ * one.scale_, atol=3e-6)
    named = pd.DataFrame(X[:50], columns=one.feature_names_in_)
    assert one.predict(named).tolist() == other.predict(X[:50]).tolist()
    settings = {"Cs": [0.001, 0.01, 0.1], "l1_ratios": [1.0], "standardize": True}
    one = fw.LogisticRegressionCV(**settings).fit(stream)
    other = fw.LogisticRegressionCV(**settings, cv=labels()).fit(X, words)
    assert one.C_ == other.C_
    np.testing.assert_allclose(one.scores_, other.scores_, rtol=1e-5)
    assert one.coef_.shape == (1, P)
    with pytest.raises(InputError, match="class_weight can't be given with RowStream"):
        fw.LogisticRegression(class_weight="balanced").fit(stream)
    with pytest.raises(InputError, match="scoring must be one of"):
        fw.LogisticRegressionCV(scoring="accuracy").fit(stream)


def test_what_a_fit_holds_out_does_not_reach_it(tmp_path, small_sample):  # noqa: ARG001
    table = make().drop(["weight"])
    alphas = np.geomspace(0.1, 0.01, 6)
    before = fw.fit_paths(
        fw.RowStream.scan(write(tmp_path / "t.parquet", table), "y", folds=K), alphas=alphas, tol=1e-13
    )
    out = labels().labels[0] == 2
    for j in (0, 4):
        column = table[f"x{j}"].to_numpy()
        table = table.set_column(j, f"x{j}", pa.array(np.where(out, column + 1e6, column)))
    stream = fw.RowStream.scan(write(tmp_path / "t.parquet", table), "y", folds=K)
    after = fw.fit_paths(stream, alphas=alphas, tol=1e-13)
    at = before.index({2})
    size = np.abs(before.coef[at] * before.scale[at]).max()
    assert np.abs((after.coef[at] - before.coef[at]) * before.scale[at]).max() < 3e-6 * size
    assert np.abs((after.coef[0] - before.coef[0]) * before.scale[0]).max() > 0.1 * size
