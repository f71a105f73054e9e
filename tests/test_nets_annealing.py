"""Annealing finds the objective's minimum without gradients; rows count as much as their weights say."""

import jax
import numpy as np
import pytest

import foldwise as fw
from foldwise.errors import InputError
from foldwise.nets import Member, train
from foldwise.nets.backend import keras
from foldwise.nets.prepared import Prepared

jax.config.update("jax_disable_most_optimizations", True)  # noqa: FBT003 - tests compile much and run little
L = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)) + np.array([0, 1e4, 0, 0])
Y = X @ [1.0, -0.4, 0.0, 0.05] + 0.5 * RNG.normal(size=60)


def linear(loss="mse", optimizer="adam"):
    model = keras.Sequential([keras.Input((4,)), L.Dense(1, kernel_initializer="zeros", name="only")], name="linear")
    model.compile(optimizer, loss)
    return model


def test_without_hidden_layers_annealing_is_the_lasso():
    alpha = 0.15
    member = train(linear(), X, Y, [Member(l1=2 * alpha, epochs=400)], trainer="annealing")[0]
    Z, z = (X - X.mean(0)) / X.std(0), (Y - Y.mean()) / Y.std()
    lasso = fw.Lasso(alpha=alpha).fit(Z, z)
    assert 0 < np.count_nonzero(lasso.coef_) < 4
    assert (member.weights[0][:, 0] == 0).tolist() == (lasso.coef_ == 0).tolist()
    np.testing.assert_allclose(member.weights[0][:, 0], lasso.coef_, atol=5e-3)  # chains come close, never to rest
    least = np.mean((z - lasso.predict(Z)) ** 2) + 2 * alpha * np.abs(lasso.coef_).sum()
    assert least <= member.objective + 1e-6
    assert member.objective == pytest.approx(least, rel=1e-4)


def test_the_best_of_some_chains_is_near_what_gradients_find():
    target = np.tanh(2 * X[:, 0]) + 0.5 * X[:, 2] ** 2 + 0.1 * RNG.normal(size=60)
    own = {"l2": 0.001, "l1": 0.002}
    annealed = train((4,), X, target, [Member(seed=s, epochs=300, **own) for s in range(4)], trainer="annealing")
    steep = [Member(seed=s, epochs=600, learning_rate=0.02, **own) for s in range(4)]
    gradient = train((4,), X, target, [*steep, Member(learning_rate=1e-9, epochs=1, **own)], batch_size=60)
    start = gradient[-1].objective
    found, steepest = annealed[annealed.best].objective, gradient[gradient.best].objective
    assert found < steepest + 0.05 * (start - steepest)
    assert annealed[0].loss[-1] < annealed[0].loss[0]


def test_a_loss_without_gradient_is_minimized():
    def errors(y_true, y_pred):
        return keras.ops.mean(keras.ops.cast(y_true * y_pred <= 0, "float32"), axis=-1)

    Z = RNG.normal(size=(60, 4))
    sign = np.where(Z[:, 0] - Z[:, 1] + 0.7 * RNG.normal(size=60) > 0, 1.0, -1.0)
    sign[:6] *= -3.0  # far on the wrong side, which squares mind and errors don't
    own = {"loss": errors, "standardize_target": False}
    members = [Member(seed=s, epochs=150) for s in range(4)]
    annealed = train(linear(), Z, np.sign(sign), members, trainer="annealing", **own)
    squares = fw.LinearRegression().fit(Z, sign)
    assert annealed[annealed.best].objective <= np.mean(np.sign(sign) * squares.predict(Z) <= 0)
    still = train(linear(), Z, np.sign(sign), members[:1], batch_size=60, **own)[0]
    assert not still.weights[0].any()  # a gradient of zero moves nothing


def test_rows_held_out_do_not_leak_into_chains():
    members = [
        Member(rows=np.arange(40), seed=1, epochs=12, patience=2, l1=0.01),
        Member(rows=np.arange(10, 60), seed=2, epochs=12, l1=0.01),
    ]
    moved = np.where(np.arange(60) >= 40, 1e6, 0.0)
    before = train((3,), X, Y, members, trainer="annealing")
    after = train((3,), X + moved[:, None], Y + moved, members, trainer="annealing")
    for a, b in zip(before[0].weights, after[0].weights, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(before[0].watch_loss, after[0].watch_loss)
    assert np.abs(before[1].weights[0] - after[1].weights[0]).max() > 1e-3


def test_an_estimator_can_be_annealed():
    net = fw.NetRegressor((3,), trainer="annealing", epochs=100, l1=0.001).fit(X, Y)
    assert net.score(X, Y) > 0.5
    assert net.get_params()["trainer"] == "annealing"


def test_weights_of_rows_are_those_of_weighted_least_squares():
    weight = RNG.integers(1, 5, size=60).astype(float)
    (member,) = train(
        linear("mse", keras.optimizers.SGD(0.2)), X, Y, [Member(epochs=300)], batch_size=60, sample_weight=weight
    )
    weighted = fw.LinearRegression().fit(X, Y, sample_weight=weight)
    slopes = member.weights[0][:, 0] * member.target_scaling.scale / member.scalings[0].scale
    np.testing.assert_allclose(slopes, weighted.coef_, rtol=1e-4)
    np.testing.assert_allclose(member.scalings[0].mean, np.average(X, axis=0, weights=weight), rtol=1e-12)
    repeated = np.repeat(np.arange(60), weight.astype(int))
    annealed = [
        train(linear(), X[rows], Y[rows], [Member(l2=0.01, epochs=5)], trainer="annealing", sample_weight=own)[0]
        for rows, own in ((np.arange(60), weight), (repeated, None))
    ]
    assert annealed[0].objective == pytest.approx(annealed[1].objective, rel=1e-3)


def test_rows_of_weight_zero_are_in_no_batch():
    def net():
        return fw.NetRegressor((4,), normalization="batch", epochs=10, early_stopping=True, patience=2, batch_size=16)

    weight = np.where(np.arange(60) % 5 == 0, 0.0, 1.0 + np.arange(60) % 3)
    wild = np.where(weight == 0, 1e6, 0.0)
    first = net().fit(X, Y, sample_weight=weight)
    second = net().fit(X + wild[:, None], Y + wild, sample_weight=weight)
    for a, b in zip([*first.member_.weights, *first.member_.fixed], [*second.member_.weights, *second.member_.fixed],
                    strict=True):  # fmt: skip
        np.testing.assert_array_equal(a, b)
    own = {"trainer": "gradient", "loss": None, "standardize": True, "standardize_target": None, "exact_zeros": True}
    (job,) = Prepared((4,), X, Y, [Member()], batch_size=16, sample_weight=weight, **own).jobs
    assert not set(np.flatnonzero(weight == 0)) & set(job.fit)
    assert set(job.fit) == set(np.flatnonzero(weight))
    assert np.abs(net().fit(X, Y).member_.weights[0] - first.member_.weights[0]).max() > 1e-3


def normalized():
    model = keras.Sequential([keras.Input((4,)), L.Dense(3), L.BatchNormalization(name="norm"), L.Dense(1)])
    model.compile("adam", "mse")
    return model


def annealed(model, **own):
    return train(model, X, Y, [Member(epochs=1, **own)], trainer="annealing")


BAD = {
    "trainer": (lambda: train((3,), X, Y, [Member()], trainer="swarm"), "trainer must be one of 'gradient', 'anneal"),
    "dropout": (lambda: annealed((3,), dropout=0.5), "dropout needs trainer='gradient', got 0.5 for member 0"),
    "group lasso": (lambda: annealed((3,), group_lasso=0.5), "group_lasso needs trainer='gradient'"),
    "batches": (lambda: annealed(normalized()), r"'norm' \(BatchNormalization\) needs trainer='gradient'"),
    "mean loss": (
        lambda: train(linear(lambda t, p: keras.ops.mean(t - p)), X, Y, [Member()]),
        r"one number per row, shape \(rows,\); for 3 rows it gave shape \(\)",
    ),
    "loss per output": (
        lambda: train(linear(lambda t, p: abs(t - p)), X, Y, [Member()]),
        r"for 3 rows it gave shape \(3, 1\)",
    ),
    "broken loss": (lambda: train(linear(lambda t, p: t @ p), X, Y, [Member()]), "can't be computed of targets"),
    "negative weight": (
        lambda: train((3,), X, Y, [Member()], sample_weight=-np.ones(60)),
        r"sample_weight must be finite and >= 0, got -1.0 in row 0",
    ),
    "few weights": (
        lambda: fw.NetRegressor().fit(X, Y, np.ones(3)),
        r"one number for each of 60 rows, got shape \(3,\)",
    ),
    "no weight": (lambda: fw.NetRegressor().fit(X, Y, np.zeros(60)), "more than zero in at least two rows, got 0"),
    "no weight for a member": (
        lambda: train((3,), X, Y, [Member(rows=[0, 1])], sample_weight=np.arange(60) > 5),
        "> 0 for some row of each member",
    ),
    "mixed weights": (
        lambda: train((3,), X, Y, [Member(mixup=0.2)], sample_weight=np.ones(60)),
        "mixup must be 0 with sample_weight",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name):
    what, message = BAD[name]
    with pytest.raises(InputError, match=message):
        what()
