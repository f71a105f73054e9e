"""One candidate done again: every fit of every fold and of every pair of folds, the choices, the errors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foldwise.verify.fits import Fits, Procedure
from foldwise.verify.losses import Loss
from foldwise.verify.rows import Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

TIE = 1e-7
"""Errors that are equal to this share: which strength has the smaller one is rounding."""


@dataclass(frozen=True, eq=False)
class Grid:
    """What was tried, path after path: alphas and l1_ratios (G,), the path (G,) of each point."""

    alphas: Floats
    l1_ratios: Floats
    path: Ints

    @classmethod
    def of(cls, parts: list[tuple[float, Floats]]) -> "Grid":
        """From an l1_ratio and its alphas, descending, for each path."""
        return cls(
            np.concatenate([alphas for _, alphas in parts]),
            np.concatenate([np.full(len(alphas), ratio) for ratio, alphas in parts]),
            np.concatenate([np.full(len(alphas), at, dtype=np.intp) for at, (_, alphas) in enumerate(parts)]),
        )

    def place(self, alpha: float, l1_ratio: float) -> int | None:
        """The point of a strength and a ratio, to the digits of a report."""
        near = np.isclose(self.alphas, alpha, rtol=1e-9, atol=0.0) & np.isclose(self.l1_ratios, l1_ratio, rtol=1e-9)
        found = np.flatnonzero(near)
        return int(found[0]) if len(found) else None


@dataclass(frozen=True, eq=False)
class Search:
    """Errors and lines at G points.

    Attributes
    ----------
    outer : (J, G) array
        Error on every fold of the fit without it.
    inner : (J, K, G) array or None
        [i, k]: error on fold k of the fit without i and k.
    tuned : bool
        Whether there was something to choose.
    fits : Fits of every fold; final : Fits of all rows; each of all points.
    """

    outer: Floats
    inner: Floats | None
    fits: list[Fits]
    final: Fits
    tuned: bool


def search(
    rows: Rows,
    procedure: Procedure,
    grid: Grid,
    loss: Loss,
    mean: Callable[[Floats], Floats],
    tell: Callable[[], None],
    in_pairs: bool,  # noqa: FBT001
) -> Search:
    """Fit every training set by itself; those without two folds where there is a choice or they are asked for."""
    folds, count = rows.folds, rows.folds.n_folds
    total = folds.n_repeats * count
    tuned = len(grid.alphas) > 1

    def errors(fits: Fits, X: Floats, test: Ints) -> Floats:
        eta = X[test] @ fits.coef.T + fits.intercept
        return np.array([loss(rows.y[test], mean(each), rows.weight[test]) for each in eta.T])

    outer, inner = np.empty((total, len(grid.alphas))), np.full((total, count, len(grid.alphas)), np.nan)
    fits = []
    for i in range(total):
        fitted, X = _fit(rows, procedure, grid, folds.training_rows({i}))
        fits.append(fitted)
        outer[i] = errors(fitted, X, folds.test_rows(i))
        first = i - i % count
        for j in range(i + 1, first + count) if tuned or in_pairs else ():
            pair, X = _fit(rows, procedure, grid, folds.training_rows({i, j}))
            inner[i, j - first] = errors(pair, X, folds.test_rows(j))
            inner[j, i - first] = errors(pair, X, folds.test_rows(i))
        tell()
    final, _ = _fit(rows, procedure, grid, np.arange(folds.n_rows))
    return Search(outer, inner if tuned or in_pairs else None, fits, final, tuned)


def _fit(rows: Rows, procedure: Procedure, grid: Grid, training: Ints) -> tuple[Fits, Floats]:
    X = rows.encoded(training)
    parts = []
    for at in range(int(grid.path.max()) + 1):
        here = grid.path == at
        alphas, ratio = grid.alphas[here], float(grid.l1_ratios[here][0])
        parts.append(procedure.fit(X[training], rows.y[training], rows.weight[training], alphas, ratio))
    coef, intercept = (np.concatenate([getattr(part, name) for part in parts]) for name in ("coef", "intercept"))
    return Fits(coef, intercept, parts[0].spread), X


def choose(errors: Floats, weight: Floats, grid: Grid, repeats: int) -> tuple[int, int, Floats]:
    """The points of the smallest mean error and of the one-standard-error rule, and the mean errors (G,)."""
    mean = np.average(errors, axis=0, weights=weight)
    best = int(np.argmin(mean))
    variances = []
    for e, w in zip(np.split(errors[:, best], repeats), np.split(weight, repeats), strict=True):
        variances.append(np.average((e - np.average(e, weights=w)) ** 2, weights=w) / (len(e) - 1))
    # A repeat's folds count by their share of all, as the mean itself does.
    allowed = mean[best] + np.sqrt(np.mean(variances))
    near = [g for g in np.flatnonzero(grid.path == grid.path[best]) if mean[g] <= allowed]
    return best, int(max(near, key=lambda g: grid.alphas[g])), mean


def agreed(mean: Floats, mine: int, reported: int | None) -> int:
    """The report's point where it is as good as mine, so that a tie is no difference."""
    if reported is not None and mean[reported] <= mean[mine] * (1.0 + TIE):
        return reported
    return mine
