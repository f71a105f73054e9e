"""Simulated annealing of the penalized objective: one weight after the other moves, uphill too while it is hot."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from foldwise.errors import InputError
from foldwise.nets.backend import keras
from foldwise.nets.flat import split
from foldwise.nets.member import Member
from foldwise.nets.parts import Parts
from foldwise.nets.step import Hyper, Method, State

_HOT, _COLD = 0.005, 1e-7  # first and last temperature, as shares of the objective at the start
FIRST_WIDTH = 0.1
_NARROWEST, _WIDEST = 1e-5, 3.0  # of a weight's proposals
_ACCEPTED = 0.44  # the share of proposals that a weight's width is led to
_ADAPTS = 0.1
_TO_ZERO = 0.1  # the share of proposals to zero, where l1 wants zeros


def make_sweep(parts: Parts, method: Method) -> Callable[..., tuple[State, Any]]:
    """The function (state, hyper, epoch, inputs, targets) -> (state, loss) in which each weight may move once.

    A weight's proposals are normal around where it is; their width grows where proposals are accepted and shrinks where
    they are not. Where the weight has an l1 penalty, a tenth of its proposals is zero itself. Temperatures fall
    geometrically with the member's epochs. `kept` are the weights of the least objective of all that were visited; the
    loss is theirs, without penalties.

    References
    ----------
    Corana, Marchesi, Martini & Ridella (1987), Minimizing multimodal functions of continuous variables with the
    "simulated annealing" algorithm, ACM Transactions on Mathematical Software 13, 262-280.
    """
    count = sum(_size(shape) for shape in parts.shapes)

    def sweep(state: State, hyper: Hyper, epoch: Any, inputs: list[Any], targets: Any) -> tuple[State, Any]:
        def loss_of(weights: Any) -> Any:
            outputs, _ = parts.twin.stateless_call(
                split(weights, parts.shapes), state["fixed"], inputs[0] if len(inputs) == 1 else inputs, training=False
            )
            losses = jnp.where(hyper["fitted"] > 0, method.loss.rows(targets, outputs) * hyper["fitted"], 0.0)
            return jnp.sum(losses) / jnp.sum(hyper["fitted"])

        def objective(weights: Any) -> Any:
            total = loss_of(weights)
            if "l1" in method.uses:
                total = total + jnp.sum(hyper["l1"] * jnp.abs(weights))
            if "l2" in method.uses:
                total = total + jnp.sum(hyper["l2"] * jnp.square(weights))
            return total

        def move(at: Any, carry: Any) -> Any:
            weights, now, widths, kept, least = carry
            proposed = weights[at] + widths[at] * steps[at]
            if "l1" in method.uses:
                to_zero = (drawn[0, at] < _TO_ZERO) & (hyper["l1"][at] > 0)
                proposed = jnp.where(to_zero, 0.0, proposed)
            new = objective(weights.at[at].set(proposed))
            accepted = jnp.log(drawn[1, at]) * heat < now - new  # false where new is not a number
            weights = weights.at[at].set(jnp.where(accepted, proposed, weights[at]))
            width = widths[at] * jnp.exp(_ADAPTS * (accepted - _ACCEPTED))
            widths = widths.at[at].set(jnp.clip(width, _NARROWEST, _WIDEST))
            better = accepted & (new < least)
            now = jnp.where(accepted, new, now)
            return weights, now, widths, jnp.where(better, weights, kept), jnp.where(better, new, least)

        start = objective(state["weights"])
        first = jnp.where(epoch == 0, start, state["heat"])
        heat = first * _HOT * (_COLD / _HOT) ** (epoch / jnp.maximum(hyper["epochs"] - 1.0, 1.0))
        key = jnp.stack([hyper["noise_seed"], epoch.astype(jnp.uint32)])
        steps = jax.random.normal(key, (count,))
        drawn = jax.random.uniform(key, (2, count), minval=1e-30)
        least = jnp.where(epoch == 0, start, state["least"])
        carry = state["weights"], start, state["widths"], state["kept"], least
        weights, _, widths, kept, least = jax.lax.fori_loop(0, count, move, carry)
        moved = {"weights": weights, "widths": widths, "kept": kept, "least": least, "heat": first}
        return {**state, **moved}, loss_of(kept)

    return sweep


def check_annealing(model: Any, members: list[Member]) -> None:
    """Refuse by name what annealing has no use for.

    Raises
    ------
    InputError
    """
    for layer in model.layers:
        named = f"layer '{layer.name}' ({type(layer).__name__})"
        if isinstance(layer, keras.layers.BatchNormalization):
            raise InputError(f"{named} needs trainer='gradient': annealing has no batches")
        if isinstance(layer, keras.layers.GaussianNoise) or getattr(layer, "rate", None):
            raise InputError(f"{named} needs trainer='gradient': annealing draws no noise")
        for name in ("activity_regularizer", "kernel_constraint", "bias_constraint"):
            if getattr(layer, name, None) is not None:
                raise InputError(f"{named} has a {name}, which needs trainer='gradient'")
    plain = Member()
    for at, member in enumerate(members):
        for name in ("learning_rate", "weight_decay", "dropout", "group_lasso", "label_smoothing", "input_noise",
                     "max_norm", "mixup", "ema", "swa_start"):  # fmt: skip
            value = getattr(member, name)
            if value != getattr(plain, name) and value != 0:
                raise InputError(f"{name} needs trainer='gradient', got {value!r} for member {at}")


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
