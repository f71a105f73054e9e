"""What every candidate is asked to fit: the same moments, the same folds, the same search."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foldwise.moments import FoldMoments
from foldwise.paths import RowTable, WideTable
from foldwise.resampling import Folds

Rule = Literal["min", "1se"]


@dataclass(frozen=True, eq=False)
class Task:
    """One table, one set of folds, one search.

    Attributes
    ----------
    source
        Fold moments of the columns and of the target divided by `target_scale`, or a wide table's rows: read once for
        all candidates. For other families than the gaussian the rows themselves, the target as it is.
    target_scale
        So that what is tried does not depend on the target's unit.
    folds
        R partitions of the n rows into K folds.
    alphas
        How many penalty strengths each path has, or the strengths themselves for the divided target.
    l1_ratios
        The mixing parameters that the elastic net searches.
    groups
        (p,) a label for each column of the fitted design: the column of the table that it comes from.
    progress
        What `fit_paths` tells how far it is.
    """

    source: FoldMoments | WideTable | RowTable
    target_scale: float
    folds: Folds
    alphas: int | NDArray[np.float64]
    l1_ratios: tuple[float, ...]
    groups: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    progress: bool | Callable[[int, int], object] = False

    @property
    def is_gaussian(self) -> bool:
        """Whether squared errors are fitted."""
        return not isinstance(self.source, RowTable)

    @property
    def may_turn(self) -> bool:
        """Whether a path may end where its error has turned: a wide table's, whose end is expensive."""
        return self.is_gaussian
