"""A trained member as an ordinary Keras model: its scale in front, the targets' units behind, its own penalties in."""

import warnings
from typing import Any

import numpy as np

from foldwise.nets.backend import keras
from foldwise.nets.member import Member
from foldwise.nets.parts import Parts
from foldwise.nets.scaling import Scaling
from foldwise.nets.starts import dropout_rates, strengths

layers = keras.layers


def as_keras(model: Any, parts: Parts, member: Any) -> Any:
    """The member as a compiled Keras model of unscaled rows without missing numbers."""
    core = plain_model(model, parts, member.member, member.weights, member.fixed)
    return with_scales(model, core, member.scalings, member.target_scaling)


def with_scales(model: Any, core: Any, scalings: Any, target: Scaling) -> Any:
    """A network of scaled rows with the scale in front and the targets' units behind, compiled as `model` is."""
    inputs = [keras.Input(tensor.shape[1:], name=f"{tensor.name}_", dtype=tensor.dtype) for tensor in core.inputs]
    scaled = []
    for tensor, own in zip(inputs, scalings, strict=True):
        flow = tensor
        if own is not None and (np.any(own.mean) or np.any(own.scale != 1)):
            flow = layers.Normalization(mean=own.mean.tolist(), variance=(own.scale**2).tolist())(flow)
        scaled.append(flow)
    outputs = core(scaled[0] if len(scaled) == 1 else scaled)
    if np.any(target.mean) or np.any(target.scale != 1):
        outputs = layers.Rescaling(target.scale.tolist(), offset=target.mean.tolist())(outputs)
    whole = keras.Model(inputs[0] if len(inputs) == 1 else inputs, outputs, name=model.name)
    if model.compiled:
        with warnings.catch_warnings():  # Keras reads its learning rate in a way that NumPy 2 warns of
            warnings.simplefilter("ignore", DeprecationWarning)
            options = model.optimizer.get_config()
        whole.compile(optimizer=type(model.optimizer).from_config(options), loss=model.loss)
        whole.optimizer.build(whole.trainable_variables)  # else a saved model loads with a warning
    return whole


def plain_model(model: Any, parts: Parts, member: Member, weights: list[Any], fixed: list[Any]) -> Any:
    """The model itself with the member's weights, rates and penalties, for scaled rows."""
    rates = iter(dropout_rates(parts, member))
    l1, l2 = (iter(values) for values in strengths(parts, member))

    def own(layer: Any) -> Any:
        config = layer.get_config()
        if isinstance(layer, layers.Dropout):
            config["rate"] = next(rates)
        if isinstance(layer, layers.Dense) and layer.kernel.trainable:
            a, b = next(l1), next(l2)
            config["kernel_regularizer"] = keras.regularizers.L1L2(a, b) if a or b else None
        return type(layer).from_config(config)

    core = keras.models.clone_model(model, clone_function=own)
    for variable, value in zip(core.trainable_variables, weights, strict=True):
        variable.assign(value)
    for variable, value in zip(_statistics(core), _weights_that_stay(parts.twin, fixed), strict=True):
        variable.assign(value)
    return core


def _statistics(model: Any) -> list[Any]:
    """Weights that don't train: statistics of batch normalization, frozen layers; not seeds, not rates."""
    supported = [layer for layer in model.layers if type(layer).__module__.startswith("keras.")]
    return [weight for layer in supported for weight in layer.weights if not _trains(model, weight)]


def _trains(model: Any, weight: Any) -> bool:
    return any(weight is each for each in model.trainable_variables)


def _weights_that_stay(twin: Any, fixed: list[Any]) -> list[Any]:
    place = {id(variable): at for at, variable in enumerate(twin.non_trainable_variables)}
    return [fixed[place[id(weight)]] for weight in _statistics(twin)]
