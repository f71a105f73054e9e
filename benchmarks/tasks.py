"""The standard cross-validation tasks: rows, target, fold labels and penalties, the same for every solver.

Columns are centred and scaled to unit variance over all rows, so that every solver gets the same problem. The task
`cars3` needs nothing but foldwise; the others need tables from the folder that the environment variable FOLDWISE_DATA
names (by default the folder shared/data beside the checkout).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.preprocessing import PolynomialFeatures

import foldwise as fw

FOLDS = 10
ALPHAS = 100


@dataclass(frozen=True)
class Task:
    """One regression problem with its folds.

    X (n, p) in Fortran order, y (n,), labels (n,) in 0..9, alphas (100,) from the smallest penalty that empties the
    lasso down to a thousandth of it.
    """

    name: str
    X: NDArray[np.float64]
    y: NDArray[np.float64]
    labels: NDArray[np.intp]
    alphas: NDArray[np.float64]

    @property
    def splits(self) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Return the folds as scikit-learn wants them: pairs of training rows and test rows."""
        return [(np.flatnonzero(self.labels != fold), np.flatnonzero(self.labels == fold)) for fold in range(FOLDS)]

    @property
    def ridge_alphas(self) -> NDArray[np.float64]:
        """Return as many penalties for ridge, in scikit-learn's units: ten times the rows to a ten-thousandth."""
        return len(self.y) * np.logspace(1, -4, len(self.alphas))

    def head(self, rows: int) -> "Task":
        """Return the same task on the first rows only."""
        return Task(self.name, np.asfortranarray(self.X[:rows]), self.y[:rows], self.labels[:rows], self.alphas)


def _data_folder() -> Path:
    named = os.environ.get("FOLDWISE_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        message = (
            f"the tables of the standard tasks are not in {folder}: set FOLDWISE_DATA to their folder, or run cars3"
        )
        raise FileNotFoundError(message)
    return folder


def _scaled(X: NDArray[np.float64]) -> NDArray[np.float64]:
    X = X[:, X.std(0) > 0]
    return np.asfortranarray((X - X.mean(0)) / X.std(0))


def _plain(table: pd.DataFrame) -> NDArray[np.float64]:
    numbers = table.select_dtypes("number")
    return _scaled(numbers.fillna(numbers.median()).to_numpy(float))


def _cubic(table: pd.DataFrame) -> NDArray[np.float64]:
    return _scaled(PolynomialFeatures(3, include_bias=False).fit_transform(_plain(table)))


def _cars3() -> tuple[NDArray[np.float64], pd.Series]:
    table = fw.datasets.auto_mpg("pandas")
    return _cubic(table.drop(columns="mpg")), table["mpg"]


def _communities() -> tuple[NDArray[np.float64], pd.Series]:
    table = pd.read_csv(_data_folder() / "communities_crime.csv")
    names = ["state", "county", "community", "communityname", "fold", "ViolentCrimesPerPop"]
    return _plain(table.drop(columns=names)), table["ViolentCrimesPerPop"]


def _cal3() -> tuple[NDArray[np.float64], pd.Series]:
    table = pd.read_parquet(_data_folder() / "california_housing.parquet")
    return _cubic(table.drop(columns="MedHouseVal")), table["MedHouseVal"]


def _protein3() -> tuple[NDArray[np.float64], pd.Series]:
    table = pd.read_parquet(_data_folder() / "bnn_protein_tertiary_structure.parquet")
    return _cubic(table.drop(columns="y")), table["y"]


BUILDERS: dict[str, Callable[[], tuple[NDArray[np.float64], pd.Series]]] = {
    "cars3": _cars3,  # 398 x 119: auto-mpg, all cubic terms
    "communities": _communities,  # 1,994 x 122
    "cal3": _cal3,  # 20,640 x 164: California housing, all cubic terms, ill-conditioned
    "protein3": _protein3,  # 45,730 x 219: protein structure, all cubic terms, ill-conditioned
}


def build(name: str) -> Task:
    """Return the task of that name."""
    X, target = BUILDERS[name]()
    y = target.to_numpy(float)
    n = len(y)
    strongest = np.abs(X.T @ (y - y.mean())).max() / n
    labels = np.random.default_rng(0).permutation(n) % FOLDS
    return Task(name, X, y, labels, strongest * np.logspace(0, -3, ALPHAS))
