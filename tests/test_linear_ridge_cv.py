"""RidgeCV against scikit-learn's and against naive refits: leave-one-out and folds."""

import numpy as np
import pytest
import sklearn.linear_model as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold, LeaveOneOut, RepeatedKFold

import foldwise as fw
from foldwise.errors import InputError
from foldwise.linear.leave_one_out import leave_one_out_errors

ALPHAS = (0.03, 3.0, 0.5, 40.0)


def draw_rows(seed, targets=None, n=None):
    rng = np.random.default_rng(seed)
    p = int(rng.integers(1, 7))
    n = n or int(rng.integers(9, 30))
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 3, p) + rng.normal(size=p)
    y = X @ rng.normal(size=(p, targets or 1)) + 2 * rng.normal(size=(n, targets or 1))
    return X, y if targets else y[:, 0], rng.uniform(0.3, 2, n)


def assert_same(ours, theirs, names):
    for name in names:
        mine, yours = getattr(ours, name), getattr(theirs, name)
        assert np.shape(mine) == np.shape(yours), name
        np.testing.assert_allclose(mine, yours, rtol=1e-8, atol=1e-9, err_msg=name)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    targets=st.sampled_from([None, 1, 3]),
    weighted=st.booleans(),
    fit_intercept=st.booleans(),
    alpha_per_target=st.booleans(),
    scoring=st.sampled_from([None, "neg_mean_absolute_error", "r2"]),
)
def test_leave_one_out_equals_scikit_learn(seed, targets, weighted, fit_intercept, alpha_per_target, scoring):
    X, y, w = draw_rows(seed, targets)
    w = w if weighted else None
    options = {"alphas": ALPHAS, "fit_intercept": fit_intercept, "store_cv_results": True, "scoring": scoring}
    options["alpha_per_target"] = alpha_per_target and targets == 3  # for one target scikit-learn fails at it
    ours = fw.RidgeCV(**options).fit(X, y, sample_weight=w)
    theirs = sk.RidgeCV(**options, gcv_mode="svd").fit(X, y, sample_weight=w)
    assert_same(ours, theirs, ["cv_results_", "alpha_", "best_score_", "coef_", "intercept_"])
    assert ours.predict(X).shape == theirs.predict(X).shape


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    targets=st.sampled_from([None, 2]),
    weighted=st.booleans(),
    fit_intercept=st.booleans(),
    scoring=st.sampled_from([None, "neg_root_mean_squared_error"]),
    cv=st.sampled_from([3, KFold(4, shuffle=True, random_state=0), "splits"]),
)
def test_folds_equal_scikit_learn(seed, targets, weighted, fit_intercept, scoring, cv):
    X, y, w = draw_rows(seed, targets)
    w = w if weighted else None
    cv = list(KFold(2).split(X)) if cv == "splits" else cv
    options = {"alphas": ALPHAS, "fit_intercept": fit_intercept, "scoring": scoring, "cv": cv}
    ours = fw.RidgeCV(**options).fit(X, y, sample_weight=w)
    theirs = sk.RidgeCV(**options).fit(X, y, sample_weight=w)
    assert_same(ours, theirs, ["alpha_", "best_score_", "coef_", "intercept_"])
    assert np.max(ours.gap_) <= 1e-9
    paths = ours.paths_ if targets is None else ours.paths_[0]
    assert paths.alphas.tolist() == sorted(ALPHAS, reverse=True)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), fit_intercept=st.booleans())
def test_leave_one_out_errors_equal_naive_refits(seed, fit_intercept):
    X, y, w = draw_rows(seed, n=14)
    w[3] = 0.0
    factors = np.random.default_rng(seed).choice([0.0, 0.5, 2.0, np.inf], X.shape[1])
    errors = leave_one_out_errors(
        X, y[:, None], np.array([0.3, 5.0]), penalty_factor=factors, weights=w, fit_intercept=fit_intercept
    )
    for at, alpha in enumerate([0.3, 5.0]):
        for row in range(len(X)):
            rest = np.arange(len(X)) != row
            model = fw.Ridge(alpha, penalty_factor=factors, fit_intercept=fit_intercept)
            model.fit(X[rest], y[rest], sample_weight=w[rest])
            expected = 0.0 if row == 3 else y[row] - model.predict(X[[row]])[0]
            assert errors[at, row, 0] == pytest.approx(expected, abs=1e-9)


def test_n_folds_are_leave_one_out():
    X, y, _ = draw_rows(4, n=25)
    one_out = fw.RidgeCV(alphas=ALPHAS).fit(X, y)
    folds = fw.RidgeCV(alphas=ALPHAS, cv=LeaveOneOut(), scoring="neg_mean_squared_error").fit(X, y)
    assert folds.best_score_ == pytest.approx(one_out.best_score_, rel=1e-10)
    assert folds.alpha_ == one_out.alpha_
    with pytest.raises(InputError, match=r"R\^2, which needs two rows in a fold"):
        fw.RidgeCV(alphas=ALPHAS, cv=LeaveOneOut()).fit(X, y)


@pytest.mark.parametrize("options", [{"standardize": True}, {"bounds": (-0.3, 0.5)}, {"penalty_factor": 2.0}])
def test_options_reach_every_fold_and_the_final_model(options):
    X, y, w = draw_rows(9, n=40)
    model = fw.RidgeCV(ALPHAS, cv=RepeatedKFold(n_splits=4, n_repeats=2, random_state=1), **options)
    model.fit(X, y, sample_weight=w)
    assert (model.folds_.n_folds, model.folds_.n_repeats) == (4, 2)
    for fold in (1, 6):
        rest, out = model.folds_.training_rows([fold]), model.folds_.test_rows(fold)
        for at, alpha in enumerate(model.paths_.alphas):
            naive = fw.Ridge(alpha, **options).fit(X[rest], y[rest], sample_weight=w[rest])
            h = model.paths_.index([fold])
            np.testing.assert_allclose(model.paths_.coef[h, at], naive.coef_, rtol=1e-7, atol=1e-9)
            error = np.average((y[out] - naive.predict(X[out])) ** 2, weights=w[out])
            assert model.paths_.cv_error[fold, at] == pytest.approx(error, rel=1e-8)
    final = fw.Ridge(model.alpha_, **options).fit(X, y, sample_weight=w)
    # From the path where the rows say that it is as good: within 1e-10 of a fit to the rows.
    np.testing.assert_allclose(model.coef_, final.coef_, rtol=1e-9)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), cv=st.sampled_from([None, 4]))
def test_one_standard_error_rule_takes_the_stronger_penalty(seed, cv):
    X, y, _ = draw_rows(seed)
    alphas = np.geomspace(1e-3, 1e3, 15)
    strong = fw.RidgeCV(alphas, cv=cv, rule="1se").fit(X, y)
    best = fw.RidgeCV(alphas, cv=cv).fit(X, y)
    assert strong.alpha_ >= best.alpha_
    assert strong.best_score_ <= best.best_score_


def test_what_can_not_be_combined_says_why():
    X, y, _ = draw_rows(2)
    cases = [
        (fw.RidgeCV(alphas=[0.0, 1.0]), r"alphas\[0\] must be a number > 0"),
        (fw.RidgeCV(cv=3, store_cv_results=True), "store_cv_results must be False with cv"),
        (fw.RidgeCV(cv=3, alpha_per_target=True), "alpha_per_target must be False with cv"),
        (fw.RidgeCV(standardize=True), "standardize can't be had with cv=None.*pass cv="),
        (fw.RidgeCV(bounds=(0, 1)), "bounds can't be had with cv=None.*pass cv="),
        (fw.RidgeCV(scoring="r2", rule="1se"), "rule must be 'min' with cv=None and scoring"),
        (fw.RidgeCV(gcv_mode="fast"), "gcv_mode must be one of"),
        (fw.RidgeCV(penalty_factor=0.0), "without row 0 the fit is not determined; pass cv="),
    ]
    for model, message in cases:
        with pytest.raises(InputError, match=message):
            model.fit(X if model.penalty_factor is None else np.eye(len(y)), y)
