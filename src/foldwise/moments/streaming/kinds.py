"""What the columns of a file hold, and whether that is what the plan, made from the first, expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from foldwise.moments.streaming.bad import BadBlock

if TYPE_CHECKING:
    from foldwise.moments.streaming.plan import ScanPlan

_WORDS = {"number": "numbers", "boolean": "true and false", "text": "text", "nothing": "nothing"}


def kind_of_type(kind: pa.DataType) -> str:
    """One of number, boolean, text and nothing, or the type's own name.

    Examples
    --------
    >>> kind_of_type(pa.float32()), kind_of_type(pa.date32())
    ('number', 'date32[day]')
    """
    types = pa.types
    if types.is_boolean(kind):
        return "boolean"
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_dictionary(kind) or types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "text"
    return "nothing" if types.is_null(kind) else str(kind)


def check_columns(schema: pa.Schema, plan: ScanPlan, where: str) -> None:
    """Refuse a file, or a block, whose columns are not those of the first.

    Raises
    ------
    BadBlock
        Naming the column that is missing, new, or of another kind.
    """
    names = set(schema.names)
    for name in plan.sources:
        if name not in names:
            raise BadBlock(where, f"there is no column {name!r}, which the first file has")
    twice = [name for name in names if schema.get_field_index(name) < 0]
    if twice:
        raise BadBlock(where, f"more than one column is named {twice[0]!r}")
    known = {*plan.sources, *plan.drop}
    new = [name for name in schema.names if name not in known]
    if new:
        raise BadBlock(where, f"there is a column {new[0]!r}, which the first file lacks; drop it if it does not count")
    expected = dict(plan.kinds)
    for name in plan.sources:
        kind, before = kind_of_type(schema.field(name).type), expected[name]
        if kind not in {before, "nothing"}:
            changed = f"{_WORDS.get(before, before)} in the first file and {_WORDS.get(kind, kind)} here"
            raise BadBlock(where, f"column {name!r} holds {changed}")
