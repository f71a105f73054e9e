"""Candidates of scikit-learn in a comparison: what they are given, what they predict, and what is refused."""

import doctest
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import foldwise as fw
from foldwise.errors import DataWarning, InputError
from foldwise.report import text, to_json
from foldwise.study.candidates import find_candidates

QUICK = {"folds": 3, "repeats": 2, "alphas": 8, "l1_ratios": [0.5]}
BOOSTING = HistGradientBoostingRegressor(max_iter=8, random_state=0)


def make_table(n=90, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    table = pd.DataFrame(x, columns=["a", "b", "c"])
    table["kind"] = pd.Categorical(rng.choice(["ash", "elm", "oak"], size=n))
    table.loc[::7, "c"] = np.nan
    table["y"] = np.sin(2.0 * x[:, 0]) + x[:, 1] ** 2 + (table["kind"] == "elm") + 0.3 * rng.normal(size=n)
    return table


ENCODED = make_pipeline(
    make_column_transformer((OneHotEncoder(), ["kind"]), (StandardScaler(), ["a", "b"])), KNeighborsRegressor(5)
)
SEARCHED = GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [0.1, 1.0, 10.0]}, cv=3)


@pytest.mark.parametrize("estimator", [BOOSTING, ENCODED], ids=["boosting", "pipeline"])
def test_predictions_are_those_of_cross_val_predict_to_the_last_digit(estimator):
    table = make_table()
    comparison = fw.compare(table, target="y", candidates=["lasso", ("other", estimator)], **QUICK)
    for repeat in range(2):
        folds = comparison.folds.partition(repeat)
        expected = cross_val_predict(estimator, table.drop(columns="y"), table["y"].to_numpy(), cv=folds)
        np.testing.assert_array_equal(comparison.predictions("other")[repeat], expected)
    squared = (comparison.predictions("other") - table["y"].to_numpy()) ** 2
    assert comparison.result("other").rmse == pytest.approx(np.sqrt(squared.mean()), rel=1e-12)


@pytest.mark.parametrize("labels", [("ill", "well"), (False, True), (0, 1)])
def test_chances_are_those_of_cross_val_predict(labels):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(90, 2))
    y = np.array(labels)[(x[:, 0] + rng.normal(size=90) > 0.0).astype(int)]
    table = pd.DataFrame(x, columns=["a", "b"])
    model = HistGradientBoostingClassifier(max_iter=5, random_state=0)
    comparison = fw.compare(table.assign(y=y), target="y", candidates={"boosting": model, "lasso": "lasso"}, **QUICK)
    for repeat in range(2):
        folds = comparison.folds.partition(repeat)
        expected = cross_val_predict(model, table, y, cv=folds, method="predict_proba")
        np.testing.assert_array_equal(comparison.predictions("boosting")[repeat], expected[:, 1])


def test_a_linear_candidate_and_its_twin_in_scikit_learn_agree():
    table = make_table().drop(columns=["kind", "c"])
    comparison = fw.compare(table, target="y", candidates=["ols", ("twin", LinearRegression())], **QUICK)
    np.testing.assert_allclose(comparison.predictions("twin"), comparison.predictions("least squares"), rtol=1e-9)
    assert comparison.difference("least squares", "twin").p == 1.0


def test_what_is_chosen_by_a_search_is_chosen_inside_the_training_rows():
    table = make_table()[["a", "b", "y"]]
    comparison = fw.compare(table, target="y", candidates=[("searched", SEARCHED)], **QUICK)
    expected = cross_val_predict(SEARCHED, table[["a", "b"]], table["y"].to_numpy(), cv=comparison.folds.partition(0))
    np.testing.assert_array_equal(comparison.predictions("searched")[0], expected)
    assert comparison.best.optimism is None


def test_weights_are_passed_on_where_they_are_taken():
    table = make_table()[["a", "b", "y"]]
    weights = np.arange(90) % 3 + 1.0
    candidates = {"ols": "ols", "twin": make_pipeline(StandardScaler(), LinearRegression())}
    comparison = fw.compare(table, target="y", candidates=candidates, sample_weight=weights, **QUICK)
    np.testing.assert_allclose(comparison.predictions("twin"), comparison.predictions("ols"), rtol=1e-9)
    with pytest.warns(DataWarning, match="near takes no row weights: it is fitted without, and scored with them"):
        found = fw.compare(
            table, target="y", candidates=[("near", KNeighborsRegressor(3))], sample_weight=weights, **QUICK
        )
    assert any("takes no row weights" in note for note in found.notes)


def test_it_is_given_the_tables_own_columns():
    seen = []

    class Spy(Ridge):
        def fit(self, X, y, sample_weight=None):
            seen.append(X)
            return super().fit(X[["a", "b"]], y, sample_weight)

        def predict(self, X):
            return super().predict(X[["a", "b"]])

    table = make_table().assign(who=np.arange(90) // 3, spare=1.0, weight=2.0)
    asked = {"drop": ["spare"], "groups": "who", "sample_weight": "weight"}
    fw.compare(table, target="y", candidates=[("spy", Spy())], **asked, **QUICK)
    assert list(seen[0].columns) == ["a", "b", "c", "kind"]
    assert seen[0]["kind"].dtype == table["kind"].dtype
    assert seen[0]["c"].isna().any()
    polars = pl.DataFrame(table.drop(columns=["kind", "who", "spare", "weight"]))
    fw.compare(polars, target="y", candidates=[("spy", Spy())], **QUICK)
    assert isinstance(seen[-1], pl.DataFrame)
    plain = {name: table[name].to_list() for name in ("a", "b", "y")}
    fw.compare(plain, target="y", candidates=[("spy", Spy())], **QUICK)
    assert isinstance(seen[-1], pd.DataFrame)
    fw.compare(table[["a", "b", "y"]].to_numpy(), names=["a", "b", "y"], target="y", candidates=Spy(), **QUICK)
    assert list(seen[-1].columns) == ["a", "b"]


def test_held_out_rows_never_reach_the_fit_that_predicts_them():
    table = make_table()[["a", "b", "y"]]
    folds = fw.Folds.kfold(90, 3)
    moved = table.copy()
    moved.loc[folds.test_rows(0), "y"] += 1e6
    before, after = (
        fw.compare(t, target="y", candidates=[("tree", BOOSTING)], folds=folds).predictions("tree")[0]
        for t in (table, moved)
    )
    np.testing.assert_array_equal(before[folds.test_rows(0)], after[folds.test_rows(0)])
    assert abs(before - after).max() > 1.0


def test_the_report_does_without_coefficients():
    table = make_table()
    alone = fw.compare(table, target="y", candidates=[("boosting", BOOSTING)], **QUICK)
    assert alone.explained is None
    page = text(alone, color=False)
    assert "Features of" not in page
    assert "boosting: HistGradientBoostingRegressor(max_iter=8, random_state=0)" in page
    assert '"coef": null' in to_json(alone)
    assert alone.best.n_kept is None
    with pytest.raises(InputError, match="boosting has no coefficients"):
        alone.coefficients("boosting")
    both = fw.compare(table, target="y", candidates=[("boosting", BOOSTING), "lasso"], **QUICK)
    assert both.explained.name == "lasso"
    assert "Features of the lasso" in text(both, color=False)
    if both.explained not in both.tied:
        assert "Boosting has no coefficients." in both.verdict


def test_certain_chances_cost_what_they_cost_in_scikit_learn_and_are_told():
    rng = np.random.default_rng(2)
    table = {"a": rng.normal(size=60), "b": rng.normal(size=60), "y": rng.choice(["n", "y"], size=60)}
    with pytest.warns(DataWarning, match="tree gives no chance at all to the class of some rows"):
        comparison = fw.compare(
            table, target="y", candidates=[("tree", DecisionTreeClassifier(random_state=0))], **QUICK
        )
    assert comparison.best.error == pytest.approx(
        np.mean(2.0 * -np.log(np.finfo(float).eps) * (np.round(comparison.predictions("tree")) != (table["y"] == "y"))),
        rel=1e-9,
    )


def test_candidates_may_be_pairs_a_mapping_estimators_or_names():
    assert [c.name for c in find_candidates(("net", Ridge()))] == ["net"]
    assert [c.name for c in find_candidates({"x": Ridge(), "small": "lasso"})] == ["x", "small"]
    assert [c.name for c in find_candidates(make_pipeline(StandardScaler(), Ridge()))] == ["Ridge"]
    assert [c.name for c in find_candidates(["ridge", Ridge()])] == ["ridge", "Ridge"]


class Failing(Ridge):
    def predict(self, X):
        return np.full(len(X), np.nan)


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        ([("a", Ridge()), ("a", Ridge())], "got 'a' twice"),
        ([("lasso", Ridge())], "an estimator can't be called 'lasso', that is foldwise's own candidate"),
        ([("", Ridge())], "can't be called '', that is empty"),
        ([("a", Ridge)], "got the class Ridge, not an instance"),
        ([("a", 3)], "or estimators with scikit-learn's conventions, got 3"),
        (3, "candidates must be names, estimators or"),
        ([("tree", DecisionTreeClassifier())], "candidate 'tree' must be a regressor, for target 'y' has numbers"),
        (
            [("ridge regression", Ridge())],
            "fold 0 of repeat 0: ValueError: could not convert string to float.*pipeline",
        ),
        (
            [("odd", make_pipeline(OneHotEncoder(), DummyRegressor()))],
            "candidate 'odd', fold . of repeat .: ValueError",
        ),
    ],
)
def test_what_is_refused(candidates, message):
    with pytest.raises(InputError, match=message):
        fw.compare(make_table(), target="y", candidates=candidates, **QUICK)


def test_what_is_refused_of_classes_and_counts():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(90, 2))
    table = {"a": x[:, 0], "b": x[:, 1]}
    sick = {**table, "y": np.where(x[:, 0] > rng.normal(size=90), "ill", "well")}
    with pytest.raises(InputError, match=r"candidate 'r' must be a classifier, for target 'y' has classes; Ridge is"):
        fw.compare(sick, target="y", candidates=[("r", Ridge())], **QUICK)
    with pytest.raises(InputError, match=r"must have predict_proba .*CalibratedClassifierCV"):
        fw.compare(sick, target="y", candidates=[("svm", LinearSVC())], **QUICK)
    fw.compare(sick, target="y", candidates=[("svm", CalibratedClassifierCV(LinearSVC(), cv=3))], **QUICK)
    counts = {**table, "y": rng.poisson(np.exp(x[:, 0]))}
    with pytest.raises(InputError, match=r"'r', fold . of repeat .: it predicts -.* at row .*, and the poisson family"):
        fw.compare(counts, target="y", candidates=[("r", LinearRegression())], **QUICK)
    fw.compare(counts, target="y", candidates=[("p", PoissonRegressor())], **QUICK)
    with pytest.raises(InputError, match="'f', fold 0 of repeat 0: it predicts nan at row"):
        fw.compare({**table, "y": rng.normal(size=90)}, target="y", candidates=[("f", Failing())], **QUICK)


def test_every_class_is_told_apart_in_the_targets_order():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(90, 2))
    table = pd.DataFrame(x, columns=["a", "b"])
    y = np.where(x[:, 0] + rng.normal(size=90) > 0.0, "b", "a")
    comparison = fw.compare(
        table.assign(y=y),
        target="y",
        candidates={"bayes": GaussianNB(), "logistic": LogisticRegression()},
        **QUICK,
    )
    for result in comparison.results:
        assert result.scores["accuracy"] > 0.6
        assert 0.0 < result.explained < 1.0


def test_warnings_of_the_estimator_reach_the_user():
    class Loud(Ridge):
        def fit(self, X, y, sample_weight=None):
            warnings.warn("loud", UserWarning, stacklevel=1)
            return super().fit(X, y, sample_weight)

    with pytest.warns(UserWarning, match="loud"):
        fw.compare(make_table()[["a", "b", "y"]], target="y", candidates=[("loud", Loud())], **QUICK)


def test_the_page_on_candidates_says_what_happens():
    page = Path(__file__).resolve().parents[1] / "docs" / "candidates.md"
    found = doctest.testfile(str(page), module_relative=False)
    assert found.attempted > 10
    assert found.failed == 0
