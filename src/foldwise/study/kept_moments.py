"""What a comparison keeps of its rows for the report's page: fold moments, of all repeats where these are small."""

from collections.abc import Sequence
from dataclasses import replace

from foldwise.moments import FoldMoments
from foldwise.resampling import Folds
from foldwise.study.task import Task

FEW = 200_000
"""Numbers up to which the moments of all repeats are kept; beyond, those of the first."""


def moments_of_all(tasks: Sequence[Task], folds: Folds) -> FoldMoments | None:
    """Moments of the tasks' table and target, for the folds of all repeats or of the first.

    None where squared errors are not what is fitted, or the table is wide: then there are none. None with an offset
    too, which a page could not add again.
    """
    if tasks[0].rows.offset is not None:
        return None
    first = tasks[0].source
    if not isinstance(first, FoldMoments):
        return None
    if len(tasks) == 1 or folds.n_repeats * first.cross.size > FEW:
        return first
    joined = replace(tasks[0], folds=folds)
    source = joined.source
    return source if isinstance(source, FoldMoments) else None
