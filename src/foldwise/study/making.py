"""Making a piece: one candidate run on one repeat, timed and laid out; and the shelf where finished pieces are kept."""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from foldwise.study import fingerprint
from foldwise.study.candidates import Candidate
from foldwise.study.piece import Piece
from foldwise.study.store import Store
from foldwise.study.task import Task


def made(candidate: Candidate, task: Task) -> Piece:
    """What the candidate leaves on the task, and how long it took."""
    start = perf_counter()
    return laid_out(replace(candidate.run(task), seconds=perf_counter() - start))


def laid_out(piece: Piece) -> Piece:
    """The piece as a kept one is read, so that what is computed from either is the same to the last digit."""
    return replace(
        piece,
        predictions=np.array(piece.predictions, order="C"),
        eta=None if piece.eta is None else np.array(piece.eta, order="C"),
        everywhere=None if piece.everywhere is None else np.array(piece.everywhere, order="C"),
        arrays={name: np.array(value, order="C") for name, value in piece.arrays.items()},
    )


@dataclass(frozen=True)
class Shelf:
    """Finished pieces of one table's rows, in a store or nowhere.

    Attributes
    ----------
    store : Store or None
    rows : str
        `fingerprint.of_rows` of the rows, where there is a store.
    """

    store: Store | None
    rows: str

    @classmethod
    def of(cls, store: Store | None, task: Task) -> "Shelf":
        """The shelf of a task's rows."""
        return cls(store, "" if store is None else fingerprint.of_rows(task.rows))

    def get(self, candidate: Candidate, task: Task) -> Piece | None:
        """The kept piece; None where there is none."""
        name = self._name(candidate, task)
        return None if self.store is None or name is None else self.store.get(name)

    def put(self, candidate: Candidate, task: Task, piece: Piece) -> None:
        """Keep the piece, where there is a store and a name for it."""
        name = self._name(candidate, task)
        if self.store is not None and name is not None:
            self.store.put(name, piece)

    def _name(self, candidate: Candidate, task: Task) -> str | None:
        return None if self.store is None else fingerprint.of_piece(candidate, task, self.rows)
