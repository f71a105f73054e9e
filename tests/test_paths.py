"""fit_paths: fold-shared fits equal naive refits from the rows, nothing leaks, and choices are the right way round."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import elastic_net, kkt_residual
from sklearn.exceptions import ConvergenceWarning

import foldwise as fw
from foldwise.errors import AccuracyWarning, InputError


def table(rng, n, p, *, gaps=False):
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p)))
    X = X * 10.0 ** rng.integers(-2, 3, size=p) + rng.normal(size=p) * 10
    y = (X - X.mean(0)) / X.std(0) @ rng.normal(size=p) + rng.normal(size=n) + 5.0
    if gaps:
        X[rng.random(X.shape) < 0.1] = np.nan
        X[:, -1] = rng.normal(size=n)
    return X, y


def filled(X, rows, fill, weight):
    """Columns of all rows with gaps filled from the training rows."""
    seen = np.ma.masked_invalid(X[rows])
    values = np.nanmedian(X[rows], axis=0) if fill == "median" else np.ma.average(seen, axis=0, weights=weight[rows])
    return np.where(np.isnan(X), values, X)


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1),
    l1_ratio=st.sampled_from([1.0, 0.5, 0.0]),
    weights=st.booleans(),
    standardize=st.booleans(),
    intercept=st.booleans(),
    factors=st.booleans(),
    boxed=st.booleans(),
    fill=st.sampled_from([None, "mean", "median"]),
)
def test_every_fit_and_error_equals_a_naive_refit(
    seed, l1_ratio, weights, standardize, intercept, factors, boxed, fill
):
    """Over weights, missing values, scaling, penalty factors, bounds, unequal folds and repeats."""
    rng = np.random.default_rng(seed)
    n, p, k = 45, 3, 3
    X, y = table(rng, n, p, gaps=fill is not None)
    if not intercept:  # far from zero and without an intercept, the naive solver would not end
        X = X - np.nanmean(X, axis=0) + 0.3 * np.nanstd(X, axis=0)
    weight = rng.random(n) + 0.2 if weights else np.ones(n)
    factor = np.array([0.0, 1.0, np.inf])[rng.permutation(3)] if factors else np.ones(p)
    box = (-np.array([0.0, 0.5, np.inf])[rng.permutation(3)], np.array([0.5, np.inf, np.inf])) if boxed else None
    labels = rng.choice(k, size=(2, n), p=[0.5, 0.3, 0.2])
    labels[:, :k] = np.arange(k)
    folds = fw.Folds.from_labels(labels)
    size = 1.0 if standardize else np.nanstd(X, axis=0).mean()
    alphas = np.array([0.5, 0.05]) * (size if l1_ratio else size**2)
    paths = fw.fit_paths(
        X, y, alphas=alphas, l1_ratio=l1_ratio, folds=folds, nested=True, fit_intercept=intercept,
        sample_weight=weight if weights else None, standardize=standardize, penalty_factor=factor, bounds=box,
        fill=fill,
    )  # fmt: skip
    lower, upper = box or (None, None)
    for h in rng.choice(len(paths.held_out), size=4, replace=False):
        held_out = paths.held_out[h]
        rows = folds.training_rows(held_out)
        Z = filled(X, rows, fill, weight) if fill else X
        for a, alpha in enumerate(alphas):
            coef, b0 = elastic_net(
                Z[rows], y[rows], alpha, l1_ratio, weight=weight[rows], fit_intercept=intercept,
                standardize=standardize, penalty_factor=factor, lower=lower, upper=upper,
            )  # fmt: skip
            spread = Z[rows].std(0)
            np.testing.assert_allclose(paths.coef[h, a] * spread, coef * spread, atol=1e-8 * np.std(y))
            np.testing.assert_allclose(paths.predict(X, held_out)[:, a], b0 + Z @ coef, atol=1e-7 * np.std(y))
            for block in held_out:
                test = folds.test_rows(block)
                error = np.average((y[test] - b0 - Z[test] @ coef) ** 2, weights=weight[test])
                if len(held_out) == 1:
                    assert paths.cv_error[block, a] == pytest.approx(error, rel=1e-8)
                else:
                    (outer,) = held_out - {block}
                    assert paths.inner_error[outer, block % k, a] == pytest.approx(error, rel=1e-8)


@pytest.mark.filterwarnings("ignore:collinear columns")  # the fits that do see the shifted rows are
@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), l1_ratio=st.sampled_from([1.0, 0.5, 0.0]), standardize=st.booleans())
def test_leak(seed, l1_ratio, standardize):
    """With the alphas given, shifting the rows a fit holds out by 1e6 does not change that fit."""
    rng = np.random.default_rng(seed)
    X, y = table(rng, 60, 4, gaps=True)
    folds = fw.Folds.kfold(60, n_folds=4, seed=seed % 1000)
    settings_ = {"alphas": [0.5, 0.05], "l1_ratio": l1_ratio, "folds": folds, "nested": True}
    settings_ |= {"standardize": standardize, "fill": "median"}
    before = fw.fit_paths(X, y, **settings_)
    moved, y_moved = X.copy(), y.copy()
    moved[folds.test_rows(1)] += 1e6
    y_moved[folds.test_rows(1)] -= 1e6
    after = fw.fit_paths(moved, y_moved, **settings_)
    changed = 0
    for h, held_out in enumerate(before.held_out):
        distance = np.abs((before.coef[h] - after.coef[h]) * before.scale[h]).max()
        if 1 in held_out:
            assert distance <= 1e-10 * np.std(y)
            np.testing.assert_allclose(before.intercept[h], after.intercept[h], atol=1e-9 * (1 + np.abs(y).max()))
        else:
            changed += distance > 1e-3
    assert changed > 0  # the shift is large enough to be seen where it may be


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), l1_ratio=st.sampled_from([1.0, 0.3, 0.0]))
def test_symmetries(seed, l1_ratio):
    """Row order, units, shifts and repeated rows change nothing but what they must."""
    rng = np.random.default_rng(seed)
    n, p = 40, 4
    X, y = table(rng, n, p)
    labels = np.arange(n) % 4
    base = fw.fit_paths(X, y, alphas=[0.3, 0.03], l1_ratio=l1_ratio, folds=fw.Folds.from_labels(labels))

    def same(other, factor=1.0):
        gaps = np.abs(other.coef * factor - base.coef) * base.scale[:, None]
        assert gaps.max() <= 1e-9 * np.std(y)
        np.testing.assert_allclose(other.cv_error, base.cv_error, rtol=1e-8)

    order = rng.permutation(n)
    kwargs = {"alphas": [0.3, 0.03], "l1_ratio": l1_ratio}
    same(fw.fit_paths(X[order], y[order], folds=fw.Folds.from_labels(labels[order]), **kwargs))
    units = 10.0 ** rng.integers(-6, 7, size=p)
    same(fw.fit_paths(X * units, y, folds=fw.Folds.from_labels(labels), **kwargs), units)
    same(fw.fit_paths(X + 1e4, y, folds=fw.Folds.from_labels(labels), **kwargs))
    twice = fw.fit_paths(np.vstack([X, X]), np.r_[y, y], folds=fw.Folds.from_labels(np.r_[labels, labels]), **kwargs)
    same(twice)
    same(fw.fit_paths(X, y, folds=fw.Folds.from_labels(labels), sample_weight=np.full(n, 7.0), **kwargs))


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), l1_ratio=st.sampled_from([1.0, 0.5, 0.0]))
def test_the_one_standard_error_choice_is_never_weaker(seed, l1_ratio):
    rng = np.random.default_rng(seed)
    X, y = table(rng, 30, 5)
    paths = fw.fit_paths(X, y, alphas=30, l1_ratio=l1_ratio, folds=fw.Folds.kfold(30, repeats=2, seed=seed % 99))
    assert paths.alphas[paths.choose("1se")] >= paths.alphas[paths.choose("min")]


def test_the_grid_starts_where_the_model_empties():
    rng = np.random.default_rng(0)
    X, y = table(rng, 80, 6)
    for factor in (None, np.array([0, 1, 1, 2, np.inf, 1.0])):
        for standardize in (True, False):
            paths = fw.fit_paths(X, y, alphas=50, penalty_factor=factor, standardize=standardize)
            penalized = np.ones(6, bool) if factor is None else factor > 0
            assert not paths.coef[0, 0][penalized].any()
            barely = fw.fit_paths(
                X, y, alphas=[paths.alphas[0] * 0.999], penalty_factor=factor, standardize=standardize
            )
            assert np.count_nonzero(barely.coef[0, 0][penalized]) == 1
            assert paths.alphas[-1] == pytest.approx(1e-3 * paths.alphas[0])


def test_more_columns_than_rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 200))
    y = X[:, :3] @ [3.0, -2.0, 1.0] + 0.1 * rng.normal(size=30)
    for l1_ratio in (1.0, 0.5):
        paths = fw.fit_paths(X, y, alphas=40, l1_ratio=l1_ratio, folds=fw.Folds.kfold(30), standardize=False)
        assert paths.gap.max() < 1e-9
        for a in (5, 20, 39):
            assert kkt_residual(X, y, paths.coef[0, a], paths.alphas[a], l1_ratio) < 1e-9


def test_least_squares_goes_back_to_the_rows_where_moments_lose_digits():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(200, 1))
    X = np.hstack([x, x + 1e-6 * rng.normal(size=(200, 1))])
    y = X @ [1.0, 2.0]
    folds = fw.Folds.kfold(200)
    paths = fw.fit_paths(X, y, alphas=[0.0], folds=folds)
    np.testing.assert_allclose(paths.coef[:, 0], np.tile([1.0, 2.0], (6, 1)), atol=1e-7)
    with pytest.warns(AccuracyWarning, match="collinear"):
        fw.fit_paths(fw.FoldMoments.scan(X, y, folds), alphas=[0.0])


def test_points_that_are_not_certified_are_named():
    rng = np.random.default_rng(3)
    X, y = table(rng, 50, 20)
    with pytest.warns(ConvergenceWarning, match=r"of 100 points are not certified.*tol is 1e-09; .*raise max_iter"):
        fw.fit_paths(X, y, max_iter=1)


def test_a_constant_target_and_constant_columns_give_zeros():
    X = np.c_[np.arange(12.0), np.full(12, 0.1)]
    paths = fw.fit_paths(X, np.full(12, 0.3), folds=fw.Folds.kfold(12, n_folds=3))
    assert not paths.coef.any()
    np.testing.assert_allclose(paths.intercept, 0.3)
    varied = fw.fit_paths(X, X[:, 0] ** 2)
    assert not varied.coef[..., 1].any()
    assert varied.coef[0, -1, 0] != 0


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"alphas": [-0.1]}, "alpha must be finite and >= 0, got -0.1"),
        ({"alphas": 0}, "at least 1"),
        ({"alphas": "many"}, "'many'"),
        ({"l1_ratio": 1.5}, "l1_ratio must be a number from 0.0 up to 1.0, got 1.5"),
        ({"eps": 0.0}, "eps must be"),
        ({"penalty_factor": [1.0, -1.0]}, "got -1.0 for column 1"),
        ({"penalty_factor": [1.0]}, "one for each of the 2 columns"),
        ({"bounds": (1.0, 2.0)}, "lower <= 0 <= upper"),
        ({"bounds": 3.0}, "pair"),
        ({"family": "logit"}, "'gaussian'"),
        ({"nested": True}, "three or more folds"),
        ({"y": None}, "y must be given"),
    ],
)
def test_bad_input_is_named(change, match):
    given = {"y": np.arange(8.0) ** 2} | change
    with pytest.raises(InputError, match=match):
        fw.fit_paths(np.c_[np.arange(8.0), np.arange(8.0) % 3], **given)


def test_moments_carry_their_own_settings():
    X = np.c_[np.arange(8.0), np.arange(8.0) % 3]
    moments = fw.FoldMoments.scan(X, X[:, 0], fw.Folds.kfold(8, n_folds=4))
    with pytest.raises(InputError, match="y, fill can't be given"):
        fw.fit_paths(moments, X[:, 0], fill="mean")
    direct = fw.fit_paths(X, X[:, 0], folds=fw.Folds.kfold(8, n_folds=4))
    assert np.array_equal(direct.coef, fw.fit_paths(moments).coef)


@pytest.mark.parametrize("name", ["concrete", "abalone", "diabetes_quad64", "bike_hour", "prostate_esl"])
def test_real_tables_are_solved_to_their_optimality_conditions(shared, name):
    pd = pytest.importorskip("pandas")
    import json

    entry = json.loads((shared / "data" / "index.json").read_text())[name]
    frame = pd.read_csv(shared / "data" / entry["file"])
    X = frame.drop(columns=[*entry["target"], *entry["drop"]], errors="ignore").select_dtypes("number")
    X, y = X.to_numpy(float), frame[entry["target"][0]].to_numpy(float)
    Z = (X - X.mean(0)) / X.std(0)
    folds = fw.Folds.kfold(len(y), n_folds=10)
    for l1_ratio in (1.0, 0.5):
        paths = fw.fit_paths(Z, y, l1_ratio=l1_ratio, folds=folds, standardize=False)
        assert paths.gap.max() < 1e-9
        for h in (0, 4):
            rows = folds.training_rows(paths.held_out[h])
            for a in range(0, 100, 11):
                assert kkt_residual(Z[rows], y[rows], paths.coef[h, a], paths.alphas[a], l1_ratio) < 1e-9


def test_a_number_of_folds_is_that_many_random_folds():
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    counted = fw.fit_paths(X, y, folds=4, alphas=5)
    named = fw.fit_paths(X, y, folds=fw.Folds.kfold(40, 4, seed=0), alphas=5)
    assert np.array_equal(counted.coef, named.coef)
    with pytest.raises(InputError, match="folds must be a number of folds or Folds, got 'five'"):
        fw.fit_paths(X, y, folds="five")
