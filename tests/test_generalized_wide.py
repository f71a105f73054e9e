"""Wide generalized tables: each set's own models on working columns equal naive refits, are certified, leak nothing."""

import naive_generalized as naive
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import sparse

import foldwise as fw
import foldwise.paths.generalized.fit as engine
from foldwise.errors import InputError
from foldwise.families import Binomial, Cloglog, Gamma, Huber, NegativeBinomial, Poisson, Tweedie
from foldwise.paths.generalized.wide_table import WideTable
from foldwise.paths.lockstep.columns import DenseColumns

N, P = 48, 60
FAMILIES = {
    "binomial": (Binomial(), naive.binomial),
    "poisson": (Poisson(), naive.poisson),
    "gamma": (Gamma(), naive.gamma),
    "tweedie": (Tweedie(1.5), naive.tweedie(1.5)),
    "negative binomial": (NegativeBinomial(2.0), naive.negative_binomial(2.0)),
    "huber": (Huber(0.7), naive.huber(0.7)),
    "cloglog": (Cloglog(), naive.by_differences(Cloglog().loss)),
}


@pytest.fixture(autouse=True)
def _small_tables_are_wide(monkeypatch):
    monkeypatch.setattr(engine, "FEW_COLUMNS", 20)


def table(name, rng, p=P):
    X = rng.normal(size=(N, p)) * 10.0 ** rng.integers(-1, 2, size=p) + 3.0 * rng.normal(size=p)
    Z = (X - X.mean(0)) / X.std(0)
    eta = 0.8 * Z[:, 0] - 0.6 * Z[:, 3]
    y = {
        "binomial": lambda: rng.random(N) < 1 / (1 + np.exp(-eta)),
        "cloglog": lambda: rng.random(N) < 0.5 + 0.3 * np.tanh(eta),
        "poisson": lambda: rng.poisson(np.exp(eta)),
        "gamma": lambda: rng.gamma(2.0, np.exp(eta) / 2) + 1e-3,
        "tweedie": lambda: rng.poisson(np.exp(eta)) * rng.exponential(size=N),
        "negative binomial": lambda: rng.poisson(np.exp(eta) * rng.gamma(2.0, 0.5, size=N)),
        "huber": lambda: eta + rng.standard_t(2, size=N),
    }[name]()
    return X, y.astype(float)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # rounding may end just above 1e-14
@pytest.mark.parametrize("name", FAMILIES)
@settings(deadline=None, max_examples=2, phases=[Phase.reuse, Phase.generate])  # the naive refits are slow
@given(
    seed=st.integers(0, 2**32 - 1),
    l1_ratio=st.sampled_from([1.0, 0.5]),
    standardize=st.booleans(),
    intercept=st.booleans(),
    boxed=st.booleans(),
    weighted=st.booleans(),
    layout=st.sampled_from([np.ascontiguousarray, np.asfortranarray, sparse.csr_array]),
)
def test_every_held_out_set_equals_its_naive_refit(
    name, seed, l1_ratio, standardize, intercept, boxed, weighted, layout
):
    rng = np.random.default_rng(seed)
    (family, terms), (X, y) = FAMILIES[name], table(name, rng)
    folds = fw.Folds.kfold(N, n_folds=4, seed=seed % 1000)
    weight = rng.random(N) + 0.2 if weighted else None
    offset = 0.3 * rng.normal(size=N) if weighted else np.zeros(N)
    both = {"fit_intercept": intercept, "standardize": standardize}
    both |= {"penalty_factor": np.r_[1.0, 2.0, 0.0, np.ones(P - 4), np.inf]} if boxed else {}
    paths = fw.fit_paths(
        layout(X),
        y,
        family=family,
        folds=folds,
        nested=True,
        alphas=6,
        eps=0.1,
        l1_ratio=l1_ratio,
        sample_weight=weight,
        offset=offset if weighted else None,
        bounds=(-0.05, 0.3) if boxed else None,
        tol=1e-14,  # the gap is of second order: coefficients to its root
        **both,
    )
    assert paths.gap.max() <= 1e-12
    bounds = {"lower": -0.05, "upper": 0.3} if boxed else {}
    for held_out in ((), (0, 2)):
        h, rows = paths.index(held_out), folds.training_rows(held_out)
        w = None if weight is None else weight[rows]
        coef, b0 = naive.fit(
            terms, X[rows], y[rows], paths.alphas[4], l1_ratio, weight=w, offset=offset[rows], **both, **bounds
        )
        away = X[rows] @ (coef - paths.coef[h, 4]) + b0 - paths.intercept[h, 4]
        assert np.abs(away).max() <= 2e-5
    rows, h = folds.test_rows(1), paths.index({1})
    eta = offset[rows, None] + X[rows] @ paths.coef[h].T + paths.intercept[h]
    w = np.ones(N) if weight is None else weight
    np.testing.assert_allclose(
        paths.cv_error[1], np.average(family.deviance(eta, y[rows]), axis=0, weights=w[rows]), rtol=1e-9
    )


def objective(terms, X, y, coef, intercept, alpha, l1_ratio, scale):
    size = scale * coef
    loss = terms(X @ coef + intercept, y)[0].mean()
    return loss + alpha * (l1_ratio * np.abs(size).sum() + (1 - l1_ratio) / 2 * (size**2).sum())


@pytest.mark.parametrize("name", [name for name, (family, _) in FAMILIES.items() if family.has_gap])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3])
def test_the_gap_bounds_the_distance_to_the_minimum(name, l1_ratio):
    (_, terms), (X, y) = FAMILIES[name], table(name, np.random.default_rng(7))
    folds = fw.Folds.kfold(N, n_folds=3)
    common = {"family": FAMILIES[name][0], "folds": folds, "l1_ratio": l1_ratio}
    exact = fw.fit_paths(X, y, alphas=8, tol=1e-14, **common)
    rough = fw.fit_paths(X, y, alphas=exact.alphas, tol=0.3, **common)
    assert rough.gap.max() <= 0.3
    above = []
    for h, members in enumerate(exact.held_out):
        rows = folds.training_rows(members)
        for a, alpha in enumerate(exact.alphas):
            near, best = (
                objective(terms, X[rows], y[rows], one.coef[h, a], one.intercept[h, a], alpha, l1_ratio, one.scale[h])
                for one in (rough, exact)
            )
            assert near - best <= rough.dual_gap[h, a] + 1e-12
            above.append((near - best) / max(rough.dual_gap[h, a], 1e-300))
    assert max(above) > 0.1 or name == "huber"  # and it is no wild bound, but where far rows have hardly any curvature


@pytest.mark.parametrize("name", ["binomial", "poisson", "huber", "cloglog"])
@pytest.mark.parametrize("layout", [np.asfortranarray, sparse.csr_array])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # of fits that see the shifted rows
def test_leak(name, layout):
    (family, _), (X, y) = FAMILIES[name], table(name, np.random.default_rng(3))
    folds = fw.Folds.kfold(N, n_folds=4)
    moved, y_moved = X.copy(), y.copy()
    moved[folds.test_rows(1)] += 1e6
    y_moved[folds.test_rows(1)] = 1.0 - y[folds.test_rows(1)] if name != "poisson" else 9.0
    before, after = (
        fw.fit_paths(layout(values), target, family=family, alphas=[0.1, 0.05], folds=folds, nested=True, tol=1e-13)
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


def test_layouts_and_precisions_agree():
    X, y = table("binomial", np.random.default_rng(4), p=300)
    X = X * (np.abs(X) > 1.0)
    common = {"family": "binomial", "folds": fw.Folds.kfold(N, n_folds=4), "alphas": 10, "eps": 0.05, "tol": 1e-12}
    dense = fw.fit_paths(X, y, **common)
    for other in (sparse.csr_array(X), sparse.csc_matrix(X), np.asfortranarray(X), X.astype(np.float32)):
        same = fw.fit_paths(other, y, **common)
        np.testing.assert_allclose(same.cv_error, dense.cv_error, rtol=1e-4)  # float32 has changed X itself
        np.testing.assert_allclose(same.intercept, dense.intercept, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("intercept", [True, False])
def test_no_column_is_overlooked(intercept):
    """The conditions of all columns hold at every point, those that were left out of the looks among them."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(N, 900)) + 2.0 * rng.normal(size=(N, 1))  # so that pulls grow as others come in
    y = (X[:, 0] - X[:, 1] + rng.normal(size=N) > 0.0).astype(float)
    folds = fw.Folds.kfold(N, n_folds=3)
    paths = fw.fit_paths(
        X, y, family="binomial", folds=folds, alphas=40, eps=0.02, tol=1e-13, standardize=False, fit_intercept=intercept
    )
    assert len(paths.columns) < 600
    for h, members in enumerate(paths.held_out):
        rows = folds.training_rows(members)
        eta = X[rows] @ paths.coef[h].T + paths.intercept[h]
        pull = np.abs(X[rows].T @ (1 / (1 + np.exp(-eta)) - y[rows, None])) / len(rows)
        assert np.all(pull <= paths.alphas * (1 + 1e-4))
        used = paths.coef[h].T != 0.0
        np.testing.assert_allclose(pull[used], np.broadcast_to(paths.alphas, pull.shape)[used], rtol=1e-3)


def test_rows_without_weight_count_for_nothing():
    X, y = table("gamma", np.random.default_rng(6))
    weight = (np.arange(N) % 5 > 0).astype(float)
    labels = np.arange(N) % 4
    common = {"family": "gamma", "alphas": [0.2, 0.1], "tol": 1e-13}
    whole = fw.fit_paths(X, y, folds=fw.Folds.from_labels(labels), sample_weight=weight, **common)
    kept = weight > 0.0
    part = fw.fit_paths(X[kept], y[kept], folds=fw.Folds.from_labels(labels[kept]), **common)
    np.testing.assert_allclose(whole.coef * whole.scale[:, None], part.coef * part.scale[:, None], atol=1e-5)
    np.testing.assert_allclose(whole.cv_error, part.cv_error, rtol=1e-5)


def test_a_wide_table_has_no_unpenalized_answer():
    X, y = table("poisson", np.random.default_rng(8))
    with pytest.raises(InputError, match=r"alpha must be > 0 for 60 columns and 48 rows, got 0\.0"):
        fw.fit_paths(X, y, family="poisson", alphas=[0.1, 0.0])


@pytest.mark.parametrize("family", ["binomial", "multinomial"])
def test_a_path_may_end_where_its_error_has_turned(family):
    rng = np.random.default_rng(9)
    X = rng.normal(size=(N, 200))
    y = (rng.random(N) < 1 / (1 + np.exp(-2.0 * X[:, 0]))).astype(int)
    common = {"family": family, "folds": fw.Folds.kfold(N, n_folds=4, repeats=2), "alphas": 60, "eps": 1e-3}
    whole = fw.fit_paths(X, y, **common)
    early = fw.fit_paths(X, y, stop_when_turned=True, **common)
    assert early.ended == "turned"
    points = len(early.alphas)
    assert 6 < points < 50
    np.testing.assert_array_equal(early.coef, whole.coef[:, :points])
    first = whole.cv_error[:4].mean(axis=0)
    assert np.argmin(first) < points


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_columns_that_are_not_looked_at_have_no_say(family, monkeypatch):
    multiplied, plain, products = [], WideTable.look, DenseColumns.products

    def look(table, dual, alpha):
        wanted, where = plain(table, dual, alpha)
        pulls = np.abs(products(table.columns, dual)[:, : table.H]) * table.inverse
        np.testing.assert_array_equal(wanted, np.flatnonzero((pulls > alpha).any(axis=1)))
        np.testing.assert_array_equal(where, pulls[wanted] > alpha)
        return wanted, where

    def spied(columns, dual, picks=None):
        multiplied.append(columns.p if picks is None else len(picks))
        return products(columns, dual, picks)

    monkeypatch.setattr(WideTable, "look", look)
    monkeypatch.setattr(DenseColumns, "products", spied)
    X, y = table(family, np.random.default_rng(4), p=600)
    paths = fw.fit_paths(X, y, folds=fw.Folds.kfold(N, 4), family=family, alphas=200, eps=0.1)
    assert len(multiplied) > 200
    assert np.mean(np.array(multiplied) < 600) > 0.25  # or there would be nothing to see
    assert paths.gap.max() <= 1e-7
