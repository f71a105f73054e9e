"""Reading partitions out of (train, test) splits, and saying what is wrong with splits that are none."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError

Labels = NDArray[np.intp]


def labels_of_splits(splits: Iterable[tuple[Any, Any]], n: int) -> Labels:
    """Labels (R, n) of splits whose test sets partition the n rows R times, one partition after the other.

    Raises InputError where a row is not tested exactly once per partition, and where a training set is not all the
    other rows: held-out sets are shared between fits, so a fit must see everything that it does not hold out.
    """
    tested = np.zeros(n, dtype=np.intp)
    partitions: list[Labels] = []
    sizes: list[int] = []
    n_splits = 0
    labels = np.full(n, -1, dtype=np.intp)
    for number, (train, test) in enumerate(splits):
        held_out = _as_mask(test, n, f"the test set of split {number}")
        trained = _as_mask(train, n, f"the training set of split {number}")
        _check_complement(trained, held_out, number)
        tested += held_out
        labels[held_out] = n_splits - sum(sizes)
        n_splits += 1
        if np.all(tested == len(partitions) + 1):
            partitions.append(labels)
            sizes.append(n_splits - sum(sizes))
            labels = np.full(n, -1, dtype=np.intp)
    if not partitions or n_splits != sum(sizes):
        raise InputError(_not_a_partition(tested))
    if any(a != b for a, b in pairwise(sizes)):
        message = f"splits must make the same number of folds in every repeat, got {sizes}"
        raise InputError(message)
    return np.stack(partitions)


def _as_mask(rows: Any, n: int, what: str) -> NDArray[np.bool_]:
    index = np.asarray(rows)
    if index.ndim != 1:
        message = f"{what} must be a list of rows, got an array of shape {index.shape}"
        raise InputError(message)
    mask = np.zeros(n, dtype=bool)
    if index.dtype == bool:
        if index.shape != (n,):
            message = f"{what} must have one entry for each of {n} rows, got {index.shape[0]}"
            raise InputError(message)
        return index.copy()
    if index.size == 0:
        message = f"{what} is empty"
        raise InputError(message)
    if index.dtype.kind not in "iu" or index.min() < 0 or index.max() >= n:
        message = f"{what} must be row numbers from 0 to {n - 1}, got {index.min()} to {index.max()}"
        raise InputError(message)
    mask[index] = True
    return mask


def _check_complement(trained: NDArray[np.bool_], held_out: NDArray[np.bool_], number: int) -> None:
    both = np.flatnonzero(trained & held_out)
    if both.size:
        message = f"split {number} must not train on rows that it tests, got {both.size} of them, first row {both[0]}"
        raise InputError(message)
    neither = np.flatnonzero(~(trained | held_out))
    if neither.size:
        message = (
            f"split {number} must train on all rows that it does not test, but leaves out {neither.size} of them, "
            f"first row {neither[0]}"
        )
        raise InputError(message)


def _not_a_partition(tested: Labels) -> str:
    """Which row is tested how often."""
    n = tested.shape[0]
    usual = int(np.bincount(tested).argmax())
    odd = np.flatnonzero(tested != usual)
    if odd.size == 0:
        order = f"every row is tested {usual} times, but the test sets don't make whole partitions one after the other"
        return f"test sets must partition the {n} rows; {order}"
    shown = ", ".join(f"row {row} is tested {tested[row]} times" for row in odd[:3])
    more = f", and {odd.size - 3} more rows differ" if odd.size > 3 else ""
    return f"test sets must partition the {n} rows; most rows are tested {usual} times, but {shown}{more}"
