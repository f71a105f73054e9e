"""Many epochs of one member: steps over batches, the loss on the inner split, early stopping; and many members."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from foldwise.nets.annealing import make_sweep
from foldwise.nets.flat import split
from foldwise.nets.parts import Parts
from foldwise.nets.step import Hyper, Method, State, make_step, spread_out

MOVING = ("time", "weights", "moments", "fixed", "average", "widths", "kept", "least", "heat")  # what a step changes
Tables = tuple[tuple[Any, ...], ...]


def look_up(table: tuple[Any, ...], scaling: dict[str, Any], rows: Any) -> Any:
    """Scaled rows of a table of numbers, which is the sum of two of single precision; rows of codes as they are."""
    if len(table) == 1:
        return table[0][rows]
    high, low = table
    scaled = ((high[rows] - scaling["mean"]) + (low[rows] - scaling["mean_low"])) / scaling["scale"]
    return jnp.where(jnp.isnan(scaled), scaling["gap"], scaled)


def make_epochs(parts: Parts, method: Method) -> Callable[..., tuple[State, Any]]:
    """The function of all members of a batch that trains each for some epochs.

    (state, hyper, order, mix, inputs, targets, n_epochs, n_steps) -> (state, history): `order` (M, cap, batch) are row
    numbers, of which the first n_epochs * n_steps are used; `mix` (M, cap); `history` (M, cap, 2) has the loss in
    training and on the inner split. Inputs and targets are shared by all members. Annealing takes all training rows
    in each step, and neither order nor mix.
    """
    annealed = "annealing" in method.uses
    step, sweep = make_step(parts, method), make_sweep(parts, method)

    def member(
        state: State, hyper: Hyper, order: Any, mix: Any, inputs: Tables, targets: Any, n_epochs: Any, n_steps: Any
    ) -> tuple[State, Any]:
        hyper = spread_out(parts, method, hyper)

        def batch_of(rows: Any) -> tuple[list[Any], Any, Any]:
            batch = [look_up(table, own, rows) for table, own in zip(inputs, hyper["inputs"], strict=True)]
            importance = targets[2][rows] * hyper["importance"] if "weighted" in method.uses else None
            return batch, look_up(targets[:2], hyper["targets"], rows), importance

        def through_batches(moving: State, epoch: Any) -> tuple[State, Any]:
            def one_batch(k: Any, inner: tuple[State, Any]) -> tuple[State, Any]:
                state, total = inner
                batch = batch_of(order[epoch * n_steps + k])
                new, loss = step(state, hyper, *batch, mix[epoch * n_steps + k])
                if "ragged" not in method.uses:
                    return new, total + loss
                real = k < hyper["n_steps"]
                return _choose(real, new, state), total + jnp.where(real, loss, 0.0)

            moving, total = jax.lax.fori_loop(0, n_steps, one_batch, (moving, jnp.float32(0)))
            return moving, total / hyper["n_steps"]

        def one_epoch(epoch: Any, carry: tuple[State, Any]) -> tuple[State, Any]:
            before, history = carry
            moving = {name: before[name] for name in MOVING if name in before}
            if annealed:
                moving, loss = sweep(moving, hyper, before["epoch"], *everything)
            else:
                moving, loss = through_batches(moving, epoch)
            state = _average({**before, **moving}, hyper, method)
            watched = watch_loss(state) if "watch" in method.uses else jnp.float32(jnp.nan)
            history = history.at[epoch].set(jnp.stack([loss, watched]))
            return _choose(before["going"], _close(state, hyper, loss, watched, method), before), history

        def watch_loss(state: State) -> Any:
            counted = hyper["watched"]
            batch, wanted, _ = batch_of(hyper["watch"])
            outputs, _ = parts.twin.stateless_call(
                split(result_of(state, method.uses), parts.shapes),
                state["fixed"],
                batch[0] if len(batch) == 1 else batch,
                training=False,
            )
            losses = jnp.where(counted > 0, method.loss.rows(wanted, outputs) * counted, 0.0)
            return jnp.sum(losses) / jnp.sum(counted)  # NaN for a member that watches nothing

        everything = batch_of(hyper["fit"])[:2] if annealed else ()
        blank = jnp.full((order.shape[0], 2), jnp.nan, dtype=jnp.float32)
        after: tuple[State, Any] = jax.lax.fori_loop(0, n_epochs, one_epoch, (state, blank))
        return after

    return jax.vmap(member, in_axes=(0, 0, 0, 0, None, None, None, None))


def result_of(state: State, uses: frozenset[str]) -> Any:
    """The weights that make the model, as a vector: the last ones, their average, or the best that annealing met."""
    if "annealing" in uses:
        return state["kept"]
    return state["average"] if uses & {"ema", "swa"} else state["weights"]


def _average(state: State, hyper: Hyper, method: Method) -> State:
    """The state at the end of an epoch with the average over epochs, which before its start is the last weights."""
    if "swa" not in method.uses:
        return state
    count = jnp.maximum(state["epoch"] + 2 - hyper["swa_from"], 1).astype(jnp.float32)
    averaged = state["average"] + (state["weights"] - state["average"]) / count
    if "ema" in method.uses:
        averaged = jnp.where(hyper["ema"] > 0, state["average"], averaged)
    return {**state, "average": averaged}


def _close(state: State, hyper: Hyper, loss: Any, watched: Any, method: Method) -> State:
    """What the end of an epoch changes: the best weights, and whether training goes on."""
    epoch = state["epoch"] + 1
    new = {**state, "epoch": epoch, "diverged": ~jnp.isfinite(loss)}
    stop = jnp.zeros((), dtype=bool)
    if "watch" in method.uses:
        better = watched < state["best_loss"] - hyper["min_delta"]
        wait = jnp.where(better, 0, state["wait"] + 1)
        new.update(
            best_loss=jnp.where(better, watched, state["best_loss"]),
            best_epoch=jnp.where(better, epoch, state["best_epoch"]),
            wait=wait,
            best_weights=_choose(better, result_of(new, method.uses), state["best_weights"]),
            best_fixed=_choose(better, list(state["fixed"]), state["best_fixed"]),
        )
        stop = ~better & (wait >= hyper["patience"]) & (epoch > 1)
    new["stopped"] = stop
    new["going"] = ~stop & ~new["diverged"] & (epoch < hyper["limit"])
    return new


def _choose(condition: Any, yes: Any, no: Any) -> Any:
    """One of two states, by a truth value."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
