"""A Keras model taken apart: what is penalized, what is constrained, what draws random numbers; or why it can't be."""

import json
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from foldwise.errors import InputError
from foldwise.nets.backend import keras
from foldwise.nets.batched_dense import BatchedDense
from foldwise.nets.varied_layers import VariedDropout, VariedNoise

_layers = keras.layers
SUPPORTED = (
    _layers.InputLayer,
    _layers.Dense,
    _layers.Dropout,
    _layers.GaussianNoise,
    _layers.BatchNormalization,
    _layers.LayerNormalization,
    _layers.Activation,
    _layers.ReLU,
    _layers.LeakyReLU,
    _layers.PReLU,
    _layers.ELU,
    _layers.Softmax,
    _layers.Rescaling,
    _layers.Embedding,
    _layers.Flatten,
    _layers.Reshape,
    _layers.Concatenate,
    _layers.Add,
)
_BY_COLUMN = (_layers.Dropout, _layers.GaussianNoise, _layers.BatchNormalization, VariedDropout, VariedNoise)
_WEIGHTS = ("kernel",)  # what penalties are for; everything else that trains is an offset, a slope or a code


@dataclass(frozen=True, eq=False)
class Parts:
    """A model without penalties whose rates are variables, and what was taken out of it.

    Attributes
    ----------
    twin : keras.Model
        Computes what the model computes; the order of its variables is that of the lists below.
    shapes : of the trainable variables
    kernels : positions among the trainable variables of the weights that penalties are for
    first : which of `kernels` takes the inputs themselves, or None where no one layer does
    l1, l2 : the model's own strengths, one per kernel
    constraints : position among the trainable variables -> Keras constraint
    dropouts, noises : (position of the strength among the variables that don't train, the model's own strength)
    seeds : positions of the seeds among the variables that don't train
    initializers : one for each trainable variable
    frozen : positions of variables that don't train but are weights all the same
    """

    twin: Any
    shapes: tuple[tuple[int, ...], ...]
    kernels: tuple[int, ...]
    first: int | None
    l1: tuple[float, ...]
    l2: tuple[float, ...]
    constraints: dict[int, Any]
    dropouts: tuple[tuple[int, float], ...]
    noises: tuple[tuple[int, float], ...]
    seeds: tuple[int, ...]
    initializers: tuple[Any, ...]
    frozen: tuple[int, ...]


def check_model(model: Any) -> None:
    """Refuse by name what can't be trained as a batch.

    Raises
    ------
    InputError
        For what is no Sequential or functional model, for a train_step of its own, and for each layer or option that
        would make a batch differ from single runs.
    """
    if not isinstance(model, keras.Model):
        raise InputError(f"model must be a Keras model or the widths of hidden layers, got {type(model).__name__}")
    for name in ("train_step", "compute_loss"):
        if getattr(type(model), name) is not getattr(keras.Model, name):
            raise InputError(f"model must not have its own {name}, got {type(model).__name__}")
    known = isinstance(model, keras.Sequential) or hasattr(model, "operations")
    if not known or not type(model).__module__.startswith("keras."):
        raise InputError(
            f"model must be Sequential or functional (layers called on keras.Input), got {type(model).__name__}"
        )
    for layer in model.layers:
        _check_layer(layer)


def _check_layer(layer: Any) -> None:
    kind = type(layer).__name__
    named = f"layer '{layer.name}' ({kind})"
    if isinstance(layer, _layers.Normalization):
        raise InputError(
            f"{named} carries the means of all rows it was adapted to into every member: remove it, each member scales "
            "by its own training rows"
        )
    if type(layer) not in SUPPORTED:
        can = ", ".join(sorted(each.__name__ for each in SUPPORTED))
        raise InputError(f"{named} can't be trained as a batch; layers that can: {can}")
    if layer.compute_dtype != "float32" or layer.variable_dtype != "float32":
        raise InputError(f"{named} must compute in float32, got {layer.compute_dtype}")
    config = layer.get_config()
    for name in ("bias_regularizer", "beta_regularizer", "gamma_regularizer", "alpha_regularizer"):
        if config.get(name) is not None:
            raise InputError(f"{named} has a {name}: only weights are penalized, never biases and scales")
    if config.get("embeddings_regularizer") is not None:
        raise InputError(f"{named} has an embeddings_regularizer, which can't be trained as a batch")
    for name in ("lora_rank", "quantization_config", "renorm", "synchronized"):
        if config.get(name):
            raise InputError(f"{named} has {name}={config[name]!r}, which can't be trained as a batch")
    _own_strengths(layer)


def _own_strengths(layer: Any) -> tuple[float, float]:
    """The l1 and l2 of a layer's kernel regularizer."""
    penalty = getattr(layer, "kernel_regularizer", None)
    if penalty is None:
        return 0.0, 0.0
    if type(penalty) not in {keras.regularizers.L1, keras.regularizers.L2, keras.regularizers.L1L2}:
        raise InputError(
            f"layer '{layer.name}' has the kernel regularizer {type(penalty).__name__}; L1, L2 and L1L2 can be used"
        )
    return float(getattr(penalty, "l1", 0.0)), float(getattr(penalty, "l2", 0.0))


def describe(model: Any) -> str:
    """A model's layers as text, the same for equal layers of equal names; not its weights, loss and optimizer."""
    with warnings.catch_warnings():  # Keras reads the optimizer's learning rate in a way that NumPy 2 warns of
        warnings.simplefilter("ignore", DeprecationWarning)
        text = model.to_json()
    whole = json.loads(text)
    whole.pop("compile_config", None)
    return json.dumps(whole, sort_keys=True)


@lru_cache(maxsize=32)
def parts_of(description: str) -> Parts:
    """Take apart the model of a description."""
    plain = keras.models.model_from_json(description)
    twin = keras.models.clone_model(plain, clone_function=_twin_layer)
    strengths = {layer.name: _own_strengths(layer) for layer in plain.layers}
    trainable, fixed = twin.trainable_variables, twin.non_trainable_variables
    place = {id(variable): at for at, variable in enumerate(trainable)}
    fixed_place = {id(variable): at for at, variable in enumerate(fixed)}
    kernels, l1, l2, frozen = [], [], [], []
    dropouts, noises, seeds = [], [], []
    initializers: list[Any] = [None] * len(trainable)
    constraints = {at: v.constraint for at, v in enumerate(trainable) if v.constraint is not None}
    first_kernel = _first_kernel(twin)
    for layer in twin.layers:
        own = plain.get_layer(layer.name)
        if isinstance(layer, VariedDropout):
            dropouts.append((fixed_place[id(layer.strength)], float(own.rate)))
        if isinstance(layer, VariedNoise):
            noises.append((fixed_place[id(layer.strength)], float(own.stddev)))
        if hasattr(layer, "seed_generator"):
            seeds.append(fixed_place[id(layer.seed_generator.state)])
        for variable in layer.weights:
            at = place.get(id(variable))
            if at is None:
                if not isinstance(layer, VariedDropout | VariedNoise):
                    frozen.append(fixed_place[id(variable)])
                continue
            initializers[at] = getattr(layer, f"{variable.name}_initializer")
            if variable.name in _WEIGHTS:
                kernels.append(at)
                l1.append(strengths[layer.name][0])
                l2.append(strengths[layer.name][1])
    first = next((k for k, at in enumerate(kernels) if trainable[at] is first_kernel), None)
    return Parts(
        twin=twin,
        shapes=tuple(tuple(variable.shape) for variable in trainable),
        kernels=tuple(kernels),
        first=first,
        l1=tuple(l1),
        l2=tuple(l2),
        constraints=constraints,
        dropouts=tuple(dropouts),
        noises=tuple(noises),
        seeds=tuple(seeds),
        initializers=tuple(initializers),
        frozen=tuple(frozen),
    )


def _twin_layer(layer: Any) -> Any:
    """The layer without penalty, its rate a variable."""
    if isinstance(layer, _layers.Dropout):
        return VariedDropout(layer.noise_shape, name=layer.name)
    if isinstance(layer, _layers.GaussianNoise):
        return VariedNoise(name=layer.name)
    config = layer.get_config()
    if config.get("kernel_regularizer") is not None:
        config["kernel_regularizer"] = None
    kind = BatchedDense if type(layer) is _layers.Dense else type(layer)
    return kind.from_config(config)


def _first_kernel(model: Any) -> Any:
    """The weights that multiply the inputs themselves, where there is one input and one such layer; or None."""
    if len(model.inputs) != 1:
        return None
    takers = [layer for layer in model.layers if _takes_inputs(layer)]
    if len(takers) != 1 or not isinstance(takers[0], _layers.Dense):
        return None
    return takers[0].kernel


def _takes_inputs(layer: Any) -> bool:
    """Whether a layer takes the inputs, if need be through layers that leave each column to itself."""
    if isinstance(layer, (*_BY_COLUMN, _layers.InputLayer)):
        return False
    return any(_comes_from_input(tensor) for node in layer._inbound_nodes for tensor in node.input_tensors)  # noqa: SLF001 - Keras offers no other way to ask what feeds a layer


def _comes_from_input(tensor: Any) -> bool:
    source = tensor._keras_history.operation  # noqa: SLF001 - as above
    if isinstance(source, _layers.InputLayer):
        return True
    if isinstance(source, _BY_COLUMN):
        return any(_comes_from_input(each) for node in source._inbound_nodes for each in node.input_tensors)  # noqa: SLF001 - as above
    return False
