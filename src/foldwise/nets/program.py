"""One compiled program for all members: compiled once per shape, kept for the next call of the same kind."""

from functools import lru_cache
from threading import Lock
from typing import Any

import jax
import numpy as np

from foldwise.nets.epochs import make_epochs
from foldwise.nets.parts import Parts, parts_of
from foldwise.nets.step import Method

_ROWS = 4096  # predicted at once, at most


class Program:
    """Training and predicting for all members of one model and method."""

    def __init__(self, parts: Parts, method: Method) -> None:
        self.parts = parts
        self.method = method
        self._train = jax.jit(make_epochs(parts, method))
        self._forward = jax.jit(self._outputs)
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

    def predict(self, weights: list[Any], fixed: list[Any], inputs: list[Any]) -> np.ndarray[Any, Any]:
        """Outputs (n, T) for scaled inputs, each (n, p)."""
        n = len(inputs[0])
        chunk = min(_ROWS, padded(n))
        outputs = []
        for at in range(0, n, chunk):
            rows = [np.resize(each[at : at + chunk], (chunk, *each.shape[1:])) for each in inputs]
            outputs.append(np.asarray(self._forward(weights, fixed, rows))[: n - at])
        return np.concatenate(outputs)

    def _outputs(self, weights: list[Any], fixed: list[Any], inputs: list[Any]) -> Any:
        batch = inputs[0] if len(inputs) == 1 else inputs
        return self.parts.twin.stateless_call(weights, fixed, batch, training=False)[0]


@lru_cache(maxsize=64)
def program_of(description: str, method: Method) -> Program:
    """The program of a described model."""
    return Program(parts_of(description), method)


def padded(count: int, least: int = 64) -> int:
    """The next power of two, so that tables of about one size share a program."""
    return max(least, 1 << max(count - 1, 0).bit_length())
