"""Folds: which rows are held out together, for every repeat; the one partition object that everything uses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError
from foldwise.resampling.dealing import as_labels, codes_of, deal_evenly, deal_groups, deal_stratified
from foldwise.resampling.splits import labels_of_splits

HeldOut = frozenset[int]
Rows = NDArray[np.intp]


class Splitter(Protocol):
    """What scikit-learn's splitters offer."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Any, Any]]:
        """Yield (training rows, test rows)."""

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many there will be."""


@dataclass(frozen=True, eq=False, repr=False)
class Folds:
    """R partitions of n rows into K folds each.

    Folds of all repeats are numbered through: fold k of repeat r is number `r * K + k`. A held-out set is a frozenset
    of such numbers from one repeat: `{}` is the final fit, `{i}` one fold's, `{i, j}` a nested pair's.

    Parameters
    ----------
    labels : (R, n) array of int
        The fold, 0..K-1, of each row in each repeat. Every fold has at least one row in every repeat. Kept read-only.

    Raises
    ------
    InputError
        Where the labels are not of that kind. `Folds.from_labels` takes labels of any kind.

    Examples
    --------
    >>> from foldwise import Folds
    >>> folds = Folds.kfold(6, n_folds=3, repeats=2, seed=0)
    >>> folds
    Folds(n_rows=6, n_folds=3, n_repeats=2)
    >>> len(folds.held_out_sets()), len(folds.held_out_sets(nested=True))
    (7, 13)
    >>> sorted(int(row) for i in range(3) for row in folds.test_rows(i))
    [0, 1, 2, 3, 4, 5]
    """

    labels: Rows

    def __post_init__(self) -> None:
        """Check the labels and freeze them."""
        labels = np.array(self.labels)
        if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "iu":
            got = f"{labels.dtype} of shape {labels.shape}"
            message = f"labels must be whole numbers of shape (repeats, rows), got {got}"
            raise InputError(message)
        n_folds = int(labels.max()) + 1
        if labels.min() < 0:
            message = f"labels must be folds 0..K-1, got {labels.min()}"
            raise InputError(message)
        _check_n_folds(n_folds, labels.shape[1])
        for repeat, row in enumerate(labels):
            empty = np.flatnonzero(np.bincount(row, minlength=n_folds) == 0)
            if empty.size:
                message = f"labels must put at least one row in every fold; fold {empty[0]} of repeat {repeat} is empty"
                raise InputError(message)
        labels = labels.astype(np.intp)
        labels.flags.writeable = False
        object.__setattr__(self, "labels", labels)

    @property
    def n_rows(self) -> int:
        """The number of rows, n."""
        return int(self.labels.shape[1])

    @property
    def n_folds(self) -> int:
        """The number of folds per repeat, K."""
        return int(self.labels[0].max()) + 1

    @property
    def n_repeats(self) -> int:
        """The number of repeats, R."""
        return int(self.labels.shape[0])

    def held_out_sets(self, nested: bool = False) -> tuple[HeldOut, ...]:  # noqa: FBT001, FBT002
        """`{}`, then all R*K single folds in order, then, if `nested`, the K*(K-1)/2 pairs of each repeat."""
        k = self.n_folds
        sets = [frozenset[int](), *(frozenset({i}) for i in range(self.n_repeats * k))]
        if nested:
            for r in range(self.n_repeats):
                sets += [frozenset(pair) for pair in combinations(range(r * k, (r + 1) * k), 2)]
        return tuple(sets)

    def test_rows(self, fold: int) -> Rows:
        """Rows of the fold with global number `fold`, ascending."""
        repeat, k = self._locate(fold)
        return np.flatnonzero(self.labels[repeat] == k)

    def training_rows(self, held_out: Iterable[int]) -> Rows:
        """Rows in none of the held-out folds, ascending. All folds of one held-out set belong to one repeat."""
        located = [self._locate(fold) for fold in held_out]
        if not located:
            return np.arange(self.n_rows)
        repeats = {repeat for repeat, _ in located}
        if len(repeats) > 1:
            message = f"held_out must be folds of one repeat, got repeats {sorted(repeats)}"
            raise InputError(message)
        return np.flatnonzero(~np.isin(self.labels[repeats.pop()], [k for _, k in located]))

    def partition(self, repeat: int) -> "Folds":
        """Repeat number `repeat` alone, as Folds with one repeat."""
        if not 0 <= repeat < self.n_repeats:
            message = f"repeat must be from 0 to {self.n_repeats - 1}, got {repeat}"
            raise InputError(message)
        return Folds(self.labels[repeat : repeat + 1])

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:  # noqa: ARG002
        """Yield (training rows, test rows) of every fold, so that Folds serve as `cv=` in scikit-learn."""
        for fold in range(self.get_n_splits()):
            yield self.training_rows({fold}), self.test_rows(fold)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002
        """The number of splits, R*K."""
        return self.n_repeats * self.n_folds

    def _locate(self, fold: int) -> tuple[int, int]:
        if not 0 <= fold < self.n_repeats * self.n_folds:
            message = f"fold must be from 0 to {self.n_repeats * self.n_folds - 1}, got {fold}"
            raise InputError(message)
        return divmod(int(fold), self.n_folds)

    @classmethod
    def kfold(cls, n: int, n_folds: int = 5, *, repeats: int = 1, seed: int = 0, shuffle: bool = True) -> Self:
        """K folds of n rows whose sizes differ by at most one.

        Repeat r of seed s is the same whatever the number of repeats. `shuffle=False` keeps neighbouring rows together.

        Examples
        --------
        >>> from foldwise import Folds
        >>> Folds.kfold(6, n_folds=3, shuffle=False).labels.tolist()
        [[0, 0, 1, 1, 2, 2]]
        """
        _check_whole("n", n, 2)
        _check_n_folds(n_folds, n)
        if not shuffle:
            if repeats != 1:
                message = f"repeats must be 1 without shuffling, since all repeats would be the same, got {repeats}"
                raise InputError(message)
            return cls(deal_evenly(n, n_folds, None)[None])
        _check_room_for_repeats(n, n_folds, repeats, "rows")
        return cls(np.stack([deal_evenly(n, n_folds, rng) for rng in _streams(seed, repeats)]))

    @classmethod
    def stratified(cls, y: ArrayLike, n_folds: int = 5, *, repeats: int = 1, seed: int = 0) -> Self:
        """K folds that all see about the same distribution of `y` (n,).

        Classes, and numbers of which there are at most n / K distinct ones, are dealt so that the count of each differs
        by at most one between folds. Other numbers are binned by quantile, K neighbours to a bin, one to each fold.

        Examples
        --------
        >>> from foldwise import Folds
        >>> y = ["rare"] * 3 + ["common"] * 9
        >>> folds = Folds.stratified(y, n_folds=3)
        >>> [[y[row] for row in folds.test_rows(k)].count("rare") for k in range(3)]
        [1, 1, 1]
        """
        codes, distinct = codes_of(y, "y")
        n = codes.shape[0]
        _check_n_folds(n_folds, n)
        _check_room_for_repeats(n, n_folds, repeats, "rows")
        few = len(distinct) * n_folds <= n or not isinstance(distinct[0], int | float)
        return cls(np.stack([deal_stratified(codes, n_folds, rng, few=few) for rng in _streams(seed, repeats)]))

    @classmethod
    def grouped(cls, groups: ArrayLike, n_folds: int = 5, *, repeats: int = 1, seed: int = 0) -> Self:
        """K folds that never split a group (n,), sizes as even as whole groups allow.

        Examples
        --------
        >>> from foldwise import Folds
        >>> folds = Folds.grouped(["ann", "ann", "bob", "cas", "cas", "dan"], n_folds=2)
        >>> [len(folds.test_rows(k)) for k in range(2)]
        [3, 3]
        """
        codes, distinct = codes_of(groups, "groups")
        _check_n_folds(n_folds, codes.shape[0])
        if len(distinct) < n_folds:
            message = f"groups must have at least as many distinct groups as folds ({n_folds}), got {len(distinct)}"
            raise InputError(message)
        _check_room_for_repeats(len(distinct), n_folds, repeats, "groups")
        return cls(np.stack([deal_groups(codes, n_folds, rng) for rng in _streams(seed, repeats)]))

    @classmethod
    def from_labels(cls, labels: Any) -> Self:
        """Folds from labels of any sortable kind, (n,) or (R, n); each repeat's labels are numbered in sorted order.

        Examples
        --------
        >>> from foldwise import Folds
        >>> Folds.from_labels(["b", "a", "b", "c"]).labels.tolist()
        [[1, 0, 1, 2]]
        """
        array = as_labels(labels)
        if array.ndim not in {1, 2} or array.size == 0:
            message = f"labels must have shape (rows,) or (repeats, rows), got {array.shape}"
            raise InputError(message)
        coded = [codes_of(row, "labels") for row in np.atleast_2d(array)]
        counts = [len(distinct) for _, distinct in coded]
        if len(set(counts)) > 1:
            message = f"labels must name the same number of folds in every repeat, got {counts}"
            raise InputError(message)
        return cls(np.stack([codes for codes, _ in coded]))

    @classmethod
    def from_splits(cls, splits: Iterable[tuple[Any, Any]], n: int) -> Self:
        """Folds from (training rows, test rows) pairs whose test sets partition n rows, once or several times in turn.

        Raises
        ------
        InputError
            Where some row is not tested exactly once per partition (the message says which row is tested how often), or
            a training set is not all the other rows.

        Examples
        --------
        >>> from foldwise import Folds
        >>> Folds.from_splits([([2, 3], [0, 1]), ([0, 1], [2, 3])], 4).labels.tolist()
        [[0, 0, 1, 1]]
        """
        _check_whole("n", n, 2)
        return cls(labels_of_splits(splits, n))

    @classmethod
    def from_splitter(cls, splitter: Splitter, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Folds from a scikit-learn splitter whose test sets partition the rows, such as KFold or RepeatedKFold.

        Examples
        --------
        >>> from foldwise import Folds
        >>> from sklearn.model_selection import RepeatedKFold
        >>> Folds.from_splitter(RepeatedKFold(n_splits=5, n_repeats=2, random_state=0), [[0.0]] * 20)
        Folds(n_rows=20, n_folds=5, n_repeats=2)
        """
        if not (hasattr(splitter, "split") and hasattr(splitter, "get_n_splits")):
            message = f"splitter must be a scikit-learn splitter such as KFold(5), got {splitter!r}"
            raise InputError(message)
        n = int(X.shape[0]) if hasattr(X, "shape") else len(X)
        return cls.from_splits(splitter.split(X, y, groups), n)

    def __eq__(self, other: object) -> bool:
        """Equal labels."""
        return isinstance(other, Folds) and np.array_equal(self.labels, other.labels)

    def __hash__(self) -> int:
        """Hash by labels."""
        return hash((self.labels.shape, self.labels.tobytes()))

    def __repr__(self) -> str:
        """The three sizes."""
        return f"Folds(n_rows={self.n_rows}, n_folds={self.n_folds}, n_repeats={self.n_repeats})"


def _streams(seed: int, repeats: int) -> list[np.random.Generator]:
    """One stream per repeat; repeat r's does not depend on how many repeats there are."""
    _check_whole("seed", seed, 0)
    return [np.random.default_rng([int(seed), repeat]) for repeat in range(repeats)]


def _check_whole(argument: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        message = f"{argument} must be a whole number >= {least}, got {value!r}"
        raise InputError(message)


def _check_n_folds(n_folds: int, n: int) -> None:
    _check_whole("n_folds", n_folds, 2)
    if n_folds > n:
        message = f"n_folds must be at most the number of rows ({n}), got {n_folds}"
        raise InputError(message)


def _check_room_for_repeats(units: int, n_folds: int, repeats: int, unit: str) -> None:
    """As many folds as units leave a single partition, whose repeats would count the same evidence twice."""
    _check_whole("repeats", repeats, 1)
    if units == n_folds and repeats > 1:
        message = (
            f"repeats must be 1 where there are as many folds as {unit} ({units}): all repeats would be the same, "
            f"got {repeats}"
        )
        raise InputError(message)
