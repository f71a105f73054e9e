"""What is said of separated classes is so: of each training set, and of unpenalized columns alone."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.special import expit

import foldwise as fw
from foldwise.errors import SeparationWarning
from foldwise.paths.generalized import separation

GENERATED = settings(max_examples=40, deadline=None, phases=[Phase.reuse, Phase.generate])


def is_separated(X, y, *, fit_intercept=True):
    """By another program: slacks t <= 1 in every row, as many as there are strictly right rows on some line."""
    n = len(X)
    Z = np.column_stack([np.ones(n), X]) if fit_intercept else X
    Z = np.where(y[:, None] > 0, Z, -Z)
    q = Z.shape[1]
    cost = np.concatenate([np.zeros(q), -np.ones(n)])
    found = linprog(
        cost, A_ub=np.hstack([-Z, np.eye(n)]), b_ub=np.zeros(n), bounds=[(None, None)] * q + [(0.0, 1.0)] * n
    )
    return -found.fun > 0.5


def said(X, y, **settings):
    """How many fits are said to be separated, and whether all rows are."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fw.fit_paths(X, y, family="binomial", tol=1e-12, **settings)
    told = [str(each.message) for each in caught if each.category is SeparationWarning]
    return sum(int(re.search(r"in (\d+) of", message).group(1)) for message in told)


@given(st.integers(0, 10**6), st.booleans())
@GENERATED
def test_the_fits_said_to_be_separated_are(seed, fit_intercept):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(12, 40)), int(rng.integers(1, 4))
    X = rng.integers(-3, 4, size=(n, p)).astype(float)
    y = (X[:, 0] + rng.choice([0.1, 1.0]) * rng.logistic(size=n) > 0).astype(float)
    folds = fw.Folds.kfold(n, 3, seed=seed)
    sets = [folds.training_rows(set(held_out)) for held_out in folds.held_out_sets(nested=True)]
    if any(len(set(y[rows])) < 2 for rows in sets):
        return
    found = said(X, y, alphas=[0.0], folds=folds, nested=True, fit_intercept=fit_intercept)
    assert found == sum(is_separated(X[rows], y[rows], fit_intercept=fit_intercept) for rows in sets)


def test_only_the_fit_without_the_overlapping_rows_is_separated():
    x = np.arange(40.0)[:, None]
    y = (np.arange(40) >= 20).astype(float)
    y[[5, 30]] = 1.0 - y[[5, 30]]
    labels = np.where(np.isin(np.arange(40), [5, 30]), 0, np.arange(40) % 3)
    folds = fw.Folds.from_labels(labels)
    assert said(x, y, alphas=[0.0], folds=folds) == 1


def separated_beside(rng, n=120):
    X = rng.normal(size=(n, 3))
    return X, (X[:, 1] > 0).astype(float)


def test_a_penalized_column_may_separate_and_an_unpenalized_one_not():
    X, y = separated_beside(np.random.default_rng(0))
    assert said(X, y, alphas=[1e-9], penalty_factor=[0.0, 1.0, 1.0]) == 0
    assert said(X, y, alphas=[1e-9], penalty_factor=[1.0, 0.0, 1.0]) == 1


def test_bounds_keep_coefficients_finite():
    X, y = separated_beside(np.random.default_rng(1))
    assert said(X, y, alphas=[0.0], bounds=(-50.0, 50.0)) == 0
    assert said(X, y, alphas=[0.0], bounds=(None, 0.0)) == 0
    assert said(X, y, alphas=[0.0], bounds=(0.0, None)) == 1


def test_gaps_are_filled_and_zero_weights_left_out():
    rng = np.random.default_rng(2)
    X, y = separated_beside(rng)
    X[rng.random(X.shape) < 0.05] = np.nan
    X[:, 1] = np.where(np.isnan(X[:, 1]), y - 0.5, X[:, 1])
    folds = fw.Folds.kfold(len(y), 4, seed=0)
    assert said(X, y, alphas=[0.0], folds=folds, fill="mean") == 5
    y[0] = 1.0 - y[0]
    X[0, 1] = 5.0 * (1.0 - 2.0 * y[0])
    weight = np.ones(len(y))
    weight[0] = 0.0
    assert said(X, y, alphas=[0.0], fill="mean") == 0
    assert said(X, y, alphas=[0.0], fill="mean", sample_weight=weight) == 1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # there is no solution to certify
def test_a_table_too_large_to_search_is_said_to_be(monkeypatch):
    X, y = separated_beside(np.random.default_rng(3))
    monkeypatch.setattr(separation, "MOST_CELLS", 10)
    with pytest.warns(SeparationWarning, match=r"the classes seem separated completely.*too large to make sure"):
        fw.fit_paths(X, y, family="binomial", alphas=[0.0])


@given(st.integers(0, 10**6))
@settings(GENERATED, max_examples=200)
def test_a_proof_of_overlap_is_never_wrong(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 12))
    X = rng.integers(-2, 3, size=(n, 2)).astype(float)
    y = rng.random(n) < 0.5
    signed = np.where(y[:, None], 1.0, -1.0) * np.column_stack([np.ones(n), X])
    proved = separation.overlaps(signed, rng.random(n))
    if proved:
        assert not is_separated(X, y)
        assert separation.separating_line(signed, -np.ones(3), np.ones(3)) is None


def test_where_every_coefficient_is_penalized_or_bounded_nothing_runs_away():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(80, 2)) * np.exp(2.0 * rng.normal(size=(80, 1)))
    y = (rng.random(80) < expit(2.0 * X[:, 0])).astype(float)
    held = {"penalty_factor": [0.0, 1.0], "bounds": (-9.0, 9.0), "fit_intercept": False, "standardize": False}
    paths = fw.fit_paths(X, y, family="binomial", alphas=[1e-6], **held)
    doubt = expit(-np.abs(X @ paths.coef[0, 0]))
    assert doubt.min() < 1e-6  # certain enough to be suspected
    assert doubt.max() > 0.1  # and some rows are not
    assert paths.gap.max() < 1e-6
