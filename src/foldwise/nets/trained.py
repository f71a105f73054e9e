"""Trained members: weights, scale, history and how training ended; predictions; each as an ordinary Keras model."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.nets.buffers import buffer_rows
from foldwise.nets.epochs import result_of
from foldwise.nets.export import as_keras
from foldwise.nets.flat import split
from foldwise.nets.forward import outputs
from foldwise.nets.jobs import Job
from foldwise.nets.member import Member
from foldwise.nets.objective import penalized_loss
from foldwise.nets.parts import parts_of
from foldwise.nets.scaling import Scaling
from foldwise.nets.step import Method
from foldwise.nets.streamed import is_on_disk
from foldwise.nets.tables import read_rows

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrainedMember:
    """One trained network.

    Attributes
    ----------
    member : Member
    fit_rows, watch_rows : rows that its weights were fitted to, and those that early stopping watched; empty where
        rows were read in blocks
    weights : list of arrays, in the order of the model's `trainable_variables`
    fixed : the program's variables that don't train: statistics of batch normalization, seeds, rates
    scalings, target_scaling : its own means and scales, of `fit_rows` alone
    loss, watch_loss : (epochs,) in training, without penalties; and on the inner split (NaN without one)
    last_epoch, best_epoch : epochs trained, and the epoch whose weights these are; counted from 1
    status : "finished", "stopped early", "diverged" (the loss was no longer a number), or "collapsed" (says about the
        same for every training row)
    objective : mean loss of `fit_rows` plus penalties, on the scale of training; NaN where training diverged

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.nets import Member, train
    >>> X = np.random.default_rng(0).normal(size=(64, 3))
    >>> member = train((4,), X, X[:, 0], [Member(epochs=5)], batch_size=16)[0]
    >>> member.status, member.last_epoch, [weight.shape for weight in member.weights]
    ('finished', 5, [(3, 4), (4,), (4, 1), (1,)])
    """

    member: Member
    fit_rows: NDArray[np.intp]
    watch_rows: NDArray[np.intp]
    weights: list[NDArray[np.float32]]
    fixed: list[Any]
    scalings: tuple[Scaling | None, ...]
    target_scaling: Scaling
    loss: Array
    watch_loss: Array
    last_epoch: int
    best_epoch: int
    status: str
    objective: float = math.nan


class Trained(Sequence[TrainedMember]):
    """Members in the order in which they were asked for; a member that the keyboard stopped is not among them.

    Attributes
    ----------
    numbers : (M,) position of each in the list that `train` was given
    counts : status -> how many members ended so

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.nets import Member, train
    >>> X = np.random.default_rng(0).normal(size=(64, 3))
    >>> trained = train((4,), X, X[:, 0], [Member(epochs=5)], batch_size=16)
    >>> trained.counts, trained.keras_model(0).input_shape
    ({'finished': 1}, (None, 3))
    """

    def __init__(self, model: Any, description: str, members: list[TrainedMember], numbers: list[int]) -> None:
        self.model = model
        self.description = description
        self.members = members
        self.numbers = np.array(numbers, dtype=np.intp)

    @overload
    def __getitem__(self, at: int) -> TrainedMember: ...
    @overload
    def __getitem__(self, at: slice) -> list[TrainedMember]: ...
    def __getitem__(self, at: int | slice) -> TrainedMember | list[TrainedMember]:
        return self.members[at]

    def __len__(self) -> int:
        """M."""
        return len(self.members)

    def __iter__(self) -> Iterator[TrainedMember]:
        """Each member in turn."""
        return iter(self.members)

    def __repr__(self) -> str:
        """How many ended how."""
        return "Trained(" + ", ".join(f"{count} {status}" for status, count in self.counts.items()) + ")"

    @property
    def counts(self) -> dict[str, int]:
        """How many members ended how."""
        found = [member.status for member in self.members]
        return {status: found.count(status) for status in dict.fromkeys(found)}

    @property
    def best(self) -> int:
        """Number of the member of the least objective: the best of many chains or seeds."""
        found = np.array([member.objective for member in self.members])
        if np.isnan(found).all():
            raise InputError("a member must have trained to the end; all diverged")
        return int(np.nanargmin(found))

    def predict(self, X: Any, members: Sequence[int] | None = None) -> Array:
        """Predictions (M, n, T) of all members, or of some, in the targets' units, or as the model's outputs."""
        if is_on_disk(X):
            size = buffer_rows(X.shape[1] + 1)
            parts = [self.predict(np.asarray(X[at : at + size]), members) for at in range(0, len(X), size)]
            return np.concatenate(parts, axis=1)
        rows = read_rows(self.model, X)
        chosen = range(len(self)) if members is None else members
        return np.stack([predicted(self.description, self[at], rows.scaled(self[at].scalings)) for at in chosen])

    def keras_model(self, at: int) -> Any:
        """Member number `at` as an ordinary compiled Keras model that takes X and gives y in their own units."""
        return as_keras(self.model, parts_of(self.description), self[at])


def predicted(description: str, member: TrainedMember, inputs: list[Any]) -> Array:
    """Predictions (n, T) for scaled inputs."""
    return member.target_scaling.undo(outputs(description, member.weights, member.fixed, inputs))


def finish(
    description: str, method: Method, job: Job, inputs: list[Any] | None = None, targets: Any = None
) -> TrainedMember:
    """The member of a job that is done; `inputs` and `targets` are its scaled training rows, to see how it ended."""
    state = job.state
    epochs = int(state["epoch"])
    best = job.member.patience is not None and int(state["best_epoch"]) > 0
    if best:
        weights, fixed = state["best_weights"], state["best_fixed"]
    else:
        weights, fixed = result_of(state, method.uses), state["fixed"]
    arrays = split(weights, parts_of(description).shapes)
    first = parts_of(description).first
    if job.member.inputs is not None and first is not None:
        kernel = parts_of(description).kernels[first]
        seen = np.isfinite(job.scalings[0].scale) if job.scalings[0] is not None else True
        arrays[kernel] = np.where(np.atleast_1d(seen)[:, None], arrays[kernel], np.float32(0))
    history = np.array(job.history, dtype=np.float64).reshape(-1, 2)
    member = TrainedMember(
        member=job.member,
        fit_rows=job.fit,
        watch_rows=job.watch,
        weights=arrays,
        fixed=list(fixed),
        scalings=job.scalings,
        target_scaling=job.target_scaling,
        loss=history[:, 0],
        watch_loss=history[:, 1],
        last_epoch=epochs,
        best_epoch=int(state["best_epoch"]) if best else epochs,
        status="diverged" if state["diverged"] else "stopped early" if state["stopped"] else "finished",
    )
    if inputs is None or member.status == "diverged":
        return member
    said = outputs(description, member.weights, member.fixed, inputs)
    same = says_the_same(said)
    objective = penalized_loss(
        parts_of(description), method.loss, job.member, member.weights, targets, said, job.importance
    )
    return replace(member, status="collapsed" if same else member.status, objective=objective)


def status_of(said: Array, *, diverged: bool, stopped: bool) -> str:
    """How training ended, by what it says (n, T) of its training rows."""
    if diverged:
        return "diverged"
    return "collapsed" if says_the_same(said) else "stopped early" if stopped else "finished"


def says_the_same(said: Array) -> bool:
    """Whether outputs (n, T) are about the same for every row."""
    return bool(np.ptp(said, axis=0).max() <= _SAME * max(float(np.abs(said).max()), 1.0))


_SAME = 1e-4  # of the outputs' size: a difference between rows that no longer says anything
