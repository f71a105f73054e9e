"""One pass over the rows for many held-out sets: losses and gradients where they arrive, and how far a dual point is.

A step of a Newton model goes from `old` to `new` with curvature omega. What it took the gradient of row i to be,
u_i = l'(x_i old) + omega_i x_i (new - old), meets the optimality conditions exactly, so that the duality gap at `new`
is the mean of l + conjugate(u) - u eta over the rows: a quantity of second order, bounded by `Family.misfit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.families import Family
    from foldwise.paths.generalized.rows import Rows
    from foldwise.paths.generalized.sets import Sets

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# Cells (rows times sets) of one chunk: a few arrays of it stay in a core's cache.
CHUNK_CELLS = 1 << 14


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
    """

    gradient: Floats
    fold_loss: Floats
    loss: Floats
    misfit: Floats
    spill: Floats


@dataclass(frozen=True, eq=False)
class Step:
    """Where the sets stood and the curvature of the model that took them on.

    Parameters
    ----------
    old : array (H', q + 1)
    omega : array (n,) or (n, H')
    """

    old: Floats
    omega: Floats


@dataclass(frozen=True, eq=False)
class Passes:
    """The rows with their targets: n rows in fold order.

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

    def evaluate(self, which: Ints, new: Floats, step: Step | None = None) -> Evaluation:
        """Losses and gradients of some sets at coefficients new (H', q + 1), intercept first."""
        width = len(which) * (1 if step is None else 2)
        chunks = self.rows.chunks(max(CHUNK_CELLS // max(width, 1), 256))
        workers = self.rows.team.workers
        shares = [chunks[worker::workers] for worker in range(min(workers, len(chunks)))]
        parts = self.rows.team.each(lambda share: self._share(share, which, new, step), shares)
        fold_loss, gradient, misfit, spill = (np.sum([part[i] for part in parts], axis=0) for i in range(4))
        total = self.sets.weight[which]
        return Evaluation(
            gradient=gradient.T / total[:, None],
            fold_loss=fold_loss.T,
            loss=np.where(self.sets.keep[:, which], fold_loss, 0.0).sum(axis=0) / total,
            misfit=misfit / total if step is not None else np.full(len(which), np.nan),
            spill=spill / total,
        )

    def _share(
        self, chunks: list[tuple[int, int]], which: Ints, new: Floats, step: Step | None
    ) -> tuple[Floats, Floats, Floats, Floats]:
        folds, wide, rows = len(self.sets.keep), len(which), self.rows
        keep = self.sets.keep[:, which]
        fold_loss, gradient = np.zeros((folds, wide)), np.zeros((rows.q + 1, wide))
        misfit, spill = np.zeros(wide), np.zeros(wide)
        both = new if step is None else np.concatenate([new, step.old])
        inner, intercepts = np.ascontiguousarray(both[:, 1:].T), both[:, 0]
        for start, stop in chunks:
            block, y = rows.block(start, stop), self.y[start:stop]
            eta = block @ inner
            eta += intercepts
            if self.offset is not None:
                eta += self.offset[start:stop, None]
            labels, firsts = self._folds_of(start, stop)
            weight = rows.weight[start:stop, None]
            here = weight * keep[labels]
            with np.errstate(over="ignore"):
                arrived = eta[:, :wide]
                loss = weight * self.family.loss(arrived, y)
                slope, bend = self.family.slopes(arrived, y)
                if step is not None:
                    omega = step.omega[start:stop]
                    u = self.family.slopes(eta[:, wide:], y)[0]
                    u += (omega if omega.ndim == 2 else omega[:, None]) * (arrived - eta[:, wide:])
                    bound, nearer = self.family.misfit(arrived, y, slope, bend, u)
                    misfit += np.where(here > 0.0, here * bound, 0.0).sum(axis=0)
                    spill += np.where(here > 0.0, here * np.abs(nearer - u), 0.0).sum(axis=0)
                pull = np.where(here > 0.0, here * slope, 0.0)
            fold_loss[labels[firsts]] += np.add.reduceat(loss, firsts, axis=0)
            gradient[0] += pull.sum(axis=0)
            gradient[1:] += block.T @ pull
        return fold_loss, gradient, misfit, spill

    def _folds_of(self, start: int, stop: int) -> tuple[Ints, Ints]:
        """The fold of every row in a range, and where each fold's rows begin in it."""
        ends = self.rows.ends
        labels = np.searchsorted(ends[1:-1], np.arange(start, stop), side="right")
        firsts = np.flatnonzero(np.diff(labels, prepend=-1))
        return labels, firsts

    def curvature(self, coef: Floats) -> Floats:
        """The family's curvature (n,) at the predictor of coefficients (q + 1,)."""
        omega = np.empty(self.rows.n)

        def one(chunk: tuple[int, int]) -> None:
            start, stop = chunk
            eta = np.asarray(self.rows.block(start, stop) @ coef[1:]) + coef[0]
            if self.offset is not None:
                eta += self.offset[start:stop]
            omega[start:stop] = self.family.slopes(eta, self.y[start:stop])[1]

        self.rows.team.each(one, self.rows.chunks(CHUNK_CELLS))
        return omega
