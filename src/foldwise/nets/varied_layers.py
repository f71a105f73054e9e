"""Dropout and Gaussian noise whose strength is a variable, so that it can differ between the members of a batch.

They draw what Keras' own layers draw from the same seed.
"""

from typing import Any

import jax

from foldwise.nets.backend import keras


class VariedDropout(keras.layers.Layer):  # type: ignore[misc, name-defined]
    """Keras' Dropout with a variable for the share it keeps."""

    def __init__(self, noise_shape: tuple[int | None, ...] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.noise_shape = noise_shape
        self.seed_generator = keras.random.SeedGenerator(0)
        self.strength = self.add_weight(shape=(), initializer="ones", trainable=False, name="kept")

    def call(self, inputs: Any, training: bool = False) -> Any:  # noqa: FBT001, FBT002 - Keras passes it
        """Keep each input with the probability `strength`, and divide it by that."""
        if not training:
            return inputs
        kept = keras.ops.convert_to_tensor(self.strength)
        own = self.noise_shape or (None,) * inputs.ndim
        shape = [size if other is None else other for size, other in zip(inputs.shape, own, strict=True)]
        mask = jax.numpy.broadcast_to(jax.random.bernoulli(self.seed_generator.next(), kept, shape), inputs.shape)
        return jax.numpy.where(mask, inputs / kept, 0.0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape."""
        return input_shape


class VariedNoise(keras.layers.Layer):  # type: ignore[misc, name-defined]
    """Keras' GaussianNoise with a variable for the standard deviation."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seed_generator = keras.random.SeedGenerator(0)
        self.strength = self.add_weight(shape=(), initializer="zeros", trainable=False, name="deviation")

    def call(self, inputs: Any, training: bool = False) -> Any:  # noqa: FBT001, FBT002 - Keras passes it
        """Add the noise in training."""
        if not training:
            return inputs
        noise = jax.random.normal(self.seed_generator.next(), inputs.shape, inputs.dtype)
        return inputs + noise * keras.ops.convert_to_tensor(self.strength)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape."""
        return input_shape
