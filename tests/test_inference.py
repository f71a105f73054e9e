"""Statistics on out-of-fold errors, against independent references."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from foldwise.errors import InputError
from foldwise.inference import (
    corrected_resampled_t,
    holm,
    one_standard_error,
    optimism,
    smallest_detectable_difference,
    stability,
    tie_letters,
)

numbers = st.floats(-100.0, 100.0).map(lambda x: round(x, 6))
rows = st.lists(numbers, min_size=2, max_size=30).filter(lambda v: np.ptp(v) > 1e-3)


@settings(deadline=None)
@given(rows)
def test_without_the_correction_it_is_students_one_sample_t(values):
    """test_per_train -> 0 leaves s^2 / J: scipy's own test."""
    found = corrected_resampled_t(values, test_per_train=1e-300)
    expected = stats.ttest_1samp(values, 0.0)
    low, high = expected.confidence_interval(0.95)
    # a mean near zero has lost digits to cancellation, hence the absolute part, relative to the values' size
    assert found.t == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-7, abs=1e-12)
    assert found.interval == pytest.approx((low, high), rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(rows, st.floats(0.01, 2.0))
def test_the_correction_is_nadeau_and_bengios(values, ratio):
    found = corrected_resampled_t(values, test_per_train=ratio)
    variance = (1.0 / len(values) + ratio) * np.var(values, ddof=1)
    assert found.standard_error == pytest.approx(np.sqrt(variance), rel=1e-10)
    assert found.mean == pytest.approx(np.mean(values), rel=1e-10, abs=1e-10)
    assert found.df == len(values) - 1


@settings(deadline=None)
@given(rows, st.floats(0.1, 10.0), st.floats(0.01, 1.0))
def test_units_scale_and_equal_weights_change_nothing(values, factor, ratio):
    plain = corrected_resampled_t(values, test_per_train=ratio)
    weighted = corrected_resampled_t(
        np.array(values) * factor, test_per_train=[ratio] * len(values), weights=[3.0] * len(values)
    )
    assert weighted.mean == pytest.approx(plain.mean * factor, rel=1e-9, abs=1e-9)
    assert weighted.standard_error == pytest.approx(plain.standard_error * factor, rel=1e-9)


def test_the_weighted_spread_is_unbiased():
    """Over many draws the squared standard error without correction is the variance of the weighted mean."""
    rng = np.random.default_rng(0)
    weights = np.array([1.0, 2.0, 5.0, 3.0])
    draws = rng.normal(size=(4000, 4))
    errors = [corrected_resampled_t(d, test_per_train=1e-300, weights=weights).standard_error ** 2 for d in draws]
    share = weights / weights.sum()
    # relative standard deviation of the average: sqrt(2 / (about 2.5 df) / 4000) = 0.014; four of them
    assert np.mean(errors) == pytest.approx(share @ share, rel=0.06)


@pytest.mark.parametrize(("value", "p", "t"), [(0.0, 1.0, 0.0), (0.1, 0.0, np.inf), (-0.1, 0.0, -np.inf)])
def test_equal_values_need_no_division(value, p, t):
    found = corrected_resampled_t([value] * 7, test_per_train=0.25)
    assert (found.standard_error, found.p, found.t) == (0.0, p, t)


def null_p_values(simulations: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """P values, corrected and naive, of two learners with equal true error: 5 folds, 4 repeats, 60 rows.

    y = a + b + noise; one learner sees a alone, the other b alone.
    """
    rng = np.random.default_rng(seed)
    n, k, repeats = 60, 5, 4
    corrected, naive = [], []
    for _ in range(simulations):
        x = rng.normal(size=(n, 2))
        y = x.sum(axis=1) + rng.normal(size=n)
        held_out = np.concatenate([rng.permutation(np.arange(n) % k) == i for _ in range(repeats) for i in range(k)])
        train = ~held_out.reshape(repeats * k, n)
        size = train.sum(axis=1)
        mean_x, mean_y = train @ x / size[:, None], train @ y / size
        cross = train @ (x * y[:, None]) - size[:, None] * mean_x * mean_y[:, None]
        slope = cross / (train @ x**2 - size[:, None] * mean_x**2)
        residual = (y - mean_y[:, None])[:, :, None] - slope[:, None] * (x - mean_x[:, None])
        mse = np.sum(residual**2 * ~train[:, :, None], axis=1) / (n - size)[:, None]
        difference = mse[:, 0] - mse[:, 1]
        corrected.append(corrected_resampled_t(difference, test_per_train=1 / (k - 1)).p)
        naive.append(stats.ttest_1samp(difference, 0.0).pvalue)
    return np.array(corrected), np.array(naive)


def test_under_the_null_the_corrected_test_keeps_its_size_and_the_naive_one_does_not():
    corrected, naive = null_p_values(400, seed=1)
    # 400 tests at 5 %: standard deviation 1.1 %, so 8.3 % is three of them above; the naive test is many times over
    assert np.mean(corrected < 0.05) < 0.083
    assert np.mean(naive < 0.05) > 0.25


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8))
def test_holm_equals_its_closed_testing_definition(p):
    """Reject i where every intersection of hypotheses with i has a Bonferroni p below the level."""
    expected = [
        max(
            min(1.0, len(others) * min(p[j] for j in others))
            for size in range(1, len(p) + 1)
            for others in combinations(range(len(p)), size)
            if i in others
        )
        for i in range(len(p))
    ]
    assert holm(p) == pytest.approx(expected)


@st.composite
def differ_matrices(draw: st.DrawFn) -> np.ndarray:
    n = draw(st.integers(1, 7))
    upper = np.triu(draw(arrays(bool, (n, n))), 1)
    return upper | upper.T


@settings(deadline=None)
@given(differ_matrices())
def test_letters_are_shared_exactly_where_nothing_differs_and_none_is_to_spare(differ):
    n = differ.shape[0]
    letters = tie_letters(differ)
    for i, j in combinations(range(n), 2):
        assert bool(set(letters[i]) & set(letters[j])) != differ[i, j]
    groups = {frozenset(i for i in range(n) if letter in letters[i]) for letter in "".join(letters)}
    tied = [
        frozenset(group)
        for size in range(1, n + 1)
        for group in combinations(range(n), size)
        if not differ[np.ix_(group, group)].any()
    ]
    assert groups == {group for group in tied if not any(group < other for other in tied)}
    assert letters[0].startswith("a")


def test_letters_of_a_chain_overlap():
    differ = np.abs(np.subtract.outer(np.arange(4), np.arange(4))) > 1
    assert tie_letters(differ) == ("a", "ab", "bc", "c")


@pytest.mark.parametrize(("df", "alpha", "power"), [(4, 0.05, 0.8), (49, 0.05, 0.8), (49, 0.01, 0.9), (9, 0.05, 0.5)])
def test_the_smallest_detectable_difference_has_the_power_it_names(df, alpha, power):
    delta = smallest_detectable_difference(2.0, df, alpha=alpha, power=power)
    critical = stats.t.isf(alpha / 2, df)
    assert stats.nct.sf(critical, df, delta / 2.0) == pytest.approx(power, abs=1e-6)


def test_the_smallest_detectable_difference_is_found_that_often():
    rng = np.random.default_rng(3)
    n = 12
    delta = smallest_detectable_difference(1.0 / np.sqrt(n), n - 1)
    p = stats.ttest_1samp(rng.normal(delta, 1.0, size=(4000, n)), 0.0, axis=1).pvalue
    assert np.mean(p < 0.05) == pytest.approx(0.8, abs=0.026)  # four standard deviations of a share of 4000


@st.composite
def error_curves(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    repeats, k, n_alphas = draw(st.integers(1, 3)), draw(st.integers(2, 5)), draw(st.integers(1, 8))
    errors = draw(arrays(float, (repeats * k, n_alphas), elements=st.floats(0.0, 10.0).map(lambda x: round(x, 3))))
    alphas = draw(arrays(float, n_alphas, elements=st.floats(0.0, 5.0), unique=True))
    return errors, alphas, repeats


@settings(deadline=None)
@given(error_curves())
def test_the_rule_never_takes_a_smaller_alpha_and_stays_within_one_standard_error(curves):
    errors, alphas, repeats = curves
    chosen = one_standard_error(errors, alphas, repeats=repeats)
    mean = errors.mean(axis=0)
    assert alphas[chosen.index_1se] >= alphas[chosen.index_min]
    assert mean[chosen.index_min] == pytest.approx(mean.min())
    k = errors.shape[0] // repeats
    per_repeat = errors[:, chosen.index_min].reshape(repeats, k)
    expected = np.sqrt(np.mean([np.var(e, ddof=1) / k for e in per_repeat]))
    assert chosen.standard_error == pytest.approx(expected, abs=1e-12)
    tolerance = 1e-12 * (1.0 + mean.max())
    allowed = mean.min() + chosen.standard_error
    assert mean[chosen.index_1se] <= allowed + tolerance
    assert not np.any((alphas > alphas[chosen.index_1se]) & (mean < allowed - tolerance))


@settings(deadline=None)
@given(error_curves(), st.randoms(use_true_random=False))
def test_the_order_of_the_alphas_does_not_matter(curves, random):
    errors, alphas, repeats = curves
    order = list(range(len(alphas)))
    random.shuffle(order)
    one = one_standard_error(errors, alphas, repeats=repeats)
    other = one_standard_error(errors[:, order], alphas[order], repeats=repeats)
    assert alphas[one.index_min] == alphas[order][other.index_min]
    assert alphas[one.index_1se] == alphas[order][other.index_1se]


def test_repeating_the_same_folds_does_not_shrink_the_standard_error():
    errors = np.array([[1.0, 2.0], [3.0, 2.5], [2.0, 4.0]])
    once = one_standard_error(errors, [1.0, 0.1])
    often = one_standard_error(np.tile(errors, (10, 1)), [1.0, 0.1], repeats=10)
    assert often.standard_error == pytest.approx(once.standard_error)


def test_fold_weights_weigh_the_curve_as_glmnet_does():
    errors, weights = np.array([[1.0, 3.0], [5.0, 3.2]]), np.array([9.0, 1.0])
    chosen = one_standard_error(errors, [1.0, 0.1], weights=weights)
    mean = np.average(errors, axis=0, weights=weights)
    assert chosen.index_min == 0
    assert chosen.standard_error == pytest.approx(
        np.sqrt(np.average((errors[:, 0] - mean[0]) ** 2, weights=weights) / (2 - 1))
    )


def test_stability_counts_zeros_and_signs():
    found = stability([[1.0, 0.0, -1.0, 1.0], [1.0, 0.0, 0.0, -1.0], [2.0, 0.0, -3.0, 0.0]])
    assert found.survival == pytest.approx([1.0, 0.0, 2 / 3, 2 / 3])
    assert found.sign.tolist() == [1, 0, -1, 0]
    assert found.agreement == pytest.approx([1.0, np.nan, 1.0, 0.5], nan_ok=True)


def test_optimism_is_what_choosing_has_cost():
    assert optimism(3.5, 3.25) == 0.25


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: corrected_resampled_t([1.0], test_per_train=0.25), "at least two per-fold values, got 1"),
        (
            lambda: corrected_resampled_t([1.0, np.nan], test_per_train=0.25),
            "values must be finite, got nan at position 1",
        ),
        (lambda: corrected_resampled_t([1.0, 2.0], test_per_train=0.0), "test_per_train must be > 0, got 0.0"),
        (lambda: corrected_resampled_t([1.0, 2.0], test_per_train=1, weights=[1.0]), "one entry for each of 2 folds"),
        (lambda: corrected_resampled_t([1.0, 2.0], test_per_train=1, weights=[1, 0]), "weights must be > 0, got 0.0"),
        (
            lambda: corrected_resampled_t([1.0, 2.0], test_per_train=1, confidence=95),
            "confidence must be between 0 and 1",
        ),
        (lambda: corrected_resampled_t([[1.0, 2.0]], test_per_train=1), "values must be one-dimensional"),
        (lambda: holm([0.5, 1.5]), "p must be between 0 and 1, got 1.5"),
        (lambda: tie_letters([[False, True], [False, False]]), "differ must be symmetric"),
        (lambda: tie_letters([[1, 0], [0, 1]]), "square array of bool, got int"),
        (lambda: smallest_detectable_difference(-1.0, 4), "standard_error must be >= 0"),
        (lambda: smallest_detectable_difference(1.0, 0), "df must be >= 1, got 0"),
        (lambda: smallest_detectable_difference(1.0, 4, power=0.01), "power must be above alpha"),
        (lambda: one_standard_error([[1.0]], [1.0]), "two or more folds"),
        (lambda: one_standard_error([[1.0], [2.0], [3.0]], [1.0], repeats=2), "two or more folds"),
        (lambda: one_standard_error([[1.0, 2.0]] * 3, [1.0]), r"shape \(folds, 1\)"),
        (lambda: one_standard_error([[1.0], [np.nan]], [0.5]), "got nan in fold 1 at alpha 0.5"),
        (lambda: stability([]), "at least one fit"),
        (lambda: stability([[np.inf]]), "got inf in fit 0 for feature 0"),
        (lambda: optimism(float("nan"), 1.0), "nested_error must be a finite error >= 0, got nan"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_more_letters_than_the_alphabet_has_are_refused():
    differ = ~np.eye(53, dtype=bool)
    with pytest.raises(InputError, match="at most 52 letters, got 53"):
        tie_letters(differ)
