"""Training on rows that are not in memory: all members go through one buffer of rows after another, as one batch."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.moments.threads import cores
from foldwise.nets.blocks import Block, Blocks, read_ahead
from foldwise.nets.buffers import Carry, buffers, on_device
from foldwise.nets.dealt import TrainingRows
from foldwise.nets.epochs import result_of
from foldwise.nets.flat import split
from foldwise.nets.forward import outputs
from foldwise.nets.jobs import Job
from foldwise.nets.losses import read_loss
from foldwise.nets.member import Member
from foldwise.nets.order import mixes, permuted
from foldwise.nets.prepared import Prepared, is_linear
from foldwise.nets.program import padded, program_of
from foldwise.nets.progress import Progress
from foldwise.nets.scaling import Scaling
from foldwise.nets.survey import Survey
from foldwise.nets.trained import TrainedMember, finish

_SLOTS, _GPU_SLOTS = 8, 256  # members side by side in one call of the program
_FOREVER = 2**30
Ints = NDArray[np.intp]


@dataclass(eq=False)
class Streaming:
    """A member on its way through buffers.

    Attributes
    ----------
    job : Job
        Its numbers and state, whose rows are empty.
    training : TrainingRows
    n_fit : int
    watched : rows of its inner split, or None
    batch : rows of a batch
    carried : places of the rows that it has not trained on yet, among those carried over
    epoch, limit : epochs trained, and to be trained
    best, kept : the least loss on the inner split, and the state that has it
    """

    job: Job
    training: TrainingRows
    n_fit: int
    watched: Block | None
    limit: int
    batch: int
    carried: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    epoch: int = 0
    best: float = np.inf
    kept: dict[str, Any] = field(default_factory=dict)
    wait: int = 0
    stopped: bool = False
    diverged: bool = False
    lost: float = 0.0
    steps: int = 0

    @property
    def n_steps(self) -> int:
        """Batches of an epoch, about."""
        return max(1, self.n_fit // self.batch)

    @property
    def epochs_left(self) -> int:
        """How many epochs it may still train."""
        return 0 if self.stopped or self.diverged else max(0, self.limit - self.epoch)

    @property
    def scaling(self) -> Scaling:
        """Of its inputs."""
        found = self.job.scalings[0]
        assert found is not None  # noqa: S101 - inputs are numbers
        return found


class Stream:
    """Everything checked and laid out, no step taken: `Prepared` for rows in blocks.

    Parameters
    ----------
    model : as `train` has it
    surveyed : Survey
        Of blocks, for the members' training rows.
    members : (Member, TrainingRows) pairs
    order_seed, size : int
        The seed of the order of units, and the rows of a buffer.
    """

    def __init__(
        self,
        model: Any,
        surveyed: Survey,
        members: Iterable[tuple[Member, TrainingRows]],
        *,
        loss: Any,
        batch_size: int,
        standardize: bool,
        standardize_target: bool | None,
        exact_zeros: bool,
        order_seed: int,
        size: int,
    ) -> None:
        blocks, given = surveyed.blocks, list(members)
        plain = [replace(member, rows=None, patience=None, watch=0.1) for member, _ in given]
        self.prepared = prepared = Prepared(
            model, *_stand_in(model, blocks, loss, batch_size), plain,
            sample_weight=np.ones(_height(blocks, batch_size)) if blocks.is_weighted else None, trainer="gradient",
            loss=loss, batch_size=batch_size, standardize=False, standardize_target=False, exact_zeros=exact_zeros,
        )  # fmt: skip
        _check_targets(prepared, surveyed, given)
        method = prepared.program.method
        self.program = program_of(prepared.program.description, replace(method, uses=method.uses | {"ragged"}))
        if standardize_target is None:
            standardize_target = prepared.loss.targets == "numbers" and is_linear(prepared.model)
        self.model, self.blocks, self.batch_size = prepared.model, blocks, prepared.batch_size
        self._seed, self.size = order_seed, min(size, blocks.n_rows)
        self.n_buffers = -(-blocks.n_rows // self.size)
        self._carry = Carry()
        scales: dict[TrainingRows, tuple[Scaling, Scaling]] = {}
        self.jobs = []
        for at, ((member, training), job) in enumerate(zip(given, prepared.jobs, strict=True)):
            n_fit = surveyed.n_fit(training)
            if n_fit < self.batch_size:
                raise InputError(f"batch_size must be at most {n_fit}, the training rows of member {at}, "
                                 f"got {self.batch_size}")  # fmt: skip
            if training not in scales:
                scales[training] = surveyed.scalings(training, standardize=standardize, targets=standardize_target)
            inputs, targets = scales[training]
            if member.inputs is not None:
                seen = np.isin(np.arange(blocks.width), member.inputs) & np.isfinite(inputs.scale)
                inputs = inputs.seeing(np.flatnonzero(seen))
            self.jobs.append(self._job(job, member, training, n_fit, (inputs, targets), surveyed))

    def _job(
        self, job: Job, member: Member, training: TrainingRows, n_fit: int, scales: tuple[Scaling, Scaling],
        surveyed: Survey,
    ) -> Streaming:  # fmt: skip
        nobody = np.zeros(0, dtype=np.intp)
        swa_from = (int(job.hyper["swa_from"]) - 1) * self.n_buffers + 1  # counted in buffers
        numbers = {
            **job.hyper,
            "inputs": (scales[0].arrays(),),
            "targets": scales[1].arrays(),
            "limit": np.int32(_FOREVER),
            "swa_from": np.int32(min(swa_from, _FOREVER)),
            "n_steps": np.int32(0),
        }
        if self.blocks.is_weighted:
            numbers["importance"] = np.float32(1 / surveyed.mean_weight(training))
        own = replace(
            job, member=member, fit=nobody, watch=nobody, scalings=(scales[0],), target_scaling=scales[1],
            hyper=numbers, importance=None, history=[],
        )  # fmt: skip
        return Streaming(own, training, n_fit, surveyed.watch_rows(training), member.epochs, self.batch_size)

    # Training --------------------------------------------------------------------------------------------------------

    def train(self, jobs: list[Streaming], progress: Progress) -> bool:
        """Train every job up to its limit; False where the keyboard stopped it: jobs may then be unfinished."""
        on_processor = jax.devices()[0].platform == "cpu"
        workers = cores() if on_processor else 1
        todo = [job for job in jobs if job.epochs_left]
        if not todo:
            return True
        slots = padded(min(_SLOTS if on_processor else _GPU_SLOTS, -(-len(todo) // workers)), 1)
        groups = [_Group(self, todo[at : at + slots], slots) for at in range(0, len(todo), slots)]
        progress.begin(todo)
        try:
            with ThreadPoolExecutor(min(workers, len(groups))) as threads:
                while going := [group for group in groups if any(job.epochs_left for job in group.jobs)]:
                    self._epoch(going, threads, progress)
        except KeyboardInterrupt:
            return False
        finally:
            progress.end()
        return True

    def _epoch(self, groups: list["_Group"], threads: ThreadPoolExecutor, progress: Progress) -> None:
        """One pass over all rows, for those that are furthest behind; what the others carry is carried on."""
        pending = [job for group in groups for job in group.jobs if job.epochs_left]
        epoch = min(job.epoch for job in pending)
        active = [job for job in pending if job.epoch == epoch]
        height = padded(self.size + len(self.jobs) * (self.batch_size - 1), 256)
        with closing(read_ahead(buffers(self.blocks, self._seed, epoch, self.size))) as coming:
            for number, fresh in enumerate(coming):
                block, start = self._carry.joined(fresh), len(self._carry)
                masks: dict[TrainingRows, Ints] = {}
                for job in active:
                    if job.training not in masks:
                        masks[job.training] = np.flatnonzero(job.training.fit(fresh))
                rows = {id(job): self._rows(job, masks[job.training], start, number) for job in active}
                tables = jax.tree.map(jax.numpy.asarray, on_device(block, height))
                for done in [threads.submit(group.step, rows, tables, number) for group in groups]:
                    done.result()
                left = [_rest(rows[id(job)], job.batch) if id(job) in rows else job.carried for job in pending]
                for job, places in zip(pending, self._carry.take(block, left), strict=True):
                    job.carried = places
                progress.went(sum(len(each) // self.batch_size for each in rows.values()))
                progress.show()
        for group in groups:
            group.close([job for job in group.jobs if id(job) in rows], progress)

    def _rows(self, job: Streaming, mine: Ints, start: int, number: int) -> Ints:
        """Places of the rows of a member in the order in which it trains on them: those carried over come first."""
        order = permuted(job.job.member.seed, len(mine), job.epoch * self.n_buffers + number)
        return np.concatenate([job.carried, start + mine[order]])

    # Afterwards ------------------------------------------------------------------------------------------------------

    def member(self, job: Streaming) -> TrainedMember:
        """What a job has come to; how it ended is not looked at closely."""
        ended = {"epoch": job.epoch, "stopped": job.stopped, "diverged": job.diverged, "best_epoch": 0}
        own = replace(job.job, state={**job.job.state, **ended, **job.kept})
        return finish(self.program.description, self.program.method, own)


def _rest(rows: Ints, batch: int) -> Ints:
    """What does not fill a batch."""
    return rows[len(rows) // batch * batch :]


class _Group:
    """Members that train in one call of the program."""

    def __init__(self, stream: Stream, jobs: list[Streaming], slots: int) -> None:
        self.stream, self.jobs, self.slots = stream, jobs, slots
        filled = [*jobs, *[jobs[0]] * (slots - len(jobs))]
        self.state = jax.tree.map(jax.numpy.asarray, _stack([job.job.state for job in filled]))
        self.hyper = jax.tree.map(jax.numpy.asarray, _stack([job.job.hyper for job in filled]))
        self.cap = padded(-(-stream.size // stream.batch_size) + 1, 1)
        self.program: Any = None

    def step(self, rows: dict[int, Ints], tables: Any, number: int) -> None:
        """All batches of a buffer."""
        stream, batch = self.stream, self.stream.batch_size
        order = np.zeros((self.slots, self.cap, batch), dtype=np.int32)
        mix = np.ones((self.slots, self.cap), dtype=np.float32)
        counts, going = np.zeros(self.slots, dtype=np.int32), np.zeros(self.slots, dtype=bool)
        for slot, job in enumerate(self.jobs):
            mine = rows.get(id(job))
            if mine is None or not job.epochs_left or len(mine) < batch:
                continue
            counts[slot], going[slot] = len(mine) // batch, True
            order[slot, : counts[slot]] = mine[: counts[slot] * batch].reshape(-1, batch)
            member, part = job.job.member, job.epoch * stream.n_buffers + number
            mix[slot, : counts[slot]] = mixes(member.seed, member.mixup, int(counts[slot]), part)
        if not going.any():
            return
        state = {**self.state, "going": jax.numpy.asarray(going)}
        hyper = {**self.hyper, "n_steps": jax.numpy.asarray(counts)}
        arguments = (state, hyper, order, mix, *tables, np.int32(1), np.int32(counts.max()))
        if self.program is None:
            self.program = stream.program.compile(*arguments)
        self.state, history = self.program(*arguments)
        losses, diverged = np.asarray(history)[:, 0, 0], np.asarray(self.state["diverged"])
        for slot, job in enumerate(self.jobs):
            if going[slot]:
                job.lost += float(losses[slot]) * int(counts[slot])
                job.steps += int(counts[slot])
                job.diverged = bool(diverged[slot])

    def close(self, active: list[Streaming], progress: Progress) -> None:
        """End an epoch: note losses, look at the inner split, and take down the state."""
        state = jax.tree.map(np.asarray, self.state)
        for slot, job in enumerate(self.jobs):
            if job not in active:
                continue
            job.job.state = jax.tree.map(lambda leaf, at=slot: np.array(leaf[at]), state)
            job.epoch += 1
            watched = np.nan if job.watched is None or job.diverged else self._watch(job, job.watched)
            job.job.history.append((job.lost / max(job.steps, 1), watched))
            job.lost, job.steps = 0.0, 0
            if not job.epochs_left:
                progress.finished((job.limit - job.epoch) * job.n_steps)

    def _watch(self, job: Streaming, watched: Block) -> float:
        """The loss of a member on its inner split; it is stopped where that was better long ago."""
        program, member, state = self.stream.program, job.job.member, job.job.state
        vector = result_of(state, program.method.uses)
        said = said_of(self.stream, job, split(vector, program.parts.shapes), state["fixed"], watched)
        loss = float(np.average(losses_of(self.stream, job, watched, said), weights=watched.weights))
        if loss < job.best - member.min_delta:
            job.best, job.wait = loss, 0
            job.kept = {"best_weights": vector, "best_fixed": list(state["fixed"]), "best_epoch": job.epoch}
            return loss
        job.wait += 1
        job.stopped = job.wait >= (member.patience or _FOREVER) and job.epoch > 1
        return loss


def said_of(stream: Stream, job: Streaming, weights: list[Any], fixed: list[Any], block: Block) -> NDArray[np.float64]:
    """What a network says (m, T) of rows, on the scale of training."""
    inputs = [job.scaling.apply(block.values.astype(np.float64)).astype(np.float32)]
    return outputs(stream.program.description, weights, fixed, inputs)


def losses_of(stream: Stream, job: Streaming, block: Block, said: NDArray[np.float64]) -> NDArray[np.float64]:
    """The loss (m,) of rows."""
    n = len(block)
    # Few heights, for JAX compiles every operation anew for every one.
    places = np.minimum(np.arange(padded(n, 256)), n - 1)
    targets = job.job.target_scaling.apply(block.targets[places]).astype(np.float32)
    losses = stream.program.method.loss.rows(targets, said[places].astype(np.float32))
    return np.asarray(losses, dtype=np.float64)[:n]


def _stand_in(model: Any, blocks: Blocks, loss: Any, batch_size: int) -> tuple[Any, Any]:
    """Rows of zeros with targets of the right kind, on which everything that does not depend on rows is checked."""
    n, width = _height(blocks, batch_size), blocks.n_targets
    y = np.zeros((n, width))
    if hasattr(model, "compiled") and read_loss(model.loss if loss is None else loss).targets != "numbers":
        y = np.eye(max(width, 2))[np.arange(n) % max(width, 2)][:, :width]
    return np.zeros((n, blocks.width)), y


def _height(blocks: Blocks, batch_size: int) -> int:
    return max(int(batch_size), 2 * blocks.n_targets, 2)


def _check_targets(prepared: Prepared, surveyed: Survey, members: list[tuple[Member, TrainingRows]]) -> None:
    """Refuse training rows without some class."""
    if prepared.loss.targets == "numbers":
        return
    for at, training in enumerate(dict.fromkeys(training for _, training in members)):
        sums = surveyed.target_sums(training)
        total = surveyed.mean_weight(training) * surveyed.n_fit(training)
        absent = np.flatnonzero((sums <= 0) | ((sums >= total) & (len(sums) == 1)))
        if len(absent):
            raise InputError(
                "y must have every class in the training rows of every member, "
                f"got none of class number {int(absent[0])} in set {at} of training rows"
            )


def _stack(trees: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)
