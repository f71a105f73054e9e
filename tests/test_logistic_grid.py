"""LogisticRegressionCV has every attribute of scikit-learn's class, plain or legacy, refitted or averaged."""

import warnings

import numpy as np
import pytest
import sklearn.linear_model as sk

import foldwise as fw

SETTINGS = {"Cs": [0.5, 0.01, 2.0], "scoring": "neg_log_loss", "cv": 3}


def rows(n_classes, n=120):
    rng = np.random.default_rng(n_classes)
    X = rng.normal(size=(n, 4))
    eta = X[:, :n_classes] * 1.5 + rng.gumbel(size=(n, n_classes))
    return X, np.array(["blue", "green", "red"])[eta.argmax(axis=1)]


def theirs(X, y, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the defaults that are to come
        return sk.LogisticRegressionCV(solver="newton-cholesky", tol=1e-12, max_iter=1000, **settings).fit(X, y)


def assert_alike(mine, other):
    assert mine.Cs_.tolist() == other.Cs_.tolist()
    for name in ("C_", "l1_ratio_", "coef_", "intercept_"):
        assert np.shape(getattr(mine, name)) == np.shape(getattr(other, name)), name
        # Paths end at a gap of 1e-10, whose root coefficients follow.
        # Theirs is [None] for l1_ratios=None with legacy attributes.
        other_value = np.array(np.where(np.equal(getattr(other, name), None), 0.0, getattr(other, name)), dtype=float)
        np.testing.assert_allclose(getattr(mine, name), other_value, atol=1e-3, err_msg=name)
    for name in ("scores_", "coefs_paths_"):
        mine_, other_ = getattr(mine, name), getattr(other, name)
        assert type(mine_) is type(other_)
        if isinstance(mine_, dict):
            assert list(mine_) == list(other_)
            mine_, other_ = np.array(list(mine_.values())), np.array(list(other_.values()))
        assert mine_.shape == other_.shape, name
        np.testing.assert_allclose(mine_, other_, atol=1e-3, err_msg=name)
    assert mine.n_iter_.shape == other.n_iter_.shape


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("l1_ratios", [None, (0.0,)])
def test_attributes_are_scikit_learns(n_classes, legacy, refit, l1_ratios):
    X, y = rows(n_classes)
    settings = {**SETTINGS, "use_legacy_attributes": legacy, "refit": refit, "l1_ratios": l1_ratios}
    assert_alike(fw.LogisticRegressionCV(**settings).fit(X, y), theirs(X, y, **settings))


def test_the_mean_of_the_folds_best_over_mixtures_is_scikit_learns():
    X, y = rows(2)
    settings = {**SETTINGS, "use_legacy_attributes": False, "refit": False, "l1_ratios": np.array([0.2, 0.9])} | {
        "Cs": [2.0, 0.5]
    }
    saga = sk.LogisticRegressionCV(solver="saga", tol=1e-10, max_iter=100_000, **settings).fit(X, y)
    mine = fw.LogisticRegressionCV(**settings).fit(X, y)
    assert_alike(mine, saga)
    assert np.isnan(mine.gap_)


def test_infinity_is_no_penalty():
    X, y = rows(2)
    model = fw.LogisticRegressionCV(Cs=[np.inf], cv=3).fit(X, y)
    single = fw.LogisticRegression(C=np.inf).fit(X, y)
    assert np.isinf(model.C_)
    np.testing.assert_array_equal(model.coef_, single.coef_)


def test_a_mean_has_no_standard_error_rule():
    X, y = rows(2)
    with pytest.raises(fw.errors.InputError, match="rule must be 'min' with refit=False"):
        fw.LogisticRegressionCV(refit=False, rule="1se").fit(X, y)
