"""Several classes: slopes, gap and conjugate hold, folds equal refits, scikit-learn's ridge is met, nothing leaks."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

import foldwise as fw
import foldwise.paths.generalized.fit as engine
from foldwise.errors import InputError
from foldwise.families import Multinomial
from foldwise.paths import OutputPaths
from foldwise.paths.generalized import working_sets
from foldwise.paths.scores import held_out_scores

N, P, C = 90, 4, 3


def table(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, P)) * [1.0, 5.0, 0.2, 1.0] + [3.0, 0.0, 0.0, -1.0]
    Z = (X - X.mean(0)) / X.std(0)
    return X, np.argmax(Z[:, :C] + rng.gumbel(size=(N, C)), axis=1)


def test_slopes_are_the_loss_s_own():
    rng = np.random.default_rng(1)
    family, eta = Multinomial(), rng.normal(size=(20, C))
    y = np.eye(C)[rng.integers(0, C, 20)]
    gradient, diagonal = family.slopes(eta, y)
    for c in range(C):
        step = 1e-5 * np.eye(C)[c]
        slope = (family.loss(eta + step, y) - family.loss(eta - step, y)) / 2e-5
        np.testing.assert_allclose(gradient[:, c], slope, atol=1e-9)
        bend = (family.slopes(eta + step, y)[0] - family.slopes(eta - step, y)[0])[:, c] / 2e-5
        np.testing.assert_allclose(diagonal[:, c], bend, atol=1e-9)


@pytest.mark.parametrize("size", [1e-3, 0.1, 3.0])
def test_misfit_is_what_a_dual_point_leaves(size):
    rng = np.random.default_rng(2)
    family, eta = Multinomial(), rng.normal(size=(50, C))
    y = np.eye(C)[rng.integers(0, C, 50)]
    gradient, bend = family.slopes(eta, y)
    away = size * rng.normal(size=(50, C))
    bound, u = family.misfit(eta, y, gradient, bend, gradient + away - away.mean(axis=1, keepdims=True))
    exact = family.loss(eta, y) + family.conjugate(u, y) - (u * eta).sum(axis=1)
    np.testing.assert_allclose(bound, exact, atol=1e-12)
    if size < 0.01:
        np.testing.assert_allclose(u, gradient + away - away.mean(axis=1, keepdims=True))


@pytest.mark.parametrize("intercept", [True, False])
def test_ridge_equals_scikit_learn(intercept):
    X, y = table()
    X = (X - X.mean(0)) / X.std(0)
    paths = fw.fit_paths(
        X,
        y,
        family="multinomial",
        alphas=[0.2, 0.01],
        l1_ratio=0.0,
        standardize=False,
        fit_intercept=intercept,
        tol=1e-15,
    )
    assert isinstance(paths, OutputPaths)
    for a, alpha in enumerate(paths.alphas):
        theirs = LogisticRegression(C=1 / (alpha * N), tol=1e-12, max_iter=10000, fit_intercept=intercept).fit(X, y)
        np.testing.assert_allclose(paths.coef[0, a].T, theirs.coef_, atol=1e-6)
        mine = paths.intercept[0, a] if intercept else np.zeros(C)
        np.testing.assert_allclose(mine, theirs.intercept_ - theirs.intercept_.mean(), atol=1e-6)
        np.testing.assert_allclose(paths.predict(X)[:, a], theirs.predict_proba(X), atol=1e-6)


def objective(paths, X, y, weight, h, a):
    coef, b0 = paths.coef[h, a], paths.intercept[h, a]
    loss = np.average(Multinomial().loss(X @ coef + b0, np.eye(C)[y]), weights=weight)
    b = coef * paths.scale[h][:, None]
    ratio = paths.l1_ratio
    return loss + paths.alphas[a] * (ratio * np.abs(b).sum() + (1 - ratio) / 2 * (b**2).sum())


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_every_held_out_set_is_at_its_minimum_and_gaps_say_how_near(l1_ratio):
    X, y = table(3)
    weight = np.random.default_rng(3).random(N) + 0.3
    folds = fw.Folds.kfold(N, n_folds=3)
    common = {"family": "multinomial", "folds": folds, "nested": True, "sample_weight": weight, "l1_ratio": l1_ratio}
    rough = fw.fit_paths(X, y, alphas=6, eps=0.05, tol=1e-2, **common)
    exact = fw.fit_paths(X, y, alphas=rough.alphas, tol=1e-13, **common)
    for h, members in enumerate(exact.held_out):
        rows = folds.training_rows(members)
        alone = fw.fit_paths(
            X[rows], y[rows], family="multinomial", alphas=rough.alphas, l1_ratio=l1_ratio, tol=1e-13,
            sample_weight=weight[rows],
        )  # fmt: skip
        for a in (1, 5):
            best = objective(exact, X[rows], y[rows], weight[rows], h, a)
            assert objective(rough, X[rows], y[rows], weight[rows], h, a) - best <= rough.dual_gap[h, a] + 1e-12
            np.testing.assert_allclose(X @ exact.coef[h, a], X @ alone.coef[0, a], atol=1e-4)

            def at(z, rows=rows, h=h, a=a):
                """The objective of coefficients written as differences of two nonnegative ones."""
                b = (z[: P * C] - z[P * C : 2 * P * C]).reshape(P, C)
                eta = X[rows] @ (b / exact.scale[h][:, None]) + z[2 * P * C :]
                loss = np.average(Multinomial().loss(eta, np.eye(C)[y[rows]]), weights=weight[rows])
                smooth = (1 - l1_ratio) / 2 * (b**2).sum()
                return loss + exact.alphas[a] * (l1_ratio * z[: 2 * P * C].sum() + smooth)

            box = [(0.0, None)] * (2 * P * C) + [(None, None)] * C
            found = minimize(at, np.zeros(2 * P * C + C), method="L-BFGS-B", bounds=box, options={"maxiter": 2000})
            assert best <= found.fun + 1e-9


def test_leak():
    X, y = table(4)
    folds = fw.Folds.kfold(N, n_folds=3)
    moved, y_moved = X.copy(), y.copy()
    moved[folds.test_rows(1)] += 1e6
    y_moved[folds.test_rows(1)] = (y[folds.test_rows(1)] + 1) % C
    before, after = (
        fw.fit_paths(a, b, family="multinomial", alphas=[0.05, 0.01], folds=folds, tol=1e-13)
        for a, b in ((X, y), (moved, y_moved))
    )
    h = before.index({1})
    np.testing.assert_allclose(after.coef_per_sd[h], before.coef_per_sd[h], atol=3e-5)
    assert np.abs(after.coef[0] - before.coef[0]).max() > 1e-3


def test_scores():
    X, y = table(5)
    folds = fw.Folds.kfold(N, n_folds=3)
    paths = fw.fit_paths(X, y, family="multinomial", alphas=4, folds=folds, nested=True)
    cv, inner = held_out_scores(paths, X, y, folds)
    np.testing.assert_allclose(cv, paths.cv_error, rtol=1e-9)
    np.testing.assert_allclose(inner, paths.inner_error, rtol=1e-9)
    np.testing.assert_allclose(held_out_scores(paths, X, y, folds, "log_loss")[0], cv / 2)
    with pytest.raises(InputError, match="score 'auc' is for two classes"):
        held_out_scores(paths, X, y, folds, "auc")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full(N, 0.5), "y must be class numbers 0, 1, 2"),
        (np.zeros(N), "y must have every class 0..1 for family='multinomial', got no 1"),
        (np.where(np.arange(N) < 5, 0, 2), "y must have every class 0..2 .* got no 1"),
    ],
)
def test_bad_targets_are_named(y, message):
    with pytest.raises(InputError, match=message):
        fw.fit_paths(table()[0], y, family="multinomial")


def test_offsets_and_gaussian_tools_are_refused():
    X, y = table()
    with pytest.raises(InputError, match="offset must be left out with family='multinomial'"):
        fw.fit_paths(X, y, family="multinomial", offset=np.zeros(N))
    paths = fw.fit_paths(X, y, family="multinomial", alphas=3)
    with pytest.raises(InputError, match="paths must be those of the gaussian family, got 'multinomial'"):
        paths.information(fw.FoldMoments.scan(X, y))
    with pytest.raises(InputError, match="no single picture"):
        paths.plot()


@pytest.mark.parametrize("wrap", [np.asarray, sparse.csr_array])
def test_working_columns_are_enough(wrap, monkeypatch):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(N, 60)) * (rng.random((N, 60)) < 0.5)
    y = np.argmax(X[:, :C] + rng.gumbel(size=(N, C)), axis=1)
    common = {
        "family": "multinomial",
        "folds": fw.Folds.kfold(N, n_folds=3, repeats=2),
        "nested": True,
        "alphas": 10,
        "eps": 0.3,
        "penalty_factor": np.r_[np.ones(59), 0.3],
        "bounds": (-0.4, 1.0),
        "tol": 1e-12,
    }
    whole = fw.fit_paths(wrap(X), y, **common)
    monkeypatch.setattr(engine, "FEW_COLUMNS", 10)
    monkeypatch.setattr(working_sets, "MOST_IDLE", 6)  # so that columns go again
    some = fw.fit_paths(wrap(X), y, **common)
    assert len(some.columns) < 60
    np.testing.assert_allclose(some.alphas, whole.alphas, rtol=1e-6)
    np.testing.assert_allclose(some.coef, whole.coef, atol=1e-4)
    np.testing.assert_allclose(some.cv_error, whole.cv_error, rtol=1e-4)


def test_a_wide_table_takes_little_memory_and_leaks_nothing():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, 2000))
    y = np.arange(60) % 4
    X[:, :4] += 2.0 * np.eye(4)[y]
    folds = fw.Folds.kfold(60, n_folds=3)
    moved, y_moved = X.copy(), y.copy()
    moved[folds.test_rows(1)] += 1e6  # which makes all columns alike for the sets that see it
    y_moved[folds.test_rows(1)] = 3
    common = {"family": "multinomial", "folds": folds, "alphas": [0.2, 0.15], "tol": 1e-12}
    before = fw.fit_paths(X, y, **common)
    tracemalloc.start()
    after = fw.fit_paths(moved, y_moved, **common)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    h = before.index({1})
    np.testing.assert_allclose(after.coef[h], before.coef[h], atol=3e-5)
    assert before.coef[h].any()
    assert after.gap[h].max() <= 1e-12
    assert np.abs(after.coef[0] - before.coef[0]).max() > 1e-3
    assert peak < 60 * X.nbytes  # the sets' matrices of all coefficients would be 2,000 times X


def test_wide_ridge_is_refused():
    with pytest.raises(InputError, match="l1_ratio must be above 0 for 2000 columns and 3 classes"):
        fw.fit_paths(np.zeros((6, 2000)), np.arange(6) % 3, family="multinomial", l1_ratio=0.0)
