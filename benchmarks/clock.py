"""Time and memory of two calls: alternating runs, so that both sides meet the same machine, and one traced run each."""

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Paired:
    """Seconds of each run of two sides; run i of one was next to run i of the other."""

    first: tuple[float, ...]
    second: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Return how many times as long the first side took, run by run."""
        return tuple(a / b for a, b in zip(self.first, self.second, strict=True))

    @property
    def medians(self) -> tuple[float, float]:
        """Return the median seconds of each side."""
        return median(self.first), median(self.second)


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long a call took, and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def alternate(
    first: Callable[[], Any], second: Callable[[], Any], repeat: int, budget: float = float("inf")
) -> tuple[Paired, Any, Any]:
    """Run two calls side by side, changing which goes first; return the times and the last results.

    There are `repeat` rounds, or fewer where `budget` seconds are over, but at least one.
    """
    times: tuple[list[float], list[float]] = ([], [])
    results: list[Any] = [None, None]
    for run in range(repeat):
        if run and sum(times[0]) + sum(times[1]) > budget:
            break
        order = ((0, first), (1, second)) if run % 2 == 0 else ((1, second), (0, first))
        for side, call in order:
            took, results[side] = seconds(call)
            times[side].append(took)
    return Paired(tuple(times[0]), tuple(times[1])), *results


def median_seconds(call: Callable[[], Any], repeat: int) -> float:
    """Return the median time of a call."""
    return median(seconds(call)[0] for _ in range(repeat))


def peak_extra_memory(call: Callable[[], Any]) -> int:
    """Return the most bytes that Python and NumPy held at once during a call, beyond what was there before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before
