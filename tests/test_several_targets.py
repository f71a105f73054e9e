"""Several gaussian targets: glmnet's and scikit-learn's solutions, folds of their own rows, nothing leaks."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import MultiTaskElasticNet, MultiTaskLasso

import foldwise as fw
from foldwise.errors import InputError
from foldwise.paths.scores import held_out_scores

N, P, C = 60, 5, 3


def table(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, P)) * [1.0, 5.0, 0.2, 1.0, 1.0] + [3.0, 0.0, 0.0, -1.0, 0.0]
    return X, X[:, :2] @ rng.normal(size=(2, C)) + rng.normal(size=(N, C)) + [1.0, 2.0, 3.0]


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_equals_scikit_learn(intercept, l1_ratio):
    X, Y = table()
    paths = fw.fit_paths(
        X,
        Y,
        family="multigaussian",
        alphas=[1.0, 0.1],
        l1_ratio=l1_ratio,
        standardize=False,
        fit_intercept=intercept,
    )
    for a, alpha in enumerate(paths.alphas):
        theirs = MultiTaskElasticNet(
            alpha=alpha, l1_ratio=l1_ratio, tol=1e-12, max_iter=100_000, fit_intercept=intercept
        ).fit(X, Y)
        np.testing.assert_allclose(paths.coef[0, a].T, theirs.coef_, atol=1e-8)
        np.testing.assert_allclose(paths.intercept[0, a], np.broadcast_to(theirs.intercept_, C), atol=1e-7)
        np.testing.assert_allclose(paths.predict(X)[:, a], theirs.predict(X), atol=1e-7)


def test_the_grid_begins_where_scikit_learn_s_model_empties():
    X, Y = table()
    Z = (X - X.mean(0)) / X.std(0)
    paths = fw.fit_paths(X, Y, family="multigaussian", alphas=5)
    assert not paths.coef[0, 0].any()
    assert np.count_nonzero(MultiTaskLasso(alpha=paths.alphas[0] * 0.999, tol=1e-12).fit(Z, Y).coef_[0]) <= 1
    assert MultiTaskLasso(alpha=paths.alphas[0] * 0.98, tol=1e-12).fit(Z, Y).coef_.any()


def test_held_out_sets_are_fits_of_their_own_rows_and_nothing_leaks():
    X, Y = table(1)
    weight = np.random.default_rng(1).random(N) + 0.5
    folds = fw.Folds.kfold(N, n_folds=3)
    common = {"family": "multigaussian", "alphas": [0.5, 0.05], "penalty_factor": [1.0, 0.0, 2.0, np.inf, 1.0]}
    paths = fw.fit_paths(X, Y, folds=folds, nested=True, sample_weight=weight, **common)
    for h, members in enumerate(paths.held_out):
        rows = folds.training_rows(members)
        alone = fw.fit_paths(X[rows], Y[rows], sample_weight=weight[rows], **common)
        np.testing.assert_allclose(paths.coef[h], alone.coef[0], atol=1e-10)
    scores, inner = held_out_scores(paths, X, Y, folds, sample_weight=weight)
    np.testing.assert_allclose(scores, paths.cv_error, rtol=1e-10)
    np.testing.assert_allclose(inner, paths.inner_error, rtol=1e-10)
    moved, y_moved = X.copy(), Y.copy()
    moved[folds.test_rows(1)] += 1e6
    y_moved[folds.test_rows(1)] -= 1e6
    after = fw.fit_paths(moved, y_moved, folds=folds, sample_weight=weight, **common)
    np.testing.assert_allclose(after.coef[after.index({1})], paths.coef[paths.index({1})], atol=1e-10)


@pytest.mark.parametrize("standardize", [0, 1])
@pytest.mark.parametrize("l1_ratio", [1, 0])
def test_glmnet_paths(shared, l1_ratio, standardize):
    data = pd.read_csv(shared / "truth" / "glmnet_examples" / "MultiGaussianExample.csv")
    X, Y = data.filter(regex="^V").to_numpy(), data.filter(regex="^y").to_numpy()
    theirs = pd.read_csv(shared / "truth" / "glmnet" / f"mgaussian_alpha{l1_ratio}_std{standardize}_path.csv")
    parts = [theirs[theirs["response"] == c][1 - l1_ratio :] for c in range(1, 5)]
    paths = fw.fit_paths(
        X,
        Y,
        family="multigaussian",
        alphas=parts[0]["lambda"],
        l1_ratio=l1_ratio,
        standardize=bool(standardize),
    )
    for c, part in enumerate(parts):
        np.testing.assert_allclose(paths.coef[0, :, :, c], part.filter(regex=r"^V\d+$").to_numpy(), atol=1e-6)
        np.testing.assert_allclose(paths.intercept[0, :, c], part["a0"], atol=1e-6)
    assert paths.gap.max() <= 1e-9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.ones(N)}, r"y must have shape \(60, targets\) for family='multigaussian'"),
        ({"y": np.full((N, 2), np.nan)}, "y must be finite, got nan in row 0, column 0"),
        ({"y": np.full((N, 2), "a")}, "y must hold numbers"),
        ({"bounds": (0.0, None)}, "bounds must be left out with family='multigaussian'"),
        ({"offset": np.zeros(N)}, "offset must be left out"),
    ],
)
def test_bad_input_is_named(change, message):
    X, Y = table()
    given = {"y": Y, "family": "multigaussian", **change}
    with pytest.raises(InputError, match=message):
        fw.fit_paths(X, given.pop("y"), **given)
