"""Comparisons of classes, counts and amounts: the family from the target, nested deviances, what is refused."""

import doctest
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_poisson_deviance, roc_auc_score

import foldwise as fw
from foldwise.errors import DataWarning, InputError
from foldwise.families import Gamma, Tweedie
from foldwise.report import text

QUICK = {"repeats": 1, "alphas": 8, "l1_ratios": [0.5]}


def columns(seed=0, n=90):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    return rng, {f"x{j}": x[:, j] for j in range(4)}, x


def classes(labels=("ill", "well"), seed=0, n=90):
    rng, table, x = columns(seed, n)
    hit = 2.0 * x[:, 0] + rng.logistic(size=n) > 0
    return {**table, "y": [labels[int(h)] for h in hit]}


TARGETS = [
    (["b", "a", "a", "b"], "binomial", ("a", "b")),
    ([True, False, True, True], "binomial", (False, True)),
    ([0, 1, 1, 0], "binomial", (0, 1)),
    ([2.5, 1.0, 2.5, 1.0], "binomial", (1, 2.5)),
    ([0, 3, 1, 0], "poisson", ()),
    ([1, 3, 2, 5], "gaussian", ()),  # no zeros
    ([0, 300, 20, 5], "gaussian", ()),  # a large mean
    ([0.5, 0.0, 2.0, 1.0], "gaussian", ()),
]


@pytest.mark.parametrize(("values", "family", "found"), TARGETS)
def test_the_family_is_taken_from_the_target(values, family, found):
    _, table, _ = columns(n=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        from foldwise.tables import make_design

        design = make_design({**table, "y": values}, target="y", family=None)
    assert (design.family, design.classes) == (family, found)
    assert design.reason.startswith("y h")


def test_deviances_and_scores_are_scikit_learns():
    table = classes()
    comparison = fw.compare(table, target="y", candidates=["ridge", "lasso", "unpenalized"], **QUICK)
    y = np.array(table["y"]) == "well"
    for result in comparison.results:
        chance = result.predictions[0]
        assert result.error == pytest.approx(2.0 * log_loss(y, chance), rel=1e-9)
        assert result.scores["log_loss"] == pytest.approx(log_loss(y, chance), rel=1e-9)
        assert result.scores["accuracy"] == pytest.approx(accuracy_score(y, chance > 0.5))
        assert result.scores["brier"] == pytest.approx(np.mean((y - chance) ** 2))
        folds = [comparison.folds.test_rows(k) for k in range(5)]
        auc = [roc_auc_score(y[rows], chance[rows]) for rows in folds]
        assert result.scores["auc"] == pytest.approx(np.average(auc, weights=[len(rows) for rows in folds]))
        assert result.explained == pytest.approx(1.0 - result.error / comparison.baseline_error)
    assert comparison.baseline_scores["auc"] == 0.5
    assert comparison.measure.key in comparison.table().column_names
    with pytest.raises(InputError, match="rmse is for the gaussian family"):
        comparison.best.rmse  # noqa: B018 - asking is what is tested


def test_counts_are_scored_by_their_deviance():
    rng, table, x = columns()
    table["visits"] = rng.poisson(np.exp(0.5 * x[:, 0]))
    comparison = fw.compare(table, target="visits", **QUICK)
    assert comparison.modelled.family.name == "poisson"
    for result in comparison.results:
        assert result.error == pytest.approx(mean_poisson_deviance(table["visits"], result.predictions[0]), rel=1e-9)
    assert "visits holds whole numbers from 0 with a mean of" in text(comparison, color=False)
    visits, base = np.asarray(table["visits"]), np.empty(90)
    for k in range(5):
        base[comparison.folds.test_rows(k)] = visits[comparison.folds.training_rows({k})].mean()
    assert comparison.baseline_error == pytest.approx(mean_poisson_deviance(visits, base), rel=1e-12)


@pytest.mark.parametrize("candidate", ["ridge", "lasso"])
def test_nested_errors_equal_a_naive_double_loop(candidate):
    table, alphas = classes(n=60), [0.3, 0.1, 0.03, 0.01]
    comparison = fw.compare(table, target="y", candidates=candidate, folds=4, repeats=1, alphas=alphas)
    X = np.column_stack([table[f"x{j}"] for j in range(4)])
    y = (np.array(table["y"]) == "well").astype(float)
    folds, ratio = comparison.folds, {"ridge": 0.0, "lasso": 1.0}[candidate]

    def deviances(train, test):
        paths = fw.fit_paths(X[train], y[train], family="binomial", alphas=alphas, l1_ratio=ratio, tol=1e-12)
        return np.array([2.0 * log_loss(y[test], paths.predict(X[test])[:, a], labels=[0, 1]) for a in range(4)])

    for outer in range(4):
        inner = np.zeros(4)
        for k in set(range(4)) - {outer}:
            rows = folds.test_rows(k)
            inner += len(rows) * deviances(folds.training_rows({outer, k}), rows)
        chosen = int(np.argmin(inner))
        error = deviances(folds.training_rows({outer}), folds.test_rows(outer))[chosen]
        assert comparison.results[0].chosen_alpha[outer] == alphas[chosen]
        assert comparison.results[0].fold_error[outer] == pytest.approx(
            error, rel=1e-3
        )  # the root of the paths' gap, 1e-7


@pytest.mark.parametrize("labels", [("no", "yes"), (False, True), (0, 1), (3, 7)])
def test_labels_of_any_kind_give_the_same_comparison(labels):
    plain = fw.compare(classes(), target="y", candidates="lasso", **QUICK)
    other = fw.compare(classes(labels), target="y", candidates="lasso", **QUICK)
    np.testing.assert_array_equal(other.predictions("lasso"), plain.predictions("lasso"))
    assert other.modelled.classes == labels


def test_folds_spread_the_classes_and_the_verdict_speaks_of_their_chance():
    table = classes()
    table["y"][:] = ["rare" if value == "ill" and at < 40 else "usual" for at, value in enumerate(table["y"])]
    comparison = fw.compare(table, target="y", candidates=["ridge", "lasso"], **QUICK)
    rare = np.array(table["y"]) == "rare"
    counts = np.bincount(comparison.folds.labels[0], rare)
    assert np.ptp(counts) <= 1
    clear = fw.compare(classes(n=300), target="y", candidates=["ridge", "lasso"], **QUICK)
    assert "the chance of y being well rises with x0" in clear.verdict
    assert "classified rightly" in clear.verdict
    page = text(clear, color=False)
    assert "Family: binomial (logistic regression); y has two classes, 'ill' and 'well'." in page
    assert "change of log odds of y being well" in page
    assert "the base rate" in page


def test_noise_is_called_noise():
    rng, table, _ = columns(seed=3)
    table["y"] = rng.choice(["a", "b"], size=90).tolist()
    comparison = fw.compare(table, target="y", candidates=["ridge", "lasso"], **QUICK)
    assert comparison.verdict.startswith("No candidate is shown to predict y better than the shares of the classes")


def test_a_family_may_be_asked_for():
    rng, table, x = columns()
    table["paid"] = rng.gamma(2.0, np.exp(0.5 * x[:, 0]))
    found = fw.compare(table, target="paid", family="gamma", **QUICK)
    assert found.modelled.family == Gamma()
    assert found.to_dict()["family"]["reason"] == "as asked for"
    other = fw.compare(table, target="paid", family=Tweedie(1.7), candidates="ridge", **QUICK)
    assert other.to_dict()["family"]["parameters"] == {"power": 1.7}
    assert fw.compare(table, target="paid", candidates="ridge", **QUICK).modelled.family.name == "gaussian"


def test_separated_classes_are_explained_in_the_warnings():
    _, table, x = columns()
    table["y"] = np.where(x[:, 0] > 0, "up", "down")
    with pytest.warns(DataWarning, match="the classes are separated"):
        comparison = fw.compare(table, target="y", candidates=["unpenalized", "ridge"], **QUICK)
    assert any("separated" in note for note in comparison.notes)


def few(value, count, n=90):
    return [value] * count + ["other"] * (n - count)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (few("one", 1), {}, "class 'one' of target 'y' has 1 row; comparing takes 3 at least"),
        (few("one", 2), {}, "class 'one' of target 'y' has 2 rows"),
        (few("one", 3), {"folds": fw.Folds.kfold(90, 5, shuffle=False)}, "class 'one' of target 'y' lies in 1 fold of"),
        (["same"] * 90, {}, "target 'y' is 'same' in every row"),
        (
            ["a", "b", "c"] * 30,
            {"family": "binomial"},
            "must have two different values .* got 3: 'a', 'b', 'c'; the multinomial family takes more",
        ),
        ([f"k{i % 25}" for i in range(90)], {}, "must be a number or have at most 20 classes, got text with 25 differ"),
        (few(None, 2), {}, "target 'y' is missing in 2 of 90 rows, first at row 1"),
        (
            [-1.0] + [2.0] * 89,
            {"family": "poisson"},
            "must be 0 or more in every row for the poisson family, got -1 at",
        ),
        ([1.0] * 88 + [0.0, 2.0], {"family": "gamma"}, "must be an amount above 0 in every row for the gamma family"),
        (list(range(90)), {"family": "binomial"}, "must have two different values for the binomial family, got 90"),
        (few("one", 30), {"family": "gaussian"}, "target 'y' must be a number, got text"),
        (few("one", 30), {"family": "logit"}, "family must be one of"),
        (few("one", 30), {"candidates": "group lasso"}, "'group lasso', which is for the gaussian family alone"),
    ],
)
def test_what_is_refused(values, options, message):
    _, table, _ = columns()
    with pytest.raises(InputError, match=message):
        fw.compare({**table, "y": values}, target="y", **{**QUICK, **options})


@pytest.mark.parametrize("indicators", [False, True])
def test_gaps_are_filled_by_each_training_set(indicators):
    table = classes()
    table["kind"] = ["oak" if at % 9 else "ash" for at in range(90)]
    table["x1"][4:30] = np.nan
    comparison = fw.compare(table, target="y", candidates="ridge", indicators=indicators, **QUICK)
    assert len(comparison.columns) == 5 + indicators
    moved = {**table, "x1": table["x1"].copy()}
    rows = comparison.folds.test_rows(1)
    moved["x1"][rows] += 1e3  # where it is missing it stays so
    alphas = {**QUICK, "alphas": [0.1]}
    found = [
        fw.compare(made, target="y", candidates="unpenalized", folds=comparison.folds, **alphas)
        for made in (table, moved)
    ]
    without = np.isnan(table["x1"][rows])
    before, after = (c.predictions("unpenalized")[0][rows][without] for c in found)
    np.testing.assert_allclose(after, before, rtol=1e-6)


def test_gaps_of_very_many_columns_are_refused_by_name_and_row():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 501))
    x[4, 1] = np.nan
    table = {**{f"x{j}": x[:, j] for j in range(501)}, "y": classes()["y"]}
    with pytest.raises(
        InputError, match=r"missing values in 'x1' \(the first at row 5\) can be filled for the binomial"
    ):
        fw.compare(table, target="y", **QUICK)


def test_the_page_on_classification_says_what_happens():
    page = Path(__file__).resolve().parents[1] / "docs" / "classification.md"
    found = doctest.testfile(str(page), module_relative=False)
    assert found.attempted > 8
    assert found.failed == 0
