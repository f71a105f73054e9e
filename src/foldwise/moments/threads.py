"""Side-by-side work on several cores, with the BLAS held to one core each so that they do not fight."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Self, TypeVar, cast

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looking up the loaded BLAS libraries takes milliseconds: once is enough


class Team:
    """Threads that stand ready while a `with` block lasts, for work that comes in many small rounds.

    Parameters
    ----------
    workers : int, optional
        All cores where omitted.
    hold_blas : bool
        Whether the BLAS is held to one core per thread; a lone worker may have all of it.

    Examples
    --------
    >>> with Team(2) as team:
    ...     team.each(lambda item: item**2, [1, 2, 3])
    [1, 4, 9]
    """

    def __init__(self, workers: int | None = None, *, hold_blas: bool = True) -> None:
        self.workers = workers or cores()
        self._hold_blas = hold_blas

    def __enter__(self) -> Self:
        """Hold the BLAS to one core per thread and start the threads."""
        self._limit = _controller().limit(limits=1, user_api="blas") if self._hold_blas else None
        self._pool = ThreadPoolExecutor(self.workers) if self.workers > 1 else None
        return self

    def __exit__(self, *problem: object) -> None:
        """Let the threads end and the BLAS have its cores back."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        if self._limit is not None:
            self._limit.restore_original_limits()

    def each(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Apply `work` to every item; results in order."""
        items = list(items)
        if self._pool is None or len(items) <= 1:
            return [work(item) for item in items]
        # One share per thread: handing over costs more than many an item.
        shares = [items[start :: self.workers] for start in range(min(self.workers, len(items)))]
        done = self._pool.map(lambda share: [work(item) for item in share], shares)
        results: list[Result | None] = [None] * len(items)
        for start, part in enumerate(done):
            results[start :: self.workers] = part
        return cast("list[Result]", results)


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None) -> list[Result]:
    """Apply `work` to every item on up to `workers` threads (default: all cores); results in order.

    Examples
    --------
    >>> side_by_side(lambda item: item**2, [1, 2, 3])
    [1, 4, 9]
    """
    items = list(items)
    workers = min(workers or cores(), len(items))
    if workers <= 1:  # one piece of work may have all of the BLAS
        return [work(item) for item in items]
    with Team(workers) as team:
        return team.each(work, items)
