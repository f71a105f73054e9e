"""What every candidate is asked to do on one repeat: the same rows, the same folds, the same search."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foldwise.moments import Fill, FoldMoments
from foldwise.paths import RowStream, RowTable, WideTable
from foldwise.resampling import Folds
from foldwise.study.rows import Rows
from foldwise.study.source import make_source
from foldwise.study.steps import Steps
from foldwise.tables import Recipe

Rule = Literal["min", "1se"]


@dataclass(frozen=True)
class Encoding:
    """How a training set fills gaps and pools rare levels, by its own rows: see `foldwise.compare`."""

    fill: Fill = "median"
    indicators: bool = False
    min_level_count: int = 10


@dataclass(frozen=True, eq=False)
class Task:
    """One table, one partition into K folds, one search.

    Attributes
    ----------
    rows
        What is predicted and from what; with weights, offset and family.
    folds
        One partition of the n rows into K folds: repeat number `repeat` of the study.
    repeat
        Its number, from 0.
    target_scale
        What the gaussian family's target is divided by in `source`, so that what is tried does not depend on its unit.
    alphas
        How many penalty strengths each path has, or the strengths themselves for the divided target.
    l1_ratios
        The mixing parameters that the elastic net searches.
    rule
        By which a strength is chosen.
    encoding
        How gaps are filled and rare levels pooled.
    standardize
        Whether each fit scales the columns by its own training rows; not where a shortcut has scaled them before.
    groups
        (p,) a label for each column of the fitted design: the column of the table that it comes from.
    seed
        For whatever a candidate draws at random.
    steps
        Whom a candidate tells how far it is.
    """

    rows: Rows
    folds: Folds
    repeat: int = 0
    target_scale: float = 1.0
    alphas: int | NDArray[np.float64] = 100
    l1_ratios: tuple[float, ...] = (0.5,)
    rule: Rule = "min"
    encoding: Encoding = field(default_factory=Encoding)
    standardize: bool = True
    groups: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    seed: int = 0
    steps: Steps = field(default_factory=Steps)

    @property
    def has_rows(self) -> bool:
        """Whether rows are at hand, and not only their moments."""
        return True

    @property
    def is_gaussian(self) -> bool:
        """Whether squared errors are fitted."""
        return self.rows.family.name == "gaussian"

    @property
    def may_turn(self) -> bool:
        """Whether a path may end where its error has turned: a wide table's, whose end is expensive."""
        return self.is_gaussian

    @cached_property
    def source(self) -> FoldMoments | WideTable | RowTable | RowStream:
        """What `fit_paths` takes, read once for all candidates of this repeat.

        Fold moments of the columns and of the target divided by `target_scale`, or a wide table's rows; for other
        families than the gaussian the rows themselves, the target as it is.
        """
        rows, encoding = self.rows, self.encoding
        return make_source(
            rows.design,
            self.target_scale,
            rows.family,
            folds=self.folds,
            sample_weight=rows.weights if rows.is_weighted else None,
            fill=encoding.fill,
            indicators=encoding.indicators,
            min_level_count=encoding.min_level_count,
            offset=rows.offset,
            target=rows.target,
        )

    def __getstate__(self) -> dict[str, object]:
        """What travels to another process: not what was read, and not who is told how far it is."""
        return {name: value for name, value in vars(self).items() if name != "source"} | {"steps": Steps()}

    def release(self) -> None:
        """Forget what `source` holds; it is read again where it is asked for."""
        self.__dict__.pop("source", None)

    def encoded(self, training: NDArray[np.intp]) -> NDArray[np.float64]:
        """All rows (n, q) as numbers without gaps, filled and pooled by some training rows alone; not scaled."""
        encoding = self.encoding
        recipe = Recipe.learn(
            self.rows.design,
            training,
            fill=encoding.fill,
            indicators=encoding.indicators,
            min_level_count=encoding.min_level_count,
            weights=self.rows.weights if self.rows.is_weighted else None,
        )
        return recipe.encode_values(self.rows.values)
