"""Every penalty on every kind of table: sparse and single precision ones have the fits of dense doubles."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import kkt_residual
from scipy import sparse

import foldwise as fw
from foldwise.paths import WideTable, prepare

KINDS = {
    "single": np.asarray,
    "single by columns": np.asfortranarray,
    "sparse": sparse.csr_array,
    "sparse by columns": sparse.csc_array,
}
GROUPED = {"groups": lambda p: np.arange(p) // 3}
ASKED = {
    "lasso": {},
    "elastic net": {"l1_ratio": 0.4},
    "ridge": {"l1_ratio": 0.0},
    "least squares": {"alphas": [0.0]},
    "adaptive": {"penalty_factor": "adaptive"},
    "bounds": {"bounds": (-0.3, 0.5)},
    "group": {"penalty": "group", **GROUPED},
    "sparse group": {"penalty": "sparse group", "tau": 0.3, **GROUPED},
    "group, ridge": {"penalty": "group", "l1_ratio": 0.6, **GROUPED},
    "mcp": {"penalty": "mcp"},
    "scad": {"penalty": "scad", "l1_ratio": 0.8},
}


def table(rng, n, p):
    """Numbers that single precision holds exactly, half of them zero."""
    X = np.where(rng.random((n, p)) < 0.5, rng.normal(size=(n, p)) + 0.3, 0.0).astype(np.float32)
    y = X[:, :4] @ [2.0, -1.0, 1.0, 0.5] + rng.normal(size=n)
    return X, y.astype(float)


def asked_of(name, p):
    asked = {"alphas": [0.5, 0.2, 0.05], **ASKED[name]}
    return asked | ({"groups": asked["groups"](p)} if "groups" in asked else {})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("standardize", [True, False])
def test_sparse_and_single_tables_have_the_fits_of_dense_doubles(kind, name, standardize):
    rng = np.random.default_rng(0)
    X, y = table(rng, 90, 12)
    if not standardize and name in ("mcp", "scad"):
        X *= np.float32(4.0)  # so that every column curves more than the penalty
    weight, folds = rng.random(90) + 0.2, fw.Folds.kfold(90, n_folds=3)
    asked = asked_of(name, 12) | {"nested": True, "folds": folds, "sample_weight": weight, "standardize": standardize}
    expected = fw.fit_paths(X.astype(np.float64), y, **asked)
    found = fw.fit_paths(KINDS[kind](X), y, **asked)
    spread = expected.scale[:, None]
    np.testing.assert_allclose(found.coef * spread, expected.coef * spread, atol=1e-7 * y.std())
    np.testing.assert_allclose(found.intercept, expected.intercept, atol=1e-7 * y.std())
    np.testing.assert_allclose(found.cv_error, expected.cv_error, rtol=1e-7)
    np.testing.assert_allclose(found.inner_error, expected.inner_error, rtol=1e-7)
    assert found.gap.max() <= 1e-9


@settings(deadline=None, max_examples=40, phases=[Phase.reuse, Phase.generate])
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(list(KINDS)),
    shape=st.sampled_from([(90, 12), (50, 560), (600, 520)]),
    l1_ratio=st.sampled_from([1.0, 0.5]),
    intercept=st.booleans(),
    weights=st.booleans(),
    factors=st.booleans(),
    boxed=st.booleans(),
)
def test_every_fit_is_optimal_on_its_own_rows(seed, kind, shape, l1_ratio, intercept, weights, factors, boxed):
    """From the definition, on the rows as dense doubles: nothing of how they were fitted enters."""
    rng = np.random.default_rng(seed)
    (n, p), folds = shape, fw.Folds.kfold(shape[0], n_folds=3, seed=seed % 1000)
    X, y = table(rng, n, p)
    weight = rng.random(n) + 0.2 if weights else np.ones(n)
    factor = np.ones(p)
    if factors:
        factor[:6] = [0.0, 2.0, 0.5, 1.0, 0.0, 3.0]
    lower, upper = (-0.2, 0.4) if boxed else (-np.inf, np.inf)
    source = prepare(KINDS[kind](X), y, folds=folds, sample_weight=weight)
    assert isinstance(source, WideTable) == (p > n or (p > 500 and "sparse" in kind))
    paths = fw.fit_paths(
        source, alphas=[0.3, 0.1, 0.04], l1_ratio=l1_ratio, nested=True, fit_intercept=intercept, standardize=False,
        penalty_factor=factor, bounds=(lower, upper),
    )  # fmt: skip
    assert paths.gap.max() <= 1e-9
    dense = X.astype(np.float64)
    for h, held_out in enumerate(paths.held_out):
        rows = folds.training_rows(held_out)
        for a, alpha in enumerate(paths.alphas):
            coef = paths.coef[h, a]
            for bound in (lower, upper):  # but for rounding, back from the solver's scale
                coef = np.where(np.isclose(coef, bound, rtol=1e-14), bound, coef)
            told = kkt_residual(
                dense[rows], y[rows], coef, alpha, l1_ratio, weight=weight[rows], fit_intercept=intercept,
                factor=factor, lower=lower, upper=upper,
            )  # fmt: skip
            assert told < 1e-7
