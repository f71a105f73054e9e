"""Ridge of a wide table: one eigendecomposition of a training set's n x n products serves every strength.

With Z = sqrt(w / W) (X - mean) / s, the solution is b = Z'a / s with (ZZ' + alpha I) a = sqrt(w / W) (y - mean):
problems of the size of the rows, not of the columns. ZZ' is summed over ranges of columns, so that no standardized copy
is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foldwise.errors import InputError
from foldwise.paths.lockstep.columns import CHUNK_BYTES
from foldwise.paths.lockstep.training_statistics import TrainingStatistics, training_statistics
from foldwise.paths.lockstep.walk import Walk
from foldwise.paths.strengths import RIDGE_STRONGEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.paths.lockstep.columns import DenseColumns
    from foldwise.paths.lockstep.sparse_columns import SparseColumns
    from foldwise.paths.problem import Options
    from foldwise.paths.strengths import Search

    Floats = NDArray[np.float64]

HeldOut = frozenset[int]


def ridge_walk(
    columns: DenseColumns | SparseColumns,
    y: Floats,
    held_out: Sequence[HeldOut],
    options: Options,
    grid: int | Floats,
    search: Search,
) -> tuple[Walk, Floats]:
    """Ridge of every held-out set at every strength; also the strengths, made for the final model where not given.

    Raises
    ------
    InputError
        Where a bound or an unpenalized column asks for what this way does not do.
    """
    factor = options.penalty_factor
    if options.is_bounded or not np.all(factor > 0.0):
        message = f"l1_ratio and alpha must be > 0 for bounds or unpenalized columns among {columns.p} columns, got 0.0"
        raise InputError(message)
    statistics = training_statistics(columns, held_out, options)
    if isinstance(grid, int):
        size = statistics.scale[0] if options.fit_intercept else np.hypot(statistics.scale[0], statistics.mean[0])
        weight = (
            np.where(np.isfinite(factor), factor, 1.0) * (statistics.spread[0] / np.where(size > 0.0, size, 1.0)) ** 2
        )
        strongest = RIDGE_STRONGEST / float(np.median(weight))
        grid = np.geomspace(strongest, strongest * search.eps**3, grid)
        grid = grid * (statistics.total[0] if search.loss == "sum" else 1.0)
    against = statistics.total if search.loss == "sum" else np.ones(len(held_out))
    parts = [_solve(columns, y, h, statistics, options, grid / against[h]) for h in range(len(held_out))]
    coef, intercept, gap, null, errors = (np.stack(part) for part in zip(*parts, strict=True))
    return (
        Walk(
            index=np.arange(columns.p),
            coef=coef,
            intercept=intercept,
            gap=gap,
            n_iter=np.zeros(gap.shape, dtype=np.intp),
            status=np.zeros(gap.shape, dtype=np.int8),
            null_objective=null,
            mean=statistics.mean,
            scale=statistics.scale,
            fold_error=errors,
        ),
        grid,
    )


def _solve(
    columns: DenseColumns | SparseColumns,
    y: Floats,
    h: int,
    statistics: TrainingStatistics,
    options: Options,
    alphas: Floats,
) -> tuple[Floats, Floats, Floats, float, Floats]:
    """Coefficients (A, p), intercepts, gaps (A,), null objective and fold errors (K, A) of one held-out set."""
    weight = statistics.row_weight[:, h] / statistics.total[h]
    rows = np.flatnonzero(weight > 0.0)
    root = np.sqrt(weight[rows])
    centre = statistics.mean[h] if options.fit_intercept else np.zeros(columns.p)
    live = np.isfinite(options.penalty_factor) & ((statistics.scale[h] > 0.0) | (not options.fit_intercept))
    shrink = np.where(live, 1.0 / (statistics.spread[h] * np.sqrt(np.where(live, options.penalty_factor, 1.0))), 0.0)
    spans = [slice(a, min(a + _step(columns), columns.p)) for a in range(0, columns.p, _step(columns))]
    kernel = np.zeros((len(rows), len(rows)))
    for span in spans:
        Z = (columns.rows_of(rows, span) - centre[span]) * shrink[span] * root[:, None]
        kernel += Z @ Z.T
    y_mean = weight @ y if options.fit_intercept else 0.0
    target = root * (y[rows] - y_mean)
    values, vectors = np.linalg.eigh(kernel)
    values = np.where(values > 50.0 * len(rows) * np.finfo(float).eps * values[-1], values, 0.0)
    along = vectors.T @ target
    bottom = values + alphas[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        dual = np.where(bottom > 0.0, np.where((values > 0.0) | (alphas[:, None] > 0.0), along / bottom, 0.0), 0.0)
    dual = dual @ vectors.T  # (A, rows)
    coef = np.empty((len(alphas), columns.p))
    fitted = np.zeros((len(alphas), len(y)))
    everyone = np.arange(len(y))
    for span in spans:
        Z = (columns.rows_of(rows, span) - centre[span]) * shrink[span] * root[:, None]
        coef[:, span] = (dual @ Z) * shrink[span]
        fitted += coef[:, span] @ (columns.rows_of(everyone, span) - centre[span]).T
    residual = y - y_mean - fitted
    squares = columns.weight * residual**2
    errors = np.add.reduceat(squares, columns.ends[:-1], axis=1).T / statistics.fold_weight[:, None]
    null = 0.5 * float(target @ target)
    gap = _gap(residual[:, rows] * root, target, dual, kernel, alphas, null)
    return coef, y_mean - coef @ centre, gap, null, errors


def _gap(residual: Floats, target: Floats, dual: Floats, kernel: Floats, alphas: Floats, null: float) -> Floats:
    """Relative duality gap: 1/2 |r|^2 + alpha/2 |Z'a|^2 minus the dual objective at the residual."""
    if null <= 0.0:
        return np.zeros(len(alphas))
    shrunk = np.einsum("ai,ai->a", dual @ kernel, dual)
    pulled = np.einsum("ai,ai->a", residual @ kernel, residual)
    rr, ry = np.einsum("ai,ai->a", residual, residual), residual @ target
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = np.where(alphas > 0.0, pulled / (2.0 * alphas), 0.0)
    gap: Floats = (0.5 * rr + 0.5 * alphas * shrunk - (ry - 0.5 * rr - lost)) / null
    return np.where(alphas > 0.0, gap, 0.0)


def _step(columns: DenseColumns | SparseColumns) -> int:
    """How many columns at a time."""
    return max(1, CHUNK_BYTES // (8 * int(columns.n)))
