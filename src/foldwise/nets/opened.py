"""Members that `train` and the estimators ask for on rows in blocks: their rows dealt, a survey, a stream."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from foldwise.errors import InputError
from foldwise.nets.blocks import Blocks
from foldwise.nets.dealt import (
    Chosen,
    ChosenWatch,
    Dealt,
    Everything,
    HashFolds,
    HashWatch,
    Partition,
    TrainingRows,
    share_of,
)
from foldwise.nets.member import Member, checked_rows
from foldwise.parameters.checks import share

Dealings = Sequence[tuple[Member, TrainingRows]]


class Dealer:
    """What members train on; equal rows are one object, whose moments are computed once."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._chosen: dict[Any, Any] = {}

    def training(self, member: Member, partition: Partition | None = None, held_out: int | None = None) -> TrainingRows:
        """The training rows of a member: those that it names, or those out of a cell of a partition."""
        out = frozenset[int]() if held_out is None else frozenset({held_out})
        if partition is None:
            partition, out = self._named(member.rows)
        return TrainingRows(partition, out, self._watch(member, partition))

    def of(self, members: Iterable[Member]) -> Dealings:
        """All members with their rows."""
        return [(member, self.training(member)) for member in members]

    def _named(self, rows: Any) -> tuple[Partition, frozenset[int]]:
        if rows is None:
            return Everything(), frozenset()
        if isinstance(rows, Dealt):
            return HashFolds(rows.n_folds, rows.repeat, rows.seed), frozenset({rows.held_out})
        marks = self._marks("rows", rows)
        return self._once(_digest(marks), lambda: Chosen(marks)), frozenset({1})

    def _watch(self, member: Member, partition: Partition) -> HashWatch | ChosenWatch | None:
        if member.patience is None:
            return None
        if np.ndim(member.watch) == 0:
            return HashWatch(member.seed, share_of(share("watch", member.watch), self._blocks.n_rows))
        marks = self._marks("watch", member.watch)
        if isinstance(partition, Chosen) and (marks & ~partition.marks).any():
            row = int(np.flatnonzero(marks & ~partition.marks)[0])
            raise InputError(
                f"watch must be some of the member's own training rows, got row {row}: "
                "early stopping may never see rows that score"
            )
        found: ChosenWatch = self._once(("watch", _digest(marks)), lambda: ChosenWatch(marks))
        return found

    def _marks(self, name: str, rows: Any) -> Any:
        n = self._blocks.n_rows
        numbers = checked_rows(name, rows, n)
        marks = np.zeros(n, dtype=bool)
        marks[numbers] = True
        if marks.sum() < len(numbers):
            raise InputError(f"{name} must be different rows where they are read in blocks, got some more than once")
        return marks

    def _once(self, key: Any, make: Any) -> Any:
        if key not in self._chosen:
            self._chosen[key] = make()
        return self._chosen[key]


def _digest(marks: Any) -> bytes:
    return blake2b(marks).digest()
