"""Rows and targets as the program wants them: checked, in single precision without loss of large means, padded."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.nets.backend import keras
from foldwise.nets.losses import Loss
from foldwise.nets.program import padded
from foldwise.nets.scaling import Scaling, two_singles

LARGEST = 1e30  # beyond it, single precision overflows in squares and products


@dataclass(frozen=True, eq=False)
class Rows:
    """The inputs of a model: float64 (n, p) with NaN for missing numbers, or whole-numbered codes (n, q) of categories.

    Codes go to an Embedding and are never scaled.
    """

    inputs: tuple[NDArray[Any], ...]

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.inputs[0])

    def padded(self) -> tuple[tuple[Any, ...], ...]:
        """Tables of single precision, n padded to a power of two; rows beyond n are never looked up."""
        return tuple(
            (pad(each.astype(np.int32)),) if is_code(each) else tuple(pad(half) for half in two_singles(each))
            for each in self.inputs
        )

    def scalings(
        self, rows: NDArray[np.intp], *, standardize: bool, importance: NDArray[np.float64] | None
    ) -> tuple[Scaling | None, ...]:
        """The scale of each input in these rows, of the given importance; None for codes."""
        return tuple(
            None if is_code(each) else Scaling.of(each[rows], standardize=standardize, importance=importance)
            for each in self.inputs
        )

    def scaled(self, scalings: tuple[Scaling | None, ...]) -> list[NDArray[Any]]:
        """What a network sees, in single precision."""
        return [
            each.astype(np.int32) if own is None else own.apply(each).astype(np.float32)
            for each, own in zip(self.inputs, scalings, strict=True)
        ]


def is_code(values: NDArray[Any]) -> bool:
    """Whether an input is codes of categories."""
    return values.dtype.kind == "i"


def pad(table: NDArray[Any]) -> NDArray[Any]:
    """The table with rows of zeros up to a power of two."""
    return np.concatenate([table, np.zeros((padded(len(table)) - len(table), *table.shape[1:]), dtype=table.dtype)])


def read_rows(model: Any, X: Any) -> Rows:
    """The inputs of a model.

    Parameters
    ----------
    X : (n, p), array or dataframe; for several inputs a list of them, or a dict by the inputs' names.
    """
    names = list(model.input_names) if hasattr(model, "input_names") else [each.name for each in model.inputs]
    if isinstance(X, dict):
        absent = [name for name in names if name not in X]
        if absent:
            raise InputError(f"X must have an entry for each input, {', '.join(names)}; got none for {absent[0]}")
        X = [X[name] for name in names]
    elif len(names) == 1 and not (isinstance(X, list | tuple) and len(X) == 1 and np.ndim(X[0]) == 2):
        X = [X]
    if len(X) != len(names):
        raise InputError(f"X must be a list of {len(names)} tables, one for each input, got {len(X)}")
    read = tuple(_read(f"X of '{name}'" if len(names) > 1 else "X", each, tensor)
                 for name, each, tensor in zip(names, X, model.inputs, strict=True))  # fmt: skip
    if len({len(each) for each in read}) > 1:
        raise InputError(f"X must have the same rows in all inputs, got {[len(each) for each in read]}")
    return Rows(read)


def _read(name: str, values: Any, tensor: Any) -> NDArray[Any]:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers, NaN where missing; got {error}") from error
    if array.ndim == 1 and tensor.shape[-1] == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[0] == 0 or array.shape[1] != tensor.shape[-1]:
        raise InputError(f"{name} must have shape (rows, {tensor.shape[-1]}), as the model asks, got {array.shape}")
    sizes = categories(tensor)
    if sizes is None:
        odd = np.argwhere(np.abs(array) > LARGEST)
        if odd.size:
            row, column = map(int, odd[0])
            raise InputError(f"{name} must be at most {LARGEST:g} in size, got {array[row, column]} in row {row}, "
                             f"column {column}. Use another unit")  # fmt: skip
        return array
    odd = np.argwhere(~((array >= 0) & (array < sizes) & (array == np.floor(array))))
    if odd.size:
        row, column = map(int, odd[0])
        raise InputError(f"{name} must be codes 0 to {sizes - 1} for its Embedding, got {array[row, column]} "
                         f"in row {row}, column {column}")  # fmt: skip
    return array.astype(np.int64)


def categories(tensor: Any) -> int | None:
    """How many codes an input of a model may have; None for an input of numbers."""
    layer = tensor._keras_history.operation  # noqa: SLF001 - Keras offers no other way to ask what an input feeds
    takers = [node.operation for node in layer._outbound_nodes]  # noqa: SLF001 - as above
    sizes = [int(each.input_dim) for each in takers if isinstance(each, keras.layers.Embedding)]
    return min(sizes) if sizes else None


def read_targets(y: Any, loss: Loss, n: int, width: int) -> NDArray[np.float64]:
    """Targets (n, T) as the loss wants them: numbers, one-hot rows of classes, or ones and zeros."""
    array = np.asarray(y)
    if array.dtype.kind not in "fiub":
        first = array.ravel()[:1].tolist()
        raise InputError(f"y must be numbers, got {array.dtype} such as {first}. NetClassifier takes names")
    array = array.astype(np.float64)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or len(array) != n:
        raise InputError(f"y must have one row for each of {n} rows of X, got shape {np.shape(y)}")
    odd = np.argwhere(~np.isfinite(array))
    if odd.size:
        raise InputError(f"y must be finite, got {array[tuple(odd[0])]} in row {int(odd[0][0])}")
    if loss.targets == "yes or no":
        if not np.isin(array, (0, 1)).all():
            raise InputError("y must be zeros and ones for a binary cross-entropy")
        if len(np.unique(array)) < 2:
            raise InputError(f"y must have both classes, got only {array[0, 0]:g}")
    elif loss.targets == "classes":
        array = _one_hot(array, width)
    if array.shape[1] != width:
        raise InputError(f"the model must have as many outputs as y has columns, {array.shape[1]}, got {width}")
    return array


def read_importance(sample_weight: Any, n: int) -> NDArray[np.float64] | None:
    """Weights (n,) of the rows, or None."""
    if sample_weight is None:
        return None
    try:
        array = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"sample_weight must be numbers, got {error}") from error
    if array.ndim == 0:
        array = np.full(n, float(array))
    if array.shape != (n,):
        raise InputError(f"sample_weight must have one number for each of {n} rows, got shape {array.shape}")
    odd = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if odd.size:
        raise InputError(f"sample_weight must be finite and >= 0, got {array[odd[0]]} in row {odd[0]}")
    return array


def _one_hot(array: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """One-hot rows of codes (n, 1), or of what is one-hot already."""
    if array.shape[1] == 1:
        codes = array[:, 0].astype(int)
        if (codes != array[:, 0]).any() or codes.min() < 0 or codes.max() >= width:
            raise InputError(f"y must be classes 0 to {width - 1}, as many as the model has outputs, "
                             f"got {array[:, 0].min():g} to {array[:, 0].max():g}")  # fmt: skip
        array = np.eye(width)[codes]
    if (array.sum(axis=0) > 0).sum() < 2:
        raise InputError("y must have at least two classes, got one")
    return array
