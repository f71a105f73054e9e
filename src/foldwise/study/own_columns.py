"""The table's own columns, as the user has them: what an estimator of another library is fitted to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foldwise.study.native import Kind, kind_of
from foldwise.tables.frames import columns_of

SPARE: tuple[Kind, ...] = ("pandas", "polars")


@dataclass(frozen=True, eq=False)
class OwnColumns:
    """The columns of a table that predict, untouched: nothing is filled, encoded, pooled or scaled.

    Attributes
    ----------
    table
        As the user gave it, or as it was read from a file.
    without : set of str
        Columns that are no features: the target, groups, weights, and what is dropped.
    names : sequence of str, optional
        Of an array's columns.
    """

    table: Any
    without: frozenset[str] = frozenset()
    names: Sequence[str] | None = None

    @cached_property
    def frame(self) -> Any:
        """A dataframe of the user's own library.

        Of pandas or polars where the table is; of any other table (a file, a dict, an array, an Arrow table) of pandas,
        where that is not installed of polars, or else an Arrow table.

        Examples
        --------
        >>> list(OwnColumns({"x": [1.0, 2.0], "y": [0.0, 1.0]}, frozenset({"y"})).frame.columns)
        ['x']
        """
        if kind_of(self.table) == "pyarrow":
            columns = columns_of(self.table, self.names)
            arrow = pa.table({name: each for name, each in columns.items() if name not in self.without})
            spare: Kind = next((each for each in SPARE if find_spec(each)), "pyarrow")
            return nw.from_arrow(arrow, backend=spare).to_native()
        frame = nw.from_native(self.table)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        kept = [at for at, name in enumerate(frame.columns) if str(name) not in self.without]
        return frame[:, kept].to_native()

    def rows(self, which: NDArray[np.intp]) -> Any:
        """Some rows, of the same kind."""
        return nw.from_native(self.frame)[which].to_native()
