"""Folds: partitions, held-out sets, and what is refused."""

from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)

from foldwise import Folds
from foldwise.errors import InputError


@st.composite
def some_folds(draw: st.DrawFn) -> Folds:
    n = draw(st.integers(2, 40))
    k = draw(st.integers(2, n))
    repeats = 1 if k == n else draw(st.integers(1, 3))
    return Folds.kfold(n, k, repeats=repeats, seed=draw(st.integers(0, 99)))


@settings(deadline=None)
@given(some_folds())
def test_every_row_is_tested_once_per_repeat_and_sizes_differ_by_at_most_one(folds):
    for r in range(folds.n_repeats):
        tests = [folds.test_rows(r * folds.n_folds + k) for k in range(folds.n_folds)]
        assert np.array_equal(np.sort(np.concatenate(tests)), np.arange(folds.n_rows))
        sizes = [len(rows) for rows in tests]
        assert max(sizes) - min(sizes) <= 1
        assert min(sizes) >= 1


@settings(deadline=None)
@given(some_folds())
def test_held_out_sets_are_the_final_fit_the_singles_and_the_pairs_of_each_repeat(folds):
    k, r = folds.n_folds, folds.n_repeats
    singles = folds.held_out_sets()
    assert singles == (frozenset(), *(frozenset({i}) for i in range(r * k)))
    nested = folds.held_out_sets(nested=True)
    assert nested[: len(singles)] == singles
    pairs = nested[len(singles) :]
    expected = [frozenset(pair) for pair in combinations(range(r * k), 2) if pair[0] // k == pair[1] // k]
    assert list(pairs) == expected
    for held_out in nested:
        rows = folds.training_rows(held_out)
        tested = [folds.test_rows(i) for i in held_out]
        assert np.array_equal(np.sort(np.concatenate([rows, *tested])), np.arange(folds.n_rows))


@settings(deadline=None)
@given(st.integers(3, 30), st.integers(0, 5))
def test_repeats_do_not_depend_on_how_many_there_are(n, seed):
    groups = np.arange(n) // 2
    y = np.arange(n) % 3
    for few, many in (
        (Folds.kfold(n, 2, repeats=1, seed=seed), Folds.kfold(n, 2, repeats=3, seed=seed)),
        (Folds.stratified(y, 2, repeats=1, seed=seed), Folds.stratified(y, 2, repeats=3, seed=seed)),
    ):
        assert many.partition(0) == few
    if n >= 5:
        assert Folds.grouped(groups, 2, repeats=3).partition(0) == Folds.grouped(groups, 2)


def test_repeats_and_seeds_differ():
    folds = Folds.kfold(50, repeats=2, seed=0)
    assert folds.partition(0) != folds.partition(1)
    assert Folds.kfold(50, seed=1) != folds.partition(0)
    assert hash(Folds.kfold(50, seed=3)) == hash(Folds.kfold(50, seed=3))


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=4, max_size=60), st.integers(2, 4), st.integers(0, 9))
def test_classes_are_spread_to_within_one(y, k, seed):
    folds = Folds.stratified(y, k, seed=seed)
    counts = np.array([[[y[row] for row in folds.test_rows(i)].count(c) for c in "abcd"] for i in range(k)])
    assert np.all(np.ptp(counts, axis=0) <= 1)
    assert np.ptp(counts.sum(axis=1)) <= 1


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=60, unique=True), st.integers(2, 5), st.integers(0, 9))
def test_numbers_are_spread_by_quantile(y, k, seed):
    folds = Folds.stratified(y, k, seed=seed)
    ordered = folds.labels[0][np.argsort(y)]
    for start in range(0, len(y), k):
        assert len(set(ordered[start : start + k])) == len(ordered[start : start + k])


def test_no_fold_is_always_the_lowest_of_its_quantile_bin():
    labels = Folds.stratified(np.linspace(0.0, 1.0, 500), 5).labels[0]
    lowest = np.bincount(labels[::5], minlength=5)
    assert lowest.max() < 40  # 20 expected, standard deviation 4; always the same fold would be 100


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=10, max_size=80), st.integers(2, 5), st.integers(0, 9))
def test_groups_stay_whole_and_sizes_stay_even(groups, k, seed):
    groups = np.array(groups)
    sizes = np.unique(groups, return_counts=True)[1]
    if len(sizes) < k:
        with pytest.raises(InputError, match="groups must have at least as many"):
            Folds.grouped(groups, k, seed=seed)
        return
    folds = Folds.grouped(groups, k, seed=seed)
    for group in np.unique(groups):
        assert len(np.unique(folds.labels[0][groups == group])) == 1
    assert np.ptp(np.bincount(folds.labels[0])) <= sizes.max()


def test_repeats_of_groups_of_different_sizes_differ():
    groups = np.repeat(np.arange(12), np.arange(1, 13))
    folds = Folds.grouped(groups, 3, repeats=4)
    assert len({folds.partition(r) for r in range(4)}) == 4


@pytest.mark.parametrize(
    ("splitter", "repeats"),
    [(KFold(5), 1), (RepeatedKFold(n_splits=5, n_repeats=3, random_state=0), 3), (GroupKFold(5), 1)],
)
def test_a_splitter_gives_the_same_folds_as_it_splits(splitter, repeats):
    X = np.zeros((23, 1))
    groups = np.arange(23) // 2 if isinstance(splitter, GroupKFold) else None
    folds = Folds.from_splitter(splitter, X, groups=groups)
    assert (folds.n_repeats, folds.n_folds) == (repeats, 5)
    splits = list(splitter.split(X, None, groups))
    for (train, test), (own_train, own_test) in zip(splits, folds.split(), strict=True):
        assert np.array_equal(np.sort(test), own_test)
        assert np.array_equal(np.sort(train), own_train)


def test_a_splitter_sees_y_and_masks_are_rows():
    y = np.array([0, 1] * 6)
    folds = Folds.from_splitter(StratifiedKFold(3), pd.DataFrame({"x": y}), y)
    masks = [(folds.labels[0] != k, folds.labels[0] == k) for k in range(3)]
    assert Folds.from_splits(masks, 12) == folds


def test_folds_serve_as_cv_in_scikit_learn():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.normal(size=20)
    assert cross_val_score(Ridge(), X, y, cv=Folds.kfold(20, 4, repeats=2)).shape == (8,)


@pytest.mark.parametrize(
    ("splitter", "message"),
    [
        (ShuffleSplit(5, test_size=0.3, random_state=0), "row . is tested . times"),
        (TimeSeriesSplit(3), "must train on all rows that it does not test"),
        (PredefinedSplit([-1, 0, 0, 0, 0, 1, 1, 1, 1, 1]), "most rows are tested 1 times, but row 0 is tested 0 times"),
        ("kfold", "splitter must be a scikit-learn splitter such as .*, got 'kfold'"),
    ],
)
def test_splitters_that_do_not_partition_are_refused(splitter, message):
    X = np.zeros((10, 1))
    with pytest.raises(InputError, match=message):
        Folds.from_splitter(splitter, X)


def test_leave_one_out_is_a_partition():
    assert Folds.from_splitter(LeaveOneOut(), np.zeros((4, 1))).n_folds == 4


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ([([0, 1], [1, 2, 3])], "split 0 must not train on rows that it tests, got 1 of them, first row 1"),
        ([([2, 3], [0, 4])], "the test set of split 0 must be row numbers from 0 to 3, got 0 to 4"),
        ([([2, 3], [])], "the test set of split 0 is empty"),
        ([([2, 3], [[0], [1]])], "must be a list of rows"),
        ([(np.ones(3, bool), [0])], "must have one entry for each of 4 rows, got 3"),
        ([], "test sets must partition the 4 rows"),
        (
            [([2, 3], [0, 1]), ([0, 1], [2, 3]), ([1, 2, 3], [0]), ([0, 2, 3], [1]), ([0, 1], [2, 3])],
            r"same number of folds in every repeat, got \[2, 3\]",
        ),
        ([([2, 3], [0, 1]), ([0, 3], [1, 2]), ([0, 1], [2, 3]), ([1, 2], [0, 3])], "whole partitions one after"),
    ],
)
def test_splits_that_do_not_partition_are_refused(splits, message):
    with pytest.raises(InputError, match=message):
        Folds.from_splits(splits, 4)


@pytest.mark.parametrize("kind", [list, np.array, pd.Series, pl.Series])
def test_labels_of_any_kind_are_numbered_in_sorted_order(kind):
    assert Folds.from_labels(kind(["c", "a", "b", "a"])).labels.tolist() == [[2, 0, 1, 0]]


def test_labels_of_several_repeats_are_numbered_within_each():
    assert Folds.from_labels([[0, 1, 1], [7, 5, 5]]).labels.tolist() == [[0, 1, 1], [1, 0, 0]]


def test_labels_are_read_only_and_the_callers_array_stays_writable():
    mine = np.array([[0, 1, 0]])
    folds = Folds(mine)
    mine[0, 0] = 1
    assert folds.labels.tolist() == [[0, 1, 0]]
    with pytest.raises(ValueError, match="read-only"):
        folds.labels[0, 0] = 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Folds.kfold(3, 5), r"n_folds must be at most the number of rows \(3\), got 5"),
        (lambda: Folds.kfold(10, 1), "n_folds must be a whole number >= 2, got 1"),
        (lambda: Folds.kfold(10, 2.5), "n_folds must be a whole number >= 2, got 2.5"),
        (lambda: Folds.kfold(10, repeats=0), "repeats must be a whole number >= 1, got 0"),
        (lambda: Folds.kfold(10, seed=-1), "seed must be a whole number >= 0, got -1"),
        (lambda: Folds.kfold(5, 5, repeats=2), "repeats must be 1 where there are as many folds as rows"),
        (lambda: Folds.kfold(10, repeats=2, shuffle=False), "repeats must be 1 without shuffling"),
        (lambda: Folds.grouped(["a"] * 9, 2), r"at least as many distinct groups as folds \(2\), got 1"),
        (lambda: Folds.grouped(["a", "b", "b"], 2, repeats=3), "as many folds as groups"),
        (lambda: Folds.grouped(["a", None, "b"], 2), "groups must have no missing values, got 1 .* first at row 1"),
        (lambda: Folds.grouped([1, "a", 2], 2), "groups must be labels that can be sorted"),
        (lambda: Folds.grouped(["a", float("nan"), "b"], 2), "groups must have no missing values"),
        (lambda: Folds.stratified([1.0, float("nan"), 2.0], 2), "y must have no missing values"),
        (lambda: Folds.stratified(pd.array([1, pd.NA, 2]), 2), "y must have no missing values"),
        (lambda: Folds.stratified([[1.0], [2.0]], 2), "y must be one-dimensional"),
        (lambda: Folds.from_labels([0, 0, 0]), "n_folds must be a whole number >= 2, got 1"),
        (lambda: Folds.from_labels([0.0, float("nan")]), "labels must have no missing values"),
        (lambda: Folds.from_labels([[0, 1, 1], [0, 1, 2]]), r"same number of folds in every repeat, got \[2, 3\]"),
        (lambda: Folds.from_labels([]), r"labels must have shape \(rows,\) or \(repeats, rows\)"),
        (lambda: Folds(np.array([[0, 2, 2]])), "fold 1 of repeat 0 is empty"),
        (lambda: Folds(np.array([[0, -1]])), "labels must be folds"),
        (lambda: Folds(np.array([0, 1])), "labels must be whole numbers of shape"),
        (lambda: Folds.kfold(9, 3).test_rows(3), "fold must be from 0 to 2, got 3"),
        (lambda: Folds.kfold(9, 3, repeats=2).training_rows({0, 3}), r"folds of one repeat, got repeats \[0, 1\]"),
        (lambda: Folds.kfold(9, 3).partition(1), "repeat must be from 0 to 0, got 1"),
    ],
)
def test_what_is_refused_names_the_argument_and_what_would_be_accepted(make, message):
    with pytest.raises(InputError, match=message):
        make()
