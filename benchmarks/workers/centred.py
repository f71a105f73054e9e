"""Training rows, centred as scikit-learn's and celer's estimators centre them before they walk a path."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.workers.problem import Problem


@dataclass(frozen=True)
class Centred:
    """Rows of a training set; a sparse X stays as it is, and `offset` tells its column means to the path function."""

    X: Any
    y: NDArray[np.float64]
    x_mean: NDArray[np.float64]
    y_mean: float
    offset: dict[str, Any]

    def intercept(self, coef: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the intercepts (A,) for coef (p, A)."""
        return self.y_mean - self.x_mean @ coef


def centred(problem: Problem, held_out: list[int]) -> Centred:
    """Return the rows that these folds leave."""
    rows = problem.training(held_out)
    X, y = problem.X[rows], problem.y[rows]
    x_mean, y_mean = np.asarray(X.mean(0)).ravel(), float(y.mean())
    if problem.is_sparse:
        offset = {"X_offset": x_mean, "X_scale": np.ones(len(x_mean))}
        return Centred(X.tocsc(), y - y_mean, x_mean, y_mean, offset)
    return Centred(np.asfortranarray(X - x_mean), y - y_mean, x_mean, y_mean, {})
