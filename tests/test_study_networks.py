"""Networks in comparisons: strengths are chosen inside, nothing of the scored rows reaches them, refusals are named."""

import re
import sys

import jax
import numpy as np
import pytest

import foldwise as fw
from foldwise import nets
from foldwise.cli import main
from foldwise.errors import InputError
from foldwise.nets import Member, perceptron, train
from foldwise.report import text
from foldwise.study.candidates import network

jax.config.update("jax_disable_most_optimizations", True)  # noqa: FBT003 - tests compile much and run little
RNG = np.random.default_rng(0)
N = 60
X = RNG.normal(size=(N, 3))
Y = np.tanh(2 * X[:, 0]) + 0.3 * X[:, 1] + 0.2 * RNG.normal(size=N)
TABLE = {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": Y}
EPOCHS = 4


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(network, "_MOST", EPOCHS)
    monkeypatch.setattr(network, "_FEWEST", EPOCHS)
    monkeypatch.setattr(network, "LEARNING_RATE", 0.02)


def compared(table, names, **options):
    return fw.compare(table, target="y", candidates=names, folds=3, repeats=1, **options)


def test_a_naive_double_loop_chooses_and_predicts_the_same():
    found = compared(TABLE, ["network l2"])
    folds, strengths = found.folds, network.NETWORKS[0].strengths
    model = perceptron(3, network.HIDDEN, learning_rate=0.02)
    for i in range(3):
        inner = [j for j in range(3) if j != i]
        members = [
            Member(rows=folds.training_rows({i, j}), l2=value, seed=0, epochs=EPOCHS)
            for value in strengths
            for j in inner
        ]
        rows = [folds.test_rows(j) for _ in strengths for j in inner]
        final = [Member(rows=folds.training_rows({i}), l2=value, seed=0, epochs=EPOCHS) for value in strengths]
        trained = train(model, X, Y, [*members, *final], batch_size=20, slots=8)
        squares = [np.sum((trained.predict(X[test], [at])[0, :, 0] - Y[test]) ** 2) for at, test in enumerate(rows)]
        best = np.argmin(np.reshape(squares, (-1, 2)).sum(axis=1))
        test = folds.test_rows(i)
        said = trained.predict(X[test], [2 * len(strengths) + best])[0, :, 0]
        np.testing.assert_allclose(found.predictions("network l2")[0, test], said, atol=1e-4)
    assert found.results[0].optimism is not None


def test_targets_of_scored_rows_reach_no_network():
    names = ["network early stopping", "network dropout"]
    before = compared(TABLE, names)
    test = before.folds.test_rows(1)
    moved = {**TABLE, "y": Y + np.where(np.isin(np.arange(N), test), 1e6, 0.0)}
    after = compared(moved, names, target_scale=1.0)
    for name in names:
        np.testing.assert_array_equal(before.predictions(name)[0, test], after.predictions(name)[0, test])
        other = before.folds.test_rows(0)
        assert np.abs(before.predictions(name)[0, other] - after.predictions(name)[0, other]).max() > 1.0


def test_stopping_by_the_rows_that_score_is_shown_as_a_leak_and_is_the_only_difference(monkeypatch):
    """The leaky network is fitted to the same rows from the same start: only its last epoch is another one."""
    monkeypatch.setattr(network, "_MOST", 30)
    seen = []

    def recorded(*arguments, run=nets.train, **options):
        seen.append(run(*arguments, **options))
        return seen[-1]

    monkeypatch.setattr(nets, "train", recorded)
    stops = network.NetworkCandidate("network early stopping", "patience", (2,))
    found = compared(TABLE, [stops, "lasso"], leaks=True)
    honest, leaky = seen
    for fold in range(3):
        np.testing.assert_array_equal(honest[fold].fit_rows, leaky[fold].fit_rows)
        np.testing.assert_array_equal(leaky[fold].watch_rows, found.folds.test_rows(fold))
        both = min(honest[fold].last_epoch, leaky[fold].last_epoch)
        np.testing.assert_allclose(honest[fold].loss[:both], leaky[fold].loss[:both], rtol=1e-5)
    leak = next(each for each in found.leaks if each.candidate == "network early stopping")
    assert leak.stopped < leak.honest
    assert leak.flattery == {"stopped": leak.honest - leak.stopped}
    assert next(each for each in found.leaks if each.candidate == "lasso").stopped is None
    page = text(found, width=80, color=False)
    assert "stopped: training ended by the rows that score" in " ".join(page.split())
    assert re.search(rf"^network early stopping +{leak.honest:.3f} .* {leak.stopped:.3f}$", page, re.MULTILINE)


def test_gaps_and_levels_are_encoded_by_each_training_set():
    kind = np.array(["red", "green", "blue"])[np.arange(N) % 3]
    gaps = np.where(np.arange(N) % 7 == 0, np.nan, X[:, 0])
    table = {"a": gaps, "b": X[:, 1], "kind": kind, "y": Y}
    before = compared(table, ["network early stopping"])
    test = before.folds.test_rows(2)
    wild = np.where(np.isin(np.arange(N), test) & (np.arange(N) % 2 == 0), 1e6, gaps)  # moves medians and means
    after = compared({**table, "a": wild}, ["network early stopping"])
    same = test[~(test % 2 == 0)]
    first, second = (each.predictions("network early stopping")[0] for each in (before, after))
    np.testing.assert_array_equal(first[same], second[same])
    assert np.abs(first - second).max() > 1e-3


def test_classes_are_given_chances_and_rows_their_weights():
    table = {**TABLE, "y": np.where(np.median(Y) < Y, "yes", "no")}
    weights = np.where(np.arange(N) % 10 == 0, 0.0, 1.0)
    found = compared(table, ["network l1"], sample_weight=weights)
    chances = found.predictions("network l1")
    assert chances.shape == (1, N)
    assert ((chances > 0) & (chances < 1)).all()
    assert found.results[0].explained > 0


def test_what_networks_can_not_do_is_named():
    counts = {**TABLE, "y": np.arange(N) % 4}
    with pytest.raises(InputError, match="'network l2' needs the gaussian family or classes, not the poisson family"):
        compared(counts, ["network l2"], family="poisson")


def test_without_jax_the_error_says_what_to_install(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("foldwise.nets")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(fw, "nets", raising=False)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(InputError, match=r"candidate 'network l2': .* pip install 'foldwise\[nets\]'"):
        compared(TABLE, ["network l2"])
    monkeypatch.setattr(sys, "argv", ["foldwise", "demo", "--networks"])
    with pytest.raises(SystemExit):
        main()
    assert "pip install 'foldwise[nets]'" in capsys.readouterr().err
