"""The batch trainer: nothing leaks, exact zeros are the lasso's, early stopping is Keras', bad input is named."""

import math
import sys

import jax
import numpy as np
import pytest

import foldwise as fw
from foldwise.errors import DataWarning, InputError
from foldwise.nets import Member, perceptron, train
from foldwise.nets.backend import keras
from foldwise.nets.order import batches
from foldwise.nets.pool import _Worker
from foldwise.nets.prepared import Prepared, single_run
from foldwise.nets.progress import Progress

jax.config.update("jax_disable_most_optimizations", True)  # noqa: FBT003 - tests compile much and run little
L = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)) + np.array([0, 1e4, 0, 0])
Y = X @ [1.0, -2.0, 0.0, 0.5] + RNG.normal(size=60)


def leaves(member):
    scale = [each for own in (*member.scalings, member.target_scaling) for each in (own.mean, own.scale, own.gap)]
    return [*member.weights, *member.fixed, *scale, member.loss, member.watch_loss]


def network():
    model = keras.Sequential(
        [
            keras.Input((4,), name="x"),
            L.Dense(8, use_bias=False, name="a"),
            L.BatchNormalization(name="b"),
            L.ReLU(name="c"),
            L.Dropout(0.2, name="d"),
            L.Dense(1, name="e"),
        ],
        name="network",
    )
    model.compile("adam", "mse")
    return model


OWN = {"patience": 1, "learning_rate": 0.02, "l1": 1e-3, "mixup": 0.2, "input_noise": 0.1, "ema": 0.5}
PLAIN = {"sample_weight": None, "trainer": "gradient", "loss": None, "standardize_target": None, "exact_zeros": True}
ALIKE = {"batch_size": 12, "slots": 2, "workers": 1}  # one program for several tests


def test_rows_held_out_do_not_leak():
    folds, options = fw.Folds.kfold(60, 5, seed=0), ALIKE
    members = [Member(rows=folds.training_rows({k}), seed=k, epochs=30, **OWN) for k in range(5)]
    model, gaps = network(), X.copy()
    gaps[::7, 2] = np.nan
    before = train(model, gaps, Y, members, **options)
    assert len({member.last_epoch for member in before}) > 1  # some stopped early, so that a slot changed hands
    for fold in (0, 3):
        moved = np.zeros(60)
        moved[folds.test_rows(fold)] = 1e6
        after = train(model, gaps + moved[:, None], Y + moved, members, **options)
        for a, b in zip(leaves(before[fold]), leaves(after[fold]), strict=True):
            np.testing.assert_array_equal(a, b)
        assert (before[fold].last_epoch, before[fold].best_epoch) == (after[fold].last_epoch, after[fold].best_epoch)
        np.testing.assert_array_equal(before.predict(gaps, [fold]), after.predict(gaps, [fold]))
        other = (fold + 1) % 5
        assert np.abs(before[other].weights[0] - after[other].weights[0]).max() > 1e-3  # it was trained on those rows


def test_a_member_does_not_depend_on_its_neighbours():
    members = [Member(rows=np.arange(48 - at), seed=at, epochs=4 + at, **OWN) for at in range(5)]
    together = train(network(), X, Y, members, **ALIKE)
    alone = train(network(), X, Y, members[2:3], **ALIKE)
    for a, b in zip(leaves(together[2]), leaves(alone[0]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)  # single precision in another order of summation


def linear(optimizer):
    model = keras.Sequential([keras.Input((6,)), L.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizer, "mse")
    return model


@pytest.fixture(scope="module")
def sparse():
    rng = np.random.default_rng(1)
    A = rng.normal(size=(64, 6)) @ (np.eye(6) + 0.3)
    return A, A @ [2.0, 0, 0, -1.0, 0, 0.2] + 0.5 * rng.normal(size=64)


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD(0.05), keras.optimizers.Adam(0.01)])
def test_a_network_without_hidden_layers_is_the_lasso(sparse, optimizer):
    A, b = sparse
    strengths = [0.05, 0.3, 1.0]
    members = [Member(l1=2 * alpha, l2=alpha * 0.1, epochs=2000) for alpha in strengths]
    trained = train(linear(optimizer), A, b, members, batch_size=64)
    Z, z = (A - A.mean(0)) / A.std(0), (b - b.mean()) / b.std()
    for alpha, member in zip(strengths, trained, strict=True):
        # mean squared error is twice the elastic net's loss, and l2 w^2 is twice its half
        reference = fw.ElasticNet(alpha=alpha * 1.1, l1_ratio=1 / 1.1).fit(Z, z)
        np.testing.assert_allclose(member.weights[0][:, 0], reference.coef_, atol=2e-4)  # Adam's last steps
        assert (member.weights[0][:, 0] == 0).tolist() == (reference.coef_ == 0).tolist()
    assert 0 < np.count_nonzero(trained[0].weights[0]) < 6
    in_loss = train(linear(optimizer), A, b, members, batch_size=64, exact_zeros=False)
    assert all(np.count_nonzero(member.weights[0]) == 6 for member in in_loss)


def test_group_lasso_drops_whole_inputs_at_its_optimum(sparse):
    A, b = sparse
    targets = np.column_stack([b, A[:, 0] - A[:, 3], b])
    model = keras.Sequential([keras.Input((6,)), L.Dense(3, kernel_initializer="zeros")])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    strength = 0.1
    (member,) = train(model, A, targets, [Member(group_lasso=strength, epochs=2000)], batch_size=64)
    Z, T = (A - A.mean(0)) / A.std(0), (targets - targets.mean(0)) / targets.std(0)
    W = member.weights[0].astype(float)
    pull = 2 * Z.T @ (T - Z @ W - member.weights[1]) / T.size  # minus the gradient of the mean squared error
    norms = np.linalg.norm(W, axis=1)
    assert 0 < np.count_nonzero(norms) < 6
    limit = strength * math.sqrt(3)
    for row in range(6):
        if norms[row]:
            np.testing.assert_allclose(pull[row], limit * W[row] / norms[row], atol=2e-3)  # Adam's last steps
        else:
            assert np.linalg.norm(pull[row]) <= limit


def test_penalties_leave_offsets_alone():
    strong = [
        Member(epochs=20, learning_rate=0.05, **own)
        for own in ({"l1": 5.0}, {"group_lasso": 5.0, "l2": 5.0}, {"weight_decay": 10.0})
    ]
    for member in train((4,), X, X[:, 0] + 1, strong, batch_size=20, standardize_target=False):
        kernels, biases = member.weights[::2], member.weights[1::2]
        assert np.abs(kernels[0]).max() < 0.2
        assert np.abs(biases[-1]).max() > 0.01


def test_early_stopping_is_keras_own():
    members = [Member(seed=7, epochs=60, patience=2, watch=np.arange(40, 60), learning_rate=0.02)]
    prepared = Prepared((16,), X, Y, members, batch_size=20, standardize=True, **PLAIN)
    assert prepared.pool().train(prepared.jobs, Progress())
    (member,) = prepared.trained([0])
    model, order = single_run(prepared, 0)
    model.compile(keras.optimizers.Adam(0.02), "mse")
    rows = prepared.rows.scaled(prepared.jobs[0].scalings)[0]
    targets = member.target_scaling.apply(prepared.targets)
    watcher = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    watcher.set_model(model)
    watcher.on_train_begin()
    for epoch in range(60):
        for batch in order(epoch):
            model.train_on_batch(rows[batch], targets[batch])
        watched = model.evaluate(rows[40:], targets[40:], verbose=0)
        assert member.watch_loss[epoch] == pytest.approx(watched, rel=1e-4)
        watcher.on_epoch_end(epoch, {"val_loss": watched})
        if model.stop_training:
            break
    watcher.on_train_end()
    assert model.stop_training, "the example is one where early stopping stops"
    assert member.status == "stopped early"
    assert (member.last_epoch, member.best_epoch) == (epoch + 1, watcher.best_epoch + 1)
    for variable, weight in zip(model.trainable_variables, member.weights, strict=True):
        np.testing.assert_allclose(np.asarray(variable.value), weight, atol=1e-4)


def test_swa_averages_the_last_epochs():
    own = {"seed": 1, "epochs": 5}
    members = [Member(**own, swa_start=0.6), *(Member(seed=1, epochs=k) for k in (4, 5)), Member(**own, ema=0.9)]
    averaged, fourth, fifth, _ = train((3,), X, Y, members, batch_size=20)
    for mean, a, b in zip(averaged.weights, fourth.weights, fifth.weights, strict=True):
        np.testing.assert_allclose(mean, (a + b) / 2, atol=1e-6)


def test_mixup_mixes_rows_and_targets():
    model = linear(keras.optimizers.SGD(0.1))
    A = np.column_stack([X, X[:, :2] ** 2])
    members = [Member(mixup=0.4, epochs=2, seed=3)]
    prepared = Prepared(model, A, Y, members, batch_size=30, standardize=True, **PLAIN)
    job = prepared.jobs[0]
    assert prepared.pool().train(prepared.jobs, Progress())
    (member,) = prepared.trained([0])
    rows, targets = job.scalings[0].apply(A), job.target_scaling.apply(prepared.targets)
    W, b = np.zeros((6, 1)), np.zeros(1)
    for epoch in range(2):
        for batch, mix in zip(*job.orders(epoch, 30), strict=True):
            Z = mix * rows[batch] + (1 - mix) * rows[batch[::-1]]
            residual = Z @ W + b - (mix * targets[batch] + (1 - mix) * targets[batch[::-1]])
            W, b = W - 0.1 * 2 * Z.T @ residual / 30, b - 0.1 * 2 * residual.mean(0)
    np.testing.assert_allclose(member.weights[0], W, atol=1e-6)
    np.testing.assert_allclose(member.weights[1], b, atol=1e-6)


def test_every_row_is_used_equally_often():
    counts = np.bincount(np.concatenate([batches(5, np.arange(21), 8, epoch) for epoch in range(7)]).ravel())
    assert (counts == counts[0]).all()
    with pytest.raises(AssertionError):  # two epochs are not the same
        np.testing.assert_array_equal(batches(5, np.arange(21), 8, 0), batches(5, np.arange(21), 8, 1))


def test_diverged_and_collapsed_members_are_counted():
    members = [
        Member(epochs=3),
        Member(epochs=3, learning_rate=1e30),
        Member(epochs=40, learning_rate=0.05, l1=100.0),
    ]
    trained = train((4,), X, Y, members, batch_size=20)
    assert [member.status for member in trained] == ["finished", "diverged", "collapsed"]
    assert trained.counts == {"finished": 1, "diverged": 1, "collapsed": 1}


def test_the_keyboard_keeps_finished_members():
    calls = []

    def press(standing):
        if standing.finished and not calls:
            calls.append("pressed")
            raise KeyboardInterrupt

    members = [Member(epochs=1 if at == 1 else 10**6, seed=at) for at in range(3)]
    with pytest.warns(DataWarning, match="1 of 3 networks were finished"):
        trained = train((4,), X, Y, members, batch_size=20, progress=press)
    assert trained.numbers.tolist() == [1]


def test_progress_counts_members_and_guesses_the_time():
    told = []
    train((4,), X, Y, [Member(epochs=2), Member(epochs=4)], batch_size=20, progress=told.append)
    assert (told[-1].finished, told[-1].members, told[-1].seconds_left) == (2, 2, 0.0)
    assert "2 of 2 networks trained" in str(told[-1])


def test_several_inputs_codes_and_a_residual():
    color, numbers = keras.Input((1,), name="color"), keras.Input((4,), name="numbers")
    embedded = L.Flatten()(L.Embedding(3, 2)(color))
    joined = L.Concatenate()([embedded, numbers])
    hidden = L.Dense(6, "tanh")(joined)
    model = keras.Model([color, numbers], L.Dense(1)(L.Add()([hidden, joined])))
    model.compile("adam", "mse")
    inputs = {"color": np.arange(60) % 3, "numbers": X}
    members = [Member(epochs=6), Member(epochs=6, seed=1)]
    prepared = Prepared(model, inputs, Y, members, batch_size=12, standardize=True, **PLAIN)
    assert prepared.pool().train(prepared.jobs, Progress())
    trained = prepared.trained([0, 1])
    alone, order = single_run(prepared, 1)
    alone.compile("adam", "mse")
    scaled, targets = prepared.rows.scaled(trained[1].scalings), trained[1].target_scaling.apply(prepared.targets)
    for epoch in range(6):
        for batch in order(epoch):
            alone.train_on_batch([each[batch] for each in scaled], targets[batch])
    for variable, weight in zip(alone.trainable_variables, trained[1].weights, strict=True):
        np.testing.assert_allclose(np.asarray(variable.value), weight, atol=1e-4)
    exported = trained.keras_model(1)
    plain = [inputs["color"].astype("float32")[:, None], X.astype("float32")]
    np.testing.assert_allclose(exported.predict(plain, verbose=0), trained.predict(inputs)[1], rtol=1e-3, atol=1e-2)


class OwnStep(keras.Model):
    def train_step(self, *arguments):
        return super().train_step(*arguments)


def compiled(*layers, loss="mse", **options):
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(loss=loss, **options)
    return model


def own_step():
    inputs = keras.Input((4,))
    return OwnStep(inputs, L.Dense(1)(inputs))


M = [Member(epochs=1)]
BAD = {
    # name: (what, message)
    "NaN target": (
        lambda: train((4,), X, np.where(np.arange(60) == 3, np.nan, Y), M),
        "y must be finite, got nan in row 3",
    ),
    "strings": (lambda: train((4,), X, np.array(["a"] * 60), M), "y must be numbers"),
    "one class": (
        lambda: train(compiled(L.Dense(2, "softmax"), loss="categorical_crossentropy"), X, np.zeros(60), M),
        "at least two classes",
    ),
    "shape": (lambda: train(compiled(L.Dense(3)), X, Y, M), "as many outputs as y has columns, 1, got 3"),
    "columns": (lambda: train(compiled(L.Dense(1)), X[:, :3], Y, M), r"shape \(rows, 4\)"),
    "rate": (lambda: Member(dropout=1.0), "dropout must be a number >= 0 and < 1, got 1.0"),
    "train_step": (lambda: train(own_step(), X, Y, M), "must not have its own train_step, got OwnStep"),
    "layer": (
        lambda: train(compiled(L.AlphaDropout(0.1), L.Dense(1)), X, Y, M),
        "AlphaDropout.* can't be trained as a batch",
    ),
    "adapted": (lambda: train(compiled(L.Normalization(), L.Dense(1)), X, Y, M), "carries the means of all rows"),
    "bias penalty": (lambda: train(compiled(L.Dense(1, bias_regularizer="l2")), X, Y, M), "never biases"),
    "schedule": (
        lambda: train(
            compiled(L.Dense(1), optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 10))),
            X,
            Y,
            M,
        ),
        "got the schedule CosineDecay",
    ),
    "clipping": (
        lambda: train(compiled(L.Dense(1), optimizer=keras.optimizers.Adam(clipnorm=1.0)), X, Y, M),
        "clipnorm=1.0",
    ),
    "optimizer": (lambda: train(compiled(L.Dense(1), optimizer="rmsprop"), X, Y, M), "Adam, AdamW or SGD, got RMSprop"),
    "not a model": (lambda: train("mlp", X, Y, M), "Keras model or the widths"),
    "rows": (lambda: train((4,), X, Y, [Member(rows=[0, 60])]), "row numbers from 0 to 59, got 60"),
    "batch": (lambda: train((4,), X, Y, [Member(rows=[0, 1])], batch_size=4), "batch_size must be at most 2"),
    "watch": (
        lambda: train((4,), X, Y, [Member(rows=range(40), watch=[50], patience=1)]),
        "got row 50: early stopping may never see rows that score",
    ),
    "no members": (lambda: train((4,), X, Y, []), "members must be one or more Member"),
    "dropout without layer": (lambda: train((4,), X, Y, [Member(dropout=0.5)]), "needs a model with Dropout layers"),
    "smoothing": (
        lambda: train((4,), X, Y, [Member(label_smoothing=0.1)]),
        "label_smoothing must be 0 where y are numbers",
    ),
    "infinite": (lambda: train((4,), np.where(X[5, 1] == X, np.inf, X), Y, M), "row 5, column 1"),
    "loss": (lambda: train(compiled(L.Dense(1), loss=None), X, Y, M), "loss must be given"),
    "task": (lambda: perceptron(4, task="counts"), "task must be one of"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_before_training(name, monkeypatch):
    monkeypatch.setattr(_Worker, "run", None)
    what, message = BAD[name]
    with pytest.raises(InputError, match=message):
        what()


def test_without_keras_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    from foldwise.nets.backend import load

    with pytest.raises(ImportError, match=r"pip install 'foldwise\[nets\]'"):
        load()
