"""Estimators of several classes, several targets and survival: the solutions of others, optimality, refusals."""

import numpy as np
import pytest
import sklearn.linear_model as sk
from sklearn.datasets import load_iris

import foldwise as fw
from foldwise.errors import InputError
from foldwise.linear.concordance import concordance


def flowers():
    X, codes = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order], np.array(["setosa", "versicolor", "virginica"])[codes[order]]


@pytest.mark.parametrize("C", [0.05, 1.0])
@pytest.mark.parametrize("class_weight", [None, {"setosa": 2.0}])
def test_several_classes_are_scikit_learns(C, class_weight):
    X, y = flowers()
    weights = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    settings = {"C": C, "class_weight": class_weight}
    theirs = sk.LogisticRegression(solver="newton-cholesky", tol=1e-12, max_iter=1000, **settings).fit(X, y, weights)
    ours = fw.LogisticRegression(**settings).fit(X, y, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=5e-6)  # the flattest direction
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_allclose(getattr(ours, method)(X), getattr(theirs, method)(X), atol=1e-5)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    with pytest.raises(InputError, match="one target"):
        fw.coefficients(ours)


def test_a_lasso_of_several_classes_is_scikit_learns():
    X, y = flowers()
    settings = {"C": 0.1, "l1_ratio": 1.0}
    theirs = sk.LogisticRegression(solver="saga", tol=1e-10, max_iter=100_000, **settings).fit(X, y)
    ours = fw.LogisticRegression(**settings).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    assert np.count_nonzero(ours.coef_) < ours.coef_.size


@pytest.mark.parametrize("scoring", ["neg_log_loss", "accuracy", "balanced_accuracy"])
def test_several_classes_with_the_strength_chosen_are_scikit_learns(scoring):
    X, y = flowers()
    settings = {"Cs": [0.01, 1.0], "l1_ratios": (0.0,), "scoring": scoring, "use_legacy_attributes": False}
    theirs = sk.LogisticRegressionCV(solver="newton-cholesky", tol=1e-12, max_iter=1000, **settings).fit(X, y)
    ours = fw.LogisticRegressionCV(**settings).fit(X, y)
    np.testing.assert_allclose(ours.scores_, theirs.scores_, atol=1e-4)
    np.testing.assert_allclose(ours.coefs_paths_, theirs.coefs_paths_, atol=1e-3)  # paths end at a gap of 1e-10
    np.testing.assert_allclose(ours.C_, theirs.C_)


@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
def test_several_targets_are_scikit_learns(l1_ratio):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    Y = X[:, [1]] * [1.0, 2.0] + rng.normal(size=(60, 2)) + 3.0
    theirs = sk.MultiTaskElasticNet(alpha=0.3, l1_ratio=l1_ratio, tol=1e-12, max_iter=100_000).fit(X, Y)
    ours = fw.MultiTaskElasticNet(alpha=0.3, l1_ratio=l1_ratio).fit(X, Y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-6)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-6)
    settings = {"l1_ratio": l1_ratio, "alphas": [1.0, 0.3, 0.1], "cv": 4}
    theirs = sk.MultiTaskElasticNetCV(tol=1e-12, max_iter=100_000, **settings).fit(X, Y)
    ours = fw.MultiTaskElasticNetCV(**settings).fit(X, Y)
    assert ours.alpha_ == theirs.alpha_
    np.testing.assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=1e-4)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    assert fw.MultiTaskElasticNetCV(rule="1se", **settings).fit(X, Y).alpha_ >= ours.alpha_
    with pytest.raises(InputError, match="a column for each target"):
        ours.fit(X, Y[:, 0])


def survival(n=80, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    time, event = rng.exponential(np.exp(-X[:, 0])), rng.random(n) < 0.7
    return X, time, event, np.array(list(zip(event, time, strict=True)), dtype=[("died", bool), ("days", float)])


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_cox_meets_the_conditions_of_its_minimum(alpha):
    X, time, event, y = survival()
    model = fw.CoxRegressor(alpha=alpha).fit(X, y)
    risk, gradient = np.exp(X @ model.coef_), np.zeros(4)
    for i in np.flatnonzero(event):
        at_risk = time >= time[i]
        gradient += X[i] - risk[at_risk] @ X[at_risk] / risk[at_risk].sum()
    np.testing.assert_allclose(gradient / len(y), alpha * model.coef_, atol=1e-7)
    columns = fw.CoxRegressor(alpha=alpha).fit(X, np.column_stack([time, event]))
    np.testing.assert_array_equal(columns.coef_, model.coef_)
    assert fw.coefficients(model).intercept == 0.0


def test_concordance_counts_pairs():
    rng = np.random.default_rng(0)
    time, event, risk = rng.integers(1, 8, 40).astype(float), rng.random(40) < 0.6, rng.integers(0, 5, 40).astype(float)
    right = pairs = 0.0
    for i in range(40):
        for j in range(40):
            if event[i] and (time[j] > time[i] or (time[j] == time[i] and not event[j])):
                pairs += 1.0
                right += 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    assert concordance(time, event.astype(float), risk) == pytest.approx(right / pairs)
    with pytest.raises(InputError, match="no comparable pair"):
        concordance(time, np.zeros(40), risk)


@pytest.mark.parametrize("scoring", ["deviance", "concordance"])
def test_cox_with_the_strength_chosen(scoring):
    X, time, event, y = survival()
    model = fw.CoxRegressorCV(alphas=[0.5, 0.1, 0.02], cv=4, scoring=scoring).fit(X, y)
    assert model.alpha_ == model.alphas_[np.argmax(model.scores_.mean(axis=1))]
    single = fw.CoxRegressor(alpha=model.alpha_).fit(X, y)
    np.testing.assert_array_equal(model.coef_, single.coef_)
    assert model.score(X, y) == concordance(time, event.astype(float), X @ model.coef_) > 0.6
    if scoring == "concordance":
        test = model.folds_.test_rows(2)
        coef, _ = model.paths_.model({2}, at=1)
        assert model.scores_[1, 2] == concordance(time[test], event[test].astype(float), X[test] @ coef)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda time, event: (time, event & False), "an event for family='cox', got censored times alone"),
        (lambda time, event: (np.where(time == time.max(), -1.0, time), event), "time >= 0"),
        (lambda time, event: (np.where(time == time.max(), np.nan, time), event), "a finite time"),
    ],
)
def test_times_that_can_not_be_used(change, message):
    X, time, event, _ = survival()
    y = np.column_stack(change(time, event))
    for model in (fw.CoxRegressor(), fw.CoxRegressorCV(cv=3)):
        with pytest.raises(InputError, match=message):
            model.fit(X, y)


def test_events_in_every_fold_are_asked_for():
    X, time, event, _ = survival()
    first = np.column_stack([time, np.arange(80) < 20])
    with pytest.raises(InputError, match="an event in every fold, got none in fold 1"):
        fw.CoxRegressorCV(cv=fw.Folds.kfold(80, 4, shuffle=False)).fit(X, first)
    with pytest.raises(InputError, match="ties must be one of"):
        fw.CoxRegressor(ties="exact").fit(X, np.column_stack([time, event]))
