"""One pass over the rows for many held-out sets: losses and gradients where they arrive, and how far a dual point is.

A step of a Newton model goes from `old` to `new` with curvature omega. What it took the gradient of row i to be,
u_i = l'(x_i old) + omega_i x_i (new - old), meets the optimality conditions exactly, so that the duality gap at `new`
is the mean of l + conjugate(u) - u eta over the rows: a quantity of second order, bounded by `Family.misfit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foldwise.families import null_intercept
from foldwise.paths.generalized.cells import LANES, Cells
from foldwise.paths.generalized.newton import NewtonModels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.families import Family
    from foldwise.paths.generalized.rows import Rows
    from foldwise.paths.generalized.sets import Sets
    from foldwise.solvers._warm import WarmProblem

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# Cells (rows times sets) of one chunk: a few arrays of it stay in a core's cache.
CHUNK_CELLS = 1 << 15


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one pass finds for H' held-out sets.

    Parameters
    ----------
    gradient : array (H', q + 1)
        Of the mean training loss in (intercept, coefficients).
    fold_loss : array (H', K)
        Weighted sums of the loss over every fold's rows, held out or not.
    loss : array (H',)
        Mean training loss.
    misfit : array (H',)
        Mean of the misfit of the model's dual point; nan without one.
    spill : array (H',)
        Mean size of what was taken off the dual point to keep it near.
    dual : array (n, H') or None
        Weighted dual points, where they are asked for; the gradients where no step leads here.
    eta : array (n, H' or more) or None
        Predictors, where passes keep them: so they are not computed again where the next step starts.
    """

    gradient: Floats
    fold_loss: Floats
    loss: Floats
    misfit: Floats
    spill: Floats
    dual: Floats | None = None
    eta: Floats | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """Where the sets stood and the curvature of the model that took them on.

    Parameters
    ----------
    old : array (H', q + 1)
    omega : array (n,) or (n, H')
    eta : array (n, H' or more) or None
        Predictors at old, where they are kept.
    """

    old: Floats
    omega: Floats
    eta: Floats | None = None


@dataclass(frozen=True, eq=False)
class Passes:
    """The rows with their targets, in the rows' order.

    Parameters
    ----------
    rows : Rows
    y : array (n,)
    offset : array (n,) or None
    family : Family
    sets : Sets
    """

    rows: Rows
    y: Floats
    offset: Floats | None
    family: Family
    sets: Sets

    @property
    def n_intercepts(self) -> int:
        """How many of a set's coefficients, the first ones, are intercepts."""
        return 1

    @property
    def n_columns(self) -> int:
        """Columns that a set has coefficients for."""
        return int(self.rows.q)

    @property
    def unit(self) -> Floats:
        """What its columns (q,) are divided by."""
        return self.rows.unit

    @property
    def shift(self) -> Floats:
        """What an intercept changes by per unit of a coefficient in original units: (H, q)."""
        return np.broadcast_to(self.rows.centre, (len(self.sets.held_out), self.rows.q))

    def largest(self) -> Floats:
        """The largest size of an entry of every column (q,)."""
        return self.rows.largest()

    def newton_models(self, *, fit_intercept: bool, before: list[WarmProblem] | None = None) -> NewtonModels:
        """A Newton model for every set, which starts from the solutions of problems of the first columns."""
        return NewtonModels(self.sets, fit_intercept=fit_intercept, before=before)

    def null_coef(self, *, fit_intercept: bool) -> Floats:
        """The null fits (H, q + 1) of all sets."""
        rows, keep = self.rows, self.sets.keep
        coef = np.zeros((len(self.sets.held_out), rows.q + 1))
        if not fit_intercept:
            return coef
        if self.offset is None and self.family.name != "huber":
            mean = keep.T @ rows.by_fold(rows.weight * self.y) / self.sets.weight
            coef[:, 0] = null_intercept(self.family, mean, np.eye(len(mean)))
        else:
            coef[:, 0] = null_intercept(self.family, self.y, rows.weight[:, None] * keep[rows.label], self.offset)
        return coef

    def saturated(self) -> Floats:
        """Smallest losses (K,) of every fold."""
        return self.rows.by_fold(self.rows.weight * self.family.saturated(self.y))

    def score_weight(self) -> Floats:
        """What (K,) a fold's deviance is divided by."""
        return self.rows.fold_weight

    def moments(self, omega: Floats, folds: Sequence[int] | None = None) -> Floats:
        """Products (K, ...) of [1, x] with itself in every fold, or in some, under a curvature."""
        return self.rows.moments(self.rows.weight * omega, folds)

    def own_moments(self, h: int, coef: Floats, omega: Floats) -> Floats:  # noqa: ARG002 - others need it
        """Products (q + 1, q + 1) of one set's training rows under its own curvature at coefficients (q + 1,)."""
        kept = self.sets.keep[self.rows.label, h]
        return self.rows.merged_moments(np.where(kept, self.rows.weight * omega, 0.0))

    def evaluate(self, which: Ints, new: Floats, step: Step | None = None, *, keep_dual: bool = False) -> Evaluation:
        """Losses and gradients of some sets at coefficients new (H', q + 1), intercept first."""
        dual = np.empty((self.rows.n, len(which))) if keep_dual else None
        look = _Look.of(self, which, new, step, dual)
        arrived = look.arrived
        chunks = self.rows.chunks(max(CHUNK_CELLS // look.eta_width, 64))
        workers = self.rows.team.workers
        shares = [chunks[worker::workers] for worker in range(min(workers, len(chunks)))]
        parts = self.rows.team.each(look.over, shares)
        fold_loss, gradient, misfit, spill = (
            np.sum([part[i] for part in parts], axis=0)[..., : len(which)] for i in range(4)
        )
        total = self.sets.weight[which]
        return Evaluation(
            gradient=gradient.T / total[:, None],
            fold_loss=fold_loss.T,
            loss=np.where(self.sets.keep[:, which], fold_loss, 0.0).sum(axis=0) / total,
            misfit=misfit / total if step is not None else np.full(len(which), np.nan),
            spill=spill / total,
            dual=dual,
            eta=arrived,
        )

    def predictor(self, coef: Floats) -> Floats:
        """Linear predictors (n, H') at coefficients (H', q + 1)."""
        wide = -(-len(coef) // LANES) * LANES
        inner = padded(coef[:, 1:].T, wide)
        eta = np.zeros((self.rows.n, wide))
        for start, stop in self.rows.chunks(CHUNK_CELLS // LANES):
            self.rows.times(start, stop, inner, eta[start:stop])
        if self.offset is not None:
            eta += self.offset[:, None]
        return eta[:, : len(coef)] + coef[:, 0]

    def curvature(self, coef: Floats, h: int = 0) -> Floats:  # noqa: ARG002 - a set may have its own columns
        """The family's curvature (n,) at the predictor of coefficients (q + 1,) of set h."""
        omega = np.empty(self.rows.n)
        inner = padded(coef[1:, None], LANES)

        def one(chunk: tuple[int, int]) -> None:
            start, stop = chunk
            eta = np.full((stop - start, LANES), coef[0])
            if self.offset is not None:
                eta += self.offset[start:stop, None]
            self.rows.times(start, stop, inner, eta)
            omega[start:stop] = self.family.slopes(np.ascontiguousarray(eta[:, 0]), self.y[start:stop])[1]

        self.rows.team.each(one, self.rows.chunks(CHUNK_CELLS // LANES))
        return omega


@dataclass(frozen=True, eq=False)
class _Look:
    """One pass, set out for chunks: arrays as wide as the compiled code wants them, a lane for each set.

    Parameters
    ----------
    passes : Passes
    wide, width : int
        H', and the lanes for it.
    keep : array (K, width)
        1.0 where a set trains on a fold.
    inner, intercept : arrays (q, width) or (q, 2 width), and one row of it
        Coefficients; the second half those before the step, where its predictors are not at hand.
    before : array (n, H') or (n, width), or None
        Predictors before the step.
    arrived : array (n, width) or None
        To be filled.
    omega : array (n, 1) or (n, width), or None
    dual : array (n, H') or None
        To be filled.
    """

    passes: Passes
    wide: int
    width: int
    keep: Floats
    inner: Floats
    intercept: Floats
    before: Floats | None
    arrived: Floats | None
    omega: Floats | None
    dual: Floats | None

    @classmethod
    def of(cls, passes: Passes, which: Ints, new: Floats, step: Step | None, dual: Floats | None) -> _Look:
        wide, q = len(which), passes.rows.q
        width = -(-wide // LANES) * LANES
        old = None if step is None or step.eta is not None else step.old
        both = np.zeros((q + 1, width if old is None else 2 * width))
        both[:, :wide] = new.T
        omega = None
        if old is not None:
            both[:, width : width + wide] = old.T
        if step is not None:
            omega = step.omega[:, None] if step.omega.ndim == 1 else padded(step.omega, width)
        keep = np.zeros((len(passes.sets.keep), width))
        keep[:, :wide] = passes.sets.keep[:, which]
        before = None if step is None else step.eta
        arrived = np.empty((passes.rows.n, width)) if passes.rows.is_dear else None
        return cls(passes, wide, width, keep, np.ascontiguousarray(both[1:]), both[0], before, arrived, omega, dual)

    @property
    def eta_width(self) -> int:
        """Lanes of predictors."""
        return self.width if self.omega is None else 2 * self.width

    def over(self, chunks: list[tuple[int, int]]) -> tuple[Floats, Floats, Floats, Floats]:
        """Fold losses (K, width), gradients (q + 1, width), misfit and spill (width,) over some chunks."""
        rows, offset = self.passes.rows, self.passes.offset
        fold_loss, gradient = np.zeros_like(self.keep), np.zeros((rows.q + 1, self.width))
        sums = np.zeros((2, self.width))
        passes = self.passes
        cells = Cells(passes.family, passes.y, rows.weight, rows.label, self.keep, self.wide)
        most = max(stop - start for start, stop in chunks)
        etas, pulls = np.empty((most, len(self.intercept))), np.zeros((most, self.width))
        boths = np.zeros((most, self.eta_width)) if self.before is not None else etas
        for start, stop in chunks:
            eta, pull = etas[: stop - start], pulls[: stop - start]
            eta[:] = self.intercept
            if offset is not None:
                eta += offset[start:stop, None]
            rows.times(start, stop, self.inner, eta)
            if self.arrived is not None:
                self.arrived[start:stop] = eta[:, : self.width]
            if self.before is not None:
                both = boths[: stop - start]
                both[:, : self.width] = eta
                both[:, self.width : self.width + self.before.shape[1]] = self.before[start:stop]
                eta = both
            omega = None if self.omega is None else self.omega[start:stop]
            dual = None if self.dual is None else self.dual[start:stop]
            cells.look(slice(start, stop), eta, omega, pull, fold_loss, sums, dual)
            gradient[0] += np.ones(len(pull)) @ pull
            rows.transposed_times(start, stop, pull, gradient[1:])
        return fold_loss, gradient, sums[0], sums[1]


def padded(array: Floats, width: int) -> Floats:
    """More columns, of zeros."""
    out = np.zeros((len(array), width))
    out[:, : array.shape[1]] = array
    return out
