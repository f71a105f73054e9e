"""Probabilities of differences: the Bayesian correlated t, rank flips and the rows that a difference needs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from foldwise.errors import InputError
from foldwise.inference import (
    bayesian_correlated_t,
    corrected_resampled_t,
    rank_flip,
    rows_needed,
    smallest_detectable_difference,
)

numbers = st.floats(-100.0, 100.0).map(lambda x: round(x, 6))
rows = st.lists(numbers, min_size=2, max_size=30).filter(lambda v: np.ptp(v) > 1e-3)


def posterior_as_published(x, y, rope, runs):
    """The correlated t test of Benavoli and others as their package has it: probabilities of left, rope and right."""
    difference = np.asarray(y) - np.asarray(x)
    n = len(difference)
    n_folds = n / runs
    variance = np.var(difference, ddof=1) * (1.0 / n + 1.0 / (n_folds - 1.0))
    posterior = stats.t(n - 1, loc=difference.mean(), scale=np.sqrt(variance))
    return posterior.cdf(-rope), posterior.cdf(rope) - posterior.cdf(-rope), posterior.sf(rope)


@settings(deadline=None)
@given(st.integers(2, 10), st.integers(1, 5), st.floats(0.0, 3.0), st.integers(0, 10_000))
def test_the_posterior_is_the_published_one(n_folds, runs, rope, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, n_folds * runs))
    found = bayesian_correlated_t(y - x, rope=rope, test_per_train=1.0 / (n_folds - 1))
    expected = posterior_as_published(x, y, rope, runs)
    assert (found.below, found.within, found.above) == pytest.approx(expected, abs=1e-10)


@settings(deadline=None)
@given(rows, st.floats(0.0, 5.0), st.floats(0.01, 2.0))
def test_probabilities_sum_to_one_and_the_tails_are_the_tests(values, rope, ratio):
    found = bayesian_correlated_t(values, rope=rope, test_per_train=ratio)
    assert found.below + found.within + found.above == pytest.approx(1.0, abs=1e-12)
    assert min(found.below, found.within, found.above) >= 0.0
    none = bayesian_correlated_t(values, rope=0.0, test_per_train=ratio)
    test = corrected_resampled_t(values, test_per_train=ratio)
    assert 2.0 * min(none.below, none.above) == pytest.approx(test.p, abs=1e-9)
    swapped = bayesian_correlated_t(-np.array(values), rope=rope, test_per_train=ratio)
    assert (swapped.below, swapped.above) == pytest.approx((found.above, found.below), abs=1e-12)


@settings(deadline=None)
@given(rows, st.floats(0.1, 10.0))
def test_the_region_has_the_unit_of_the_values(values, factor):
    plain = bayesian_correlated_t(values, rope=0.5, test_per_train=0.25)
    scaled = bayesian_correlated_t(np.array(values) * factor, rope=0.5 * factor, test_per_train=0.25)
    assert scaled.within == pytest.approx(plain.within, abs=1e-9)


@pytest.mark.parametrize(
    ("value", "rope", "expected"),
    [(0.2, 0.1, (0.0, 0.0, 1.0)), (-0.2, 0.1, (1.0, 0.0, 0.0)), (0.0, 0.0, (0.0, 1.0, 0.0)), (0.125, 0.125, (0, 1, 0))],
)
def test_values_without_spread_are_certain(value, rope, expected):
    found = bayesian_correlated_t([value] * 5, rope=rope, test_per_train=0.25)
    assert (found.below, found.within, found.above) == expected


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-3.0, 3.0).map(lambda x: round(x, 4)), min_size=4, max_size=12))
def test_the_flip_is_the_integral_over_where_the_truth_may_lie(values):
    """A second table's mean is normal about a truth, and the truth about the first mean: many folds, no Student."""
    if np.ptp(values) < 1e-2:
        return
    many = np.tile(values, 2000)
    found = rank_flip(many, test_per_train=0.25)
    mean, error = np.mean(many), corrected_resampled_t(many, test_per_train=0.25).standard_error
    sign = 1.0 if mean >= 0.0 else -1.0
    flipped, _ = integrate.quad(
        lambda truth: stats.norm.pdf(truth, mean, error) * stats.norm.cdf(0.0, sign * truth, error),
        mean - 12 * error,
        mean + 12 * error,
        points=[mean],
    )
    assert found.new_table == pytest.approx(flipped, abs=2e-4)


def test_stated_flips_come_true_where_true_differences_are_of_every_size():
    rng = np.random.default_rng(5)
    n_folds, tables = 10, 4000
    truth = rng.uniform(-2.0, 2.0, size=tables)  # against a standard error of 0.32: nearly flat
    first, second = truth[:, None] + rng.normal(size=(2, tables, n_folds))
    stated = np.array([rank_flip(values, test_per_train=1e-300).new_table for values in first])
    flipped = first.mean(axis=1) * second.mean(axis=1) < 0.0
    # the standard deviation of a share of 4000 near 0.1 is 0.005; the edges of the range cost 0.004
    assert stated.mean() == pytest.approx(flipped.mean(), abs=0.02)
    doubtful = (stated > 0.2) & (stated < 0.4)
    assert stated[doubtful].mean() == pytest.approx(flipped[doubtful].mean(), abs=0.08)


def test_other_folds_flip_as_often_as_stated():
    """Means of repeats are independent given the rows; the observed order against that of fresh repeats."""
    rng = np.random.default_rng(6)
    repeats, n_folds, tables = 8, 5, 3000
    truth = rng.uniform(-1.5, 1.5, size=tables)
    noise = rng.normal(size=(2, tables, repeats, 1)) + 0.3 * rng.normal(size=(2, tables, repeats, n_folds))
    first, second = truth[:, None, None] + noise
    stated = [rank_flip(v.ravel(), test_per_train=0.25, repeats=repeats).new_folds for v in first]
    flipped = first.mean(axis=(1, 2)) * second.mean(axis=(1, 2)) < 0.0
    assert np.mean(stated) == pytest.approx(flipped.mean(), abs=0.025)


def test_a_flip_needs_repeats_to_know_the_folds():
    assert rank_flip([0.3, 0.1, 0.2], test_per_train=0.5).new_folds is None
    assert rank_flip([0.1] * 4, test_per_train=0.5, repeats=2) == rank_flip([-0.1] * 4, test_per_train=0.5, repeats=2)
    same = rank_flip([0.0] * 4, test_per_train=0.5, repeats=2)
    assert (same.new_table, same.new_folds) == (0.5, 0.5)
    sure = rank_flip([0.1] * 4, test_per_train=0.5, repeats=2)
    assert (sure.new_table, sure.new_folds) == (0.0, 0.0)


@settings(deadline=None)
@given(st.floats(0.01, 10.0), st.integers(10, 10_000), st.floats(0.01, 5.0), st.integers(4, 100))
def test_as_many_rows_make_the_difference_detectable(difference, n, standard_error, df):
    needed = rows_needed(difference, n=n, standard_error=standard_error, df=df)
    then = smallest_detectable_difference(standard_error * np.sqrt(n / needed), df)
    assert then <= difference * (1.0 + 1e-9)
    if needed > 1:
        one_less = smallest_detectable_difference(standard_error * np.sqrt(n / (needed - 1.0)), df)
        assert one_less >= difference * (1.0 - 1e-9)
    assert rows_needed(-difference, n=n, standard_error=standard_error, df=df) == needed


def test_no_number_of_rows_shows_a_difference_of_nothing():
    assert rows_needed(0.0, n=100, standard_error=1.0, df=9) == np.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bayesian_correlated_t([1.0, 2.0], rope=-0.1, test_per_train=0.25), "rope must be >= 0 and finite"),
        (lambda: bayesian_correlated_t([1.0], rope=0.1, test_per_train=0.25), "at least two per-fold values, got 1"),
        (lambda: rank_flip([1.0, 2.0, 3.0], test_per_train=0.25, repeats=2), "repeats must divide the 3 values, got 2"),
        (lambda: rank_flip([1.0, 2.0], test_per_train=0.25, repeats=0), "repeats must divide the 2 values, got 0"),
        (lambda: rows_needed(np.nan, n=10, standard_error=1.0, df=4), "difference must be finite, got nan"),
        (lambda: rows_needed(1.0, n=1, standard_error=1.0, df=4), "n must be >= 2 rows, got 1"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
