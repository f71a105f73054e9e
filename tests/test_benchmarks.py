"""The benchmark's own measure of accuracy is right, its tasks are the standard ones, and it runs."""

import dataclasses
import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import ElasticNet, Lasso, Ridge

from benchmarks import clock, markdown, tasks
from benchmarks.contests import CONTESTS
from benchmarks.gap import relative_gaps


def problem(seed, n=60, p=8):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + 3.0
    return X, X @ rng.normal(size=p) + rng.normal(size=n) + 5.0


def objective(X, y, coef, intercept, alpha, l1_ratio):
    residual = y - intercept - X @ coef
    penalty = alpha * (l1_ratio * np.abs(coef).sum() + (1 - l1_ratio) / 2 * (coef**2).sum())
    return residual @ residual / (2 * len(y)) + penalty


def gap_of(X, y, coef, intercept, alpha, l1_ratio):
    return relative_gaps(X, y, coef[None], np.array([intercept]), np.array([alpha]), l1_ratio)[0]


def exact_fit(X, y, alpha, l1_ratio):
    if l1_ratio == 0:
        return Ridge(alpha=alpha * len(y)).fit(X, y)
    if l1_ratio == 1:
        return Lasso(alpha=alpha, tol=1e-14, max_iter=1_000_000).fit(X, y)
    return ElasticNet(alpha=alpha, l1_ratio=l1_ratio, tol=1e-14, max_iter=1_000_000).fit(X, y)


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.3, 0.9, 1.0]), st.floats(-2, 0))
def test_gap_of_a_minimum_is_zero_and_bounds_the_distance_elsewhere(seed, l1_ratio, log_alpha):
    X, y = problem(seed)
    alpha = np.abs(X.T @ (y - y.mean())).max() / len(y) * 10**log_alpha
    best = exact_fit(X, y, alpha, l1_ratio)
    assert abs(gap_of(X, y, best.coef_, best.intercept_, alpha, l1_ratio)) < 1e-9

    rng = np.random.default_rng(seed)
    coef, intercept = best.coef_ + rng.normal(size=len(best.coef_)) * 0.1, best.intercept_ + rng.normal() * 0.1
    least = objective(X, y, best.coef_, best.intercept_, alpha, l1_ratio)
    distance = objective(X, y, coef, intercept, alpha, l1_ratio) - least
    null = ((y - y.mean()) ** 2).sum() / (2 * len(y))
    assert gap_of(X, y, coef, intercept, alpha, l1_ratio) >= distance / null - 1e-9


@pytest.mark.parametrize("name", ["communities", "cal3", "protein3", "riboflavin", "mice_snp"])
def test_task_is_the_standard_one(shared, name):
    file = shared / "bench" / "cv_tasks.py"
    specification = importlib.util.spec_from_file_location("cv_tasks", file)
    standard = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(standard)
    expected, task = standard.build(name), tasks.build(name)
    np.testing.assert_array_equal(task.X, expected["X"])
    np.testing.assert_array_equal(task.y, expected["y"])
    np.testing.assert_array_equal(task.labels, expected["folds"])
    np.testing.assert_array_equal(task.alphas, expected["alphas"])


def test_both_sides_of_nested_find_the_same_errors():
    # scikit-learn stops at its default tolerance: at these penalties its errors are right to about three digits
    task = tasks.build("cars3")
    task = dataclasses.replace(task, alphas=task.alphas[:50])
    contest = CONTESTS["nested"]
    _, errors = contest.foldwise(task)
    np.testing.assert_allclose(errors, contest.sklearn(task), rtol=2e-3)


def test_missing_data_folder_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("FOLDWISE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="set FOLDWISE_DATA"):
        tasks.build("cal3")


def test_calls_alternate_and_ratios_pair_neighbours():
    calls = []
    times, first, second = clock.alternate(lambda: calls.append("a") or "A", lambda: calls.append("b") or "B", 3)
    assert calls == ["a", "b", "b", "a", "a", "b"]
    assert (first, second) == ("A", "B")
    assert clock.Paired((2.0, 9.0), (1.0, 3.0)).ratios == (2.0, 3.0)
    assert len(times.ratios) == 3


def test_a_budget_ends_the_runs_after_the_first_round():
    calls = []
    times, *_ = clock.alternate(lambda: calls.append("a"), lambda: calls.append("b"), 3, budget=0.0)
    assert calls == ["a", "b"]
    assert len(times.ratios) == 1


def test_memory_is_what_a_call_holds_at_once():
    assert clock.peak_extra_memory(lambda: np.ones(1_000_000)) == pytest.approx(8e6, rel=0.01)


def test_table_is_aligned_markdown():
    assert markdown.table(("task", "n"), [("cars3", "398"), ("x", "1,994")]).splitlines() == [
        "| task  |     n |",
        "| ----- | ----: |",
        "| cars3 |   398 |",
        "| x     | 1,994 |",
    ]
