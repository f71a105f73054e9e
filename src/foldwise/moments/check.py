"""Checks of the arrays that enter the moments, with messages that name the argument, the row and the column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from foldwise.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def check_features(X: Any, *, allow_missing: bool) -> Any:
    """X as a float (n, p) array with n, p >= 1 and no infinity; float32, sparse and any layout are kept as they are."""
    if sparse.issparse(X):
        return _check_sparse(X)
    array = np.asarray(X)
    if array.ndim != 2:
        message = f"X must have two dimensions (rows, features), got shape {array.shape}"
        raise InputError(message)
    if 0 in array.shape:
        message = f"X must have at least one row and one feature, got shape {array.shape}"
        raise InputError(message)
    if array.dtype not in (np.float32, np.float64):
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            message = f"X must hold numbers, got {array.dtype}: {error}"
            raise InputError(message) from error
    _check_finite(array, allow_missing=allow_missing)
    return array


def _check_sparse(X: Any) -> sparse.csr_array:
    """A sparse table by rows, with finite entries; zeros are zeros, never missing."""
    if X.ndim != 2 or 0 in X.shape:
        message = f"X must have at least one row and one feature, got shape {X.shape}"
        raise InputError(message)
    rows = sparse.csr_array(X)
    if rows.dtype not in (np.float32, np.float64):
        rows = rows.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(rows.data))
    if len(bad):
        row = int(np.searchsorted(rows.indptr, bad[0], side="right")) - 1
        where = f"row {row}, column {rows.indices[bad[0]]}"
        message = f"X must be finite, got {rows.data[bad[0]]} in {where} (from 0; {len(bad)} such)"
        raise InputError(message)
    return rows


def _check_finite(array: NDArray[np.floating], *, allow_missing: bool) -> None:
    # One number tells for the whole table; the cell is looked for only when something is wrong.
    with np.errstate(all="ignore"):
        if np.isfinite(array.sum(dtype=np.float64)):
            return
    bad = np.isinf(array) if allow_missing else ~np.isfinite(array)
    cells = np.argwhere(bad)
    if len(cells):
        row, column = cells[0]
        hint = "" if np.isinf(array[row, column]) else "; pass fill='median' or fill='mean' to fill missing values"
        cell = f"{array[row, column]} in row {row}, column {column}"
        message = f"X must be finite, got {cell} (from 0; {len(cells)} such){hint}"
        raise InputError(message)


def check_target(y: Any, n: int) -> Floats:
    """Y as a finite float (n,) array."""
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (n,):
        message = f"y must have one number for each of the {n} rows of X, got shape {array.shape}"
        raise InputError(message)
    try:
        array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        message = f"y must hold numbers, got {array.dtype}: {error}"
        raise InputError(message) from error
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        message = f"y must be finite, got {array[bad[0]]} in row {bad[0]} (from 0; {len(bad)} such)"
        raise InputError(message)
    return array


def check_weight(sample_weight: Any, n: int) -> Floats | None:
    """Row weights as a finite, non-negative (n,) array with a positive sum; None for no weights."""
    if sample_weight is None:
        return None
    array = np.asarray(sample_weight, dtype=np.float64)
    if array.ndim == 0:
        array = np.full(n, float(array))
    if array.shape != (n,):
        message = f"sample_weight must have one number for each of the {n} rows of X, got shape {array.shape}"
        raise InputError(message)
    bad = np.flatnonzero(~(np.isfinite(array) & (array >= 0.0)))
    if len(bad):
        message = f"sample_weight must be finite and >= 0, got {array[bad[0]]} in row {bad[0]} (from 0)"
        raise InputError(message)
    if not array.any():
        message = "sample_weight must have a positive sum, got all zeros"
        raise InputError(message)
    return array
