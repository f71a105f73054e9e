"""Every member of a batch is what Keras makes of it alone: same rows, same order, same seed, same weights."""

import jax
import numpy as np
import pytest

from foldwise.nets import Member
from foldwise.nets.backend import keras
from foldwise.nets.prepared import Prepared, single_run
from foldwise.nets.progress import Progress

jax.config.update("jax_disable_most_optimizations", True)  # noqa: FBT003 - tests compile much and run little
L = keras.layers
N, P, CLASSES, BATCH, EPOCHS = 40, 5, 3, 8, 10  # 50 steps
CLOSE = 1e-4  # single precision, 50 steps: measured differences are below 2e-5


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, P)) * [1, 10, 0.1, 1, 1] + [0, 100, 0, 0, 5]
    return X, rng.integers(CLASSES, size=50)


def rows(shift=0):
    return np.arange(shift, shift + N)


def everything():
    """All layers of one input that are supported, with penalties and a constraint of their own."""
    model = keras.Sequential(
        [
            keras.Input((P,)),
            L.GaussianNoise(0.1),
            # No bias before batch normalization: its gradient is rounding alone, which Adam divides by its own size.
            L.Dense(8, use_bias=False, kernel_regularizer=keras.regularizers.L1L2(1e-3, 2e-3)),
            L.BatchNormalization(),
            L.Activation("tanh"),
            L.Dropout(0.2),
            L.Dense(6, kernel_constraint=keras.constraints.NonNeg(), activity_regularizer=keras.regularizers.L2(1e-3)),
            L.LayerNormalization(),
            L.PReLU(),
            L.Dense(6, kernel_initializer="orthogonal"),
            L.LeakyReLU(),
            L.Rescaling(1.5),
            L.ELU(),
            L.Dense(6, activation="relu", use_bias=False),
            L.ReLU(max_value=3.0),
            L.Dense(CLASSES),
            L.Softmax(),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy")
    return model


def small(optimizer="adam", loss="categorical_crossentropy"):
    model = keras.Sequential(
        [
            keras.Input((P,), name="x"),
            L.Dense(6, "tanh", name="a"),
            L.Dropout(0.25, name="b"),
            L.Dense(CLASSES, "softmax", name="c"),
        ],
        name="small",
    )
    model.compile(optimizer, loss)
    return model


def prepared_for(model, data, members):
    own = {"sample_weight": None, "trainer": "gradient", "loss": None, "standardize": True, "standardize_target": None}
    return Prepared(model, *data, members, batch_size=BATCH, exact_zeros=False, **own)


def trained(prepared):
    assert prepared.pool(workers=1).train(prepared.jobs, Progress())
    return prepared.trained(range(len(prepared.jobs)))


def keras_alone(prepared, at, optimizer, loss="categorical_crossentropy", change=None, steps=50):
    """The member trained by Keras itself; `change` may prepare its model."""
    model, _ = single_run(prepared, at)
    if change:
        model = change(model) or model
    model.compile(optimizer, loss)
    return taught(model, prepared, at, steps)


def taught(model, prepared, at, steps):
    """A compiled model after so many steps on the member's batches."""
    _, order = single_run(prepared, at)
    scaled = prepared.rows.scaled(prepared.jobs[at].scalings)
    for epoch in range(EPOCHS):
        for batch in order(epoch):
            inputs = [each[batch] for each in scaled]
            model.train_on_batch(inputs if len(inputs) > 1 else inputs[0], prepared.targets[batch])
            steps -= 1
            if not steps:
                return model
    return model


def furthest(model, member):
    """The largest difference between a Keras model's weights and a member's."""
    return max(
        float(np.abs(np.asarray(variable.value) - weight).max())
        for variable, weight in zip(model.trainable_variables, member.weights, strict=True)
    )


def test_every_layer(data):
    members = [
        Member(rows=rows(), seed=3, epochs=EPOCHS),
        Member(rows=rows(10), seed=4, epochs=EPOCHS, dropout=0.5, l1=0.01, l2=0.0, learning_rate=0.003),
    ]
    prepared = prepared_for(everything(), data, members)
    batch = trained(prepared)
    alone = keras_alone(prepared, 1, keras.optimizers.Adam(0.003))
    assert furthest(alone, batch[1]) < CLOSE
    assert furthest(alone, batch[0]) > 100 * CLOSE  # so that the others' rates and penalties would be noticed
    scaled, said = prepared.rows.scaled(batch[1].scalings), batch.predict(data[0])[1]
    np.testing.assert_allclose(said, alone.predict(scaled[0], verbose=0), atol=CLOSE)
    # The exported model has the statistics of batch normalization, and the scale in front.
    np.testing.assert_allclose(batch.keras_model(1).predict(data[0].astype("float32"), verbose=0), said, atol=CLOSE)


def without_bias(optimizer):
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def with_max_norm(model):
    def limited(layer):
        config = layer.get_config()
        if "kernel_constraint" in config:
            config["kernel_constraint"] = keras.constraints.MaxNorm(0.7)
        return type(layer).from_config(config)

    changed = keras.models.clone_model(model, clone_function=limited)
    changed.set_weights(model.get_weights())
    changed.get_layer("b").seed_generator.state.assign(model.get_layer("b").seed_generator.state)
    return changed


def with_noise(model, seed):
    inside = keras.Sequential([keras.Input((P,)), L.GaussianNoise(0.3), *model.layers])
    inside.layers[0].seed_generator.state.assign(np.array([seed, 0], dtype="uint32"))
    return inside


REGULARIZED = {
    # name: (member, optimizer, loss, change of the model that Keras trains alone)
    "weight decay": (
        {"weight_decay": 0.5, "learning_rate": 0.01},
        lambda: without_bias(keras.optimizers.AdamW(0.01, weight_decay=0.5)),
        None,
        None,
    ),
    "label smoothing": (
        {"label_smoothing": 0.2},
        keras.optimizers.Adam,
        keras.losses.CategoricalCrossentropy(label_smoothing=0.2),
        None,
    ),
    "max-norm": ({"max_norm": 0.7}, keras.optimizers.Adam, None, with_max_norm),
    "input noise": ({"input_noise": 0.3}, keras.optimizers.Adam, None, with_noise),
    "ema": ({"ema": 0.9}, lambda: keras.optimizers.Adam(use_ema=True, ema_momentum=0.9), None, None),
}


# l1 is in the loss here, as in Keras
ELASTIC = [Member(rows=rows(at), seed=20 + at, epochs=EPOCHS, l1=0.01, l2=0.02) for at in range(3)]


@pytest.fixture(scope="module")
def regularized(data):
    members = [Member(rows=rows(), seed=at, epochs=EPOCHS, **own) for at, (own, *_) in enumerate(REGULARIZED.values())]
    members += ELASTIC
    prepared = prepared_for(small(), data, members)
    return prepared, trained(prepared)


@pytest.mark.parametrize("name", REGULARIZED)
def test_every_regularizer(regularized, name):
    prepared, batch = regularized
    at = list(REGULARIZED).index(name)
    _, optimizer, loss, change = REGULARIZED[name]
    if change is with_noise:
        seed = prepared.jobs[at].hyper["noise_seed"]
        alone = keras_alone(prepared, at, optimizer(), change=lambda model: with_noise(model, seed))
    else:
        alone = keras_alone(prepared, at, optimizer(), loss or "categorical_crossentropy", change)
    if name == "ema":
        alone.optimizer.finalize_variable_values(alone.trainable_variables)
    assert furthest(alone, batch[at]) < CLOSE


def test_three_seeds_with_l1_and_l2(regularized):
    prepared, batch = regularized
    alone, _ = single_run(prepared, len(REGULARIZED))
    alone.compile("adam", "categorical_crossentropy")
    alone.optimizer.build(alone.trainable_variables)
    blank = [np.asarray(variable.value) for variable in alone.optimizer.variables]
    for at in range(len(REGULARIZED), len(batch)):  # one model, set back for each seed, is compiled once
        fresh, _ = single_run(prepared, at)
        pairs = [*zip(alone.trainable_variables, fresh.trainable_variables, strict=True)]
        pairs += [*zip(alone.optimizer.variables, blank, strict=True)]
        pairs.append([model.get_layer("b").seed_generator.state for model in (alone, fresh)])
        for variable, value in pairs:
            variable.assign(value)
        assert furthest(alone, batch[at]) > 100 * CLOSE
        assert furthest(taught(alone, prepared, at, 50), batch[at]) < CLOSE


def test_members_of_different_length_and_several_slots(data):
    sizes = (N, 50, 17, 24)
    members = [Member(rows=np.arange(size), seed=at, epochs=EPOCHS) for at, size in enumerate(sizes)]
    prepared = prepared_for(small(keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)), data, members)
    assert prepared.pool(workers=2, slots=1).train(prepared.jobs, Progress())
    batch = prepared.trained(range(4))
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    alone = keras_alone(prepared, 2, optimizer, steps=EPOCHS * prepared.jobs[2].n_steps)
    assert furthest(alone, batch[2]) < CLOSE
    assert [member.last_epoch for member in batch] == [EPOCHS] * 4


def test_rows_in_another_order_are_noticed(regularized):
    prepared, batch = regularized
    model, order = single_run(prepared, 1)
    model.compile(keras.optimizers.Adam(), "categorical_crossentropy")
    scaled = prepared.rows.scaled(prepared.jobs[1].scalings)[0]
    for epoch in range(EPOCHS):
        for rows_of_batch in order(epoch + 1):
            model.train_on_batch(scaled[rows_of_batch], prepared.targets[rows_of_batch])
    assert furthest(model, batch[1]) > 10 * CLOSE
