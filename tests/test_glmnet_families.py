"""glmnet's published paths of other families than the gaussian through fit_paths, and the measured accuracy of each.

glmnet's own stop leaves its coefficients a little off: each tolerance is what its file was measured to differ by from
solutions whose duality gap is at rounding, rounded up. That it is glmnet's that are off, the objectives say.
"""

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.paths.scores import held_out_scores

EXAMPLES = {"binomial": "BinomialExample", "poisson": "PoissonExample", "multinomial": "MultinomialExample"}


@pytest.fixture(scope="module")
def example(shared):
    def read(family):
        table = pd.read_csv(shared / "truth" / "glmnet_examples" / f"{EXAMPLES[family]}.csv")
        return table.drop(columns="y").to_numpy(), table["y"].to_numpy(float)

    return read


@pytest.fixture(scope="module")
def glmnet(shared):
    return lambda name: pd.read_csv(shared / "truth" / "glmnet" / f"{name}.csv")


def objective(paths, X, y, coef, intercept, standardize):
    """Penalized mean loss (A,) of coefficients (A, p)."""
    loss = paths.family.loss(X @ coef.T + intercept, y).mean(axis=0)
    b = coef * (X.std(axis=0) if standardize else 1.0)
    ratio = paths.l1_ratio
    return loss + paths.alphas * (ratio * np.abs(b).sum(axis=1) + (1 - ratio) / 2 * (b**2).sum(axis=1))


def assert_as_good(paths, X, y, table, tolerance, *, standardize=True):
    coef, intercept = table.filter(regex=r"^V\d+$").to_numpy(), table["a0"].to_numpy()
    size = np.abs(coef).max()
    np.testing.assert_allclose(paths.coef[0], coef, atol=tolerance * size)
    np.testing.assert_allclose(paths.intercept[0], intercept, atol=tolerance * size)
    ours = objective(paths, X, y, paths.coef[0], paths.intercept[0], standardize)
    assert np.all(ours <= objective(paths, X, y, coef, intercept, standardize) + 1e-13 * np.abs(ours))


@pytest.mark.parametrize("standardize", [0, 1])
@pytest.mark.parametrize(
    ("family", "l1_ratio", "tolerance"),
    [("binomial", 1, 2e-5), ("binomial", 0, 1e-6), ("poisson", 1, 1e-6), ("poisson", 0, 1e-6)],
)
def test_paths(example, glmnet, family, l1_ratio, tolerance, standardize):
    table = glmnet(f"{family}_alpha{l1_ratio}_std{standardize}_path")
    table = table[1 - l1_ratio :]  # glmnet reports its first ridge lambda as if it were infinite
    X, y = example(family)
    paths = fw.fit_paths(
        X, y, family=family, alphas=table["lambda"], l1_ratio=l1_ratio, standardize=bool(standardize), tol=1e-14
    )
    assert_as_good(paths, X, y, table, tolerance, standardize=standardize)
    explained = 1.0 - fw_deviance(paths, X, y) / fw_deviance(paths, X, y, null=True)
    np.testing.assert_allclose(explained, table["dev_ratio"], atol=1e-6)


def fw_deviance(paths, X, y, *, null=False):
    eta = np.full((len(y), 1), paths.family.link(np.array(y.mean()))) if null else paths.linear_predictor(X)
    return paths.family.deviance(eta, y).sum(axis=0)


def test_probit(example, glmnet):
    table = glmnet("binomial_probit_path")
    X, y = example("binomial")
    paths = fw.fit_paths(X, y, family="probit", alphas=table["lambda"], tol=1e-10)
    assert_as_good(paths, X, y, table, 3e-4)


@pytest.mark.parametrize(
    ("family", "name", "score"),
    [
        ("binomial", "deviance", "deviance"),
        ("binomial", "class", "misclassification"),
        ("binomial", "auc", "auc"),
        ("poisson", "deviance", "deviance"),
        ("poisson", "mse", "mse"),
    ],
)
def test_cross_validated_curves(example, glmnet, family, name, score):
    """cv.glmnet solves each fold at lambdas of its own and interpolates; down to the best one the curves are close."""
    table = glmnet(f"{family}_alpha1_cv_{name}")
    X, y = example(family)
    folds = fw.Folds.from_labels(np.arange(len(y)) % 10 + 1)
    paths = fw.fit_paths(X, y, family=family, alphas=table["lambda"], folds=folds)
    mean = held_out_scores(paths, X, y, folds, score)[0].mean(axis=0)
    down = table["lambda"] >= table["lambda_min"][0]
    np.testing.assert_allclose(mean[down], table["cvm"][down], rtol=2e-2)
    if score == "deviance":
        assert paths.alphas[paths.choose("min")] == pytest.approx(table["lambda_min"][0], rel=0.2)


@pytest.mark.parametrize("standardize", [0, 1])
@pytest.mark.parametrize("l1_ratio", [1, 0])
def test_multinomial_paths(example, glmnet, l1_ratio, standardize):
    table = glmnet(f"multinomial_alpha{l1_ratio}_std{standardize}_path")
    parts = [table[table["response"] == c][1 - l1_ratio :] for c in (1, 2, 3)]
    X, y = example("multinomial")
    paths = fw.fit_paths(
        X,
        y - 1,
        family="multinomial",
        alphas=parts[0]["lambda"],
        l1_ratio=l1_ratio,
        standardize=bool(standardize),
        tol=1e-14,
    )
    for c, part in enumerate(parts):
        coef = part.filter(regex=r"^V\d+$").to_numpy()
        np.testing.assert_allclose(paths.coef[0, :, :, c], coef, atol=2e-6)
        np.testing.assert_allclose(paths.intercept[0, :, c], part["a0"], atol=2e-6)


@pytest.mark.parametrize(("name", "score"), [("deviance", "deviance"), ("class", "misclassification")])
def test_multinomial_cross_validated_curves(example, glmnet, name, score):
    table = glmnet(f"multinomial_alpha1_cv_{name}")
    X, y = example("multinomial")
    folds = fw.Folds.from_labels(np.arange(len(y)) % 10 + 1)
    paths = fw.fit_paths(X, y - 1, family="multinomial", alphas=table["lambda"], folds=folds)
    mean = held_out_scores(paths, X, y - 1, folds, score)[0].mean(axis=0)
    np.testing.assert_allclose(mean, table["cvm"], rtol=2e-2)
    if score == "deviance":
        np.testing.assert_allclose(paths.cv_error.mean(axis=0), mean, rtol=1e-9)
        assert paths.alphas[paths.choose("min")] == pytest.approx(table["lambda_min"][0])
