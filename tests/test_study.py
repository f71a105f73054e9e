"""compare: what it accepts, what it says, and that it says the same each time."""

import json
from dataclasses import replace

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit

import foldwise as fw
from foldwise.errors import DataWarning, InputError
from foldwise.study.candidates import CANDIDATES, find_candidates
from foldwise.study.differences import Scoring, compare_all
from foldwise.study.search import Search
from foldwise.study.tuning import tune

ALL = ("least squares", "ridge", "lasso", "elastic net")
QUICK = {"folds": 4, "repeats": 2, "alphas": 12, "l1_ratios": (0.5,)}


def make_table(n=80, *, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    y = 3.0 * x[:, 0] - 2.0 * x[:, 1] + noise * rng.normal(size=n)
    return {f"x{j}": x[:, j] for j in range(5)} | {"y": y}


@pytest.fixture(scope="module")
def cars():
    return fw.compare(fw.datasets.auto_mpg(), target="mpg", units=fw.datasets.UNITS, repeats=3)


# what it finds ---------------------------------------------------------------------------------------------------


def test_on_auto_mpg_the_four_are_tied_and_the_verdict_says_so(cars):
    assert {r.name for r in cars.tied} == set(ALL)
    assert {r.letters for r in cars.results} == {"a"}
    assert "tied" in cars.verdict
    assert 3.3 < cars.best.rmse < 3.5  # 3.40 in ten repeats; the mean errs by 7.83
    assert 7.7 < cars.baseline_rmse < 7.9
    assert "mpg rises with year and origin, and falls with weight" in cars.verdict


def test_the_verdict_has_at_most_four_sentences_and_names_the_smallest_difference(cars):
    assert len(cars.sentences) == 4
    assert all(sentence.endswith(".") for sentence in cars.sentences)
    assert "would have shown with 80 % probability" in cars.sentences[2]


def test_a_clear_loser_gets_a_letter_of_its_own():
    """Sixty noise columns beside two real ones: least squares pays for them, the lasso does not."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(100, 62))
    y = 3.0 * x[:, 0] - 2.0 * x[:, 1] + rng.normal(size=100)
    table = {f"x{j}": x[:, j] for j in range(62)} | {"y": y}
    comparison = fw.compare(table, target="y", candidates=["lasso", "least squares"], repeats=3, alphas=40)
    assert [r.letters for r in comparison.results] == ["a", "b"]
    assert comparison.sentences[0].startswith("Lasso predicts y best, with an error of ")
    assert comparison.sentences[1].startswith("Least squares is worse than lasso by ")
    assert "tied" not in comparison.verdict
    assert "y rises with x0, and falls with x1" in comparison.verdict
    assert comparison.result("lasso").survival[[0, 1]].tolist() == [1.0, 1.0]
    assert comparison.explained.name == "lasso"


def test_pure_noise_is_called_noise():
    rng = np.random.default_rng(2)
    table = {f"x{j}": rng.normal(size=60) for j in range(5)} | {"y": rng.normal(size=60)}
    comparison = fw.compare(table, target="y", **QUICK)
    assert comparison.sentences[0].startswith("No candidate is shown to predict y better than its mean")
    assert len(comparison.sentences) <= 4


def test_a_single_candidate_is_described_without_comparisons():
    comparison = fw.compare(make_table(), target="y", candidates="lasso", **QUICK)
    assert comparison.differences == ()
    assert comparison.results[0].letters == "a"
    assert comparison.sentences[0].startswith("Lasso predicts y, with an error of")
    assert len(comparison.sentences) == 2


def test_the_strongest_penalty_within_one_standard_error_is_never_weaker(cars):
    for result in cars.results:
        if result.alpha_min is not None:
            assert result.alpha_1se >= result.alpha_min
    rule = fw.compare(make_table(), target="y", rule="1se", **QUICK)
    for result in rule.results:
        assert result.alpha_min is None or result.alpha == result.alpha_1se >= result.alpha_min


def test_least_squares_has_nothing_to_choose(cars):
    result = cars.result("least squares")
    assert (result.alpha, result.alpha_min, result.alpha_1se, result.optimism) == (0.0, None, None, None)
    assert result.score == pytest.approx(result.rmse)
    assert result.survival.tolist() == [1.0] * 7


def test_differences_add_up_with_the_errors_and_predictions_with_both(cars):
    y = fw.datasets.auto_mpg()["mpg"].to_numpy()
    by_name = {r.name: r for r in cars.results}
    for d in cars.differences:
        assert d.difference == pytest.approx(by_name[d.second].rmse - by_name[d.first].rmse, abs=1e-12)
        assert d.interval[0] <= d.difference <= d.interval[1]
        assert d.p <= d.p_holm <= 1.0
        assert d.differ == (d.p_holm < 0.05)
    for r in cars.results:
        assert np.mean((cars.predictions(r.name) - y) ** 2) == pytest.approx(r.rmse**2, rel=1e-12)
        assert r.interval[0] <= r.rmse <= r.interval[1]
        assert r.optimism is None or r.optimism == pytest.approx(r.rmse - r.score)
        assert r.gap < 1e-9
    assert [r.rmse for r in cars.results] == sorted(r.rmse for r in cars.results)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_the_difference_is_tested_on_squared_errors_and_told_in_the_targets_unit(seed):
    rng = np.random.default_rng(seed)
    mse = rng.uniform(1.0, 4.0, size=(3, 10))
    mse = mse[np.argsort(mse.mean(axis=1))]
    scoring = Scoring(np.ones(10), np.full(10, 0.25), 4.0)
    differences, letters = compare_all(("a", "b", "c"), mse, scoring)
    for d, (i, j) in zip(differences, [(0, 1), (0, 2), (1, 2)], strict=True):
        plain = mse[j] - mse[i]
        t = plain.mean() / np.sqrt((1 / 10 + 0.25) * plain.var(ddof=1))
        assert d.t == pytest.approx(t)
        assert d.p == pytest.approx(2 * stats.t.sf(abs(t), 9))
        assert d.difference == pytest.approx(np.sqrt(mse[j].mean()) - np.sqrt(mse[i].mean()))
    assert len(letters) == 3


def test_candidates_that_agree_to_rounding_are_the_same():
    mse = np.array([[1.0, 1.2, 0.9], [1.0, 1.2, 0.9]])
    mse[1] *= 1.0 + 1e-12
    (difference,), letters = compare_all(("a", "b"), mse, Scoring(np.ones(3), np.full(3, 0.5), 2.0))
    assert (difference.difference, difference.p, letters) == (0.0, 1.0, ("a", "a"))


@st.composite
def searches(draw):
    repeats, k = draw(st.integers(1, 2)), draw(st.integers(3, 5))
    per_path = draw(st.integers(2, 4))
    n_paths, outer = draw(st.integers(1, 2)), repeats * k
    points = n_paths * per_path
    number = st.floats(0.5, 9.5).map(lambda x: round(x, 2))
    inner = draw(arrays(float, (outer, k, points), elements=number))
    inner[np.arange(outer), np.tile(np.arange(k), repeats)] = np.nan
    weights = draw(arrays(float, outer, elements=number))
    errors = draw(arrays(float, (outer, points), elements=number))
    empty = np.zeros((1 + outer, 1))
    alphas = np.tile(np.arange(per_path, 0, -1.0), n_paths)
    path = np.repeat(np.arange(n_paths), per_path)
    return Search(
        alphas, path + 0.5, path, errors, inner, weights, empty, empty, empty, empty, (), 0.0
    ), repeats  # fmt: skip


@settings(deadline=None)
@given(searches(), st.sampled_from(["min", "1se"]))
def test_outer_folds_choose_from_their_inner_folds_alone(made, rule):
    search, repeats = made
    tuning = tune(search, repeats=repeats, rule=rule)
    k = search.outer_error.shape[0] // repeats
    for i, choice in enumerate(tuning.outer.tolist()):
        use = [j for j in range(k) if j != i % k]
        weights = search.fold_weight[[i // k * k + j for j in use]]
        errors = search.inner_error[i, use]
        mean = np.average(errors, axis=0, weights=weights)
        best = mean.min()
        if rule == "min":
            assert mean[choice] <= best + 1e-12
            continue
        at = int(np.flatnonzero(mean <= best + 1e-12)[0])
        spread = np.average((errors[:, at] - mean[at]) ** 2, weights=weights) / (len(use) - 1)
        assert search.alphas[choice] >= search.alphas[at]
        assert mean[choice] <= best + np.sqrt(spread) + 1e-9
    assert search.alphas[tuning.one_se] >= search.alphas[tuning.minimum]


# how it is used ----------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    one, two = (json.dumps(fw.compare(make_table(), target="y", **QUICK).to_dict()) for _ in range(2))
    assert one == two
    assert one != json.dumps(fw.compare(make_table(), target="y", seed=1, **QUICK).to_dict())
    assert json.loads(one) == json.loads(json.dumps(json.loads(one), allow_nan=False))


def test_the_order_of_columns_does_not_matter():
    table = make_table()
    backwards = dict(reversed(table.items()))
    one, two = (fw.compare(t, target="y", **QUICK) for t in (table, backwards))
    for a in one.results:
        b = two.result(a.name)
        assert b.rmse == pytest.approx(a.rmse, rel=1e-9)
        assert b.coef[::-1] == pytest.approx(a.coef, rel=1e-6, abs=1e-9)


def test_the_order_of_rows_does_not_matter_where_the_folds_follow():
    table, order = make_table(), np.random.default_rng(4).permutation(80)
    folds = fw.Folds.kfold(80, 4, repeats=2)
    moved = {name: values[order] for name, values in table.items()}
    one = fw.compare(table, target="y", **QUICK | {"folds": folds})
    two = fw.compare(moved, target="y", **QUICK | {"folds": fw.Folds(folds.labels[:, order])})
    for a in one.results:
        b = two.result(a.name)
        assert b.fold_mse == pytest.approx(a.fold_mse, rel=1e-9)
        assert b.predictions == pytest.approx(a.predictions[:, order], rel=1e-9)
        assert b.survival.tolist() == a.survival.tolist()


def test_units_of_columns_do_not_matter():
    table = make_table()
    scaled = table | {"x0": table["x0"] * 1000.0}
    one, two = (fw.compare(t, target="y", **QUICK) for t in (table, scaled))
    for a in one.results:
        b = two.result(a.name)
        assert b.rmse == pytest.approx(a.rmse, rel=1e-9)
        assert b.coef[0] * 1000.0 == pytest.approx(a.coef[0], rel=1e-7)
        assert b.coef_per_sd == pytest.approx(a.coef_per_sd, rel=1e-6, abs=1e-9)


def test_the_unit_of_the_target_does_not_matter():
    """Cents or dollars: the same models are tried and chosen, every error and coefficient in its unit."""
    table = make_table(noise=4.0)
    cents = table | {"y": table["y"] * 100.0 + 5.0}
    one, two = (fw.compare(t, target="y", **QUICK) for t in (table, cents))
    assert [r.letters for r in one.results] == [r.letters for r in two.results]
    for a in one.results:
        b = two.result(a.name)
        assert b.rmse == pytest.approx(100.0 * a.rmse, rel=1e-9)
        assert b.coef == pytest.approx(100.0 * a.coef, rel=1e-7, abs=1e-8)
        assert b.chosen_alpha == pytest.approx(100.0 * a.chosen_alpha, rel=1e-9)
        assert b.l1_ratio == a.l1_ratio


def test_the_strengths_are_those_of_the_estimators():
    table = make_table()
    x = np.column_stack([table[f"x{j}"] for j in range(5)])
    comparison = fw.compare(table, target="y", **QUICK)
    s = comparison.settings.target_scale
    lasso, net, ridge = (comparison.result(name) for name in ("lasso", "elastic net", "ridge"))
    l1, l2 = net.alpha * net.l1_ratio, net.alpha * (1.0 - net.l1_ratio) / s
    for model, found in (
        (fw.Lasso(alpha=lasso.alpha, standardize=True), lasso),
        (fw.ElasticNet(alpha=l1 + l2, l1_ratio=l1 / (l1 + l2), standardize=True), net),
        (fw.Ridge(alpha=ridge.alpha * 80 / s, standardize=True), ridge),
    ):
        model.fit(x, table["y"])
        assert found.coef == pytest.approx(model.coef_, rel=1e-7, abs=1e-10)
        assert found.intercept == pytest.approx(model.intercept_, rel=1e-7)


@pytest.mark.parametrize(
    ("kind", "frame"),
    [(pd.DataFrame, pd.DataFrame), (pl.DataFrame, pl.DataFrame), (pa.table, pa.Table), (dict, pa.Table)],
)
def test_tables_come_back_as_the_kind_they_came_in(kind, frame):
    comparison = fw.compare(kind(make_table()), target="y", **QUICK)
    table, coefficients = comparison.table(), comparison.coefficients("lasso")
    assert isinstance(table, frame)
    assert isinstance(coefficients, frame)
    assert nw.from_native(table)["candidate"].to_list() == [r.name for r in comparison.results]
    assert len(coefficients["feature"]) == 6


def test_coefficients_are_sorted_named_and_in_both_units(cars):
    table = cars.coefficients("ridge").to_pydict()
    assert table["feature"][0] == "year"
    assert table["feature"][-1] == "(intercept)"
    assert table["per_sd"][:-1] == sorted(table["per_sd"][:-1], reverse=True)
    x = fw.datasets.auto_mpg()["weight"].to_numpy().astype(float)
    at = table["feature"].index("weight")
    assert table["per_sd"][at] == pytest.approx(table["coefficient"][at] * x.std())
    assert table["unit"][at] == "lb"


def test_a_path_and_an_array_are_tables_too(tmp_path):
    table = make_table()
    pd.DataFrame(table).to_csv(tmp_path / "t.csv", index=False)
    array = np.column_stack(list(table.values()))
    expected = fw.compare(table, target="y", **QUICK).to_dict()
    assert fw.compare(tmp_path / "t.csv", target="y", **QUICK).to_dict() == expected
    assert fw.compare(array, target="y", names=list(table), **QUICK).to_dict() == expected


def test_folds_may_be_a_number_folds_or_a_splitter():
    table = make_table()
    number = fw.compare(table, target="y", **QUICK)
    folds = fw.Folds.kfold(80, 4, repeats=2)
    ready = fw.compare(table, target="y", **QUICK | {"folds": folds})
    assert number.folds == ready.folds == folds
    assert ready.best.rmse == number.best.rmse
    splitter = fw.compare(table, target="y", **QUICK | {"folds": KFold(4)})
    assert splitter.folds == fw.Folds.kfold(80, 4, shuffle=False)
    groups = np.repeat(np.arange(20), 4)
    grouped = fw.compare(table, target="y", groups=groups, **QUICK | {"folds": GroupKFold(4)})
    assert grouped.folds == fw.Folds.from_splitter(GroupKFold(4), np.zeros((80, 1)), groups=groups)


def test_groups_and_weights_are_columns_or_values_and_no_features():
    table = make_table() | {"who": [f"p{i // 4}" for i in range(80)], "count": np.arange(80) % 3 + 1.0}
    named = fw.compare(table, target="y", groups="who", sample_weight="count", **QUICK)
    assert [column.name for column in named.columns] == [f"x{j}" for j in range(5)]
    plain = {key: table[key] for key in make_table()}
    given_ = fw.compare(plain, target="y", groups=table["who"], sample_weight=table["count"], **QUICK)
    assert given_.best.rmse == named.best.rmse
    for r in range(2):
        assert len({(who, int(fold)) for who, fold in zip(table["who"], named.folds.labels[r], strict=True)}) == 20


def test_weights_of_two_count_as_two_rows_in_the_error():
    """Weight 0 on some rows: their errors do not count; integer weights repeat a row within its fold."""
    table = make_table(40)
    times = np.arange(40) % 2 + 1
    folds = fw.Folds.kfold(40, 4, seed=3)
    weighted = fw.compare(table, target="y", folds=folds, sample_weight=times, alphas=[1.0, 0.1, 0.01])
    repeated = {key: np.repeat(value, times) for key, value in table.items()}
    rows = fw.Folds.from_labels(np.repeat(folds.labels[0], times))
    twice = fw.compare(repeated, target="y", folds=rows, alphas=[1.0, 0.1, 0.01])
    for a in twice.results:
        assert weighted.result(a.name).rmse == pytest.approx(a.rmse, rel=1e-9)
        assert weighted.result(a.name).coef == pytest.approx(a.coef, rel=1e-7, abs=1e-10)


def test_stratified_folds_spread_the_target():
    comparison = fw.compare(make_table(), target="y", stratify=True, **QUICK)
    assert comparison.folds == fw.Folds.stratified(make_table()["y"], 4, repeats=2)
    assert comparison.settings.stratify


def test_categories_gaps_and_dropped_columns_are_told():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(make_table(120))
    table["kind"] = rng.choice(["oak", "ash", "elm"], size=120)
    table["note"] = [f"n{i}" for i in range(120)]
    table.loc[::9, "x2"] = np.nan
    with pytest.warns(DataWarning, match="'note' left out"):
        comparison = fw.compare(table, target="y", drop=["x4"], indicators=True, **QUICK)
    names = [column.name for column in comparison.columns]
    assert {"kind=oak", "x2 (missing)"} <= set(names)
    assert "x4" not in names
    assert len(comparison.best.coef) == len(names)
    assert any("'note'" in note for note in comparison.notes)


def test_progress_counts_paths_up_to_all_of_them():
    calls = []
    fw.compare(make_table(), target="y", progress=lambda *call: calls.append(call), **QUICK | {"l1_ratios": (0.3, 0.6)})
    done, totals, names = zip(*calls, strict=True)
    assert set(totals) == {10}  # paths of two repeats
    assert (done[0], done[-1]) == (0, 10)
    assert list(done) == sorted(done)
    assert list(dict.fromkeys(names)) == [*ALL, ""]


def test_more_folds_than_nesting_can_bear_are_refused():
    rng = np.random.default_rng(0)
    table = {"x": rng.normal(size=120), "y": rng.normal(size=120)}
    with pytest.raises(InputError, match=r"folds must be at most 100 .*, got 120, which takes 7,140 nested fits"):
        fw.compare(table, target="y", folds=120, repeats=1)
    assert fw.compare(table, target="y", folds=120, repeats=1, candidates=["ols"]).folds.n_folds == 120


def test_progress_counts_the_strengths_of_a_long_path(monkeypatch):
    from foldwise.study import steps

    monkeypatch.setattr(steps, "PATIENCE", -1.0)
    calls = []
    fw.compare(make_table(), target="y", candidates="lasso", progress=lambda *call: calls.append(call), **QUICK)
    assert (0, 2, "lasso, strength 0 of 12") in calls
    assert calls[-1] == (2, 2, "")


def test_all_levels_of_a_category_stay_or_leave_together():
    rng = np.random.default_rng(0)
    tree = rng.choice(["ash", "elm", "fir", "oak"], size=200)
    table = {f"x{j}": rng.normal(size=200) for j in range(3)} | {"tree": tree, "soil": rng.permutation(tree)}
    table["y"] = table["x0"] + 2.0 * (tree == "elm") - 1.0 * (tree == "fir") + rng.normal(size=200)
    comparison = fw.compare(table, target="y", candidates=["lasso", "group lasso"], rule="1se", **QUICK)
    found = {result.name: result for result in comparison.results}
    sources = np.array([column.source for column in comparison.columns])
    for source in np.unique(sources):
        at = sources == source
        assert len(np.unique(found["group lasso"].coef[at] != 0.0)) == 1
        assert len(np.unique(found["group lasso"].survival[at])) == 1
    assert found["group lasso"].coef[sources == "tree"].all()
    assert not found["group lasso"].coef[sources == "soil"].any()
    assert found["group lasso"].optimism is not None  # its strength was chosen in inner folds
    with pytest.raises(InputError, match="'group lasso' for a table without categories"):
        fw.compare(make_table(), target="y", candidates=["group lasso"], **QUICK)


def test_two_folds_do_for_least_squares_alone():
    comparison = fw.compare(make_table(), target="y", candidates=["ols"], folds=2)
    assert comparison.best.name == "least squares"


def test_candidates_are_found_by_the_names_people_write():
    networks = ["network l2", "network l1", "network dropout", "network early stopping"]
    assert [c.name for c in CANDIDATES if c.name != "unpenalized"] == [*ALL, "group lasso", *networks]
    assert [c.name for c in find_candidates(["OLS", "elastic_net"])] == ["least squares", "elastic net"]


def test_looked_up_names_must_be_there(cars):
    with pytest.raises(InputError, match=r"name must be among .*, got 'svm'"):
        cars.predictions("svm")
    with pytest.raises(InputError, match=r"two of .*, got 'lasso' and 'lasso'"):
        cars.difference("lasso", "lasso")
    assert cars.difference("lasso", "ridge") is cars.difference("ridge", "lasso")


def test_predictions_are_a_copy(cars):
    cars.predictions("lasso")[:] = 0.0
    assert cars.predictions("lasso").min() > 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "z"}, "z"),
        (
            {"candidates": ["svm"]},
            r"candidates must be among .*, group lasso, .*, or \(name, estimator\) pairs, got 'svm'",
        ),
        ({"candidates": ["lasso", "Lasso"]}, "got 'lasso' twice"),
        ({"candidates": []}, "candidates must name at least one"),
        ({"folds": 81}, r"n_folds must be at most the number of rows \(80\), got 81"),
        ({"folds": 2}, "folds must be at least 3, so that inner folds can choose a strength, got 2"),
        ({"folds": "five"}, "folds must be a whole number >= 2, Folds, or a scikit-learn splitter, got 'five'"),
        ({"folds": True}, "folds must be a whole number"),
        ({"folds": fw.Folds.kfold(10, 5)}, "folds must label the 80 rows of the table, got 10"),
        ({"folds": ShuffleSplit(3, random_state=0)}, "test sets must partition"),
        ({"folds": fw.Folds.kfold(80, 5), "stratify": True}, "stratify needs folds to be a number"),
        ({"folds": fw.Folds.kfold(80, 5), "groups": np.arange(80)}, "groups need folds to be a number or a splitter"),
        ({"groups": np.arange(80), "stratify": True}, "stratify and groups can't be combined"),
        ({"groups": np.zeros(80)}, r"at least as many distinct groups as folds \(4\), got 1"),
        ({"groups": np.zeros(9)}, r"groups must have one value for each of 80 rows, got shape \(9,\)"),
        ({"groups": "who"}, "'who'"),
        ({"fill": "mode"}, "fill must be 'median' or 'mean', got 'mode'"),
        ({"rule": "2se"}, "rule must be 'min' or '1se', got '2se'"),
        ({"l1_ratios": [0.0, 0.5]}, "l1_ratios must be numbers above 0"),
        ({"l1_ratios": []}, "l1_ratios must be numbers above 0"),
        ({"alphas": -1}, "alphas must be at least 1"),
        ({"alphas": [-0.1]}, "alpha must be finite and >= 0, got -0.1"),
        ({"target_scale": 0.0}, "target_scale must be a number > 0, got 0.0"),
        ({"sample_weight": np.zeros(80)}, "sample_weight must have a positive sum, got zeros"),
        ({"sample_weight": -np.ones(80)}, "sample_weight must be finite and >= 0, got -1.0 in row 1"),
        ({"sample_weight": np.full(80, np.nan)}, "sample_weight must be finite and >= 0, got nan in row 1"),
        ({"sample_weight": np.ones(3)}, "sample_weight must have one value for each of 80 rows"),
        ({"sample_weight": ["a"] * 80}, "sample_weight must be numbers"),
        ({"repeats": 0}, "repeats must be a whole number >= 1, got 0"),
        ({"seed": -1}, "seed must be a whole number >= 0, got -1"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        fw.compare(make_table(), **{"target": "y"} | QUICK | options)


def test_results_can_be_replaced_but_not_changed(cars):
    with pytest.raises(AttributeError):
        cars.best.error = 0.0
    assert replace(cars.best, error=0.0).rmse == 0.0


def test_a_target_that_a_feature_gives_away_is_called_a_leak():
    table = make_table()
    with pytest.warns(DataWarning, match="leak"):
        comparison = fw.compare(table | {"x5": 3.0 * table["y"] + 2.0}, target="y", **QUICK)
    assert comparison.sentences[0].startswith("Least squares predicts y on unseen rows without error")
    assert comparison.difference("least squares", "ridge").p == 1.0


@pytest.mark.parametrize("combine", [lambda a, _: 2.0 * a + 1.0, lambda a, b: a - 3.0 * b])
def test_collinear_columns_are_named_and_the_answer_stands(combine):
    table = make_table()
    twin = table | {"x5": combine(table["x0"], table["x2"])}
    with pytest.warns(DataWarning, match=r"'x0'.* and 'x5' are perfectly collinear"):
        comparison = fw.compare(twin, target="y", **QUICK)
    assert any("'x5' are perfectly collinear" in note for note in comparison.notes)
    alone = fw.compare(table, target="y", **QUICK)
    assert comparison.result("least squares").rmse == pytest.approx(alone.result("least squares").rmse, rel=1e-8)


def test_levels_of_a_category_add_up_to_one_and_that_is_no_news():
    table = make_table() | {"kind": ["oak", "ash", "elm", "ash"] * 20}
    assert fw.compare(table, target="y", **QUICK).notes == ()


def test_intervals_of_the_error_cover_it():
    """Least squares on 60 rows: the interval holds the true error of the fits about 95 times in 100."""
    rng = np.random.default_rng(11)
    slope = np.array([0.5, -0.5, 0.0])
    covered = []
    for seed in range(120):
        x = rng.normal(size=(60, 3))
        y = x @ slope + rng.normal(size=60)
        table = np.column_stack([x, y])
        found = fw.compare(table, names=["a", "b", "c", "y"], target="y", candidates=["ols"], repeats=1, seed=seed)
        truth = []
        for i in range(5):
            rows = found.folds.training_rows({i})
            b = np.linalg.lstsq(np.column_stack([np.ones(len(rows)), x[rows]]), y[rows], rcond=None)[0]
            truth.append(1.0 + b[0] ** 2 + np.sum((b[1:] - slope) ** 2))
        low, high = found.best.interval
        covered.append(low <= np.sqrt(np.mean(truth)) <= high)
    assert np.mean(covered) > 0.89  # 95 % less three standard deviations of a share of 120
