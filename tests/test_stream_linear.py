"""Linear estimators from a scan alone: what they would find from the rows."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import foldwise as fw
from foldwise.errors import DataWarning, InputError
from foldwise.moments.streaming.dealing import by_row, deal, number_of

N = 4000
NAMES = ("x0", "x1", "x2", "x3")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 4)) * [1.0, 10.0, 0.1, 5.0] + [0.0, 100.0, 1.0, -3.0]
    return X, X[:, 0] + 0.2 * X[:, 1] + rng.normal(size=N)


@pytest.fixture(scope="module")
def moments(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "t.parquet"
    X, y = rows
    pq.write_table(pa.table(dict(zip(NAMES, X.T, strict=True)) | {"y": y}), path, row_group_size=700)
    return fw.FoldMoments.scan(path, "y", 4)


FOLDS = fw.Folds(deal(by_row(number_of("t.parquet"), np.arange(N)), 4, 1, 0).astype(int))
MODELS = [
    (fw.LinearRegression(), {}),
    (fw.LinearRegression(fit_intercept=False), {}),
    (fw.LinearRegression(positive=True), {}),
    (fw.Ridge(alpha=30.0), {}),
    (fw.Ridge(alpha=30.0, standardize=True, fit_intercept=False), {}),
    (fw.RidgeCV(alphas=[1e-2, 1.0, 1e3]), {"cv": FOLDS}),
    (fw.RidgeCV(alphas=[1e-2, 1.0, 1e3], rule="1se"), {"cv": FOLDS}),
    (fw.Lasso(alpha=0.2), {}),
    (fw.ElasticNet(alpha=0.2, l1_ratio=0.3, standardize=True), {}),
    (fw.LassoCV(), {"cv": FOLDS}),
    (fw.LassoCV(rule="1se", alphas=30), {"cv": FOLDS}),
    (fw.ElasticNetCV(l1_ratio=[0.2, 0.9]), {"cv": FOLDS}),
]


@pytest.mark.parametrize(("model", "more"), MODELS, ids=[repr(model) for model, _ in MODELS])
def test_moments_give_what_rows_give(rows, moments, model, more):
    X, y = rows
    from_moments = type(model)(**model.get_params()).fit(moments)
    from_rows = type(model)(**{**model.get_params(), **more}).fit(X, y)
    scale = X.std(axis=0)
    np.testing.assert_allclose(from_moments.coef_ * scale, from_rows.coef_ * scale, atol=1e-8)
    assert from_moments.intercept_ == pytest.approx(from_rows.intercept_, abs=1e-7)
    np.testing.assert_allclose(from_moments.scale_, from_rows.scale_, rtol=1e-10)
    assert from_moments.feature_names_in_.tolist() == list(NAMES)
    for name in ("alpha_", "l1_ratio_", "best_score_", "alphas_", "mse_path_", "rank_", "singular_"):
        if hasattr(from_rows, name):
            np.testing.assert_allclose(getattr(from_moments, name), getattr(from_rows, name), rtol=1e-7, err_msg=name)
    table = fw.coefficients(from_moments)
    assert table is not None


def test_new_rows_are_encoded_as_the_scan_was():
    rng = np.random.default_rng(1)
    n = 600
    x = rng.normal(size=n)
    table = pa.table({
        "x": np.where(rng.random(n) < 0.2, np.nan, x), "town": rng.choice(["a", "b", "c"], size=n), "y": x,
    })  # fmt: skip
    moments = fw.FoldMoments.scan(table, "y", 3, indicators=True)
    model = fw.Ridge().fit(moments)
    X = moments.recipe.encode_table(table)
    assert moments.recipe.names == tuple(model.feature_names_in_)
    again = fw.Ridge().fit(X, table["y"].to_numpy())
    np.testing.assert_allclose(model.coef_, again.coef_, atol=1e-9)
    assert moments.recipe.fills[0] == pytest.approx(np.nanmean(table["x"].to_numpy()))


def test_what_moments_have_can_not_be_given_besides(rows, moments):
    X, y = rows
    for model in (fw.LinearRegression(), fw.Ridge(), fw.RidgeCV(), fw.Lasso(), fw.LassoCV()):
        with pytest.raises(InputError, match="y can't be given with FoldMoments"):
            model.fit(moments, y)
    with pytest.raises(InputError, match="cv must be None with FoldMoments, whose folds are used, got 5"):
        fw.LassoCV(cv=5).fit(moments)
    with pytest.raises(InputError, match="moments must have folds"):
        fw.RidgeCV().fit(fw.FoldMoments.scan(X, y))
    with pytest.raises(InputError, match="scoring needs the rows"):
        fw.RidgeCV(scoring="r2").fit(moments)
    with pytest.raises(InputError, match="one number with FoldMoments"):
        fw.Ridge(alpha=[1.0, 2.0]).fit(moments)
    with pytest.raises(InputError, match="moments of arrays don't know"):
        _ = fw.FoldMoments.scan(X, y).recipe


def test_exact_relations_are_told(rows):
    X, y = rows
    twice = np.column_stack([X, X[:, 0] + X[:, 1]])
    with pytest.warns((DataWarning, fw.errors.AccuracyWarning)) as told:
        model = fw.LinearRegression().fit(fw.FoldMoments.scan(twice, y))
    assert any("1 exact linear relation" in str(one.message) for one in told)
    assert model.rank_ == 4
