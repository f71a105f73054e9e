"""The edges, on every way a table is fitted: nothing to fit, nothing to tell apart, single rows, ties to the ulp."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import kkt_residual
from scipy import linalg, sparse
from sklearn.exceptions import ConvergenceWarning

import foldwise as fw
from foldwise.errors import DataWarning, InputError
from foldwise.paths import WideTable, prepare
from foldwise.solvers.quadratic import Status

# Columns from which a table is walked from its rows; below, fold moments.
WIDE = 501
WAYS = {"moments": (np.asarray, 8), "wide": (np.asarray, WIDE), "sparse": (sparse.csr_array, WIDE)}
PENALTIES = ("elastic net", "group", "sparse group", "mcp", "scad")


def sources(X, y, folds=None):
    """The table with each way of fitting that its columns allow."""
    kinds = [np.asarray, sparse.csr_array] if X.shape[1] >= WIDE else [np.asarray]
    return [prepare(kind(X), y, folds=folds) for kind in kinds]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("value", [0.0, 3.7])
def test_nothing_but_constants(way, l1_ratio, value):
    """With an intercept no column is left: every fit is the mean of its training rows."""
    kind, p = WAYS[way]
    rng = np.random.default_rng(0)
    y, folds = rng.normal(size=24) + 5.0, fw.Folds.kfold(24, n_folds=4)
    source = prepare(kind(np.full((24, p), value)), y, folds=folds)
    assert isinstance(source, WideTable) == (p == WIDE)
    for standardize, alphas in itertools.product((True, False), (10, [1.0, 0.1])):
        asked = {"alphas": alphas, "l1_ratio": l1_ratio, "standardize": standardize, "nested": True}
        paths = fw.fit_paths(source, **asked)
        assert not paths.coef.any()
        assert paths.gap.max() <= 1e-12
        for h, held_out in enumerate(paths.held_out):
            np.testing.assert_allclose(paths.intercept[h], y[folds.training_rows(held_out)].mean())
        np.testing.assert_allclose(
            paths.cv_error[1], np.mean((y[folds.test_rows(1)] - y[folds.training_rows({1})].mean()) ** 2)
        )
        assert 0 <= paths.choose("1se") <= paths.choose("min") < len(paths.alphas)


@pytest.mark.parametrize("penalty", PENALTIES[1:])
def test_nothing_but_constants_with_other_penalties(penalty):
    y = np.arange(12.0) ** 2
    asked = {"penalty": penalty} | ({"groups": [0, 0, 1]} if "group" in penalty else {})
    paths = fw.fit_paths(np.full((12, 3), 2.0), y, folds=fw.Folds.kfold(12, n_folds=3), alphas=5, **asked)
    assert not paths.coef.any()
    np.testing.assert_allclose(paths.intercept[0], y.mean())


@pytest.mark.parametrize("p", [3, WIDE])
def test_estimators_of_nothing_but_constants(p):
    y = np.arange(20.0) ** 2
    for model in (fw.Lasso(0.1), fw.ElasticNet(0.1), fw.LassoCV(cv=4), fw.ElasticNetCV(cv=4, l1_ratio=[0.3, 1.0])):
        model.fit(np.full((20, p), 2.0), y)
        assert not model.coef_.any()
        np.testing.assert_allclose(model.predict(np.zeros((2, p))), y.mean())


def test_a_table_without_columns_is_refused_by_name():
    y = np.arange(10.0)
    for X in (np.empty((10, 0)), sparse.csr_array((10, 0))):
        with pytest.raises(InputError, match=r"X must have at least one row and one feature, got shape \(10, 0\)"):
            fw.fit_paths(X, y)
    warnings.simplefilter("ignore", DataWarning)
    with pytest.raises(InputError, match="column"):
        fw.compare({"a": np.ones(10), "y": y}, target="y", repeats=1)


@pytest.mark.parametrize("shape", [(80, 12), (80, WIDE + 100), (700, WIDE + 100)])
@pytest.mark.parametrize("intercept", [True, False])
def test_sparse_columns_of_zeros_never_enter(shape, intercept):
    """The fit is that of the table without them."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=shape) * (rng.random(shape) < 0.3)
    empty = np.r_[0, 3, 5, np.arange(7, shape[1], 5)]
    X[:, empty] = 0.0
    full = np.setdiff1d(np.arange(shape[1]), empty)
    y = X[:, [1, 2]] @ [2.0, -1.0] + rng.normal(size=len(X))
    folds = fw.Folds.kfold(len(X), n_folds=3)
    stored = X.copy()
    stored[[0, 1], [0, 3]] = 1.0
    explicit = sparse.csc_array(stored)
    explicit[[0, 1], [0, 3]] = 0.0  # zeros that are stored are zeros too
    for l1_ratio in (1.0, 0.5, 0.0):
        asked = {"alphas": [0.5, 0.1], "l1_ratio": l1_ratio, "folds": folds, "fit_intercept": intercept}
        paths = fw.fit_paths(explicit, y, **asked)
        assert not paths.coef[:, :, empty].any()
        assert paths.gap.max() <= 1e-9
        without = fw.fit_paths(sparse.csr_array(X[:, full]), y, **asked)
        np.testing.assert_allclose(paths.coef[:, :, full], without.coef, atol=1e-8)
        np.testing.assert_allclose(paths.cv_error, without.cv_error, rtol=1e-8)


def test_a_column_that_only_one_fold_fills():
    """In the fit that holds that fold out it is a column of zeros."""
    rng = np.random.default_rng(2)
    for p in (6, WIDE):
        X = rng.normal(size=(30, p))
        folds = fw.Folds.kfold(30, n_folds=3)
        X[folds.training_rows({1}), 2] = 0.0
        y = X[:, 0] + 3.0 * X[:, 2] + 0.1 * rng.normal(size=30)
        for source in sources(X, y, folds):
            paths = fw.fit_paths(source, alphas=[0.1], nested=True)
            for h, held_out in enumerate(paths.held_out):
                assert bool(paths.coef[h, 0, 2]) == (1 not in held_out)
            assert np.isfinite(paths.cv_error).all()


@pytest.mark.parametrize("p", [4, WIDE])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
def test_one_row_per_group(p, l1_ratio):
    """As many groups as rows, each a fold of its own: leaving one out."""
    rng = np.random.default_rng(3)
    X, n = rng.normal(size=(12, p)), 12
    y = X[:, 0] + 0.1 * rng.normal(size=n)
    folds = fw.Folds.grouped(rng.permutation(n), n_folds=n)
    assert (np.bincount(folds.labels[0]) == 1).all()
    for source in sources(X, y, folds):
        paths = fw.fit_paths(source, alphas=[0.3, 0.1], l1_ratio=l1_ratio, nested=True)
        assert paths.gap.max() <= 1e-9
        for fold in range(n):
            training, (row,) = folds.training_rows({fold}), folds.test_rows(fold)
            alone = fw.fit_paths(X[training], y[training], alphas=[0.3, 0.1], l1_ratio=l1_ratio)
            np.testing.assert_allclose(paths.cv_error[fold], (y[row] - alone.predict(X[[row]])[0]) ** 2, rtol=1e-6)
            other = (fold + 1) % n
            pair = folds.training_rows({fold, other})
            both = fw.fit_paths(X[pair], y[pair], alphas=[0.3, 0.1], l1_ratio=l1_ratio)
            left = folds.test_rows(other)
            np.testing.assert_allclose(
                paths.inner_error[fold, other], (y[left] - both.predict(X[left])[0]) ** 2, rtol=1e-6
            )
    model = fw.LassoCV(cv=folds, alphas=5).fit(X, y)
    assert model.mse_path_.shape == (5, n)


@settings(deadline=None, max_examples=20, phases=[Phase.reuse, Phase.generate])
@given(
    seed=st.integers(0, 2**32 - 1),
    p=st.sampled_from([6, WIDE + 1]),
    l1_ratio=st.sampled_from([1.0, 0.5]),
    flipped=st.booleans(),
    whole=st.booleans(),
)
def test_duplicate_columns(seed, p, l1_ratio, flipped, whole):
    """Twice the same column, or nothing but: predictions are those without, and the ridge term splits evenly."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(40, 1 if whole else p // 2))
    X = np.repeat(base, p, axis=1) if whole else np.hstack([base, base])
    sign = -1.0 if flipped else 1.0
    X[:, base.shape[1] :] *= sign
    y = base[:, 0] - base[:, -1] * (not whole) + 0.3 * rng.normal(size=40)
    folds = fw.Folds.kfold(40, n_folds=4, seed=seed % 100)
    for source in sources(X, y, folds):
        paths = fw.fit_paths(source, alphas=12, eps=0.02, l1_ratio=l1_ratio)
        assert paths.gap.max() <= 1e-9
        h, b = paths.index(), paths.coef[paths.index()]
        for a in (0, 4, 11):
            scaled = b[a] * X.std(0)
            Z = (X - X.mean(0)) / X.std(0)
            assert kkt_residual(Z, y, scaled, paths.alphas[a], l1_ratio) < 1e-7
        if l1_ratio < 1.0:
            q = base.shape[1]
            copies = (b[:, q : 2 * q] * sign) if not whole else b[:, 1:2] * sign
            np.testing.assert_allclose(copies, b[:, :q], atol=1e-6)
        if l1_ratio == 1.0:
            alone = fw.fit_paths(base, y, alphas=paths.alphas, folds=folds)
            np.testing.assert_allclose(paths.predict(X)[:, h], alone.predict(base)[:, 0], atol=1e-6)
            np.testing.assert_allclose(paths.cv_error, alone.cv_error, rtol=1e-6)


def near(alpha, ulps=2):
    """The strength and its neighbours among the doubles, descending."""
    up = down = alpha
    found = [alpha]
    for _ in range(ulps):
        up, down = np.nextafter(up, np.inf), np.nextafter(down, 0.0)
        found += [up, down]
    return np.sort(found)[::-1]


@settings(deadline=None, max_examples=25, phases=[Phase.reuse, Phase.generate])
@given(
    seed=st.integers(0, 2**32 - 1),
    design=st.sampled_from(["orthogonal", "signs", "an ulp apart", "gaussian"]),
    wide=st.booleans(),
    l1_ratio=st.sampled_from([1.0, 0.5]),
    intercept=st.booleans(),
    boxed=st.booleans(),
)
def test_ties_to_the_ulp_end(seed, design, wide, l1_ratio, intercept, boxed):
    """Strengths at which columns enter, and their neighbours among the doubles, where many columns tie exactly.

    A threshold that screening and the optimality check round differently would let columns in and out for ever.
    """
    rng = np.random.default_rng(seed)
    n = 32
    if design == "orthogonal":
        X = np.tile(linalg.hadamard(n)[:, 1:].astype(float), (1, 20 if wide else 1))
    elif design == "signs":
        X = rng.choice([-1.0, 1.0], size=(n, 520 if wide else 20))
    else:
        X = rng.normal(size=(n, 520 if wide else 20))
        if design == "an ulp apart":
            X[:, 1::2] = X[:, ::2] * (1.0 + np.finfo(float).eps)
    y = rng.choice([-1.0, 0.0, 1.0, 2.0], size=n)
    asked = {"l1_ratio": l1_ratio, "fit_intercept": intercept, "standardize": False}
    if boxed:
        asked["bounds"] = (-rng.choice([0.0, 0.125, np.inf], size=X.shape[1]), 0.25)
    folds = fw.Folds.kfold(n, n_folds=4, seed=seed % 100)
    for source in sources(X, y, folds):
        strongest = fw.fit_paths(source, alphas=1, **asked).alphas[0]
        if strongest <= 1e-12:
            continue
        knots = np.concatenate([near(strongest), near(strongest / 2), near(strongest / 4), near(0.125)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # looked at below
            paths = fw.fit_paths(source, alphas=knots, **asked)
        assert paths.gap.max() <= 1e-9
        assert set(np.unique(paths.status)) == {Status.CERTIFIED}
        assert paths.n_iter.max() <= 20 * X.shape[1]
        at = np.flatnonzero(paths.alphas == strongest)[0]
        assert np.abs(paths.coef[0, : at + 1]).max() <= 1e-12 * (1.0 + np.abs(y).max())


@pytest.mark.parametrize("penalty", PENALTIES[1:])
def test_ties_to_the_ulp_end_with_other_penalties(penalty):
    X = linalg.hadamard(32)[:, 1:].astype(float)
    y = np.random.default_rng(0).choice([-1.0, 0.0, 1.0, 2.0], size=32)
    asked = {"penalty": penalty, "folds": fw.Folds.kfold(32, n_folds=4), "standardize": penalty in ("mcp", "scad")}
    asked |= {"groups": np.arange(31) // 3} if "group" in penalty else {}
    strongest = fw.fit_paths(X, y, alphas=1, **asked).alphas[0]
    paths = fw.fit_paths(X, y, alphas=np.concatenate([near(strongest), near(strongest / 2)]), **asked)
    assert paths.gap.max() <= 1e-9
    assert paths.n_iter.max() < 1000


@pytest.mark.parametrize("p", [30, WIDE])
def test_the_bound_on_the_work_of_one_strength_has_a_name(p):
    """Where the solver is stopped, the point says so, and its gap says how good it is."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, p)) @ rng.normal(size=(p, p))
    y = X[:, :8].sum(axis=1) + rng.normal(size=60)
    for source in sources(X, y):
        with pytest.warns(ConvergenceWarning, match="the solver stopped at max_iter equality steps; raise max_iter"):
            paths = fw.fit_paths(source, alphas=y.std() * np.array([0.01, 0.002]), max_iter=1)
        assert paths.status[0, 1] == Status.STOPPED
        assert 1e-9 < paths.gap[0, 1] < 10.0


def test_a_round_of_violators_without_end_is_ended(monkeypatch):
    """The walk of a wide table takes a strength as it is after so many rounds, and its gap tells."""
    from foldwise.paths.lockstep import _rounds

    rng = np.random.default_rng(6)
    X = rng.normal(size=(40, 600))
    y = X[:, :5].sum(axis=1) + rng.normal(size=40)
    monkeypatch.setattr(_rounds, "MAX_ROUNDS", 1)
    with pytest.warns(ConvergenceWarning, match="points are not certified"):
        paths = fw.fit_paths(X, y, alphas=[1.0, 0.3], folds=fw.Folds.kfold(40))
    assert (paths.status != Status.CERTIFIED).any()
    assert (paths.gap[paths.status != Status.CERTIFIED] > 1e-9).all()
