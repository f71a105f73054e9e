"""Passes over a table that was scanned before: its rows in blocks, by the same plan and in the same folds."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from foldwise.errors import InputError
from foldwise.moments.streaming.bad import BadBlock, BadCell
from foldwise.moments.streaming.dealing import by_row, deal, number_of
from foldwise.moments.streaming.encode import in_chunks
from foldwise.moments.streaming.pieces import encoded_parts, gather, infinite
from foldwise.moments.threads import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from foldwise.moments.streaming.files import SourceFile
    from foldwise.moments.streaming.pieces import Piece
    from foldwise.moments.streaming.plan import ScanPlan

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

TOLD_EVERY = 0.2  # seconds
LARGEST = 1e150
"""Numbers of more than this size have no square, so that a scan has refused or skipped them."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows of a table, those of one fold together.

    Attributes
    ----------
    values : array (p + 1, m)
        [x, y]; NaN where x is missing.
    weight : array (m,)
    label : array (m,)
        Folds of one repeat, ascending.
    word, row : arrays (m,)
        A random word for each row, the same in every pass; its number in the file.
    """

    values: Floats
    weight: Floats
    label: Ints
    word: NDArray[np.uint64]
    row: NDArray[np.int64]


class Sums(Protocol):
    """What a pass adds up."""

    def add(self, block: Block) -> None:
        """Add a block's rows."""

    def merge(self, other: Self) -> None:
        """Add what was added to another."""


Summed = TypeVar("Summed", bound=Sums)


@dataclass(frozen=True)
class Passage:
    """How a table is passed over.

    Attributes
    ----------
    files : sequence of SourceFile
    plan : ScanPlan
    skip_bad : bool
        As in the scan: what it left out is left out again.
    workers : int or None
        Threads; all cores where None.
    """

    files: Sequence[SourceFile]
    plan: ScanPlan
    skip_bad: bool = False
    workers: int | None = None

    def over(self, start: Callable[[], Summed], repeat: int = 0, tell: Callable[[int], object] | None = None) -> Summed:
        """What all blocks add up to, merged in the table's order; `tell` hears how many rows are done.

        Raises
        ------
        BadBlock
            For a part that can't be used, unless `skip_bad`.
        KeyboardInterrupt
            After Ctrl-C, once the blocks at work are done.
        """
        workers = self.workers or cores()
        stop, done, found = Event(), _Told(tell), _InOrder(start, skip_bad=self.skip_bad)
        with ThreadpoolController().limit(limits=1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
            try:
                for step in self._steps():
                    if step is None or isinstance(step, BadBlock):
                        found.waiting.append(step)
                    else:
                        found.waiting.append(pool.submit(self._summed, step, start, repeat, stop, done))
                    found.settle(workers)
                found.settle(0)
            except BaseException:
                stop.set()
                for one in found.waiting:
                    if isinstance(one, Future):
                        one.cancel()
                raise
        return found.total

    def _steps(self) -> Iterator[Piece | BadBlock | None]:
        for file in self.files:
            try:
                yield from file.pieces(self.plan)
            except BadBlock as error:
                yield error
            else:
                yield None

    def _summed(self, piece: Piece, start: Callable[[], Summed], repeat: int, stop: Event, done: _Told) -> Summed:
        left: Piece | None = piece
        while left is not None:
            made = start()
            try:
                for block in blocks(left, self.plan, repeat):
                    if stop.is_set():
                        return made
                    made.add(block)
                    done.add(len(block.row))
            except BadBlock as error:
                if not self.skip_bad:
                    raise
                left = None if error.group is None else left.without(error.group)
            except BadCell as error:
                raise InputError(str(left.blame(error.row, error.why))) from error
            else:
                return made
        return start()


class _InOrder(Generic[Summed]):
    """What pieces add up to, merged in the table's order; a file that can't be read to its end counts for nothing."""

    def __init__(self, start: Callable[[], Summed], *, skip_bad: bool) -> None:
        self.start, self.skip_bad = start, skip_bad
        self.total, self.current = start(), start()
        self.waiting: deque[BadBlock | Future[Summed] | None] = deque()

    def settle(self, most: int) -> None:
        """Take what comes first, until no more than so many pieces are at work; with 0, all."""
        while self.waiting and (most == 0 or sum(isinstance(one, Future) for one in self.waiting) > most):
            one = self.waiting.popleft()
            if isinstance(one, Future):
                self.current.merge(one.result())
                continue
            if one is None:
                self.total.merge(self.current)
            elif not self.skip_bad:
                raise one
            self.current = self.start()


class _Told:
    """Counts rows, and says so now and then."""

    def __init__(self, tell: Callable[[int], object] | None) -> None:
        self.tell, self.rows, self.last = tell, 0, monotonic()

    def add(self, rows: int) -> None:
        self.rows += rows
        if self.tell is not None and monotonic() - self.last > TOLD_EVERY:
            self.last = monotonic()
            self.tell(self.rows)


def blocks(piece: Piece, plan: ScanPlan, repeat: int = 0) -> Iterator[Block]:
    """The rows of a piece, with their folds in one repeat.

    Raises
    ------
    BadBlock
        As the scan does.
    """
    file = number_of(piece.name)
    try:
        for chunk in in_chunks(encoded_parts(piece, plan, file), plan.chunk_rows):
            *values, words, rows = chunk
            weights = values.pop() if plan.weight is not None else None
            label = deal(words, plan.n_folds, repeat + 1, plan.seed)[repeat]
            order = np.argsort(label, kind="stable")
            out = np.empty((len(plan.columns) + 1, len(order)))
            gather(values, order, plan, out)
            with np.errstate(invalid="ignore"):
                if not np.nanmax(np.abs(out), initial=0.0) <= LARGEST:
                    raise infinite(values, rows, plan)
            yield Block(
                values=out,
                weight=np.ones(len(order)) if weights is None else weights[order],
                label=label[order].astype(np.intp),
                word=by_row(file, rows[order]),
                row=rows[order],
            )
    except BadCell as error:
        raise piece.blame(error.row, error.why) from error
