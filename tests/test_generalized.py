"""Generalized paths: fold-shared fits equal naive refits, certificates bound what they say, nothing leaks."""

import naive_generalized as naive
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import GammaRegressor, LogisticRegression, PoissonRegressor, TweedieRegressor
from sklearn.metrics import brier_score_loss, roc_auc_score

import foldwise as fw
import foldwise.paths.generalized.fit as engine
from foldwise.errors import DataWarning, InputError
from foldwise.families import Binomial, Cloglog, Gamma, Huber, NegativeBinomial, Poisson, Probit, Tweedie
from foldwise.paths import RowTable
from foldwise.paths.generalized import cells
from foldwise.paths.scores import held_out_scores

N, P = 80, 5
FAMILIES = {
    "binomial": (Binomial(), naive.binomial),
    "poisson": (Poisson(), naive.poisson),
    "gamma": (Gamma(), naive.gamma),
    "tweedie": (Tweedie(1.5), naive.tweedie(1.5)),
    "negative binomial": (NegativeBinomial(2.0), naive.negative_binomial(2.0)),
    "huber": (Huber(0.7), naive.huber(0.7)),
    "probit": (Probit(), naive.by_differences(Probit().loss)),
    "cloglog": (Cloglog(), naive.by_differences(Cloglog().loss)),
}


def table(name, rng, n=N):
    X = rng.normal(size=(n, P)) * [1.0, 10.0, 0.1, 1.0, 1.0] + 3.0 * rng.normal(size=P)
    Z = (X - X.mean(0)) / X.std(0)
    eta = 0.7 * Z[:, 0] - 0.5 * Z[:, 3]
    y = {
        "binomial": lambda: rng.random(n) < 1 / (1 + np.exp(-eta)),
        "probit": lambda: rng.random(n) < 0.5 + 0.3 * np.tanh(eta),
        "cloglog": lambda: rng.random(n) < 0.5 + 0.3 * np.tanh(eta),
        "poisson": lambda: rng.poisson(np.exp(eta)),
        "gamma": lambda: rng.gamma(2.0, np.exp(eta) / 2) + 1e-3,
        "tweedie": lambda: rng.poisson(np.exp(eta)) * rng.exponential(size=n),
        "negative binomial": lambda: rng.poisson(np.exp(eta) * rng.gamma(2.0, 0.5, size=n)),
        "huber": lambda: eta + rng.standard_t(2, size=n),
    }[name]()
    return X, y.astype(float)


def objective(terms, X, y, coef, intercept, alpha, l1_ratio, weight, offset, scale):
    loss = np.average(terms(offset + X @ coef + intercept, y)[0], weights=weight)
    return loss + alpha * (l1_ratio * np.abs(scale * coef).sum() + (1 - l1_ratio) / 2 * ((scale * coef) ** 2).sum())


@pytest.mark.parametrize("name", FAMILIES)
@settings(deadline=None, max_examples=3, phases=[Phase.reuse, Phase.generate])  # the naive refits are slow
@given(
    seed=st.integers(0, 2**32 - 1),
    l1_ratio=st.sampled_from([1.0, 0.5, 0.0]),
    standardize=st.booleans(),
    intercept=st.booleans(),
    boxed=st.booleans(),
    weighted=st.booleans(),
)
def test_every_held_out_set_equals_its_naive_refit(name, seed, l1_ratio, standardize, intercept, boxed, weighted):
    rng = np.random.default_rng(seed)
    (family, terms), (X, y) = FAMILIES[name], table(name, rng)
    folds = fw.Folds.kfold(N, n_folds=4, seed=seed % 1000)
    weight = rng.random(N) + 0.2 if weighted else None
    offset = 0.3 * rng.normal(size=N) if weighted else np.zeros(N)
    both = {"fit_intercept": intercept, "standardize": standardize}
    both |= {"penalty_factor": [1.0, 2.0, 0.0, 1.0, np.inf]} if boxed else {}
    paths = fw.fit_paths(
        X,
        y,
        family=family,
        folds=folds,
        nested=True,
        alphas=6,
        eps=0.02,
        l1_ratio=l1_ratio,
        sample_weight=weight,
        offset=offset if weighted else None,
        bounds=(-0.05, 0.3) if boxed else None,
        tol=1e-14,  # the gap is of second order: coefficients to its root
        **both,
    )
    bounds = {"lower": -0.05, "upper": 0.3} if boxed else {}
    for held_out in ((), (1,), (0, 2)):
        h, rows = paths.index(held_out), folds.training_rows(held_out)
        w = None if weight is None else weight[rows]
        for a in (2, 5):
            coef, b0 = naive.fit(
                terms, X[rows], y[rows], paths.alphas[a], l1_ratio, weight=w, offset=offset[rows], **both, **bounds
            )
            away = X[rows] @ (coef - paths.coef[h, a]) + b0 - paths.intercept[h, a]
            assert np.abs(away).max() <= 2e-5
    (k,) = (1,)
    rows, h = folds.test_rows(k), paths.index({k})
    eta = offset[rows, None] + X[rows] @ paths.coef[h].T + paths.intercept[h]
    w = np.ones(N) if weight is None else weight
    np.testing.assert_allclose(
        paths.cv_error[k], np.average(family.deviance(eta, y[rows]), axis=0, weights=w[rows]), rtol=1e-9
    )
    eta = offset[rows, None] + X[rows] @ paths.coef[paths.index({0, k})].T + paths.intercept[paths.index({0, k})]
    np.testing.assert_allclose(
        paths.inner_error[0, k], np.average(family.deviance(eta, y[rows]), axis=0, weights=w[rows]), rtol=1e-9
    )


@pytest.mark.parametrize("name", [name for name, (family, _) in FAMILIES.items() if family.has_gap])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3, 0.0])
def test_the_gap_bounds_the_distance_to_the_minimum(name, l1_ratio):
    rng = np.random.default_rng(7)
    (family, terms), (X, y) = FAMILIES[name], table(name, rng)
    folds = fw.Folds.kfold(N, n_folds=4)
    common = {"family": family, "folds": folds, "l1_ratio": l1_ratio}
    exact = fw.fit_paths(X, y, alphas=12, tol=1e-14, **common)
    rough = fw.fit_paths(X, y, alphas=exact.alphas, tol=1e-2, **common)
    assert rough.gap.max() <= 1e-2
    loose = 0
    for h, members in enumerate(exact.held_out):
        rows = folds.training_rows(members)
        for a, alpha in enumerate(exact.alphas):
            near, best = (
                objective(
                    terms, X[rows], y[rows], one.coef[h, a], one.intercept[h, a], alpha, l1_ratio, None, 0.0,
                    one.scale[h],
                )
                for one in (rough, exact)
            )  # fmt: skip
            assert near - best <= rough.dual_gap[h, a] + 1e-12
            loose += near - best > 0.1 * rough.dual_gap[h, a]
    assert loose > 10 or name == "huber"  # and it is no wild bound, but where far rows have hardly any curvature


def test_null_objective_is_half_the_null_deviance():
    X, y = table("poisson", np.random.default_rng(0))
    paths = fw.fit_paths(X, y, family="poisson", alphas=3)
    null = Poisson().deviance(np.full(N, np.log(y.mean())), y).mean()
    assert paths.null_objective[0] == pytest.approx(null / 2, rel=1e-12)


@pytest.mark.parametrize("name", ["binomial", "poisson", "huber", "probit"])
@pytest.mark.parametrize("layout", ["dense", "sparse"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # of fits that see the shifted rows
def test_leak(name, layout):
    rng = np.random.default_rng(3)
    (family, _), (X, y) = FAMILIES[name], table(name, rng)
    folds = fw.Folds.kfold(N, n_folds=4)
    moved, y_moved = X.copy(), y.copy()
    moved[folds.test_rows(1)] += 1e6
    y_moved[folds.test_rows(1)] = 1.0 - y[folds.test_rows(1)] if name != "poisson" else 9.0
    wrap = sparse.csr_array if layout == "sparse" else np.asarray
    before, after = (
        fw.fit_paths(wrap(values), target, family=family, alphas=[0.1, 0.02], folds=folds, nested=True, tol=1e-13)
        for values, target in ((X, y), (moved, y_moved))
    )
    checked = 0
    for h, members in enumerate(before.held_out):
        if 1 in members:
            np.testing.assert_allclose(after.coef[h] * before.scale[h], before.coef[h] * before.scale[h], atol=3e-5)
            assert after.gap[h].max() <= 1e-13
            checked += 1
    assert checked == 4
    assert np.abs(after.coef[0] - before.coef[0]).max() > 1e-3  # the shift is felt where the rows count


def test_sparse_and_float32_equal_dense():
    X, y = table("binomial", np.random.default_rng(4))
    X = X * (np.abs(X) > 1.0)
    common = {"family": "binomial", "folds": fw.Folds.kfold(N, n_folds=4), "alphas": 10, "tol": 1e-12}
    dense = fw.fit_paths(X, y, **common)
    for other in (sparse.csr_array(X), sparse.csc_matrix(X), np.asfortranarray(X), X.astype(np.float32)):
        same = fw.fit_paths(other, y, **common)
        np.testing.assert_allclose(same.coef, dense.coef, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(same.cv_error, dense.cv_error, rtol=1e-5)


def test_repeats_are_numbered_through():
    X, y = table("poisson", np.random.default_rng(5))
    folds = fw.Folds.kfold(N, n_folds=3, repeats=2, seed=1)
    common = {"family": "poisson", "alphas": [0.3, 0.1], "nested": True, "tol": 1e-12}
    both = fw.fit_paths(X, y, folds=folds, **common)
    assert both.held_out == folds.held_out_sets(nested=True)
    second = fw.fit_paths(X, y, folds=fw.Folds(folds.labels[1:]), **common)
    np.testing.assert_allclose(both.cv_error[3:], second.cv_error, rtol=1e-6)
    np.testing.assert_allclose(both.inner_error[3:], second.inner_error, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("binomial", lambda alpha, n: LogisticRegression(C=1 / (alpha * n), tol=1e-12, max_iter=10000)),
        ("poisson", lambda alpha, _: PoissonRegressor(alpha=alpha, tol=1e-12, max_iter=10000)),
        ("gamma", lambda alpha, _: GammaRegressor(alpha=alpha, tol=1e-12, max_iter=10000)),
        ("tweedie", lambda alpha, _: TweedieRegressor(power=1.5, alpha=alpha, tol=1e-12, max_iter=10000)),
    ],
)
def test_ridge_equals_scikit_learn(name, model):
    X, y = table(name, np.random.default_rng(6))
    X = (X - X.mean(0)) / X.std(0)
    paths = fw.fit_paths(X, y, family=FAMILIES[name][0], alphas=[0.3, 0.01], l1_ratio=0.0, standardize=False, tol=1e-15)
    for a, alpha in enumerate(paths.alphas):
        theirs = model(alpha, N).fit(X, y)
        np.testing.assert_allclose(paths.coef[0, a], np.ravel(theirs.coef_), atol=1e-6)
        np.testing.assert_allclose(paths.intercept[0, a], np.ravel(theirs.intercept_)[0], atol=1e-6)


def test_no_penalty_has_no_slope():
    for name in ("binomial", "poisson", "gamma"):
        X, y = table(name, np.random.default_rng(8))
        paths = fw.fit_paths(X, y, family=name, alphas=[0.0], tol=1e-15)
        eta = X @ paths.coef[0, 0] + paths.intercept[0, 0]
        slope = FAMILIES[name][0].slopes(eta, y)[0]
        np.testing.assert_allclose(X.T @ slope / N, 0.0, atol=1e-7)
        assert abs(slope.mean()) <= 1e-8


def test_loss_sum_counts_alpha_against_the_sum():
    X, y = table("binomial", np.random.default_rng(9))
    folds = fw.Folds.kfold(N, n_folds=4)
    summed = fw.fit_paths(X, y, family="binomial", alphas=[4.0], folds=folds, loss="sum", tol=1e-13)
    mean = fw.fit_paths(X, y, family="binomial", alphas=[4.0 / 60], folds=folds, tol=1e-13)
    np.testing.assert_allclose(summed.coef[1:], mean.coef[1:], atol=1e-5)


def test_gaussian_offset_is_a_shifted_target():
    X, y = table("huber", np.random.default_rng(10))
    offset = np.arange(N) / N
    a, b = fw.fit_paths(X, y, offset=offset, alphas=5), fw.fit_paths(X, y - offset, alphas=5)
    np.testing.assert_array_equal(a.coef, b.coef)


def test_predictions_are_means():
    X, y = table("poisson", np.random.default_rng(11))
    offset = np.linspace(-1.0, 1.0, N)
    paths = fw.fit_paths(X, y, family="poisson", alphas=5, offset=offset)
    np.testing.assert_allclose(paths.predict(X, offset=offset).mean(axis=0), y.mean(), rtol=1e-3)
    eta = paths.linear_predictor(X) + offset[:, None]
    np.testing.assert_allclose(np.exp(eta), paths.predict(X, offset=offset), rtol=1e-12)


def test_scores_of_held_out_rows():
    rng = np.random.default_rng(12)
    X, y = table("binomial", rng)
    folds = fw.Folds.kfold(N, n_folds=4)
    paths = fw.fit_paths(X, y, family="binomial", folds=folds, nested=True, alphas=5)
    cv, inner = held_out_scores(paths, X, y, folds)
    np.testing.assert_allclose(cv, paths.cv_error, rtol=1e-9)
    np.testing.assert_allclose(inner, paths.inner_error, rtol=1e-9)
    rows = folds.test_rows(2)
    chance = paths.predict(X[rows], {2})[:, 3]
    for name, theirs in (("auc", roc_auc_score), ("brier", brier_score_loss)):
        score = held_out_scores(paths, X, y, folds, name)[0][2, 3]
        assert score == pytest.approx(theirs(y[rows], chance), rel=1e-12)
    wrong = held_out_scores(paths, X, y, folds, "misclassification")[0][2, 3]
    assert wrong == np.mean((chance > 0.5) != (y[rows] == 1))


def test_unknown_score_is_named():
    X, y = table("binomial", np.random.default_rng(0))
    folds = fw.Folds.kfold(N, n_folds=4)
    paths = fw.fit_paths(X, y, family="binomial", folds=folds, alphas=2)
    with pytest.raises(InputError, match="score must be one of 'deviance'"):
        held_out_scores(paths, X, y, folds, "aucc")
    with pytest.raises(InputError, match="folds must be those of the paths"):
        held_out_scores(paths, X, y, fw.Folds.kfold(N, n_folds=3))


def test_a_class_that_is_absent_from_a_training_set_is_explained():
    X = np.random.default_rng(13).normal(size=(30, 2))
    y = np.zeros(30)
    y[:6] = 1.0
    folds = fw.Folds.from_labels(np.repeat(np.arange(5), 6))
    with pytest.warns(DataWarning, match=r"without the rows of folds \[0\] y does not vary"):
        paths = fw.fit_paths(X, y, family="binomial", folds=folds, alphas=5)
    assert not paths.coef[paths.index({0})].any()
    assert np.isfinite(paths.cv_error).all()
    assert paths.gap.max() <= 1e-7


def test_a_row_table_serves_many_fits():
    X, y = table("gamma", np.random.default_rng(14))
    rows = RowTable.of(X, y, Gamma(), folds=None, sample_weight=None, offset=None)
    np.testing.assert_array_equal(fw.fit_paths(rows, alphas=4).coef, fw.fit_paths(X, y, family="gamma", alphas=4).coef)
    with pytest.raises(InputError, match="y can't be given with RowTable"):
        fw.fit_paths(rows, y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "logit"}, "family must be one of 'gaussian', 'binomial'"),
        ({"offset": np.zeros(3)}, "offset must have one number for each of the 80 rows of X"),
        ({"offset": np.full(N, np.inf)}, "offset must be finite, got inf in row 0"),
        ({"y": np.full(N, -1.0)}, "y must be >= 0 for family='poisson', got -1 in row 0"),
        ({"y": np.zeros(N)}, "y must have a positive count"),
        ({"sample_weight": -np.ones(N)}, "sample_weight must be finite and >= 0"),
        ({"nested": True}, "nested needs three or more folds"),
        ({"fill": "zero"}, "fill must be 'mean', 'median' or None, got 'zero'"),
        ({"penalty": "mcp"}, "penalty must be left out with family='poisson'"),
        ({"folds": fw.Folds.kfold(9, n_folds=3)}, "folds must label the 80 rows"),
    ],
)
def test_bad_input_is_named(change, message):
    X, y = table("poisson", np.random.default_rng(15))
    given = {"y": y, "family": "poisson", **change}
    with pytest.raises(InputError, match=message):
        fw.fit_paths(X, given.pop("y"), **given)


def test_moments_are_no_rows():
    X, y = table("poisson", np.random.default_rng(16))
    with pytest.raises(InputError, match="X must be the rows themselves for family='poisson', got FoldMoments"):
        fw.fit_paths(fw.FoldMoments.scan(X, y), family="poisson")


def test_a_path_may_end_early():
    X, y = table("binomial", np.random.default_rng(17))
    folds = fw.Folds.kfold(N, n_folds=3, repeats=2)
    whole = fw.fit_paths(X, y, family="binomial", folds=folds, alphas=30, eps=1e-6)
    early = fw.fit_paths(X, y, family="binomial", folds=folds, alphas=30, eps=1e-6, stop_when_explained=True)
    assert early.ended == "explained"
    assert 4 < len(early.alphas) < 30
    np.testing.assert_array_equal(early.coef[0], whole.coef[0, : len(early.alphas)])
    assert early.cv_error.shape == (6, len(early.alphas))


@pytest.mark.parametrize("name", ["binomial", "poisson", "probit", "huber"])
@pytest.mark.parametrize("layout", ["dense", "sparse"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_working_columns_are_enough(name, layout, l1_ratio, monkeypatch):
    rng = np.random.default_rng(18)
    _, y = table(name, rng)
    X = rng.normal(size=(N, 150)) * (rng.random((N, 150)) < 0.4)
    X[:, 0] += y / y.std()
    common = {
        "family": FAMILIES[name][0],
        "folds": fw.Folds.kfold(N, n_folds=3, repeats=2),
        "nested": True,
        "alphas": 12,
        "eps": 0.2,
        "l1_ratio": l1_ratio,
        "penalty_factor": np.append(np.ones(149), 0.0),
        "bounds": (-2.0, 2.0),
        "tol": 1e-12,
    }
    wrap = sparse.csr_array if layout == "sparse" else np.asarray
    whole = fw.fit_paths(wrap(X), y, **common)
    monkeypatch.setattr(engine, "FEW_COLUMNS", 10)
    some = fw.fit_paths(wrap(X), y, **common)
    assert len(some.columns) < 150
    np.testing.assert_allclose(some.alphas, whole.alphas, rtol=1e-6)
    np.testing.assert_allclose(some.coef, whole.coef, atol=1e-4)
    np.testing.assert_allclose(some.cv_error, whole.cv_error, rtol=1e-4)
    np.testing.assert_allclose(some.mean, whole.mean)


def test_wide_tables_fit_and_wide_ridge_is_refused():
    rng = np.random.default_rng(19)
    X = rng.normal(size=(40, 3200))
    y = (X[:, 0] - X[:, 1] + 0.3 * rng.normal(size=40) > 0).astype(float)
    paths = fw.fit_paths(X, y, family="binomial", folds=fw.Folds.kfold(40, n_folds=4), eps=0.1)
    assert paths.gap.max() <= 1e-7
    assert {0, 1} <= set(np.flatnonzero(paths.coef[0, -1]))
    with pytest.raises(InputError, match="l1_ratio must be above 0 for 3200 columns"):
        fw.fit_paths(X, y, family="binomial", l1_ratio=0.0)


@pytest.mark.parametrize("name", ["binomial", "poisson", "gamma"])
def test_compiled_passes_equal_the_families_own(name, monkeypatch):
    X, y = table(name, np.random.default_rng(20))
    weight = np.random.default_rng(20).random(N) * (np.arange(N) % 7 > 0)
    common = {"family": name, "folds": fw.Folds.kfold(N, n_folds=4), "nested": True, "sample_weight": weight}
    compiled = fw.fit_paths(X, y, alphas=20, eps=1e-4, **common)
    monkeypatch.setattr(cells, "KERNELS", {})
    plain = fw.fit_paths(X, y, alphas=compiled.alphas, **common)
    np.testing.assert_allclose(plain.coef, compiled.coef, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(plain.gap, compiled.gap, rtol=1e-4, atol=1e-14)
    np.testing.assert_allclose(plain.cv_error, compiled.cv_error, rtol=1e-11)
    np.testing.assert_array_equal(plain.n_iter, compiled.n_iter)


def test_a_delta_that_is_small_beside_y_is_named():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    y = X[:, 0] + rng.standard_t(2, size=200)
    small = r"delta=1e-05 is small beside y, whose middle half spans .* use a delta of 0\.0\d or more"
    with pytest.warns(ConvergenceWarning, match="not certified"), pytest.warns(ConvergenceWarning, match=small):
        fw.fit_paths(X, y, family=Huber(1e-5), alphas=6)
