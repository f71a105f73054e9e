"""The most memory that this process and its children held during a call, beyond what they held before. Linux only."""

import ctypes
import gc
import os
from pathlib import Path

PROC = Path("/proc")


def _family() -> list[str]:
    """Return the ids of this process and of its children, grandchildren included."""
    found, waiting = [], [str(os.getpid())]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        for children in (PROC / pid / "task").glob("*/children"):
            waiting += children.read_text(encoding="ascii").split()
    return found


def _kilobytes(pid: str, field: str) -> int:
    for line in (PROC / pid / "status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    return 0


def start() -> int | None:
    """Give freed memory back, forget the peak so far, and return the bytes held now; None where that is not told."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        for pid in _family():
            (PROC / pid / "clear_refs").write_text("5", encoding="ascii")
        return 1024 * sum(_kilobytes(pid, "VmRSS") for pid in _family())
    except (OSError, AttributeError):  # another system, or another C library
        return None


def most_since(before: int | None) -> int | None:
    """Return the most bytes held since `start` returned `before`, beyond those."""
    if before is None:
        return None
    return max(0, 1024 * sum(_kilobytes(pid, "VmHWM") for pid in _family()) - before)
