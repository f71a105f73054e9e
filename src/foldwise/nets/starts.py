"""Where a member starts: initial weights, seeds and rates in the order of the program's variables."""

from typing import Any

import numpy as np

from foldwise.errors import InputError
from foldwise.nets.annealing import FIRST_WIDTH
from foldwise.nets.flat import join
from foldwise.nets.member import Member
from foldwise.nets.order import layer_seeds, noise_seed, weight_seeds
from foldwise.nets.parts import Parts
from foldwise.nets.step import Hyper, Method, State

_NEVER = 2**30


def start(parts: Parts, method: Method, member: Member, frozen: list[Any]) -> State:
    """The state of a member before its first step; `frozen` are the values of the weights that don't train."""
    weights = join(initial_weights(parts, member.seed if member.weight_seed is None else member.weight_seed))
    fixed: list[Any] = [np.asarray(variable.value) for variable in parts.twin.non_trainable_variables]
    for at, value in zip(parts.frozen, frozen, strict=True):
        fixed[at] = np.asarray(value)
    for at, seed in zip(parts.seeds, layer_seeds(member.seed, len(parts.seeds)), strict=True):
        fixed[at] = np.array([seed, 0], dtype=np.uint32)
    for (at, _), rate in zip(parts.dropouts, dropout_rates(parts, member), strict=True):
        fixed[at] = np.float32(1 - rate)
    for at, deviation in parts.noises:
        fixed[at] = np.float32(deviation)
    state: State = {
        "weights": weights,
        "fixed": fixed,
        "moments": (np.zeros_like(weights), np.zeros_like(weights)),
        "time": np.int32(0),
        "epoch": np.int32(0),
        "going": np.bool_(True),  # noqa: FBT003 - NumPy's own constructor
        "stopped": np.bool_(False),  # noqa: FBT003
        "diverged": np.bool_(False),  # noqa: FBT003
    }
    if method.uses & {"ema", "swa"}:
        state["average"] = weights.copy()
    if "annealing" in method.uses:
        state |= {
            "kept": weights.copy(),
            "least": np.float32(np.inf),
            "heat": np.float32(0),
            "widths": np.full_like(weights, FIRST_WIDTH),
        }
    if "watch" in method.uses:
        state |= {
            "best_loss": np.float32(np.inf),
            "best_epoch": np.int32(0),
            "wait": np.int32(0),
            "best_weights": weights.copy(),
            "best_fixed": [value.copy() for value in fixed],
        }
    return state


def initial_weights(parts: Parts, seed: int) -> list[Any]:
    """Each weight drawn by its own initializer from the member's seed."""
    weights = []
    for variable, initializer, drawn in zip(
        parts.twin.trainable_variables,
        parts.initializers,
        weight_seeds(seed, len(parts.initializers)),
        strict=True,
    ):
        config = initializer.get_config()
        own = type(initializer).from_config({**config, "seed": drawn} if "seed" in config else config)
        weights.append(np.asarray(own(variable.shape, dtype="float32")))
    return weights


def dropout_rates(parts: Parts, member: Member) -> tuple[float, ...]:
    """One rate for each dropout layer."""
    if member.dropout is None:
        return tuple(rate for _, rate in parts.dropouts)
    if not parts.dropouts:
        if np.any(np.asarray(member.dropout) > 0):
            raise InputError(f"dropout needs a model with Dropout layers, got {member.dropout} for a model without")
        return ()
    if not isinstance(member.dropout, tuple | list):
        return (float(member.dropout),) * len(parts.dropouts)
    if len(member.dropout) != len(parts.dropouts):
        raise InputError(
            f"dropout must have one rate for each of {len(parts.dropouts)} dropout layers, got {len(member.dropout)}"
        )
    return tuple(map(float, member.dropout))


def strengths(parts: Parts, member: Member) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The member's l1 and l2, one for each of the model's penalized weights."""
    l1 = parts.l1 if member.l1 is None else (float(member.l1),) * len(parts.kernels)
    l2 = parts.l2 if member.l2 is None else (float(member.l2),) * len(parts.kernels)
    return l1, l2


def hyper(parts: Parts, member: Member, learning_rate: float, weight_decay: float) -> Hyper:
    """A member's own numbers, but for its rows and scale."""
    l1, l2 = strengths(parts, member)
    decay = weight_decay if member.weight_decay is None else member.weight_decay
    numbers = {
        "learning_rate": learning_rate if member.learning_rate is None else member.learning_rate,
        "weight_decay": decay,
        "group_lasso": member.group_lasso,
        "label_smoothing": member.label_smoothing,
        "input_noise": member.input_noise,
        "max_norm": member.max_norm,
        "ema": member.ema,
        "patience": np.inf if member.patience is None else member.patience,
        "min_delta": member.min_delta,
    }
    swa_from = min(1 + round(member.swa_start * member.epochs), member.epochs) if member.swa_start < 1 else _NEVER
    return {
        **{name: np.float32(value) for name, value in numbers.items()},
        "l1": np.array(l1, dtype=np.float32),
        "l2": np.array(l2, dtype=np.float32),
        "noise_seed": np.uint32(noise_seed(member.seed)),
        "swa_from": np.int32(swa_from),
        "limit": np.int32(member.epochs),
    }


def uses(parts: Parts, members: list[Member], weight_decay: float) -> frozenset[str]:
    """What some member uses, so that a program computes nothing else."""
    found = {
        "group_lasso": any(member.group_lasso > 0 for member in members),
        "weight_decay": any((weight_decay if m.weight_decay is None else m.weight_decay) > 0 for m in members),
        "label_smoothing": any(member.label_smoothing > 0 for member in members),
        "input_noise": any(member.input_noise > 0 for member in members),
        "max_norm": any(member.max_norm < np.inf for member in members),
        "mixup": any(member.mixup > 0 for member in members),
        "ema": any(member.ema > 0 for member in members),
        "swa": any(member.swa_start < 1 for member in members),
        "watch": any(member.patience is not None for member in members),
        "l1": any(any(strengths(parts, member)[0]) for member in members),
        "l2": any(any(strengths(parts, member)[1]) for member in members),
    }
    return frozenset(name for name, used in found.items() if used)
