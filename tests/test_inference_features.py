"""Which features: co-selection and the noise floor, with shadow columns that leak nothing."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import foldwise as fw
from foldwise.errors import InputError
from foldwise.inference import co_selection, noise_floor
from foldwise.paths import shadow_columns


@settings(deadline=None, max_examples=60)
@given(arrays(bool, st.tuples(st.sampled_from([4, 6]), st.integers(1, 5))))
def test_co_selection_counts_fits(kept):
    found = co_selection(kept.astype(float), repeats=2, permutations=1)
    comes_and_goes = [j for j in range(kept.shape[1]) if 0 < kept[:, j].sum() < len(kept)]
    assert {frozenset((pair.feature, pair.other)) for pair in found} == {
        frozenset((i, j)) for i in comes_and_goes for j in comes_and_goes if i < j
    }
    for pair in found:
        one, other = kept[:, pair.feature], kept[:, pair.other]
        assert one.sum() <= other.sum()
        assert (pair.kept_with, pair.fits_with) == ((one & other).sum(), other.sum())
        assert (pair.kept_without, pair.fits_without) == ((one & ~other).sum(), (~other).sum())
        assert pair.phi == pytest.approx(np.corrcoef(one, other)[0, 1], abs=1e-12)
        assert (pair.relation == "only without") == (pair.kept_with == 0)
        assert pair.relation != "only with" or pair.kept_without == 0


def test_p_is_that_of_all_shuffles_of_whole_repeats():
    """Three repeats of two features have 3! relative orders; many random shuffles come near their exact share."""
    kept = np.array([[1, 0, 1, 1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 1, 1, 1, 1, 0]]).T
    blocks = kept.reshape(3, 3, 2)
    phis = [
        abs(np.corrcoef(blocks[list(a), :, 0].ravel(), blocks[list(b), :, 1].ravel())[0, 1])
        for a, b in product(permutations(range(3)), repeat=2)
    ]
    (pair,) = co_selection(kept.astype(float), repeats=3, permutations=4000)
    exact = np.mean(np.array(phis) >= abs(pair.phi) - 1e-9)
    assert pair.p == pytest.approx(exact, abs=0.03)  # four standard deviations of a share of 4000


def test_independent_selections_are_not_told_even_where_folds_of_a_repeat_agree():
    """Repeats in which all fits keep a feature or none does: naive tests of 2 x 2 tables would claim far too much."""
    rng = np.random.default_rng(0)
    claimed = 0
    for seed in range(100):
        blocks = np.repeat(rng.integers(0, 2, size=(10, 1, 5)), 5, axis=1).reshape(50, 5)
        found = co_selection(blocks.astype(float), repeats=10, permutations=99, seed=seed)
        claimed += any(pair.p <= 0.05 for pair in found)
    assert claimed <= 12  # 5 % of 100 is 5; three standard deviations above


def test_substitutes_are_found_and_one_repeat_cannot_tell():
    rng = np.random.default_rng(1)
    one = rng.integers(0, 2, size=50)
    kept = np.column_stack([one, 1 - one, rng.integers(0, 2, size=50), np.ones(50), np.zeros(50)]).astype(float)
    first = co_selection(kept, repeats=10)[0]
    assert (first.relation, {first.feature, first.other}, first.p) == ("only without", {0, 1}, 0.001)
    assert {pair.p for pair in co_selection(kept, repeats=1)} == {None}


def test_correlated_features_come_in_for_each_other():
    """Two copies of one signal with noise: fits take the one or the other."""
    rng = np.random.default_rng(2)
    signal = rng.normal(size=60)
    X = np.column_stack([signal + 0.5 * rng.normal(size=60), signal + 0.5 * rng.normal(size=60), rng.normal(size=60)])
    folds = fw.Folds.kfold(60, 5, repeats=10, seed=1)
    paths = fw.fit_paths(X, signal + 2.0 * rng.normal(size=60), alphas=[0.55, 0.5, 0.45], folds=folds)
    found = co_selection(paths.coef[1:, 1], repeats=10)
    both = [pair for pair in found if {pair.feature, pair.other} == {0, 1}]
    assert all(pair.phi < 0.0 for pair in both)


def test_at_most_so_many_features_are_looked_at():
    kept = np.random.default_rng(3).random((20, 30)) < np.linspace(0.05, 0.95, 30)
    found = co_selection(kept.astype(float), repeats=4, permutations=9, most=5)
    assert len({j for pair in found for j in (pair.feature, pair.other)}) == 5
    assert len(found) == 10


@settings(deadline=None)
@given(st.integers(1, 3).flatmap(lambda fits: st.tuples(arrays(bool, (fits, 4, 3)), arrays(bool, (fits, 4, 2)))))
def test_the_noise_floor_counts(columns):
    real, fake = columns
    found = noise_floor(real.astype(float), fake.astype(float))
    assert found.kept.tolist() == pytest.approx([np.mean([fit[a].sum() for fit in real]) for a in range(4)])
    assert found.shadows.tolist() == pytest.approx([np.mean([fit[a].sum() for fit in fake]) for a in range(4)])
    for a in range(4):
        kept = found.kept[a]
        expected = min(found.shadows[a] * 1.5 / kept, 1.0) if kept else 0.0
        assert found.false_share[a] == pytest.approx(expected)
    for j in range(3):
        before = []
        for fit, shadow in zip(real, fake, strict=True):
            entry = next((a for a in range(4) if fit[a, j]), 4)
            before.append(not shadow[: entry + 1].any() and entry < 4)
        assert found.above[j] == pytest.approx(np.mean(before))


def noisy_table(n=200, p=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    X[:, 1] += X[:, 0]
    return X, X[:, :3] @ [1.0, 1.0, -1.0] + rng.normal(size=n)


def test_noise_survives_as_often_as_its_shadows():
    """Of nine features that mean nothing as many are kept as of nine shadows, and the three that matter come first."""
    noise, shadows, above = 0.0, 0.0, np.zeros(12)
    alphas = np.geomspace(1.0, 0.05, 12)
    for seed in range(12):
        X, y = noisy_table(seed=seed)
        folds = fw.Folds.kfold(len(y), 5, seed=seed)
        both = np.hstack([X, shadow_columns(X, folds.labels[0], seed=seed)])
        coef = fw.fit_paths(both, y, alphas=alphas, folds=folds).coef[1:]
        found = noise_floor(coef[:, :, :12], coef[:, :, 12:])
        noise += np.count_nonzero(coef[:, -1, 3:12]) / len(coef) / 9.0
        shadows += found.shadows[-1] / 12.0
        above += found.above / 12.0
    assert 0.2 < noise / 12.0 < 0.8
    assert shadows == pytest.approx(noise, rel=0.2)  # shares of a hundred columns each: 5 % standard deviation
    assert above[:3].min() > 0.9
    assert above[3:].max() < 0.6


@pytest.mark.parametrize("nested", [False, True])
def test_shadows_leak_nothing(nested):
    """Shift rows of a fold, target and all, by 1e6: the shadows of other rows, and the fits without them, stay."""
    X, y = noisy_table(n=60, p=4)
    folds = fw.Folds.kfold(60, 4, seed=3)

    def paths(X, y):
        both = np.hstack([X, shadow_columns(X, folds.labels[0], seed=9)])
        return fw.fit_paths(both, y, alphas=[0.3, 0.03], folds=folds, nested=nested), both

    before, columns = paths(X, y)
    held_out = folds.test_rows(2)
    shifted, target = X.copy(), y.copy()
    shifted[held_out] += 1e6
    target[held_out] += 1e6
    after, moved = paths(shifted, target)
    others = np.setdiff1d(np.arange(60), held_out)
    np.testing.assert_array_equal(moved[others], columns[others])
    for h, held in enumerate(before.held_out):
        if 2 in held:
            np.testing.assert_allclose(after.coef[h], before.coef[h], atol=1e-10)


@settings(deadline=None)
@given(st.integers(0, 100), st.integers(2, 6))
def test_shadows_have_the_features_spread_and_no_fold_means(seed, n_folds):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(30, 3)) @ rng.normal(size=(3, 3)) + 100.0
    labels = rng.permutation(np.arange(30) % n_folds)
    shadows = shadow_columns(X, labels, seed=seed)
    for fold in range(n_folds):
        m = np.sum(labels == fold)
        expected = np.cov(X[labels == fold].T) * m / (m - 1)
        np.testing.assert_allclose(np.cov(shadows[labels == fold].T), expected, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(shadows[labels == fold].mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_array_equal(shadows, shadow_columns(X, labels, seed=seed))


def test_shadows_do_not_correlate_with_their_features_even_in_small_folds():
    """Shuffling alone would leave a correlation of 1/m, here 0.25, from the folds' means."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(4000, 1))
    shadows = shadow_columns(X, np.arange(4000) // 4, seed=1)
    assert abs(np.corrcoef(X[:, 0], shadows[:, 0])[0, 1]) < 0.06  # four standard deviations
    assert shadows.std() == pytest.approx(1.0, abs=0.06)


def test_missing_values_stay_missing():
    X = np.array([[1.0], [np.nan], [3.0], [np.nan], [np.nan], [7.0]])
    shadows = shadow_columns(X, [0, 0, 0, 1, 1, 1])
    assert np.isnan(shadows).sum() == 3
    assert np.nansum(shadows) == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: co_selection([1.0], repeats=1), "at least one fit"),
        (lambda: co_selection([[np.nan]], repeats=1), "got nan in fit 0 for feature 0"),
        (lambda: co_selection(np.ones((5, 2)), repeats=2), "repeats must divide the 5 fits, got 2"),
        (lambda: co_selection(np.ones((4, 2)), repeats=2, most=1), "most >= 2, got 999 and 1"),
        (lambda: noise_floor(np.ones((2, 3)), np.ones((2, 3, 1))), r"must have shapes \(fits, strengths, features\)"),
        (lambda: noise_floor(np.ones((2, 3, 1)), np.ones((2, 4, 1))), r"got \(2, 3, 1\) and \(2, 4, 1\)"),
        (lambda: shadow_columns(np.ones((4, 1)), [0, 0, 1]), r"shapes \(n, p\) and \(n,\), got \(4, 1\) and \(3,\)"),
        (lambda: shadow_columns(np.ones((3, 1)), [0, 0, 1]), "two or more rows in each fold, fold 1 has one"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
