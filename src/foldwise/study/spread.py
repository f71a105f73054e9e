"""Pieces on a Dask cluster: each is a task of its own, and comes back as it would have been made here."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from foldwise.errors import InputError
from foldwise.moments.streaming.cluster import client_of
from foldwise.study.making import Shelf, laid_out, made
from foldwise.study.task import Task

if TYPE_CHECKING:
    from foldwise.study.candidates import Candidate
    from foldwise.study.piece import Piece
    from foldwise.study.rows import Rows

    Key = tuple[int, int]  # repeat, candidate

AHEAD = 2
"""Pieces that wait on the cluster for each that it can make at a time."""
_LOST = "which died, or were killed for their memory: give workers more, or the candidate less to do at a time"


@contextmanager
def cluster(where: Any) -> Iterator[Any]:
    """The client of `foldwise.compare(dask=where)`; None where there is no cluster."""
    if where is None:
        yield None
        return
    with client_of(where) as client:
        yield client


class OnWorkers:
    """Pieces made by the workers of a cluster, many at a time, given out in any order.

    A piece depends on its task and candidate alone, so that it does not matter who makes it: one that a worker takes
    with it when it dies is made again by another. A piece is kept as soon as it is there. The rows travel once to each
    worker; what is read of them for a repeat is shared by its candidates there.

    Parameters
    ----------
    client : distributed.Client
    tasks : Tasks
        One for each repeat, in order; all of the same rows.
    candidates : Candidates
    shelf : Shelf
        Where finished pieces are.
    """

    def __init__(self, client: Any, tasks: Sequence[Task], candidates: Sequence[Candidate], shelf: Shelf) -> None:
        self._client, self._shelf = client, shelf
        self._repeat = {id(task): at for at, task in enumerate(tasks)}
        self._number = {id(candidate): at for at, candidate in enumerate(candidates)}
        self._tasks, self._candidates = tasks, candidates
        self._next = iter([(at, number) for at in range(len(tasks)) for number in range(len(candidates))])
        self._rows: Any = None
        self._of_repeat: dict[int, Any] = {}
        self._waiting: dict[Any, Key] = {}
        self._found: dict[Key, Piece | BaseException] = {}

    @property
    def abreast(self) -> int:
        """How many pieces the cluster makes at a time."""
        return max(1, sum(map(int, self._client.nthreads().values())))

    def piece(self, candidate: Candidate, task: Task) -> Piece:
        """A piece, when it is there; those that are finished meanwhile are kept.

        Raises
        ------
        InputError
            As the candidate does; and where workers die at it again and again.
        """
        wanted = self._repeat[id(task)], self._number[id(candidate)]
        task.steps.begin(candidate.name)
        while True:
            self._send()
            if wanted in self._found:
                break
            self._wait()
        found = self._found.pop(wanted)
        if isinstance(found, BaseException):
            raise found
        return found

    def close(self) -> None:
        """Take back what waits."""
        self._client.cancel([*self._waiting, *self._of_repeat.values()])
        self._waiting.clear()

    def _send(self) -> None:
        """Let so many pieces wait that no worker has to."""
        while len(self._waiting) < AHEAD * self.abreast:
            key = next(self._next, None)
            if key is None:
                return
            task, candidate = self._tasks[key[0]], self._candidates[key[1]]
            kept = self._shelf.get(candidate, task)
            if kept is None:
                self._waiting[self._submitted(candidate, task, key[0])] = key
            else:
                self._found[key] = kept
                task.steps.done(candidate.steps(task))

    def _submitted(self, candidate: Candidate, task: Task, repeat: int) -> Any:
        submit = self._client.submit
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")  # rows are what there is to be sent
            if self._rows is None:
                # A task, and not data that is lost with the workers that hold it.
                self._rows = submit(_itself, task.rows, pure=False)
            if repeat not in self._of_repeat:
                own = {each.name: getattr(task, each.name) for each in fields(task)}
                own = {name: value for name, value in own.items() if name not in {"rows", "steps"}}
                self._of_repeat = {repeat: submit(_task, self._rows, own, pure=False)}
            try:
                return submit(_made, candidate, self._of_repeat[repeat], os.getpid(), pure=False)
            except (TypeError, AttributeError, ImportError, ValueError) as error:
                message = f"candidate {candidate.name!r} can't be sent to the workers of a cluster: {error}"
                raise InputError(message) from error

    def _wait(self) -> None:
        """Wait until some piece is there, and take in all that are."""
        distributed: Any = import_module("distributed")  # it is there, or there would be no client
        for future in distributed.wait([*self._waiting], return_when="FIRST_COMPLETED").done:
            key = self._waiting.pop(future)
            task, candidate = self._tasks[key[0]], self._candidates[key[1]]
            self._found[key] = found = self._taken(future, candidate, task)
            if not isinstance(found, BaseException):
                self._shelf.put(candidate, task, found)
                task.steps.done(candidate.steps(task))

    def _taken(self, future: Any, candidate: Candidate, task: Task) -> Piece | BaseException:
        """What came of a piece; an error waits until the pieces before it are there, as it would here."""
        distributed: Any = import_module("distributed")
        try:
            piece, told = future.result()
        except distributed.KilledWorker:
            return InputError(f"candidate {candidate.name!r}, repeat {task.repeat}: it was given to workers, {_LOST}")
        except Exception as error:  # noqa: BLE001 - whatever the candidate raises is raised in its turn
            return error
        for category, message in told:
            warnings.warn(message, category, stacklevel=6)
        return laid_out(piece)


def _itself(rows: Rows) -> Rows:
    return rows


def _task(rows: Rows, own: dict[str, Any]) -> Task:
    return Task(rows, **own)


def _made(candidate: Candidate, task: Task, client: int) -> tuple[Piece, list[tuple[type[Warning], str]]]:
    """A piece, and what it warned of, for the user to hear."""
    if os.getpid() == client or import_module("distributed").get_worker().state.nthreads > 1:
        return made(candidate, task), []  # threads share the list of who hears of warnings: it is left alone
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        piece = made(candidate, task)
    return piece, [(each.category, str(each.message)) for each in caught]
