"""Sizes of partitions: all that is asked of folds once errors are known, and all there is where nobody keeps labels."""

from dataclasses import dataclass
from typing import Protocol


class Sizes(Protocol):
    """R partitions of n rows into K folds."""

    @property
    def n_rows(self) -> int:
        """The number of rows, n."""

    @property
    def n_folds(self) -> int:
        """The number of folds per repeat, K."""

    @property
    def n_repeats(self) -> int:
        """The number of repeats, R."""

    def get_n_splits(self) -> int:
        """R*K."""


@dataclass(frozen=True)
class Dealt:
    """The sizes of partitions whose labels nobody keeps.

    Examples
    --------
    >>> Dealt(n_rows=1000, n_folds=5, n_repeats=2).get_n_splits()
    10
    """

    n_rows: int
    n_folds: int
    n_repeats: int

    def get_n_splits(self) -> int:
        """R*K."""
        return self.n_folds * self.n_repeats
