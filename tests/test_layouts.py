"""Tables are used as they are: single precision, any layout, read-only or on disk, without a copy of their size."""

import tracemalloc
import warnings

import numpy as np
import pytest
import sklearn.linear_model as sk
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold

import foldwise as fw

MODELS = {
    "lasso": lambda: fw.Lasso(alpha=0.05),
    "elastic net": lambda: fw.ElasticNet(alpha=0.05),
    "lasso cv": lambda: fw.LassoCV(cv=5, alphas=20),
    "elastic net cv": lambda: fw.ElasticNetCV(cv=5, l1_ratio=[0.5, 1.0], alphas=10, standardize=True),
}


def table(n, p, dtype=np.float32, order="C", seed=0):
    rng = np.random.default_rng(seed)
    X = np.asarray(rng.normal(size=(n, p)), dtype=dtype, order=order)
    return X, X[:, :4].astype(float) @ [2.0, -1.0, 1.0, 0.5] + rng.normal(size=n)


def peak_of(work):
    """Bytes allocated at the most while it runs."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def widened(model, p):
    """The model with a search that a wide table does not take long for."""
    if p <= 1000:
        return model
    return model.set_params(**({"alpha": 0.3} if hasattr(model, "alpha") else {"eps": 0.5, "alphas": 4}))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", ["lasso", "lasso cv"])
@pytest.mark.parametrize(("shape", "most"), [((200_000, 60), 1.2), ((300, 24_000), 1.5)])
def test_no_copy_of_a_table_in_single_precision(name, order, shape, most):
    """In double precision the table alone would take twice its own size."""
    X, y = table(*shape, order=order)
    X.flags.writeable = False
    model = widened(MODELS[name](), shape[1])
    assert peak_of(lambda: model.fit(X, y)) < most * X.nbytes
    assert peak_of(lambda: model.predict(X)) < 0.1 * X.nbytes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(150_000, 60), (200, 16_000)])
def test_tables_on_disk_are_used_as_they_are(tmp_path, dtype, shape):
    X, y = table(*shape, dtype=dtype)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    here, there = (widened(MODELS["lasso cv"](), shape[1]) for _ in range(2))
    assert (
        peak_of(lambda: there.fit(mapped, y)) < peak_of(lambda: here.fit(X, y)) + 0.5 * X.nbytes
    )  # threads overlap as they may
    np.testing.assert_array_equal(here.coef_, there.coef_)
    np.testing.assert_array_equal(here.predict(X), there.predict(mapped))


@pytest.mark.parametrize(("name", "p"), [*((name, 12) for name in MODELS), ("lasso cv", 600)])
def test_layouts_and_precision_change_nothing(name, p):
    """Arithmetic is in double precision: the numbers of a single precision table, taken as they are, are its own."""
    X, y = table(150 if p < 100 else 60, p)
    before = X.copy()
    expected = widened(MODELS[name](), p).fit(X.astype(np.float64), y)
    others = {
        "C": X,
        "F": np.asfortranarray(X),
        "every other row and column": np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2],
        "backwards": np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
        "csr": sparse.csr_array(X),
        "csc": sparse.csc_array(X),
    }
    for other in others.values():
        if not sparse.issparse(other):
            other.flags.writeable = False
        model = widened(MODELS[name](), p).fit(other, y)
        np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-9)
        predicted = model.predict(other)
        assert predicted.dtype == np.float64
        np.testing.assert_allclose(predicted, expected.predict(X.astype(np.float64)), atol=1e-8)
        assert model.gap_ < 1e-9
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("p", [12, 600])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_single_precision_equals_scikit_learn_in_double(kind, p, l1_ratio):
    X, y = table(150 if p < 100 else 60, p, seed=1)
    X[np.random.default_rng(2).random(X.shape) < 0.4] = 0.0
    alphas = np.geomspace(0.6, 0.1, 5)
    folds = KFold(5)
    ours = fw.ElasticNetCV(l1_ratio=l1_ratio, alphas=alphas, cv=fw.Folds.from_splitter(folds, X)).fit(kind(X), y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it can't always certify its own last digits
        theirs = sk.ElasticNetCV(l1_ratio=l1_ratio, alphas=alphas, cv=folds, tol=1e-14, max_iter=10**6)
        theirs.fit(kind(X.astype(np.float64)), y)
    assert ours.alpha_ == theirs.alpha_
    np.testing.assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=1e-7)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-7)
