"""Which rows of a table in blocks a member trains on, and which it watches; nothing here is as long as the table."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.moments.streaming.dealing import deal, mixed, number_of
from foldwise.nets.blocks import Block
from foldwise.parameters.checks import whole
from foldwise.resampling import Folds

Mask = NDArray[np.bool_]
MOST_WATCHED = 1 << 15
"""Rows of an inner split; more say little more, and they are kept in memory."""


@dataclass(frozen=True)
class Dealt:
    """`Member.rows` of a table in blocks: all rows but those of one fold, as `FoldMoments.scan` deals them.

    The fold of a row is a hash of its key, or of its file's name and its number there (of an array: its number), so
    that neither blocks nor buffers matter.

    Parameters
    ----------
    held_out : int
        The fold, 0 .. n_folds - 1.
    n_folds : int
    repeat, seed : int
        Which of the seed's partitions.

    Examples
    --------
    >>> from foldwise.nets import Dealt, Member
    >>> members = [Member(rows=Dealt(fold, n_folds=5), l2=0.001) for fold in range(5)]
    """

    held_out: int
    n_folds: int = 5
    repeat: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every number."""
        whole("n_folds", self.n_folds, 2)
        for name in ("held_out", "repeat", "seed"):
            whole(name, getattr(self, name), 0)
        if self.held_out >= self.n_folds:
            raise InputError(f"held_out must be a fold from 0 to {self.n_folds - 1}, got {self.held_out}")


@dataclass(frozen=True)
class HashFolds:
    """Cells are the folds of one repeat, by each row's word."""

    n_cells: int
    repeat: int
    seed: int

    def cells(self, block: Block) -> NDArray[Any]:
        """The cell of each row (m,)."""
        return np.asarray(deal(block.words, self.n_cells, self.repeat + 1, self.seed)[self.repeat])


@dataclass(frozen=True, eq=False)
class GivenFolds:
    """Cells are the folds of one row of labels (n,)."""

    n_cells: int
    labels: NDArray[Any]

    def cells(self, block: Block) -> NDArray[Any]:
        """The cell of each row (m,)."""
        return self.labels[block.rows]


@dataclass(frozen=True)
class Everything:
    """One cell of all rows."""

    n_cells: int = 1

    def cells(self, block: Block) -> NDArray[Any]:
        """The cell of each row (m,)."""
        return np.zeros(len(block), dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Chosen:
    """Cell 0 are the rows that are marked (n,), cell 1 the others, in which nobody trains."""

    marks: Mask
    n_cells: int = 2

    def cells(self, block: Block) -> NDArray[Any]:
        """The cell of each row (m,)."""
        return (~self.marks[block.rows]).astype(np.uint8)


Partition = HashFolds | GivenFolds | Everything | Chosen


@dataclass(frozen=True)
class HashWatch:
    """An inner split: about so large a share of the rows, drawn by a seed."""

    seed: int
    share: float

    def of(self, block: Block) -> Mask:
        """Whether each row (m,) is watched."""
        high = mixed(block.words ^ np.uint64(number_of(f"inner split/{self.seed}"))) >> np.uint64(32)
        return np.asarray(high < np.uint64(round(self.share * 2**32)))


@dataclass(frozen=True, eq=False)
class ChosenWatch:
    """An inner split: the rows that are marked (n,)."""

    marks: Mask

    def of(self, block: Block) -> Mask:
        """Whether each row (m,) is watched."""
        return self.marks[block.rows]


@dataclass(frozen=True)
class TrainingRows:
    """A member's rows: all cells but those held out; and of them, those that it watches and does not train on.

    Attributes
    ----------
    partition : Partition
    held_out : cells
    watch : HashWatch, ChosenWatch or None
    """

    partition: Partition
    held_out: frozenset[int] = frozenset()
    watch: HashWatch | ChosenWatch | None = None

    @property
    def trained_cells(self) -> list[int]:
        """The cells that it learns from."""
        return [cell for cell in range(self.partition.n_cells) if cell not in self.held_out]

    def own(self, block: Block) -> Mask:
        """Whether each row (m,) is not held out."""
        mask = ~np.isin(self.partition.cells(block), list(self.held_out))
        return mask if block.weights is None else mask & (block.weights > 0)

    def fit(self, block: Block) -> Mask:
        """Whether it trains on each row (m,)."""
        return self.own(block) if self.watch is None else self.own(block) & ~self.watch.of(block)


def share_of(watch: float, n_rows: int) -> float:
    """The share of rows that is watched."""
    return min(watch, MOST_WATCHED / n_rows)


def partitions_of(cv: Any, n_rows: int, seed: int) -> list[HashFolds | GivenFolds]:
    """The partitions that `cv` stands for: one by a hash where it is a number, or those of Folds."""
    if isinstance(cv, Folds):
        if cv.n_rows != n_rows:
            raise InputError(f"cv must have one label for each of the {n_rows} rows, got Folds of {cv.n_rows}")
        return [GivenFolds(cv.n_folds, labels) for labels in cv.labels]
    if isinstance(cv, bool) or not isinstance(cv, int | np.integer):
        kind = type(cv).__name__
        raise InputError(f"cv must be a number of folds, or Folds, where rows are read in blocks, got {kind}")
    return [HashFolds(whole("cv", cv, 2), 0, seed)]
