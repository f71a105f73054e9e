"""The rows that a report speaks of, as it describes them: the target, the weights, the folds, each training set's X."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.resampling import Folds
from foldwise.tables.design import OTHER_LEVEL
from foldwise.tables.frames import Columns, columns_of
from foldwise.tables.values import kind_of, levels_of, numbers

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Rows:
    """What fits are made of.

    Attributes
    ----------
    features : list of dict
        The report's: name, source, kind and level of each of the p columns.
    numbers : dict of (n,) arrays
        By source, NaN where missing.
    texts : dict of (n,) arrays
        By source, the levels of categories.
    y, weight : (n,) arrays
        Of classes their numbers, from 0; of times to an event the times.
    event : (n,) array
        Of times to an event: 1 where it came. Empty for others.
    offset : (n,) array
        What is added to every linear predictor.
    has_offset, weighted : bool
        Whether an offset and weights were given.
    n_classes : int
    folds : Folds
    fill : str
    min_level_count : int
    """

    features: list[dict[str, Any]]
    numbers: dict[str, Floats]
    texts: dict[str, NDArray[np.str_]]
    y: Floats
    weight: Floats
    event: Floats
    offset: Floats
    has_offset: bool
    weighted: bool
    n_classes: int
    folds: Folds
    fill: str
    min_level_count: int

    @classmethod
    def of(cls, report: dict[str, Any], table: Any) -> Self:
        """Read the table as the report says.

        Raises
        ------
        InputError
            If the table lacks a column or has other rows than the report's, or folds or weights can't be made again.
        """
        columns, settings = columns_of(table), report["settings"]
        features, target, event = report["features"], report["target"]["name"], report["target"].get("event")
        asked = [event, settings["groups"], settings["sample_weight"], settings.get("offset")]
        for name in [target, *(feature["source"] for feature in features), *(name for name in asked if name)]:
            if name == "given as values":
                raise InputError("groups, sample_weight or offset were given as values, which the report does not hold")
            if name not in columns:
                raise InputError(f"the table has no column {name!r}, which the report has")
        n = len(columns[target])
        if n != report["rows"]:
            raise InputError(f"the table has {n} rows, the report {report['rows']}: it is of another table")
        y = _target(columns, target, report["family"])
        weight = _numbers(columns, settings["sample_weight"], np.ones(n))
        came, offset = _numbers(columns, event, np.zeros(0)), _numbers(columns, settings.get("offset"), np.zeros(n))
        categories = {feature["source"] for feature in features if feature["kind"] in {"level", "other levels"}}
        plain = {feature["source"] for feature in features} - categories
        return cls(
            features,
            {source: numbers(source, columns[source]) for source in plain},
            {source: _texts(columns, source) for source in categories},
            y,
            weight,
            came,
            offset,
            bool(settings.get("offset")),
            bool(settings["sample_weight"]),
            len(report["family"]["classes"]),
            _folds(report, came if event else y, columns),
            settings["fill"],
            settings["min_level_count"],
        )

    @property
    def tests(self) -> list[Ints]:
        """The rows of each fold, repeat after repeat."""
        return [self.folds.test_rows(i) for i in range(self.folds.n_repeats * self.folds.n_folds)]

    def encoded(self, training: Ints) -> Floats:
        """The features (n, p) of all rows, filled and pooled as these training rows alone say."""
        return np.column_stack([self._feature(feature, training) for feature in self.features])

    def _feature(self, feature: dict[str, Any], training: Ints) -> Floats:
        source = feature["source"]
        if feature["kind"] == "missing":
            return np.isnan(self.numbers[source]).astype(np.float64)
        if feature["kind"] in {"number", "boolean"}:
            x = self.numbers[source]
            return np.where(np.isnan(x), self._fill(x[training], self.weight[training]), x)
        text, pooled = self.texts[source], self._pooled(source, training)
        if feature["kind"] == "other levels":
            return np.isin(text, pooled).astype(np.float64)
        own = text == feature["level"]
        return np.where(feature["level"] in pooled, 0.0, own.astype(np.float64))

    def _fill(self, x: Floats, weight: Floats) -> float:
        known = ~np.isnan(x)
        if not known.any():
            return 0.0
        return float(np.median(x[known]) if self.fill == "median" else np.average(x[known], weights=weight[known]))

    def _pooled(self, source: str, training: Ints) -> list[str]:
        """The levels that count as others: rare in the table, or with a column of their own and rare in training."""
        of_source = [feature for feature in self.features if feature["source"] == source]
        if all(feature["kind"] != "other levels" for feature in of_source):
            return []
        text, least = self.texts[source], self.min_level_count
        own = {feature["level"] for feature in of_source if feature["kind"] == "level"}
        return [
            str(level)
            for level in np.unique(text)
            if np.count_nonzero(text == level) < least
            or level == OTHER_LEVEL
            or (level in own and np.count_nonzero(text[training] == level) < least)
        ]


def _texts(columns: Columns, source: str) -> NDArray[np.str_]:
    levels = levels_of(columns[source])
    return np.array(levels.names)[levels.codes]


def _numbers(columns: Columns, name: str | None, otherwise: Floats) -> Floats:
    return numbers(name, columns[name]) if name else otherwise


def _target(columns: Columns, target: str, family: dict[str, Any]) -> Floats:
    classes = family["classes"]
    if not classes:
        return numbers(target, columns[target])
    of_text = kind_of(target, columns[target]) == "text"
    found: NDArray[Any] = _texts(columns, target) if of_text else numbers(target, columns[target])
    codes = np.zeros(len(found))
    for code, label in enumerate(classes):
        codes[found == (label if of_text else float(label))] = code
    return codes


def _folds(report: dict[str, Any], spread: Floats, columns: Columns) -> Folds:
    settings, count, repeats = report["settings"], report["folds"]["folds"], report["folds"]["repeats"]
    if settings["seed"] is None:
        raise InputError("the folds were given, not dealt from a seed, so that the report does not say which they are")
    if settings["groups"]:
        groups = np.asarray(columns[settings["groups"]].to_pylist(), dtype=object)
        return Folds.grouped(groups, count, repeats=repeats, seed=settings["seed"])
    if settings["stratify"]:
        return Folds.stratified(spread, count, repeats=repeats, seed=settings["seed"])
    return Folds.kfold(len(spread), count, repeats=repeats, seed=settings["seed"])
