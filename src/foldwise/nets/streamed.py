"""Which X are read in blocks, and how they are opened: arrays on disk, and tables as `FoldMoments.scan` has them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.moments.streaming.bad import BadCell
from foldwise.moments.streaming.encode import encoded
from foldwise.moments.streaming.make_plan import Asked, make_plan
from foldwise.moments.streaming.plan import ScanPlan
from foldwise.moments.streaming.sources import is_dask, open_source
from foldwise.nets.blocks import ArrayBlocks, Blocks, TableBlocks, matrix
from foldwise.nets.buffers import UNITS, buffer_rows
from foldwise.nets.losses import Loss

Floats = NDArray[np.float64]
MOST_CLASSES = 1000


@dataclass(frozen=True)
class TableRoles:
    """What the columns of a table are, besides features: see `FoldMoments.scan`."""

    target: str
    weight: str | None = None
    key: str | None = None
    drop: Any = ()
    categories: Any = ()


def is_table(X: Any) -> bool:
    """Whether it is read as a table of files: a path, a pattern, a list of paths, a data set, a Dask frame."""
    if isinstance(X, list | tuple):
        return bool(X) and all(isinstance(each, str | Path) for each in X)
    return isinstance(X, str | Path | pyarrow.dataset.Dataset) or is_dask(X)


def is_on_disk(X: Any, size: int | None = None) -> bool:
    """Whether it is an array on disk of more rows than a buffer; a smaller one is read whole."""
    if not (isinstance(X, np.memmap) and X.ndim == 2 and X.dtype.kind in "fiub"):
        return False
    return len(X) > (buffer_rows(X.shape[1] + 1) if size is None else size)


def targets_like(loss: Loss, width: int) -> Callable[[Any], Floats]:
    """What makes targets (m, T) of some of y: numbers, one-hot rows of classes, or ones and zeros."""

    def numbers(y: Any) -> Floats:
        try:
            array = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        except (TypeError, ValueError) as error:
            raise InputError(f"y must be numbers, got {np.asarray(y).dtype}. NetClassifier takes names") from error
        if loss.targets == "yes or no" and not np.isin(array, (0, 1)).all():
            raise InputError("y must be zeros and ones for a binary cross-entropy")
        if loss.targets == "classes" and array.shape[1] == 1:
            if not np.isin(array, np.arange(width)).all():
                raise InputError(f"y must be classes 0 to {width - 1}, as many as the model has outputs")
            array = np.eye(width)[array[:, 0].astype(np.intp)]
        if array.shape[1] != width:
            raise InputError(f"the model must have as many outputs as y has columns, {array.shape[1]}, got {width}")
        return array

    return numbers


def open_array(X: Any, y: Any, targets: Callable[[Any], Floats], *, n_targets: int, weights: Any, size: int) -> Blocks:
    """Rows of an array on disk."""
    n = len(X)
    if np.ndim(y) not in (1, 2) or len(y) != n:
        raise InputError(f"y must have one row for each of {n} rows of X, got shape {np.shape(y)}")
    if weights is not None:
        weights = np.asanyarray(weights)
        if weights.shape != (n,):
            raise InputError(f"sample_weight must have one number for each of {n} rows, got shape {weights.shape}")
    return ArrayBlocks(X, y, targets, n_targets=n_targets, weights=weights, unit_rows=max(1, size // UNITS))


def plan_of(X: Any, roles: TableRoles, *, has_classes: bool = False) -> tuple[Any, ScanPlan, Any]:
    """A table's source, what its rows become, and the classes of its target where it has some.

    Raises
    ------
    InputError
        For rows that come only once, and whatever a scan refuses.
    """
    source = open_source(X)
    if source.is_stream:
        raise InputError("X must be a table that can be read again: networks go through the rows in every epoch")
    if isinstance(roles.categories, str) or isinstance(roles.drop, str):
        raise InputError("drop and categories must be lists of columns")
    categories = roles.categories if isinstance(roles.categories, dict) else dict.fromkeys(roles.categories)
    labels = classes_of_table(source, roles.target) if has_classes else None
    coded = () if labels is None or labels.dtype.kind in "if" else tuple(labels.tolist())
    asked = Asked(roles.target, roles.weight, roles.key, tuple(roles.drop), categories, classes=coded)
    plan, _ = make_plan(source, asked, skip_bad=False)
    return source, plan, labels


def open_table(source: Any, plan: ScanPlan, targets: Callable[[Any], Floats], *, n_targets: int, size: int) -> Blocks:
    """Rows of a table's files."""
    return TableBlocks(source.files, plan, targets, n_targets=n_targets, batch_rows=max(1, size // UNITS))


def classes_of_table(source: Any, target: str) -> NDArray[Any]:
    """The different values of a column, ascending.

    Raises
    ------
    InputError
        Where one is missing, or there are very many.
    """
    found: set[Any] = set()
    for file in source.files:
        if target not in file.schema().names:
            raise InputError(f"target must be a column of the table, got {target!r}")
        for batch in file.batches([target]):
            found.update(batch.column(target).unique().to_pylist())
            if None in found:
                raise InputError(
                    f"target {target!r} must be a class in every row, and is missing in some of {file.name}"
                )
            if len(found) > MOST_CLASSES:
                raise InputError(f"target {target!r} must have at most {MOST_CLASSES} classes, got more")
    return np.array(sorted(found))


def classes_of_array(y: Any, size: int) -> NDArray[Any]:
    """The different values of y (n,), ascending, looked for in parts."""
    parts = [np.unique(np.asarray(y[at : at + size])) for at in range(0, len(y), size)]
    return np.unique(np.concatenate(parts))


def codes_of(classes: NDArray[Any]) -> Callable[[Any], NDArray[Any]]:
    """What makes codes 0, 1, ... of labels."""
    return lambda y: np.searchsorted(classes, np.asarray(y))


def features(X: Any, plan: ScanPlan | None, width: int, size: int) -> Iterator[Floats]:
    """The features (m, p) of new rows, in parts: of an array, or of a table by a fitted plan."""
    if plan is None and not isinstance(X, np.ndarray):
        raise InputError("X must be an array: the network was not trained on a table, whose columns have names")
    if plan is None or isinstance(X, np.ndarray):
        if X.ndim != 2 or X.shape[1] != width:
            raise InputError(f"X must have shape (rows, {width}), got {X.shape}")
        for at in range(0, len(X), size):
            yield np.asarray(X[at : at + size], dtype=np.float64)
        return
    own = replace(plan, weight=None, key=None, classes=())
    wanted = [name for name in own.sources if name != own.target]
    for file in open_source(X).files:
        names = file.schema().names
        absent = [name for name in wanted if name not in names]
        if absent:
            raise InputError(f"{file.name}: there is no column {absent[0]!r}, which the network was trained with")
        row = 0
        for batch in file.batches(wanted, own.types, size):
            rows = np.arange(row, row + batch.num_rows, dtype=np.int64)
            given = batch.append_column(own.target, pa.array(np.zeros(batch.num_rows)))
            try:
                *values, _, _ = encoded(given, own, 0, rows)
            except BadCell as error:
                raise InputError(f"{file.name}, row {error.row + 1:,}: {error.why}") from error
            yield matrix(values, own)
            row += batch.num_rows
