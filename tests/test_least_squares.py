"""Least squares and ridge from rows, and their fold-shared form, against plain LAPACK and naive refits."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldwise.solvers.block_factors import block_factors, merge_held_out, solve_held_out
from foldwise.solvers.least_squares import least_squares, ridge_path


def draw(seed, n, p, targets=None):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-3, 3, p) + rng.normal(size=p) * 100
    y = rng.normal(size=n if targets is None else (n, targets)) + 5
    return X, y, rng.uniform(0.2, 3, n)


def naive(X, y, weights=None, fit_intercept=True, ridge=None):  # noqa: FBT002
    """The same problem by numpy's lstsq on augmented rows."""
    n, p = X.shape
    w = np.ones(n) if weights is None else weights
    mean = np.average(X, axis=0, weights=w) if fit_intercept else np.zeros(p)
    start = np.average(y, axis=0, weights=w) if fit_intercept else np.zeros(y.shape[1:])
    root = np.sqrt(w)[:, None]
    A, target = (X - mean) * root, ((y - start).T * root.T).T.reshape(n, -1)
    if ridge is not None:
        A, target = np.vstack([A, np.diag(np.sqrt(ridge))]), np.vstack([target, np.zeros((p, target.shape[1]))])
    scale = np.linalg.norm(A, axis=0)
    coef = (np.linalg.lstsq(A / scale, target, rcond=None)[0] / scale[:, None]).T
    coef = coef[0] if y.ndim == 1 else coef
    return coef, start - coef @ mean


@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    p=st.integers(1, 7),
    extra=st.integers(2, 30),
    weighted=st.booleans(),
    fit_intercept=st.booleans(),
    targets=st.sampled_from([None, 1, 3]),
    penalized=st.booleans(),
    order=st.sampled_from("CF"),
)
def test_equals_lstsq(seed, p, extra, weighted, fit_intercept, targets, penalized, order):
    X, y, w = draw(seed, p + extra, p, targets)
    w = w if weighted else None
    ridge = np.random.default_rng(seed).uniform(0, 4, p) * X.var(axis=0) if penalized else None
    X = np.array(X, order=order)
    kept = X.copy()
    fit = least_squares(X, y, weights=w, fit_intercept=fit_intercept, ridge=ridge)
    coef, intercept = naive(X, y, w, fit_intercept, ridge)
    scale = np.abs(X).max(axis=0)
    np.testing.assert_allclose(fit.coef * scale, coef * scale, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(fit.intercept, intercept, rtol=1e-7, atol=1e-7)
    assert (fit.rank, fit.collinear) == (p, ())
    np.testing.assert_array_equal(X, kept)


def test_zero_weight_is_no_row_and_whole_weight_is_repetition():
    X, y, _ = draw(0, 12, 3)
    weights = np.array([0, 1, 2] * 4, float)
    fit = least_squares(X, y, weights=weights)
    repeated = least_squares(np.repeat(X, weights.astype(int), axis=0), np.repeat(y, weights.astype(int)))
    np.testing.assert_allclose(fit.coef, repeated.coef, rtol=1e-12)
    shifted = X.copy()
    shifted[weights == 0] += 1e6
    np.testing.assert_array_equal(least_squares(shifted, y, weights=weights).coef, fit.coef)


def test_shortest_answer_where_columns_are_collinear():
    X, y, _ = draw(1, 40, 5)
    X = np.column_stack([X, X[:, 0] + X[:, 2], np.full(40, 7.0), 2 * X[:, 4]])
    fit = least_squares(X, y)
    assert fit.rank == 5
    assert fit.collinear == (0, 2, 4, 5, 7)
    assert fit.coef[6] == 0.0
    full = least_squares(X[:, :5], y)
    np.testing.assert_allclose(X @ fit.coef + fit.intercept, X[:, :5] @ full.coef + full.intercept, rtol=1e-9)
    centred = X - X.mean(axis=0)
    np.testing.assert_allclose(fit.coef, np.linalg.pinv(centred, rcond=1e-12) @ (y - y.mean()), rtol=1e-6, atol=1e-9)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), fit_intercept=st.booleans(), weighted=st.booleans())
def test_shortest_answer_of_a_wide_problem(seed, fit_intercept, weighted):
    rng = np.random.default_rng(seed)
    X, y, w = rng.normal(size=(7, 15)), rng.normal(size=7), rng.uniform(0.5, 2, 7)
    w = w if weighted else None
    fit = least_squares(X, y, weights=w, fit_intercept=fit_intercept)
    mean = np.average(X, axis=0, weights=w) if fit_intercept else 0
    start = np.average(y, weights=w) if fit_intercept else 0
    root = np.sqrt(np.ones(7) if w is None else w)
    expected = np.linalg.pinv((X - mean) * root[:, None], rcond=1e-10) @ ((y - start) * root)
    np.testing.assert_allclose(fit.coef, expected, atol=1e-10)
    assert fit.rank == 7 - fit_intercept
    np.testing.assert_allclose(X @ fit.coef + fit.intercept, y, atol=1e-9)


@pytest.mark.parametrize("n", [6, 40])
def test_ridge_where_wide_equals_ridge_on_augmented_rows(n):
    rng = np.random.default_rng(3)
    X, y, ridge = rng.normal(size=(n, 20)), rng.normal(size=n), rng.uniform(0.5, 2, 20)
    ridge[3] = np.inf
    keep = np.flatnonzero(np.isfinite(ridge))
    fit = least_squares(X, y, ridge=ridge)
    coef, intercept = naive(X[:, keep], y, ridge=ridge[keep])
    np.testing.assert_allclose(fit.coef[keep], coef, atol=1e-12)
    np.testing.assert_allclose(fit.intercept, intercept, atol=1e-12)
    assert fit.coef[3] == 0.0


def test_a_column_of_epoch_seconds_beside_a_small_one_costs_no_digits():
    rng = np.random.default_rng(5)
    seconds, small = 1.7e9 + rng.integers(0, 10**6, 500).astype(float), rng.normal(size=500) * 1e-3
    y = 2e-6 * (seconds - 1.7e9) + 500 * small
    fit = least_squares(np.column_stack([seconds, small]), y)
    np.testing.assert_allclose(fit.coef, [2e-6, 500], rtol=1e-11)
    assert fit.rank == 2


def test_a_constant_column_near_rounding_gets_zero():
    X, y, w = draw(2, 30, 2)
    fit = least_squares(np.column_stack([X, np.full(30, 0.1)]), y, weights=w)
    assert fit.coef[2] == 0.0
    np.testing.assert_allclose(fit.coef[:2], least_squares(X, y, weights=w).coef, rtol=1e-9)


@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    p=st.integers(1, 5),
    folds=st.integers(2, 5),
    weighted=st.booleans(),
    fit_intercept=st.booleans(),
)
def test_held_out_sets_equal_naive_refits(seed, p, folds, weighted, fit_intercept):
    X, y, w = draw(seed, 40, p)
    labels = np.random.default_rng(seed).permutation(np.arange(40) ** 2 % 37 % folds)  # unequal folds
    w = w if weighted else None
    held_out = [frozenset(), *(frozenset({k}) for k in range(folds))]
    held_out += [frozenset(pair) for pair in combinations(range(folds), 2)] if folds > 2 else []
    coef, intercept, rank = solve_held_out(X, y, labels, w, held_out, fit_intercept=fit_intercept)
    for h, held in enumerate(held_out):
        rows = ~np.isin(labels, list(held))
        if rows.sum() <= p + 1:
            continue
        fit = least_squares(X[rows], y[rows], weights=None if w is None else w[rows], fit_intercept=fit_intercept)
        assert rank[h] == fit.rank
        scale = np.abs(X).max(axis=0)
        np.testing.assert_allclose(coef[h] * scale, fit.coef * scale, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(intercept[h], fit.intercept, rtol=1e-7, atol=1e-7)


def test_rows_held_out_do_not_leak():
    X, y, w = draw(4, 60, 4)
    labels = np.arange(60) % 5
    held_out = [frozenset({k}) for k in range(5)] + [frozenset({0, 3})]
    coef, intercept, _ = solve_held_out(X, y, labels, w, held_out)
    for h, held in enumerate(held_out):
        shifted = np.isin(labels, list(held))
        moved, moved_start, _ = solve_held_out(X + 1e6 * shifted[:, None], y + 1e6 * shifted, labels, w, [held])
        np.testing.assert_array_equal(moved[0], coef[h])
        assert moved_start[0] == intercept[h]


def test_merged_factors_have_the_cross_products_of_the_rows_they_hold():
    X, y, w = draw(6, 50, 3)
    labels = np.arange(50) % 4
    merged = merge_held_out(block_factors(X, y[:, None], labels, w), [frozenset({2})])[0]
    rows = labels != 2
    Z = np.column_stack([X, y])[rows]
    centred = (Z - np.average(Z, axis=0, weights=w[rows])) * np.sqrt(w[rows])[:, None]
    np.testing.assert_allclose(merged.R.T @ merged.R, centred.T @ centred, rtol=1e-10, atol=1e-8)
    assert merged.weight == pytest.approx(w[rows].sum(), rel=1e-14)


def test_ill_conditioned_folds_keep_the_digits_that_normal_equations_lose():
    x = np.linspace(1, 2, 300)
    X = np.column_stack([x**k for k in range(1, 8)])  # condition about 1e9: its square is beyond double precision
    truth = np.arange(1.0, 8.0)
    coef, _, rank = solve_held_out(X, X @ truth, np.arange(300) % 3, None, [frozenset(), frozenset({1})])
    assert rank.tolist() == [7, 7]
    np.testing.assert_allclose(coef, [truth, truth], rtol=1e-4)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), wide=st.booleans())
def test_ridge_path_meets_its_own_equations(seed, wide):
    rng = np.random.default_rng(seed)
    G, target = rng.normal(size=(6, 9) if wide else (20, 5)), rng.normal(size=(6 if wide else 20, 2))
    penalty = rng.uniform(0.5, 2, G.shape[1])
    penalty[0], penalty[1] = 0.0, np.inf
    alphas = np.array([0.0 if not wide else 1e-3, 0.1, 10.0])
    for alpha, coef in zip(alphas, ridge_path(G, target, alphas, penalty), strict=True):
        assert not coef[1].any()
        keep = np.arange(G.shape[1]) != 1
        gradient = G.T @ (G @ coef - target) + alpha * np.where(keep, penalty, 0)[:, None] * coef
        np.testing.assert_allclose(gradient[keep], 0, atol=1e-9)
