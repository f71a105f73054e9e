"""One step of one member: gradient of loss and penalties, update, proximal step, limits, running average."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from foldwise.nets.flat import join, places, split, spread
from foldwise.nets.losses import Loss
from foldwise.nets.parts import Parts
from foldwise.nets.updates import Updates

State = dict[str, Any]
Hyper = dict[str, Any]


@dataclass(frozen=True)
class Method:
    """What is the same for all members of a program.

    Attributes
    ----------
    loss, updates : what is minimized, and how
    uses : names of what some member uses, so that the rest need not be computed: l1, l2, group_lasso, weight_decay,
        label_smoothing, input_noise, max_norm, mixup, ema, swa, watch; ragged (batches per epoch differ), weighted
        (rows differ in importance), annealing
    exact_zeros : whether the l1 penalty is a proximal step, or else part of the loss, as in Keras
    """

    loss: Loss
    updates: Updates
    uses: frozenset[str]
    exact_zeros: bool = True


def make_step(parts: Parts, method: Method) -> Callable[..., tuple[State, Any]]:
    """The function (state, hyper, inputs, targets, importance, mix) -> (state, loss) of one member and one batch.

    The loss that it returns is the batch's mean, without penalties. `hyper` is `spread_out`; `importance` (batch,) is
    what the loss of each row is multiplied with, or None.
    """
    uses = method.uses
    gradient_of = jax.grad(_objective(parts, method), has_aux=True)

    def step(
        state: State, hyper: Hyper, inputs: list[Any], targets: Any, importance: Any, mix: Any
    ) -> tuple[State, Any]:
        time = state["time"] + 1
        inputs, targets = _disturbed(state, hyper, inputs, targets, mix, method)
        weights = split(state["weights"], parts.shapes)
        gradients, (loss, fixed) = gradient_of(weights, state["fixed"], inputs, targets, importance)
        weights, moments = _updated(parts, method, state, join(gradients), hyper, time)
        new = {**state, "time": time, "weights": weights, "moments": moments, "fixed": fixed}
        if "ema" in uses:
            momentum = jnp.where(time > 1, hyper["ema"], 0.0)
            # A member that averages over epochs keeps its average between them.
            kept = hyper["ema"] == 0 if "swa" in uses else False
            new["average"] = jnp.where(kept, state["average"], momentum * state["average"] + (1 - momentum) * weights)
        return new, loss

    return step


def spread_out(parts: Parts, method: Method, hyper: Hyper) -> Hyper:
    """A member's numbers with its penalties for each weight."""
    found = dict(hyper)
    for name in method.uses & {"l1", "l2"}:
        found[name] = spread(hyper[name], parts.kernels, parts.shapes)
    if "weight_decay" in method.uses:
        found["weight_decay"] = spread([hyper["weight_decay"]] * len(parts.kernels), parts.kernels, parts.shapes)
    return found


def _objective(parts: Parts, method: Method) -> Callable[..., tuple[Any, tuple[Any, Any]]]:
    """Loss plus activity penalties; beside it the loss alone, and the variables that don't train."""

    def objective(weights: list[Any], fixed: list[Any], inputs: list[Any], targets: Any, importance: Any) -> Any:
        outputs, fixed, extra = parts.twin.stateless_call(
            weights, fixed, inputs[0] if len(inputs) == 1 else inputs, training=True, return_losses=True
        )
        losses = method.loss.rows(targets, outputs)
        loss = jnp.mean(losses if importance is None else losses * importance)
        return loss + sum(extra), (loss, fixed)

    return objective


def _disturbed(
    state: State, hyper: Hyper, inputs: list[Any], targets: Any, mix: Any, method: Method
) -> tuple[list[Any], Any]:
    """The batch with rows mixed, noise added and targets smoothed."""
    if "mixup" in method.uses:  # with the batch in reverse: batches are in random order as it is
        inputs = [mix * each + (1 - mix) * each[::-1] for each in inputs]
        targets = mix * targets + (1 - mix) * targets[::-1]
    if "input_noise" in method.uses:
        key = jnp.stack([hyper["noise_seed"], state["time"].astype(jnp.uint32)])
        inputs = [each + hyper["input_noise"] * jax.random.normal(key, each.shape, each.dtype) for each in inputs]
    if "label_smoothing" in method.uses:
        evenly = 0.5 if method.loss.targets == "yes or no" else 1 / targets.shape[-1]
        targets = targets * (1 - hyper["label_smoothing"]) + hyper["label_smoothing"] * evenly
    return inputs, targets


def _updated(parts: Parts, method: Method, state: State, gradient: Any, hyper: Hyper, time: Any) -> tuple[Any, Any]:
    """All weights and their moments after decay, gradient step, proximal steps and limits, in this order."""
    weights, uses, rate = state["weights"], method.uses, hyper["learning_rate"]
    if "l2" in uses:
        gradient = gradient + 2 * hyper["l2"] * weights
    if "l1" in uses and not method.exact_zeros:
        gradient = gradient + hyper["l1"] * jnp.where(weights >= 0, 1.0, -1.0)  # at zero, what JAX makes of |w|
    if "weight_decay" in uses:
        weights = weights * (1 - hyper["weight_decay"] * rate)
    metric = _by_row(parts, hyper) if "group_lasso" in uses else None
    weights, moments, size = method.updates.step(weights, gradient, state["moments"], rate, time, metric=metric)
    if "l1" in uses and method.exact_zeros:
        weights = jnp.sign(weights) * jnp.maximum(jnp.abs(weights) - size * hyper["l1"], 0.0)
    if "group_lasso" in uses:
        shape, (start, end) = _first(parts)
        own = jnp.broadcast_to(size, weights.shape)[start:end].reshape(shape)[:, :1]
        shrunk = _shrink_rows(weights[start:end].reshape(shape), own * hyper["group_lasso"])
        weights = jnp.concatenate([weights[:start], shrunk.ravel(), weights[end:]])
    if parts.constraints or "max_norm" in uses:
        weights = join([_limited(parts, hyper, at, each, uses) for at, each in enumerate(split(weights, parts.shapes))])
    return weights, moments


def _limited(parts: Parts, hyper: Hyper, at: int, weight: Any, uses: frozenset[str]) -> Any:
    """Variable number `at` within its constraints."""
    if at in parts.constraints:
        weight = parts.constraints[at](weight)
    if at in parts.kernels and "max_norm" in uses:
        norm = jnp.sqrt(jnp.sum(jnp.square(weight), axis=0, keepdims=True))
        weight = weight * (jnp.minimum(norm, hyper["max_norm"]) / (1e-7 + norm))
    return weight


def _first(parts: Parts) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Shape and place of the weights that take the inputs."""
    assert parts.first is not None  # noqa: S101 - checked before training
    at = parts.kernels[parts.first]
    return parts.shapes[at], places(parts.shapes)[at]


def _by_row(parts: Parts, hyper: Hyper) -> Callable[[Any], Any]:
    """One mean square gradient for all weights of an input, where whole inputs are penalized."""
    shape, (start, end) = _first(parts)

    def metric(second: Any) -> Any:
        own = second[start:end].reshape(shape)
        alike = jnp.broadcast_to(own.mean(axis=1, keepdims=True), shape)
        chosen = jnp.where(hyper["group_lasso"] > 0, alike, own).ravel()
        return jnp.concatenate([second[:start], chosen, second[end:]])

    return metric


def _shrink_rows(weight: Any, threshold: Any) -> Any:
    """The proximal step of the group lasso: rows (p, width) by sqrt(width) thresholds, exactly zero below."""
    norm = jnp.sqrt(jnp.sum(jnp.square(weight), axis=1, keepdims=True))
    limit = threshold * jnp.sqrt(jnp.float32(weight.shape[1]))
    return weight * jnp.where(norm > limit, 1 - limit / jnp.where(norm > limit, norm, 1.0), 0.0)
