"""The standard tasks of generalized linear models: two classes, and claim counts with the exposure as weight.

Numeric columns of `golub` and `spambase` are centred and scaled as in `benchmarks.tasks`; the zeros and ones of `a9a`
and `motor` stay as they are. They need tables from the folder that FOLDWISE_DATA names.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.tasks import Task, data_folder, make, plain

Array = NDArray[np.float64]

MANY_VALUES = 12
BINS = 10
LEAST_EXPOSURE, MOST_EXPOSURE, MOST_CLAIMS = 1e-3, 1.0, 4.0


@dataclass(frozen=True)
class Rows:
    """X (n, p) in Fortran order, y (n,) and, where rows count differently, weights (n,)."""

    X: Any
    y: Array
    weights: Array | None = None


def _golub() -> Rows:
    table = pd.read_parquet(data_folder() / "gene_golub.parquet")
    return _two_classes(table, "class")


def _spambase() -> Rows:
    return _two_classes(pd.read_csv(data_folder() / "spambase.csv"), "spam")


def _two_classes(table: pd.DataFrame, target: str) -> Rows:
    second = np.unique(table[target])[1]
    return Rows(plain(table.drop(columns=target)), (table[target] == second).to_numpy(float))


def _a9a() -> Rows:
    X = sparse.load_npz(data_folder() / "a9a_X.npz")
    return Rows(np.asfortranarray(X.toarray()), (np.load(data_folder() / "a9a_y.npy") > 0).astype(float))


def _motor() -> Rows:
    """Return claims per year of exposure, the exposure as weight; numbers with many values are cut into tenths."""
    table = pd.read_parquet(data_folder() / "freMTPL2freq.parquet")
    exposure = table["Exposure"].to_numpy(float).clip(LEAST_EXPOSURE, MOST_EXPOSURE)
    claims = np.minimum(table["ClaimNb"].to_numpy(float), MOST_CLAIMS)
    features = table.drop(columns=["Exposure", "ClaimNb", "IDpol"])
    levels = pd.DataFrame({name: _levels(column) for name, column in features.items()})
    return Rows(np.asfortranarray(pd.get_dummies(levels, dtype=float).to_numpy()), claims / exposure, exposure)


def _levels(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > MANY_VALUES:
        column = pd.qcut(column, BINS, duplicates="drop")
    return column.astype(str)


BUILDERS: dict[str, tuple[str, Callable[[], Rows]]] = {
    "golub": ("binomial", _golub),  # 72 x 7,129: gene expression, two kinds of leukaemia
    "spambase": ("binomial", _spambase),  # 4,601 x 57
    "a9a": ("binomial", _a9a),  # 32,561 x 123, zeros and ones, 11 % ones
    "motor": ("poisson", _motor),  # 678,013 x 88, zeros and ones, 10 % ones
}


def build(name: str) -> Task:
    """Return the task of that name."""
    family, rows_of = BUILDERS[name]
    rows = rows_of()
    return make(name, rows.X, rows.y, family, rows.weights)
