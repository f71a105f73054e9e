"""How streamed members ended, and what they say of rows held out: passes over the blocks after training."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.nets.blocks import Block, in_order
from foldwise.nets.dealt import TrainingRows
from foldwise.nets.objective import penalized_loss
from foldwise.nets.parts import parts_of
from foldwise.nets.scaling import Scaling
from foldwise.nets.streaming import Stream, Streaming, losses_of, said_of
from foldwise.nets.trained import TrainedMember, says_the_same

Floats = NDArray[np.float64]


class _Seen:
    """What a member says of its training rows, in sums."""

    def __init__(self) -> None:
        self.lost = self.weight = 0.0
        self.low, self.high = np.full(1, np.inf), np.full(1, -np.inf)

    def add(self, losses: Floats, weights: Floats | None, said: Floats) -> None:
        own = np.ones(len(losses)) if weights is None else weights
        self.lost += float(losses @ own)
        self.weight += float(own.sum())
        self.low, self.high = np.minimum(self.low, said.min(axis=0)), np.maximum(self.high, said.max(axis=0))


def ended(stream: Stream, jobs: Sequence[Streaming]) -> list[TrainedMember]:
    """The members of jobs that are done, with their objective on all their training rows."""
    members = [stream.member(job) for job in jobs]
    seen = [_Seen() for _ in jobs]
    for block in in_order(stream.blocks):
        parts: dict[TrainingRows, Block] = {}
        for job, member, sums in zip(jobs, members, seen, strict=True):
            if member.status == "diverged":
                continue
            if job.training not in parts:
                parts[job.training] = block.at(job.training.fit(block))
            own = parts[job.training]
            if len(own):
                said = said_of(stream, job, member.weights, member.fixed, own)
                sums.add(losses_of(stream, job, own, said), own.weights, said)
    return [
        member if member.status == "diverged" else _looked_at(stream, job, member, sums)
        for job, member, sums in zip(jobs, members, seen, strict=True)
    ]


def _looked_at(stream: Stream, job: Streaming, member: TrainedMember, seen: _Seen) -> TrainedMember:
    prepared, T = stream.program, stream.blocks.n_targets
    one, loss = np.full((1, T), 0.5), prepared.method.loss
    alone = float(np.asarray(loss.rows(one.astype(np.float32), one.astype(np.float32)))[0])
    penalties = (
        penalized_loss(parts_of(prepared.description), loss, job.job.member, member.weights, one, one, None) - alone
    )
    ends = np.stack([seen.low, seen.high])
    status = "collapsed" if says_the_same(ends) else member.status
    return replace(member, status=status, objective=seen.lost / seen.weight + penalties)


def held_out_errors(
    stream: Stream, jobs: NDArray[np.object_], row_errors: Callable[[Floats, Floats], Floats]
) -> tuple[Floats, Floats]:
    """Mean errors (C, J) of candidates on the rows of J folds, infinite where training diverged; and weights (J,).

    `row_errors(targets, said)` gives an error per row.
    """
    total, rows = np.zeros(jobs.shape), np.zeros(jobs.shape[1])
    members = np.empty(jobs.shape, dtype=object)
    for at, job in np.ndenumerate(jobs):
        members[at] = stream.member(job)
    for block in in_order(stream.blocks):
        for fold in range(jobs.shape[1]):
            own = block.at(held_out_of(jobs[0, fold], block))
            counts = np.ones(len(own)) if own.weights is None else own.weights
            rows[fold] += counts.sum()
            for c in range(len(jobs)) if len(own) else ():
                if members[c, fold].status != "diverged":
                    said = predicted_of(stream, jobs[c, fold], members[c, fold], own)
                    total[c, fold] += row_errors(own.targets, said) @ counts
    total[[[member.status == "diverged" for member in row] for row in members]] = np.inf
    if not rows.all():
        empty = int(np.flatnonzero(rows == 0)[0])
        raise InputError(f"cv: fold {empty} has no row (with weight); ask for fewer folds")
    return total / rows, rows


def out_of_fold(stream: Stream, jobs: Sequence[Streaming], members: Sequence[TrainedMember], repeats: int) -> Floats:
    """Predictions (R, n, T) of each row by the member that it was held out of."""
    found = np.empty((repeats, stream.blocks.n_rows, stream.blocks.n_targets))
    of_repeat = len(jobs) // repeats
    for block in in_order(stream.blocks):
        for fold, (job, member) in enumerate(zip(jobs, members, strict=True)):
            own = block.at(held_out_of(job, block))
            if len(own):
                found[fold // of_repeat, own.rows] = predicted_of(stream, job, member, own)
    return found


def held_out_of(job: Streaming, block: Block) -> NDArray[np.bool_]:
    """Which rows (m,) are held out of a member."""
    return np.asarray(np.isin(job.training.partition.cells(block), list(job.training.held_out)))


def predicted_of(stream: Stream, job: Streaming, member: TrainedMember, block: Block) -> Floats:
    """Predictions (m, T) of rows, in the targets' units."""
    scale: Scaling = member.target_scaling
    return scale.undo(said_of(stream, job, member.weights, member.fixed, block))
