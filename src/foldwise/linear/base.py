"""What every linear estimator shares: reading rows, predicting, saying what is doubtful."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from foldwise.errors import DataWarning, InputError
from foldwise.moments.check import check_weight

Array = NDArray[np.float64]
FLOATS = (np.float64, np.float32)  # what is taken as it is; anything else is made the first
_NAMED = 10  # how many columns a warning names
_ROWS = 4096  # how many rows are worked on at a time
_CHUNK_BYTES = 1 << 20  # how much of a table in single precision is in double at a time


class LinearBase(BaseEstimator):  # type: ignore[misc]
    """A fitted line: `coef_` (p,) or (T, p), `intercept_`, and `scale_` (p,), the columns' standard deviations."""

    coef_: Array
    intercept_: Any
    scale_: Array

    def _takes_sparse(self) -> bool:
        """Whether X may be sparse."""
        return False

    def _sparse_kinds(self) -> list[str] | bool:
        """What scikit-learn's validation is to leave sparse."""
        return ["csr", "csc"] if self._takes_sparse() else False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._takes_sparse()
        return tags

    def _read(
        self, X: Any, y: Any, sample_weight: Any, *, targets: bool = True, least_rows: int = 1, single: bool = False
    ) -> tuple[Array, Array, Array | None]:
        """X (n, p), y (n,) or with `targets` (n, T), weights (n,); all float64, finite, never changed.

        With `single`, X may stay in single precision.
        """
        X, y = validate_data(
            self,
            X,
            y,
            dtype=FLOATS if single else np.float64,
            accept_sparse=self._sparse_kinds(),
            multi_output=True,
            y_numeric=True,
            ensure_min_samples=least_rows,
        )
        if not targets:
            y = column_or_1d(y, warn=True)
        y = np.asarray(y, dtype=np.float64)
        self._check_size(X, y)
        return X, y, check_weight(sample_weight, X.shape[0])

    def _check_size(self, X: Array, y: Array) -> None:
        """Squares must neither overflow nor vanish."""
        least, most = 1e-140, 1e140
        low, high = X.min(axis=0), X.max(axis=0)
        low, high = (part.toarray().ravel() if issparse(X) else part for part in (low, high))
        size = np.maximum(high, -low).astype(np.float64)
        odd = np.flatnonzero((size > 0) & ((size < least) | (size > most)))
        if odd.size:
            at = int(odd[0])
            raise InputError(
                f"X must have values whose squares a double can hold, in size between {least:g} and {most:g} or zero; "
                f"{self._column(at)} has up to {size[at]:g}. Use another unit"
            )
        if y.dtype.kind == "f" and np.abs(y).max() > most:
            raise InputError(f"y must be at most {most:g} in size, got {np.abs(y).max():g}. Use another unit")

    def _column(self, at: int) -> str:
        names = getattr(self, "feature_names_in_", None)
        return f"column {at}" if names is None else f"'{names[at]}'"

    def _warn_collinear(self, rank: int, collinear: tuple[int, ...]) -> None:
        if not collinear:
            return
        shown = ", ".join(self._column(at) for at in collinear[:_NAMED])
        more = f" and {len(collinear) - _NAMED} more" if len(collinear) > _NAMED else ""
        message = (
            f"The rows don't determine the coefficients (rank {rank}): {shown}{more} take part in an exact linear "
            "relation. Of all best answers the one with the smallest sum of squares is given; predictions are not "
            "affected. Drop a column of the relation, or use Ridge."
        )
        warnings.warn(message, DataWarning, stacklevel=3)


class LinearModel(RegressorMixin, LinearBase):  # type: ignore[misc]
    """A line that predicts the mean of a target that is any number."""

    def predict(self, X: Any) -> Array:
        """Predict y, (n,) or (n, T), for the rows of X (n, p)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FLOATS, accept_sparse=self._sparse_kinds(), reset=False)
        return np.asarray(times(X, self.coef_.T) + self.intercept_)


def times(X: Any, coef: Array) -> Array:
    """X (n, p), dense or sparse, times (p,) or (p, T), in double precision without a copy of an X in single.

    Examples
    --------
    >>> import numpy as np
    >>> times(np.array([[1.0, 2.0]], dtype=np.float32), np.array([0.5, 0.25]))
    array([1.])
    """
    if issparse(X) or X.dtype == coef.dtype:
        return np.asarray(X @ coef)
    out, rows = np.empty((len(X), *coef.shape[1:])), max(1, _CHUNK_BYTES // (8 * X.shape[1]))
    for at in range(0, len(X), rows):
        np.matmul(X[at : at + rows].astype(coef.dtype), coef, out=out[at : at + rows])
    return out


def spread(X: Array, weights: Array | None) -> Array:
    """Weighted standard deviations (p,) of the columns, with 1/W: the scale of `standardize`."""
    mean = np.average(X, axis=0, weights=weights)
    total = np.zeros(X.shape[1])
    for at in range(0, len(X), _ROWS):
        square = (X[at : at + _ROWS] - mean) ** 2
        total += square.sum(axis=0) if weights is None else weights[at : at + _ROWS] @ square
    deviation = np.sqrt(total / (len(X) if weights is None else weights.sum()))
    return np.where(deviation <= 4 * np.finfo(float).eps * np.abs(mean), 0.0, deviation)
