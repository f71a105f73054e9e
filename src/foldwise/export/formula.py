"""A fitted line in terms of the table's own columns: what every value adds to the predictor. All exports begin here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.study.measure import Label, Modelled
from foldwise.tables import Recipe
from foldwise.tables.design import MISSING_LEVEL, Category
from foldwise.tables.frames import Columns
from foldwise.tables.values import kind_of, number_in

Held = Literal["text", "number", "boolean"]


@dataclass(frozen=True)
class NumberTerm:
    """A column of numbers, or of true and false: `weight` times its value, `missing` where there is none."""

    source: str
    weight: float
    missing: float
    is_boolean: bool = False


@dataclass(frozen=True)
class LevelTerm:
    """A category: what each of its levels adds, and a missing value; levels that are not listed add nothing.

    The table holds its levels as text, or as numbers or true and false that are taken as codes.
    """

    source: str
    held: Held
    weights: tuple[tuple[Label, float], ...]
    missing: float
    gap: str = ""
    """What stands for a missing value where text can't be missing: the empty text, or its level if that is one."""


@dataclass(frozen=True)
class Line:
    """Intercept + the terms: a linear predictor, but for an offset."""

    intercept: float
    numbers: tuple[NumberTerm, ...]
    categories: tuple[LevelTerm, ...]

    @classmethod
    def of(cls, recipe: Recipe, coef: Sequence[float], intercept: float, columns: Columns) -> Self:
        """From coefficients (p,) of a recipe's columns; columns whose coefficients are all 0 are left out."""
        at_missing = dict(zip(recipe.indicators, coef[len(recipe.design_columns) :], strict=True))
        numbers = [
            NumberTerm(
                column.source,
                float(coef[j]),
                float(coef[j] * recipe.fills[j] + at_missing.get(j, 0.0)),
                kind_of(column.source, columns[column.source]) == "boolean",
            )
            for j, column in enumerate(recipe.design_columns)
            if column.kind in {"number", "boolean"}
        ]
        categories = [_level_term(category, recipe, coef, columns) for category in recipe.categories]
        return cls(
            float(intercept),
            tuple(term for term in numbers if term.weight != 0.0 or term.missing != 0.0),
            tuple(term for term in categories if term.weights or term.missing != 0.0),
        )

    @property
    def terms(self) -> tuple[NumberTerm | LevelTerm, ...]:
        """All terms."""
        return (*self.numbers, *self.categories)


@dataclass(frozen=True)
class Formula:
    """One line, through the inverse of a link: a mean, or the chance of the second of two classes.

    Of three classes or more each has a line, and what comes out are their chances. Of times to an event the line itself
    is what comes out: the logarithm of the hazard, relative to a row of zeros.

    Attributes
    ----------
    lines : tuple of Line
    modelled : Modelled
    offset : str or None
        A column that is added to the line.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from foldwise.families import Gaussian
    >>> from foldwise.tables import make_design
    >>> table = {"x": pa.array([1.0, 3.0, 8.0]), "kind": pa.array(["oak", "ash", "oak"])}
    >>> recipe = Recipe.learn(make_design(table), min_level_count=1)
    >>> recipe.names
    ('x', 'kind=oak')
    >>> Formula.of(recipe, [2.0, 5.0], 1.0, Modelled(Gaussian(), "y", ""), table).lines[0].categories[0].weights
    (('oak', 5.0),)
    """

    lines: tuple[Line, ...]
    modelled: Modelled
    offset: str | None = None

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        coef: ArrayLike,
        intercept: ArrayLike,
        modelled: Modelled,
        columns: Columns,
        offset: str | None = None,
    ) -> Self:
        """From coefficients (p,) or (p, C) of a recipe's columns, for tables whose columns hold what these do."""
        whole, bases = np.asarray(coef, dtype=np.float64), np.atleast_1d(np.asarray(intercept, dtype=np.float64))
        each = whole[:, None] if whole.ndim == 1 else whole
        lines = [
            Line.of(recipe, column.tolist(), float(base), columns) for column, base in zip(each.T, bases, strict=True)
        ]
        return cls(tuple(lines), modelled, offset)

    @property
    def inputs(self) -> tuple[NumberTerm | LevelTerm, ...]:
        """A term for each of the table's columns that count in some line, the offset the last."""
        found = {term.source: term for line in self.lines for term in line.terms}
        if self.offset is not None:
            found |= {self.offset: NumberTerm(self.offset, 1.0, math.nan)}
        return tuple(found.values())

    @property
    def sources(self) -> tuple[str, ...]:
        """The table's columns that count."""
        return tuple(term.source for term in self.inputs)

    @property
    def has_several(self) -> bool:
        """Whether there are three classes or more."""
        return len(self.lines) > 1

    @property
    def link(self) -> str:
        """Identity, log, logit, probit, cloglog or softmax; identity where the line itself comes out."""
        return "identity" if self.modelled.is_risk else str(self.modelled.family.link_name)

    @property
    def outcome(self) -> str:
        """What comes out, as a name: in ONNX and Python, and in the SQL that is suggested."""
        if self.modelled.is_risk:
            return "log_hazard_ratio"
        if self.has_several:
            return "probabilities"
        return "probability" if self.modelled.classes else "prediction"

    @property
    def subject(self) -> str:
        """What comes out, in words of printable ASCII on one line, fit for a comment."""
        target, classes = ascii(self.modelled.target), self.modelled.classes
        if self.modelled.is_risk:
            return f"the log hazard ratio of {target}, relative to a row of zeros"
        if self.has_several:
            return f"the chances of {target} being each of {len(classes)} classes"
        if classes:
            return f"the chance of {target} being {classes[1]!a}"
        return target


def _level_term(category: Category, recipe: Recipe, coef: Sequence[float], columns: Columns) -> LevelTerm:
    rare = set(recipe.rare)
    held = kind_of(category.source, columns[category.source])
    missing, weights = 0.0, list[tuple[Label, float]]()
    for level, place in category.levels:
        if place is None:
            continue
        if place in rare:
            place = category.other  # noqa: PLW2901 - where its rows were counted
        weight = 0.0 if place is None else float(coef[place])
        if level == MISSING_LEVEL:
            missing = weight
        if weight != 0.0 and (value := _value(level, held)) is not None:
            weights.append((value, weight))
    gap = MISSING_LEVEL if any(level == "" for level, _ in category.levels) else ""
    return LevelTerm(category.source, "text" if held == "nothing" else held, tuple(weights), missing, gap)


def _value(level: str, held: str) -> Label | None:
    """A level as a table holds it that has numbers, or true and false, in its place; None where it can't."""
    if held == "number":
        number = number_in(level)
        if number is None or not math.isfinite(number):
            return None
        return int(level) if level.lstrip("-").isdigit() else number
    if held == "boolean":
        return {"true": True, "false": False}.get(level)
    return level


def told_of(formula: Formula, eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """What comes out at predictors: means, chances of the second class or (n, C) of each, or the predictors."""
    return eta if formula.modelled.is_risk else formula.modelled.family.mean(eta)
