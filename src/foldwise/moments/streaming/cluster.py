"""The pass on a Dask cluster: file names and row groups travel to the workers, tallies come back merged in the tree."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from foldwise.errors import InputError
from foldwise.moments.streaming.bad import BadBlock, Skipped
from foldwise.moments.streaming.dask_frames import PartitionFile
from foldwise.moments.streaming.files import MemoryFile, ParquetFile
from foldwise.moments.streaming.pieces import Tallied, merged_pieces, tally_of, tally_of_file
from foldwise.moments.streaming.tree import Tree
from foldwise.moments.threads import cores

if TYPE_CHECKING:
    from foldwise.moments.streaming.files import SourceFile
    from foldwise.moments.streaming.plan import ScanPlan

_PATIENCE = 10
_QUIET = 40  # errors only: that a process is slow to end is no news


@contextmanager
def client_of(where: Any) -> Iterator[Any]:
    """The client of a cluster: "local" starts one of as many processes as there are cores, and ends it afterwards.

    Raises
    ------
    InputError
        Where Dask is not installed, or there is no scheduler at the address.
    """
    try:
        distributed: Any = import_module("distributed")  # it ships no usable types
    except ImportError as error:
        message = f"dask={where!r} needs dask and distributed: pip install 'foldwise[dask]'"
        raise InputError(message) from error
    if isinstance(where, distributed.Client):
        yield where
        return
    if not isinstance(where, str):
        kind = type(where).__name__
        message = f"dask must be 'local', the address of a scheduler (tcp://...) or a Client, got {kind}"
        raise InputError(message)
    if where == "local":
        settings = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": _QUIET}
        with _deaf():
            started = distributed.LocalCluster(n_workers=cores(), **settings)
        with started as cluster, distributed.Client(cluster) as client:
            yield client
        return
    try:
        client = distributed.Client(where, timeout=_PATIENCE)
    except (OSError, ValueError) as error:
        message = f"dask: no scheduler answers at {where!r}: {error}"
        raise InputError(message) from error
    with client:
        yield client


@contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C, which is meant for this one: it ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def spread_over(client: Any) -> Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]:
    """What applies a function to every file on the workers; results in order."""
    return lambda work, files: [future.result() for future in [_on_file(client, work, file) for file in files]]


def walk_cluster(
    client: Any,
    files: Sequence[SourceFile],
    plan: ScanPlan,
    *,
    skip_bad: bool = False,
    tell: Callable[[int, float | None], object] | None = None,
) -> Tallied:
    """The tally of all files, the same as one machine's to the last bit where they are files.

    A worker that dies takes its unmerged tallies with it; the scheduler has them made again by others.

    Raises
    ------
    BadBlock
        For a part that can't be used, unless `skip_bad`.
    """
    shared = client.submit(_itself, plan)  # a task, and not data that is lost with the worker that holds it

    def merge(left: Any, right: Any) -> Any:
        return client.submit(merged_pieces, left, right)

    whole: Tree[Any] = Tree(merge)
    telling = _Telling(tell)
    for file in files:
        if not isinstance(file, ParquetFile):
            future = _on_file(client, _OfFile(skip_bad), file, shared)
            telling.watch(future, 0)
            whole.add(future)
            continue
        current: Tree[Any] = Tree(merge)
        try:
            pieces = list(file.pieces(plan))
        except BadBlock as error:
            if not skip_bad:
                raise
            whole.add(client.submit(_nothing, shared, Skipped(error.where, error.why)))
            continue
        for piece in pieces:
            future = client.submit(tally_of, piece, shared, skip_bad=skip_bad)
            telling.watch(future, piece.n_rows)
            current.add(future)
        total = current.total()
        whole.add(client.submit(_nothing, shared) if total is None else total)
    telling.all_known()
    total = whole.total()
    made: Tallied = client.submit(_nothing, shared).result() if total is None else total.result()
    return made


@dataclass(frozen=True)
class _OfFile:
    """`tally_of_file`, for whatever a task gets as the file."""

    skip_bad: bool

    def __call__(self, file: SourceFile, plan: ScanPlan) -> Tallied:
        return tally_of_file(file, plan, skip_bad=self.skip_bad)


@dataclass
class _Telling:
    """Tells how many rows, and which share of the pieces, are done."""

    tell: Callable[[int, float | None], object] | None
    waiting: dict[str, tuple[Any, int]] = field(default_factory=dict)
    known: bool = False
    pieces: int = 0
    rows: int = 0
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self, future: Any, n_rows: int) -> None:
        if self.tell is None:
            return
        with self.lock:
            self.pieces += 1
            self.waiting[future.key] = (future, n_rows)  # let go when it is done, so that its memory can be
        future.add_done_callback(self._hear)

    def all_known(self) -> None:
        self.known = True

    def _hear(self, future: Any) -> None:
        with self.lock:
            _, n_rows = self.waiting.pop(future.key, (None, 0))
            self.rows += n_rows
            self.done += 1
            rows, share = self.rows, self.done / self.pieces if self.known else None
        if self.tell is not None and future.status == "finished":
            self.tell(rows, share)


def _on_file(client: Any, work: Callable[..., Any], file: SourceFile, *more: Any) -> Any:
    """A future of `work` on a file; the rows of a Dask frame stay where they are."""
    if isinstance(file, PartitionFile):
        return file.submit(client, work, *more)
    if isinstance(file, MemoryFile):
        message = "dask is for files and Dask frames, whose rows workers can read themselves; this table is in memory"
        raise InputError(message)
    return client.submit(work, file, *more)


def _itself(plan: ScanPlan) -> ScanPlan:
    return plan


def _nothing(plan: ScanPlan, *skipped: Skipped) -> Tallied:
    return Tallied(plan.empty(), skipped)
