"""What fold moments say without their folds: one block of all rows, and how new rows become its columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from foldwise.errors import InputError
from foldwise.moments.merge import merge_blocks
from foldwise.tables import Recipe

if TYPE_CHECKING:
    from foldwise.moments.fold_moments import FoldMoments

NOTHING = frozenset[int]()


def without_folds(moments: FoldMoments) -> FoldMoments:
    """All rows as one block, for fits that need no folds.

    Examples
    --------
    >>> from foldwise import FoldMoments
    >>> moments = FoldMoments.scan(np.eye(6)[:, :2], np.arange(6.0), 3)
    >>> without_folds(moments).held_out_sets()
    (frozenset(),)
    """
    blocks = moments.blocks_of(NOTHING)
    weight, mean, cross = merge_blocks(moments.weight, moments.mean, moments.cross, blocks)
    counts = moments.level_count
    return replace(
        moments,
        weight=np.array([weight]),
        mean=mean[None],
        cross=cross[None],
        n_folds=1,
        n_repeats=1,
        level_count=counts[blocks].sum(axis=0)[None] if counts.size else counts,
        medians={NOTHING: moments.medians[NOTHING]} if moments.medians else {},
    )


def one_repeat(moments: FoldMoments, repeat: int) -> FoldMoments:
    """The blocks of one repeat alone.

    Examples
    --------
    >>> from foldwise import FoldMoments, Folds
    >>> moments = FoldMoments.scan(np.eye(6)[:, :2], np.arange(6.0), Folds.kfold(6, 3, repeats=2))
    >>> one_repeat(moments, 1)
    FoldMoments(n_rows=6, n_features=2, n_folds=3, n_repeats=1)
    """
    if moments.n_repeats == 1:
        return moments
    blocks = slice(repeat * moments.n_folds, (repeat + 1) * moments.n_folds)
    counts = moments.level_count
    return replace(
        moments,
        weight=moments.weight[blocks],
        mean=moments.mean[blocks],
        cross=moments.cross[blocks],
        level_count=counts[blocks] if counts.size else counts,
        n_repeats=1,
    )


def recipe_of(moments: FoldMoments) -> Recipe:
    """How a new table's rows become the columns of the final model, as `foldwise.tables.Recipe` has it.

    Raises
    ------
    InputError
        For moments of arrays, whose columns have no names.
    """
    origin = moments.origin
    if origin is None:
        message = "moments of arrays don't know how a table is encoded; scan a table and name its target"
        raise InputError(message)
    made = moments.training_set(NOTHING).map
    fills = np.zeros(len(origin.columns))
    places = [j for j, column in enumerate(origin.columns) if column.kind in {"number", "boolean"}]
    _, mean, _ = merge_blocks(moments.weight, moments.mean, moments.cross, moments.blocks_of(NOTHING))
    fills[places] = mean[places]  # a column without gaps may have some in a new table
    fills[made.gaps] = made.fill
    return Recipe(
        origin.columns,
        origin.categories,
        fills=tuple(fills.tolist()),
        rare=tuple(sorted(level for level, _ in made.moved)),
        indicators=tuple(made.gaps.tolist()) if moments.indicators else (),
        fill=moments.fill or "mean",
        min_level_count=moments.min_level_count,
    )
