"""A fitted line in terms of the table's own columns: what every value adds to the predictor. All exports begin here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

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
class Formula:
    """Intercept + the terms, through the inverse of a link: a mean, or the chance of the second of two classes.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from foldwise.families import Gaussian
    >>> from foldwise.tables import make_design
    >>> table = {"x": pa.array([1.0, 3.0, 8.0]), "kind": pa.array(["oak", "ash", "oak"])}
    >>> recipe = Recipe.learn(make_design(table), min_level_count=1)
    >>> recipe.names
    ('x', 'kind=oak')
    >>> Formula.of(recipe, [2.0, 5.0], 1.0, Modelled(Gaussian(), "y", ""), table).terms[1].weights
    (('oak', 5.0),)
    """

    intercept: float
    numbers: tuple[NumberTerm, ...]
    categories: tuple[LevelTerm, ...]
    modelled: Modelled

    @classmethod
    def of(cls, recipe: Recipe, coef: Sequence[float], intercept: float, modelled: Modelled, columns: Columns) -> Self:
        """From coefficients (p,) of a recipe's columns, for tables whose columns hold what these do.

        Columns whose coefficients are all 0 are left out.
        """
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
            modelled,
        )

    @property
    def terms(self) -> tuple[NumberTerm | LevelTerm, ...]:
        """All terms."""
        return (*self.numbers, *self.categories)

    @property
    def sources(self) -> tuple[str, ...]:
        """The table's columns that count."""
        return tuple(term.source for term in self.terms)

    @property
    def link(self) -> str:
        """Identity, log, logit, probit or cloglog."""
        return str(self.modelled.family.link_name)

    @property
    def subject(self) -> str:
        """What comes out, in words of printable ASCII on one line, fit for a comment."""
        if self.modelled.classes:
            return f"the chance of {self.modelled.target!a} being {self.modelled.classes[1]!a}"
        return f"{self.modelled.target!a}"


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


def mean_of(formula: Formula, eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean, or the chance of the second class, at predictors."""
    return formula.modelled.family.mean(eta)
