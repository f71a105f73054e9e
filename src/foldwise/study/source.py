"""What candidates are fitted from: fold moments, a wide table's rows, or the rows of a generalized linear model."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.families import Family
from foldwise.moments import Fill, FoldMoments
from foldwise.paths import RowTable, WideTable, prepare
from foldwise.paths.generalized.filling import Filling
from foldwise.resampling import Folds
from foldwise.study.rows import Rows
from foldwise.tables import Design

Floats = NDArray[np.float64]
MOST_FILLED = 500
FEWEST = 3
"""Rows of a class that nested folds need: one to score, one to choose by, one to learn from."""


def make_source(
    design: Design,
    scale: float,
    family: Family,
    *,
    folds: Folds,
    sample_weight: Floats | None,
    fill: Fill,
    indicators: bool,
    min_level_count: int,
    offset: Floats | None = None,
    target: Floats | None = None,
) -> FoldMoments | WideTable | RowTable:
    """Read the table once for all candidates; the target of squared errors, less the offset, is divided by `scale`.

    `target` takes the place of the design's where a family has more to it than one number a row.

    Raises
    ------
    InputError
        For missing values in a table of many columns, which only squared errors can fill for every training set.
    """
    y: Any = design.target if target is None else target
    if family.name == "gaussian":
        return prepare(
            design.values,
            (y if offset is None else y - offset) / scale,
            folds=folds,
            sample_weight=sample_weight,
            fill=fill,
            indicators=indicators,
            pools=design.pools,
            min_level_count=min_level_count,
        )
    needed = bool(design.gaps or design.pools)
    if needed and len(design.columns) > MOST_FILLED:
        refuse_gaps(design, family.name)
        needed = False
    filling = Filling(fill, indicators, design.pools, min_level_count) if needed else None
    return RowTable.of(
        design.values, y, family, folds=folds, sample_weight=sample_weight, offset=offset, filling=filling
    )


def refuse_gaps(design: Design, family: str) -> None:
    """Refuse missing values where there are too many columns to fill them for every training set."""
    if not design.gaps:
        return
    names = [repr(design.names[j]) for j in design.gaps]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    row = int(np.flatnonzero(np.isnan(design.values[:, design.gaps[0]]))[0]) + 1
    raise InputError(
        f"missing values in {shown} (the first at row {row}) can be filled for the {family} family up to {MOST_FILLED} "
        f"columns, and the table has {len(design.columns)}; fill or remove them, or drop columns"
    )


def check_classes(design: Design, folds: Folds | None = None, *, nested: bool = False) -> None:
    """Refuse classes of too few rows, and folds that leave a training set without a class.

    Raises
    ------
    InputError
        Naming the class, and the fold.
    """
    y: Any = design.target
    for code, label in enumerate(design.classes):
        rows = np.flatnonzero(y == code)
        if len(rows) < FEWEST:
            few = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
            raise InputError(
                f"class {label!r} of target {design.target_name!r} has {few}; comparing takes {FEWEST} at least: to "
                "score, to choose a strength by, and to learn from"
            )
        for repeat in range(0 if folds is None else folds.n_repeats):
            where = np.unique(folds.labels[repeat, rows])  # type: ignore[union-attr]
            if len(where) < (FEWEST if nested else 2):
                raise InputError(
                    f"class {label!r} of target {design.target_name!r} lies in {len(where)} "
                    f"fold{'s' if len(where) > 1 else ''} of repeat {repeat}, so that some training set has no row of "
                    "it: use stratified folds, or fewer"
                )


def check_events(rows: Rows, folds: Folds) -> None:
    """Refuse folds without an event, which has to score them.

    Raises
    ------
    InputError
        Naming the fold and what would do.
    """
    if rows.event is None:
        return
    events = rows.event * rows.weights > 0.0
    for repeat, label in enumerate(folds.labels):
        none = np.flatnonzero(np.bincount(label, weights=events, minlength=folds.n_folds) == 0)
        if none.size:
            raise InputError(
                f"fold {none[0]} of repeat {repeat} has no event of {rows.design.event_name!r} to be scored by "
                f"({int(events.sum())} events in {folds.n_folds} folds): use fewer, or ones that spread the events"
            )
