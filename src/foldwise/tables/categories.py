"""One category -> its design columns: one-hot, with rare levels pooled."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foldwise.tables.design import OTHER_LEVEL, Category, Column
from foldwise.tables.values import Levels

# A level this many times the rarity limit stays above it in any training set that random folds are likely to make:
# three folds with two of them held out leave a third of the rows.
_SAFETY = 3


@dataclass(frozen=True, eq=False)
class OneHot:
    """The design columns of one category, before they are given their place in the design.

    ``pooled`` names the levels that are rare in the whole table. There are no columns where no level is common.
    """

    columns: tuple[Column, ...]
    values: NDArray[np.float64]
    category: Category
    pooled: tuple[str, ...]


def one_hot(source: str, levels: Levels, *, start: int, min_level_count: int) -> OneHot:
    """Give each level of a category a column that is 1 on its rows.

    - Two levels make one column, for the second.
    - With more, levels on fewer than `min_level_count` rows are pooled at once in the column ``source=(other)``: they
      would be rare in every training set.
    - Where a remaining level has fewer than ``3 * min_level_count`` rows, a training set may well find it rare; then
      there is an ``(other)`` column too, empty in the whole table, for that training set to pool into.
    - Otherwise the category is never pooled.

    Parameters
    ----------
    source
        The table column.
    levels
        Its levels and each row's.
    start
        Index in the design of the first column made here.
    min_level_count
        Levels on fewer rows are rare.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from foldwise.tables.values import levels_of
    >>> hot = one_hot("c", levels_of(pa.array(list("aabbcd"))), start=0, min_level_count=2)
    >>> [column.name for column in hot.columns], hot.pooled
    (['c=a', 'c=b', 'c=(other)'], ('c', 'd'))
    """
    binary = len(levels.names) <= 2
    is_other = np.array([name == OTHER_LEVEL for name in levels.names])  # a level that already bears the pool's name
    rare = ((levels.counts < min_level_count) | is_other) & (not binary)
    kept = np.flatnonzero(~rare)
    pooled = tuple(levels.names[i] for i in np.flatnonzero(rare))
    if kept.size == 0 or (kept.size == 1 and not pooled):
        empty = np.empty((levels.codes.size, 0))
        return OneHot((), empty, Category(source, (), None, tuple((name, None) for name in levels.names)), pooled)

    alone = kept[1:] if binary else kept
    if kept.size == 1:  # one common level: its column would only mirror the pooled one
        alone = kept[:0]
    has_other = bool(pooled) or (not binary and bool((levels.counts[kept] < _SAFETY * min_level_count).any()))
    place = np.full(len(levels.names), -1)
    place[alone] = np.arange(alone.size)
    place[rare] = alone.size
    columns = [_level_column(source, levels.names[i]) for i in alone]
    if has_other:
        columns.append(Column(f"{source}={OTHER_LEVEL}", source, "other levels", OTHER_LEVEL))
    values = np.zeros((levels.codes.size, len(columns)), order="F")
    row_place = place[levels.codes]
    rows = np.flatnonzero(row_place >= 0)
    values[rows, row_place[rows]] = 1.0
    category = Category(
        source,
        columns=tuple(range(start, start + alone.size)),
        other=start + alone.size if has_other else None,
        levels=tuple(
            (name, start + int(at) if at >= 0 else None) for name, at in zip(levels.names, place, strict=True)
        ),
    )
    return OneHot(tuple(columns), values, category, pooled)


def _level_column(source: str, level: str) -> Column:
    return Column(f"{source}={level}", source, "level", level)
