"""Nothing a fold's fit sees may come from the rows it holds out: shift them by 1e6, and the fit stays as it was."""

import numpy as np
import pytest

import foldwise as fw

ALPHAS = [0.5, 0.05, 0.005]


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize(
    ("estimator", "tolerance"),
    [
        (fw.LassoCV(alphas=ALPHAS), 1e-8),  # what a duality gap of 1e-9 at most allows
        (fw.ElasticNetCV(alphas=ALPHAS, l1_ratio=[0.3, 0.8]), 1e-8),
        (fw.RidgeCV(alphas=ALPHAS), 1e-10),
        (fw.RidgeCV(alphas=[0.0]), 1e-10),
    ],
)
def test_rows_held_out_do_not_leak(estimator, tolerance, standardize):
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(80, 6)), rng.uniform(0.5, 2, 80)
    y = X @ [1.0, -2, 0, 0, 0.5, 0] + rng.normal(size=80)
    folds = fw.Folds.stratified(y, 5, repeats=2)
    model = estimator.set_params(cv=folds, standardize=standardize)
    before = _paths(model.fit(X, y, sample_weight=w))
    for fold in (0, 3, 7):
        moved = np.zeros(80)
        moved[folds.test_rows(fold)] = 1e6
        after = _paths(model.fit(X + moved[:, None], y + moved, sample_weight=w))
        for old, new in zip(before, after, strict=True):
            h = old.index([fold])
            np.testing.assert_allclose(new.coef[h], old.coef[h], rtol=0, atol=tolerance)
            np.testing.assert_allclose(new.intercept[h], old.intercept[h], rtol=0, atol=tolerance)
            assert np.abs(new.coef[0] - old.coef[0]).max() > 0.01  # the final model does see them


def _paths(model):
    return model.paths_ if isinstance(model.paths_, tuple) else (model.paths_,)
