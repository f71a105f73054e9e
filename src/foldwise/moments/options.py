"""TableOptions: what can be said about a table that is read once, beyond what can be said about arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict


class TableOptions(TypedDict, total=False):
    """What `FoldMoments.scan` takes for a table.

    Attributes
    ----------
    key : str
        A column of whole numbers, dates or text: rows with the same key are in the same fold.
    drop : names
        Columns to leave out.
    categories : names, or dict of name and levels
        Number columns that are codes of levels; and, for any column, the levels where they are known: that spares the
        first scan. A row with another level is an error, unless "(other)" is listed for such.
    units : dict
        Unit of each number column, by name; only kept and shown.
    skip_bad : bool
        Leave out what can't be read or used: a file that is damaged or has other columns, a row group with an infinity.
        `FoldMoments.origin.skipped` says what it was.
    state : path
        A file in which to save how far the scan is, every half minute and at Ctrl-C. Where it is there, the scan goes
        on from it; it is removed at the end.
    workers : int
        Threads; all cores where omitted.
    progress : callable
        Is told (rows done, share of the table done or None where nobody knows).
    classes : pair
        Two values of the target that count as 0 and 1, where it is text, true or false, or other numbers.
    dask : str or distributed.Client
        A cluster whose workers read the files where they lie: "local", "tcp://..." or a client. The extra
        `foldwise[dask]` brings what it needs.
    """

    key: str | None
    drop: Iterable[str]
    categories: Iterable[str] | Mapping[str, Sequence[str] | None]
    units: Mapping[str, str] | None
    skip_bad: bool
    state: str | Path | None
    workers: int | None
    progress: Callable[[int, float | None], object] | None
    classes: Sequence[str | float]
    dask: Any
