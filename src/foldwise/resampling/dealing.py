"""Dealing rows to folds: one partition per call, drawn from a given random stream."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError

Labels = NDArray[np.intp]


def deal_evenly(n: int, n_folds: int, rng: np.random.Generator | None) -> Labels:
    """Labels (n,) of a k-fold partition, sizes within one of each other; without `rng`, neighbours stay together."""
    even = np.arange(n, dtype=np.intp) * n_folds // n
    return even if rng is None else rng.permutation(even)


def deal_stratified(codes: NDArray[np.intp], n_folds: int, rng: np.random.Generator, *, few: bool) -> Labels:
    """Labels (n,) that spread the ordered values `codes` (n,) evenly over the folds.

    The rows are sorted by value, ties in random order. Few distinct values: dealt round like cards, so that every
    value's count differs by at most one between folds. Many: every run of `n_folds` neighbours, the finest quantile bin
    there is, gets all folds in an order of its own, so that no fold is always the lowest of its bin.
    """
    n = codes.shape[0]
    order = np.lexsort([rng.random((n,)), codes])
    rounds = -(-n // n_folds)
    if few:
        cards = np.tile(rng.permutation(n_folds), rounds)
    else:
        cards = rng.permuted(np.tile(np.arange(n_folds), (rounds, 1)), axis=1).ravel()
    labels = np.empty(n, dtype=np.intp)
    labels[order] = cards[:n]
    return labels


def deal_groups(groups: NDArray[np.intp], n_folds: int, rng: np.random.Generator) -> Labels:
    """Labels (n,) that keep every group (n,) of codes 0..G-1 in one fold.

    Large groups first, in random order among groups of about the same size (a factor of two), each to the fold with the
    fewest rows so far: fold sizes differ by at most the largest group.
    """
    sizes = np.bincount(groups)
    order = np.lexsort([rng.random(sizes.shape), -np.floor(np.log2(sizes))])
    fold_of_group = np.empty(sizes.shape[0], dtype=np.intp)
    rows_in_fold = np.zeros(n_folds)
    for group in order:
        fold = np.argmin(rows_in_fold)
        fold_of_group[group] = fold
        rows_in_fold[fold] += sizes[group]
    return fold_of_group[groups]


def codes_of(values: Any, argument: str) -> tuple[NDArray[np.intp], Sequence[Any]]:
    """Codes (n,) of any sortable labels, numbered in sorted order, and the distinct labels themselves.

    Raises InputError for missing labels, labels that can't be sorted, and anything not one-dimensional.
    """
    array = as_labels(values)
    if array.ndim != 1:
        message = f"{argument} must be one-dimensional, got shape {array.shape}"
        raise InputError(message)
    missing = np.flatnonzero([_is_missing(value) for value in array.tolist()])
    if missing.size:
        message = f"{argument} must have no missing values, got {missing.size} of them, first at row {missing[0]}"
        raise InputError(message)
    try:
        distinct, codes = np.unique(array, return_inverse=True)
    except TypeError as error:
        message = f"{argument} must be labels that can be sorted, all of one kind, got a mixture ({error})"
        raise InputError(message) from error
    return codes.astype(np.intp), distinct.tolist()


def as_labels(values: Any) -> NDArray[Any]:
    """An array of labels. Lists keep their objects: NumPy would write NaN between strings as the string 'nan'."""
    return np.asarray(values, dtype=object if isinstance(values, list | tuple) else None)


def _is_missing(value: Any) -> bool:
    """None, NaN, NaT, or pandas' NA (whose comparison with itself has no truth value)."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return bool(value != value)  # noqa: PLR0124 - only NaN differs from itself
