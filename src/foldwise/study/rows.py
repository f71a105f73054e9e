"""Rows: what a study predicts, row by row, and what it predicts from."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.families import Family
from foldwise.study.own_columns import OwnColumns
from foldwise.tables import Design

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    """The n rows of a study.

    Attributes
    ----------
    design : Design
        Named numbers (n, p), NaN where missing; the classes.
    family : Family
        Whose loss scores a prediction.
    target : (n,) array
        Numbers, or class numbers; for times to an event (n, 2), whether it came in the second column.
    weights : (n,) array
    is_weighted : bool
        Whether weights were given.
    offset : (n,) array or None
        What is added to every linear predictor.
    own : OwnColumns
        The table's own columns, for what encodes them itself.
    """

    design: Design
    family: Family
    target: Floats
    weights: Floats
    is_weighted: bool = False
    offset: Floats | None = None
    own: OwnColumns = field(default_factory=lambda: OwnColumns({}))

    @property
    def values(self) -> Floats:
        """Raw design values (n, p), NaN where missing."""
        return self.design.values

    @property
    def n(self) -> int:
        """How many rows."""
        return int(self.target.shape[0])

    @cached_property
    def y(self) -> Floats:
        """The target as the family takes it: marks (n, C) for C classes."""
        return self.family.check_target(self.target, self.n)

    @property
    def event(self) -> Floats | None:
        """For times to an event: 1 where it came (n,)."""
        return self.design.event

    @property
    def has_classes(self) -> bool:
        """Whether classes are told apart."""
        return bool(self.design.classes)

    @property
    def labels(self) -> NDArray[Any]:
        """The target in the user's own words: labels of classes, else numbers."""
        if not self.has_classes:
            return self.target
        return np.array(self.design.classes)[self.target.astype(np.intp)]
