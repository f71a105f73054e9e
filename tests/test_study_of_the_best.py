"""What comparisons say beyond errors: the pick's flattery, the noise floor, features that stand in for each other."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

import foldwise as fw
from foldwise.inference import bbc_cv, co_selection, neighbour_floor, replicated_floor
from foldwise.report import text, to_json
from foldwise.report.page import page
from foldwise.report.sure import floor_missing, statements
from foldwise.study.stand_ins import selected_together

QUICK = {"candidates": ["ols", "lasso"], "folds": 4, "repeats": 2, "alphas": 12}


def made(n=120, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    return {"a": x[:, 0], "b": x[:, 1], "y": 5.0 + x[:, 0] - 0.5 * x[:, 1] ** 2 + 0.4 * rng.normal(size=n)}


@pytest.fixture(scope="module")
def twins():
    """Two columns as good as each other, for every row is there twice with them exchanged: the folds decide on one."""
    rng = np.random.default_rng(3)
    signal = rng.normal(size=40)
    one, other = (signal + 0.1 * rng.normal(size=40) for _ in range(2))
    table = {"<b>left": np.append(one, other), "<b>right": np.append(other, one), "z": rng.normal(size=80)}
    table["y"] = np.tile(signal + 0.5 * rng.normal(size=40), 2)
    return fw.compare(table, target="y", candidates=["lasso"], folds=4, repeats=12, alphas=[1.1, 1.0])


def test_the_pick_is_the_bootstrapped_choice_by_losses_of_rows():
    found = fw.compare(made(), target="y", candidates=["ols", "lasso", ("tree", DecisionTreeRegressor())], **{
        name: value for name, value in QUICK.items() if name != "candidates"
    })  # fmt: skip
    y = made()["y"]
    losses = np.column_stack([np.mean((y - r.predictions) ** 2, axis=0) for r in found.results])
    expected = bbc_cv(losses)
    assert found.picked.expected**2 - found.picked.error**2 == pytest.approx(expected.flattery, rel=1e-6, abs=1e-12)
    assert (found.picked.candidate, found.picked.of, found.picked.again) == (found.best.name, 3, expected.again)
    assert found.picked.error == found.best.rmse


def test_equal_candidates_flatter_and_a_clear_winner_does_not():
    rng = np.random.default_rng(1)
    table = {f"x{j}": rng.normal(size=60) for j in range(8)} | {"y": rng.normal(size=60)}
    trees = {f"tree {s}": DecisionTreeRegressor(max_features=1, random_state=s, max_depth=4) for s in range(5)}
    even = fw.compare(table, target="y", candidates=trees, folds=4, repeats=1).picked
    assert even.expected > 1.01 * even.error
    assert even.again < 0.9
    exact = table | {"y": 3.0 * table["x0"] + 0.01 * table["y"]}
    clear = fw.compare(exact, target="y", candidates=["ols", ("tree", DecisionTreeRegressor())], folds=4, repeats=1)
    assert (clear.picked.again, clear.picked.expected) == (1.0, pytest.approx(clear.best.rmse, rel=1e-12))
    assert "Picked best of 2: that flatters little; 100 % of resamples agree." in text(clear, color=False)


def test_rows_of_a_group_are_drawn_together():
    """Each row three times: what is drawn are groups, so that the flattery is that of the rows once."""
    table = made(40)
    many = {name: np.repeat(values, 3) for name, values in table.items()} | {"who": np.repeat(np.arange(40), 3)}
    found = fw.compare(many, target="y", groups="who", **QUICK)
    losses = np.column_stack([np.mean((many["y"] - r.predictions) ** 2, axis=0) for r in found.results])
    of_groups = losses.reshape(40, 3, 2).mean(axis=1)
    order = [str(who) for who in range(40)]
    by_name = [order.index(name) for name in sorted(order)]  # groups are known by their texts
    expected = bbc_cv(of_groups[by_name], weights=np.full(40, 3.0))
    assert found.picked.again == expected.again


def test_near_rows_tell_the_floor_of_what_the_linear_model_leaves():
    table = made(300)
    found = fw.compare(table, target="y", **QUICK)
    X = np.column_stack([table["a"], table["b"]])
    best = found.best
    expected = neighbour_floor(table["y"] - best.intercept - X @ best.coef, X)
    floor = found.noise_floor
    assert floor.method == "near rows"
    assert floor.error == pytest.approx(np.sqrt(expected.variance))
    assert floor.interval == pytest.approx(np.sqrt(expected.interval))
    assert floor.interval[0] < 0.4 < floor.interval[1] < best.rmse  # it misses the square of b
    share = (found.baseline_error**2 - best.rmse**2) / (found.baseline_error**2 - floor.error**2)
    assert floor.explained == pytest.approx(share)
    told = " ".join(text(found, color=False).split())
    assert f"Noise floor: {floor.error:.3f} (95 % interval {floor.interval[0]:.3f} to" in told
    assert f"The best explains {round(100 * share)} % of what can be explained." in told


@pytest.mark.parametrize("kind", ["numbers", "counts", "classes"])
def test_replicated_rows_tell_it_in_a_score_that_people_know(kind):
    rng = np.random.default_rng(2)
    dose, sex = rng.integers(0, 5, size=200), rng.choice(["f", "m"], size=200)
    eta = 0.3 * dose + (sex == "f") - 0.5
    y = {
        "numbers": eta + 0.5 * rng.normal(size=200),
        "counts": rng.poisson(np.exp(0.5 * eta)),
        "classes": np.where(rng.random(200) < 1 / (1 + np.exp(-3 * eta)), "yes", "no"),
    }[kind]
    table = {"dose": dose.astype(float), "sex": sex, "y": y}
    found = fw.compare(table, target="y", **(QUICK | {"candidates": ["ols"]}))
    values = (y == "yes").astype(float) if kind == "classes" else y.astype(float)
    expected = replicated_floor(values, dose * 2 + (sex == "f"))
    floor = found.noise_floor
    assert (floor.method, floor.rows, floor.score) == ("replicated rows", 200, "brier" if kind == "classes" else "rmse")
    assert floor.error == pytest.approx(expected.variance if kind == "classes" else np.sqrt(expected.variance))
    assert floor.best == (found.best.rmse if kind == "numbers" else found.best.scores[floor.score])
    assert 0.5 < floor.explained <= 1.0
    said = next(each for each in statements(json.loads(to_json(found))) if each.title == "Noise floor")
    assert "rows alike in all features" in said.text
    assert ("Brier" in said.text) == (kind == "classes")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"offset": np.ones(120)}, "rows that agree in their features differ in their offset"),
        ({"table": {f"x{j}": np.random.default_rng(j).normal(size=120) for j in range(30)}}, "no two rows are near"),
        ({"table": {f"x{j}": np.random.default_rng(j).normal(size=120) for j in range(101)}}, "in 103 features"),
        ({"rows": 40}, "there are too few rows that could be near each other"),
        ({"event": np.ones(120)}, "times of which some are not seen to their end have no squared error"),
    ],
)
def test_where_it_cannot_be_told_the_report_says_why(options, why):
    table = options.get("table", {}) | made(options.get("rows", 120))
    target = {"target": "y"}
    if "event" in options:
        table, target = table | {"event": options["event"]}, {"time": "y", "event": "event"}
        table["y"] = table["y"] - table["y"].min() + 1.0
    asked = QUICK | {"candidates": ["ridge"], "repeats": 1, "alphas": 4}
    found = fw.compare(table, **target, **asked, **{k: v for k, v in options.items() if k == "offset"})
    assert found.noise_floor.method is None
    assert why in " ".join(text(found, color=False).split())
    assert why in floor_missing(json.loads(to_json(found))["noise_floor"])
    assert found.picked is None  # there is one candidate


def test_a_table_that_is_read_once_says_so():
    rng = np.random.default_rng(0)
    moments = fw.FoldMoments.scan(rng.normal(size=(90, 2)), target=rng.normal(size=90), folds=fw.Folds.kfold(90, 4))
    found = fw.compare(moments)
    assert (found.noise_floor.method, found.picked) == (None, None)
    assert "Noise floor: not told, for the rows were read once" in text(found, color=False)


def test_groups_have_no_neighbours_within_a_fold():
    rng = np.random.default_rng(5)
    x = np.repeat(rng.normal(size=60), 3)
    y = x + np.repeat(rng.normal(size=60), 3) + 0.1 * rng.normal(size=180)
    table = {"x": x, "y": y, "who": np.repeat(np.arange(60), 3)}
    grouped = fw.compare(table, target="y", groups="who", **QUICK).noise_floor
    alone = fw.compare(table, target="y", drop=["who"], **QUICK).noise_floor
    assert (grouped.method, alone.method) == ("near rows", "replicated rows")
    assert alone.error < 0.2
    assert grouped.error > 0.7


def test_stand_ins_are_those_of_the_candidate_that_the_verdict_explains(twins):
    kept = twins.result("lasso").features.kept_in
    np.testing.assert_array_equal(kept.mean(axis=0), twins.result("lasso").survival)
    names = [column.name for column in twins.columns]
    selected = twins.co_selection
    assert (selected.candidate, selected.fits) == ("lasso", 48)
    expected = co_selection(kept, repeats=12, permutations=499)
    told = [pair for pair in expected if pair.p <= 0.05]
    assert [(pair.feature, pair.other, pair.p) for pair in selected.pairs] == [
        (names[pair.feature], names[pair.other], pair.p) for pair in told
    ][:20]
    for pair in selected.pairs:
        one, other = (kept[:, names.index(name)] for name in (pair.feature, pair.other))
        assert pair.both == np.sum(one & other)
        assert (pair.only_feature, pair.only_other) == (np.sum(one & ~other), np.sum(other & ~one))
        assert pair.neither == np.sum(~one & ~other)


def test_pairs_are_counted_in_all_four_ways(twins):
    """One stands in for another in most fits, and comes or stays away with it in some; a third goes its own way."""
    rng = np.random.default_rng(0)
    a = rng.random(48) < 0.4
    kept = np.column_stack([a, np.where(np.arange(48) % 6 < 5, ~a, a), rng.random(48) < 0.5])
    lasso = twins.result("lasso")
    pair = selected_together(replace(lasso, features=replace(lasso.features, kept_in=kept)), ["a", "b", "c"], 12).pairs[
        0
    ]
    both, first, second = np.sum(a & kept[:, 1]), np.sum(a & ~kept[:, 1]), np.sum(~a & kept[:, 1])
    assert (pair.feature, pair.other, pair.relation) == ("a", "b", "rather without")
    assert (pair.both, pair.only_feature, pair.only_other) == (both, first, second)
    assert pair.neither == 48 - both - first - second > 0


def test_stand_ins_are_said_and_their_names_stay_text(twins):
    pair = next(pair for pair in twins.co_selection.pairs if pair.stands_in)
    alone = pair.only_feature + pair.only_other
    said = f"{pair.feature} or {pair.other}: one alone in {alone} of 48 fits, both in {pair.both}."
    assert f"Either {said}" in " ".join(text(twins, color=False).split())
    content = page(json.loads(to_json(twins)))
    assert said.replace("<", "&lt;").replace(">", "&gt;") in content
    assert "<b>" not in content


@pytest.mark.parametrize("settings", [{"repeats": 3}, {"candidates": ["ridge"], "repeats": 4}])
def test_where_nothing_comes_and_goes_or_few_repeats_tell_nothing_is_said(settings):
    found = fw.compare(made(), target="y", **(QUICK | {"candidates": ["lasso"]} | settings))
    assert found.co_selection is None
    assert json.loads(to_json(found))["co_selection"] is None
    assert "either, together" not in text(found, color=False)
