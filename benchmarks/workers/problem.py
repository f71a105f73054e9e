"""One regression problem with its folds, as raw files that Python maps and R reads: no format library on either side.

A folder holds `shape.txt` (n, p, stored entries or -1 where X is dense, strengths), `family.txt`, `y.bin`, `labels.bin`
(int32), `alphas.bin`, `weights.bin` where rows count differently, and `X.bin` column by column, or `data.bin`,
`indices.bin` and `indptr.bin` (int32) of a sparse X by columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def _binomial(y: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2.0 * (np.logaddexp(0.0, eta) - y * eta)


def _poisson(y: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    saturated = y - y * np.log(np.where(y > 0.0, y, 1.0))
    return 2.0 * (np.exp(eta) - y * eta - saturated)


DEVIANCES = {"gaussian": lambda y, eta: (y - eta) ** 2, "binomial": _binomial, "poisson": _poisson}


@dataclass(frozen=True)
class Problem:
    """X (n, p), dense in Fortran order or sparse by columns; y, weights (n,); labels (n,); falling alphas (A,)."""

    X: Any
    y: NDArray[np.float64]
    labels: NDArray[np.int32]
    alphas: NDArray[np.float64]
    family: str = "gaussian"
    weights: NDArray[np.float64] | None = None

    @property
    def n_folds(self) -> int:
        """Number of folds K."""
        return int(self.labels.max()) + 1

    @property
    def is_sparse(self) -> bool:
        """Whether X is a sparse matrix."""
        return not isinstance(self.X, np.ndarray)

    def training(self, held_out: Sequence[int]) -> NDArray[np.intp]:
        """Return the rows that the folds in `held_out` leave."""
        return np.flatnonzero(~np.isin(self.labels, held_out))

    def test(self, fold: int) -> NDArray[np.intp]:
        """Return the rows of a fold."""
        return np.flatnonzero(self.labels == fold)

    @property
    def splits(self) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Return the folds as scikit-learn wants them: pairs of training rows and test rows."""
        return [(self.training([fold]), self.test(fold)) for fold in range(self.n_folds)]

    def first(self, number: int) -> "Problem":
        """Return the same problem with the first strengths only."""
        return replace(self, alphas=self.alphas[:number])

    def spread(self, number: int) -> "Problem":
        """Return the same problem with about that many strengths from the whole range."""
        return replace(self, alphas=self.alphas[:: max(1, len(self.alphas) // number)])

    def mean_error(self, errors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the cross-validated error (A,) of folds' mean errors (K, A), every row counting by its weight."""
        share = np.bincount(self.labels, self.weights, len(errors))
        return share @ errors / share.sum()

    def test_error(self, fold: int, coef: Any, intercept: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean deviance (A,) on a fold of coef (A, p), dense or sparse, and intercept (A,)."""
        rows = self.test(fold)
        X = self.X[rows]
        fitted = X @ coef.T
        fitted = (fitted if isinstance(fitted, np.ndarray) else fitted.toarray()) + intercept
        weights = None if self.weights is None else self.weights[rows]
        return np.average(DEVIANCES[self.family](self.y[rows, None], fitted), axis=0, weights=weights)


def save(problem: Any, folder: Path) -> None:
    """Write X, y, labels and alphas of a problem into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    n, p = problem.X.shape
    dense = isinstance(problem.X, np.ndarray)
    stored = -1 if dense else problem.X.nnz
    (folder / "shape.txt").write_text(f"{n} {p} {stored} {len(problem.alphas)}\n", encoding="utf-8")
    if dense:
        np.asfortranarray(problem.X, dtype=float).T.tofile(folder / "X.bin")
    else:
        by_columns = problem.X.tocsc()
        by_columns.data.astype(float).tofile(folder / "data.bin")
        by_columns.indices.astype(np.int32).tofile(folder / "indices.bin")
        by_columns.indptr.astype(np.int32).tofile(folder / "indptr.bin")
    np.asarray(problem.y, float).tofile(folder / "y.bin")
    np.asarray(problem.labels, np.int32).tofile(folder / "labels.bin")
    np.asarray(problem.alphas, float).tofile(folder / "alphas.bin")
    (folder / "family.txt").write_text(f"{problem.family}\n", encoding="utf-8")
    if problem.weights is not None:
        np.asarray(problem.weights, float).tofile(folder / "weights.bin")


def load(folder: Path) -> Problem:
    """Return the problem of a folder; X is memory-mapped, copy on write, since some libraries refuse read-only rows."""
    n, p, stored, _ = (int(word) for word in (folder / "shape.txt").read_text(encoding="utf-8").split())
    if stored < 0:
        # Mapped in its shape: joblib hands a reshaped map to its processes row by row, in the wrong order.
        X: Any = np.asarray(np.memmap(folder / "X.bin", float, mode="c", shape=(n, p), order="F"))
    else:
        from scipy.sparse import csc_matrix

        kinds = {"data": float, "indices": np.int32, "indptr": np.int32}
        parts = tuple(np.asarray(np.memmap(folder / f"{part}.bin", kinds[part], mode="c")) for part in kinds)
        X = csc_matrix(parts, shape=(n, p))
    weights = folder / "weights.bin"
    return Problem(
        X,
        np.fromfile(folder / "y.bin"),
        np.fromfile(folder / "labels.bin", np.int32),
        np.fromfile(folder / "alphas.bin"),
        (folder / "family.txt").read_text(encoding="utf-8").strip(),
        np.fromfile(weights) if weights.is_file() else None,
    )
