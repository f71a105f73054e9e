"""Repeats until the answer is settled: precision decides, not who is ahead; the budget is kept; the report says why."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import foldwise as fw
from foldwise.cli.seconds import seconds_of
from foldwise.errors import InputError
from foldwise.inference import corrected_resampled_t, smallest_detectable_difference
from foldwise.report import text
from foldwise.study import Candidate, Piece
from foldwise.study.stopping import FEWEST, SETTLED, Stopping, _ratio, precision

QUICK = {"folds": 3, "alphas": 6, "candidates": ["ridge", "lasso"]}


def make_table(n=60, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    return {f"x{j}": x[:, j] for j in range(3)} | {"y": x[:, 0] + 0.5 * rng.normal(size=n)}


def test_repeats_end_where_the_differences_are_settled():
    found = fw.compare(make_table(), target="y", budget=1e6, **QUICK)
    assert found.stopped.reason == "settled"
    assert FEWEST <= found.folds.n_repeats < 50
    assert found.stopped.precision <= SETTLED
    assert found.folds.labels.shape[0] == found.result("lasso").predictions.shape[0]
    same = fw.compare(make_table(), target="y", repeats=found.folds.n_repeats, **QUICK)
    assert [r.error for r in same.results] == [r.error for r in found.results]
    assert same.stopped is None
    assert same.to_dict()["stopped"] is None
    page = " ".join(text(found, color=False).split())
    assert "Repeats were added until the differences were settled (of a budget of 1e+06 s): other folds would" in page


def test_the_budget_ends_the_repeats_and_counts_what_kept_pieces_took(tmp_path, monkeypatch):
    from foldwise.study import making

    clock = SimpleNamespace(now=0.0)

    def tick():
        clock.now += 1.0
        return clock.now

    monkeypatch.setattr(making, "perf_counter", tick)  # each piece takes a second
    monkeypatch.setattr("foldwise.study.stopping.SETTLED", 0.0)
    found = fw.compare(make_table(), target="y", budget=9.5, keep=tmp_path, **QUICK)
    assert found.folds.n_repeats == 4  # two candidates: a fifth repeat would end after 10 seconds
    assert found.stopped.reason == "budget"
    assert "until the budget of 9.5 s was spent" in text(found, color=False)
    again = fw.compare(make_table(), target="y", budget=9.5, keep=tmp_path, **QUICK)
    assert again.to_dict() == found.to_dict()
    one = fw.compare(make_table(), target="y", budget=1e-9, **QUICK)
    assert (one.folds.n_repeats, one.stopped.reason, one.stopped.precision) == (1, "budget", None)
    most = fw.compare(make_table(), target="y", budget=1e6, repeats=2, **QUICK)
    assert (most.folds.n_repeats, most.stopped.reason) == (2, "most repeats")


class Fixed(Candidate):
    """Predictions that are given."""

    tunes, drops_features = False, False

    def __init__(self, name, predictions):
        self.name, self.predictions = name, predictions

    def run(self, task):
        task.steps.done()
        return Piece(self.predictions[task.repeat])


def tasks_and_pieces(predictions, repeats=6, n=60):
    """What the stopping rule sees of candidates with given predictions (C, R, n)."""
    kept = {}

    class Spy(Stopping):
        def after(self, tasks, pieces, *, of):
            kept["seen"] = list(tasks), [list(mine) for mine in pieces]
            return super().after(tasks, pieces, of=of)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(import_module("foldwise.study.compare"), "Stopping", Spy)
        patched.setattr("foldwise.study.stopping.SETTLED", -1.0)
        candidates = [Fixed(f"c{i}", each) for i, each in enumerate(predictions)]
        found = fw.compare(make_table(n), target="y", candidates=candidates, folds=3, repeats=repeats, budget=1e6)
    return found, *kept["seen"]


def test_the_precision_is_dealings_standard_error_over_the_smallest_detectable_difference():
    rng = np.random.default_rng(1)
    y = np.array(make_table()["y"])
    predictions = y + rng.normal(size=(2, 6, 60))
    found, tasks, pieces = tasks_and_pieces(predictions)
    gained, base = [], []
    for r, task in enumerate(tasks):
        for k in range(3):
            rows, training = task.folds.test_rows(k), task.folds.training_rows({k})
            errors = ((predictions[:, r, rows] - y[rows]) ** 2).mean(axis=1)
            gained.append(errors[0] - errors[1])
            base.append(np.mean((y[rows] - y[training].mean()) ** 2) - errors)
    best = found.best.name
    ratios = []
    for each in (np.array(gained), np.array(base)[:, int(best[1])]):
        test = corrected_resampled_t(each, test_per_train=0.5)
        detectable = smallest_detectable_difference(test.standard_error, test.df, alpha=0.05, power=0.8)
        ratios.append(each.reshape(6, 3).mean(axis=1).std(ddof=1) / np.sqrt(6) / detectable)
    assert precision(tasks, pieces) == pytest.approx(max(ratios), rel=1e-9)


@settings(deadline=None)
@given(st.floats(-50.0, 50.0), st.integers(2, 8), st.integers(2, 6), st.integers(0, 100))
def test_who_is_ahead_plays_no_part(shift, repeats, folds, seed):
    """A difference of nothing and a large one with the same spread are settled alike."""
    rng = np.random.default_rng(seed)
    gained, weight, per_train = rng.normal(size=(3, repeats, folds))
    weight, per_train = np.abs(weight) + 0.5, np.abs(per_train) + 0.1
    plain = _ratio(gained, weight, per_train, 0.0, 3)
    assert _ratio(gained + shift, weight, per_train, 0.0, 3) == pytest.approx(plain, rel=1e-6)
    assert _ratio(-gained, weight, per_train, 0.0, 3) == pytest.approx(plain, rel=1e-9)
    assert _ratio(7.0 * gained, weight, per_train, 0.0, 3) == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan"), "60s", True])
def test_budgets_that_are_none_are_refused(budget):
    with pytest.raises(InputError, match="budget must be a number of seconds > 0, got"):
        fw.compare(make_table(), target="y", budget=budget, **QUICK)


@pytest.mark.parametrize("typed", ["", "soon", "0", "-5s", "1d", "1e3"])
def test_times_that_are_none_are_refused(typed):
    with pytest.raises(InputError, match=r"--budget must be a time such as 60s, 5m or 1h, got"):
        seconds_of(typed)
