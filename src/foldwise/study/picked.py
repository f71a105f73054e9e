"""The pick: by how much the best of several candidates flatters for having been picked as the best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foldwise.inference import bbc_cv
from foldwise.study.fold_errors import row_errors
from foldwise.study.outcome import Outcome
from foldwise.study.result import CandidateResult
from foldwise.study.rows import Rows

Floats = NDArray[np.float64]

MOST_BLOCKS = 2_000
"""Rows beyond are drawn together: whole blocks of them, dealt at random."""
SAMPLES = 1_000


@dataclass(frozen=True)
class Picked:
    """What the next rows will see of the candidate that was picked.

    Attributes
    ----------
    candidate : str
        The best.
    of : int
        Of how many.
    error : float
        Its error, as the comparison reports it.
    expected : float
        The error to expect of a candidate that is picked so.
    again : float
        The share of samples of the rows that pick the same one.
    """

    candidate: str
    of: int
    error: float
    expected: float
    again: float


def picked_of(
    rows: Rows,
    outcomes: Sequence[Outcome],
    names: Sequence[str],
    best: CandidateResult,
    *,
    groups: NDArray[np.intp] | None = None,
) -> Picked | None:
    """Bootstrap the choice among the candidates by the losses of their tuned procedures on held-out rows.

    None where there is one candidate, and where rows share a loss.

    Parameters
    ----------
    rows : Rows
    outcomes, names : of C candidates, in the same order
    best : CandidateResult
        Of the best of them.
    groups : (n,) array of int, optional
        Rows with the same number depend on each other, and are drawn together.
    """
    if len(outcomes) < 2 or any(outcome.everywhere is not None for outcome in outcomes):
        return None
    use = rows.weights > 0.0
    losses = np.stack([row_errors(rows, outcome.eta).mean(axis=0)[use] for outcome in outcomes], axis=1)
    losses, weights = _in_blocks(losses, rows.weights[use], None if groups is None else groups[use])
    if len(losses) < 2:
        return None
    first = list(names).index(best.name)
    order = [first, *(c for c in range(len(outcomes)) if c != first)]  # which an equal one does not take the place of
    found = bbc_cv(losses[:, order], weights=weights, samples=SAMPLES)
    told = best.error**2 if best.is_root else best.error
    expected = max(told + found.flattery, 0.0)
    return Picked(
        candidate=best.name,
        of=len(outcomes),
        error=best.error,
        expected=float(np.sqrt(expected)) if best.is_root else expected,
        again=found.again,
    )


def _in_blocks(losses: Floats, weights: Floats, groups: NDArray[np.intp] | None) -> tuple[Floats, Floats]:
    """Mean losses and weights of blocks of rows: groups that belong together, or where there are many rows any."""
    n = len(losses)
    if groups is None:
        if n <= MOST_BLOCKS:
            return losses, weights
        groups = np.random.default_rng(0).permutation(n) % MOST_BLOCKS
    code = np.unique(groups, return_inverse=True)[1].ravel()
    total: Floats = np.bincount(code, weights).astype(np.float64)
    means = np.stack([np.bincount(code, weights * each) for each in losses.T], axis=1)
    return means / total[:, None], total
