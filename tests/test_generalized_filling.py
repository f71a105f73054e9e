"""Missing values and rare levels in generalized models: every held-out set fills and pools by its own rows alone."""

import numpy as np
import pytest

import foldwise as fw
from foldwise.errors import InputError

N = 90


def table(seed=0):
    """Two columns with gaps, a full one, three levels of which one is rare, and 'other'."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, 3)) * [1.0, 10.0, 1.0] + [0.0, 50.0, 0.0]
    level = rng.choice(4, size=N, p=[0.45, 0.4, 0.1, 0.05])
    eta = X[:, 0] - 0.1 * (X[:, 1] - 50.0) + (level == 1)
    X = np.column_stack([X, *(level == at for at in range(4))])
    X[rng.random(N) < 0.2, 0] = np.nan
    X[rng.random(N) < 0.3, 1] = np.nan
    return X, eta, rng


def own_design(X, rows, weight, fill, *, indicators):
    """What a fit on some rows sees of all of them."""
    gaps = [0, 1]
    marks = np.isnan(X[:, gaps])
    filled = X.copy()
    for at in gaps:
        seen = ~np.isnan(X[rows, at])
        values = X[rows, at][seen]
        value = np.median(values) if fill == "median" else np.average(values, weights=weight[rows][seen])
        filled[np.isnan(X[:, at]), at] = value
    if X[rows, 5].sum() < 9:
        filled[:, 6] += filled[:, 5]
        filled[:, 5] = 0.0
    return np.hstack([filled, marks]) if indicators else filled


@pytest.mark.parametrize("fill", ["mean", "median"])
@pytest.mark.parametrize("indicators", [False, True])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("family", ["binomial", "poisson", "multinomial", "cox"])
def test_every_set_is_a_fit_of_its_own_design(family, fill, indicators, intercept):
    X, eta, rng = table()
    y = {
        "binomial": lambda: (rng.random(N) < 1 / (1 + np.exp(-eta))).astype(float),
        "poisson": lambda: rng.poisson(np.exp(0.5 * eta)).astype(float),
        "multinomial": lambda: np.digitize(eta + rng.normal(size=N), [-0.5, 1.0]),
        "cox": lambda: np.column_stack([rng.exponential(np.exp(-eta)), rng.random(N) < 0.8]),
    }[family]()
    weight = rng.random(N) + 0.5
    folds = fw.Folds.kfold(N, n_folds=3)
    common = {"family": family, "alphas": [0.1, 0.02], "tol": 1e-12 if family != "cox" else 1e-9}
    common |= {"fit_intercept": intercept, "l1_ratio": 0.9}
    paths = fw.fit_paths(
        X,
        y,
        folds=folds,
        nested=True,
        sample_weight=weight,
        fill=fill,
        indicators=indicators,
        pools=(((3, 4, 5), 6),),
        min_level_count=9,
        **common,
    )
    assert paths.n_features == (9 if indicators else 7)
    for h, members in enumerate(paths.held_out):
        rows = folds.training_rows(members)
        design = own_design(X, rows, weight, fill, indicators=indicators)
        alone = fw.fit_paths(design[rows], y[rows], sample_weight=weight[rows], **common)
        np.testing.assert_allclose(paths.predict(X, members), alone.predict(design), rtol=2e-4, atol=2e-4)
        np.testing.assert_allclose(paths.mean[h], alone.mean[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(paths.scale[h], alone.scale[0], rtol=1e-9, atol=1e-12)


def test_what_is_held_out_fills_nothing():
    X, eta, rng = table(1)
    y = (rng.random(N) < 1 / (1 + np.exp(-eta))).astype(float)
    folds = fw.Folds.kfold(N, n_folds=3)
    moved = X.copy()
    moved[folds.test_rows(1)] += 1e6
    before, after = (
        fw.fit_paths(values, y, family="binomial", alphas=[0.05], folds=folds, fill="mean", tol=1e-13)
        for values in (X, moved)
    )
    h = before.index({1})
    np.testing.assert_allclose(after.coef_per_sd[h], before.coef_per_sd[h], atol=3e-5)
    np.testing.assert_allclose(after.maps[h].fill, before.maps[h].fill, rtol=1e-12)


def test_without_a_fill_a_gap_is_an_error():
    X, eta, _ = table()
    with pytest.raises(InputError, match="X must be finite, got nan in row"):
        fw.fit_paths(X, (eta > 0).astype(float), family="binomial")
