"""Wide tables: the lockstep walk and the ridge from rows equal fold moments, certify every point and leak nothing."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import kkt_residual

import foldwise as fw
from foldwise import errors as fw_errors
from foldwise.errors import InputError
from foldwise.paths import WideTable, prepare
from foldwise.paths.lockstep.turned import has_turned


def wide_table(rng, n=40, p=600, layout="F", dtype=np.float64):
    X = rng.normal(size=(n, p)) + 0.7 * rng.normal(size=(n, 1))
    X = X * 10.0 ** rng.integers(-1, 2, size=p) + rng.normal(size=p)
    X[:, 5] = 2.0  # constant
    X[:, 7] = X[:, 6]  # duplicate
    y = X[:, :3] @ [1.0, -2.0, 0.5] + 3.0 * X[:, 6] / X[:, 6].std() + rng.normal(size=n)
    X = {"C": np.ascontiguousarray, "F": np.asfortranarray}[layout](X.astype(dtype))
    X.flags.writeable = False
    return X, y


def determined(paths):
    """Coefficients per standard deviation that the data determine: of the two duplicates only the sum."""
    coef = paths.coef * paths.scale[:, None]
    coef[:, :, 6] += coef[:, :, 7]
    return np.delete(coef, 7, axis=2)


@settings(deadline=None, max_examples=15, phases=[Phase.reuse, Phase.generate])  # shrinking takes minutes here
@given(
    seed=st.integers(0, 2**32 - 1),
    l1_ratio=st.sampled_from([1.0, 0.5, 0.0]),
    layout=st.sampled_from(["C", "F"]),
    dtype=st.sampled_from([np.float64, np.float32]),
    weights=st.booleans(),
    standardize=st.booleans(),
    intercept=st.booleans(),
    factors=st.booleans(),
    boxed=st.booleans(),
)
def test_the_walk_equals_fold_moments(seed, l1_ratio, layout, dtype, weights, standardize, intercept, factors, boxed):
    rng = np.random.default_rng(seed)
    X, y = wide_table(rng, layout=layout, dtype=dtype)
    folds = fw.Folds.kfold(40, n_folds=3, repeats=2, seed=seed % 1000)
    weight = rng.random(40) + 0.2 if weights else None
    factor, box = np.ones(600), None
    if l1_ratio > 0.0:
        factor = rng.choice([1.0, 2.0, np.inf], size=600)
        factor[:2] = 0.0 if factors else 1.0
        box = (-rng.choice([0.0, 0.3, np.inf], size=600), np.inf) if boxed else None
    common = {"l1_ratio": l1_ratio, "nested": True, "standardize": standardize, "fit_intercept": intercept}
    common |= {"penalty_factor": factor, "bounds": box}
    source = prepare(X, y, folds=folds, sample_weight=weight)
    assert isinstance(source, WideTable)
    walked = fw.fit_paths(source, alphas=12, eps=0.05, **common)
    moments = fw.FoldMoments.scan(X, y, folds, sample_weight=weight)
    exact = fw.fit_paths(moments, alphas=walked.alphas, **common)
    grid = fw.fit_paths(moments, alphas=12, eps=0.05, **common).alphas
    np.testing.assert_allclose(walked.alphas, grid, rtol=1e-9)
    assert walked.held_out == exact.held_out
    assert walked.gap.max() <= 1e-9
    if not boxed and not factors:
        np.testing.assert_allclose(determined(walked), determined(exact), atol=1e-6 * np.std(y))
    np.testing.assert_allclose(walked.cv_error, exact.cv_error, rtol=1e-6)
    np.testing.assert_allclose(walked.inner_error, exact.inner_error, rtol=1e-6)
    for held_out in (frozenset(), frozenset({4}), frozenset({0, 2})):
        np.testing.assert_allclose(walked.predict(X, held_out), exact.predict(X, held_out), atol=1e-5 * np.std(y))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # of fits that see the shifted rows
def test_leak():
    rng = np.random.default_rng(0)
    X, y = wide_table(rng)
    folds = fw.Folds.kfold(40, n_folds=4)
    moved, y_moved = X.copy(), y.copy()
    moved[folds.test_rows(1)] += 1e6
    y_moved[folds.test_rows(1)] -= 1e6
    for l1_ratio in (1.0, 0.5, 0.0):
        before, after = (
            fw.fit_paths(table, target, alphas=[1.0, 0.3], l1_ratio=l1_ratio, folds=folds, nested=True)
            for table, target in ((X, y), (moved, y_moved))
        )
        for h, held_out in enumerate(before.held_out):
            distance = np.abs(determined(before)[h] - determined(after)[h]).max()
            assert distance <= 1e-10 * np.std(y) if 1 in held_out else distance > 1e-3


def test_real_wide_table(shared):
    pd = pytest.importorskip("pandas")
    frame = pd.read_parquet(shared / "data" / "riboflavin.parquet")
    X, y = np.asfortranarray(frame.drop(columns="y").to_numpy(float)), frame["y"].to_numpy(float)
    X = (X - X.mean(0)) / X.std(0)
    folds = fw.Folds.kfold(71, n_folds=10)
    paths = fw.fit_paths(X, y, eps=1e-2, folds=folds, standardize=False)
    assert isinstance(prepare(X, y), WideTable)
    assert paths.gap.max() < 1e-9
    for held_out in (frozenset(), frozenset({3})):
        rows = folds.training_rows(held_out)
        for a in range(0, 100, 9):
            coef = paths.coef[paths.index(held_out), a]
            assert kkt_residual(X[rows], y[rows], coef, paths.alphas[a], 1.0) < 1e-8


def test_turning_cuts_off_nothing_that_tells():
    """What is left out has no error lower by a standard error, and on most tables none that is lower at all.

    Of seeds 0 to 119 the worst is 98, a flat curve that dips 0.57 standard errors lower once more at the saturated end.
    """
    losses = []
    for seed in range(85, 100):
        rng = np.random.default_rng(seed)
        n, p = 60, 600
        X = np.asfortranarray(rng.normal(size=(n, p)))
        y = X[:, : rng.integers(1, 20)].sum(axis=1) + rng.choice([0.3, 2.0, 10.0]) * rng.normal(size=n)
        folds = fw.Folds.kfold(n, n_folds=5)
        whole = fw.fit_paths(X, y, eps=1e-2, alphas=60, folds=folds)
        part = fw.fit_paths(X, y, eps=1e-2, alphas=60, folds=folds, stop_when_turned=True)
        assert np.array_equal(part.alphas, whole.alphas[: len(part.alphas)])
        assert part.ended == ("turned" if len(part.alphas) < 60 else "whole")
        np.testing.assert_allclose(part.cv_error, whole.cv_error[:, : len(part.alphas)], rtol=1e-9)
        best, reached = whole.one_standard_error(), part.one_standard_error()
        losses.append((reached.error - best.error) / best.standard_error)
    assert max(losses) < 0.6
    assert sum(loss > 0.0 for loss in losses) <= 3


def test_the_rule_of_turning():
    down, up = np.linspace(3.0, 1.0, 20), np.linspace(1.01, 2.0, 20)
    fold = np.random.default_rng(0).normal(size=(5, 1))
    curve = np.r_[down, up] + fold
    assert has_turned(curve, np.ones(5))
    assert not has_turned(curve[:, :22], np.ones(5))  # just past the minimum
    assert not has_turned(down + fold, np.ones(5))
    noisy = curve + 2.0 * np.random.default_rng(1).normal(size=curve.shape)
    assert not has_turned(noisy, np.ones(5))


def test_what_a_wide_table_cannot_do_is_named():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(20, 600)), rng.normal(size=20)
    with pytest.raises(InputError, match="alpha must be > 0 for 600 columns"):
        fw.fit_paths(X, y, alphas=[1.0, 0.0])
    with pytest.raises(InputError, match="must be > 0 for bounds or unpenalized"):
        fw.fit_paths(X, y, l1_ratio=0.0, bounds=(0.0, None))
    with pytest.raises(InputError, match="at most 5000 columns, got 5001"):
        fw.fit_paths(np.full((3, 5001), np.nan), y[:3], fill="mean")
    X[3, 4] = np.nan
    with pytest.raises(InputError, match="row 3, column 4"):
        fw.fit_paths(X, y)
    assert isinstance(prepare(X, y, fill="mean"), fw.FoldMoments)


def test_estimators_and_comparisons_take_wide_tables():
    """LassoCV, ElasticNetCV, RidgeCV and compare go the wide way and agree with naive refits of what they chose."""
    rng = np.random.default_rng(2)
    X, y = wide_table(rng, n=60)
    for model in (
        fw.LassoCV(cv=4, eps=0.02, alphas=30),
        fw.LassoCV(cv=4, eps=0.02, alphas=30, stop_when_turned=True),
        fw.ElasticNetCV(cv=4, eps=0.02, alphas=20, l1_ratio=[0.5, 1.0], stop_when_turned=True),
    ):
        model.fit(X, y)
        assert kkt_residual(X, y, model.coef_, model.alpha_, getattr(model, "l1_ratio_", 1.0)) < 1e-7
        assert model.gap_ < 1e-9
        assert np.nanmin(model.mse_path_.reshape(-1, 4).mean(axis=1)) == pytest.approx(
            np.nanmin([p.cv_error.mean(0).min() for p in np.atleast_1d(model.paths_)])
        )
    ridge = fw.RidgeCV(alphas=[1.0, 100.0], cv=fw.Folds.kfold(60, n_folds=4)).fit(X, y)
    held_out = ridge.folds_.training_rows({0})
    naive = fw.Ridge(alpha=100.0).fit(X[held_out], y[held_out])
    np.testing.assert_allclose(ridge.paths_.model({0}, at=0)[0], naive.coef_, atol=1e-8)
    table = {f"x{column}": values for column, values in enumerate(X.T)} | {"y": y}
    with pytest.warns(fw_errors.DataWarning):
        comparison = fw.compare(table, target="y", folds=3, repeats=1, alphas=15, l1_ratios=(0.5,))
    assert {result.name for result in comparison.results} == {"least squares", "ridge", "lasso", "elastic net"}
