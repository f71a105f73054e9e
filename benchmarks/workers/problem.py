"""One regression problem with its folds, as raw files that Python maps and R reads: no format library on either side.

A folder holds `shape.txt` (n, p, stored entries or -1 where X is dense), `y.bin`, `labels.bin` (int32), `alphas.bin`,
and `X.bin` column by column, or `data.bin`, `indices.bin` and `indptr.bin` (int32) of a sparse X by columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Problem:
    """X (n, p), dense in Fortran order or sparse by columns; y (n,); labels (n,) in 0..K-1; alphas (A,) descending."""

    X: Any
    y: NDArray[np.float64]
    labels: NDArray[np.int32]
    alphas: NDArray[np.float64]

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
        """Return the cross-validated error (A,) of folds' mean squared errors (K, A), every row counting alike."""
        return np.bincount(self.labels, minlength=len(errors)) @ errors / len(self.y)

    def test_error(self, fold: int, coef: Any, intercept: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean squared error (A,) on a fold of coef (A, p), dense or sparse, and intercept (A,)."""
        rows = self.test(fold)
        X = self.X[rows]
        fitted = X @ coef.T
        fitted = fitted if isinstance(fitted, np.ndarray) else fitted.toarray()
        return ((self.y[rows, None] - fitted - intercept) ** 2).mean(0)


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
    return Problem(
        X,
        np.fromfile(folder / "y.bin"),
        np.fromfile(folder / "labels.bin", np.int32),
        np.fromfile(folder / "alphas.bin"),
    )
