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
    importance: NDArray[np.float64] | None = None  # (n_fit,)
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
        """The rows (n_steps, batch_size) and mixes (n_steps,) of an epoch; blanks where all rows are in every step."""
        if "fit" in self.hyper:
            return np.zeros((1, batch_size), dtype=np.intp), np.ones(1, dtype=np.float32)
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
    importance: NDArray[np.float64] | None,
) -> list[Job]:
    """One job for each member. Members of the same rows share a scale; `importance` (n,) is positive in their rows."""
    splits = [fit_and_watch(member, rows.n) for member in members]
    longest_fit, longest = (padded(max(map(len, some)), 1) for some in zip(*splits, strict=True))
    scales: dict[bytes, tuple[tuple[Scaling | None, ...], Scaling]] = {}
    jobs = []
    for at, (member, (fit, watch)) in enumerate(zip(members, splits, strict=True)):
        if len(fit) < batch_size:
            found = f"the training rows of member {at}"
            raise InputError(f"batch_size must be at most {len(fit)}, {found}, got {batch_size}")
        key = fit.tobytes()
        if key not in scales:
            own = None if importance is None else importance[fit]
            scales[key] = (
                rows.scalings(fit, standardize=standardize, importance=own),
                Scaling.of(targets[fit], standardize=standardize_target, importance=own),
            )
        scalings, target_scaling = scales[key]
        if member.inputs is not None:
            scalings = (_seen(member, at, scalings),)
        numbers = hyper(program.parts, member, learning_rate, weight_decay)
        numbers |= {
            "inputs": tuple({} if own is None else own.arrays() for own in scalings),
            "targets": target_scaling.arrays(),
            "n_steps": np.int32(steps_per_epoch(len(fit), batch_size)),
        }
        if importance is not None:
            numbers["importance"] = np.float32(1 / importance[fit].mean())
        if "watch" in program.method.uses:
            numbers["watch"], numbers["watched"] = _padded_rows(watch, longest, importance)
        if "annealing" in program.method.uses:
            numbers["fit"], numbers["fitted"] = _padded_rows(fit, longest_fit, importance)
            numbers |= {"n_steps": np.int32(1), "epochs": np.float32(member.epochs)}
        state = start(program.parts, program.method, member, frozen)
        own = None if importance is None else importance[fit]
        jobs.append(Job(member, fit, watch, scalings, target_scaling, numbers, state, importance=own))
    return jobs


def _seen(member: Member, at: int, scalings: tuple[Scaling | None, ...]) -> Scaling:
    """The scale of a member's only input with the columns that it does not see taken out."""
    own = scalings[0]
    if len(scalings) != 1 or own is None:
        raise InputError(f"inputs need a model with one input of numbers, got {member.inputs!r} for member {at}")
    columns = np.atleast_1d(np.asarray(member.inputs))
    if columns.size and (columns.dtype.kind not in "iu" or columns.min() < 0 or columns.max() >= len(own.mean)):
        most = len(own.mean) - 1
        raise InputError(f"inputs must be column numbers from 0 to {most}, got {member.inputs!r} for member {at}")
    return own.seeing(columns.astype(np.intp))


def _padded_rows(rows: NDArray[np.intp], count: int, importance: NDArray[np.float64] | None) -> tuple[Any, Any]:
    """So many row numbers, of which those beyond `rows` weigh nothing; and what each weighs."""
    numbers = np.full(count, rows[0] if len(rows) else 0, dtype=np.int32)
    numbers[: len(rows)] = rows
    weights = np.zeros(count, dtype=np.float32)
    weights[: len(rows)] = 1.0 if importance is None else importance[rows]
    return numbers, weights
