"""One candidate done again: every fit of every fold and of every pair of folds, the choices, the errors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foldwise.verify.fits import Fits, Procedure
from foldwise.verify.room import Curved
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
    reach : (J, G) array
        How far errors on folds may be off, in units of `foldwise.verify.room.unit_of`; zeros for squared errors.
    tuned : bool
        Whether there was something to choose.
    fits : Fits of every fold; final : Fits of all rows; each of all points.
    """

    outer: Floats
    inner: Floats | None
    reach: Floats
    fits: list[Fits]
    final: Fits
    tuned: bool

    @property
    def off(self) -> float:
        """How far from their optimality conditions the worst of the fits of folds and of all rows is."""
        return max(fit.off for fit in (*self.fits, self.final))


def search(rows: Rows, procedure: Procedure, grid: Grid, tell: Callable[[], None], *, in_pairs: bool) -> Search:
    """Fit every training set by itself; those without two folds where there is a choice or they are asked for."""
    folds, count, loss = rows.folds, rows.folds.n_folds, procedure.loss
    total = folds.n_repeats * count
    tuned = len(grid.alphas) > 1
    outer, inner = np.empty((total, len(grid.alphas))), np.full((total, count, len(grid.alphas)), np.nan)
    fits, reach = [], np.zeros_like(outer)
    for i in range(total):
        training = folds.training_rows({i})
        X = rows.encoded(training)
        fitted, etas = _fit(rows, procedure, grid, X, training)
        if not loss.is_root:
            for at, l2 in enumerate(grid.alphas * (1.0 - grid.l1_ratios)):
                curved = Curved.of(loss, rows, X, training, fitted, at, float(l2))
                reach[i, at] = curved.of_error(folds.test_rows(i))
        fits.append(fitted)
        outer[i] = loss.of_fold(rows, etas, training, folds.test_rows(i))
        first = i - i % count
        for j in range(i + 1, first + count) if tuned or in_pairs else ():
            training = folds.training_rows({i, j})
            _, etas = _fit(rows, procedure, grid, rows.encoded(training), training)
            inner[i, j - first] = loss.of_fold(rows, etas, training, folds.test_rows(j))
            inner[j, i - first] = loss.of_fold(rows, etas, training, folds.test_rows(i))
        tell()
    everything = np.arange(folds.n_rows)
    final, _ = _fit(rows, procedure, grid, rows.encoded(everything), everything)
    return Search(outer, inner if tuned or in_pairs else None, reach, fits, final, tuned)


def _fit(rows: Rows, procedure: Procedure, grid: Grid, X: Floats, training: Ints) -> tuple[Fits, Floats]:
    """The lines of a training set, and the predictors (n, G[, C]) that they give all rows."""
    parts = []
    for at in range(int(grid.path.max()) + 1):
        here = grid.path == at
        parts.append(procedure.fit(rows, X, training, grid.alphas[here], float(grid.l1_ratios[here][0])))
    coef, intercept = (np.concatenate([getattr(part, name) for part in parts]) for name in ("coef", "intercept"))
    found = Fits(coef, intercept, parts[0].spread, max(part.off for part in parts))
    return found, found.predictors(X, rows.offset)


@dataclass(frozen=True, eq=False)
class Choice:
    """Points that a rule chooses by mean errors (G,), whose difference from the report's may be up to `room` (G,).

    Attributes
    ----------
    grid : Grid
    mean, room : (G,) arrays
    best : int
        The point of the smallest mean error.
    allowed : float
        The largest mean error of the one-standard-error rule.
    """

    grid: Grid
    mean: Floats
    room: Floats
    best: int
    allowed: float

    @classmethod
    def of(cls, grid: Grid, errors: Floats, weight: Floats, room: Floats, *, repeats: int = 1) -> "Choice":
        """From the errors (J, G) of folds of this weight (J,)."""
        mean = np.average(errors, axis=0, weights=weight)
        best = int(np.argmin(mean))
        variances = []
        for e, w in zip(np.split(errors[:, best], repeats), np.split(weight, repeats), strict=True):
            variances.append(np.average((e - np.average(e, weights=w)) ** 2, weights=w) / (len(e) - 1))
        # A repeat's folds count by their share of all, as the mean itself does.
        return cls(grid, mean, room, best, float(mean[best] + np.sqrt(np.mean(variances))))

    def smallest(self, reported: int | None) -> int:
        """The report's point where it is as good as the best, so that a tie is no difference."""
        if reported is None:
            return self.best
        more = self.mean[reported] - self.mean[self.best]
        return (
            reported if more <= TIE * self.mean[self.best] + self.room[reported] + self.room[self.best] else self.best
        )

    def strongest_within(self, reported: int | None) -> int:
        """The point of the one-standard-error rule; the report's where errors so near decide between them."""
        path = np.flatnonzero(self.grid.path == self.grid.path[self.best])
        within = [g for g in path if self.mean[g] <= self.allowed]
        mine = int(max(within, key=lambda g: self.grid.alphas[g]))
        if reported is None or self.grid.path[reported] != self.grid.path[self.best]:
            return mine
        near = TIE * self.mean[self.best] + self.room + self.room[self.best]
        stronger = [g for g in path if self.grid.alphas[g] > self.grid.alphas[reported]]
        fits = self.mean[reported] <= self.allowed + near[reported]
        return reported if fits and all(self.mean[g] > self.allowed - near[g] for g in stronger) else mine
