"""Networks as estimators: scikit-learn's rules, the Keras model, histories, strengths chosen by cross-validation."""

import pickle
import warnings

import jax
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.utils.estimator_checks import estimator_checks_generator

import foldwise as fw
from foldwise.errors import InputError
from foldwise.nets.backend import keras
from foldwise.nets.pool import _Worker

jax.config.update("jax_disable_most_optimizations", True)  # noqa: FBT003 - tests compile much and run little
L = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)) * np.array([1, 10, 0.1, 1]) + np.array([0, 100, 0, 0])
Y = X @ [1.0, 0.1, 0.0, 0.0] + 0.1 * RNG.normal(size=60)
NAMES = np.where(X[:, 0] + X[:, 3] > 0, "yes", "no")


SKIPPED = {
    "check_array_api_input",  # asks for an environment variable
    "check_sample_weight_equivalence_on_dense_data",  # a row that is repeated comes in batches that one row does not
}


# Without hidden layers the many shapes of these checks compile in half the time. All four estimators pass all checks;
# what the others share with NetRegressor is not compiled again for each.
@pytest.mark.parametrize(
    ("net", "named"),
    [
        (fw.NetRegressor((), epochs=60), "check_"),
        (fw.NetClassifierCV({"l2": [1e-3]}, net=fw.NetClassifier((), epochs=60), cv=2), "check_classifiers_"),
    ],
    ids=["numbers", "classes"],
)
def test_the_rules_of_scikit_learn(net, named):
    for estimator, check in estimator_checks_generator(net):
        if check.func.__name__.startswith(named) and check.func.__name__ not in SKIPPED:
            check(estimator)


@pytest.fixture(scope="module")
def search():
    net = fw.NetRegressor((6,), epochs=30, early_stopping=True, patience=3, learning_rate=0.02)
    return fw.NetRegressorCV({"l2": [0.0, 1.0], "dropout": [0.0, 0.3]}, net=net, cv=4).fit(X, Y)


def test_out_of_fold_predictions_are_in_row_order_and_of_members_that_did_not_see_the_row(search):
    for fold, member in enumerate(search.members_):
        test = search.folds_.test_rows(fold)
        assert not set(test) & (set(member.fit_rows) | set(member.watch_rows))
        search.set_params(predict_with="ensemble")
        kept, search.members_ = search.members_, [member]
        np.testing.assert_allclose(search.predict(X)[test], search.oof_predictions_[test], atol=1e-5)
        search.members_ = kept
        search.set_params(predict_with="refit")
    squares = (Y - search.oof_predictions_) ** 2
    assert search.best_error_ == pytest.approx(squares.mean(), rel=1e-5)
    assert search.best_error_ == search.cv_results_["mean_error"].min()


def test_three_ways_to_predict(search):
    said = {way: search.set_params(predict_with=way).predict(X) for way in ("ensemble", "best", "refit")}
    assert all(np.corrcoef(each, Y)[0, 1] > 0.9 for each in said.values())
    assert np.abs(said["ensemble"] - said["refit"]).max() > 1e-3
    epochs = [member.best_epoch for member in search.members_]
    assert search.refit_.last_epoch == max(1, round(np.mean(epochs)))
    assert len(search.refit_.fit_rows) == 60


def test_held_out_rows_do_not_leak_into_the_search(search):
    moved = np.zeros(60)
    moved[search.folds_.test_rows(1)] = 1e6
    after = clone(search).fit(X + moved[:, None], Y)
    c = search.best_index_
    before = next(m for f, m in enumerate(search.members_) if f == 1)
    if after.best_index_ == c:
        for a, b in zip(before.weights, after.members_[1].weights, strict=True):
            np.testing.assert_array_equal(a, b)
    assert np.abs(after.refit_.weights[0] - search.refit_.weights[0]).max() > 1e-3


def test_halving_drops_candidates_and_ends_where_whole_training_does():
    net = fw.NetRegressor((6,), epochs=9, learning_rate=0.02)
    strengths = {"l2": [0.0, 1e-3, 3.0], "l1": [0.0, 1e-3, 3.0]}
    folds = fw.Folds.kfold(60, 2, seed=0)
    whole = fw.NetRegressorCV(strengths, net=net, cv=folds).fit(X, Y)
    halved = fw.NetRegressorCV(strengths, net=net, cv=folds, halving=True).fit(X, Y)
    assert sorted(halved.cv_results_["epochs"].tolist()) == [1] * 6 + [3] * 2 + [9]
    best = halved.best_index_
    np.testing.assert_allclose(
        halved.cv_results_["fold_errors"][best], whole.cv_results_["fold_errors"][best], rtol=1e-5
    )
    assert halved.cv_results_["rank"][best] == 1


def test_weights_of_rows_train_and_choose():
    folds = fw.Folds.kfold(60, 3, seed=0)
    weights = np.where(np.arange(60) % 5 == 0, 0.0, 1.0 + np.arange(60) % 3)
    wild = np.where(weights == 0, 1e6, 0.0)

    def searched(shift, sample_weight):
        net = fw.NetRegressor((3,), epochs=6, learning_rate=0.02, batch_size=16)
        return fw.NetRegressorCV({"l2": [0.0, 1.0]}, net=net, cv=folds).fit(
            X + shift[:, None], Y + shift, sample_weight
        )

    first, second = searched(0 * wild, weights), searched(wild, weights)
    np.testing.assert_array_equal(first.cv_results_["fold_errors"], second.cv_results_["fold_errors"])
    np.testing.assert_array_equal(first.refit_.weights[0], second.refit_.weights[0])
    squares = (Y - first.oof_predictions_) ** 2
    assert first.best_error_ == pytest.approx(np.average(squares, weights=weights), rel=1e-5)
    assert first.best_error_ != pytest.approx(squares.mean(), rel=1e-3)
    alike, none = searched(0 * wild, np.full(60, 2.0)), searched(0 * wild, None)
    np.testing.assert_allclose(alike.cv_results_["fold_errors"], none.cv_results_["fold_errors"], rtol=1e-4)
    assert np.abs(none.cv_results_["fold_errors"] / first.cv_results_["fold_errors"] - 1).max() > 0.01


def test_classes_by_name_and_their_probabilities(tmp_path):
    net = fw.NetClassifier((6,), epochs=30, learning_rate=0.02)
    search = fw.NetClassifierCV({"label_smoothing": [0.0, 0.9]}, net=net, cv=4).fit(X, NAMES)
    assert search.best_params_ == {"label_smoothing": 0.0}
    assert search.score(X, NAMES) > 0.9
    assert log_loss(NAMES, search.oof_predictions_) == pytest.approx(search.best_error_, rel=1e-5)
    np.testing.assert_allclose(search.predict_proba(X).sum(axis=1), 1, atol=1e-6)
    search.model_.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(loaded.predict(X.astype("float32"), verbose=0), search.predict_proba(X), atol=1e-4)
    assert loaded.optimizer is not None
    again = pickle.loads(pickle.dumps(search))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


def test_a_keras_model_is_trained_in_place_of_the_built_in_one_and_left_alone():
    model = keras.Sequential([keras.Input((4,)), L.Dense(6, "tanh"), L.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), "mse")
    before = [weight.copy() for weight in model.get_weights()]
    net = fw.NetRegressor(model=model, epochs=60, l2=1e-4).fit(X, Y)
    assert net.score(X, Y) > 0.9
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(net.model_.predict(X.astype("float32"), verbose=0)[:, 0], net.predict(X), atol=1e-3)
    assert len(net.history_["loss"]) == 60


def test_missing_numbers_stand_for_the_mean():
    gaps = X.copy()
    gaps[::5, 1] = np.nan
    net = fw.NetRegressor((6,), epochs=5).fit(gaps, Y)
    filled = np.where(np.isnan(gaps), np.nanmean(gaps, axis=0), gaps)
    np.testing.assert_allclose(net.predict(gaps), net.predict(filled), atol=1e-5)


def test_divergence_is_said():
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 1"):
        fw.NetRegressor((4,), learning_rate=1e30, epochs=2).fit(X, Y)


class OwnStep(keras.Model):
    def train_step(self, *arguments):
        return super().train_step(*arguments)


def own_step():
    inputs = keras.Input((4,))
    return inputs, L.Dense(1)(inputs)


def built(*layers, loss="mse"):
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile("adam", loss)
    return model


BAD = {
    "names as numbers": (lambda: fw.NetRegressor().fit(X, NAMES), "NetClassifier takes names"),
    "one class": (lambda: fw.NetClassifier().fit(X, np.ones(60)), "at least two classes"),
    "NaN target": (lambda: fw.NetRegressor().fit(X, np.where(Y > 1, np.nan, Y)), "NaN"),
    "NaN target of a search": (lambda: fw.NetRegressorCV().fit(X, np.where(Y > 1, np.nan, Y)), "NaN.* First in row"),
    "gap among classes": (
        lambda: fw.NetClassifier().fit(X, np.where(np.arange(60) == 7, None, NAMES)),
        "a class in every row, got None in row 7",
    ),
    "one class of a search": (lambda: fw.NetClassifierCV().fit(X, ["a"] * 60), "got only one class: 'a'"),
    "class in one fold": (
        lambda: fw.NetClassifierCV(cv=3).fit(X, ["a"] * 40 + ["b"] * 19 + ["c"]),
        "every class in the training rows of every fold, got class number 2 in fold",
    ),
    "names of a search": (lambda: fw.NetRegressorCV().fit(X, NAMES), "NetClassifier takes names"),
    "outputs": (
        lambda: fw.NetRegressor(model=built(L.Dense(3))).fit(X, Y),
        "as many outputs as y has columns, 1, got 3",
    ),
    "outputs of classes": (
        lambda: fw.NetClassifier(model=built(L.Dense(1, "softmax"), loss="categorical_crossentropy")).fit(X, NAMES),
        "as many as the model has outputs",
    ),
    "columns": (
        lambda: fw.NetRegressor(model=built(L.Dense(1))).fit(X[:, :3], Y),
        r"shape \(rows, 4\), as the model asks",
    ),
    "train_step": (lambda: fw.NetRegressor(model=OwnStep(*own_step())).fit(X, Y), "its own train_step, got OwnStep"),
    "train_step of a search": (
        lambda: fw.NetRegressorCV(net=fw.NetRegressor(model=OwnStep(*own_step()))).fit(X, Y),
        "its own train_step, got OwnStep",
    ),
    "dropout of a search": (
        lambda: fw.NetRegressorCV({"dropout": [0.1, 1.0]}).fit(X, Y),
        "dropout must be .* < 1, got 1.0",
    ),
    "label smoothing": (lambda: fw.NetClassifier(label_smoothing=1.0).fit(X, NAMES), "label_smoothing must be .* < 1"),
    "validation fraction": (
        lambda: fw.NetRegressor(early_stopping=True, validation_fraction=1.0).fit(X, Y),
        "validation_fraction must be a number >= 0 and < 1, got 1.0",
    ),
    "random_state": (lambda: fw.NetRegressor(random_state=-1).fit(X, Y), "random_state must be a whole number >= 0"),
    "weights of a fold": (
        lambda: fw.NetRegressorCV(cv=fw.Folds.from_labels(np.arange(60) % 2)).fit(X, Y, np.arange(60) % 2),
        "sample_weight must be > 0 in some held-out row of every fold, got 0 in fold 0",
    ),
    "classes of weight": (
        lambda: fw.NetClassifierCV(cv=fw.Folds.from_labels(np.arange(60) % 2)).fit(
            X, np.where(np.arange(60) < 30, "a", "b"), np.where((np.arange(60) >= 30) & (np.arange(60) % 2 == 0), 0, 1)
        ),
        "every class in the training rows of every fold, got class number 1 in fold 1",
    ),
    "halving": (lambda: fw.NetRegressorCV(halving="no").fit(X, Y), "halving must be True or False"),
    "halving of chains": (
        lambda: fw.NetRegressorCV(net=fw.NetRegressor(trainer="annealing"), halving=True).fit(X, Y),
        "halving must be False with trainer='annealing'",
    ),
    "hidden": (lambda: fw.NetRegressor(hidden=0.5).fit(X, Y), "hidden must be the widths"),
    "activation": (lambda: fw.NetRegressor(activation="rely").fit(X, Y), "activation must be one that Keras knows"),
    "dropout": (lambda: fw.NetRegressor(dropout=1.5).fit(X, Y), "dropout must be a number >= 0 and < 1"),
    "early stopping": (lambda: fw.NetRegressor(early_stopping=5).fit(X, Y), "early_stopping must be True or False"),
    "search": (lambda: fw.NetRegressorCV({"alpha": [1]}).fit(X, Y), "search can have learning_rate, .*; got 'alpha'"),
    "values": (lambda: fw.NetRegressorCV({"l1": 3}).fit(X, Y), "must be a list of values, got 3"),
    "predict_with": (lambda: fw.NetRegressorCV(predict_with="last").fit(X, Y), "predict_with must be one of"),
    "cv": (lambda: fw.NetRegressorCV(cv=1).fit(X, Y), "cv=1 can't be used"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_before_training(name, monkeypatch):
    monkeypatch.setattr(_Worker, "run", None)
    what, message = BAD[name]
    with pytest.raises(ValueError, match=message) as caught:
        what()
    assert isinstance(caught.value, InputError)


def test_no_warning_on_the_way():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fw.NetRegressor((4,), epochs=1).fit(X, Y).predict(X)
