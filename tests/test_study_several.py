"""Comparisons of three classes and more, of times to an event, and with an offset."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import cross_val_predict

import foldwise as fw
from foldwise.errors import InputError
from foldwise.families import Cox
from foldwise.linear.concordance import concordance
from foldwise.report import text

QUICK = {"folds": 4, "repeats": 2, "alphas": 8, "l1_ratios": [0.5]}


def numbers(n=120, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    return rng, x, {f"x{j}": x[:, j] for j in range(3)}


def trees(labels=("ash", "elm", "oak"), n=120):
    rng, x, table = numbers(n)
    eta = np.column_stack([x[:, 0], x[:, 1], -x[:, 0] - x[:, 1]]) * 1.5 + rng.gumbel(size=(n, 3))
    return x, table | {"y": [labels[code] for code in eta.argmax(axis=1)]}


def survival(n=120, seed=0):
    rng, x, table = numbers(n, seed)
    died, left = rng.exponential(np.exp(-x[:, 0])), rng.exponential(1.5, size=n)
    return x, table | {"days": np.minimum(died, left), "dead": died < left}


@pytest.fixture(scope="module")
def forest():
    model = HistGradientBoostingClassifier(max_iter=5, random_state=0)
    candidates = ["unpenalized", "ridge", "lasso", ("boosting", model)]
    return fw.compare(pd.DataFrame(trees()[1]), target="y", candidates=candidates, **QUICK), model


@pytest.fixture(scope="module")
def ward():
    return fw.compare(survival()[1], time="days", event="dead", **QUICK)


def test_three_classes_are_multinomial_and_their_scores_scikit_learns(forest):
    comparison, model = forest
    x, table = trees()
    y = np.array(table["y"])
    assert comparison.modelled.family.name == "multinomial"
    assert comparison.modelled.classes == ("ash", "elm", "oak")
    for r in comparison.results:
        chances = r.predictions
        assert chances.shape == (2, 120, 3)
        np.testing.assert_allclose(chances.sum(axis=2), 1.0)
        assert r.error == pytest.approx(np.mean([2.0 * log_loss(y, c) for c in chances]), rel=1e-9)
        assert r.scores["log_loss"] == pytest.approx(r.error / 2.0)
        right = [accuracy_score(y, np.array(comparison.modelled.classes)[c.argmax(axis=1)]) for c in chances]
        assert r.scores["accuracy"] == pytest.approx(np.mean(right))
        auc = []
        for i in range(8):
            rows = comparison.folds.test_rows(i)
            auc.append(roc_auc_score(y[rows], chances[i // 4, rows], multi_class="ovr"))
        weight = [len(comparison.folds.test_rows(i)) for i in range(8)]
        assert r.scores["auc"] == pytest.approx(np.average(auc, weights=weight))
    expected = cross_val_predict(
        model, pd.DataFrame(x, columns=["x0", "x1", "x2"]), y, cv=comparison.folds.partition(1), method="predict_proba"
    )
    np.testing.assert_array_equal(comparison.predictions("boosting")[1], expected)


def test_three_classes_by_a_naive_double_loop():
    x, table = trees(n=90)
    codes = np.unique(table["y"], return_inverse=True)[1]
    alphas = [0.2, 0.05, 0.01]
    comparison = fw.compare(table, target="y", candidates="lasso", folds=3, repeats=1, alphas=alphas)
    folds = comparison.folds

    def deviances(train, test):
        paths = fw.fit_paths(x[train], codes[train], family="multinomial", alphas=alphas, tol=1e-12)
        return np.array([2.0 * log_loss(codes[test], paths.predict(x[test])[:, a]) for a in range(3)])

    for outer in range(3):
        inner = np.zeros(3)
        for k in set(range(3)) - {outer}:
            rows = folds.test_rows(k)
            inner += len(rows) * deviances(folds.training_rows({outer, k}), rows)
        chosen = int(np.argmin(inner))
        assert comparison.best.chosen_alpha[outer] == alphas[chosen]
        error = deviances(folds.training_rows({outer}), folds.test_rows(outer))[chosen]
        assert comparison.best.fold_error[outer] == pytest.approx(error, rel=1e-3)  # the root of the paths' gap, 1e-7


def test_the_page_names_the_class_on_which_a_feature_bears_most(forest):
    comparison, _ = forest
    assert comparison.explained.name == "lasso"
    page = text(comparison, color=False)
    assert "Family: multinomial (logistic regression of several classes)" in page
    line = next(line for line in page.splitlines() if line.startswith("x1 "))
    assert ("elm" in line) or ("oak" in line)
    assert "y depends on x0 and x1" in comparison.verdict or "y depends on x1 and x0" in comparison.verdict
    table = comparison.coefficients("lasso")
    assert list(table["class"].unique()) == ["ash", "elm", "oak"]
    assert len(table) == 3 * 4


@pytest.mark.parametrize("labels", [(1, 2, 3), (0.5, 1.5, 7.0)])
def test_classes_may_be_numbers_where_the_family_says_so(labels):
    table = trees(labels)[1]
    comparison = fw.compare(table, target="y", family="multinomial", candidates="ridge", **QUICK)
    plain = fw.compare(trees()[1], target="y", candidates="ridge", **QUICK)
    np.testing.assert_array_equal(comparison.predictions("ridge"), plain.predictions("ridge"))


def test_deviances_of_times_are_those_of_the_paths_and_concordance_is_harrells(ward):
    x, table = survival()
    assert ward.modelled.family == Cox()
    assert ward.event == "dead"
    assert ward.to_dict()["target"] == {"name": "days", "unit": None, "event": "dead"}
    time, event = np.asarray(table["days"]), np.asarray(table["dead"], dtype=float)
    for name, ratio in (("lasso", 1.0), ("ridge", 0.0)):
        r = ward.result(name)
        for repeat in range(2):
            folds = ward.folds.partition(repeat)
            chosen = r.chosen_alpha[4 * repeat : 4 * repeat + 4]
            for k in range(4):
                paths = fw.fit_paths(
                    x, np.column_stack([time, event]), family="cox", alphas=[chosen[k]], l1_ratio=ratio, folds=folds
                )
                assert r.fold_error[4 * repeat + k] == pytest.approx(paths.cv_error[k, 0], rel=1e-6)
        within = [
            concordance(time[rows], event[rows], r.predictions[i // 4, rows])
            for i, rows in enumerate(ward.folds.test_rows(i) for i in range(8))
        ]
        weight = [len(ward.folds.test_rows(i)) for i in range(8)]
        assert r.scores["concordance"] == pytest.approx(np.average(within, weights=weight))
    assert ward.baseline_scores["concordance"] == 0.5
    assert ward.best.explained > 0.0
    assert ward.best.intercept == 0.0


def test_events_are_spread_over_the_folds_and_the_page_speaks_of_risk(ward):
    counts = [np.asarray(survival()[1]["dead"])[ward.folds.test_rows(i)].sum() for i in range(8)]
    assert np.ptp(counts) <= 1
    page = text(ward, color=False)
    assert "the risk rises with x0" in ward.verdict
    assert "days to dead" in ward.verdict
    assert "equal risks" in page
    assert "change of logarithm of the hazard" in page


def test_what_a_fold_holds_never_reaches_the_fit_of_times_that_scores_it():
    x, table = survival()
    folds = fw.Folds.stratified(table["dead"], 4)
    rows = folds.test_rows(0)
    moved = table | {"x0": np.where(np.isin(np.arange(120), rows), -table["x0"], table["x0"])}
    before, after = (
        fw.compare(t, time="days", event="dead", candidates="lasso", folds=folds, alphas=[0.2, 0.05]).best
        for t in (table, moved)
    )
    assert before.chosen_alpha[0] == after.chosen_alpha[0]
    flipped = after.predictions[0, rows] - before.predictions[0, rows]
    slope = -2.0 * x[rows, 0]
    np.testing.assert_allclose(flipped, slope * (flipped @ slope) / (slope @ slope), atol=1e-6)  # the same line


def test_an_offset_is_what_the_family_says_it_is():
    rng, x, table = numbers()
    y = 2.0 * x[:, 0] + rng.normal(size=120)
    shift = rng.normal(size=120) * 3.0
    plain = fw.compare(table | {"y": y}, target="y", candidates=["lasso", "ols"], **QUICK)
    moved = fw.compare(
        table | {"y": y + shift, "o": shift}, target="y", offset="o", candidates=["lasso", "ols"], **QUICK
    )
    assert [column.name for column in moved.columns] == ["x0", "x1", "x2"]
    for r in plain.results:
        assert moved.result(r.name).error == pytest.approx(r.error, rel=1e-9)
        np.testing.assert_allclose(moved.predictions(r.name), r.predictions + shift, rtol=1e-8)
    assert moved.baseline_error == pytest.approx(plain.baseline_error, rel=1e-9)
    exposure = rng.uniform(0.5, 4.0, size=120)
    counts = rng.poisson(exposure * np.exp(0.5 * x[:, 0]))
    found = fw.compare(table | {"y": counts}, target="y", offset=np.log(exposure), candidates="ridge", **QUICK)
    base = np.empty((2, 120))
    for i in range(8):
        train, test = found.folds.training_rows({i}), found.folds.test_rows(i)
        base[i // 4, test] = exposure[test] * counts[train].sum() / exposure[train].sum()
    deviance = 2.0 * (np.where(counts > 0, counts * np.log(np.maximum(counts, 1) / base), 0.0) - counts + base)
    assert found.baseline_error == pytest.approx(deviance.mean(), rel=1e-9)
    assert found.best.explained > 0.0


TIMES = {"time": "days", "event": "dead"}


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"time": "days"}, "event must be given with time: a time, and whether the event came then"),
        ({}, {"event": "dead"}, "time must be given with event"),
        ({}, {**TIMES, "target": "x0"}, "target must be left out where time and event are given, got 'x0'"),
        ({}, {}, "target must name a column of the table .* got None"),
        ({}, {"target": "days", "family": "cox"}, "time and event must be given for family='cox'"),
        ({}, {**TIMES, "family": "poisson"}, "family must be 'cox' where an event is given, got 'poisson'"),
        ({}, {**TIMES, "drop": ["dead"]}, "event: 'dead' is dropped"),
        ({}, {"time": "days", "event": "days"}, "event: 'days' is the time"),
        ({}, {**TIMES, "sample_weight": "dead"}, "sample_weight: 'dead' is the target"),
        ({"dead": np.zeros(120)}, TIMES, "event 'dead' is 0 in every row: no event came"),
        ({"dead": np.arange(120) % 2 + 1}, TIMES, r"event 'dead' must be 1 \(it came\) or 0 .* got 2 at row 2"),
        ({"dead": ["no", "yes"] * 60}, TIMES, "event 'dead' must be true or false, or 1 or 0, got text: 'no'"),
        ({"dead": [None, True] * 60}, TIMES, "event 'dead' is missing in 60 of 120 rows, first at row 1"),
        (
            {"days": np.arange(120) - 1.0},
            TIMES,
            "time 'days' must be 0 or more in every row, got -1 at row 1",
        ),
        ({"days": ["soon"] * 120}, TIMES, "target 'days' must be a number, got text"),
        ({"dead": np.arange(120) < 3}, TIMES, r"has no event of 'dead' to be scored by \(3 events in 4 folds\)"),
        ({}, {**TIMES, "candidates": [("b", HistGradientBoostingClassifier())]}, "'b' can't be compared on times to"),
        (
            {},
            {"target": "days", "offset": np.zeros(3)},
            r"offset must have one value for each of 120 rows",
        ),
        ({}, {"target": "days", "offset": np.full(120, np.inf)}, "offset must be finite, got inf in row 1"),
        (
            {},
            {"target": "days", "offset": "no"},
            "offset must be a column of the table or one value",
        ),
        ({"y": ["a", "b", "c"] * 40}, {"target": "y", "offset": "x0"}, "offset must be left out for three classes"),
    ],
)
def test_what_is_refused(change, options, message):
    with pytest.raises(InputError, match=message):
        fw.compare(survival()[1] | change, **{**QUICK, **options})
