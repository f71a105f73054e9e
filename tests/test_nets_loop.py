"""What can't be batched is trained by Keras, member by member, if asked; held-out rows leak no more than elsewhere."""

import random

import numpy as np
import pytest

from foldwise.errors import DataWarning, InputError
from foldwise.nets import Member, train
from foldwise.nets.backend import keras

L = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)) + np.array([0, 1e3, 0, 0])
Y = X[:, 0] - 2 * X[:, 2] + 0.1 * RNG.normal(size=60)


class Halved(keras.Model):
    """A model with a training step of its own."""

    def train_step(self, *arguments):
        return super().train_step(*arguments)


def own():
    inputs = keras.Input((4,))
    model = Halved(inputs, L.Dense(1)(L.Dense(6, "tanh")(inputs)))
    model.compile(keras.optimizers.RMSprop(0.02), "mse")
    return model


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, with NumPy 2
def test_members_of_a_model_with_its_own_train_step():
    members = [
        Member(rows=np.arange(45), seed=1, epochs=30, patience=3),
        Member(rows=np.arange(15, 60), seed=2, epochs=4, learning_rate=0.001),
        Member(rows=np.arange(45), seed=2, epochs=4),
    ]
    model, told = own(), []
    state = random.getstate()
    with pytest.warns(DataWarning, match="its own train_step, got Halved; 3 networks are trained by Keras one after"):
        before = train(model, X, Y, members, batch_size=15, loop=True, progress=told.append)
    assert random.getstate() == state
    assert [each.finished for each in told] == [1, 2, 3]
    said = before.predict(X)
    assert said.shape == (3, 60, 1)
    assert np.corrcoef(said[0, 45:, 0], Y[45:])[0, 1] > 0.9
    exported = before.keras_model(0).predict(X.astype("float32"), verbose=0)
    np.testing.assert_allclose(exported, said[0], atol=1e-3)  # the model scales 1000 in single precision
    moved = np.where(np.arange(60) >= 45, 1e6, 0.0)
    with pytest.warns(DataWarning, match="1 network is"):
        after = train(model, X + moved[:, None], Y + moved, members[:1], batch_size=15, loop=True)
    for a, b in zip(before[0].weights, after[0].weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert before[0].best_epoch == np.argmin(before[0].watch_loss) + 1
    assert not set(before[0].watch_rows) & set(before[0].fit_rows)


def test_what_can_be_batched_is_batched():
    trained = train((3,), X, Y, [Member(epochs=1)], loop=True)
    assert type(trained).__name__ == "Trained"


def adapted():
    model = keras.Sequential([keras.Input((4,)), L.Normalization(), L.Dense(1)])
    model.compile("adam", "mse")
    return model


BAD = {
    "not asked": (lambda: train(own(), X, Y, [Member()]), "must not have its own train_step, got Halved"),
    "penalty": (lambda: train(own(), X, Y, [Member(l1=0.1)], loop=True), "l1 must be part of the model"),
    "adapted": (lambda: train(adapted(), X, Y, [Member()], loop=True), "carries the means of all rows"),
    "weights": (lambda: train(own(), X, Y, [Member()], loop=True, sample_weight=np.ones(60)), "must be left out"),
    "loop": (lambda: train(own(), X, Y, [Member()], loop=3), "loop must be True or False, got 3"),
    "NaN target": (lambda: train(own(), X, np.full(60, np.nan), [Member()], loop=True), "finite, got nan in row 0"),
}


@pytest.mark.filterwarnings("ignore::foldwise.errors.DataWarning")
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name):
    what, message = BAD[name]
    with pytest.raises(InputError, match=message):
        what()
