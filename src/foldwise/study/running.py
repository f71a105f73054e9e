"""Running: every candidate on one repeat after another, each piece kept where it is wanted, until there are enough."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from foldwise.study import fingerprint
from foldwise.study.candidates import Candidate
from foldwise.study.piece import Piece
from foldwise.study.stopping import Stopped, Stopping
from foldwise.study.store import Store
from foldwise.study.task import Task


@dataclass(frozen=True, eq=False)
class Finished:
    """What was run.

    Attributes
    ----------
    tasks : R Tasks
        Those that were run, of all that were there.
    pieces : C lists of R Pieces
    stopped : Stopped or None
        Why no more repeats were added; None where their number was given.
    """

    tasks: Sequence[Task]
    pieces: tuple[tuple[Piece, ...], ...]
    stopped: Stopped | None

    @property
    def seconds(self) -> tuple[float, ...]:
        """What each candidate took, kept pieces included."""
        return tuple(sum(piece.seconds for piece in mine) for mine in self.pieces)


def run(
    tasks: Sequence[Task],
    candidates: Sequence[Candidate],
    *,
    store: Store | None = None,
    stopping: Stopping | None = None,
) -> Finished:
    """Run candidates on tasks, repeat after repeat.

    Parameters
    ----------
    tasks : Tasks
        One for each repeat that there may be, in order; all of the same rows.
    candidates : C Candidates
    store : Store, optional
        Where pieces are kept, and looked for before they are made.
    stopping : Stopping, optional
        Says after each repeat whether there are enough.
    """
    for candidate in candidates:
        candidate.check(tasks[0])
    rows = "" if store is None else fingerprint.of_rows(tasks[0].rows)
    pieces: list[list[Piece]] = [[] for _ in candidates]
    stopped = None
    done = 0
    for task in tasks:
        for mine, candidate in zip(pieces, candidates, strict=True):
            mine.append(_piece(candidate, task, store, rows))
        if task is not tasks[0]:
            task.release()
        done += 1
        stopped = None if stopping is None else stopping.after(tasks[:done], pieces, of=len(tasks))
        if stopped is not None:
            break
    tasks[0].steps.begin("")
    return Finished(tasks[:done], tuple(tuple(mine) for mine in pieces), stopped)


def _piece(candidate: Candidate, task: Task, store: Store | None, rows: str) -> Piece:
    """The kept piece, or a new one, which is kept."""
    name = None if store is None else fingerprint.of_piece(candidate, task, rows)
    kept = None if store is None or name is None else store.get(name)
    if kept is not None:
        task.steps.begin(candidate.name)
        task.steps.done(candidate.steps(task))
        return kept
    task.steps.begin(candidate.name)
    start = perf_counter()
    piece = candidate.run(task)
    # Laid out as a kept one is read, so that what is computed from either is the same to the last digit.
    piece = replace(
        piece,
        predictions=np.ascontiguousarray(piece.predictions),
        eta=None if piece.eta is None else np.ascontiguousarray(piece.eta),
        everywhere=None if piece.everywhere is None else np.ascontiguousarray(piece.everywhere),
        arrays={name: np.array(value, order="C") for name, value in piece.arrays.items()},
        seconds=perf_counter() - start,
    )
    if store is not None and name is not None:
        store.put(name, piece)
    return piece
