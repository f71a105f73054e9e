"""One compiled program for all members: compiled once per shape, kept for the next call of the same kind."""

from functools import lru_cache
from threading import Lock
from typing import Any

import jax
import numpy as np

from foldwise.nets.epochs import make_epochs
from foldwise.nets.parts import parts_of
from foldwise.nets.step import Method


class Program:
    """Training for all members of one model and method."""

    def __init__(self, description: str, method: Method) -> None:
        self.description = description
        self.parts = parts_of(description)
        self.method = method
        self._train = jax.jit(make_epochs(self.parts, method))
        self._compiled: dict[Any, Any] = {}
        self._lock = Lock()

    def compile(self, *arguments: Any) -> Any:
        """The training program for arguments of these shapes; `memory_analysis` of it says what it holds."""
        leaves, structure = jax.tree.flatten(arguments)
        key = (structure, tuple((np.shape(leaf), np.asarray(leaf).dtype.str) for leaf in leaves))
        with self._lock:
            if key not in self._compiled:
                self._compiled[key] = self._train.lower(*arguments).compile()
            return self._compiled[key]


@lru_cache(maxsize=64)
def program_of(description: str, method: Method) -> Program:
    """The program of a described model."""
    return Program(description, method)


def padded(count: int, least: int = 1024) -> int:
    """The next power of two, so that tables of about one size share a program."""
    return max(least, 1 << max(count - 1, 0).bit_length())
