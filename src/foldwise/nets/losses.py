"""The loss of each row, and what targets it wants."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import numpy as np

from foldwise.errors import InputError
from foldwise.nets.backend import keras

Targets = Literal["numbers", "classes", "yes or no"]
_CLASSES = ("categorical_crossentropy", "sparse_categorical_crossentropy", "categorical_focal_crossentropy")
_YES_OR_NO = ("binary_crossentropy", "binary_focal_crossentropy")


@dataclass(frozen=True)
class Loss:
    """A Keras loss, row by row.

    Attributes
    ----------
    name : what Keras calls it, with its options; two losses of one name are the same
    targets : numbers (n, T), classes as one-hot rows (n, C), or yes or no (n, T) as ones and zeros
    rows : function of targets and outputs to a loss per row
    """

    name: str
    targets: Targets
    rows: Callable[[Any, Any], Any] = field(compare=False)


def read_loss(loss: Any) -> Loss:
    """The loss of a name, a Keras loss, or a function of (y_true, y_pred) that gives one number per row.

    Examples
    --------
    >>> read_loss("mse").targets, read_loss("sparse_categorical_crossentropy").targets
    ('numbers', 'classes')
    """
    try:
        found = keras.losses.get(loss)
    except ValueError as error:
        raise InputError(f"loss must be a Keras loss or its name, got {loss!r}") from error
    if found is None:
        raise InputError("loss must be given, or the model be compiled with one")
    if not callable(found):
        raise InputError(f"loss must be a single Keras loss, got {loss!r}")
    if not isinstance(found, keras.losses.Loss):
        name = getattr(found, "__name__", repr(found))
        return Loss(f"{found.__module__}.{name} {id(found)}", _targets(name), _dense(name, found))
    kind = type(found).__name__
    config = found.get_config()
    if config.get("reduction", "sum_over_batch_size") not in {"sum_over_batch_size", "mean"}:
        raise InputError(f"loss must be averaged over rows, got {kind}(reduction={config['reduction']!r})")
    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind).lstrip("_")
    options = json.dumps({**config, "name": ""}, default=repr, sort_keys=True)
    return Loss(f"{name} {options}", _targets(name), _dense(name, found.call))


def check_loss(loss: Loss, width: int) -> None:
    """Refuse a loss that does not give one number per row of (rows, width) targets and outputs."""
    table = np.zeros((3, width), dtype=np.float32)
    try:
        shape = jax.eval_shape(loss.rows, table, table).shape
    except Exception as error:
        name = loss.name.partition(" ")[0]
        raise InputError(f"loss {name} can't be computed of targets and outputs (rows, {width}): {error}") from error
    if shape != (3,):
        raise InputError(
            f"loss must be a function of (y_true, y_pred) that gives one number per row, shape (rows,); "
            f"for 3 rows it gave shape {shape}"
        )


def _targets(name: str) -> Targets:
    if name in _CLASSES:
        return "classes"
    return "yes or no" if name in _YES_OR_NO else "numbers"


def _dense(name: str, rows: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Classes come one-hot inside; a loss that wants codes gets them."""
    if name != "sparse_categorical_crossentropy":
        return rows
    return lambda targets, outputs: rows(keras.ops.argmax(targets, axis=-1), outputs)
