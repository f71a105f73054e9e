"""A pruned network says what it said before; inputs that matter survive the path of strengths."""

import re
from pathlib import Path

import jax
import numpy as np
import pytest

import foldwise as fw
from foldwise.errors import InputError
from foldwise.nets import Member, input_path, train
from foldwise.nets.backend import keras
from foldwise.nets.parts import parts_of
from foldwise.nets.prune import prune

jax.config.update("jax_disable_most_optimizations", True)  # noqa: FBT003 - tests compile much and run little
L = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 6)) + np.array([0, 50, 0, 0, 0, 0])
Y = np.column_stack([X[:, 0], X[:, 1]])


@pytest.fixture(scope="module")
def trained():
    """A deep network with layers of every kind that can be pruned, trained a little."""
    model = keras.Sequential(
        [
            keras.Input((6,)),
            L.Dense(7, "tanh"),
            L.BatchNormalization(),
            L.Dropout(0.1),
            L.Dense(5),
            L.PReLU(),
            L.Dense(4, "elu", use_bias=False),
            L.Dense(2),
        ]
    )
    model.compile("adam", "mse")
    return train(model, X, Y, [Member(epochs=3)], batch_size=20)


def zeroed(trained, *places):
    """The member with some weights set to zero: (layer's position among the weights, index)."""
    member = trained[0]
    weights = [weight.copy() for weight in member.weights]
    for at, index in places:
        weights[at][index] = 0.0
    member.weights[:] = weights
    return member


def test_units_and_inputs_that_do_nothing_are_gone_and_nothing_changes(trained):
    member = zeroed(
        trained,
        (0, (2, slice(None))),  # nothing uses input 2
        (0, (5, slice(None))),
        (0, (slice(None), 3)),  # unit 3 listens to nothing: it is constant
        (4, (1, slice(None))),  # nothing listens to unit 1
        (4, (slice(None), 0)),  # unit 0 of the second layer is constant
        (8, (2, slice(None))),  # and nothing to unit 2 of the third
    )
    parts = parts_of(trained.description)
    before = trained.predict(X)[0]
    small = prune(trained.model, parts, member)
    assert (small.kept, small.unnecessary) == ([0, 1, 3, 4], [2, 5])
    assert small.units == ((7, 5, 4), (5, 5, 3))  # the third has no biases to take what unit 0 of the second says
    assert small.weights[1] < small.weights[0]
    after = small.model.predict(X[:, small.kept].astype("float32"), verbose=0)
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=2e-5)  # the model scales 50 in single precision
    np.testing.assert_allclose(trained.keras_model(0).predict(X.astype("float32"), verbose=0), after, atol=1e-6)


def test_a_threshold_drops_small_weights_and_says_how_many_are_left(trained):
    parts = parts_of(trained.description)
    assert prune(trained.model, parts, trained[0], 0.3).weights[1] <= prune(trained.model, parts, trained[0]).weights[1]
    everything = prune(trained.model, parts, trained[0], 1e9)
    assert everything.units[1] == (1, 1, 1)  # a layer has at least one unit
    said = everything.model.predict(X[:, everything.kept].astype("float32"), verbose=0)
    assert np.ptp(said, axis=0).max() < 1e-5
    with pytest.raises(InputError, match="threshold must be a number >= 0, got -1"):
        prune(trained.model, parts, trained[0], -1)


def test_layers_that_look_across_units_are_refused_by_name():
    net = fw.NetRegressor((3,), normalization="layer", epochs=1).fit(X, Y)
    with pytest.raises(InputError, match=r"'normalization_1' \(LayerNormalization\) does not"):
        net.prune()


@pytest.fixture(scope="module")
def planted():
    """400 rows of 20 inputs, of which 4 matter."""
    rng = np.random.default_rng(1)
    A = rng.normal(size=(400, 20))
    return A, 2 * A[:, 0] - A[:, 3] + 1.5 * A[:, 7] * A[:, 0] + A[:, 12] + 0.1 * rng.normal(size=400)


def test_cross_validated_l1_selects_exactly_the_planted_inputs(planted):
    A, b = planted
    net = fw.NetRegressor((12,), epochs=150, learning_rate=0.01)
    path = input_path(net, A, b, [0.003, 0.01, 0.03, 0.05], penalty="l1", cv=3)
    assert path.selected == [0, 3, 7, 12]
    assert path.chosen == 3
    assert path.kept[path.least].sum() > 4  # what the penalized networks' own errors would have chosen
    assert (np.diff(path.refit_error) < 0).all()
    model = fw.nets.perceptron(20, (12,), learning_rate=0.01)
    keras_l1 = train(model, A, b, [Member(epochs=150, l1=0.05)], exact_zeros=False)[0]  # l1 as in Keras
    assert sum(np.count_nonzero(weight == 0) for weight in keras_l1.weights[::2]) == 0


def test_the_inputs_that_matter_survive(planted):
    A, b = planted
    net = fw.NetRegressor((12,), epochs=150, learning_rate=0.01)
    path = input_path(net, A, b, [0.003, 0.05, 0.3], cv=3)
    assert path.strengths.tolist() == [0.003, 0.05, 0.3]
    assert (np.diff(path.kept.sum(axis=1)) <= 0).all()
    # The least error is at a weaker penalty that keeps more: shrunken weights cost more than needless inputs.
    assert path.least == path.least_1se == 0
    assert path.kept[0].sum() > 4
    assert np.flatnonzero(path.kept[1]).tolist() == [0, 3, 7, 12]
    assert path.selected == [0, 3, 7, 12]
    assert path.share[1, [0, 3, 7, 12]].tolist() == [1.0] * 4
    assert path.share[1].sum() < 6
    pruned = net.set_params(group_lasso=0.05).fit(A, b).prune()
    assert pruned.kept == [0, 3, 7, 12]
    np.testing.assert_allclose(
        pruned.model.predict(A[:, pruned.kept].astype("float32"), verbose=0)[:, 0], net.predict(A), atol=1e-5
    )


def test_a_member_never_hears_of_columns_that_it_does_not_see():
    rng = np.random.default_rng(2)
    A = rng.normal(size=(60, 4))
    wild = np.where([False, True, False, True], 1e6 * rng.normal(size=A.shape), A)
    wild[3, 1] = np.nan
    own = [Member(inputs=[0, 2], epochs=5), Member(inputs=[], epochs=5)]
    before, after = (train((5,), table, A[:, 0], own, batch_size=20) for table in (A, wild))
    for a, b in zip(before[0].weights, after[0].weights, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(before.predict(A), after.predict(wild))
    assert not before[0].weights[0][[1, 3]].any()
    assert before[0].weights[0][[0, 2]].any()
    assert np.ptp(before.predict(A)[1]) == 0  # it sees nothing, and says one number
    wild[3, 1] = 0.0
    said = after.keras_model(0).predict(wild.astype("float32"), verbose=0)
    np.testing.assert_allclose(said, after.predict(wild)[0], atol=1e-5)
    with pytest.raises(InputError, match=r"inputs must be column numbers from 0 to 3, got \[4\] for member 0"):
        train((5,), A, A[:, 0], [Member(inputs=[4])])


def test_the_page_about_networks_runs(tmp_path, monkeypatch):
    page = (Path(__file__).resolve().parents[1] / "docs" / "networks.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1)
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(code, found)  # noqa: S102 - our own page
    assert (tmp_path / "mpg.keras").is_file()
    assert found["search"].best_error_ < 15  # the variance of mpg is 61
    assert found["trained"].counts == {"finished": 10}
