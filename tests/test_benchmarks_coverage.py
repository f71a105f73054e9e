"""The coverage simulation knows its truth, runs, and its page says what its results say."""

import json

import numpy as np
import pytest

import foldwise as fw
from benchmarks import coverage, coverage_page
from benchmarks.coverage_draw import draw, mean_inner, out_of_fold_losses
from benchmarks.coverage_worlds import SLOPES, WORLDS
from foldwise.families import family_of


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
@pytest.mark.parametrize("intercept", [0.0, -0.7])
def test_the_truth_is_what_fresh_rows_show(world, intercept):
    rng = np.random.default_rng(0)
    coef = SLOPES * rng.uniform(0.3, 1.2, size=len(SLOPES))
    X, y = world.table(rng, 200_000)
    losses = family_of(world.family).deviance(X @ coef + intercept, y)
    error = losses.std() / np.sqrt(len(y))
    assert world.error(coef, intercept) == pytest.approx(losses.mean(), abs=4.0 * error)


@pytest.mark.parametrize("world", [WORLDS[0], WORLDS[2]], ids=lambda world: world.name)
def test_losses_of_rows_average_to_the_paths_errors(world):
    rng = np.random.default_rng(1)
    folds = fw.Folds.kfold(40, 4, repeats=2, seed=0)
    X, y = world.table(rng, 40)
    paths = fw.fit_paths(X, y, family=world.family, folds=folds, nested=True, alphas=[0.5, 0.1])
    losses = out_of_fold_losses(paths, X, y, folds)
    for i in range(8):
        found = losses[i // 4, folds.test_rows(i)].mean(axis=0)
        np.testing.assert_allclose(found, paths.cv_error[i], rtol=1e-7)
    # equal folds: the mean of an outer fold's inner errors is the plain mean over its other folds
    np.testing.assert_allclose(mean_inner(paths), np.nanmean(paths.inner_error, axis=1))


def test_every_interval_has_its_error_nearby():
    folds = fw.Folds.kfold(60, 5, repeats=2, seed=0)
    judged, null = draw(WORLDS[0], 60, folds, np.random.default_rng(2))
    assert set(judged["tuned"].intervals) == {"naive", "corrected t", "nested", "BBC-CV"}
    for one in judged.values():
        for low, high in one.intervals.values():
            assert 0.2 * one.error < low < high < 5.0 * one.error
    assert 0.5 <= null.surest <= 1.0
    assert 0.0 <= null.flip <= 0.5


def test_quick_run_prints_tables_and_the_page_is_made_of_its_results(tmp_path, capsys):
    file = tmp_path / "coverage.json"
    coverage.main(["--quick", "--tables", "2", "--results", str(file)])
    assert "### Heavy-tailed, least squares" in capsys.readouterr().out
    coverage_page.main(["--results", str(file), "--docs", str(tmp_path)])
    page = (tmp_path / "coverage.md").read_text(encoding="utf-8")
    assert "# What the intervals cover" in page
    assert (tmp_path / "images" / "coverage.png").stat().st_size > 10_000
    found = json.loads(file.read_text(encoding="utf-8"))
    assert {cell["n"] for cell in found["cells"]} == {50, 100}


def test_shares_are_counted_and_carry_their_standard_error():
    share, error = coverage._share(np.array([True] * 3 + [False]))
    assert (share, error) == (0.75, pytest.approx(np.sqrt(0.75 * 0.25 / 4), rel=1e-3))
    assert coverage._share(np.ones(100, dtype=bool)) == [1.0, pytest.approx(np.sqrt(0.01 * 0.99 / 100), rel=1e-3)]


def committed():
    return json.loads(coverage.RESULTS.read_text(encoding="utf-8"))


def test_the_committed_page_is_that_of_the_committed_results():
    page = (coverage_page.DOCS / "coverage.md").read_text(encoding="utf-8")
    assert page == coverage_page.page(committed())


def test_the_interval_that_comparisons_quote_keeps_its_promise_where_the_page_says_so():
    """Normal noise at every size, and every world from 200 rows on: 93 to 97 %, give or take two standard errors."""
    for cell in committed()["cells"]:
        share, error = cell["intervals"]["nested"]["model"]
        if cell["world"] == "gaussian" or cell["n"] >= 200:
            assert 0.93 - 2.0 * error <= share <= 0.97 + 2.0 * error, (cell["world"], cell["procedure"], cell["n"])
        else:
            assert share > 0.88, (cell["world"], cell["procedure"], cell["n"])


def test_the_corrected_test_keeps_its_size():
    for cell in committed()["nulls"]:
        assert cell["corrected"][0] <= 0.06, (cell["world"], cell["n"])
        assert cell["naive"][0] > 0.1
