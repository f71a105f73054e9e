"""Reading: a table and the roles of its columns -> the rows of a study, and what is modelled."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from foldwise.errors import InputError
from foldwise.families import Family, family_of
from foldwise.study.measure import Modelled
from foldwise.study.options import column_or_array, make_offset, make_weights
from foldwise.study.own_columns import OwnColumns
from foldwise.study.rows import Rows
from foldwise.tables import make_design


def read_rows(
    table: Any,
    *,
    target: str | None,
    time: str | None,
    event: str | None,
    family: Family | None,
    drop: Sequence[str],
    roles: Mapping[str, str | ArrayLike | None],
    categories: Iterable[str],
    units: Mapping[str, str] | None,
    min_level_count: int,
    names: Sequence[str] | None,
) -> tuple[Rows, Modelled]:
    """The rows of a table, with the family that was asked for or that the target suggests.

    Parameters
    ----------
    table, target, time, event, drop, categories, units, min_level_count, names
        As in `foldwise.compare`.
    family : Family, optional
    roles : dict
        "groups", "sample_weight" and "offset": a column's name, values, or None. Columns with a role are no features.

    Raises
    ------
    InputError
        Names the argument, or the column and row.
    """
    predicted = check_target(target, time, event, family)
    named = [value for value in roles.values() if isinstance(value, str)]
    for role, value in roles.items():
        if isinstance(value, str) and value in {target, time, event}:
            raise InputError(f"{role}: {value!r} is the target")
    given = {role: column_or_array(table, value, role, names) for role, value in roles.items()}
    design = make_design(
        table,
        target=predicted,
        drop=dict.fromkeys([*drop, *named]),
        categories=categories,
        units=units,
        min_level_count=min_level_count,
        names=names,
        family=None if family is None else family.name,
        event=event,
    )
    y = np.asarray(design.target)
    fitted = family_of(design.family) if family is None else family
    weights = make_weights(given["sample_weight"], y.shape[0])
    offset = make_offset(given["offset"], y.shape[0], fitted)
    words = predicted if event is None else f"{predicted} to {event}"
    return (
        Rows(
            design,
            fitted,
            y if design.event is None else np.column_stack([y, design.event]),
            weights,
            given["sample_weight"] is not None,
            offset,
            OwnColumns(table, frozenset({predicted, *([event] if event else []), *drop, *named}), names),
        ),
        Modelled(fitted, words, design.reason, design.classes, offset is not None),
    )


def check_target(target: str | None, time: str | None, event: str | None, family: Family | None) -> str:
    """The column that is predicted.

    Raises
    ------
    InputError
        Where it is not clear.

    Examples
    --------
    >>> check_target(None, "days", "died", None)
    'days'
    """
    if (time is None) != (event is None):
        given, lacking = ("time", "event") if event is None else ("event", "time")
        raise InputError(f"{lacking} must be given with {given}: a time, and whether the event came then")
    if target is not None and time is not None:
        raise InputError(f"target must be left out where time and event are given, got {target!r}")
    if time is not None:
        return str(time)
    if family is not None and family.shares_rows:
        raise InputError(f"time and event must be given for family={family.name!r}, in place of target")
    if target is None:
        raise InputError("target must name a column of the table (or time and event two of them), got None")
    return str(target)
