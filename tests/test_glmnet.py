"""glmnet's published gaussian paths and cross-validated errors through fit_paths, to 1e-6.

glmnet scales y to unit standard deviation (1/n) before it solves, so that its ridge term in original units is
lambda (1 - alpha) / sd(y), its lasso term lambda alpha. It rescales weights to sum to n, penalty factors to sum to p.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import foldwise as fw
from foldwise.paths import WideTable, prepare

TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def example(shared):
    table = pd.read_csv(shared / "truth" / "glmnet_examples" / "QuickStartExample.csv")
    return table.drop(columns="y").to_numpy(), table["y"].to_numpy()


@pytest.fixture(scope="module")
def glmnet(shared):
    return lambda name: pd.read_csv(shared / "truth" / "glmnet" / f"gaussian_{name}.csv")


@pytest.fixture(scope="module")
def extra(shared):
    return lambda name: pd.read_csv(shared / "truth" / "glmnet" / f"extra_{name}.csv").iloc[:, 0].to_numpy(float)


def assert_equal_paths(paths, table):
    h = paths.index()
    coef = table.filter(regex=r"^V\d+$").to_numpy()
    np.testing.assert_allclose(paths.coef[h], coef, atol=TOLERANCE)
    np.testing.assert_allclose(paths.intercept[h], table["a0"], atol=TOLERANCE)
    assert paths.gap.max() <= 1e-9


@pytest.mark.parametrize("standardize", [False, True])
def test_lasso(example, glmnet, standardize):
    table = glmnet(f"alpha1_std{int(standardize)}_path")
    paths = fw.fit_paths(*example, alphas=table["lambda"], standardize=standardize)
    assert_equal_paths(paths, table)
    kept = np.count_nonzero(paths.coef[0], axis=1)
    assert (kept[1:] == table["df"].to_numpy()[1:]).all()  # at the first lambda, rounding decides
    X, y = example
    explained = 1 - ((y[:, None] - paths.predict(X)) ** 2).sum(axis=0) / ((y - y.mean()) ** 2).sum()
    np.testing.assert_allclose(explained, table["dev_ratio"], atol=TOLERANCE)


@pytest.mark.parametrize("standardize", [False, True])
def test_the_grid_starts_where_glmnet_starts(example, glmnet, standardize):
    table = glmnet(f"alpha1_std{int(standardize)}_path")
    strongest = fw.fit_paths(*example, alphas=3, standardize=standardize).alphas[0]
    assert strongest == pytest.approx(table["lambda"][0], rel=1e-12)


@pytest.mark.parametrize("standardize", [False, True])
def test_ridge(example, glmnet, standardize):
    table = glmnet(f"alpha0_std{int(standardize)}_path")
    lambdas = table["lambda"].to_numpy()
    paths = fw.fit_paths(*example, alphas=lambdas / example[1].std(), l1_ratio=0.0, standardize=standardize)
    # glmnet reports its first ridge lambda as if it were infinite
    assert_equal_paths(
        fw.fit_paths(*example, alphas=paths.alphas[1:], l1_ratio=0.0, standardize=standardize), table[1:]
    )


def test_weights(example, glmnet, extra):
    table = glmnet("weights_path")
    paths = fw.fit_paths(*example, alphas=table["lambda"], sample_weight=extra("weights_n100"))
    assert_equal_paths(paths, table)


def test_penalty_factors(example, glmnet, extra):
    table, factor = glmnet("pf_path"), extra("penalty_factor_p20")
    paths = fw.fit_paths(*example, alphas=table["lambda"], penalty_factor=factor * len(factor) / factor.sum())
    assert_equal_paths(paths, table)


def test_without_intercept(example, glmnet):
    table = glmnet("noint_path")
    assert_equal_paths(fw.fit_paths(*example, alphas=table["lambda"], fit_intercept=False), table)


def test_lower_limits(example, glmnet):
    table = glmnet("lower0_path")
    assert_equal_paths(fw.fit_paths(*example, alphas=table["lambda"], bounds=(0.0, None)), table)


def test_excluded_columns(example, glmnet):
    table = glmnet("exclude_1_6_path")
    factor = np.ones(20)
    factor[[0, 5]] = np.inf
    paths = fw.fit_paths(*example, alphas=table["lambda"], penalty_factor=factor)
    assert_equal_paths(paths, table)
    assert not paths.coef[:, :, [0, 5]].any()


def glmnet_grid(X, y):
    """The lambdas glmnet visits by itself: 100 down to 1e-4 of the strongest, until a step explains nothing more."""
    paths = fw.fit_paths(X, y, alphas=100, eps=1e-4)
    explained = 1 - ((y[:, None] - paths.predict(X)) ** 2).sum(axis=0) / ((y - y.mean()) ** 2).sum()
    stalled = np.flatnonzero(np.diff(explained) < 1e-5 * explained[1:]) + 1
    return paths.alphas[: stalled[stalled >= 4][0] + 1]


def predict_like_glmnet(X, y, folds, lambdas):
    """Out-of-fold predictions (n, A): cv.glmnet gives each fold a grid of its own and interpolates in it."""
    grids = [glmnet_grid(X[folds.training_rows([k])], y[folds.training_rows([k])]) for k in range(folds.n_folds)]
    paths = fw.fit_paths(X, y, alphas=np.unique(np.concatenate(grids)), folds=folds)
    assert paths.gap.max() <= 1e-9
    predicted = np.empty((len(y), len(lambdas)))
    for k, grid in enumerate(grids):
        own = np.isin(paths.alphas, grid)
        for row in folds.test_rows(k):
            values = paths.predict(X[[row]], [k])[0, own]
            predicted[row] = np.interp(lambdas, paths.alphas[own][::-1], values[::-1])
    return predicted


def test_the_grid_ends_where_glmnet_ends(example, glmnet):
    wanted = glmnet("alpha1_std1_path")["lambda"]
    np.testing.assert_allclose(glmnet_grid(*example), wanted, rtol=1e-12)
    paths = fw.fit_paths(*example, eps=1e-4, stop_when_explained=True)
    np.testing.assert_allclose(paths.alphas, wanted, rtol=1e-12)


@pytest.mark.parametrize(("name", "loss"), [("mse", np.square), ("mae", np.abs)])
def test_cross_validated_errors(example, glmnet, name, loss):
    table = glmnet(f"alpha1_cv_{name}")
    X, y = example
    folds = fw.Folds.from_labels(np.arange(100) % 10 + 1)
    errors = loss(y[:, None] - predict_like_glmnet(X, y, folds, table["lambda"]))
    by_fold = np.array([errors[folds.test_rows(k)].mean(axis=0) for k in range(10)])
    mean = by_fold.mean(axis=0)
    np.testing.assert_allclose(mean, table["cvm"], atol=TOLERANCE)
    np.testing.assert_allclose(np.sqrt(((by_fold - mean) ** 2).mean(axis=0) / 9), table["cvsd"], atol=TOLERANCE)


def test_choices_without_interpolation(example, glmnet):
    """Solved at the very lambdas, the errors differ from glmnet's in the third digit, and choose the same."""
    table = glmnet("alpha1_cv_mse")
    paths = fw.fit_paths(*example, alphas=table["lambda"], folds=fw.Folds.from_labels(np.arange(100) % 10 + 1))
    np.testing.assert_allclose(paths.cv_error.mean(axis=0), table["cvm"], rtol=1e-2)
    assert paths.alphas[paths.choose("min")] == pytest.approx(table["lambda_min"][0])
    assert paths.alphas[paths.choose("1se")] == pytest.approx(table["lambda_1se"][0])


@pytest.mark.parametrize("kind", ["wide", "sparse", "single"])
def test_the_same_paths_from_other_kinds_of_table(example, glmnet, kind):
    """Columns of noise that are left out make the table a wide one; glmnet's numbers stay."""
    X, y = example
    table = glmnet("alpha1_std1_path")
    if kind == "single":
        assert_equal_paths(fw.fit_paths(X.astype(np.float32), y, alphas=table["lambda"]), table)
        return
    more = np.random.default_rng(0).normal(size=(100, 600))
    factor = np.r_[np.ones(20), np.full(600, np.inf)]
    whole = np.hstack([X, more])
    source = prepare(sparse.csc_array(whole) if kind == "sparse" else whole, y)
    assert isinstance(source, WideTable)
    paths = fw.fit_paths(source, alphas=table["lambda"], penalty_factor=factor)
    coef = table.filter(regex=r"^V\d+$").to_numpy()
    np.testing.assert_allclose(paths.coef[0, :, :20], coef, atol=TOLERANCE)
    np.testing.assert_allclose(paths.intercept[0], table["a0"], atol=TOLERANCE)
    assert not paths.coef[0, :, 20:].any()
