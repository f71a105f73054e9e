"""Stability selection: half-samples equal naive fits of their rows, counts are right, and the bounds hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import elastic_net

import foldwise as fw
from foldwise.errors import InputError
from foldwise.paths import stability, stability_selection


def table(rng, n, p, real=2):
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p)))
    return X, X[:, :real] @ np.ones(real) + rng.normal(size=n)


def first_entries(path, q):
    """Features in the order in which they enter (A, p), the larger first where several do."""
    order = []
    for row in path:
        new = [j for j in np.flatnonzero(row) if j not in order]
        order += sorted(new, key=lambda j: -abs(row[j]))
    return order[:q]


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), odd=st.booleans(), l1_ratio=st.sampled_from([1.0, 0.7]))
def test_shares_equal_those_of_naive_fits_to_every_half(seed, odd, l1_ratio):
    rng = np.random.default_rng(seed)
    n, p, pairs, q = 40 + odd, 5, 3, 2
    X, y = table(rng, n, p)
    alphas = np.geomspace(2.0, 0.05, 12)
    found = stability_selection(
        X, y, pairs=pairs, q=q, threshold=0.6, alphas=alphas, l1_ratio=l1_ratio, seed=seed % 100
    )
    halves = fw.Folds.kfold(n, n_folds=2, repeats=pairs, seed=seed % 100)
    share, signs, probability = np.zeros(p), np.zeros(p), np.zeros((12, p))
    for labels in halves.labels:
        for half in (0, 1):
            rows = labels == half
            assert rows.sum() in (n // 2, n - n // 2)
            path = np.stack([elastic_net(X[rows], y[rows], alpha, l1_ratio)[0] for alpha in alphas])
            path = np.where(np.abs(path) > 1e-12, path, 0.0) * X[rows].std(0)
            probability += path != 0
            for j in first_entries(path, q):
                share[j] += 1
                signs[j] += np.sign(path[np.argmax(path[:, j] != 0), j])
    np.testing.assert_allclose(found.share * 2 * pairs, share, atol=1e-9)
    np.testing.assert_allclose(found.probability * 2 * pairs, probability, atol=1e-9)
    assert np.array_equal(found.sign, np.sign(signs))
    assert sorted(found.selected) == np.flatnonzero(share >= 0.6 * 2 * pairs - 1e-9).tolist()
    assert np.all(np.diff(found.share[found.selected]) <= 0)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_and_units_of_the_columns_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    X, y = table(rng, 60, 8)
    order, units = rng.permutation(8), 10.0 ** rng.integers(-4, 5, size=8)
    one = stability_selection(X, y, pairs=5, q=3)
    other = stability_selection((X * units)[:, order], y, pairs=5, q=3)
    assert np.array_equal(one.share[order], other.share)
    assert np.array_equal(one.sign[order], other.sign)
    assert one.share.sum() <= 3.0 + 1e-9
    assert set(order[other.selected]) == set(one.selected)


def test_the_bounds_hold_where_features_are_correlated():
    """80 tables of 40 correlated features, 3 of them real: selections of low probability, counted.

    A feature's selection probability is taken from all 80 * 40 half-samples, with a standard error below 0.01. The mean
    count of wrong selections may exceed a bound by three of its own standard errors: chance does so once in 700 runs.
    """
    n, p, pairs, q, threshold, tables = 60, 40, 20, 8, 0.55, 80
    shares = np.zeros((tables, p))
    counts = np.zeros((tables, p), dtype=bool)
    root = np.linalg.cholesky(0.7 ** np.abs(np.subtract.outer(np.arange(p), np.arange(p))))
    for t in range(tables):
        rng = np.random.default_rng(t)
        X = rng.normal(size=(n, p)) @ root.T
        y = X[:, [5, 15, 25]] @ [1.0, -1.0, 0.7] + 1.5 * rng.normal(size=n)
        found = stability_selection(X, y, pairs=pairs, q=q, threshold=threshold, alphas=60, seed=t)
        shares[t] = found.share
        counts[t, found.selected] = True
    low = shares.mean(axis=0) <= q / p
    assert 25 <= low.sum() < 37  # neighbours of the real ones are selected more often than by guessing
    wrong = counts[:, low].sum(axis=1)
    error = wrong.std(ddof=1) / np.sqrt(tables)
    assert wrong.mean() > 0.0
    assert wrong.mean() <= found.bounds.r_concave + 3.0 * error
    # Theorem 1 in its own terms: theta over (2 threshold - 1) times what one half-sample selects of them.
    assert wrong.mean() <= q / p / (2 * threshold - 1) * shares[:, low].sum(axis=1).mean() + 3.0 * error
    assert found.bounds.r_concave < found.bounds.none
    assert counts[:, [5, 15]].mean() > 0.8  # and the real ones are found


def test_pure_noise_is_left_alone():
    selected = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        selected += len(stability_selection(rng.normal(size=(50, 30)), rng.normal(size=50), pairs=10).selected)
    assert selected <= 20 * 1.0  # one at most on average: the default


def test_batches_change_nothing(monkeypatch):
    rng = np.random.default_rng(1)
    X, y = table(rng, 50, 10)
    whole = stability_selection(X, y, pairs=6)
    monkeypatch.setattr("foldwise.paths.stability.BATCH_BYTES", 16 * 10 * 110 * 2)
    parts = stability_selection(X, y, pairs=6)
    assert np.array_equal(whole.share, parts.share)
    assert np.array_equal(whole.probability, parts.probability)


def test_unpenalized_and_excluded_features_are_not_selected_from():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(60, 6))
    y = X[:, :3] @ [2.0, 2.0, 2.0] + rng.normal(size=60)
    found = stability_selection(X, y, pairs=5, q=2, penalty_factor=[0.0, 1.0, 1.0, 1.0, np.inf, 1.0])
    assert found.candidates.tolist() == [False, True, True, True, False, True]
    assert found.share[[0, 4]].tolist() == [0.0, 0.0]
    assert found.probability[0, 0] == 1.0
    assert found.bounds.none == pytest.approx(2**2 / 4 / 0.5)
    assert sorted(found.selected) == [1, 2]


def test_what_is_asked_decides_the_rest():
    rng = np.random.default_rng(3)
    X, y = table(rng, 50, 40)
    one = stability_selection(X, y, pairs=10, alphas=30)
    assert (one.threshold, one.q, one.bound) == (0.75, 4, one.bounds.none)
    assert one.bound <= 1.0
    bold = stability_selection(X, y, pairs=10, alphas=30, assumption="r-concave")
    assert bold.q > one.q
    assert bold.bound == bold.bounds.r_concave <= 1.0
    few = stability_selection(X, y, pairs=10, alphas=30, q=3, expected=0.5)
    assert (few.q, few.threshold) == (3, 0.75)
    assert few.bound <= 0.5


def test_text_and_names():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(4)
    X, y = table(rng, 80, 12)
    frame = pd.DataFrame(X, columns=[f"gene {j}" for j in range(12)])
    found = stability_selection(frame, y, pairs=10, q=3, threshold=0.7)
    assert set(found.selected_names) == {"gene 0", "gene 1"}
    lines = repr(found).splitlines()
    assert lines[0].startswith("Stability selection: 2 of 12 features, each among the first 3 of at least 70% of 20 ")
    assert lines[2].split() == [*found.selected_names[0].split(), "1.00", "+"]
    assert sum("not selected" in line for line in lines) == min(5, np.count_nonzero(found.share) - 2)
    assert "at most 1.9 without assumptions" in repr(found)
    assert max(map(len, lines)) <= 110
    none = stability_selection(X, y, pairs=10, q=3, threshold=0.52)
    assert "unimodal" not in repr(none)  # out of theorem 2's range
    assert stability_selection(X, y, pairs=3, q=3, names=list("abcdefghijkl")).names[0] == "a"


def test_given_halves_and_missing_values():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, 6))
    y = X[:, :2] @ [3.0, 3.0] + rng.normal(size=60)
    groups = np.repeat(np.arange(20), 3)
    folds = fw.Folds.grouped(groups, n_folds=2, repeats=4)
    X[rng.random(X.shape) < 0.05] = np.nan
    for fill in ("mean", "median"):
        found = stability_selection(X, y, folds=folds, q=2, fill=fill, indicators=True)
        assert found.pairs == 4
        assert len(found.share) == 12
        assert set(found.selected) == {0, 1}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"pairs": 1}, "pairs must be a whole number >= 2, got 1"),
        ({"q": 9}, r"q must be at most the number of features \(5\), got 9"),
        ({"q": 1.5}, "q must be a whole number >= 1, got 1.5"),
        ({"threshold": 0.5}, "threshold must be above 0.5"),
        ({"expected": -1.0}, "expected must be > 0, got -1.0"),
        ({"expected": 1e-6}, "expected must be at least 0.4"),
        ({"q": 1, "threshold": 0.6, "expected": 1.0}, "all three were given"),
        ({"assumption": "luck"}, "assumption must be one of"),
        ({"names": ["a"]}, "names must be 5, one for each feature, got 1"),
        ({"l1_ratio": 0.0}, "l1_ratio must be > 0: ridge drops no feature"),
        ({"alphas": 1}, "alphas must be a whole number >= 2"),
        ({"folds": fw.Folds.kfold(20, n_folds=5)}, "folds must be two or more repeats of 2 folds, got 1 of 5"),
        ({"penalty_factor": [0, 0, 0, np.inf, 0]}, "penalty_factor must leave some feature to select"),
    ],
)
def test_bad_input_is_named(change, match):
    rng = np.random.default_rng(6)
    X, y = table(rng, 20, 5)
    with pytest.raises(InputError, match=match):
        stability_selection(X, y, **({"pairs": 3, "alphas": 10} | change))


def test_first_to_enter_counts_a_feature_that_leaves_again():
    path = np.array([[0.0, 0.0, 0.0], [0.0, -0.2, 0.0], [0.5, 0.0, 0.1]])
    at, sign = stability.first_to_enter(path, np.ones(3, dtype=bool), 2)
    assert (at.tolist(), sign.tolist()) == ([1, 0], [-1.0, 1.0])
    at, _ = stability.first_to_enter(np.zeros((2, 3)), np.ones(3, dtype=bool), 2)
    assert at.tolist() == []
