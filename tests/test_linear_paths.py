"""The lasso family against scikit-learn solved to the end, its certificates, and its cross-validation."""

import signal
import warnings

import numpy as np
import pytest
import sklearn.linear_model as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, TimeSeriesSplit

import foldwise as fw
from foldwise.errors import InputError

TIGHT = {"tol": 1e-14, "max_iter": 10**6}


def draw_rows(seed, n=None, p=None):
    rng = np.random.default_rng(seed)
    p = p or int(rng.integers(1, 8))
    n = n or int(rng.integers(12, 50))
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p))) + rng.normal(size=p)
    y = X @ (rng.normal(size=p) * (rng.random(p) < 0.6)) + rng.normal(size=n)
    return X, y, rng.uniform(0.2, 2, n)


def fit_tight(model, X, y, weights=None):
    with warnings.catch_warnings():  # scikit-learn can't always certify its own last digits
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y, sample_weight=weights)


@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    alpha=st.sampled_from([0.003, 0.1, 1.0]),
    l1_ratio=st.sampled_from([0.05, 0.5, 1.0]),
    fit_intercept=st.booleans(),
    positive=st.booleans(),
    weighted=st.booleans(),
    targets=st.sampled_from([None, 1, 2]),
    dtype=st.sampled_from([np.float64, np.float32]),
    order=st.sampled_from("CF"),
)
def test_elastic_net_equals_scikit_learn(
    seed, alpha, l1_ratio, fit_intercept, positive, weighted, targets, dtype, order
):
    X, y, weights = draw_rows(seed)
    weights = weights if weighted else None
    X = np.array(X, dtype=dtype, order=order)
    y = y if targets is None else np.column_stack([y, X.sum(axis=1) - y])[:, :targets]
    given_ = {"alpha": alpha, "l1_ratio": l1_ratio, "fit_intercept": fit_intercept, "positive": positive}
    ours = fw.ElasticNet(**given_).fit(X, y, sample_weight=weights)
    theirs = fit_tight(sk.ElasticNet(**given_, **TIGHT), X.astype(float), y, weights)
    for name in ("coef_", "intercept_"):
        mine, yours = getattr(ours, name), getattr(theirs, name)
        assert np.shape(mine) == np.shape(yours), name
        np.testing.assert_allclose(mine, yours, rtol=1e-6, atol=1e-7)  # where scikit-learn's descent stops
    assert np.shape(ours.dual_gap_) == np.shape(theirs.dual_gap_)
    assert np.shape(ours.n_iter_) == np.shape(theirs.n_iter_)
    assert ours.sparse_coef_.shape == theirs.sparse_coef_.shape
    assert np.max(ours.gap_) <= 1e-9
    assert ours.predict(X).shape == theirs.predict(X).shape


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), alpha=st.sampled_from([0.05, 0.3]))
def test_wide_lasso_meets_the_optimality_conditions(seed, alpha):
    X, y, w = draw_rows(seed, n=15, p=40)
    model = fw.Lasso(alpha=alpha).fit(X, y, sample_weight=w)
    pull = (w / w.sum() * (y - model.predict(X))) @ X
    kept = model.coef_ != 0
    np.testing.assert_allclose(pull[kept], alpha * np.sign(model.coef_[kept]), rtol=1e-6)
    assert (np.abs(pull) <= alpha * (1 + 1e-6)).all()


def test_bounds_factors_and_scale():
    X, y, w = draw_rows(3, n=60, p=6)
    settings_ = {"alpha": 0.05, "l1_ratio": 0.7, "standardize": True}
    factors = np.array([0.0, 1.0, 1.0, 3.0, np.inf, 1.0])
    model = fw.ElasticNet(**settings_, penalty_factor=factors, bounds=(-0.2, 0.3)).fit(X, y, sample_weight=w)
    assert model.coef_[4] == 0.0
    assert model.coef_.min() >= -0.2
    assert model.coef_.max() <= 0.3
    scale = model.scale_
    pull = (w / w.sum() * (y - model.predict(X))) @ X / scale
    pull -= 0.05 * 0.3 * np.where(np.isinf(factors), 0, factors) * model.coef_ * scale
    for j in (0, 1, 2, 3, 5):
        strength = 0.05 * 0.7 * factors[j]
        if -0.2 < model.coef_[j] < 0.3:
            assert abs(pull[j]) <= strength + 1e-9
            if model.coef_[j]:
                assert pull[j] == pytest.approx(strength * np.sign(model.coef_[j]), abs=1e-9)
        else:
            assert pull[j] * np.sign(model.coef_[j]) >= strength - 1e-9


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("cv", [None, 4, GroupKFold(3), "splits"])
@pytest.mark.parametrize("alphas", [30, [0.5, 0.01, 0.1]])
def test_lasso_cv_equals_scikit_learn(cv, alphas, weighted):
    X, y, w = draw_rows(11, n=61, p=7)
    w = w if weighted else None
    groups, theirs_cv = None, cv
    if not isinstance(cv, int | None):
        # scikit-learn's class passes groups on only with metadata routing, so it gets the splits
        theirs_cv = list(GroupKFold(3).split(X, y, np.arange(61) // 5))
        cv, groups = (theirs_cv, None) if cv == "splits" else (cv, np.arange(61) // 5)
    ours = fw.LassoCV(cv=cv, alphas=alphas).fit(X, y, sample_weight=w, groups=groups)
    theirs = fit_tight(sk.LassoCV(cv=theirs_cv, alphas=alphas, **TIGHT), X, y, w)
    for name in ("alphas_", "mse_path_", "alpha_", "coef_", "intercept_"):
        mine, yours = getattr(ours, name), getattr(theirs, name)
        assert np.shape(mine) == np.shape(yours), name
        np.testing.assert_allclose(mine, yours, rtol=1e-8, atol=1e-9, err_msg=name)
    assert ours.gap_ <= 1e-9
    assert ours.paths_.gap.max() <= 1e-9
    assert (ours.folds_.n_folds, ours.folds_.n_repeats) == (np.shape(theirs.mse_path_)[-1], 1)


@pytest.mark.parametrize("alphas", [20, [0.5, 0.01, 0.1]])
def test_elastic_net_cv_searches_both_and_equals_scikit_learn(alphas):
    X, y, w = draw_rows(5, n=50, p=5)
    ratios = [0.1, 0.9, 1.0]
    ours = fw.ElasticNetCV(l1_ratio=ratios, alphas=alphas, cv=3, positive=True).fit(X, y, sample_weight=w)
    theirs = fit_tight(sk.ElasticNetCV(l1_ratio=ratios, alphas=alphas, cv=3, positive=True, **TIGHT), X, y, w)
    for name in ("alphas_", "mse_path_", "alpha_", "l1_ratio_", "coef_", "intercept_"):
        mine, yours = getattr(ours, name), getattr(theirs, name)
        assert np.shape(mine) == np.shape(yours), name
        np.testing.assert_allclose(mine, yours, rtol=1e-7, atol=1e-8, err_msg=name)
    assert [paths.l1_ratio for paths in ours.paths_] == ratios


def test_elastic_net_cv_reads_the_data_once(monkeypatch):
    scans = []
    scan = fw.FoldMoments.scan.__func__
    monkeypatch.setattr(fw.FoldMoments, "scan", classmethod(lambda *a, **k: scans.append(1) or scan(*a, **k)))
    X, y, _ = draw_rows(5, n=50, p=5)
    fw.ElasticNetCV(l1_ratio=[0.1, 0.5, 0.9, 1.0]).fit(X, y)
    assert len(scans) == 1


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), l1_ratio=st.sampled_from([0.2, 1.0]))
def test_one_standard_error_rule_takes_the_stronger_penalty(seed, l1_ratio):
    X, y, _ = draw_rows(seed, n=40)
    smallest = fw.ElasticNetCV(l1_ratio=l1_ratio, alphas=25).fit(X, y)
    simpler = fw.ElasticNetCV(l1_ratio=l1_ratio, alphas=25, rule="1se").fit(X, y)
    assert simpler.alpha_ >= smallest.alpha_
    mean = smallest.mse_path_.mean(axis=1)
    at = int(np.argmin(mean))
    within = mean <= mean[at] + smallest.mse_path_[at].std(ddof=1) / np.sqrt(5)
    assert simpler.alpha_ == smallest.alphas_[within].max()


def test_final_model_is_the_single_fit_at_the_choice():
    X, y, w = draw_rows(8, n=70, p=9)
    options = {"standardize": True, "penalty_factor": np.r_[0.0, np.ones(8)], "bounds": (-1, 2)}
    chosen = fw.LassoCV(cv=fw.Folds.kfold(70, 7), **options).fit(X, y, sample_weight=w)
    again = fw.Lasso(alpha=chosen.alpha_, **options).fit(X, y, sample_weight=w)
    np.testing.assert_allclose(chosen.coef_, again.coef_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(chosen.scale_, X.T @ w * 0 + np.sqrt(np.cov(X.T, aweights=w, ddof=0).diagonal()))


@pytest.mark.parametrize("cv", [ShuffleSplit(4, random_state=0), TimeSeriesSplit(4)])
def test_splitters_that_do_not_partition_the_rows_are_refused(cv):
    X, y, _ = draw_rows(0, n=30, p=2)
    with pytest.raises(InputError, match=r"can't be used: .* KFold or GroupKFold"):
        fw.LassoCV(cv=cv).fit(X, y)


def test_bad_parameters_are_named():
    X, y, _ = draw_rows(0, n=30, p=2)
    cases = [
        (fw.Lasso(alpha=-0.1), "alpha must be a number >= 0.*, got -0.1"),
        (fw.ElasticNet(l1_ratio=1.5), "l1_ratio must be a number >= 0 and <= 1, got 1.5"),
        (fw.ElasticNet(max_iter=0), "max_iter must be a whole number >= 1, got 0"),
        (fw.ElasticNet(selection="best"), "selection must be one of 'cyclic', 'random', got 'best'"),
        (fw.LassoCV(rule="2se"), "rule must be one of 'min', '1se', got '2se'"),
        (fw.LassoCV(alphas=[0.1, -1]), r"alphas\[1\] must be a number >= 0.*, got -1"),
        (fw.LassoCV(alphas=0), "alphas must be a whole number >= 1, got 0"),
        (fw.LassoCV(cv=1), "1"),
        (fw.LassoCV(cv="five"), "cv must be a number of folds, Folds, a splitter or splits, got 'five'"),
        (fw.LassoCV(cv=fw.Folds.kfold(20)), "cv must have one label for each of the 30 rows, got Folds of 20"),
        (fw.LassoCV(cv=KFold(40)), "40"),
    ]
    for model, message in cases:
        with pytest.raises(ValueError, match=message):
            model.fit(X, y)
    with pytest.raises(ValueError, match="NaN"):
        fw.LassoCV().fit(np.where(X > 1, np.nan, X), y)


def test_a_solution_without_certificate_says_so():
    X, y, _ = draw_rows(1, n=60, p=30)
    with pytest.warns(ConvergenceWarning, match="not certified.*max_iter"):
        fw.paths.fit_paths(X, y, alphas=[1e-3], max_iter=1)
    fw.Lasso(alpha=1e-3).fit(X, y)


def test_alphas_of_each_l1_ratio():
    X, y, _ = draw_rows(5, n=60, p=8)
    ratios, grids = [0.2, 0.6, 1.0], [[0.3, 1.0], [0.05, 0.5, 0.1], [0.02]]
    model = fw.ElasticNetCV(l1_ratio=ratios, alphas=grids, cv=4).fit(X, y)
    assert model.alphas_.shape == (3, 3)
    assert model.mse_path_.shape == (3, 3, 4)
    for at, (ratio, grid) in enumerate(zip(ratios, grids, strict=True)):
        one = fw.ElasticNetCV(l1_ratio=ratio, alphas=grid, cv=4).fit(X, y)
        np.testing.assert_array_equal(model.alphas_[at, : len(grid)], sorted(grid, reverse=True))
        np.testing.assert_array_equal(model.mse_path_[at, : len(grid)], one.mse_path_.reshape(-1, 4))
        assert np.isnan(model.mse_path_[at, len(grid) :]).all()
    assert np.nanmin(model.mse_path_.mean(axis=2)) == model.paths_[ratios.index(model.l1_ratio_)].cv_error.mean(0).min()
    table = fw.ElasticNetCV(l1_ratio=ratios, alphas=np.full((3, 2), [0.1, 0.5]), cv=4).fit(X, y)
    same = fw.ElasticNetCV(l1_ratio=ratios, alphas=[0.1, 0.5], cv=4).fit(X, y)
    np.testing.assert_array_equal(table.mse_path_, same.mse_path_)
    assert (table.alphas_.shape, same.alphas_.shape) == ((3, 2), (2,))
    with pytest.raises(InputError, match="alphas must have one array for each of 3 values of l1_ratio, got 2"):
        fw.ElasticNetCV(l1_ratio=ratios, alphas=grids[:2], cv=4).fit(X, y)
    with pytest.raises(InputError, match=r"alphas\[1\]\[0\] must be a number >= 0"):
        fw.ElasticNetCV(l1_ratio=ratios, alphas=[[1.0], [-1.0], [1.0]], cv=4).fit(X, y)


def test_a_search_that_is_cut_short_is_a_shorter_search(monkeypatch):
    from foldwise.errors import PathCutShort
    from foldwise.paths import control, rounds

    X, y, _ = draw_rows(6, n=80, p=8)
    whole = fw.ElasticNetCV(l1_ratio=[0.5, 1.0], cv=4).fit(X, y)
    with pytest.warns(PathCutShort, match="of 100 strengths"):
        model = fw.ElasticNetCV(l1_ratio=[0.5, 1.0], cv=4, time_limit=1e-9).fit(X, y)
    assert model.alphas_.shape == (2, 1)
    np.testing.assert_array_equal(model.mse_path_, np.atleast_3d(whole.mse_path_)[:, :1].reshape(model.mse_path_.shape))
    with pytest.warns(PathCutShort):
        assert fw.LassoCV(cv=4, time_limit=1e-9).fit(X, y).alphas_.shape == (1,)
    monkeypatch.setattr(control, "WORTH_KEEPING", 0.0)
    monkeypatch.setattr(rounds, "QUICK", 0)
    ask = control.Control.cut

    def press(self, done):
        if done:
            signal.raise_signal(signal.SIGINT)
        return ask(self, done)

    monkeypatch.setattr(control.Control, "cut", press)
    with pytest.warns(PathCutShort, match="interrupted"):
        model = fw.ElasticNetCV(l1_ratio=[0.5, 1.0], cv=4).fit(X, y)
    assert len(model.paths_) == 1  # the second l1_ratio had not begun
    assert model.l1_ratio_ == 0.5
    assert model.predict(X).shape == (80,)


def test_verbose_shows_a_bar_of_a_long_fit(monkeypatch, capsys):
    from foldwise.paths import progress

    X, y, _ = draw_rows(6, n=80, p=8)
    fw.LassoCV(verbose=1).fit(X, y)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    fw.LassoCV(verbose=1).fit(X, y)
    assert "strengths" in capsys.readouterr().err
