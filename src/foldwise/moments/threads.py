"""Side-by-side work on several cores, with the BLAS held to one core each so that they do not fight."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

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


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None) -> list[Result]:
    """Apply `work` to every item on up to `workers` threads (default: all cores); results in order.

    Examples
    --------
    >>> side_by_side(lambda item: item**2, [1, 2, 3])
    [1, 4, 9]
    """
    items = list(items)
    workers = min(workers or cores(), len(items))
    if workers <= 1:
        return [work(item) for item in items]
    with _controller().limit(limits=1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))
