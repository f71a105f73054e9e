"""What the user asked for -> rows' folds, groups and weights, checked."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError
from foldwise.resampling import Folds, Splitter
from foldwise.tables.frames import columns_of


def column_or_array(table: Any, value: str | ArrayLike | None, argument: str) -> NDArray[Any] | None:
    """One value per row: the column of that name, or the values themselves.

    Raises
    ------
    InputError
        Where the table has no such column.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        return np.asarray(value)
    columns = columns_of(table)
    if value not in columns:
        raise InputError(f"{argument} must be a column of the table or one value per row, got {value!r}")
    return np.asarray(columns[value].to_pylist(), dtype=object)


def make_folds(
    folds: int | Folds | Splitter,
    target: NDArray[np.float64],
    *,
    repeats: int,
    seed: int,
    stratify: bool,
    groups: NDArray[Any] | None,
) -> Folds:
    """Folds of the n rows from a number, a partition that is already made, or a scikit-learn splitter.

    Raises
    ------
    InputError
        Where the options contradict each other or don't fit the rows.
    """
    n = target.shape[0]
    if groups is not None and groups.shape != (n,):
        raise InputError(f"groups must have one value for each of {n} rows, got shape {groups.shape}")
    if stratify and groups is not None:
        raise InputError("stratify and groups can't be combined: groups stay whole, so that the target can't be spread")
    if isinstance(folds, int | np.integer) and not isinstance(folds, bool):
        if groups is not None:
            return Folds.grouped(groups, int(folds), repeats=repeats, seed=seed)
        if stratify:
            return Folds.stratified(target, int(folds), repeats=repeats, seed=seed)
        return Folds.kfold(n, int(folds), repeats=repeats, seed=seed)
    if stratify:
        raise InputError("stratify needs folds to be a number: other folds are already made")
    return _ready_made(folds, target, groups)


def _ready_made(folds: Any, target: NDArray[np.float64], groups: NDArray[Any] | None) -> Folds:
    n = target.shape[0]
    if isinstance(folds, Folds):
        if groups is not None:
            raise InputError("groups need folds to be a number or a splitter: these folds are already made")
        if folds.n_rows != n:
            raise InputError(f"folds must label the {n} rows of the table, got {folds.n_rows} labels")
        return folds
    if hasattr(folds, "split") and hasattr(folds, "get_n_splits"):
        return Folds.from_splitter(folds, np.zeros((n, 1)), target, groups)
    raise InputError(f"folds must be a whole number >= 2, Folds, or a scikit-learn splitter, got {folds!r}")


def make_weights(sample_weight: NDArray[Any] | None, n: int) -> NDArray[np.float64]:
    """Row weights (n,); ones where none are given.

    Raises
    ------
    InputError
        Where they are not finite numbers >= 0, one for each row.
    """
    if sample_weight is None:
        return np.ones(n)
    try:
        weights = sample_weight.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"sample_weight must be numbers, got {sample_weight.dtype} values ({error})") from error
    if weights.shape != (n,):
        raise InputError(f"sample_weight must have one value for each of {n} rows, got shape {weights.shape}")
    odd = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0.0)))
    if odd.size:
        raise InputError(f"sample_weight must be finite and >= 0, got {weights[odd[0]]} in row {odd[0] + 1}")
    return weights
