"""The standard cross-validation tasks: rows, target, fold labels and penalties, the same for every solver.

Columns are centred and scaled to unit variance over all rows, so that every solver gets the same problem (those of the
sparse task stay as they are). The tasks `cars3` and `sparse` need nothing but foldwise; the others need tables from the
folder that the environment variable FOLDWISE_DATA names (by default the folder shared/data beside the checkout).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.preprocessing import PolynomialFeatures

import foldwise as fw

FOLDS = 10
ALPHAS = 100


@dataclass(frozen=True)
class Task:
    """One regression problem with its folds.

    X (n, p) in Fortran order or sparse by columns, y (n,), labels (n,) in 0..9, alphas (100,) from the smallest penalty
    that empties the lasso down to a thousandth of it, or to a hundredth where there are more columns than rows; weights
    (n,) where rows count differently.
    """

    name: str
    X: Any
    y: NDArray[np.float64]
    labels: NDArray[np.intp]
    alphas: NDArray[np.float64]
    family: str = "gaussian"
    weights: NDArray[np.float64] | None = None

    @property
    def splits(self) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Return the folds as scikit-learn wants them: pairs of training rows and test rows."""
        return [(np.flatnonzero(self.labels != fold), np.flatnonzero(self.labels == fold)) for fold in range(FOLDS)]

    @property
    def ridge_alphas(self) -> NDArray[np.float64]:
        """Return as many penalties for ridge, in scikit-learn's units: ten times the rows to a ten-thousandth."""
        return len(self.y) * np.logspace(1, -4, len(self.alphas))

    @property
    def is_wide(self) -> bool:
        """Whether there are more columns than rows."""
        return bool(self.X.shape[1] > self.X.shape[0])

    @property
    def bytes(self) -> int:
        """What X takes."""
        parts = (self.X.data, self.X.indices, self.X.indptr) if sparse.issparse(self.X) else (self.X,)
        return sum(part.nbytes for part in parts)

    def with_alphas(self, number: int) -> "Task":
        """Return the same task with that many of its penalties, the strongest and the weakest among them."""
        chosen = np.unique(np.linspace(0, len(self.alphas) - 1, number).round().astype(int))
        return replace(self, alphas=self.alphas[chosen])

    def head(self, rows: int) -> "Task":
        """Return the same task on the first rows only."""
        X, weights = np.asfortranarray(self.X[:rows]), None if self.weights is None else self.weights[:rows]
        return replace(self, X=X, y=self.y[:rows], labels=self.labels[:rows], weights=weights)


def data_folder() -> Path:
    """Return where the tables are; FileNotFoundError says how to name it."""
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


def plain(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return the numeric columns that vary, filled with their medians, centred and scaled."""
    numbers = table.select_dtypes("number")
    return _scaled(numbers.fillna(numbers.median()).to_numpy(float))


def _cubic(table: pd.DataFrame) -> NDArray[np.float64]:
    return _scaled(PolynomialFeatures(3, include_bias=False).fit_transform(plain(table)))


def _cars3() -> tuple[NDArray[np.float64], pd.Series]:
    table = fw.datasets.auto_mpg("pandas")
    return _cubic(table.drop(columns="mpg")), table["mpg"]


def _communities() -> tuple[NDArray[np.float64], pd.Series]:
    table = pd.read_csv(data_folder() / "communities_crime.csv")
    names = ["state", "county", "community", "communityname", "fold", "ViolentCrimesPerPop"]
    return plain(table.drop(columns=names)), table["ViolentCrimesPerPop"]


def _cal3() -> tuple[NDArray[np.float64], pd.Series]:
    table = pd.read_parquet(data_folder() / "california_housing.parquet")
    return _cubic(table.drop(columns="MedHouseVal")), table["MedHouseVal"]


def _protein3() -> tuple[NDArray[np.float64], pd.Series]:
    table = pd.read_parquet(data_folder() / "bnn_protein_tertiary_structure.parquet")
    return _cubic(table.drop(columns="y")), table["y"]


def _riboflavin() -> tuple[NDArray[np.float64], pd.Series]:
    table = pd.read_parquet(data_folder() / "riboflavin.parquet")
    return plain(table.drop(columns="y")), table["y"]


def _mice_snp() -> tuple[NDArray[np.float64], pd.Series]:
    table = pd.read_parquet(data_folder() / "mice_snp.parquet")
    targets = ["Obesity.BMI", "Obesity.BodyLength", "Obesity.EndNormalBW"]
    return plain(table.drop(columns=targets)), table[targets[0]]


def sparse_problem(n: int, p: int, per_column: int) -> tuple[sparse.csc_matrix, pd.Series]:
    """Return X (n, p) with exactly `per_column` entries a column, and a target that half depends on 100 columns."""
    rng = np.random.default_rng(0)
    stratum = n // per_column  # one entry in each stretch of rows: distinct and in order
    rows = np.arange(per_column) * stratum + rng.integers(stratum, size=(p, per_column))
    starts = np.arange(0, p * per_column + 1, per_column)
    X = sparse.csc_matrix((rng.normal(size=p * per_column), rows.ravel(), starts), shape=(n, p))
    used = rng.choice(p, size=min(100, p), replace=False)
    signal = X[:, used] @ rng.normal(size=len(used))
    return X, pd.Series(signal + signal.std() * rng.normal(size=n))


BUILDERS: dict[str, Callable[[], tuple[Any, pd.Series]]] = {
    "cars3": _cars3,  # 398 x 119: auto-mpg, all cubic terms
    "communities": _communities,  # 1,994 x 122
    "cal3": _cal3,  # 20,640 x 164: California housing, all cubic terms, ill-conditioned
    "protein3": _protein3,  # 45,730 x 219: protein structure, all cubic terms, ill-conditioned
    "riboflavin": _riboflavin,  # 71 x 4,088: gene expression
    "mice_snp": _mice_snp,  # 1,814 x 10,346: mouse genotypes
    "sparse": lambda: sparse_problem(20_000, 200_000, 50),  # 1e7 entries, generated; long
}


def build(name: str) -> Task:
    """Return the task of that name."""
    X, target = BUILDERS[name]()
    return make(name, X, target.to_numpy(float))


def make(
    name: str,
    X: Any,
    y: NDArray[np.float64],
    family: str = "gaussian",
    weights: NDArray[np.float64] | None = None,
) -> Task:
    """Return a task with its folds and penalties; y less its mean is the slope at zero in every family here."""
    n, p = X.shape
    if weights is None:
        strongest = np.abs(X.T @ (y - y.mean())).max() / n
    else:
        strongest = np.abs(X.T @ (weights * (y - np.average(y, weights=weights)))).max() / weights.sum()
    labels = np.random.default_rng(0).permutation(n) % FOLDS
    alphas = strongest * np.logspace(0, -3 if n > p else -2, ALPHAS)
    return Task(name, X, y, labels, alphas, family, weights)
