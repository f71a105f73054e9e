"""Candidates of a search, a grid or random draws, trained on every fold; if asked, a third of them goes on."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.nets.prepared import Prepared
from foldwise.nets.progress import Progress
from foldwise.nets.tables import Rows
from foldwise.nets.trained import TrainedMember, finish, predicted
from foldwise.parameters.checks import whole
from foldwise.resampling import Folds

Array = NDArray[np.float64]
FACTOR = 3  # a third of the candidates goes on, three times as long


def candidates_of(search: Any, draws: Any, seed: int, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Every combination of the listed values, or so many random draws; values may be distributions with `rvs` then.

    Examples
    --------
    >>> candidates_of({"l1": [0.0, 0.1], "dropout": [0.2]}, None, 0, ("l1", "dropout"))
    [{'l1': 0.0, 'dropout': 0.2}, {'l1': 0.1, 'dropout': 0.2}]
    """
    if not isinstance(search, Mapping) or not search:
        raise InputError(f"search must be a dict of strengths and the values to try, got {search!r}")
    odd = [name for name in search if name not in names]
    if odd:
        raise InputError(f"search can have {', '.join(names)}; got {odd[0]!r}")
    drawn = {name: hasattr(values, "rvs") for name, values in search.items()}
    for name, values in search.items():
        if not drawn[name] and (not isinstance(values, list | tuple | np.ndarray) or len(values) == 0):
            raise InputError(f"search[{name!r}] must be a list of values, got {values!r}")
    if draws is None:
        if any(drawn.values()):
            raise InputError("draws must be the number of random draws where search has a distribution, got None")
        return [dict(zip(search, values, strict=True)) for values in product(*search.values())]
    rng = np.random.RandomState(seed % 2**32)  # what scipy's distributions take
    return [
        {
            name: float(values.rvs(random_state=rng)) if drawn[name] else values[rng.randint(len(values))]
            for name, values in search.items()
        }
        for _ in range(whole("draws", draws, 1))
    ]


@dataclass(frozen=True, eq=False)
class Searched:
    """What a search found, for C candidates and J folds of all repeats.

    Attributes
    ----------
    errors : (C, J), weighted mean over the rows of a fold; infinite where training diverged
    error : (C,), over all rows of all folds
    epochs : (C,) epochs that the candidate was given
    best : the candidate of the least error among those trained to the end
    members : (J) of the best candidate
    out_of_fold : (R, n, T) its members' predictions of the rows they were not trained on
    """

    errors: Array
    error: Array
    epochs: NDArray[np.intp]
    best: int
    members: list[TrainedMember]
    out_of_fold: Array


def run_search(
    prepared: Prepared,
    folds: Folds,
    n_candidates: int,
    row_errors: Callable[[Array, NDArray[np.intp]], Array],
    weights: Array,
    *,
    halving: bool,
) -> Searched:
    """Train members that are ordered by candidate, then fold; with `halving`, in rounds of which a third goes on.

    `row_errors(predictions, rows)` gives an error per row, `weights` (n,) are what each counts in means.
    """
    n_folds = folds.get_n_splits()
    jobs = np.array(prepared.jobs, dtype=object).reshape(n_candidates, n_folds)
    tests = [folds.test_rows(fold) for fold in range(n_folds)]
    sizes = np.array([weights[rows].sum() for rows in tests])
    errors = np.full((n_candidates, n_folds), np.inf)
    reached = np.zeros(n_candidates, dtype=np.intp)
    rounds = int(math.log(n_candidates, FACTOR) + 1e-9) if halving else 0
    alive, pool = np.arange(n_candidates), prepared.pool()
    for left in range(rounds, -1, -1):
        for c in alive:
            reached[c] = max(1, math.ceil(jobs[c, 0].member.epochs / FACTOR**left))
            for job in jobs[c]:
                _allow(job, int(reached[c]))
        if not pool.train([job for c in alive for job in jobs[c]], Progress()):
            raise KeyboardInterrupt
        for c in alive:
            errors[c] = [
                _error(prepared, job, rows, row_errors, weights) for job, rows in zip(jobs[c], tests, strict=True)
            ]
        if left:
            order = np.argsort(errors[alive] @ sizes, kind="stable")
            alive = np.sort(alive[order[: max(1, math.ceil(len(alive) / FACTOR))]])
    error = errors @ sizes / sizes.sum()
    best = int(alive[np.argmin(error[alive])])
    if not np.isfinite(error[best]):
        raise InputError(
            "search must have a candidate that trains on every fold; all diverged: use smaller learning rates"
        )
    members = [_member(prepared, job) for job in jobs[best]]
    out_of_fold = np.empty((folds.n_repeats, folds.n_rows, prepared.targets.shape[1]))
    for fold, member in enumerate(members):
        out_of_fold[fold // folds.n_folds, tests[fold]] = _predict(prepared, member, tests[fold])
    return Searched(errors, error, reached, best, members, out_of_fold)


def _error(
    prepared: Prepared,
    job: Any,
    rows: NDArray[np.intp],
    row_errors: Callable[[Array, NDArray[np.intp]], Array],
    weights: Array,
) -> float:
    """Mean error over rows; infinite for a member that diverged."""
    member = _member(prepared, job)
    if member.status == "diverged":
        return math.inf
    return float(np.average(row_errors(_predict(prepared, member, rows), rows), weights=weights[rows]))


def _allow(job: Any, epochs: int) -> None:
    """Let a job that was not stopped train on, up to so many epochs."""
    job.hyper["limit"] = np.int32(epochs)
    over = bool(job.state["stopped"]) or bool(job.state["diverged"]) or int(job.state["epoch"]) >= epochs
    job.state["going"] = np.asarray(not over)


def _member(prepared: Prepared, job: Any) -> TrainedMember:
    return finish(prepared.program.description, prepared.program.method, job)


def _predict(prepared: Prepared, member: TrainedMember, rows: NDArray[np.intp]) -> Array:
    inputs = Rows(tuple(each[rows] for each in prepared.rows.inputs)).scaled(member.scalings)
    return predicted(prepared.program.description, member, inputs)
