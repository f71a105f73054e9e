"""Paths that end early, by time, by Ctrl-C or with enough explained: what is finished is a path like any other."""

import _thread
import signal
import threading
import time
import warnings

import numpy as np
import pytest
from scipy import sparse

import foldwise as fw
from foldwise.errors import InputError, PathCutShort
from foldwise.paths import control, prepare, rounds, stability_selection

# Every way a path is walked: from moments, with a group penalty and a nonconvex one, wide, sparse.
WAYS = {
    "moments": (120, 30, {}),
    "group": (120, 30, {"penalty": "group", "groups": np.arange(30) // 3}),
    "mcp": (120, 30, {"penalty": "mcp"}),
    "wide": (40, 600, {"eps": 0.01}),
    "sparse": (60, 700, {"eps": 0.01}),
}


def table(way):
    n, p, _ = WAYS[way]
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, p))
    if way == "sparse":
        X[rng.random(X.shape) < 0.5] = 0.0
    return X, X[:, :6] @ [3.0, -2.0, 1.0, 1.0, -1.0, 0.5] + rng.normal(size=n)


def task(way, repeats=1):
    X, y = table(way)
    folds = fw.Folds.kfold(len(y), n_folds=3, repeats=repeats)
    return prepare(sparse.csr_array(X) if way == "sparse" else X, y, folds=folds), {
        "alphas": 40,
        "nested": True,
        **WAYS[way][2],
    }


class Clock:
    """Moves on by a second whenever somebody looks."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


@pytest.fixture
def slow_clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(control, "monotonic", clock)
    monkeypatch.setattr(rounds, "ROUND", 0.0)
    return clock


def assert_same_beginning(part, whole):
    """Every held-out set of the part has the whole path's solutions, up to where the part ends."""
    points = len(part.alphas)
    assert 1 <= points < len(whole.alphas)
    assert np.array_equal(part.alphas, whole.alphas[:points])
    assert part.held_out == whole.held_out
    np.testing.assert_allclose(part.coef, whole.coef[:, :points], atol=1e-12)
    np.testing.assert_allclose(part.intercept, whole.intercept[:, :points], atol=1e-12)
    np.testing.assert_allclose(part.cv_error, whole.cv_error[:, :points], rtol=1e-12)
    np.testing.assert_allclose(part.inner_error, whole.inner_error[:, :, :points], rtol=1e-12)
    for name in ("gap", "n_iter", "status"):
        assert getattr(part, name).shape == (len(part.held_out), points)
    assert 0 <= part.choose() < points


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("repeats", [1, 2])
def test_a_time_limit_leaves_the_strengths_finished_so_far(way, repeats, slow_clock):  # noqa: ARG001 - it is looked at
    source, asked = task(way, repeats)
    whole = fw.fit_paths(source, **asked)
    with pytest.warns(PathCutShort, match=r"of 40 strengths are finished, the strongest ones; time_limit=30 seconds"):
        part = fw.fit_paths(source, time_limit=30, **asked)
    assert_same_beginning(part, whole)
    assert (whole.ended, part.ended) == ("whole", "time limit")


@pytest.mark.parametrize("way", WAYS)
def test_at_least_one_strength_is_finished(way):
    source, asked = task(way)
    with pytest.warns(PathCutShort, match="1 of 40 strengths"):
        part = fw.fit_paths(source, time_limit=1e-9, **asked)
    assert len(part.alphas) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_time_limit_that_is_kept_changes_nothing(way):
    source, asked = task(way)
    whole, kept = fw.fit_paths(source, **asked), fw.fit_paths(source, time_limit=np.float32(1e6), **asked)
    np.testing.assert_array_equal(whole.coef, kept.coef)
    assert kept.ended == "whole"


@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_leaves_the_strengths_finished_so_far(way, monkeypatch):
    """A real signal, sent while strengths are worked on."""
    monkeypatch.setattr(control, "WORTH_KEEPING", 0.0)
    monkeypatch.setattr(rounds, "GROWTH", 2)
    source, asked = task(way)
    whole = fw.fit_paths(source, **asked)

    def press(done, strengths):
        if 1 <= done < strengths:
            signal.raise_signal(signal.SIGINT)

    with pytest.warns(PathCutShort, match="of 40 strengths are finished, the strongest ones; it was interrupted"):
        part = fw.fit_paths(source, progress=press, **asked)
    assert_same_beginning(part, whole)
    assert part.ended == "interrupted"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_from_outside(monkeypatch):
    """Another thread interrupts a fit that would take minutes."""
    monkeypatch.setattr(control, "WORTH_KEEPING", 0.0)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 200)) @ rng.normal(size=(200, 200))
    moments = fw.FoldMoments.scan(X, X @ rng.normal(size=200), fw.Folds.kfold(300, n_folds=5))
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.warns(PathCutShort, match="of 100000 strengths"):
        part = fw.fit_paths(moments, alphas=100_000)
    timer.join()
    assert 1 <= len(part.alphas) < 100_000
    assert part.cv_error.shape == (5, len(part.alphas))
    assert np.isfinite(part.cv_error).all()


@pytest.mark.parametrize("way", ["moments", "wide"])
def test_ctrl_c_before_anything_is_finished_goes_through(way):
    source, asked = task(way)

    def press(done, strengths):  # noqa: ARG001
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fw.fit_paths(source, progress=press, **asked)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_and_one_in_a_short_fit_go_through(monkeypatch):
    source, asked = task("moments")

    def press(done, strengths):  # noqa: ARG001
        if done:
            signal.raise_signal(signal.SIGINT)

    def press_twice(done, strengths):
        press(done, strengths)
        press(done, strengths)

    for pressed, worth in ((press, 1e6), (press_twice, 0.0)):
        monkeypatch.setattr(control, "WORTH_KEEPING", worth)
        with pytest.raises(KeyboardInterrupt):
            fw.fit_paths(source, progress=pressed, **asked)


def test_a_ctrl_c_that_comes_last_is_not_lost(monkeypatch):
    monkeypatch.setattr(control, "WORTH_KEEPING", 0.0)
    source, asked = task("moments")

    def press(done, strengths):
        if done == strengths:
            signal.raise_signal(signal.SIGINT)

    with pytest.warns(PathCutShort, match="40 of 40"):
        assert fw.fit_paths(source, progress=press, **asked).ended == "interrupted"


@pytest.mark.parametrize("pressed", [40, 50, 80, 90])
def test_an_interrupted_repeat_of_a_wide_table_is_left_out(pressed, monkeypatch):
    monkeypatch.setattr(control, "WORTH_KEEPING", 0.0)
    source, asked = task("wide", repeats=3)
    whole = fw.fit_paths(source, **asked)

    def press(done, strengths):
        assert strengths == 3 * 40
        if done == pressed:
            signal.raise_signal(signal.SIGINT)

    with pytest.warns(
        PathCutShort, match=rf"40 of 40 strengths .*, of {pressed // 40} of 3 repeats; it was interrupted"
    ):
        part = fw.fit_paths(source, progress=press, **asked)
    assert part.n_repeats == pressed // 40
    np.testing.assert_array_equal(part.cv_error, whole.cv_error[: 3 * part.n_repeats])
    assert len(part.one_standard_error().which) > 0


@pytest.mark.parametrize("way", ["moments", "group", "mcp"])
def test_rounds_of_any_length_give_the_same_numbers(way, monkeypatch):
    source, asked = task(way)
    whole = fw.fit_paths(source, **asked)
    monkeypatch.setattr(rounds, "ROUND", 0.0)
    monkeypatch.setattr(rounds, "HELD_BYTES", 0)
    monkeypatch.setattr(rounds, "REMAKING", np.inf)
    steps = []
    single = fw.fit_paths(source, progress=lambda done, _: steps.append(done), **asked)
    assert steps == list(range(41))
    np.testing.assert_array_equal(single.coef, whole.coef)
    np.testing.assert_allclose(single.gap, whole.gap, atol=1e-14)


def test_callers_of_another_thread_need_no_signals():
    source, asked = task("moments")
    found = []
    worker = threading.Thread(target=lambda: found.append(fw.fit_paths(source, **asked)))
    worker.start()
    worker.join()
    np.testing.assert_array_equal(found[0].coef, fw.fit_paths(source, **asked).coef)


def where_glmnet_ends(X, y, whole):
    """Number of the last strength, by the final model's errors on the rows themselves."""
    explained = 1.0 - ((y[:, None] - whole.predict(X)) ** 2).sum(axis=0) / ((y - y.mean()) ** 2).sum()
    enough = (explained[1:] > 0.999) | (np.diff(explained) < 1e-5 * explained[1:])
    return next((at for at in np.flatnonzero(enough) + 1 if at >= 4), len(explained) - 1)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_the_explained_deviance_ends_a_path_where_glmnet_ends_it(l1_ratio):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(100, 8))
    for noise, n_strengths in ((1.0, 100), (1e-3, 100)):
        y = X @ rng.normal(size=8) + noise * rng.normal(size=100)
        asked = {"alphas": n_strengths, "eps": 1e-4, "l1_ratio": l1_ratio, "folds": fw.Folds.kfold(100)}
        whole = fw.fit_paths(X, y, **asked)
        part = fw.fit_paths(X, y, stop_when_explained=True, **asked)
        last = where_glmnet_ends(X, y, whole)
        assert len(part.alphas) == last + 1 < n_strengths
        assert part.ended == "explained"
        np.testing.assert_array_equal(part.coef, whole.coef[:, : last + 1])


@pytest.mark.parametrize(
    ("way", "more"),
    [
        ("wide", {}),
        ("sparse", {}),
        ("group", {}),
        ("moments", {"l1_ratio": 0.0}),
        ("wide", {"l1_ratio": 0.0, "eps": 1e-3}),
    ],
)
def test_the_explained_deviance_ends_other_paths_too(way, more):
    source, asked = task(way)
    asked |= more
    whole = fw.fit_paths(source, **asked)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        part = fw.fit_paths(source, **(asked | {"alphas": whole.alphas}), stop_when_explained=True)
    if part.ended == "explained":
        assert_same_beginning(part, whole)
    X, y = table(way)
    assert len(part.alphas) == where_glmnet_ends(X, y, whole) + 1


def test_progress_is_told_and_shown(monkeypatch, capsys):
    from foldwise.paths import progress

    source, asked = task("wide")
    told = []
    fw.fit_paths(source, progress=lambda done, strengths: told.append((done, strengths)), **asked)
    assert told[0] == (0, 40)
    assert told[-1][0] >= 39
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    fw.fit_paths(source, progress=True, **asked)
    assert capsys.readouterr().err == ""  # short
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes this for a terminal
    fw.fit_paths(source, progress=True, **asked)
    shown = capsys.readouterr().err
    assert "strengths" in shown
    assert "left" in shown


@pytest.mark.parametrize("value", [0, -1.0, "soon", True, float("nan")])
def test_a_bad_time_limit_is_named(value):
    source, asked = task("moments")
    with pytest.raises(InputError, match="time_limit must be a number of seconds > 0"):
        fw.fit_paths(source, time_limit=value, **asked)


def test_the_time_limit_is_real_seconds():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 200)) @ rng.normal(size=(200, 200))
    began = time.monotonic()
    with pytest.warns(PathCutShort):
        fw.fit_paths(X, X @ rng.normal(size=200), alphas=100_000, folds=fw.Folds.kfold(300), time_limit=0.3)
    assert time.monotonic() - began < 60  # without the limit it takes many minutes


@pytest.mark.parametrize(
    "fit",
    [
        lambda X, y: fw.compare({"x": X[:, 0], "z": X[:, 1], "y": y}, target="y", candidates="lasso", repeats=1),
        lambda X, y: fw.Lasso(alpha=0.1).fit(X, y),
        lambda X, y: fw.RidgeCV(cv=3, bounds=(0.0, 1.0)).fit(X, y),
        stability_selection,
    ],
    ids=["compare", "lasso", "ridge", "stability"],
)
def test_what_needs_whole_paths_lets_ctrl_c_through(fit, monkeypatch):
    monkeypatch.setattr(control, "WORTH_KEEPING", 0.0)
    ask = control.Control.cut

    def press(self, done):
        if done:
            signal.raise_signal(signal.SIGINT)
        return ask(self, done)

    monkeypatch.setattr(control.Control, "cut", press)
    monkeypatch.setattr(rounds, "QUICK", 0)
    X, y = table("moments")
    warnings.simplefilter("ignore", PathCutShort)
    with pytest.raises(KeyboardInterrupt):
        fit(X, y)


@pytest.mark.parametrize("way", ["moments", "wide"])
def test_ctrl_c_goes_through_a_closed_form(way, monkeypatch):
    """Ridge finds all strengths at once: nothing is finished until everything is."""
    from foldwise.paths.lockstep import ridge

    room, name = (rounds.SetAtWork, "_solve") if way == "moments" else (ridge, "_solve")
    work = getattr(room, name)

    def press(*given, **named):
        signal.raise_signal(signal.SIGINT)
        return work(*given, **named)

    monkeypatch.setattr(room, name, press)
    source, asked = task(way)
    with pytest.raises(KeyboardInterrupt):
        fw.fit_paths(source, **(asked | {"l1_ratio": 0.0}))
