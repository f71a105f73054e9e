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
    weighted : bool
        Whether weights were given.
    folds : Folds
    fill : str
    min_level_count : int
    """

    features: list[dict[str, Any]]
    numbers: dict[str, Floats]
    texts: dict[str, NDArray[np.str_]]
    y: Floats
    weight: Floats
    weighted: bool
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
        if settings.get("offset"):
            raise InputError("scikit-learn's estimators take no offset, which this report's fits had")
        features, target = report["features"], report["target"]["name"]
        asked = [settings["groups"], settings["sample_weight"]]
        for name in [target, *(feature["source"] for feature in features), *(name for name in asked if name)]:
            if name == "given as values":
                raise InputError("groups or sample_weight were given as values, which the report does not hold")
            if name not in columns:
                raise InputError(f"the table has no column {name!r}, which the report has")
        n = len(columns[target])
        if n != report["rows"]:
            raise InputError(f"the table has {n} rows, the report {report['rows']}: it is of another table")
        y = _target(columns, target, report["family"])
        weight = np.ones(n) if not settings["sample_weight"] else numbers("weight", columns[settings["sample_weight"]])
        categories = {feature["source"] for feature in features if feature["kind"] in {"level", "other levels"}}
        plain = {feature["source"] for feature in features} - categories
        return cls(
            features,
            {source: numbers(source, columns[source]) for source in plain},
            {source: _texts(columns, source) for source in categories},
            y,
            weight,
            bool(settings["sample_weight"]),
            _folds(report, y, columns),
            settings["fill"],
            settings["min_level_count"],
        )

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


def _target(columns: Columns, target: str, family: dict[str, Any]) -> Floats:
    classes = family["classes"]
    if not classes:
        return numbers(target, columns[target])
    if kind_of(target, columns[target]) == "text":
        return np.asarray(_texts(columns, target) == classes[1], dtype=np.float64)
    return np.asarray(numbers(target, columns[target]) == float(classes[1]), dtype=np.float64)


def _folds(report: dict[str, Any], y: Floats, columns: Columns) -> Folds:
    settings, count, repeats = report["settings"], report["folds"]["folds"], report["folds"]["repeats"]
    if settings["seed"] is None:
        raise InputError("the folds were given, not dealt from a seed, so that the report does not say which they are")
    if settings["groups"]:
        groups = np.asarray(columns[settings["groups"]].to_pylist(), dtype=object)
        return Folds.grouped(groups, count, repeats=repeats, seed=settings["seed"])
    if settings["stratify"]:
        return Folds.stratified(y, count, repeats=repeats, seed=settings["seed"])
    return Folds.kfold(len(y), count, repeats=repeats, seed=settings["seed"])
