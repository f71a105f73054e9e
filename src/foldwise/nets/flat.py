"""All weights of a network as one vector: an update is then a few operations, however many layers there are."""

from typing import Any

import jax.numpy as jnp

Shapes = tuple[tuple[int, ...], ...]


def join(values: list[Any]) -> Any:
    """One vector (w,) of arrays in order; NumPy's and JAX's alike."""
    return values[0].ravel() if len(values) == 1 else _namespace(values[0]).concatenate([v.ravel() for v in values])


def split(vector: Any, shapes: Shapes) -> list[Any]:
    """The arrays of a vector.

    Examples
    --------
    >>> import numpy as np
    >>> [each.tolist() for each in split(np.arange(5), ((2, 2), (1,)))]
    [[[0, 1], [2, 3]], [4]]
    """
    found = []
    for shape, (start, end) in zip(shapes, places(shapes), strict=True):
        found.append(vector[start:end].reshape(shape))
    return found


def places(shapes: Shapes) -> list[tuple[int, int]]:
    """Where each array starts and ends in the vector."""
    ends, at = [], 0
    for shape in shapes:
        size = 1
        for length in shape:
            size *= length
        ends.append((at, at + size))
        at += size
    return ends


def spread(values: Any, kernels: tuple[int, ...], shapes: Shapes) -> Any:
    """A vector with value k everywhere in the k-th of some arrays, and zero elsewhere."""
    pieces = []
    for at, (start, end) in enumerate(places(shapes)):
        value = values[kernels.index(at)] if at in kernels else 0.0
        pieces.append(jnp.full(end - start, value, dtype=jnp.float32))
    return jnp.concatenate(pieces)


def _namespace(array: Any) -> Any:
    import numpy as np

    return np if isinstance(array, np.ndarray) else jnp
