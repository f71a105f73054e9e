"""Separation: whether some line tells two classes apart, wholly or in part, by linear programming."""

from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import issparse

from foldwise.linear.checks import Array

MOST_CELLS = 2_000_000
"""Larger tables are not searched."""
LEAST = 1e-6


def is_separated(X: Any, positive: Any, *, fit_intercept: bool = True) -> bool | None:
    """Whether a line eta = b0 + x b has eta >= 0 on all rows of one class and eta <= 0 on the others, not all 0.

    If so, larger multiples of it always fit a logistic model better, and no finite coefficients are best (Albert and
    Anderson 1984, Biometrika 71). Among lines with coefficients within 1 the one with the largest sum is sought.

    Parameters
    ----------
    X : array (n, p), dense or sparse
    positive : array (n,) of bool
    fit_intercept : bool

    Returns
    -------
    bool, or None for a table too large to search

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> is_separated(x, [False, False, True, True]), is_separated(x, [False, True, False, True])
    (True, False)
    >>> is_separated(x, [False, False, False, True]), is_separated(np.array([[0.0], [0.0], [1.0]]), [True, False, True])
    (True, True)
    """
    n, p = X.shape
    if n * p > MOST_CELLS:
        return None
    rows: Array = np.asarray(X.toarray() if issparse(X) else X, dtype=np.float64)
    scale = rows.std(axis=0)
    live = scale > 0.0
    columns = (
        (rows[:, live] - rows[:, live].mean(axis=0)) / scale[live] if fit_intercept else rows[:, live] / scale[live]
    )
    signed = np.column_stack([np.ones(n), columns]) if fit_intercept else columns
    signed = np.where(np.asarray(positive)[:, None], signed, -signed)
    found = linprog(-signed.mean(axis=0), A_ub=-signed, b_ub=np.zeros(n), bounds=(-1.0, 1.0), method="highs")
    return bool(found.status == 0 and -found.fun > LEAST)
