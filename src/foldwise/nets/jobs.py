"""A job: one member with its rows, its scale, its numbers and its state, which may be trained in several goes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.nets.member import Member
from foldwise.nets.order import batches, fit_and_watch, mixes, steps_per_epoch
from foldwise.nets.program import Program, padded
from foldwise.nets.scaling import Scaling
from foldwise.nets.starts import hyper, start
from foldwise.nets.step import Hyper, State
from foldwise.nets.tables import Rows


@dataclass(eq=False)
class Job:
    """A member on its way; `state` changes with training, the rest stays."""

    member: Member
    fit: NDArray[np.intp]
    watch: NDArray[np.intp]
    scalings: tuple[Scaling | None, ...]
    target_scaling: Scaling
    hyper: Hyper
    state: State
    history: list[tuple[float, float]] = field(default_factory=list)

    @property
    def n_steps(self) -> int:
        """Batches per epoch."""
        return int(self.hyper["n_steps"])

    @property
    def epochs_left(self) -> int:
        """How many epochs it may still train."""
        return int(self.hyper["limit"]) - int(self.state["epoch"]) if self.state["going"] else 0

    def orders(self, epoch: int, batch_size: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """The rows (n_steps, batch_size) and mixes (n_steps,) of an epoch."""
        rows = batches(self.member.seed, self.fit, batch_size, epoch)
        return rows, mixes(self.member.seed, self.member.mixup, self.n_steps, epoch)


def make_jobs(
    program: Program,
    members: list[Member],
    rows: Rows,
    targets: NDArray[np.float64],
    *,
    batch_size: int,
    standardize: bool,
    standardize_target: bool,
    learning_rate: float,
    weight_decay: float,
    frozen: list[Any],
) -> list[Job]:
    """One job for each member. Members of the same rows share a scale, of the same seed their initial weights."""
    splits = [fit_and_watch(member, rows.n) for member in members]
    longest = padded(max(len(watch) for _, watch in splits), 1)
    scales: dict[bytes, tuple[tuple[Scaling | None, ...], Scaling]] = {}
    jobs = []
    for at, (member, (fit, watch)) in enumerate(zip(members, splits, strict=True)):
        if len(fit) < batch_size:
            own = f"the training rows of member {at}"
            raise InputError(f"batch_size must be at most {len(fit)}, {own}, got {batch_size}")
        key = fit.tobytes()
        if key not in scales:
            scales[key] = (
                rows.scalings(fit, standardize=standardize),
                Scaling.of(targets[fit], standardize=standardize_target),
            )
        scalings, target_scaling = scales[key]
        numbers = hyper(program.parts, member, learning_rate, weight_decay)
        numbers |= {
            "inputs": tuple({} if own is None else own.arrays() for own in scalings),
            "targets": target_scaling.arrays(),
            "n_steps": np.int32(steps_per_epoch(len(fit), batch_size)),
        }
        if "watch" in program.method.uses:
            numbers["watch"] = np.zeros(longest, dtype=np.int32)
            numbers["watch"][: len(watch)] = watch
            numbers["watched"] = np.arange(longest) < len(watch)
        state = start(program.parts, program.method, member, frozen)
        jobs.append(Job(member, fit, watch, scalings, target_scaling, numbers, state))
    return jobs
