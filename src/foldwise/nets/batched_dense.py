"""Dense layers whose gradients are products that a processor does fast when they are done for many members at once."""

from typing import Any

import jax

from foldwise.nets.backend import keras


@jax.custom_vjp
def product(rows: Any, kernel: Any) -> Any:
    """The product (n, q) of rows (n, p) and a kernel (p, q).

    A batch of products in which the inner axis comes first in a factor, as in both gradients, takes up to three times
    as long as one in which it comes last and first. So the factor is turned before, which takes next to nothing; the
    barrier keeps the compiler from undoing it.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> product(jnp.ones((2, 3)), jnp.ones((3, 1))).tolist()
    [[3.0], [3.0]]
    """
    return rows @ kernel


def _forward(rows: Any, kernel: Any) -> tuple[Any, tuple[Any, Any]]:
    return rows @ kernel, (rows, kernel)


def _backward(kept: tuple[Any, Any], slope: Any) -> tuple[Any, Any]:
    rows, kernel = kept
    return slope @ _turned(kernel), _turned(rows) @ slope


def _turned(matrix: Any) -> Any:
    if jax.default_backend() != "cpu":
        return matrix.T
    return jax.lax.optimization_barrier(matrix.T)  # type: ignore[no-untyped-call]


product.defvjp(_forward, _backward)


class BatchedDense(keras.layers.Dense):  # type: ignore[misc, name-defined]
    """Keras' Dense, its products done as above where its inputs are rows (n, p)."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:  # noqa: FBT001 - Keras passes it
        """Outputs (n, units)."""
        if inputs.ndim != 2:
            return super().call(inputs, training=training)
        outputs = product(inputs, keras.ops.convert_to_tensor(self.kernel))
        if self.bias is not None:
            outputs = outputs + keras.ops.convert_to_tensor(self.bias)
        return outputs if self.activation is None else self.activation(outputs)
