"""The tables of foldwise beside scikit-learn in one process."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.clock import Paired
from benchmarks.markdown import duration, table
from benchmarks.tasks import Task


@dataclass(frozen=True)
class Row:
    """What one contest gave on one task: times, worst relative gaps and peak extra bytes of both sides."""

    task: Task
    times: Paired
    gaps: tuple[float, float]
    memory: tuple[int, int]


@dataclass(frozen=True)
class Alone:
    """Median seconds of foldwise's parts on one task."""

    task: Task
    moments: float
    single: float
    folds: float
    nested: float


def contest_table(rows: Sequence[Row]) -> str:
    """Return the table of one contest."""
    header = (
        *("task", "n", "p", "scikit-learn", "foldwise", "ratio", "min..max", "fastest", "runs"),
        *("gap sk", "gap fw", "X", "memory sk", "memory fw"),
    )
    return table(header, [_contest_cells(row) for row in rows])


def alone_table(rows: Sequence[Alone]) -> str:
    """Return the table of what foldwise's parts cost."""
    header = ("task", "n", "p", "moments", "final path", "10 folds", "nested 10 x 10", "10 folds / final path")
    cells = [
        (
            row.task.name,
            *_shape(row.task),
            *(duration(took) for took in (row.moments, row.single, row.folds, row.nested)),
            f"{row.folds / row.single:.1f}",
        )
        for row in rows
    ]
    return table(header, cells)


def _shape(task: Task) -> tuple[str, str]:
    n, p = task.X.shape
    return f"{n:,}", f"{p:,}"


def _contest_cells(row: Row) -> tuple[str, ...]:
    ratios = row.times.ratios
    return (
        row.task.name,
        *_shape(row.task),
        *(duration(took) for took in row.times.medians),
        f"{median(ratios):.3g} x",
        f"{min(ratios):.3g}..{max(ratios):.3g}",
        f"{min(row.times.first) / min(row.times.second):.3g} x",
        str(len(ratios)),
        *(f"{gap:.0e}" for gap in row.gaps),
        *(f"{memory / 1e6:,.3g} MB" for memory in (row.task.X.nbytes, *row.memory)),
    )
