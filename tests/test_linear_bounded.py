"""Least squares within bounds against scipy's solver and its own optimality conditions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear
from sklearn.exceptions import ConvergenceWarning

import foldwise as fw
from foldwise.solvers.bounded import bounded_least_squares


@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    p=st.integers(1, 12),
    fit_intercept=st.booleans(),
    weighted=st.booleans(),
    penalized=st.booleans(),
)
def test_equals_scipy(seed, p, fit_intercept, weighted, penalized):
    rng = np.random.default_rng(seed)
    n = p + 8
    X = rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-2, 2, p) + rng.normal(size=p)
    y = X @ (rng.normal(size=p) / np.abs(X).max(axis=0)) + rng.normal(size=n)
    w = rng.uniform(0.2, 2, n) if weighted else np.ones(n)
    unit = 1 / np.abs(X).max(axis=0)
    lower = -rng.choice([0.0, 0.3, np.inf], p) * unit
    upper = np.where(lower < 0, rng.choice([0.0, 0.2, 1.0, np.inf], p), rng.choice([0.2, 1.0, np.inf], p)) * unit
    ridge = rng.uniform(0.1, 2, p) / unit**2 if penalized else np.zeros(p)
    ours = bounded_least_squares(X, y, lower, upper, weights=w, fit_intercept=fit_intercept, ridge=ridge)
    mean, start = (np.average(X, axis=0, weights=w), np.average(y, weights=w)) if fit_intercept else (0.0, 0.0)
    A = np.vstack([(X - mean) * np.sqrt(w)[:, None], np.diag(np.sqrt(ridge))]) * unit
    target = np.append((y - start) * np.sqrt(w), np.zeros(p))
    theirs = lsq_linear(A, target, (lower / unit, upper / unit), method="bvls", tol=1e-14)
    assert ours.settled
    assert (ours.coef >= lower).all()
    assert (ours.coef <= upper).all()
    np.testing.assert_allclose(ours.coef / unit, theirs.x, atol=1e-7)  # scipy's steps stop there
    rest = target - A @ (ours.coef / unit)
    pull, x = A.T @ rest, ours.coef / unit
    slack = 1e-9 * max(np.linalg.norm(target), 1)
    assert (np.abs(pull[(ours.coef > lower) & (ours.coef < upper)]) <= slack).all()
    assert (pull[(ours.coef == upper) & (upper > lower)] >= -slack).all()
    assert (pull[(ours.coef == lower) & (upper > lower)] <= slack).all()
    assert x.shape == (p,)


def test_bounds_that_do_not_bind_change_nothing():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 4)), rng.normal(size=30)
    free = fw.LinearRegression().fit(X, y)
    boxed = fw.LinearRegression(bounds=(-100, 100)).fit(X, y)
    np.testing.assert_allclose(boxed.coef_, free.coef_, rtol=1e-13)
    assert boxed.intercept_ == pytest.approx(free.intercept_, rel=1e-13)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), wide=st.booleans())
def test_collinear_columns_stay_within_bounds_and_reach_the_minimum(seed, wide):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(4 if wide else 20, 5))
    X = np.column_stack([X, X[:, 0] - X[:, 1], 3 * X[:, 2]])
    y = rng.normal(size=len(X)) + X[:, 0]
    lower, upper = np.full(7, -0.1), np.full(7, 0.2)
    ours = bounded_least_squares(X, y, lower, upper)
    assert ours.settled
    assert (ours.coef >= lower).all()
    assert (ours.coef <= upper).all()
    centred, target = X - X.mean(axis=0), y - y.mean()
    theirs = lsq_linear(centred, target, (lower, upper), tol=1e-14)
    cost = 0.5 * ((y - ours.intercept - X @ ours.coef) ** 2).sum()
    assert cost <= theirs.cost + 1e-9


def test_bounds_per_column_and_target():
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2)) + 1
    model = fw.LinearRegression(bounds=([0, -0.01, -np.inf], [0, 0.01, np.inf])).fit(X, Y)
    assert model.coef_.shape == (2, 3)
    assert not model.coef_[:, 0].any()
    assert (np.abs(model.coef_[:, 1]) <= 0.01).all()
    assert model.coef_[:, 2].all()


def test_running_out_of_steps_is_said():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(60, 20)), rng.normal(size=60)
    with pytest.warns(ConvergenceWarning, match="not settled after 2 changes. Raise max_iter"):
        fw.Ridge(positive=True, max_iter=2).fit(X, y)
