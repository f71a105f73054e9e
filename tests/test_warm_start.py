"""Warm starts: a path begun from an earlier fit is the path begun from zero, and what does not fit is refused."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import sparse

import foldwise as fw
from foldwise.errors import InputError
from foldwise.paths import prepare

SHAPES = {"tall": (90, 12), "square": (60, 60), "wide": (40, 600), "sparse": (60, 700)}


@settings(deadline=None, max_examples=40, phases=[Phase.reuse, Phase.generate])
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from(list(SHAPES)),
    penalty=st.sampled_from(["elastic net", "elastic net", "group", "sparse group"]),
    l1_ratios=st.sampled_from([(1.0, 1.0), (0.5, 0.5), (1.0, 0.5), (0.5, 1.0), (0.0, 1.0), (1.0, 0.0)]),
    intercept=st.booleans(),
    factors=st.booleans(),
    boxed=st.booleans(),
    scale=st.sampled_from([0.05, 0.5, 1.0, 1.2, 30.0]),
)
def test_a_warm_start_changes_nothing(seed, shape, penalty, l1_ratios, intercept, factors, boxed, scale):
    rng = np.random.default_rng(seed)
    n, p = SHAPES[shape]
    X = rng.normal(size=(n, p)) + 0.5 * rng.normal(size=(n, 1))
    if shape == "sparse":
        X[rng.random(X.shape) < 0.6] = 0.0
    X[:, 3] = 1.0  # constant
    y = X[:, :5] @ rng.normal(size=5) + rng.normal(size=n) + 1.0
    folds = fw.Folds.kfold(n, n_folds=3, seed=seed % 1000)
    asked = {"nested": True, "fit_intercept": intercept, "penalty": penalty}
    if penalty != "elastic net":
        asked["groups"] = np.arange(p) // 2
    elif 0.0 not in l1_ratios:
        factor = np.ones(p)
        factor[0] = 0.0 if factors else 1.0
        asked |= {"penalty_factor": factor, "bounds": (-0.2, np.inf) if boxed else None}
    source = prepare(sparse.csr_array(X) if shape == "sparse" else X, y, folds=folds)
    first = fw.fit_paths(source, alphas=8, eps=0.05, l1_ratio=l1_ratios[0], **asked)
    strongest = first.alphas[0] if l1_ratios[0] else y.std()
    alphas = strongest * scale * np.array([0.3, 0.1])
    cold = fw.fit_paths(source, alphas=alphas, l1_ratio=l1_ratios[1], **asked)
    warm = fw.fit_paths(source, alphas=alphas, l1_ratio=l1_ratios[1], start=first, **asked)
    assert warm.gap.max() <= 1e-9
    np.testing.assert_allclose(warm.cv_error, cold.cv_error, rtol=1e-7)
    np.testing.assert_allclose(warm.inner_error, cold.inner_error, rtol=1e-7)
    spread = cold.scale[:, None]
    np.testing.assert_allclose(warm.coef * spread, cold.coef * spread, atol=1e-7 * y.std())


def test_a_warm_start_saves_steps():
    """Begun beside the solution, one strength takes fewer equality steps than from zero; elsewhere nothing is lost."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 120))
    source = fw.FoldMoments.scan(X, X[:, :60] @ rng.normal(size=60) + rng.normal(size=400), fw.Folds.kfold(400))
    first = fw.fit_paths(source, alphas=[0.02])
    cold, warm = (fw.fit_paths(source, alphas=[0.019], start=start) for start in (None, first))
    assert warm.n_iter.sum() < cold.n_iter.sum() / 2
    np.testing.assert_allclose(warm.coef, cold.coef, atol=1e-12)
    wide = rng.normal(size=(60, 2000))
    table = prepare(wide, wide[:, :5].sum(axis=1) + rng.normal(size=60), folds=fw.Folds.kfold(60))
    first = fw.fit_paths(table, alphas=[0.2])
    cold, warm = [], []
    for start, told in ((None, cold), (first, warm)):
        fw.fit_paths(table, alphas=[0.19], start=start, progress=lambda *_, told=told: told.append(1))
    assert len(warm) == 1 < len(cold)  # cold it comes down to the first strength in steps


def test_starts_that_do_not_fit_are_refused():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(60, 6)), rng.normal(size=60)
    folds = fw.Folds.kfold(60, n_folds=4)
    start = fw.fit_paths(X, y, folds=folds)
    with pytest.raises(InputError, match="start must have the 5 columns of this table, got paths with 6"):
        fw.fit_paths(X[:, :5], y, folds=folds, start=start)
    with pytest.raises(InputError, match=r"start must have the 11 held-out sets of this fit .* got 5"):
        fw.fit_paths(X, y, folds=folds, nested=True, start=start)
    with pytest.raises(InputError, match="got 5"):
        fw.fit_paths(X, y, start=start)
    with pytest.raises(InputError, match="start must be what fit_paths returned for this table, got ndarray"):
        fw.fit_paths(X, y, start=X)
    for penalty in ("mcp", "scad"):
        with pytest.raises(
            InputError, match=f"start must be left out with penalty='{penalty}': its solutions are local"
        ):
            fw.fit_paths(X, y, folds=folds, penalty=penalty, start=start)


GENERALIZED = {
    "tall": (70, 8, "binomial", {}),
    "weighted": (70, 8, "poisson", {"l1_ratio": 0.5}),
    "filled": (70, 8, "binomial", {"fill": "mean"}),
    "ridge": (70, 8, "gamma", {"l1_ratio": 0.0}),
    "classes": (70, 8, "multinomial", {}),
    "survival": (70, 8, "cox", {}),
    "many": (60, 520, "multinomial", {}),
    "wide": (40, 560, "binomial", {}),
    "wide counts": (40, 560, "poisson", {"fit_intercept": False}),
}


@pytest.mark.parametrize("case", GENERALIZED)
def test_a_warm_start_of_a_generalized_model_changes_nothing(case):
    n, p, family, asked = GENERALIZED[case]
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, p)) * np.where(np.arange(p) % 2, 3.0, 0.2) + 1.0
    signal = X[:, 1] / 3.0 - X[:, 3] / 4.0 + rng.normal(size=n)
    y = {
        "binomial": (signal > 0.0).astype(float),
        "poisson": np.floor(np.exp(0.4 * signal)),
        "gamma": np.exp(0.3 * signal),
        "multinomial": np.digitize(signal, [-0.5, 0.6]),
        "cox": np.column_stack([np.exp(-signal), rng.random(n) < 0.7]),
    }[family]
    if "fill" in asked:
        X[rng.random(n) < 0.2, 1] = np.nan
    common = {"family": family, "folds": 3, "sample_weight": rng.uniform(0.5, 2.0, n), "tol": 1e-10, **asked}
    first = fw.fit_paths(X, y, alphas=12, eps=0.1, **common)
    weak = first.alphas[[8, 10]] * 1.001
    cold = fw.fit_paths(X, y, alphas=weak, **common)
    warm = fw.fit_paths(X, y, alphas=weak, start=first, **common)
    assert warm.gap.max() <= 1e-10
    spread = cold.scale[:, None] if cold.coef.ndim == 3 else cold.scale[:, None, :, None]
    np.testing.assert_allclose(warm.coef * spread, cold.coef * spread, atol=2e-4)
    np.testing.assert_allclose(warm.cv_error, cold.cv_error, rtol=2e-4)
    assert warm.n_iter[:, 0].sum() <= cold.n_iter[:, 0].sum()


def test_a_start_of_another_family_is_refused():
    X = np.random.default_rng(0).normal(size=(30, 3))
    counts = np.arange(30.0) % 4
    first = fw.fit_paths(X, counts, family="poisson", alphas=3)
    with pytest.raises(InputError, match="start must be a fit of family='binomial', got one of 'poisson'"):
        fw.fit_paths(X, counts > 1, family="binomial", alphas=first.alphas, start=first)
