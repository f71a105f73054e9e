"""Generalized estimators: scikit-learn's solutions, labels, offsets, weights, and what is refused."""

import warnings

import numpy as np
import pytest
import sklearn.linear_model as sk
from scipy import sparse
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

import foldwise as fw
from foldwise.errors import InputError, SeparationWarning


def table(seed=0, n=120, p=5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 3.0, p)
    return rng, X, 0.4 * X[:, 0] - 0.3 * X[:, 2]


def classes(seed=0, n=120):
    rng, X, eta = table(seed, n)
    return X, np.where(eta + rng.logistic(size=n) > 0, "yes", "no")


def near(ours, theirs, tolerance=1e-6):
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=tolerance * np.abs(theirs.coef_).max())
    np.testing.assert_allclose(
        ours.intercept_, theirs.intercept_, atol=tolerance * (1 + np.abs(theirs.intercept_).max())
    )


@pytest.mark.parametrize("C", [0.01, 1.0, np.inf])
@pytest.mark.parametrize("class_weight", [None, "balanced", {"no": 3.0}])
@pytest.mark.parametrize("weighted", [False, True])
def test_logistic_ridge_is_scikit_learns(C, class_weight, weighted):
    X, y = classes()
    weights = np.random.default_rng(1).uniform(0, 2, len(y)) if weighted else None
    settings = {"C": C, "class_weight": class_weight}
    theirs = sk.LogisticRegression(solver="newton-cholesky", tol=1e-12, max_iter=1000, **settings).fit(X, y, weights)
    ours = fw.LogisticRegression(**settings).fit(X, y, weights)
    near(ours, theirs)
    assert ours.gap_ <= 1e-12
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_allclose(getattr(ours, method)(X), getattr(theirs, method)(X), atol=1e-6)
    assert ours.score(X, y) == theirs.score(X, y)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_logistic_lasso_and_elastic_net_are_scikit_learns(l1_ratio, fit_intercept):
    X, y = classes()
    settings = {"C": 0.2, "l1_ratio": l1_ratio, "fit_intercept": fit_intercept}
    theirs = sk.LogisticRegression(solver="saga", tol=1e-12, max_iter=100_000, **settings).fit(X, y)
    near(fw.LogisticRegression(**settings).fit(X, y), theirs)


COUNTED = [
    ("PoissonRegressor", {}, lambda rng, eta: rng.poisson(np.exp(eta))),
    ("GammaRegressor", {}, lambda rng, eta: rng.gamma(2.0, np.exp(eta))),
    ("TweedieRegressor", {"power": 1.5}, lambda rng, eta: rng.poisson(np.exp(eta)) * rng.gamma(2.0, size=len(eta))),
    ("TweedieRegressor", {"power": 0.0}, lambda rng, eta: eta + rng.normal(size=len(eta))),
]


@pytest.mark.parametrize(("name", "settings", "draw"), COUNTED)
@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_regressors_are_scikit_learns(name, settings, draw, alpha, weighted):
    rng, X, eta = table()
    y, weights = draw(rng, eta), rng.uniform(0, 2, len(eta)) if weighted else None
    theirs = getattr(sk, name)(alpha=alpha, solver="newton-cholesky", tol=1e-12, max_iter=1000, **settings)
    theirs.fit(X, y, weights)
    ours = getattr(fw, name)(alpha=alpha, **settings).fit(X, y, weights)
    near(ours, theirs)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-5, atol=1e-6)
    assert ours.score(X, y, weights) == pytest.approx(theirs.score(X, y, weights), abs=1e-6)
    near(getattr(fw, name)(alpha=alpha, **settings).fit(sparse.csr_array(X), y, weights), theirs)


@pytest.mark.parametrize("alpha", [1e-4, 3.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_huber_is_scikit_learns_with_the_scale_fitted_too(alpha, fit_intercept):
    rng, X, eta = table()
    y, weights = 5.0 * eta + rng.standard_t(1.5, size=len(eta)), rng.uniform(0.5, 2, len(eta))
    settings = {"alpha": alpha, "fit_intercept": fit_intercept}
    theirs = sk.HuberRegressor(tol=1e-10, max_iter=100_000, **settings).fit(X, y, weights)
    ours = fw.HuberRegressor(**settings).fit(X, y, weights)
    near(ours, theirs, 1e-5)  # where their search ends
    assert ours.scale_ == pytest.approx(theirs.scale_, rel=1e-5)
    np.testing.assert_array_equal(ours.outliers_, theirs.outliers_)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y), abs=1e-5)


def test_huber_meets_the_conditions_of_its_minimum():
    rng, X, eta = table()
    y = 5.0 * eta + rng.standard_t(1.5, size=len(eta))
    model = fw.HuberRegressor(alpha=0.5).fit(X, y)
    z = (y - model.predict(X)) / model.scale_
    pull = np.clip(z, -1.35, 1.35)
    np.testing.assert_allclose(X.T @ pull, 0.5 * model.coef_, atol=1e-8)
    assert abs(pull.sum()) < 1e-8
    assert np.mean(pull**2) == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("noise", [0.0, 1e-6, 1e-3])
def test_huber_of_rows_nearly_on_a_plane(noise):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    y = X @ [1.0, 2.0, 3.0] + noise * rng.standard_t(2, size=50)
    y[0] += 10.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fw.HuberRegressor(alpha=0.0).fit(X, y)
    np.testing.assert_allclose(model.coef_, [1.0, 2.0, 3.0], atol=2.0 * noise + 1e-6)
    assert model.outliers_[0]


@pytest.mark.parametrize("standardize", [False, True])
def test_a_robust_lasso_meets_its_conditions(standardize):
    rng, X, eta = table()
    y = 5.0 * eta + rng.standard_t(1.5, size=len(eta))
    model = fw.HuberRegressor(alpha=30.0, l1_ratio=1.0, standardize=standardize).fit(X, y)
    pull = X.T @ np.clip((y - model.predict(X)) / model.scale_, -1.35, 1.35) / (X.std(axis=0) if standardize else 1.0)
    kept = model.coef_ != 0.0
    assert 0 < kept.sum() < 5
    np.testing.assert_allclose(pull[kept], 30.0 * np.sign(model.coef_[kept]), atol=1e-6)
    assert np.abs(pull[~kept]).max() <= 30.0


@pytest.mark.parametrize("model", [fw.PoissonRegressor(alpha=0.0), fw.GammaRegressor(alpha=0.0)])
def test_an_offset_is_a_feature_whose_coefficient_is_one(model):
    rng, X, eta = table()
    y, offset = rng.poisson(np.exp(eta + 1.0)) + 1.0, rng.normal(size=len(eta))
    given = model.fit(X, y, offset=offset)
    means, shifted = given.predict(X, offset=offset), given.predict(X, offset=offset + 2.0)
    np.testing.assert_allclose(shifted, means * np.exp(2.0))
    gradient = X.T @ (means - y) if isinstance(model, fw.PoissonRegressor) else X.T @ (1.0 - y / means)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-4)  # the root of the gap, times rows and means
    with pytest.raises(InputError, match="offset must be given"):
        given.predict(X)
    assert np.isfinite(given.score(X, y, offset=offset))


def test_logistic_with_an_offset_meets_its_conditions():
    X, y = classes()
    offset = np.linspace(-1, 1, len(y))
    model = fw.LogisticRegression(C=np.inf).fit(X, y, offset=offset)
    chance = model.predict_proba(X, offset=offset)[:, 1]
    np.testing.assert_allclose(X.T @ (chance - (y == "yes")), 0.0, atol=1e-5)  # the root of the gap, times the rows


def test_standardize_factors_and_bounds():
    X, y = classes()
    scaled = X / X.std(axis=0)
    plain = fw.LogisticRegression(C=0.1, l1_ratio=0.5).fit(scaled, y)
    model = fw.LogisticRegression(C=0.1, l1_ratio=0.5, standardize=True).fit(X, y)
    np.testing.assert_allclose(model.coef_ * X.std(axis=0), plain.coef_, atol=1e-9)
    free = fw.LogisticRegression(C=1e-3, l1_ratio=1.0, penalty_factor=[0, 1, 1, 1, np.inf]).fit(X, y)
    assert np.flatnonzero(free.coef_).tolist() == [0]
    boxed = fw.LogisticRegression(bounds=(0.0, None)).fit(X, y)
    assert boxed.coef_.min() == 0.0 < boxed.coef_.max()


@pytest.mark.parametrize("labels", [("a", "b"), (False, True), (1, 2), (-1.0, 7.0), (0, 1)])
def test_labels_of_any_kind(labels):
    X, y = classes()
    labelled = np.array(labels)[(y == "yes").astype(int)]
    model = fw.LogisticRegression().fit(X, labelled)
    assert model.classes_.tolist() == list(labels)
    assert set(model.predict(X).tolist()) == set(labels)
    np.testing.assert_array_equal(model.coef_, fw.LogisticRegression().fit(X, y).coef_)


@pytest.mark.parametrize("exact", [True, False])
def test_separated_classes_are_explained(exact):
    X, _ = classes()
    y = (X[:, 0] > 0).astype(int)
    if not exact:  # where the first feature is 0 it says nothing
        X[:20, 0], y[:10], y[10:20] = 0.0, 0, 1
    with pytest.warns(SeparationWarning, match="the classes are separated") as caught:
        fw.LogisticRegression(C=np.inf).fit(X, y)
    assert len(caught) == 1
    assert ("in part" in str(caught[0].message)) is not exact
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fw.LogisticRegression().fit(X, y)


def test_large_chances_are_no_separation():
    rng = np.random.default_rng(0)
    x = 20.0 * rng.normal(size=200)
    y = x + rng.logistic(size=200) > 0
    y[np.argmin(np.abs(x))] ^= True
    X = np.column_stack([x, rng.normal(size=200)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fw.LogisticRegression(C=np.inf).fit(X, y)
    assert model.predict_proba(X).min() < 1e-6


def test_coefficients_know_the_generalized_models():
    X, y = classes()
    model = fw.LogisticRegression().fit(X, y)
    found = fw.coefficients(model)
    assert found.per_sd is not None
    rng, X, eta = table()
    huber = fw.HuberRegressor().fit(X, eta + rng.normal(size=len(eta)))
    shown = fw.coefficients(huber)
    order = [int(name[1:]) for name in shown.names]
    np.testing.assert_allclose(shown.per_sd, (huber.coef_ * X.std(axis=0))[order])


X3 = np.arange(12.0).reshape(6, 2)


@pytest.mark.parametrize(
    ("model", "y", "extra", "message"),
    [
        (fw.LogisticRegression(), ["a"] * 6, {}, "only one class, 'a'"),
        (fw.LogisticRegression(), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], {}, "continuous"),
        (fw.LogisticRegression(C=0.0), list("aabbab"), {}, "C must be a number > 0, got 0.0"),
        (fw.LogisticRegression(class_weight={"c": 1}), list("aabbab"), {}, "class_weight must have classes as keys"),
        (fw.LogisticRegression(class_weight="even"), list("aabbab"), {}, "class_weight must be a dict"),
        (fw.LogisticRegression(), list("aabbab"), {"offset": np.zeros(5)}, "offset must have one number for each of"),
        (fw.LogisticRegression(), list("aaaaab"), {"sample_weight": [1, 1, 1, 1, 1, 0]}, "for a row of each class"),
        (fw.LogisticRegressionCV(cv=3), list("aaaaab"), {}, "class 'b' has its only row in fold"),
        (fw.LogisticRegressionCV(cv=fw.Folds.from_labels([0, 0, 1, 1, 2, 2])), list("aaaabb"), {}, "all its 2 rows"),
        (fw.LogisticRegressionCV(Cs=[1.0, -1.0]), list("aabbab"), {}, r"Cs\[1\] must be a number > 0"),
        (fw.PoissonRegressor(), [1, 2, -3, 4, 5, 6], {}, "y must be >= 0 for family='poisson', got -3 in row 2"),
        (fw.PoissonRegressor(), [0] * 6, {}, "a positive count"),
        (fw.GammaRegressor(), [1, 2, 0, 4, 5, 6], {}, "y must be > 0 for family='gamma', got 0 in row 2"),
        (fw.GammaRegressorCV(), [1, 2, 0, 4, 5, 6], {}, "y must be > 0"),
        (fw.TweedieRegressor(power=3), [1, 2, 3, 4, 5, 6], {}, "power must be 0"),
        (fw.TweedieRegressor(power=1.5, link="identity"), [1, 2, 3, 4, 5, 6], {}, "link must be 'auto' or 'log'"),
        (fw.HuberRegressor(epsilon=0.5), [1, 2, 3, 4, 5, 6], {}, "epsilon must be a number >= 1"),
        (fw.PoissonRegressor(), [1, 2, 3, 4, 5, 6], {"offset": [0, 0, 0, 0, 0, np.inf]}, "offset must be finite"),
        (fw.PoissonRegressorCV(scoring="auc", cv=3), [1, 2, 3, 4, 5, 6], {}, "scoring must be one for amounts"),
        (fw.PoissonRegressorCV(scoring="best", cv=3), [1, 2, 3, 4, 5, 6], {}, "scoring must be one of"),
    ],
)
def test_input_that_can_not_be_used(model, y, extra, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # scikit-learn's, of the least populated class
        with pytest.raises(InputError, match=message):
            model.fit(X3, y, **extra)


def test_a_solution_without_certificate_says_so():
    rng, X, eta = table()
    X = np.column_stack([X, X[:, 0] * (1.0 + 1e-9)])  # next to collinear, in units far apart
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = fw.PoissonRegressor(alpha=0.0).fit(X, rng.poisson(np.exp(eta)))
    assert (model.gap_ <= 1e-12) or any(issubclass(w.category, ConvergenceWarning) for w in caught)


@pytest.mark.parametrize("rule", ["min", "1se"])
def test_logistic_cv_is_scikit_learns(rule):
    X, y = classes(n=150)
    Cs = [1.0, 0.01, 30.0, 0.1]
    settings = {"Cs": Cs, "l1_ratios": (0.0,), "scoring": "neg_log_loss", "use_legacy_attributes": False}
    theirs = sk.LogisticRegressionCV(solver="newton-cholesky", tol=1e-12, max_iter=1000, **settings).fit(X, y)
    ours = fw.LogisticRegressionCV(rule=rule, **settings).fit(X, y)
    np.testing.assert_allclose(ours.scores_, theirs.scores_, atol=1e-5)
    np.testing.assert_allclose(ours.coefs_paths_, theirs.coefs_paths_, atol=1e-3)  # paths end at a gap of 1e-10
    assert ours.Cs_.tolist() == Cs
    if rule == "min":
        np.testing.assert_allclose(ours.C_, theirs.C_)
        near(ours, theirs)
    else:
        assert ours.C_ <= theirs.C_


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "neg_brier_score", "balanced_accuracy", None])
def test_scores_are_scikit_learns(scoring):
    X, y = classes(n=150)
    settings = {"Cs": [0.01, 1.0], "l1_ratios": (0.0,), "scoring": scoring, "use_legacy_attributes": False}
    theirs = sk.LogisticRegressionCV(solver="newton-cholesky", tol=1e-12, max_iter=1000, **settings)
    weights = np.random.default_rng(2).uniform(0.5, 2.0, 150)
    ours = fw.LogisticRegressionCV(**settings).fit(X, y, weights)
    np.testing.assert_allclose(ours.scores_, theirs.fit(X, y, weights).scores_, atol=1e-5)


def test_regressors_choose_over_both_and_refit_all_rows():
    rng, X, eta = table(n=150)
    y = rng.poisson(np.exp(eta))
    model = fw.PoissonRegressorCV(alphas=[1.0, 0.1, 0.01], l1_ratio=[0.0, 1.0], cv=3).fit(X, y)
    assert model.scores_.shape == (2, 3, 3)
    mean = model.scores_.mean(axis=2)
    at = np.unravel_index(np.argmax(mean), mean.shape)
    assert (model.l1_ratio_, model.alpha_) == ([0.0, 1.0][at[0]], model.alphas_[at])
    single = fw.PoissonRegressor(alpha=model.alpha_, l1_ratio=model.l1_ratio_).fit(X, y)
    np.testing.assert_array_equal(model.coef_, single.coef_)
    again = fw.PoissonRegressorCV(alphas=[1.0, 0.1, 0.01], l1_ratio=[0.0, 1.0], cv=3, scoring="mse").fit(X, y)
    scorer = fw.PoissonRegressorCV(alphas=[1.0, 0.1, 0.01], cv=3, scoring="neg_mean_squared_error", rule="1se").fit(
        X, y
    )
    assert again.scores_.shape == (2, 3, 3)
    np.testing.assert_array_equal(scorer.scores_, again.scores_[0])
    assert scorer.alpha_ >= 0.01


@pytest.mark.parametrize("model", [fw.PoissonRegressorCV, fw.LogisticRegressionCV])
def test_rows_held_out_do_not_leak(model):
    rng, X, eta = table(n=60)
    y = (eta + rng.normal(size=60) > 0).astype(int) if model is fw.LogisticRegressionCV else rng.poisson(np.exp(eta))
    strengths = {"Cs": [0.1]} if model is fw.LogisticRegressionCV else {"alphas": [0.1]}
    folds = fw.Folds.stratified(y, 3)
    moved = X.copy()
    moved[folds.test_rows(1)] += 1e6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the final model has the moved rows, and need not get far
        found = [model(cv=folds, standardize=True, **strengths).fit(rows, y).paths_ for rows in (X, moved)]
    before, after = (paths[0] if isinstance(paths, tuple) else paths for paths in found)
    at = before.index({1})
    np.testing.assert_allclose(after.coef[at], before.coef[at], rtol=1e-5)


def test_signatures_are_written_out_and_complete():
    ours = set(fw.TweedieRegressor().get_params())
    assert set(sk.TweedieRegressor().get_params()) <= ours
    assert {"standardize", "penalty_factor", "bounds", "l1_ratio"} <= ours
    for name in ("LogisticRegression", "LogisticRegressionCV", "PoissonRegressor", "GammaRegressor", "HuberRegressor"):
        theirs = getattr(sk, name)().get_params()
        made = getattr(fw, name)().get_params()
        assert set(theirs) <= set(made)
    with pytest.raises(TypeError, match="unexpected keyword argument 'alfa'"):
        fw.PoissonRegressor(alfa=1.0)


def test_columns_of_very_different_sizes_take_many_short_steps_and_arrive():
    """The tumours as they come, unscaled: at C = 3 one fold's first full steps all lead too far."""
    data = load_breast_cancer()
    X, _, y, _ = train_test_split(data.data, data.target, test_size=0.25, stratify=data.target, random_state=0)
    folds = fw.Folds.stratified(y, 10, seed=0)
    model = fw.LogisticRegressionCV(
        cv=folds, l1_ratios=(1.0,), scoring="neg_log_loss", use_legacy_attributes=False
    ).fit(X, y)
    assert model.paths_[0].gap.max() <= 1e-10
