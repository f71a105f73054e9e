"""Configurations are compared on the same rows and seeds, with intervals for overlapping training rows."""

import jax
import numpy as np
import pytest

import foldwise as fw
from foldwise.errors import InputError
from foldwise.nets import benchmark
from foldwise.nets.variance import split_variance

jax.config.update("jax_disable_most_optimizations", True)  # noqa: FBT003 - tests compile much and run little
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X[:, 0] + 0.3 * RNG.normal(size=60)


@pytest.fixture(scope="module")
def found():
    own = {"epochs": 20, "learning_rate": 0.02}
    nets = {
        "plain": fw.NetRegressor((4,), **own),
        "twin": fw.NetRegressor((4,), **own),
        "strong": fw.NetRegressor((4,), **own, l2=3.0),
        "wild": fw.NetRegressor((4,), epochs=2, learning_rate=1e30),
    }
    return benchmark(nets, X, Y, splits=6)


def test_equal_configurations_are_equal(found):
    np.testing.assert_array_equal(found.entries["plain"].errors, found.entries["twin"].errors)
    same = found.difference("plain", "twin")
    assert (same.mean, same.p) == (0.0, 1.0)


def test_errors_are_those_of_single_networks_on_the_same_rows(found):
    order = np.random.default_rng([0, 4]).permutation(60)
    test, training = order[:15], order[15:]
    net = fw.NetRegressor((4,), epochs=20, learning_rate=0.02, random_state=4).fit(X[training], Y[training])
    # the same rows by other numbers come in another order, so that the weights are not the same but alike
    alone = np.mean((net.predict(X[test]) - Y[test]) ** 2)
    assert found.entries["plain"].errors[4] == pytest.approx(alone, rel=0.5)


def test_a_worse_configuration_is_found_worse_with_a_corrected_interval(found):
    worse = found.difference("strong", "plain")
    assert worse.interval[0] > 0
    assert worse.df == 5
    assert found.test_per_train == 15 / 45


def test_diverged_members_are_counted_and_shown(found):
    wild = found.entries["wild"]
    assert (wild.diverged, wild.mean) == (6, None)
    with pytest.raises(InputError, match="some diverged"):
        found.difference("wild", "plain")
    lines = str(found).splitlines()
    assert len(lines) == 5
    assert lines[-1].split()[0] == "wild"
    assert lines[-1].split()[-1] == "6"


def test_variance_comes_from_where_it_was_put():
    rng = np.random.default_rng(0)
    D, W, B = 400, 5, 4
    parts = 3 * rng.normal(size=(D, 1, 1)), 2 * rng.normal(size=(D, W, 1)), rng.normal(size=(D, 1, B))
    found = split_variance(sum(parts) + 0.5 * rng.normal(size=(D, W, B)))
    np.testing.assert_allclose([found.data, found.weights, found.order, found.rest], [9, 4, 1, 0.25], rtol=0.15)
    turned = split_variance(np.swapaxes(sum(parts), 1, 2))
    assert turned.order > turned.weights
    with pytest.raises(InputError, match=r"each >= 2, got \(2, 1, 2\)"):
        split_variance(np.zeros((2, 1, 2)))


def test_all_rows_in_one_batch_have_no_order():
    nets = {"whole": fw.NetRegressor((4,), epochs=10, learning_rate=0.02, batch_size=45)}
    found = benchmark(nets, X, Y, splits=4, seeds=2)
    variance = found.entries["whole"].variance
    assert variance.weights > 0
    assert variance.order + variance.rest < 1e-9 * variance.total  # single precision in another order of summation
    once = benchmark(nets, X, Y, splits=4).entries["whole"]
    assert once.variance is None
    assert np.abs(once.errors - found.entries["whole"].errors).max() > 0
    assert str(found).splitlines()[-1].startswith("whole")
    assert "0 % batch order" in str(found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"splits": 1}, "splits must be a whole number >= 2"),
        ({"test_size": 0.99}, "must leave a test row and two training rows of 60"),
        ({"configurations": {}}, "configurations must be a dict"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(InputError, match=message):
        benchmark(**{"configurations": {"a": fw.NetRegressor()}, "X": X, "y": Y, **options})
