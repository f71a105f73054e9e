"""Fold moments: whatever the rows' order, layout or units, merges equal a plain computation from the training rows."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldwise.errors import InputError
from foldwise.moments import FoldMoments
from foldwise.resampling import Folds
from foldwise.tables import Recipe, make_design


def weighted(Z, w):
    mean = w @ Z / w.sum()
    return mean, (Z - mean).T @ (w[:, None] * (Z - mean)) / w.sum()


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    layout=st.sampled_from(["C", "F", "strided"]),
    dtype=st.sampled_from([np.float64, np.float32]),
    weighted_rows=st.booleans(),
)
def test_every_training_set_equals_its_rows(seed, layout, dtype, weighted_rows):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(6, 200)), int(rng.integers(1, 7))
    X = (rng.normal(size=(n, p)) * 10.0 ** rng.integers(-3, 4, size=p) + 10.0 ** rng.integers(0, 4)).astype(dtype)
    X = {"C": X, "F": np.asfortranarray(X), "strided": np.repeat(X, 2, axis=1)[:, ::2]}[layout]
    y = rng.normal(size=n)
    w = rng.random(n) + 0.1 if weighted_rows else np.ones(n)
    folds = Folds.kfold(n, n_folds=int(rng.integers(2, 6)), repeats=2, seed=seed % 1000)
    moments = FoldMoments.scan(X, y, folds, sample_weight=w if weighted_rows else None)
    for held_out in moments.held_out_sets(nested=folds.n_folds > 2):
        rows = folds.training_rows(held_out)
        training = moments.training_set(held_out)
        mean, covariance = weighted(np.column_stack([X[rows].astype(float), y[rows]]), w[rows])
        size = np.sqrt(np.diag(covariance))
        size[size == 0] = 1.0
        np.testing.assert_allclose(training.mean, mean[:-1], rtol=1e-12, atol=1e-13 * size.max())
        np.testing.assert_allclose(
            training.covariance / np.outer(size, size)[:-1, :-1],
            (covariance / np.outer(size, size))[:-1, :-1],
            atol=1e-10,
        )
        np.testing.assert_allclose(training.with_y / size[:-1], covariance[:-1, -1] / size[:-1], atol=1e-10)
        assert training.weight == pytest.approx(w[rows].sum())


def test_epoch_seconds_lose_no_digits():
    """A column of epoch seconds beside a small one: correlations keep what float64 holds of the column itself."""
    rng = np.random.default_rng(0)
    n = 5000
    seconds = 1.7e9 + np.sort(rng.integers(0, 86_400, size=n)).astype(float)
    small = 1e-3 * rng.normal(size=n) + 1e-8 * (seconds - 1.7e9)
    X = np.column_stack([seconds, small])
    for order in (np.arange(n), rng.permutation(n)):
        folds = Folds.kfold(n, n_folds=10, shuffle=False)
        training = FoldMoments.scan(X[order], small[order], folds).training_set(frozenset({3}))
        rows = order[folds.training_rows({3})]
        exact = np.corrcoef((X[rows] - X[rows[0]]).T)[0, 1]
        scale = training.scale
        assert training.covariance[0, 1] / (scale[0] * scale[1]) == pytest.approx(exact, abs=1e-13)
        raw = X[rows].T @ X[rows] / len(rows) - np.outer(X[rows].mean(0), X[rows].mean(0))
        assert abs(raw[0, 1] / np.sqrt(raw[0, 0] * raw[1, 1]) - exact) > 1e-6  # what plain sums would have given


def test_a_fold_far_from_its_first_rows_is_read_again():
    rng = np.random.default_rng(1)
    x = np.r_[np.zeros(60_000), 1e8 + rng.normal(size=40)]
    y = rng.normal(size=len(x))
    training = FoldMoments.scan(x[:, None], y).training_set(frozenset())
    assert training.covariance[0, 0] == pytest.approx(np.var(x), rel=1e-12)


def test_held_out_rows_reach_nothing():
    """Shift a fold's rows by 1e6: every other fold's block is the same to the last bit."""
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(300, 4)), rng.normal(size=300)
    X[rng.random(X.shape) < 0.1] = np.nan
    folds = Folds.kfold(300, n_folds=5)
    for fill in ("mean", "median"):
        before = FoldMoments.scan(X, y, folds, fill=fill)
        moved = X.copy()
        moved[folds.test_rows(2)] += 1e6
        after = FoldMoments.scan(moved, y + 1e6 * (folds.labels[0] == 2), folds, fill=fill)
        for held_out in [frozenset({2}), frozenset({1, 2})]:
            a, b = before.training_set(held_out), after.training_set(held_out)
            np.testing.assert_allclose(a.map.fill, b.map.fill, atol=1e-10)
            np.testing.assert_allclose(a.covariance, b.covariance, atol=1e-10)
            np.testing.assert_allclose(a.with_y, b.with_y, atol=1e-10)
        other = frozenset({0})  # and the shift does reach a fit that trains on those rows
        assert np.abs(before.training_set(other).mean - after.training_set(other).mean).min() > 1e4


@pytest.mark.filterwarnings("ignore:levels on fewer than:foldwise.errors.DataWarning")
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), fill=st.sampled_from(["mean", "median"]), indicators=st.booleans())
def test_fill_and_pooling_equal_the_recipe_learned_from_the_rows(seed, fill, indicators):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(40, 120))
    table = {
        "seconds": np.where(rng.random(n) < 0.2, np.nan, 1.7e6 + rng.normal(size=n)),
        "size": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
        "full": rng.normal(size=n),
        "town": rng.choice(list("aaaabbbccde"), size=n),
        "y": rng.normal(size=n),
    }
    design = make_design(table, target="y", min_level_count=6)
    folds = Folds.kfold(n, n_folds=3, seed=seed % 1000)
    moments = FoldMoments.scan(
        design.values, design.target, folds, fill=fill, indicators=indicators, pools=design.pools, min_level_count=6
    )
    for held_out in moments.held_out_sets(nested=True):
        rows = folds.training_rows(held_out)
        recipe = Recipe.learn(design, rows, fill=fill, indicators=indicators, min_level_count=6)
        X = recipe.encode_values(design.values)
        training = moments.training_set(held_out)
        # A mean filled in is rounded as its column's values are, however near to zero it is itself.
        np.testing.assert_allclose(training.map.rows(design.values), X, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(training.mean, X[rows].mean(0), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(training.scale, X[rows].std(0), rtol=1e-7, atol=1e-12)
        for block in held_out:
            test = folds.test_rows(block)
            weight, mean, cross = moments.test_set(block, training.map)
            Z = np.column_stack([X[test], design.target[test]])
            assert weight == len(test)
            np.testing.assert_allclose(mean, Z.mean(0), rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(cross, (Z - Z.mean(0)).T @ (Z - Z.mean(0)), atol=1e-6)


def test_merge_save_and_load(tmp_path):
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(90, 3)), rng.normal(size=90)
    labels = np.arange(90) % 3
    whole = FoldMoments.scan(X, y, Folds.from_labels(labels))
    parts = [FoldMoments.scan(X[s], y[s], Folds.from_labels(labels[s])) for s in (slice(40), slice(40, None))]
    merged = parts[0].merge(parts[1])
    np.testing.assert_allclose(merged.cross, whole.cross, atol=1e-12)
    np.testing.assert_allclose(merged.mean, whole.mean, atol=1e-14)
    X[3, 1] = np.nan
    gaps = FoldMoments.scan(X, y, Folds.from_labels(labels), fill="median", pools=(((0,), 2),))
    gaps.save(tmp_path / "moments.npz")
    loaded = FoldMoments.load(tmp_path / "moments.npz")
    for held_out in gaps.held_out_sets(nested=True):
        a, b = gaps.training_set(held_out), loaded.training_set(held_out)
        assert np.array_equal(a.covariance, b.covariance)
        assert np.array_equal(a.map.fill, b.map.fill)
    with pytest.raises(InputError, match="medians"):
        gaps.merge(gaps)
    (tmp_path / "bad.npz").write_bytes(b"PK nonsense")
    with pytest.raises(InputError, match="not a file of fold moments"):
        FoldMoments.load(tmp_path / "bad.npz")
    with pytest.raises(InputError, match="can't write"):
        gaps.save(tmp_path / "absent" / "moments.npz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.npz", "moments.npz"]


def test_no_copy_of_the_rows_is_made():
    """Peak memory beyond X is far below X: no fold gets a copy of its rows."""
    rng = np.random.default_rng(5)
    X, y = np.asfortranarray(rng.normal(size=(200_000, 40))), rng.normal(size=200_000)
    folds = Folds.kfold(len(y), n_folds=10)
    tracemalloc.start()
    FoldMoments.scan(X, y, folds)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.9 * X.nbytes  # two threads hold two chunks each, whatever the size of X


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"source": np.array([[1.0], [np.inf], [0.0], [2.0]])}, "row 1, column 0"),
        ({"source": np.array([[1.0], [np.nan], [0.0], [2.0]])}, "fill="),
        ({"source": np.zeros((0, 2))}, "at least one row"),
        ({"source": np.zeros(4)}, "two dimensions"),
        ({"source": np.array([["a"], ["b"], ["c"], ["d"]])}, "must hold numbers"),
        ({"target": np.array([1.0, 2.0, np.nan, 0.0])}, "y must be finite, got nan in row 2"),
        ({"target": np.zeros(3)}, "each of the 4 rows"),
        ({"sample_weight": np.array([1.0, -1.0, 1.0, 1.0])}, "-1.0 in row 1"),
        ({"sample_weight": np.array([1.0, np.nan, 1.0, 1.0])}, "nan in row 1"),
        ({"sample_weight": np.zeros(4)}, "positive sum"),
        ({"sample_weight": np.array([1.0, 0.0, 1.0, 0.0])}, "fold 1"),
        ({"folds": Folds.kfold(5, n_folds=2)}, "folds must label the 4 rows"),
        ({"fill": "mode"}, "'mean', 'median' or None"),
    ],
)
def test_bad_input_is_named(change, match):
    given = {
        "source": np.arange(4.0)[:, None],
        "target": np.arange(4.0),
        "folds": Folds.from_labels([0, 1, 0, 1]),
    } | change
    with pytest.raises(InputError, match=match):
        FoldMoments.scan(**given)
