"""What comparisons say of how sure they are: intervals by nested errors, odds of a flip, practical equivalence."""

import json

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import foldwise as fw
from foldwise.errors import InputError
from foldwise.inference import bayesian_correlated_t, corrected_resampled_t, nested_interval, rank_flip
from foldwise.report import text, to_json
from foldwise.verify import verify


def made(n=60, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    y = 5.0 + x[:, 0] - 0.5 * x[:, 1] + rng.normal(size=n)
    return {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "d": x[:, 3], "y": y}


QUICK = {"candidates": ["ols", "lasso"], "folds": 4, "repeats": 2, "alphas": 12}


def losses_and_inner_errors(X, y, folds):
    """Squared errors (R, n), and inner means (R*K, K), of least squares refitted for every fold and pair of folds."""
    losses, k = np.empty((folds.n_repeats, len(y))), folds.n_folds
    inner = np.full((folds.n_repeats * k, k), np.nan)

    def squares(held_out, rows):
        training = folds.training_rows(held_out)
        b = np.linalg.lstsq(np.column_stack([np.ones(len(training)), X[training]]), y[training], rcond=None)[0]
        return (y[rows] - b[0] - X[rows] @ b[1:]) ** 2

    for i in range(folds.n_repeats * k):
        losses[i // k, folds.test_rows(i)] = squares({i}, folds.test_rows(i))
        for j in range(k):
            other = i - i % k + j
            if other != i:
                inner[i, j] = squares({i, other}, folds.test_rows(other)).mean()
    return losses, inner


def test_the_interval_of_least_squares_is_that_of_a_double_loop():
    table = made()
    found = fw.compare(table, target="y", **QUICK)
    X = np.column_stack([table[name] for name in "abcd"])
    losses, inner = losses_and_inner_errors(X, table["y"], found.folds)
    expected = nested_interval(losses, found.folds.labels, inner)
    result = found.result("least squares")
    assert result.interval == pytest.approx(np.sqrt(expected.interval), rel=1e-8)
    assert result.interval_by == "nested cross-validation"


def test_the_interval_of_a_tuned_candidate_is_that_of_its_choices():
    """Inner errors at what each outer fold chose; the cost of a fold less at the final strength."""
    table = made(n=80, seed=1)
    found = fw.compare(table, target="y", **QUICK)
    result, folds = found.result("lasso"), found.folds
    X, y = np.column_stack([table[name] for name in "abcd"]), table["y"]
    paths = fw.fit_paths(X, y, alphas=result.curve_alpha, folds=folds, nested=True, standardize=True)
    at = [int(np.argmin(np.abs(paths.alphas - alpha))) for alpha in result.chosen_alpha]
    final = int(np.argmin(np.abs(paths.alphas - result.alpha)))
    inner = np.stack([paths.inner_error[i, :, a] for i, a in enumerate(at)])
    cost = np.nanmean(paths.inner_error[:, :, final]) / paths.cv_error[:, final].mean()
    expected = nested_interval((y - result.predictions) ** 2, folds.labels, inner, size_cost=cost)
    assert result.interval == pytest.approx(np.sqrt(expected.interval), rel=1e-6)


def test_classes_have_nested_intervals_of_their_deviance():
    table = made(n=90, seed=2)
    table["y"] = np.where(table["y"] > 5.0, "yes", "no")
    found = fw.compare(table, target="y", candidates=["ridge"], folds=3, repeats=1, alphas=5)
    assert found.best.interval_by == "nested cross-validation"
    assert found.best.interval[0] < found.best.error < found.best.interval[1]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"candidates": {"mine": Ridge(), "lasso": "lasso"}}, {"mine"}),
        ({"groups": "group"}, {"least squares", "lasso"}),
        ({"candidates": ["ols"], "folds": 2}, {"least squares"}),
        ({"candidates": ["ols"], "folds": 60, "repeats": 1}, {"least squares"}),
    ],
)
def test_where_rows_cannot_tell_folds_do(settings, names):
    table = made() | {"group": np.arange(60) // 3}
    drop = () if "groups" in settings else ("group",)
    found = fw.compare(table, target="y", **{**QUICK, "drop": drop, **settings})
    by = {result.name: result.interval_by for result in found.results}
    assert {name for name, method in by.items() if method == "corrected resampled t"} == names
    one = found.result(min(names))
    weight = [len(found.folds.test_rows(i)) for i in range(len(one.fold_error))]
    ratio = np.array(weight) / (60 - np.array(weight))
    expected = corrected_resampled_t(one.fold_error, test_per_train=ratio, weights=weight).interval
    assert one.interval == pytest.approx(np.sqrt(np.maximum(expected, 0.0)))


def test_rows_of_weight_zero_have_no_say():
    table = made()
    weight = np.where(np.arange(60) < 6, 0.0, 1.0)
    found = fw.compare(table, target="y", sample_weight=weight, **QUICK)
    spoilt = table | {"y": np.where(weight > 0.0, table["y"], 1e3)}
    again = fw.compare(spoilt, target="y", sample_weight=weight, target_scale=found.settings.target_scale, **QUICK)
    assert again.result("least squares").interval == pytest.approx(found.result("least squares").interval, rel=1e-6)


def test_differences_carry_beliefs_and_odds_in_the_targets_unit():
    found = fw.compare(made(), target="y", rope=0.02, **QUICK)
    (difference,) = found.differences
    first, second = found.results
    values = (second.fold_mse - first.fold_mse) / (first.rmse + second.rmse)
    belief = bayesian_correlated_t(values, rope=0.02, test_per_train=1 / 3)
    assert (difference.first_better, difference.equivalent, difference.second_better) == pytest.approx(
        (belief.above, belief.within, belief.below)
    )
    odds = rank_flip(values, test_per_train=1 / 3, repeats=2)
    assert (difference.flip, difference.flip_folds) == pytest.approx((odds.new_table, odds.new_folds))
    assert difference.first_better >= difference.second_better
    page = " ".join(text(found, color=False).split())
    assert f"another such table puts {second.name} before {first.name}: " in page
    assert "these two differ by at most 0.0200: " in page
    assert "95 % interval: of the fitted model's error, by nested cross-validation." in page
    assert json.loads(to_json(found))["settings"]["rope"] == 0.02


def test_without_a_region_nothing_is_said_of_it():
    page = text(fw.compare(made(), target="y", **QUICK), color=False)
    assert "these two differ" not in page
    alone = fw.compare(made(), target="y", **{**QUICK, "candidates": ["ols"]})
    assert "another such table" not in text(alone, color=False)


@pytest.mark.parametrize("is_class", [False, True])
def test_independent_code_finds_the_same_and_notices_another(is_class):
    table = made()
    if is_class:
        table["y"] = np.where(table["y"] > 5.0, "yes", "no")
    found = fw.compare(table, target="y", rope=0.03, **(QUICK | {"candidates": ["ols", "ridge"]}))
    report = json.loads(to_json(found))
    assert verify(report, table).differ == []
    report["candidates"][0]["interval"][1] *= 1.001
    report["differences"][0]["equivalent"] += 0.001
    report["differences"][0]["flip_folds"] += 0.001
    noticed = {check.where.rpartition(".")[2] for check in verify(report, table).differ}
    assert noticed == {"equivalent", "flip_folds", "interval[1]"}


@pytest.mark.parametrize("rope", [-0.1, float("nan"), float("inf")])
def test_a_region_that_is_none_is_refused(rope):
    with pytest.raises(InputError, match="rope must be >= 0 and finite, in the unit of the errors, got"):
        fw.compare(made(), target="y", rope=rope, **QUICK)
