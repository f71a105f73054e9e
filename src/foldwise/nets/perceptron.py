"""The built-in network: a multilayer perceptron as an ordinary compiled Keras model."""

from collections.abc import Sequence
from typing import Any, Literal

from foldwise.errors import InputError
from foldwise.nets.backend import keras
from foldwise.parameters.checks import number, share, whole

Normalization = Literal["batch", "layer"]


def perceptron(
    n_inputs: int,
    hidden: Sequence[int] = (64, 32),
    n_outputs: int = 1,
    *,
    task: Literal["numbers", "classes", "yes or no"] = "numbers",
    activation: str = "relu",
    dropout: float | None = None,
    normalization: Normalization | None = None,
    learning_rate: float = 0.001,
) -> Any:
    """A compiled Keras model of dense layers, each followed by what is asked for.

    Parameters
    ----------
    n_inputs : p
    hidden : widths of the hidden layers; empty for a linear model
    n_outputs : T, or the number of classes
    task : "numbers" (squared error), "classes" (softmax, categorical cross-entropy) or "yes or no" (sigmoid)
    activation : Keras' name of the hidden layers' activation
    dropout : rate after each hidden layer, which a member may change; None for no dropout layers
    normalization : "batch" or "layer", before each activation; None for none
    learning_rate : of Adam

    Returns
    -------
    keras.Sequential

    Examples
    --------
    >>> from foldwise.nets import perceptron
    >>> perceptron(4, (8,), 3, task="classes").count_params()
    67
    """
    whole("n_inputs", n_inputs, 1)
    whole("n_outputs", n_outputs, 1)
    number("learning_rate", learning_rate, above=True)
    if task not in _LOSSES:
        raise InputError(f"task must be one of {', '.join(map(repr, _LOSSES))}, got {task!r}")
    if normalization not in {None, "batch", "layer"}:
        raise InputError(f"normalization must be 'batch', 'layer' or None, got {normalization!r}")
    try:
        keras.activations.get(activation)
    except ValueError as error:
        raise InputError(f"activation must be one that Keras knows, such as 'relu', got {activation!r}") from error
    layers = keras.layers
    model = keras.Sequential([keras.Input((n_inputs,), name="inputs")], name="perceptron")
    for at, width in enumerate(hidden, start=1):
        whole(f"hidden[{at - 1}]", width, 1)
        if normalization is None:
            model.add(layers.Dense(width, activation=activation, name=f"hidden_{at}"))
        else:
            model.add(layers.Dense(width, use_bias=normalization == "layer", name=f"hidden_{at}"))
            kind = layers.BatchNormalization if normalization == "batch" else layers.LayerNormalization
            model.add(kind(name=f"normalization_{at}"))
            model.add(layers.Activation(activation, name=f"activation_{at}"))
        if dropout is not None:
            model.add(layers.Dropout(share("dropout", dropout), name=f"dropout_{at}"))
    loss, last = _LOSSES[task]
    model.add(layers.Dense(n_outputs, activation=last, name="outputs"))
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=loss)
    return model


_LOSSES = {
    "numbers": ("mean_squared_error", None),
    "classes": ("categorical_crossentropy", "softmax"),
    "yes or no": ("binary_crossentropy", "sigmoid"),
}
