"""A search whose rows are not in memory: all candidates on all folds go through the same buffers as one batch."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.nets.closing import ended, held_out_errors, out_of_fold
from foldwise.nets.progress import Progress
from foldwise.nets.search import FACTOR, Searched
from foldwise.nets.streaming import Stream

Floats = NDArray[np.float64]


def run_streamed_search(
    stream: Stream,
    n_candidates: int,
    n_repeats: int,
    row_errors: Callable[[Floats, Floats], Floats],
    *,
    halving: bool,
) -> Searched:
    """Train members that are ordered by candidate, then fold, as `run_search` does.

    `row_errors(targets, said)` gives an error per row.
    """
    flat = np.empty(len(stream.jobs), dtype=object)
    flat[:] = stream.jobs
    jobs: NDArray[np.object_] = flat.reshape(n_candidates, -1)
    errors = np.full(jobs.shape, np.inf)
    reached = np.zeros(n_candidates, dtype=np.intp)
    sizes = np.zeros(jobs.shape[1])
    rounds = int(math.log(n_candidates, FACTOR) + 1e-9) if halving else 0
    alive = np.arange(n_candidates)
    for left in range(rounds, -1, -1):
        for c in alive:
            reached[c] = max(1, math.ceil(jobs[c, 0].job.member.epochs / FACTOR**left))
            for job in jobs[c]:
                job.limit = int(reached[c])
        if not stream.train([job for c in alive for job in jobs[c]], Progress()):
            raise KeyboardInterrupt
        errors[alive], sizes = held_out_errors(stream, jobs[alive], row_errors)
        if left:
            order = np.argsort(errors[alive] @ sizes, kind="stable")
            alive = np.sort(alive[order[: max(1, math.ceil(len(alive) / FACTOR))]])
    error = errors @ sizes / sizes.sum()
    best = int(alive[np.argmin(error[alive])])
    if not np.isfinite(error[best]):
        raise InputError(
            "search must have a candidate that trains on every fold; all diverged: use smaller learning rates"
        )
    members = ended(stream, jobs[best])
    return Searched(errors, error, reached, best, members, out_of_fold(stream, jobs[best], members, n_repeats))
