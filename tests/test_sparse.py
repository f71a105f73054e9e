"""Sparse tables: the same answers as dense ones, tall and wide, and never made dense on the way."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import sparse

import foldwise as fw
from foldwise.errors import AccuracyWarning, InputError
from foldwise.paths import WideTable, prepare


def sparse_table(rng, n, p, density=0.3):
    X = sparse.random_array((n, p), density=density, rng=rng, data_sampler=lambda size: 1.0 + rng.random(size))
    dense = X.toarray()
    dense[:, 4] = 0.0  # a column of zeros
    y = dense[:, :4] @ [3.0, -2.0, 1.0, 0.5] + rng.normal(size=n) + 2.0
    return dense, y


@settings(deadline=None, max_examples=15, phases=[Phase.reuse, Phase.generate])
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from([sparse.csr_array, sparse.csc_array, sparse.csr_matrix, sparse.coo_array]),
    shape=st.sampled_from([(120, 20), (90, 600), (700, 600)]),
    l1_ratio=st.sampled_from([1.0, 0.5, 0.0]),
    standardize=st.booleans(),
    intercept=st.booleans(),
    weights=st.booleans(),
)
def test_sparse_equals_dense(seed, kind, shape, l1_ratio, standardize, intercept, weights):
    rng = np.random.default_rng(seed)
    n, p = shape
    dense, y = sparse_table(rng, n, p)
    folds = fw.Folds.kfold(n, n_folds=3, seed=seed % 1000)
    common = {"l1_ratio": l1_ratio, "nested": True, "standardize": standardize, "fit_intercept": intercept}
    weight = rng.random(n) + 0.2 if weights else None
    moments = fw.FoldMoments.scan(dense, y, folds, sample_weight=weight)
    expected = fw.fit_paths(moments, alphas=8, eps=0.05, **common)
    X = kind(dense)
    paths = fw.fit_paths(X, y, alphas=expected.alphas, folds=folds, sample_weight=weight, **common)
    spread = expected.scale[:, None]
    np.testing.assert_allclose(paths.coef * spread, expected.coef * spread, atol=1e-7 * np.std(y))
    np.testing.assert_allclose(paths.cv_error, expected.cv_error, rtol=1e-7)
    np.testing.assert_allclose(paths.inner_error, expected.inner_error, rtol=1e-7)
    np.testing.assert_allclose(paths.predict(X, {1}), expected.predict(dense, {1}), atol=1e-6 * np.std(y))
    assert paths.gap.max() < 1e-9


def test_a_large_sparse_table_is_never_made_dense():
    rng = np.random.default_rng(0)
    n, p = 2000, 40_000
    X = sparse.random_array((n, p), density=1e-3, rng=rng, format="csr")
    y = X[:, :5].sum(axis=1) * 5.0 + 0.1 * rng.normal(size=n)
    tracemalloc.start()
    paths = fw.fit_paths(X, y, alphas=10, eps=0.3, folds=fw.Folds.kfold(n, n_folds=5))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(prepare(X, y), WideTable)
    assert paths.gap.max() < 1e-9
    assert peak < 0.2 * (8 * n * p)


def test_nearly_collinear_sparse_columns_are_answered_with_a_warning():
    """Dense rows would be solved again by a factor of them; sparse ones are not made dense for it."""
    rng = np.random.default_rng(2)
    dense, y = sparse_table(rng, 300, 8)
    dense[:, 7] = dense[:, 6] + 2e-4 * rng.normal(size=300)
    expected = fw.fit_paths(dense, y, alphas=[0.0], folds=fw.Folds.kfold(300))
    with pytest.warns(AccuracyWarning, match="collinear columns"):
        paths = fw.fit_paths(sparse.csr_array(dense), y, alphas=[0.0], folds=fw.Folds.kfold(300))
    np.testing.assert_allclose(paths.cv_error, expected.cv_error, rtol=1e-6)


def test_bad_entries_are_named():
    X = sparse.csr_array(np.array([[0.0, 1.0], [np.nan, 0.0], [2.0, 3.0]]))
    with pytest.raises(InputError, match="got nan in row 1, column 0"):
        fw.fit_paths(X, np.arange(3.0))
    with pytest.raises(InputError, match="got nan in row 1, column 0"):
        fw.fit_paths(X, np.arange(3.0), fill="mean")


def test_estimators_take_sparse_tables():
    rng = np.random.default_rng(1)
    dense, y = sparse_table(rng, 150, 30)
    X = sparse.csc_matrix(dense)
    for model in (
        fw.Lasso(alpha=0.1),
        fw.ElasticNet(alpha=0.1),
        fw.LassoCV(cv=5),
        fw.ElasticNetCV(cv=5, standardize=True),
    ):
        expected = model.fit(dense, y).coef_.copy()
        np.testing.assert_allclose(model.fit(X, y).coef_, expected, atol=1e-9)
        np.testing.assert_allclose(model.predict(X), model.predict(dense), atol=1e-9)
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        fw.LinearRegression().fit(X, y)
