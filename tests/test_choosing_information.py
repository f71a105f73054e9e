"""Information criteria along a path: residual sums and degrees of freedom from moments equal those from rows."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LassoLarsIC

import foldwise as fw
from foldwise.errors import InputError
from foldwise.paths.criteria import information


def table(rng, n, p):
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.4 * rng.normal(size=(p, p))) * 10.0 ** rng.integers(-2, 3, size=p)
    y = (X - X.mean(0)) / X.std(0) @ (rng.normal(size=p) * (rng.random(p) < 0.6)) + rng.normal(size=n) + 3.0
    return X + 5.0, y


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    l1_ratio=st.sampled_from([1.0, 0.5, 0.0]),
    intercept=st.booleans(),
    standardize=st.booleans(),
    weighted=st.booleans(),
    factors=st.booleans(),
)
def test_residuals_and_freedom_equal_those_from_the_rows(seed, l1_ratio, intercept, standardize, weighted, factors):
    rng = np.random.default_rng(seed)
    n, p = 40, 5
    X, y = table(rng, n, p)
    weight = rng.random(n) + 0.1 if weighted else np.ones(n)
    factor = np.array([0.0, 1.0, 2.0, 0.5, np.inf])[rng.permutation(p)] if factors else np.ones(p)
    moments = fw.FoldMoments.scan(X, y, sample_weight=weight if weighted else None)
    asked = {"fit_intercept": intercept, "standardize": standardize, "penalty_factor": factor}
    paths = fw.fit_paths(moments, alphas=12, l1_ratio=l1_ratio, **asked)
    found = information(paths, moments, "bic", noise_variance=1.7, **asked)
    share = weight / weight.sum()
    centred = X - share @ X if intercept else X
    scale = np.sqrt(share @ (X - share @ X) ** 2) if standardize else np.ones(p)
    for a, alpha in enumerate(paths.alphas):
        coef = paths.coef[0, a]
        residual = y - paths.intercept[0, a] - X @ coef
        assert found.rss[a] == pytest.approx(n * (share @ residual**2), rel=1e-9, abs=1e-9)
        # Tibshirani & Taylor: the trace of the matrix that maps y to its fit, the support held.
        root = np.sqrt(share)[:, None] * centred[:, coef != 0]
        ridge = np.diag(np.sqrt(alpha * (1 - l1_ratio) * factor[coef != 0]) * scale[coef != 0])
        orthogonal = np.linalg.qr(np.vstack([root, ridge]))[0][:n]
        assert found.df[a] == pytest.approx(np.sum(orthogonal**2), rel=1e-7, abs=1e-9)
        assert found.n_kept[a] == np.count_nonzero(coef)
        if l1_ratio == 1.0:
            assert found.df[a] == pytest.approx(found.n_kept[a], abs=1e-8)
    by_hand = n * np.log(2 * np.pi * 1.7) + found.rss / 1.7 + np.log(n) * found.df
    np.testing.assert_allclose(found.values, by_hand, rtol=1e-12)
    assert found.index == np.argmin(by_hand)
    assert found.alpha == paths.alphas[found.index]


@pytest.mark.parametrize("criterion", ["aic", "bic"])
def test_scikit_learns_criteria_at_its_own_knots(criterion):
    X, y = load_diabetes(return_X_y=True)
    theirs = LassoLarsIC(criterion).fit(X, y)
    knots = theirs.alphas_[:-1]
    moments = fw.FoldMoments.scan(X, y)
    paths = fw.fit_paths(moments, alphas=knots, standardize=False)
    ours = information(paths, moments, criterion, standardize=False)
    assert ours.noise_variance == pytest.approx(theirs.noise_variance_, rel=1e-9)
    # At a knot one coefficient is just about to be nonzero: either count is right there, one more or not.
    price = 2.0 if criterion == "aic" else np.log(len(y))
    off = (ours.values - theirs.criterion_[:-1]) / price
    np.testing.assert_allclose(off, np.round(off), atol=1e-6)
    assert np.abs(off).max() < 1.5
    size = np.abs(paths.coef_per_sd[0])
    for a in np.flatnonzero(np.round(off)):
        assert size[a][size[a] > 0].min() < 1e-9 * size[a].max()
    assert ours.alpha == pytest.approx(theirs.alpha_)


def test_the_noise_variance_says_where_it_is_from():
    rng = np.random.default_rng(1)
    X, y = table(rng, 60, 6)
    moments = fw.FoldMoments.scan(X, y)
    paths = fw.fit_paths(moments)
    tall = information(paths, moments, "aic")
    residual = y - np.c_[np.ones(60), X] @ np.linalg.lstsq(np.c_[np.ones(60), X], y, rcond=None)[0]
    assert tall.noise_variance == pytest.approx(residual @ residual / (60 - 7), rel=1e-9)
    assert tall.noise_from == "least squares on all 6 features"
    assert "least squares on all 6 features" in repr(tall)
    given_ = information(paths, moments, "ebic", noise_variance=2.0)
    assert (given_.noise_variance, given_.noise_from) == (2.0, "the argument")
    none = information(paths, moments, "aicc")
    assert (none.noise_variance, none.noise_from) == (None, "the fit itself")
    assert repr(none).startswith("AICC: alpha = ")
    wide = rng.normal(size=(40, 30))
    target = 3.0 * wide[:, 0] + rng.normal(size=40)
    moments = fw.FoldMoments.scan(wide, target)
    paths = fw.fit_paths(moments)
    found = information(paths, moments, "bic")
    at = max(a for a in range(100) if found.df[a] <= 19 and found.df[a] == found.df[found.df <= 19].max())
    assert found.noise_from.startswith(f"the path's fit with df = {found.df[at]:.4g}")
    first = next(a for a in range(100) if found.df[a] == found.df[at])
    assert found.noise_variance == pytest.approx(found.rss[first] / (40 - found.df[at] - 1))


def test_rows_at_hand_of_a_wide_table_give_what_its_moments_give():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 120))
    y = X[:, :2] @ [3.0, -2.0] + rng.normal(size=40)
    weight = rng.random(40) + 0.5
    moments = fw.FoldMoments.scan(X, y, sample_weight=weight)
    paths = fw.fit_paths(moments, penalty_factor=np.r_[np.ones(119), np.inf])
    rows = SimpleNamespace(X=X, y=y, weight=weight, folds=None)
    factor = np.r_[np.ones(119), np.inf]
    for criterion in ("aic", "aicc", "bic", "ebic"):
        one = information(paths, moments, criterion, penalty_factor=factor)
        other = information(paths, rows, criterion, penalty_factor=factor)
        np.testing.assert_allclose(one.values, other.values, rtol=1e-8)
        assert one.index == other.index


def test_collinear_columns_count_once_and_bounds_take_freedom():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(50, 2))
    X = np.c_[x, x[:, 0] + x[:, 1]]
    y = x @ [1.0, 1.0] + rng.normal(size=50)
    moments = fw.FoldMoments.scan(X, y)
    paths = fw.fit_paths(moments, alphas=[0.0])
    assert np.count_nonzero(paths.coef[0, 0]) == 3
    assert information(paths, moments, "bic").df == pytest.approx([2.0])
    bounds = (None, 0.4)
    paths = fw.fit_paths(X[:, :2], y, alphas=[0.01], bounds=bounds)
    found = information(paths, fw.FoldMoments.scan(X[:, :2], y), "bic", bounds=bounds)
    assert np.all(paths.coef[0, 0] == 0.4)
    assert (found.n_kept[0], found.df[0]) == (2, 0.0)


def test_a_path_that_keeps_nothing():
    rng = np.random.default_rng(4)
    X, y = table(rng, 30, 3)
    moments = fw.FoldMoments.scan(X, y)
    found = information(fw.fit_paths(moments, alphas=[1e6]), moments)
    assert (found.df[0], found.n_kept[0]) == (0.0, 0)
    assert found.rss[0] == pytest.approx(30 * y.var())


@pytest.mark.parametrize(
    "change",
    [{"standardize": False}, {"fit_intercept": False}, {"penalty_factor": [1, 1, 0.9]}, {"loss": "sum"}],
)
def test_forgotten_settings_are_noticed(change):
    rng = np.random.default_rng(5)
    X, y = table(rng, 40, 3)
    moments = fw.FoldMoments.scan(X, y)
    paths = fw.fit_paths(moments, **change)
    information(paths, moments, **change)
    with pytest.raises(InputError, match="paths must solve the problem of this table with these settings"):
        information(paths, moments)


def test_another_table_is_noticed():
    rng = np.random.default_rng(6)
    X, y = table(rng, 40, 3)
    paths = fw.fit_paths(X, y)
    with pytest.raises(InputError, match="paths must solve"):
        information(paths, fw.FoldMoments.scan(X[1:], y[1:]))
    with pytest.raises(InputError, match="source must have the 3 columns of the paths, got 2"):
        information(paths, fw.FoldMoments.scan(X[:, :2], y))


def test_nothing_tells_the_noise_variance():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(20, 30))
    moments = fw.FoldMoments.scan(X, rng.normal(size=20))
    paths = fw.fit_paths(moments, alphas=[1e-3])
    with pytest.raises(InputError, match="noise_variance must be given: every fit of the path leaves less than half"):
        information(paths, moments)


def test_bic_drops_what_aic_keeps_and_extended_bic_drops_more():
    """Over 30 tables with 3 real features among 30: on average the stricter criterion keeps fewer false ones."""
    kept = dict.fromkeys(("aic", "bic", "ebic"), 0)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(100, 30))
        y = X[:, :3] @ [1.0, -1.0, 1.0] + rng.normal(size=100)
        moments = fw.FoldMoments.scan(X, y)
        paths = fw.fit_paths(moments)
        for criterion in kept:
            found = information(paths, moments, criterion, gamma=1.0)
            assert paths.coef[0, found.index, :3].all()
            kept[criterion] += found.n_kept[found.index] - 3
    assert kept["aic"] > kept["bic"] > kept["ebic"]


def test_other_penalties_are_refused():
    rng = np.random.default_rng(8)
    X, y = table(rng, 40, 3)
    moments = fw.FoldMoments.scan(X, y)
    with pytest.raises(InputError, match="paths must be those of a lasso, elastic net or ridge, got penalty='mcp'"):
        fw.fit_paths(moments, penalty="mcp", alphas=10).information(moments)
