"""Stopping: when more repeats would not change what a comparison says, or the time for it is over.

What is looked at is precision alone, never who is ahead or whether a test rejects: a rule that stopped at the first
p below 5 % would reject too often (P. Armitage, C. McPherson and B. Rowe, 1969, JRSS A 132). Repeats differ only in how
folds were dealt. They average out that part of the noise; what the n rows themselves leave unsure stays, and the
corrected variance has both, (1/J + n_test/n_train) s^2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foldwise.inference import corrected_resampled_t, smallest_detectable_difference
from foldwise.study.differences import LEVEL, POWER, SAME
from foldwise.study.fold_errors import fold_errors, fold_weights, without_features
from foldwise.study.linked import linked
from foldwise.study.piece import Piece
from foldwise.study.task import Task

Floats = NDArray[np.float64]
Reason = Literal["settled", "budget", "most repeats"]

FEWEST = 5
"""Repeats that it takes to see how much they differ."""
SETTLED = 0.1
"""Differences are settled where the standard error that dealing leaves is this share of the smallest detectable one."""


@dataclass(frozen=True)
class Stopped:
    """Why no more repeats were added.

    Attributes
    ----------
    reason : "settled", "budget" or "most repeats"
    budget : float
        Seconds that were given.
    precision : float or None
        The largest standard error that dealing leaves in a difference, over the smallest difference that could have
        been detected; None with one repeat.
    """

    reason: Reason
    budget: float
    precision: float | None


@dataclass(frozen=True)
class Stopping:
    """Add repeats until differences are settled or the next repeat would end after the budget.

    Attributes
    ----------
    budget : float
        Seconds; those that kept pieces took when they were made count, so that a study that was cut off and went on
        ends where it would have ended.
    abreast : int
        How many pieces are made at a time, where others than this process make them.
    """

    budget: float
    abreast: int = 1

    def after(self, tasks: Sequence[Task], pieces: Sequence[Sequence[Piece]], *, of: int) -> Stopped | None:
        """Why to stop after these repeats; None to go on.

        Parameters
        ----------
        tasks : the R tasks done
        pieces : C lists of R pieces
        of : int
            How many repeats there may be.
        """
        done = len(tasks)
        found = None if done < 2 else precision(tasks, pieces)
        if found is not None and done >= FEWEST and found <= SETTLED:
            return Stopped("settled", self.budget, found)
        spent = sum(piece.seconds for mine in pieces for piece in mine) / self.abreast
        if spent * (done + 1) / done > self.budget:
            return Stopped("budget", self.budget, found)
        return Stopped("most repeats", self.budget, found) if done == of else None


def precision(tasks: Sequence[Task], pieces: Sequence[Sequence[Piece]]) -> float:
    """The largest standard error of dealing over the smallest detectable difference, of all pairs and the baseline."""
    errors, baseline, weights, ratio = [], [], [], []
    for r, task in enumerate(tasks):
        rows, folds = task.rows, task.folds
        of_repeat = []
        for mine in pieces:
            eta = linked(rows.family, mine[r].predictions) if mine[r].eta is None else mine[r].eta
            of_repeat.append(fold_errors(rows, folds, np.asarray(eta)[None], mine[r].everywhere))
        errors.append(of_repeat)
        baseline.append(fold_errors(rows, folds, *without_features(rows, folds)))
        weights.append(fold_weights(rows, folds))
        n_test = np.bincount(folds.labels[0])
        ratio.append(n_test / (folds.n_rows - n_test))
    each, base, weight = np.array(errors), np.array(baseline), np.array(weights)
    best = int(np.argmin(np.einsum("rck,rk->c", each, weight)))
    pairs = list(combinations(range(each.shape[1]), 2))
    gained = [each[:, i] - each[:, j] for i, j in pairs] + [base - each[:, best]]
    spread = float(np.average(base, weights=weight))
    return max(_ratio(d, weight, np.array(ratio), SAME * spread, max(len(pairs), 1)) for d in gained)


def _ratio(gained: Floats, weight: Floats, per_train: Floats, same: float, tests: int) -> float:
    """Of one difference per fold (R, K)."""
    if np.all(np.abs(gained) <= same):
        return 0.0
    of_repeat = np.average(gained, axis=1, weights=weight)
    dealing = float(of_repeat.std(ddof=1)) / sqrt(len(of_repeat))
    test = corrected_resampled_t(gained.ravel(), test_per_train=per_train.ravel(), weights=weight.ravel())
    detectable = smallest_detectable_difference(test.standard_error, test.df, alpha=LEVEL / tests, power=POWER)
    return dealing / detectable if detectable > 0.0 else 0.0
