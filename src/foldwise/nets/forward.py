"""Outputs of trained networks, many rows at a time."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from foldwise.nets.parts import parts_of
from foldwise.nets.program import padded

_FEW, _ROWS = 256, 4096  # at once, at least and at most


def outputs(description: str, weights: list[Any], fixed: list[Any], inputs: list[NDArray[Any]]) -> NDArray[np.float64]:
    """Outputs (n, T) of a described model for scaled inputs, each (n, p)."""
    n = len(inputs[0])
    chunk = min(_ROWS, padded(n, _FEW))  # few sizes, so that tables of all sizes share few programs
    found = []
    for at in range(0, n, chunk):
        rows = [each[at : at + chunk] for each in inputs]
        rows = [np.concatenate([each, np.repeat(each[-1:], chunk - len(each), axis=0)]) for each in rows]
        found.append(np.asarray(_forward(description)(weights, fixed, rows))[: n - at])
    return np.concatenate(found).astype(np.float64)


@lru_cache(maxsize=64)
def _forward(description: str) -> Callable[..., Any]:
    twin = parts_of(description).twin

    def one(weights: list[Any], fixed: list[Any], inputs: list[Any]) -> Any:
        return twin.stateless_call(weights, fixed, inputs[0] if len(inputs) == 1 else inputs, training=False)[0]

    return jax.jit(one)
