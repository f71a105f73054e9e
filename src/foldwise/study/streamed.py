"""Which tables are read once for a comparison, in one pass to fold moments, and which are read whole; and the pass."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow.parquet

from foldwise.errors import InputError
from foldwise.families import Family
from foldwise.moments import FoldMoments
from foldwise.moments.streaming.sources import is_dask, open_source
from foldwise.paths import RowStream
from foldwise.study.steps import Progress
from foldwise.tables.target import read_target

GROWS = 4
"""A comparison in memory takes about so many times the table: its columns, the design, what candidates make of it."""
SHARE = 0.5
"""Of the free memory that a comparison may take."""


OF_ROWS = {
    "time": None,
    "event": None,
    "names": None,
    "offset": None,
    "stratify": None,
    "leaks": False,
    "budget": None,
    "keep": None,
}
OF_A_SCAN = {
    **OF_ROWS,
    "family": None,
    "folds": 5,
    "repeats": None,
    "seed": 0,
    "drop": (),
    "categories": (),
    "units": None,
    "fill": "median",
    "indicators": False,
    "min_level_count": 10,
    "sample_weight": None,
    "groups": None,
    "stream": None,
    "dask": None,
}
"""Arguments of a comparison that a scan has settled, and their defaults."""


def read_once(table: Any, given: Mapping[str, Any]) -> tuple[FoldMoments | RowStream, tuple[str, ...]] | None:
    """Fold moments of a table that is not held in memory, or a stream of its rows, and what to say of it; else None.

    Parameters
    ----------
    table
        As `foldwise.compare` takes it.
    given : dict
        All its arguments by name.

    Raises
    ------
    InputError
        For arguments that need the rows, or that moments have settled already.
    """
    if isinstance(table, FoldMoments | RowStream):
        origin = table.origin if isinstance(table, FoldMoments) else table.moments.origin
        target = given["target"] if origin is not None and given["target"] == origin.target else None
        _refuse(given, OF_A_SCAN | {"target": target}, type(table).__name__)
        return table, ()
    why = why_streamed(table, stream=given["stream"])
    if why is None:
        return None
    _refuse(given, OF_ROWS, "a table that is read once")
    if given["target"] is None:
        raise InputError("target must name a column of the table, got None")
    names = ("seed", "drop", "categories", "units", "indicators", "min_level_count", "sample_weight")
    found = scan_for_study(
        table,
        target=given["target"],
        family=given["family"],
        folds=given["folds"],
        repeats=1 if given["repeats"] is None else given["repeats"],
        key=given["groups"],
        dask=given["dask"],
        progress=given["progress"],
        **{name: given[name] for name in names},
    )
    filled = "; missing numbers are filled with the mean, since medians can't be told from moments"
    gaps = (found if isinstance(found, FoldMoments) else found.moments).gaps
    return found, (how_read(found, why) + filled * bool(len(gaps) and given["fill"] == "median"),)


def how_read(found: FoldMoments | RowStream, why: str) -> str:
    """In one pass or in several, and why."""
    return f"read in {'one pass' if isinstance(found, FoldMoments) else 'passes'}: {why}"


def _refuse(given: Mapping[str, Any], defaults: Mapping[str, Any], what: str) -> None:
    """Refuse what goes without."""
    for name, default in defaults.items():
        value = given[name]
        if value is not default and not (isinstance(value, type(default)) and value == default):
            raise InputError(f"{name} can't be given with {what}")


def why_streamed(table: Any, *, stream: bool | None = None) -> str | None:
    """Why a table is read in one pass, in words; None where it is read whole.

    Folders, patterns, lists of files, data sets, readers and Dask frames are read in one pass, and so is a file that,
    several times over, would not fit in the free memory. `stream` decides otherwise for files.

    Examples
    --------
    >>> why_streamed("data/*.parquet")
    'a pattern of files'
    """
    if isinstance(table, (str, Path)):
        path = Path(table)
        if not path.is_file():
            return _several(path)
        return _too_large(path) if stream is None else "as asked for" if stream else None
    if is_dask(table):
        return "a Dask frame"
    kind = type(table)
    if kind.__module__.startswith("pyarrow") and kind.__name__.endswith(("Dataset", "Reader")):
        return "a pyarrow data set or reader"
    if isinstance(table, (list, tuple)) and table and all(isinstance(item, (str, Path)) for item in table):
        return "a list of files"
    return "as asked for" if stream else None


def scan_for_study(
    table: Any, *, target: str, family: str | Family | None, progress: Progress | None = None, **options: Any
) -> FoldMoments | RowStream:
    """The table's fold moments, in one pass; for classes, counts and amounts, which want more, a stream of its rows.

    Raises
    ------
    InputError
        Besides what `FoldMoments.scan` raises: where the target's family can't be fitted by passes over the rows.
    """
    if family_of_stream(table, target, family, skip_bad=bool(options.get("skip_bad"))) != "gaussian":
        told = None if progress is None else passes_told(progress)
        return RowStream.scan(table, target, family=family, tell=told, **options)
    tell = None if progress is None else reading_told(progress)
    return FoldMoments.scan(table, target=target, progress=tell, **options)


def reading_told(progress: Progress) -> Callable[[int, float | None], None]:
    """What tells how many thousandths of the table have been read, how many rows that is, and how fast.

    Examples
    --------
    >>> reading_told(lambda *told: print(told[0], told[1]))(1000, 0.25)
    250 1000
    """
    began = perf_counter()

    def tell(rows: int, share: float | None) -> None:
        seconds = max(perf_counter() - began, 1e-9)
        progress(round(1000 * (share or 0.0)), 1000, f"reading, {rows:,} rows, {rows / seconds:,.0f} rows/s")

    return tell


def passes_told(progress: Progress) -> Callable[[str, int, float | None], None]:
    """The same of passes that follow each other, by name.

    Examples
    --------
    >>> passes_told(lambda *told: print(told[0], told[2][:16]))("pass 2, a sample", 1000, 0.25)
    250 pass 2, a sample
    """
    began: dict[str, float] = {}

    def tell(what: str, rows: int, share: float | None) -> None:
        seconds = max(perf_counter() - began.setdefault(what, perf_counter()), 1e-9)
        speed = f", {rows / seconds:,.0f} rows/s" if seconds > 1e-3 else ""
        progress(round(1000 * (share or 0.0)), 1000, f"{what}, {rows:,} rows{speed}")

    return tell


def family_of_stream(table: Any, target: str, family: str | Family | None, *, skip_bad: bool) -> str:
    """The family that was asked for, or that a target's first rows suggest; rows that come only once stay untouched."""
    if family is not None:
        return family if isinstance(family, str) else family.name
    source = open_source(table)
    head = None if source.is_stream else source.head(10_000, skip_bad=skip_bad)
    if head is None or target not in head.schema.names:  # the scan says so, with what there is
        return "gaussian"
    return read_target(target, head.column(target)).family


def _too_large(path: Path) -> str | None:
    size, free = _bytes_in_memory(path), _free_bytes()
    if GROWS * size <= SHARE * free:
        return None
    return f"{size / 1e9:.1f} GB of numbers, several times over, beside {free / 1e9:.1f} GB of free memory"


def _several(path: Path) -> str | None:
    if path.is_dir():
        return "a folder of files"
    return "a pattern of files" if any(mark in str(path) for mark in "*?[") else None


def _bytes_in_memory(path: Path) -> int:
    if path.suffix.lower() in {".parquet", ".pq"}:
        try:
            metadata = pyarrow.parquet.read_metadata(path)
        except (OSError, pyarrow.ArrowException):
            return 0  # whoever reads it says what is wrong
        return int(metadata.num_rows * metadata.num_columns * 8)
    return path.stat().st_size


def _free_bytes() -> int:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on every system
        return 4 << 30
