"""Statistics that choose: information criteria, the bounds of stability selection, and the standard error by name."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldwise.errors import InputError
from foldwise.inference import (
    information_criterion,
    largest_q,
    one_standard_error,
    selection_bounds,
    smallest_threshold,
)
from foldwise.inference.selection import largest_tail

# What the R package stabs 0.6-4 prints for 100 features, threshold 0.6 and 50 pairs, q = 1..10 (its own tests' output).
STABS_R_CONCAVE = (
    0.006971364, 0.03342845, 0.08691176, 0.1637231, 0.2605329, 0.3820466, 0.5295188, 0.7042719, 0.9077127, 1.141338,
)  # fmt: skip
STABS_UNIMODAL = (
    0.02631579, 0.1052632, 0.2368421, 0.4210526, 0.6578947, 0.9473684, 1.289474, 1.684211, 2.131579, 2.631579,
)  # fmt: skip


@pytest.mark.parametrize("q", range(1, 11))
def test_bounds_equal_those_of_stabs(q):
    bounds = selection_bounds(q, 100, 0.6, 50)
    assert bounds.none == bounds.meinshausen_buehlmann == pytest.approx(q**2 / 100 / 0.2)
    assert bounds.unimodal == pytest.approx(STABS_UNIMODAL[q - 1], rel=1e-6)
    # Both search for a maximum; ours is a true one where theirs ends a hair below, by 0.3 % at q = 1.
    ratio = bounds.r_concave / STABS_R_CONCAVE[q - 1]
    assert 1.0 - 1e-6 <= ratio < (1.0 + 1e-5 if q > 3 else 1.004)


def test_choices_equal_those_of_stabs():
    assert largest_q(0.2, 200, 0.6, 50, "r-concave") == 6
    assert largest_q(0.2, 200, 0.6, 50, "unimodal") == 3
    assert smallest_threshold(0.2, 7, 200, 50, "r-concave") == pytest.approx(0.62)
    assert smallest_threshold(0.2, 7, 200, 50, "unimodal") == pytest.approx(0.81)
    assert round(selection_bounds(7, 200, 0.62, 50).r_concave, 3) == 0.196


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(3, 25),
    r=st.sampled_from([-0.5, -0.25, -1.0]),
)
def test_no_r_concave_distribution_exceeds_the_largest_tail(seed, size, r):
    """Any f with f^r convex is r-concave: its tail may not exceed the bound at its own mean."""
    rng = np.random.default_rng(seed)
    bend = np.sort(rng.gumbel(size=(size - 1, 1)) * 10.0 ** rng.uniform(-2, 1), axis=0)
    convex = np.cumsum(np.r_[10.0 ** rng.uniform(-3, 1), bend[:, 0]])
    convex = np.r_[convex, convex[-1] + bend[-1, 0]]
    convex = convex - min(convex.min(), 0.0) + 10.0 ** rng.uniform(-6, 0)
    f = convex ** (1.0 / r)
    last = rng.integers(2, size + 2)  # and it may end early
    f[last:] = 0.0
    f = f / f.sum()
    mean = float(np.arange(size + 1) @ f) / size
    for at in range(1, size + 1):
        assert f[at:].sum() <= largest_tail(mean, at, size, r) + 1e-9


@settings(deadline=None, max_examples=15)
@given(q=st.integers(1, 40), p=st.integers(60, 500), at=st.integers(52, 100))
def test_assumptions_buy_tighter_bounds_and_caution_too(q, p, at):
    bounds, stricter = selection_bounds(q, p, at / 100, 50), selection_bounds(q, p, min(at + 7, 100) / 100, 50)
    assert bounds.r_concave <= bounds.none * (1 + 1e-9)
    assert np.isnan(bounds.unimodal) or bounds.unimodal <= bounds.none * (1 + 1e-9)
    assert stricter.none <= bounds.none
    assert stricter.r_concave <= bounds.r_concave + 1e-9
    assert bounds.none <= p


@pytest.mark.parametrize("assumption", ["none", "unimodal", "r-concave"])
def test_largest_q_and_smallest_threshold_are_extreme(assumption):
    q = largest_q(1.0, 80, 0.8, 30, assumption)
    assert (
        selection_bounds(q, 80, 0.8, 30).under(assumption)
        <= 1.0
        < selection_bounds(q + 1, 80, 0.8, 30).under(assumption)
    )
    threshold = smallest_threshold(1.0, q, 80, 30, assumption)
    assert threshold <= 0.8
    assert not selection_bounds(q, 80, threshold - 1 / 60, 30).under(assumption) <= 1.0


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: selection_bounds(3, 10, 0.5, 50), r"threshold must be above 0.5 and at most 1, got 0.5"),
        (lambda: selection_bounds(30, 10, 0.6, 50), r"q must be at most the number of features \(10\), got 30"),
        (lambda: selection_bounds(1.5, 10, 0.6, 50), r"q must be a whole number >= 1, got 1.5"),
        (lambda: selection_bounds(1, 10, 0.6, 1), r"pairs must be a whole number >= 2, got 1"),
        (lambda: largest_q(1e-9, 10, 0.6, 50), r"expected must be at least 0.5, the bound for q = 1"),
        (lambda: smallest_threshold(1e-9, 5, 10, 50), r"expected must be at least 2.5"),
        (lambda: selection_bounds(1, 10, 0.6, 50).under("hope"), "assumption must be one of none, unimodal, r-concave"),
        (lambda: information_criterion("cic", [1.0], [1], n=3), "criterion must be one of aic, aicc, bic, ebic"),
        (lambda: information_criterion("bic", [1.0], [1], n=3), "noise_variance must be > 0"),
        (lambda: information_criterion("aicc", [1.0], [1], n=9, noise_variance=1.0), "no use for 'aicc'"),
        (lambda: information_criterion("aic", [1.0], [1, 2], n=9, noise_variance=1.0), "rss and df"),
        (lambda: information_criterion("ebic", [1.0], [1], n=9, noise_variance=1.0), "n_kept and n_features"),
        (
            lambda: information_criterion(
                "ebic", [1.0], [1], n=9, noise_variance=1.0, n_kept=[1], n_features=2, gamma=-1.0
            ),
            "gamma must be from 0 to 1, got -1.0",
        ),
        (
            lambda: information_criterion("ebic", [1.0], [1], n=9, noise_variance=1.0, n_kept=[5], n_features=2),
            r"n_kept must be from 0 to n_features \(2\)",
        ),
    ],
)
def test_bad_input_is_named(call, match):
    with pytest.raises(InputError, match=match):
        call()


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(5, 60))
def test_criteria_by_hand(seed, n):
    rng = np.random.default_rng(seed)
    rss, df, p = rng.uniform(1, 9, 4), np.array([0, 1, 2, 5]), 7
    variance = float(rng.uniform(0.1, 3))
    likelihood = -0.5 * n * np.log(2 * np.pi * variance) - 0.5 * rss / variance
    common = {"n": n, "noise_variance": variance}
    np.testing.assert_allclose(information_criterion("aic", rss, df, **common), -2 * likelihood + 2 * df)
    bic = information_criterion("bic", rss, df, **common)
    np.testing.assert_allclose(bic, -2 * likelihood + np.log(n) * df)
    extended = information_criterion("ebic", rss, df, n_kept=df, n_features=p, gamma=1.0, **common)
    np.testing.assert_allclose(extended - bic, 2 * np.log([1, 7, 21, 21]), rtol=1e-9, atol=1e-9)
    assert np.array_equal(information_criterion("ebic", rss, df, n_kept=df, n_features=p, gamma=0.0, **common), bic)


def test_aicc_is_hurvich_and_tsais_and_never_takes_a_saturated_fit():
    rss, df, n = np.array([9.0, 4.0, 1.0, 0.0]), np.array([0, 3, 6, 8]), 10
    value = information_criterion("aicc", rss, df, n=n)
    # Their equation 3, with m - 1 regression coefficients: n log v + n (n + m - 1) / (n - m - 1), up to a constant.
    m = df[:3] + 2
    theirs = n * np.log(rss[:3] / n) + n * (n + m - 1) / (n - m - 1)
    np.testing.assert_allclose(value[:2] - value[0], (theirs - theirs[0])[:2])
    assert np.isfinite(value[2]) == (n - m[2] - 1 > 0)
    assert value[3] == np.inf


def test_the_standard_error_has_a_name():
    errors = np.array([[3.0, 2.0], [2.0, 2.5], [4.0, 1.0], [3.0, 2.0]])
    assert one_standard_error(errors, [1.0, 0.1]).which == "standard error of the mean over 4 folds"
    named = one_standard_error(errors, [1.0, 0.1], weights=[2.0, 1.0, 1.0, 1.0], repeats=2).which
    assert (
        named
        == "standard error of the mean over 2 folds, folds weighted by their rows; root mean square over 2 repeats"
    )
    alike = one_standard_error(errors, [1.0, 0.1], weights=[2.0] * 4)
    assert alike.which == "standard error of the mean over 4 folds"
    assert alike.standard_error == pytest.approx(errors[:, alike.index_min].std(ddof=1) / 2)
