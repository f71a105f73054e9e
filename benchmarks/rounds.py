"""One task, many sides: timed in turn so that noise hits all alike; then each side's gaps, by our own code."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gap import family_gaps, relative_gaps
from benchmarks.process import FailedError, OverLimitError, Process
from benchmarks.tasks import Task

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """A library and what it is asked for; gaps are taken on these held-out sets' paths."""

    library: str
    mode: str = "default"
    held_out: tuple[tuple[int, ...], ...] = ((),)
    limit: float = float("inf")
    """Seconds that one run may take, where that is less than the process's own limit."""
    repeat: int = 1_000
    """Rounds that it takes part in at most."""

    @property
    def name(self) -> str:
        """As the tables say it."""
        return self.library if self.mode == "default" else f"{self.library}, {self.mode}"


@dataclass
class Record:
    """What one side gave on a task; `reason` says why it gave nothing, or no more."""

    side: Side
    seconds: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    curve: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    threads: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    reason: str = ""

    def summary(self, reference: Sequence[float]) -> dict[str, Any]:
        """Return plain data for the results; `reference` is the error curve that this one is held to."""
        facts: dict[str, Any] = {"library": self.side.library, "mode": self.side.mode, "name": self.side.name}
        if self.reason:
            facts["reason"] = self.reason
        if not self.seconds:
            return facts | {"status": "not run"}
        facts |= {"status": "ran", "versions": self.versions, "threads": self.threads, "seconds": self.seconds}
        facts |= {"median": median(self.seconds), "best": min(self.seconds)}
        facts["memory"] = max(self.memory) if self.memory else None
        if self.gaps:
            sets = len(self.side.held_out)
            facts |= {"gap_worst": max(self.gaps), "gap_median": median(self.gaps), "gap_points": len(self.gaps)}
            facts["gap_sets"] = sets
        if self.curve:
            facts |= {"points": len(self.curve), "best_point": int(np.argmin(self.curve)) + 1}
            both = min(len(self.curve), len(reference))
            if both:
                ours, theirs = np.array(reference[:both]), np.array(self.curve[:both])
                facts["curve_difference"] = float(np.max(np.abs(theirs - ours) / ours))
        return facts


def _say(words: str) -> None:
    print(words, flush=True)


def measure(
    task: Task,
    folder: Path,
    sides: Sequence[Side],
    processes: Mapping[str, Process | str],
    *,
    repeat: int,
    budget: float,
    say: Callable[[str], None] = _say,
    keep: Callable[[Sequence["Record"]], None] | None = None,
) -> list[Record]:
    """Run all sides in turn, `repeat` rounds or until a side's runs exceed `budget` seconds; then take their gaps.

    `folder` holds the task's files; `processes` has each library's process, or the reason why there is none. `keep`
    gets the records after every run and every side's gaps, so that what is measured outlives an interruption.
    """
    keep = keep or (lambda _records: None)
    for process in processes.values():
        if isinstance(process, Process):
            process.folder = None  # a process that died of the last task must not read it again
            process.end()
            process.load(folder)
    records = [Record(side) for side in sides]
    for turn in range(repeat):
        start = turn % len(records)
        for record in (*records[start:], *records[:start]):
            done = turn >= record.side.repeat or (record.seconds and sum(record.seconds) >= budget)
            if not record.reason and not done:
                _run(record, processes[record.side.library], say)
                keep(records)
    for record in records:
        if record.seconds and record.side.held_out:
            _take_gaps(record, task, processes[record.side.library], say)
            keep(records)
    return records


def _run(record: Record, process: Process | str, say: Callable[[str], None]) -> None:
    if isinstance(process, str):
        record.reason = process
        return
    doing = "in its warm-up"
    try:
        record.threads = process.ask("warm", record.side.mode)["threads"]
        doing = "in its run"
        answer = process.ask("run", record.side.mode, limit=record.side.limit)
    except (FailedError, OverLimitError) as problem:
        record.reason = f"{problem} {doing}"
        say(f"  {record.side.name}: {record.reason}")
        return
    record.versions = process.versions
    record.seconds.append(answer["seconds"])
    record.curve = answer["curve"]
    if answer["memory"] is not None:
        record.memory.append(answer["memory"])
    say(f"  {record.side.name}: {answer['seconds']:.3f} s")


def _take_gaps(record: Record, task: Task, process: Process | str, say: Callable[[str], None]) -> None:
    assert isinstance(process, Process)  # noqa: S101 - it has run
    gaps: list[float] = []
    with tempfile.TemporaryDirectory(prefix="foldwise-path-") as folder:
        file = Path(folder) / "path.bin"
        for held_out in record.side.held_out:
            try:
                process.ask("warm", record.side.mode)
                held = ",".join(map(str, held_out))
                process.ask("path", record.side.mode, str(file), held, limit=record.side.limit)
            except (FailedError, OverLimitError) as problem:
                record.reason = f"gaps of {len(gaps)} points only: {problem}"
                break
            gaps += gaps_of(task, held_out, file)
    record.gaps = gaps
    if gaps:
        say(f"  {record.side.name}: gap {max(gaps):.0e} at worst, {median(gaps):.0e} in the middle")


def gaps_of(task: Task, held_out: Sequence[int], file: Path) -> list[float]:
    """Return the relative duality gaps of a path (A, 1 + p) in a file of raw numbers, intercept first."""
    path = np.fromfile(file).reshape(-1, 1 + task.X.shape[1])
    alphas = task.alphas[: len(path)]
    rows = np.flatnonzero(~np.isin(task.labels, held_out)) if held_out else slice(None)  # the whole X is not copied
    X, y = task.X[rows], task.y[rows]
    if task.family == "gaussian":
        found: Array = relative_gaps(X, y, path[:, 1:], path[:, 0], alphas, 1.0)
    else:
        weights = None if task.weights is None else task.weights[rows]
        found = family_gaps(task.family, X, y, path[:, 1:], path[:, 0], alphas, weights=weights)
    return [float(gap) for gap in found]
