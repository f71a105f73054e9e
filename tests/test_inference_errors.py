"""Errors and their intervals: nested cross-validation and BBC-CV, against loops that follow the papers word by word."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LinearRegression

import foldwise as fw
from foldwise.errors import InputError
from foldwise.inference import bbc_cv, nested_interval


def test_what_choosing_flatters_is_the_difference_without_the_noise_of_drawing():
    """Of equally good configurations about the whole luck comes off; of a clear winner nothing."""
    losses = np.random.default_rng(0).exponential(size=(150, 12))
    found = bbc_cv(losses, samples=4000)
    assert found.flattery == pytest.approx(found.error - found.best_error, abs=0.01)  # four errors of 4,000 draws
    assert 0.5 * (1.0 - found.best_error) < found.flattery
    assert 0.0 < found.again < 1.0
    clear = np.column_stack([losses[:, 0], losses[:, 0] + 1.0])
    assert (bbc_cv(clear).flattery, bbc_cv(clear).again) == (0.0, 1.0)


def nested_by_the_paper(X, y, labels):
    """Algorithm 1 of Bates, Hastie & Tibshirani with the bounds of their code: losses, inner means, and parts."""
    repeats, n = labels.shape
    k_all = int(labels.max()) + 1
    losses, inner = np.empty((repeats, n)), np.full((repeats * k_all, k_all), np.nan)
    es, a_list, b_list = [], [], []
    for r, fold in enumerate(labels):
        for k in range(k_all):
            e_in = []
            for j in range(k_all):
                if j == k:
                    continue
                fit = LinearRegression().fit(X[(fold != k) & (fold != j)], y[(fold != k) & (fold != j)])
                temp = (y[fold == j] - fit.predict(X[fold == j])) ** 2
                inner[r * k_all + k, j] = temp.mean()
                e_in.extend(temp)
            fit = LinearRegression().fit(X[fold != k], y[fold != k])
            e_out = (y[fold == k] - fit.predict(X[fold == k])) ** 2
            losses[r, fold == k] = e_out
            a_list.append((np.mean(e_in) - np.mean(e_out)) ** 2)
            b_list.append(np.var(e_out, ddof=1) / len(e_out))
            es.extend(e_in)
    return losses, inner, np.mean(a_list) - np.mean(b_list), np.mean(es)


def table(seed, n=40, p=4):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X[:, 0] + rng.normal(size=n)


@pytest.mark.parametrize("seed", range(4))
def test_nested_interval_is_the_papers_on_the_logarithm(seed):
    X, y = table(seed)
    labels = fw.Folds.kfold(len(y), 4, repeats=3, seed=seed).labels
    losses, inner, mse, ncv = nested_by_the_paper(X, y, labels)
    found = nested_interval(losses, labels, inner)
    cv, n_folds = losses.mean(), 4
    assert found.mse == pytest.approx(mse, rel=1e-9)
    naive = np.sqrt(np.mean(np.var(losses, axis=1, ddof=1)) / len(y))
    assert found.naive == pytest.approx(naive, rel=1e-9)
    relative = np.clip(
        np.sqrt((n_folds - 1) / n_folds * max(mse, 0.0)) / ncv, naive / cv, np.sqrt(n_folds) * naive / cv
    )
    centre = cv * (cv / ncv) ** (((n_folds - 2) / n_folds) ** 1.5)
    assert found.error == pytest.approx(centre, rel=1e-9)
    t = stats.t.ppf(0.975, len(y) - 1)
    assert np.log(found.interval) == pytest.approx([np.log(centre) - t * relative, np.log(centre) + t * relative])
    assert found.error + found.bias == pytest.approx(cv)
    assert 1.0 - 1e-12 <= found.inflation <= np.sqrt(n_folds) + 1e-12
    assert found.inflation * naive / cv == pytest.approx(relative)


def test_nested_interval_is_the_papers_to_first_order():
    """With many rows the symmetric interval with bias subtracted agrees to the order of its squared relative width."""
    X, y = table(3, n=600)
    labels = fw.Folds.kfold(len(y), 4, repeats=2, seed=3).labels
    losses, inner, mse, ncv = nested_by_the_paper(X, y, labels)
    found = nested_interval(losses, labels, inner)
    cv = losses.mean()
    error = cv - 0.5**1.5 * (ncv - cv)
    naive = np.sqrt(np.mean(np.var(losses, axis=1, ddof=1)) / len(y))
    half = stats.norm.ppf(0.975) * np.clip(np.sqrt(0.75 * max(mse, 0.0)), naive, 2.0 * naive)
    assert found.interval == pytest.approx((error - half, error + half), abs=2.0 * (half / error) ** 2 * error)


def test_paths_have_what_it_needs():
    """The inner errors of fit_paths are those of the naive double loop: nothing is fitted for the interval."""
    X, y = table(7)
    folds = fw.Folds.kfold(len(y), 4, repeats=2, seed=1)
    losses, inner, mse, _ = nested_by_the_paper(X, y, folds.labels)
    paths = fw.fit_paths(X, y, alphas=[0.0], folds=folds, nested=True)
    np.testing.assert_allclose(paths.inner_error[:, :, 0], inner, rtol=1e-9)
    found = nested_interval(losses, folds.labels, paths.inner_error[:, :, 0])
    assert found.mse == pytest.approx(mse, rel=1e-7)


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100.0))
def test_the_interval_has_the_unit_of_the_losses_and_equal_weights_change_nothing(seed, factor):
    rng = np.random.default_rng(seed)
    labels = np.stack([rng.permutation(np.arange(12) % 3) for _ in range(2)])
    losses, inner = rng.exponential(size=(2, 12)), rng.exponential(size=(6, 3))
    one = nested_interval(losses, labels, inner)
    other = nested_interval(losses * factor, labels, inner * factor, weights=np.full(12, 7.0))
    assert other.interval == pytest.approx(np.multiply(one.interval, factor))
    assert other.mse == pytest.approx(one.mse * factor**2, rel=1e-9, abs=1e-12 * factor**2)
    assert 0.0 < one.interval[0] < one.error < one.interval[1]


def test_a_row_of_weight_two_counts_twice_in_the_means():
    labels = np.array([[0, 0, 1, 1, 2, 2]])
    losses, inner = np.array([[1.0, 2.0, 3.0, 1.0, 2.0, 5.0]]), np.ones((3, 3))
    weights = np.array([2.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    found = nested_interval(losses, labels, inner, weights=weights, size_cost=1.0)
    assert found.error == pytest.approx(np.average(losses[0], weights=weights))


def test_without_any_error_there_is_nothing_to_scale():
    found = nested_interval(np.zeros((1, 6)), np.array([[0, 0, 1, 1, 2, 2]]), np.zeros((3, 3)))
    assert (found.error, found.interval, found.inflation) == (0.0, (0.0, 0.0), 1.0)


def bbc_by_the_paper(losses, samples, seed):
    """Algorithm 2 of Tsamardinos and others, one bootstrap sample at a time."""
    rng, n, found = np.random.default_rng(seed), len(losses), []
    for _ in range(samples):
        drawn = rng.integers(n, size=n)
        left = np.setdiff1d(np.arange(n), drawn)
        if len(left):
            found.append(losses[left, losses[drawn].mean(axis=0).argmin()].mean())
    return np.array(found)


def test_bbc_cv_is_the_papers():
    losses = np.random.default_rng(1).exponential(size=(60, 8)) * np.linspace(1.0, 1.3, 8)
    expected = bbc_by_the_paper(losses, 4000, seed=2)
    found = bbc_cv(losses, samples=4000)
    # both are averages of 4000 draws with a standard deviation of expected.std(): four of their difference
    assert found.error == pytest.approx(expected.mean(), abs=4.0 * expected.std() * np.sqrt(2 / 4000))
    # percentiles of 4000 draws: the density there makes their standard error about 0.05 standard deviations
    assert found.interval == pytest.approx(np.quantile(expected, [0.025, 0.975]), abs=0.25 * expected.std())
    assert found.best == losses.mean(axis=0).argmin()
    assert found.best_error == pytest.approx(losses.mean(axis=0).min())


def test_bbc_cv_takes_off_the_luck_of_choosing():
    rng = np.random.default_rng(3)
    best, corrected = [], []
    for seed in range(60):
        found = bbc_cv(rng.exponential(size=(80, 40)), samples=100, seed=seed)
        best.append(found.best_error)
        corrected.append(found.error)
    # every configuration has the true loss 1; the mean of 60 has a standard error of about 0.015
    assert np.mean(best) < 0.85
    assert np.mean(corrected) == pytest.approx(1.0, abs=0.06)


def test_one_configuration_has_no_luck_to_take_off():
    losses = np.random.default_rng(4).exponential(size=(50, 1))
    found = bbc_cv(losses, samples=3000)
    # out-of-bag means scatter by about 0.8 / sqrt(n); 3000 of them leave 0.002
    assert found.error == pytest.approx(losses.mean(), abs=0.012)


def test_repeats_are_averaged_and_weights_may_stand_for_copies():
    losses = np.random.default_rng(5).exponential(size=(3, 40, 4))
    assert bbc_cv(losses, samples=50) == bbc_cv(losses.mean(axis=0), samples=50)
    weighted = bbc_cv(losses, weights=np.full(40, 2.0), samples=50)
    assert weighted.error == pytest.approx(bbc_cv(losses, samples=50).error)
    weights = np.where(np.arange(40) < 5, 9.0, 1.0)
    assert bbc_cv(losses, weights=weights).best_error == pytest.approx(
        np.average(losses.mean(axis=0), axis=0, weights=weights).min()
    )


LABELS = np.array([[0, 0, 1, 1, 2, 2]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nested_interval(np.ones(6), LABELS, np.ones((3, 3))), r"shape \(repeats, rows\), labels whole"),
        (lambda: nested_interval(np.ones((1, 6)), LABELS * 1.0, np.ones((3, 3))), "labels whole numbers, got"),
        (lambda: nested_interval(np.ones((1, 6)), LABELS % 2, np.ones((2, 2))), "3 or more folds, .* got 2"),
        (lambda: nested_interval(np.ones((1, 5)), LABELS[:, :5], np.ones((3, 3))), "two or more rows in each of 3"),
        (lambda: nested_interval(np.ones((1, 6)), LABELS, np.ones((3, 2))), r"inner must have shape \(3, 3\)"),
        (lambda: nested_interval(-np.ones((1, 6)), LABELS, np.ones((3, 3))), "losses must be finite and >= 0, got -1"),
        (lambda: nested_interval(np.ones((1, 6)), LABELS, np.full((3, 3), np.nan)), "inner must be finite and >= 0"),
        (
            lambda: nested_interval(np.ones((1, 6)), LABELS, np.ones((3, 3)), weights=np.zeros(6)),
            "weights must be > 0, one for each of 6 rows",
        ),
        (
            lambda: nested_interval(np.ones((1, 6)), LABELS, np.ones((3, 3)), size_cost=0.0),
            "size_cost must be > 0 and finite, the ratio of two mean losses, got 0.0",
        ),
        (lambda: bbc_cv(np.ones(5)), r"losses must have shape \(rows, configurations\)"),
        (lambda: bbc_cv([[1.0], [np.nan]]), "losses must be finite, got nan in row 1 of configuration 0"),
        (lambda: bbc_cv(np.ones((5, 2)), samples=1), "samples must be >= 2, got 1"),
        (lambda: bbc_cv(np.ones((5, 2)), weights=[1.0]), "weights must be > 0, one for each of 5 rows"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
