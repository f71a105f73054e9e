"""A smaller Keras model that says the same: units that do nothing and inputs that nothing uses are gone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.nets.backend import keras
from foldwise.nets.export import plain_model, with_scales
from foldwise.nets.parts import Parts
from foldwise.nets.scaling import Scaling
from foldwise.nets.trained import TrainedMember
from foldwise.parameters.checks import number

layers = keras.layers
_BY_UNIT = (
    layers.Dropout,
    layers.GaussianNoise,
    layers.BatchNormalization,
    layers.Activation,
    layers.ReLU,
    layers.LeakyReLU,
    layers.PReLU,
    layers.ELU,
    layers.Rescaling,
)
_ACROSS = ("softmax", "log_softmax", "sparsemax", "glu")  # activations that look at several units


@dataclass(frozen=True, eq=False)
class Pruned:
    """A network without what it does not need.

    Attributes
    ----------
    model : keras.Model
        Takes the inputs `kept`, in this order, in their own units; compiled like the network it comes from.
    kept, unnecessary : numbers of the columns of X that the model asks for, and of those whose weights are all zero
    units : widths of the hidden layers, before and after
    weights : how many weights and biases there were, and are

    Examples
    --------
    >>> import foldwise as fw
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(120, 4))
    >>> net = fw.NetRegressor((6,), group_lasso=0.2, epochs=100, learning_rate=0.02).fit(X, 3 * X[:, 1])
    >>> small = net.prune()
    >>> small.kept, small.unnecessary, small.model.input_shape
    ([1], [0, 2, 3], (None, 1))
    """

    model: Any
    kept: list[int]
    unnecessary: list[int]
    units: tuple[tuple[int, ...], tuple[int, ...]]
    weights: tuple[int, int]


def prune(model: Any, parts: Parts, member: TrainedMember, threshold: float = 0.0) -> Pruned:
    """Drop weights of at most `threshold` in size, then every unit and input that changes nothing.

    A unit nothing listens to is dropped; one that listens to nothing says the same for every row, which goes into the
    biases of the next layer. With threshold 0 the predictions stay what they were.

    Raises
    ------
    InputError
        For a model that is not a chain of dense layers with layers between them that treat each unit by itself.
    """
    number("threshold", threshold)
    core = plain_model(model, parts, member.member, member.weights, member.fixed)
    chain = _chain(core)
    dense = [at for at, layer in enumerate(chain) if isinstance(layer, layers.Dense)]
    weights = [
        np.where(np.abs(kernel) > threshold, kernel, 0.0) for kernel in (_array(chain[at].kernel) for at in dense)
    ]
    biases = [_array(chain[at].bias) if chain[at].use_bias else np.zeros(chain[at].units) for at in dense]
    alive = [np.ones(len(kernel), dtype=bool) for kernel in weights]  # of inputs of each dense layer
    changed = True
    while changed:
        changed = False
        for k in range(len(dense)):
            heard = np.any(weights[k][:, _out(alive, k)] != 0, axis=1)
            said = np.ones_like(heard)
            if k:
                said = np.any(weights[k - 1][alive[k - 1]] != 0, axis=0)
                constant = alive[k] & heard & ~said
                if constant.any() and chain[dense[k]].use_bias:
                    value = _between(chain[dense[k - 1] + 1 : dense[k]], _activated(chain[dense[k - 1]], biases[k - 1]))
                    biases[k] = biases[k] + value[constant] @ weights[k][constant]
                elif constant.any():
                    said |= constant  # there is no bias to take the constant
            now = alive[k] & heard & said
            if not now.any():
                now[np.argmax(alive[k])] = True  # a layer has at least one unit
            changed |= bool((now != alive[k]).any())
            dropped = alive[k] & ~now
            weights[k][dropped] = 0.0
            alive[k] = now
    small = _small(chain, dense, weights, biases, alive)
    (scaling,) = member.scalings
    if scaling is None:
        raise InputError("prune needs inputs of numbers, got codes for an Embedding")
    kept = np.flatnonzero(alive[0])
    own = Scaling(scaling.mean[kept], scaling.scale[kept], scaling.gap[kept])
    whole = with_scales(model, small, (own,), member.target_scaling)
    before = tuple(int(chain[at].units) for at in dense[:-1])
    return Pruned(
        model=whole,
        kept=kept.tolist(),
        unnecessary=np.flatnonzero(~alive[0]).tolist(),
        units=(before, tuple(int(mask.sum()) for mask in alive[1:])),
        weights=(core.count_params(), small.count_params()),
    )


def _out(alive: list[NDArray[np.bool_]], k: int) -> Any:
    """Which outputs of dense layer k are alive."""
    return alive[k + 1] if k + 1 < len(alive) else slice(None)


def _chain(core: Any) -> list[Any]:
    """The layers of a model that can be pruned, in order."""
    if not isinstance(core, keras.Sequential):
        raise InputError(f"prune needs a Sequential model, got {type(core).__name__}")
    chain = list(core.layers)
    last = max((at for at, layer in enumerate(chain) if isinstance(layer, layers.Dense)), default=-1)
    for layer in chain[:last]:
        across = getattr(getattr(layer, "activation", None), "__name__", "") in _ACROSS
        if not isinstance(layer, (layers.Dense, *_BY_UNIT)) or across:
            raise InputError(
                f"prune needs dense layers, and layers between them that treat each unit by itself; "
                f"'{layer.name}' ({type(layer).__name__}) does not"
            )
    if last < 0:
        raise InputError("prune needs a model with a Dense layer")
    return chain


def _array(variable: Any) -> NDArray[np.float64]:
    return np.asarray(variable.value, dtype=np.float64)


def _activated(layer: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
    said: NDArray[np.float32] = np.asarray(layer.activation(keras.ops.convert_to_tensor(values[None], "float32")))
    return np.array(said[0], dtype=np.float64)


def _between(between: list[Any], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """What layers between two dense ones make of values (width,), outside training."""
    flow = keras.ops.convert_to_tensor(values[None], "float32")
    for layer in between:
        flow = layer(flow, training=False) if isinstance(layer, _TRAINS_OTHERWISE) else layer(flow)
    said: NDArray[np.float32] = np.asarray(flow)
    return np.array(said[0], dtype=np.float64)


_TRAINS_OTHERWISE = (layers.Dropout, layers.GaussianNoise, layers.BatchNormalization)


def _small(chain: list[Any], dense: list[int], weights: Any, biases: Any, alive: Any) -> Any:
    """The chain with the layers' units and weights that are alive."""
    small = keras.Sequential([keras.Input((int(alive[0].sum()),), name="inputs")], name="pruned")
    k = 0
    for at, layer in enumerate(chain):
        config = layer.get_config()
        config.pop("build_config", None)
        inside = alive[k] if k < len(dense) else slice(None)
        if at in dense:
            outside = _out(alive, k)
            kernel = weights[k][inside][:, outside]
            config["units"] = kernel.shape[1]
            new = layers.Dense.from_config(config)
            small.add(new)
            new.set_weights([kernel, biases[k][outside]] if layer.use_bias else [kernel])
            k += 1
            continue
        new = type(layer).from_config(config)
        small.add(new)
        own = [weight for weight in layer.weights if len(weight.shape)]
        for old, variable in zip(own, [weight for weight in new.weights if len(weight.shape)], strict=True):
            variable.assign(np.asarray(old.value)[inside])
    return small
