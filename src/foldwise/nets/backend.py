"""Keras on its JAX backend, or an error that says what to install or set."""

import os
import sys
from importlib import import_module
from types import ModuleType

INSTALL = "foldwise.nets needs keras and jax: pip install 'foldwise[nets]'"


def load() -> ModuleType:
    """Return the module keras, on JAX.

    Raises
    ------
    ImportError
        Where keras or jax is not installed, or keras was told to use another backend.
    """
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "jax")  # else Keras looks for TensorFlow
    if "jax" not in sys.modules:
        # Else a processor runs programs one after the other, whatever thread they come from.
        os.environ.setdefault("JAX_CPU_ENABLE_ASYNC_DISPATCH", "false")
    try:
        import_module("jax")
        keras = import_module("keras")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in {"keras", "jax", "jaxlib"}:
            raise
        raise ImportError(INSTALL) from error
    if keras.config.backend() != "jax":
        raise ImportError(
            f"foldwise.nets needs Keras on its JAX backend, got {keras.config.backend()!r}. "
            "Set the environment variable KERAS_BACKEND=jax before keras is first imported"
        )
    return keras


keras = load()
