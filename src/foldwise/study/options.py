"""What the user asked for -> rows' folds, groups, weights, offset and scale, checked."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError
from foldwise.families import Family
from foldwise.resampling import Folds, Splitter
from foldwise.study.rows import Rows
from foldwise.tables.frames import columns_of


def column_or_array(
    table: Any, value: str | ArrayLike | None, argument: str, names: Sequence[str] | None = None
) -> NDArray[Any] | None:
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
    columns = columns_of(table, names)
    if value not in columns:
        raise InputError(f"{argument} must be a column of the table or one value per row; the table has no {value!r}")
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
    return _numbers("sample_weight", sample_weight, n, least=0.0)


def make_offset(offset: NDArray[Any] | None, n: int, family: Family) -> NDArray[np.float64] | None:
    """What is added to every row's linear predictor (n,); None where nothing is.

    Raises
    ------
    InputError
        Where they are not finite numbers, one for each row, or the family takes none.
    """
    if offset is None:
        return None
    if family.name == "multinomial":
        raise InputError("offset must be left out for three classes or more: it would be the same for all of them")
    return _numbers("offset", offset, n, least=-np.inf)


def _numbers(argument: str, given: NDArray[Any], n: int, *, least: float) -> NDArray[np.float64]:
    try:
        values: NDArray[np.float64] = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{argument} must be numbers, got {given.dtype} values ({error})") from error
    if values.shape != (n,):
        raise InputError(f"{argument} must have one value for each of {n} rows, got shape {values.shape}")
    odd = np.flatnonzero(~(np.isfinite(values) & (values >= least)))
    if odd.size:
        wanted = "finite and >= 0" if least == 0.0 else "finite"
        raise InputError(f"{argument} must be {wanted}, got {values[odd[0]]} in row {odd[0] + 1}")
    return values


def check_mixes(l1_ratios: Iterable[float]) -> tuple[float, ...]:
    """The l1_ratios that the elastic net searches, ascending.

    Raises
    ------
    InputError
        Where there is none, or one is not above 0 and at most 1.

    Examples
    --------
    >>> check_mixes([0.9, 0.5])
    (0.5, 0.9)
    """
    mixes = tuple(sorted({float(mix) for mix in l1_ratios}))
    if not mixes or not all(0.0 < mix <= 1.0 for mix in mixes):
        raise InputError(f"l1_ratios must be numbers above 0 up to 1 (ridge is a candidate of its own), got {mixes}")
    return mixes


def make_target_scale(value: float | None, rows: Rows) -> float:
    """What the target of squared errors is divided by: its standard deviation, unless given.

    Raises
    ------
    InputError
        Where it is not a number > 0, or no row has weight.
    """
    if value is None:
        if not np.any(rows.weights):
            raise InputError("sample_weight must have a positive sum, got zeros")
        y = rows.target if rows.offset is None else rows.target - rows.offset
        spread = float(np.sqrt(np.average((y - np.average(y, weights=rows.weights)) ** 2, weights=rows.weights)))
        return spread if spread > 0.0 else 1.0
    if not (np.isfinite(value) and value > 0.0):
        raise InputError(f"target_scale must be a number > 0, got {value!r}")
    return float(value)


def check_budget(budget: Any) -> float | None:
    """Seconds in which repeats may be added.

    Raises
    ------
    InputError
        Where it is not a number > 0.

    Examples
    --------
    >>> check_budget(60)
    60.0
    """
    if budget is None:
        return None
    if isinstance(budget, bool) or not isinstance(budget, int | float) or not budget > 0.0:
        raise InputError(f"budget must be a number of seconds > 0, got {budget!r}")
    return float(budget)
