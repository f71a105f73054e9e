"""The first, cheap scan: which levels the text columns have, and how many rows each; nothing else is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from foldwise.errors import InputError
from foldwise.moments.streaming.bad import BadBlock
from foldwise.moments.streaming.encode import named_codes
from foldwise.moments.threads import cores
from foldwise.tables.values import Levels, in_order

if TYPE_CHECKING:
    from foldwise.moments.streaming.files import SourceFile, Types

Counts = Counter[str]
Found = dict[str, Counts | None]
Spread = Callable[[Callable[["SourceFile"], Found], "Sequence[SourceFile]"], Iterable[Found]]
MOST_LEVELS = 100_000
"""Beyond, a column is taken for names or identifiers and left out."""


def count_levels(
    files: Sequence[SourceFile], columns: Sequence[str], types: Types, *, skip_bad: bool, spread: Spread
) -> Found:
    """Rows of each level of some columns; None for one with more levels than make sense."""
    total: Found = {name: Counter() for name in columns}
    for found in spread(partial(levels_of_file, columns=columns, types=types, skip_bad=skip_bad), files):
        for name, counts in found.items():
            _add(total, name, counts)
    return total


def levels_of_file(file: SourceFile, columns: Sequence[str], types: Types, *, skip_bad: bool) -> Found:
    """Those of one file."""
    mine: Found = {name: Counter() for name in columns}
    wanted = {name: kind for name, kind in types.items() if name in mine}
    try:
        for batch in file.batches(columns, wanted):
            for name in columns:
                names, codes = named_codes(batch.column(name))
                found = np.bincount(codes, minlength=len(names)).tolist()
                _add(mine, name, {level: n for level, n in zip(names, found, strict=True) if n})
    except (KeyError, BadBlock) as error:
        if skip_bad:  # the pass over the rows meets it again, and says so
            return {}
        if isinstance(error, BadBlock):
            raise
        raise BadBlock(file.name, f"there is no column {error}, which the first file has") from error
    return mine


def on_threads(work: Callable[[SourceFile], Found], files: Sequence[SourceFile]) -> Iterator[Found]:
    """Apply `work` to every file on all cores; results in order."""
    with ThreadPoolExecutor(cores()) as pool:
        yield from pool.map(work, files)


def as_levels(counts: Mapping[str, int]) -> Levels:
    """Levels in the order that a table in memory gives them, without rows.

    Examples
    --------
    >>> as_levels({"10": 3, "9": 1}).names
    ('9', '10')
    """
    found = list(counts)
    names = tuple(found[at] for at in in_order(found))
    n = np.array([counts[name] for name in names], dtype=np.intp)
    return Levels(names, n, np.zeros(0, dtype=np.intp))


def listed_levels(column: str, names: Iterable[str], many: int) -> Levels:
    """Levels that were given, all of them common.

    Raises
    ------
    InputError
        For one level, or the same one twice.
    """
    listed = [str(name) for name in names]
    if len(set(listed)) < max(2, len(listed)):
        message = f"categories[{column!r}] must list two or more different levels, got {listed}"
        raise InputError(message)
    return Levels(tuple(listed), np.full(len(listed), many, dtype=np.intp), np.zeros(0, dtype=np.intp))


def _add(total: Found, name: str, more: Mapping[str, int] | None) -> None:
    known = total[name]
    if known is None or more is None:
        total[name] = None
        return
    known.update(more)
    if len(known) > MOST_LEVELS:
        total[name] = None
