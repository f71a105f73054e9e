"""Leaks: on pure noise the honest error is that of the mean, and leaks look like discoveries."""

import numpy as np
import pytest

import foldwise as fw
from foldwise.errors import DataWarning


@pytest.fixture(scope="module")
def noise():
    """60 rows, 600 columns that have nothing to do with the target."""
    rng = np.random.default_rng(3)
    table = {f"x{j}": rng.normal(size=60) for j in range(600)} | {"y": rng.normal(size=60)}
    with pytest.warns(DataWarning, match="600 columns on 60 rows"):
        return fw.compare(table, target="y", candidates=["ridge", "lasso"], repeats=2, leaks=True)


def test_selecting_columns_on_all_rows_looks_like_a_discovery(noise):
    for each in noise.leaks:
        assert each.selected < 0.9 * noise.baseline_error
        assert each.honest > 0.95 * noise.baseline_error


def test_scaling_on_all_rows_is_a_small_sin(noise):
    for each in noise.leaks:
        assert each.prepared == pytest.approx(each.honest, rel=0.05)
        assert each.prepared != each.honest


def test_the_best_score_flatters(noise):
    for each in noise.leaks:
        assert each.tuned < each.honest


def test_nothing_of_it_enters_the_verdict():
    cars = fw.datasets.auto_mpg()
    leaky, honest = (
        fw.compare(cars, target="mpg", candidates=["lasso"], repeats=1, leaks=each) for each in (True, False)
    )
    assert leaky.verdict == honest.verdict
    assert {**leaky.to_dict(), "leaks": None} == honest.to_dict()


def test_preparing_first_is_what_it_says():
    """Against scikit-learn: fill and scale all rows, then cross-validate."""
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import PredefinedSplit, cross_val_predict

    rng = np.random.default_rng(4)
    X = rng.normal(size=(50, 3))
    y = X @ [1.0, -1.0, 0.5] + rng.normal(size=50)
    X[rng.uniform(size=(50, 3)) < 0.3] = np.nan
    folds = fw.Folds.kfold(50, 5, seed=1)
    table = {f"x{j}": X[:, j] for j in range(3)} | {"y": y}
    found = fw.compare(table, target="y", candidates=["least squares"], folds=folds, leaks=True).leaks[0]
    filled = np.where(np.isnan(X), np.nanmedian(X, axis=0), X)
    predicted = cross_val_predict(LinearRegression(), filled, y, cv=PredefinedSplit(folds.labels[0]))
    assert found.prepared == pytest.approx(np.sqrt(np.mean((predicted - y) ** 2)), rel=1e-9)
    assert found.prepared != pytest.approx(found.honest, rel=1e-6)
    assert found.tuned is None


def test_classes_too():
    rng = np.random.default_rng(6)
    table = {f"x{j}": rng.normal(size=60) for j in range(59)} | {"y": np.tile(["yes", "no"], 30)}
    found = fw.compare(table, target="y", candidates=["lasso"], repeats=1, leaks=True)
    assert found.leaks[0].selected < 0.98 * found.leaks[0].honest
