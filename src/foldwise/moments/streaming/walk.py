"""The pass itself on one machine: pieces read and multiplied side by side, merged in their order, saved on the way."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from threadpoolctl import ThreadpoolController

from foldwise.moments.streaming.bad import BadBlock, Skipped
from foldwise.moments.streaming.pieces import Piece, Tallied, tally_of
from foldwise.moments.streaming.state import save_state
from foldwise.moments.threads import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from foldwise.moments.streaming.files import SourceFile
    from foldwise.moments.streaming.plan import ScanPlan
    from foldwise.moments.streaming.state import Progress

TALLIES_BYTES = 1 << 30
"""Workers' tallies together take no more than this, where that leaves one worker at all."""


@dataclass(frozen=True)
class Walk:
    """How to walk.

    Attributes
    ----------
    workers : int
        Threads; each reads and multiplies a piece at a time.
    skip_bad : bool
    tell : callable or None
        Is told (rows done, share of the bytes done or None) now and then.
    state, fingerprint, every : Path or None, str, float
        Where to save how far it came, for which plan, and after how many seconds again.
    """

    workers: int
    skip_bad: bool = False
    tell: Callable[[int, float | None], object] | None = None
    state: Path | None = None
    fingerprint: str = ""
    every: float = 30.0


def workers_for(plan: ScanPlan, wanted: int | None) -> int:
    """All cores, or fewer where the tallies are large."""
    return min(wanted or cores(), max(1, TALLIES_BYTES // plan.tally_bytes))


def walk(files: Sequence[SourceFile], plan: ScanPlan, done: Progress, how: Walk) -> None:
    """Bring `done` from where it is to the end.

    Raises
    ------
    BadBlock
        For a part that can't be used, unless `how.skip_bad`.
    KeyboardInterrupt
        After Ctrl-C; how far it came is saved where `how.state` says so.
    """
    shares = _Shares(files)
    saved = monotonic()
    with ThreadpoolController().limit(limits=1, user_api="blas"), ThreadPoolExecutor(how.workers) as pool:
        waiting: deque[BadBlock | Future[Tallied] | None] = deque()
        steps = _steps(files[done.files :], plan, done.pieces)
        try:
            for step in steps:
                if step is None or isinstance(step, BadBlock):
                    waiting.append(step)
                else:
                    waiting.append(pool.submit(tally_of, step, plan, skip_bad=how.skip_bad))
                while sum(isinstance(one, Future) for one in waiting) > how.workers:
                    _settle(waiting.popleft(), done, how, shares)
                if how.state is not None and monotonic() - saved > how.every:
                    save_state(how.state, how.fingerprint, done)
                    saved = monotonic()
            while waiting:
                _settle(waiting.popleft(), done, how, shares)
        except BaseException:
            for one in waiting:
                if isinstance(one, Future):
                    one.cancel()
            if how.state is not None:
                save_state(how.state, how.fingerprint, done)
            raise


def _steps(files: Sequence[SourceFile], plan: ScanPlan, done: int) -> Iterator[Piece | BadBlock | None]:
    """Each file's pieces, then None; an error in the place of what can't be read."""
    for file in files:
        try:
            for at, piece in enumerate(file.pieces(plan)):
                if at >= done:
                    yield piece
        except BadBlock as error:
            yield error
        else:
            yield None
        done = 0


def _settle(one: BadBlock | Future[Tallied] | None, done: Progress, how: Walk, shares: _Shares) -> None:
    if isinstance(one, BadBlock):
        if not how.skip_bad:
            raise one
        done.drop_file(Skipped(one.where, one.why))
    elif isinstance(one, Future):
        made = one.result()
        shares.inside = made.share
        done.current.add(made.tally)
        done.pending += made.skipped
        done.pieces += 1
    else:
        done.end_file()
    if how.tell is not None:
        how.tell(done.n_rows, shares.done(done))


class _Shares:
    """The share of the table that is done, by its files' bytes and, within a file, by what its pieces say."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self.sizes = [file.n_bytes for file in files]
        self.total = sum(self.sizes)
        self.inside: float = 0.0

    def done(self, progress: Progress) -> float | None:
        if not self.total or min(self.sizes) == 0:
            return None
        before: float = sum(self.sizes[: progress.files])
        if progress.pieces and progress.files < len(self.sizes):
            before += self.inside * self.sizes[progress.files]
        return min(1.0, before / self.total)
