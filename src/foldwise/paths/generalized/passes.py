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
from foldwise.paths.generalized._cells import Sweep
from foldwise.paths.generalized.cells import KERNELS, LANES, Cells
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
# Predictors and slopes are kept from one strength to the next where an array of them takes no more than this.
KEPT_BYTES = 2 << 20


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
    eta, slope : arrays (n, H' or more) or None
        Predictors and the family's gradients, where passes keep them: the next models are made from them.
    """

    gradient: Floats
    fold_loss: Floats
    loss: Floats
    misfit: Floats
    spill: Floats
    dual: Floats | None = None
    eta: Floats | None = None
    slope: Floats | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """Where the models were made that took the sets on, and their curvature.

    Parameters
    ----------
    old : array (H', q + 1)
    omega : array (n,) or (n, H')
    eta, slope : arrays (n, H' or more) or None
        Predictors at old and what the models took the gradient to be there, where they are kept.
    """

    old: Floats
    omega: Floats
    eta: Floats | None = None
    slope: Floats | None = None


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
    def keeps(self) -> bool:
        """Whether predictors and slopes are kept."""
        lanes = -(-len(self.sets.held_out) * self.n_intercepts // LANES) * LANES
        return bool(8 * self.rows.n * lanes <= KEPT_BYTES)

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
        workers = self.rows.team.workers
        if look.sweep is not None:
            parts = self.rows.team.each(look.swept, self.rows.chunks(-(-self.rows.n // workers)))
        else:
            chunks = self.rows.chunks(max(CHUNK_CELLS // (2 * look.width), 64))
            parts = self.rows.team.each(look.over, [chunks[at::workers] for at in range(min(workers, len(chunks)))])
        fold_loss, gradient, sums = (np.sum([part[i] for part in parts], axis=0)[..., : len(which)] for i in range(3))
        total = self.sets.weight[which]
        return Evaluation(
            gradient=gradient.T / total[:, None],
            fold_loss=fold_loss.T,
            loss=np.where(self.sets.keep[:, which], fold_loss, 0.0).sum(axis=0) / total,
            misfit=sums[0] / total if step is not None else np.full(len(which), np.nan),
            spill=sums[1] / total,
            dual=dual,
            eta=look.arrived,
            slope=look.slope,
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

    def curvature(self, coef: Floats, h: int = 0, eta: Floats | None = None) -> Floats:  # noqa: ARG002 - see filling
        """The family's curvature (n,) at the predictor of coefficients (q + 1,) of set h, or at what is known of it."""
        omega = np.empty(self.rows.n)
        if eta is not None:
            omega[:] = self.family.slopes(np.ascontiguousarray(eta), self.y)[1]
            return omega
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
    """One pass, set out for parts of the rows: arrays as wide as the compiled code wants them, a lane for each set.

    Parameters
    ----------
    passes : Passes
    wide, width : int
        H', and the lanes for it.
    keep : array (K, width)
        1.0 where a set trains on a fold.
    inner, intercept : arrays (q, width) or (q, 2 width), and one row of it
        Coefficients; the second half those of the models' base, where its predictors are not at hand.
    before, sloped : arrays (n, width) or None
        Predictors and slopes at the models' base.
    omega : array (n, 1) or (n, width), or None
    arrived, slope : arrays (n, width) or None
        To be filled.
    dual : array (n, H') or None
        To be filled.
    sweep : Sweep or None
        The compiled pass, for families that have one.
    """

    passes: Passes
    wide: int
    width: int
    keep: Floats
    inner: Floats
    intercept: Floats
    before: Floats | None
    sloped: Floats | None
    omega: Floats | None
    arrived: Floats | None
    slope: Floats | None
    dual: Floats | None
    sweep: Sweep | None

    @classmethod
    def of(cls, passes: Passes, which: Ints, new: Floats, step: Step | None, dual: Floats | None) -> _Look:
        rows, wide = passes.rows, len(which)
        width = -(-wide // LANES) * LANES
        old = None if step is None or step.eta is not None else step.old
        both = np.zeros((rows.q + 1, width if old is None else 2 * width))
        both[:, :wide] = new.T
        if old is not None:
            both[:, width : width + wide] = old.T
        keep = np.zeros((len(passes.sets.keep), width))
        keep[:, :wide] = passes.sets.keep[:, which]
        before = sloped = omega = None
        if step is not None:
            omega = step.omega[:, None] if step.omega.ndim == 1 else padded(step.omega, width)
            before = None if step.eta is None else padded(step.eta, width)
            sloped = None if step.slope is None else padded(step.slope, width)
        arrived, slope = (np.empty((rows.n, width)) for _ in range(2)) if passes.keeps else (None, None)
        kernel, inner, intercept = KERNELS.get(passes.family.name), both[1:], both[0]
        sweep = None
        if kernel is not None and dual is None:
            y, weight, label = passes.y, rows.weight, rows.label
            sweep = Sweep(
                kernel, inner, intercept, passes.offset, y, weight, label, keep, before, sloped, omega, arrived, slope
            )
        return cls(
            passes, wide, width, keep, inner, intercept, before, sloped, omega, arrived, slope, dual, sweep
        )  # fmt: skip

    def _sums(self) -> tuple[Floats, Floats, Floats]:
        """Fold losses (K, width), gradients (q + 1, width), misfit and spill (2, width), of no rows."""
        return np.zeros_like(self.keep), np.zeros((self.passes.rows.q + 1, self.width)), np.zeros((2, self.width))

    def swept(self, part: tuple[int, int]) -> tuple[Floats, Floats, Floats]:
        """Those of some rows, by the compiled pass."""
        fold_loss, gradient, sums = self._sums()
        assert self.sweep is not None  # noqa: S101 - as the caller knows
        self.passes.rows.sweep(self.sweep, *part, fold_loss, sums, gradient)
        return fold_loss, gradient, sums

    def over(self, chunks: list[tuple[int, int]]) -> tuple[Floats, Floats, Floats]:
        """Those of some chunks, by the family's own methods."""
        passes, rows, offset = self.passes, self.passes.rows, self.passes.offset
        fold_loss, gradient, sums = self._sums()
        cells = Cells(passes.family, passes.y, rows.weight, rows.label, self.keep, self.wide)
        most = max(stop - start for start, stop in chunks)
        etas, pulls = np.empty((most, len(self.intercept))), np.zeros((most, self.width))
        for start, stop in chunks:
            at, eta, pull = slice(start, stop), etas[: stop - start], pulls[: stop - start]
            eta[:] = self.intercept
            if offset is not None:
                eta += offset[at, None]
            rows.times(start, stop, self.inner, eta)
            if self.arrived is not None:
                self.arrived[at] = eta[:, : self.width]
            if self.before is not None:
                eta = np.concatenate([eta, self.before[at]], axis=1)
            omega, sloped, slope, dual = (
                None if array is None else array[at] for array in (self.omega, self.sloped, self.slope, self.dual)
            )
            cells.look(at, eta, omega, pull, fold_loss, sums, sloped=sloped, slope=slope, dual=dual)
            gradient[0] += np.ones(len(pull)) @ pull
            rows.transposed_times(start, stop, pull, gradient[1:])
        return fold_loss, gradient, sums


def padded(array: Floats, width: int) -> Floats:
    """The array with columns of zeros behind, row after row in memory; itself where it is so."""
    if array.shape[1] == width and array.flags.c_contiguous:
        return array
    out = np.zeros((len(array), width))
    out[:, : array.shape[1]] = array
    return out
