"""One step of one member: gradient of loss and penalties, update, proximal step, limits, running average."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

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
        label_smoothing, input_noise, max_norm, mixup, ema, swa, watch
    exact_zeros : whether the l1 penalty is a proximal step, or else part of the loss, as in Keras
    """

    loss: Loss
    updates: Updates
    uses: frozenset[str]
    exact_zeros: bool = True


def make_step(parts: Parts, method: Method) -> Callable[[State, Hyper, list[Any], Any, Any], tuple[State, Any]]:
    """The function (state, hyper, inputs, targets, mix) -> (state, loss) of one member and one batch.

    The loss that it returns is the batch's mean, without penalties.
    """
    uses = method.uses
    gradient_of = jax.grad(_objective(parts, method), has_aux=True)

    def step(state: State, hyper: Hyper, inputs: list[Any], targets: Any, mix: Any) -> tuple[State, Any]:
        time = state["time"] + 1
        inputs, targets = _disturbed(state, hyper, inputs, targets, mix, method)
        gradients, (loss, fixed) = gradient_of(state["weights"], state["fixed"], hyper, inputs, targets)
        changed = [
            _updated(parts, method, at, each, hyper, time)
            for at, each in enumerate(zip(state["weights"], gradients, state["moments"], strict=True))
        ]
        weights = [weight for weight, _ in changed]
        moments = [moment for _, moment in changed]
        new = {**state, "time": time, "weights": weights, "moments": moments, "fixed": fixed}
        if "ema" in uses:
            momentum = jnp.where(time > 1, hyper["ema"], 0.0)
            # A member that averages over epochs keeps its average between them.
            kept = hyper["ema"] == 0 if "swa" in uses else False
            new["average"] = [
                jnp.where(kept, old, momentum * old + (1 - momentum) * now)
                for old, now in zip(state["average"], weights, strict=True)
            ]
        return new, loss

    return step


def _objective(parts: Parts, method: Method) -> Callable[..., tuple[Any, tuple[Any, Any]]]:
    """Loss plus the penalties that have a gradient; beside it the loss alone, and the variables that don't train."""

    def objective(weights: list[Any], fixed: list[Any], hyper: Hyper, inputs: list[Any], targets: Any) -> Any:
        outputs, fixed, extra = parts.twin.stateless_call(
            weights, fixed, inputs[0] if len(inputs) == 1 else inputs, training=True, return_losses=True
        )
        loss = jnp.mean(method.loss.rows(targets, outputs))
        total = loss + sum(extra)
        for k, at in enumerate(parts.kernels):
            if "l2" in method.uses:
                total += hyper["l2"][k] * jnp.sum(jnp.square(weights[at]))
            if "l1" in method.uses and not method.exact_zeros:
                total += hyper["l1"][k] * jnp.sum(jnp.abs(weights[at]))
        return total, (loss, fixed)

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


def _updated(parts: Parts, method: Method, at: int, each: Any, hyper: Hyper, time: Any) -> tuple[Any, Any]:
    """Variable number `at` and its moments after decay, gradient step, proximal step and limits, in this order."""
    weight, gradient, moment = each
    uses, rate = method.uses, hyper["learning_rate"]
    k = parts.kernels.index(at) if at in parts.kernels else None
    grouped = k is not None and k == parts.first and "group_lasso" in uses
    if k is not None and "weight_decay" in uses:
        weight = weight * (1 - hyper["weight_decay"] * rate)
    by_row = hyper["group_lasso"] > 0 if grouped else None
    weight, moment, size = method.updates.step(weight, gradient, moment, rate, time, by_row=by_row)
    if k is not None and "l1" in uses and method.exact_zeros:
        weight = jnp.sign(weight) * jnp.maximum(jnp.abs(weight) - size * hyper["l1"][k], 0.0)
    if grouped:
        weight = _shrink_rows(weight, jnp.broadcast_to(size, weight.shape)[:, :1] * hyper["group_lasso"])
    if at in parts.constraints:
        weight = parts.constraints[at](weight)
    if k is not None and "max_norm" in uses:
        norm = jnp.sqrt(jnp.sum(jnp.square(weight), axis=0, keepdims=True))
        weight = weight * (jnp.minimum(norm, hyper["max_norm"]) / (1e-7 + norm))
    return weight, moment


def _shrink_rows(weight: Any, threshold: Any) -> Any:
    """The proximal step of the group lasso: rows (p, width) by sqrt(width) thresholds, exactly zero below."""
    norm = jnp.sqrt(jnp.sum(jnp.square(weight), axis=1, keepdims=True))
    limit = threshold * jnp.sqrt(jnp.float32(weight.shape[1]))
    return weight * jnp.where(norm > limit, 1 - limit / jnp.where(norm > limit, norm, 1.0), 0.0)
