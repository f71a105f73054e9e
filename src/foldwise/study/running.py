"""Running: every candidate on one repeat after another, here or on a cluster's workers, until there are enough."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from foldwise.study.candidates import Candidate
from foldwise.study.making import Shelf, made
from foldwise.study.piece import Piece
from foldwise.study.spread import OnWorkers
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
    client: Any = None,
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
    client : distributed.Client, optional
        Of the cluster whose workers make the pieces; without one they are made here.
    """
    for candidate in candidates:
        candidate.check(tasks[0])
    shelf = Shelf.of(store, tasks[0])
    pieces: list[list[Piece]] = [[] for _ in candidates]
    stopped = None
    done = 0
    with closing(Here(shelf) if client is None else OnWorkers(client, tasks, candidates, shelf)) as where:
        if stopping is not None:
            stopping = replace(stopping, abreast=where.abreast)
        for task in tasks:
            for mine, candidate in zip(pieces, candidates, strict=True):
                mine.append(where.piece(candidate, task))
            if task is not tasks[0]:
                task.release()
            done += 1
            stopped = None if stopping is None else stopping.after(tasks[:done], pieces, of=len(tasks))
            if stopped is not None:
                break
    tasks[0].steps.begin("")
    return Finished(tasks[:done], tuple(tuple(mine) for mine in pieces), stopped)


@dataclass(frozen=True)
class Here:
    """Pieces made in this process, when they are asked for.

    Attributes
    ----------
    shelf : Shelf
    abreast : int
        How many are made at a time.
    """

    shelf: Shelf
    abreast: int = 1

    def piece(self, candidate: Candidate, task: Task) -> Piece:
        """The kept piece, or a new one, which is kept."""
        task.steps.begin(candidate.name)
        kept = self.shelf.get(candidate, task)
        if kept is not None:
            task.steps.done(candidate.steps(task))
            return kept
        piece = made(candidate, task)
        self.shelf.put(candidate, task, piece)
        return piece

    def close(self) -> None:
        """Nothing waits."""
