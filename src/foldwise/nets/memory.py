"""How much memory a worker's program may hold."""

from pathlib import Path

import jax

_SHARE = 0.5  # of what is free; the rest is for copies while slots change hands
_UNKNOWN = 2**31


def room(workers: int) -> int:
    """Bytes for each worker: a share of what is free on the device, or of the machine's memory for a processor."""
    device = jax.devices()[0]
    statistics = device.memory_stats() if device.platform != "cpu" else None
    free = statistics["bytes_limit"] - statistics["bytes_in_use"] if statistics else _available()
    return int(_SHARE * free / workers)


def _available() -> int:
    facts = Path("/proc/meminfo")
    if not facts.exists():
        return _UNKNOWN
    lines = facts.read_text(encoding="utf-8").splitlines()
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable")), _UNKNOWN)
