"""The interval of a candidate's error: by nested cross-validation where its inner errors are known."""

import numpy as np
from numpy.typing import NDArray

from foldwise.inference import CorrectedT, nested_interval
from foldwise.resampling import Folds
from foldwise.study.fold_errors import row_errors
from foldwise.study.outcome import Outcome
from foldwise.study.rows import Rows

Floats = NDArray[np.float64]

NESTED, CORRECTED = "nested cross-validation", "corrected resampled t"


def error_interval(
    rows: Rows, folds: Folds, outcome: Outcome, error: CorrectedT, *, grouped: bool
) -> tuple[tuple[float, float], str]:
    """95 % interval of a mean squared error or deviance, and what it is by.

    Nested cross-validation judges by the losses of single rows. Where these are not there (estimators), not single
    (families whose rows share a loss) or not independent (grouped rows), or where a fold has one row, it is the
    corrected resampled t on the errors of folds. What both cover is measured in docs/coverage.md.

    Parameters
    ----------
    rows, folds, outcome
        What was predicted, where it was held out, and how.
    error : CorrectedT
        Of the errors per fold.
    grouped : bool
        Whether rows of one group were kept in one fold.
    """
    use = rows.weights > 0.0
    labels = folds.labels[:, use]
    known = outcome.inner is not None and outcome.everywhere is None and not grouped
    if not known or folds.n_folds < 3 or _smallest(labels, folds.n_folds) < 2:
        return (max(error.interval[0], 0.0), max(error.interval[1], 0.0)), CORRECTED
    found = nested_interval(
        row_errors(rows, outcome.eta)[:, use],
        labels,
        np.asarray(outcome.inner),
        size_cost=outcome.size_cost,
        weights=rows.weights[use],
    )
    return found.interval, NESTED


def _smallest(labels: NDArray[np.intp], n_folds: int) -> int:
    return int(min(np.bincount(label, minlength=n_folds).min() for label in labels))
