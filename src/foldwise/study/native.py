"""Plain columns -> a dataframe of the kind the user works with."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import narwhals as nw

Kind = Literal["pandas", "polars", "pyarrow"]


def kind_of(table: Any) -> Kind:
    """The dataframe library of a table; pyarrow for anything that is no dataframe of pandas, polars or pyarrow.

    Examples
    --------
    >>> kind_of({"x": [1.0]})
    'pyarrow'
    """
    frame = nw.from_native(table, pass_through=True)
    name = frame.implementation.value if isinstance(frame, nw.DataFrame | nw.LazyFrame) else ""
    kinds: dict[str, Kind] = {"pandas": "pandas", "polars": "polars"}
    return kinds.get(str(name), "pyarrow")


def frame_of(columns: Mapping[str, Sequence[Any]], kind: Kind) -> Any:
    """A dataframe with these columns.

    Examples
    --------
    >>> frame_of({"x": [1.0, 2.0]}, "pyarrow").shape
    (2, 1)
    """
    return nw.from_dict(dict(columns), backend=kind).to_native()
