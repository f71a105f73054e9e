"""How gradients become steps: Keras' Adam, AdamW and SGD on plain arrays, and the step sizes a proximal step needs."""

from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from foldwise.errors import InputError
from foldwise.nets.backend import keras

Moments = tuple[Any, Any]


@dataclass(frozen=True)
class Updates:
    """An optimizer: which, and its constants. Learning rate and weight decay are the members'.

    Examples
    --------
    >>> from foldwise.nets.backend import keras
    >>> read_optimizer(keras.optimizers.SGD(0.5, momentum=0.9))
    (Updates(kind='sgd', beta_1=0.9, beta_2=0.0, epsilon=0.0, nesterov=False), 0.5, 0.0)
    """

    kind: Literal["adam", "sgd"] = "adam"
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    nesterov: bool = False

    def step(self, weight: Any, gradient: Any, moments: Moments, rate: Any, time: Any, *, metric: Any) -> Any:
        """The new weights and moments, and the step size of each weight, which is the metric of a proximal step.

        `time` counts from 1. `metric` may change Adam's mean square gradients: to one for each input, say.
        """
        first, second = moments
        if self.kind == "sgd":
            first = self.beta_1 * first - rate * gradient
            moved = self.beta_1 * first - rate * gradient if self.nesterov else first
            return weight + moved, (first, second), rate
        first = first + (gradient - first) * (1 - self.beta_1)
        second = second + (jnp.square(gradient) - second) * (1 - self.beta_2)
        # Both corrections for early steps are one number per member, so that a weight costs one root and one division.
        root = jnp.sqrt(second if metric is None else metric(second)) + self.epsilon
        rate = rate * jnp.sqrt(1 - self.beta_2**time)
        moved = first * (rate / (1 - self.beta_1**time)) / root
        return weight - moved, (first, second), rate / root


def read_optimizer(optimizer: Any) -> tuple[Updates, float, float]:
    """The updates, learning rate and weight decay of a Keras optimizer.

    Raises
    ------
    InputError
        For other optimizers, schedules and options.
    """
    kind = type(optimizer).__name__
    if type(optimizer) not in {keras.optimizers.Adam, keras.optimizers.AdamW, keras.optimizers.SGD}:
        raise InputError(f"optimizer must be Adam, AdamW or SGD, got {kind}")
    own = getattr(optimizer, "_learning_rate", None)  # the public property gives a schedule's first value
    if isinstance(own, keras.optimizers.schedules.LearningRateSchedule):
        raise InputError(f"optimizer must have a number as learning_rate, got the schedule {type(own).__name__}")
    unused = ("clipnorm", "global_clipnorm", "clipvalue", "use_ema", "loss_scale_factor", "amsgrad")
    for name in (*unused, "gradient_accumulation_steps"):
        if getattr(optimizer, name, None):
            remedy, value = ": use a member's ema" if name == "use_ema" else "", getattr(optimizer, name)
            raise InputError(f"optimizer {kind} has {name}={value!r}, which can't be trained as a batch{remedy}")
    rate, decay = float(np.asarray(optimizer.learning_rate.value)), float(optimizer.weight_decay or 0.0)
    if kind == "SGD":
        return Updates("sgd", float(optimizer.momentum), 0.0, 0.0, bool(optimizer.nesterov)), rate, decay
    return Updates("adam", float(optimizer.beta_1), float(optimizer.beta_2), float(optimizer.epsilon)), rate, decay
