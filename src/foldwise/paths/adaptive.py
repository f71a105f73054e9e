"""The adaptive lasso's penalty factors: each training set's own, from a pilot ridge on its own moments.

A pilot fitted once on all rows would carry the held-out rows into every fold through the factors. Here the pilot, and
the choice of its strength by generalized cross-validation, see the training rows alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.problem import Options, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.moments import TrainingSet

    Floats = NDArray[np.float64]

# Strengths tried for the pilot, against columns of unit variance.
STRENGTHS = np.geomspace(1e3, 1e-4, 80)
# The pilot uses up at most this share of the rows: beyond, generalized cross-validation divides nothing by nothing.
MOST_DF = 0.9


def own_options(training: TrainingSet, options: Options, n_rows: float) -> Options:
    """The options as this training set has them: with its own penalty factors where they are adaptive.

    Parameters
    ----------
    training : TrainingSet
    options : Options
    n_rows : float
        How many rows it has, for generalized cross-validation.
    """
    if not options.adaptive:
        return options
    problem = Problem.of(training, options)
    pilot = np.abs(ridge_pilot(problem, n_rows))
    groups = options.penalty.groups
    if groups is not None:
        pilot = np.sqrt(groups.total(pilot**2) / groups.size)[groups.index]
    return replace(options, penalty_factor=adaptive_factor(pilot), adaptive=False)


def adaptive_factor(pilot: Floats) -> Floats:
    """Typical size over size of the pilot's coefficients (p,): 1 for the typical one, inf for one that is zero.

    Source: H. Zou (2006), The adaptive lasso and its oracle properties, JASA 101, with exponent 1.

    Examples
    --------
    >>> import numpy as np
    >>> adaptive_factor(np.array([1.0, 7.0, 0.0, 0.0]))
    array([3.53553391, 0.50507627,        inf,        inf])
    """
    size = np.sqrt(np.mean(pilot**2))
    if size == 0.0:
        return np.ones(len(pilot))
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(size / pilot)


def ridge_pilot(problem: Problem, n_rows: float) -> Floats:
    """Ridge coefficients (p,) on the penalty's scale, at the strength of least generalized cross-validation error.

    The error is rss / (n - df)^2 with df = 1 + sum d / (d + strength) over the eigenvalues d of the columns'
    correlations. Source: G. Golub, M. Heath and G. Wahba (1979), Technometrics 21.
    """
    unit = problem.unit
    values, vectors = np.linalg.eigh(problem.Q)
    values = np.maximum(values, 0.0)
    turned = vectors.T @ problem.c
    shrunk = values[:, None] + STRENGTHS
    df = 1.0 + (values[:, None] / shrunk).sum(axis=0)
    rss = problem.yy - (turned[:, None] ** 2 * (values[:, None] + 2.0 * STRENGTHS) / shrunk**2).sum(axis=0)
    allowed = df <= MOST_DF * n_rows
    allowed[0] = True
    error = np.where(allowed, np.maximum(rss, 0.0) / np.maximum(1.0 - df / n_rows, 1e-3) ** 2, np.inf)
    best = STRENGTHS[np.argmin(error)]
    coef: Floats = vectors @ (turned / (values + best)) * unit
    # What rounding leaves of a column that has no say is no coefficient.
    return np.where(np.diag(problem.Q) > 0.0, coef, 0.0)
