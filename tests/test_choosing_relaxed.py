"""The relaxed lasso: blends, their cross-validated errors and the choice equal naive refits from the rows."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import elastic_net
from scipy.optimize import lsq_linear
from scipy.sparse import csr_matrix

import foldwise as fw
from foldwise.errors import InputError
from foldwise.paths import WideTable, prepare
from foldwise.paths.relaxed import relaxed


def table(rng, n, p):
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p))) * 10.0 ** rng.integers(-1, 2, size=p)
    y = (X - X.mean(0)) / X.std(0) @ (rng.normal(size=p) * (rng.random(p) < 0.6)) + rng.normal(size=n) + 2.0
    return X + 3.0, y


def refit_on_rows(X, y, coef, weight, intercept, bounds):
    """Least squares on the support, within the bounds."""
    root = np.sqrt(weight)
    share = weight / weight.sum()
    centre, y_centre = (share @ X, share @ y) if intercept else (np.zeros(X.shape[1]), 0.0)
    on = np.flatnonzero(coef)
    out = np.zeros(X.shape[1])
    if len(on):
        scale = X[:, on].std(0)
        A, b = root[:, None] * (X - centre)[:, on] / scale, root * (y - y_centre)
        low, high = bounds or (-np.inf, np.inf)
        if bounds:
            out[on] = lsq_linear(A, b, (low * scale, high * scale), method="bvls", tol=1e-14).x / scale
        else:
            out[on] = np.linalg.lstsq(A, b, rcond=None)[0] / scale
    return out, y_centre - centre @ out


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    l1_ratio=st.sampled_from([1.0, 0.6]),
    intercept=st.booleans(),
    weighted=st.booleans(),
    boxed=st.booleans(),
)
def test_blends_equal_naive_refits(seed, l1_ratio, intercept, weighted, boxed):
    rng = np.random.default_rng(seed)
    n, p, gammas = 45, 4, np.array([0.0, 0.3, 1.0])
    X, y = table(rng, n, p)
    if not intercept:
        X = X - 3.0
    weight = rng.random(n) + 0.2 if weighted else np.ones(n)
    bounds = (-0.4, 0.3) if boxed else None
    labels = rng.choice(3, size=(2, n), p=[0.5, 0.3, 0.2])
    labels[:, :3] = np.arange(3)
    folds = fw.Folds.from_labels(labels)
    moments = fw.FoldMoments.scan(X, y, folds, sample_weight=weight if weighted else None)
    asked = {"fit_intercept": intercept, "bounds": bounds}
    paths = fw.fit_paths(moments, alphas=[0.4, 0.1, 0.01], l1_ratio=l1_ratio, **asked)
    found = relaxed(paths, moments, gammas=gammas, **asked)
    expected = np.zeros((6, 3, 3))
    for held_out in found.held_out:
        rows = folds.training_rows(held_out)
        for a, alpha in enumerate(paths.alphas):
            low, high = bounds or (None, None)
            lasso, b0 = elastic_net(
                X[rows], y[rows], alpha, l1_ratio, weight=weight[rows], fit_intercept=intercept, lower=low, upper=high
            )
            full, c0 = refit_on_rows(X[rows], y[rows], lasso, weight[rows], intercept, bounds)
            for g, gamma in enumerate(gammas):
                blend, start = gamma * lasso + (1 - gamma) * full, gamma * b0 + (1 - gamma) * c0
                spread = X.std(0)
                ours = found.coef(g, a, held_out)
                np.testing.assert_allclose(ours * spread, blend * spread, atol=1e-8 * np.std(y))
                assert np.array_equal(ours != 0, blend != 0)
                assert found.intercept(g, a, held_out) == pytest.approx(start, abs=1e-7 * np.std(y) * (1 + abs(start)))
                for block in held_out:
                    test = folds.test_rows(block)
                    error = np.average((y[test] - start - X[test] @ blend) ** 2, weights=weight[test])
                    expected[block, g, a] = error
    np.testing.assert_allclose(found.cv_error, expected, rtol=1e-8)
    np.testing.assert_allclose(found.cv_error[:, -1], paths.cv_error, rtol=1e-10)
    mean = np.average(expected, axis=0, weights=found.fold_weight)
    assert mean[found.choose()] == pytest.approx(mean.min(), rel=1e-8)
    g, a = found.choose("1se")
    assert a <= found.choose()[1]
    assert mean[g, a] <= mean.min() + found.one_standard_error().standard_error * (1 + 1e-9)


def test_missing_values_are_filled_by_each_training_set():
    rng = np.random.default_rng(0)
    X, y = table(rng, 60, 4)
    X[rng.random(X.shape) < 0.1] = np.nan
    X[:, 0] = 0.0  # a column that nothing keeps, so that the others must be picked out
    folds = fw.Folds.kfold(60, n_folds=3)
    moments = fw.FoldMoments.scan(X, y, folds, fill="median")
    found = relaxed(fw.fit_paths(moments, alphas=[0.05]), moments, gammas=[0.0])
    for fold in range(3):
        rows, test = folds.training_rows({fold}), folds.test_rows(fold)
        filled = np.where(np.isnan(X), np.nanmedian(X[rows], axis=0), X)
        coef = found.coef(0, 0, {fold})
        on = np.flatnonzero(coef)
        A = np.c_[np.ones(60), filled[:, on]]
        solution = np.linalg.lstsq(A[rows], y[rows], rcond=None)[0]
        np.testing.assert_allclose(coef[on], solution[1:], rtol=1e-8)
        assert found.cv_error[fold, 0, 0] == pytest.approx(np.mean((y[test] - A[test] @ solution) ** 2), rel=1e-8)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_held_out_rows_do_not_reach_the_refit(seed):
    rng = np.random.default_rng(seed)
    X, y = table(rng, 60, 4)
    folds = fw.Folds.kfold(60, n_folds=4, seed=seed % 1000)

    def refit(X, y):
        moments = fw.FoldMoments.scan(X, y, folds)
        found = relaxed(fw.fit_paths(moments, alphas=[0.3, 0.03]), moments, gammas=[0.0])
        return np.stack([found.coef(0, a, {1}) for a in range(2)])

    moved, y_moved = X.copy(), y.copy()
    moved[folds.test_rows(1)] += 1e6
    y_moved[folds.test_rows(1)] -= 1e6
    distance = np.abs(refit(X, y) - refit(moved, y_moved)) * X.std(0)
    assert distance.max() <= 1e-9 * np.std(y)


def test_one_standard_error_prefers_strength_then_shrinkage():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(80, 20))
    y = 2.0 * X[:, 0] + rng.normal(size=80)
    moments = fw.FoldMoments.scan(X, y, fw.Folds.kfold(80))
    found = relaxed(fw.fit_paths(moments), moments)
    g, a = found.choose("1se")
    mean = np.average(found.cv_error, axis=0, weights=found.fold_weight)
    near = mean <= mean.min() + found.one_standard_error().standard_error
    assert a == np.flatnonzero(near.any(axis=0))[0]
    assert g == np.flatnonzero(near[:, a])[-1]
    assert repr(found).startswith("Relaxed(5 gammas, 100 alphas; smallest error at gamma = ")


def test_more_columns_than_rows_from_rows_at_hand():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 90))
    y = X[:, :3] @ [3.0, -2.0, 2.0] + rng.normal(size=40)
    folds = fw.Folds.kfold(40, n_folds=4)
    moments = fw.FoldMoments.scan(X, y, folds)
    paths = fw.fit_paths(moments, alphas=30, eps=0.02)
    one = relaxed(paths, moments)
    other = relaxed(paths, SimpleNamespace(X=X, y=y, weight=np.ones(40), folds=folds))
    # Refits of nearly as many features as rows are badly conditioned: their error is known to fewer digits.
    few = np.count_nonzero(paths.coef[0], axis=1) < 20
    np.testing.assert_allclose(one.cv_error[..., few], other.cv_error[..., few], rtol=1e-7)
    np.testing.assert_allclose(one.coef(*one.choose()), other.coef(*other.choose()), atol=1e-8)
    saturated = relaxed(fw.fit_paths(moments, alphas=[1e-4]), moments, gammas=[0.0])
    fitted = saturated.intercept(0, 0) + X @ saturated.coef(0, 0)
    np.testing.assert_allclose(fitted, y, atol=1e-6)


def test_collinear_features_get_the_shortest_refit():
    rng = np.random.default_rng(3)
    x = rng.normal(size=50)
    X = np.c_[x, x]
    y = 2.0 * x + 0.1 * rng.normal(size=50)
    moments = fw.FoldMoments.scan(X, y)
    paths = fw.fit_paths(moments, alphas=[0.1], l1_ratio=0.5)
    coef = relaxed(paths, moments, gammas=[0.0]).coef(0, 0)
    assert coef[0] == pytest.approx(coef[1])
    assert coef.sum() == pytest.approx(np.polyfit(x, y, 1)[0])


def test_bad_input_is_named():
    rng = np.random.default_rng(4)
    X, y = table(rng, 30, 3)
    moments = fw.FoldMoments.scan(X, y)
    paths = fw.fit_paths(moments, alphas=5)
    for gammas in ([-0.1], [1.5], [np.nan], [], "half"):
        with pytest.raises(InputError, match="gammas must be numbers from 0 to 1"):
            relaxed(paths, moments, gammas=gammas)
    found = relaxed(paths, moments)
    assert repr(found) == "Relaxed(5 gammas, 5 alphas)"
    with pytest.raises(InputError, match="without folds"):
        found.choose()
    with pytest.raises(InputError, match="held_out must be one of the 1"):
        found.coef(0, 0, {1})
    folded = fw.FoldMoments.scan(X, y, fw.Folds.kfold(30))
    with pytest.raises(InputError, match="rule must be 'min' or '1se', got 'best'"):
        relaxed(fw.fit_paths(folded), folded).choose("best")
    with pytest.raises(InputError, match="paths must solve"):
        relaxed(fw.fit_paths(folded, standardize=False), folded)


@pytest.mark.parametrize("kind", ["dense", "float32", "sparse"])
def test_wide_tables_as_they_are_prepared(kind):
    rng = np.random.default_rng(5)
    X = np.where(rng.random((60, 620)) < 0.5, 0.0, rng.normal(size=(60, 620)))
    X = X.astype(np.float32)
    y = X[:, :3] @ [3.0, -2.0, 2.0] + rng.normal(size=60)
    folds = fw.Folds.kfold(60)
    given_ = {"dense": X.astype(float), "float32": X, "sparse": csr_matrix(X)}[kind]
    table_ = prepare(given_, y, folds=folds)
    assert isinstance(table_, WideTable)
    paths = fw.fit_paths(table_, alphas=20, eps=0.05)
    g, a = (blends := paths.relaxed(table_)).choose()
    kept = np.flatnonzero(paths.model(at=a)[0])
    A = np.c_[np.ones(60), X[:, kept].astype(float)]
    full = np.linalg.lstsq(A, y, rcond=None)[0]
    gamma = blends.gammas[g]
    expected = gamma * paths.model(at=a)[0][kept] + (1 - gamma) * full[1:]
    np.testing.assert_allclose(blends.coef(g, a)[kept], expected, rtol=1e-8)
    assert {0, 1, 2} <= set(kept)
    assert paths.information(table_, "ebic").n_kept[-1] == np.count_nonzero(paths.model(at=-1)[0])
