"""Passes over rows with several classes: every set has C predictors, whose curvature couples them.

Coefficients of a set are one vector (C + C q,): the intercepts, then class after class.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.generalized.cells import LANES
from foldwise.paths.generalized.newton import NewtonModels
from foldwise.paths.generalized.passes import CHUNK_CELLS, Evaluation, Passes, Step, padded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.paths.generalized.sets import Sets
    from foldwise.solvers._warm import WarmProblem

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class MultinomialPasses(Passes):
    """Passes whose targets y are marks (n, C); the sets' arrays have a coefficient for each class and column."""

    @property
    def n_intercepts(self) -> int:
        """C."""
        return int(self.y.shape[1])

    def split(self, coef: Floats) -> tuple[Floats, Floats]:
        """Intercepts (H', C) and coefficients (H', C, q)."""
        C = self.n_intercepts
        return coef[:, :C], coef[:, C:].reshape(len(coef), C, -1)

    def newton_models(
        self,
        *,
        fit_intercept: bool,
        before: list[WarmProblem] | None = None,  # noqa: ARG002 - columns that come in move those of the next class
    ) -> NewtonModels:
        """A Newton model of all classes for every set."""
        return MultinomialModels(self.sets, fit_intercept=fit_intercept, n_classes=self.n_intercepts)

    def null_coef(self, *, fit_intercept: bool) -> Floats:
        """The null fits (H, C + C q): the classes' shares, where there are intercepts."""
        C, H = self.n_intercepts, len(self.sets.held_out)
        coef = np.zeros((H, C + C * self.rows.q))
        if fit_intercept:
            sums = np.stack([self.rows.by_fold(self.rows.weight * self.y[:, c]) for c in range(C)], axis=1)
            shares = self.sets.keep.T @ sums / self.sets.weight[:, None]
            coef[:, :C] = self.family.link(np.maximum(shares, np.exp(-30.0)))
        return coef

    def moments(self, omega: Floats, folds: Sequence[int] | None = None) -> Floats:
        """Products (K, pairs, q + 1, q + 1) of [1, x] under m_c m_d for every pair of classes; omega is m (n, C)."""
        pairs = combinations(range(self.n_intercepts), 2)
        return np.stack(
            [self.rows.moments(self.rows.weight * omega[:, c] * omega[:, d], folds) for c, d in pairs], axis=1
        )

    def own_moments(self, h: int, coef: Floats, omega: Floats) -> Floats:  # noqa: ARG002 - others need it
        """Products (pairs, q + 1, q + 1) of one set's training rows."""
        return np.asarray(self.moments(omega, np.flatnonzero(self.sets.keep[:, h]).tolist()).sum(axis=0))

    def curvature(self, coef: Floats, h: int = 0, eta: Floats | None = None) -> Floats:  # noqa: ARG002 - see filling
        """The means (n, C), which the curvature is made of."""
        return self.family.mean(self.predictor(coef[None])[:, 0] if eta is None else eta)

    def predictor(self, coef: Floats) -> Floats:
        """Linear predictors (n, H', C) at coefficients (H', C + C q)."""
        eta = np.empty((self.rows.n, len(coef), self.n_intercepts))
        for start, stop in self.rows.chunks(CHUNK_CELLS // LANES):
            eta[start:stop] = self._eta(start, stop, coef)
        return eta

    def _eta(self, start: int, stop: int, coef: Floats) -> Floats:
        intercept, slope = self.split(coef)
        wide = slope.shape[0] * slope.shape[1]
        eta = np.zeros((stop - start, -(-wide // LANES) * LANES))
        self.rows.times(start, stop, padded(slope.reshape(wide, -1).T, eta.shape[1]), eta)
        return eta[:, :wide].reshape(-1, *intercept.shape) + intercept

    def evaluate(self, which: Ints, new: Floats, step: Step | None = None, *, keep_dual: bool = False) -> Evaluation:
        """Losses and gradients of some sets at coefficients new (H', C + C q)."""
        dual = np.empty((self.rows.n, len(which), self.n_intercepts)) if keep_dual else None
        cells = len(which) * self.n_intercepts * (1 if step is None else 2)
        chunks = self.rows.chunks(max(CHUNK_CELLS // cells, 64))
        workers = self.rows.team.workers
        shares = [chunks[worker::workers] for worker in range(min(workers, len(chunks)))]
        parts = self.rows.team.each(lambda share: self._over(share, which, new, step, dual), shares)
        fold_loss, gradient, misfit, spill = (np.sum([part[i] for part in parts], axis=0) for i in range(4))
        total = self.sets.weight[which]
        return Evaluation(
            gradient=gradient / total[:, None],
            fold_loss=fold_loss.T,
            loss=np.where(self.sets.keep[:, which], fold_loss, 0.0).sum(axis=0) / total,
            misfit=misfit / total if step is not None else np.full(len(which), np.nan),
            spill=spill / total,
            dual=dual,
        )

    def _over(
        self, chunks: list[tuple[int, int]], which: Ints, new: Floats, step: Step | None, dual: Floats | None
    ) -> tuple[Floats, Floats, Floats, Floats]:
        rows, C, wide = self.rows, self.n_intercepts, len(which)
        keep = self.sets.keep[:, which]
        fold_loss, intercepts = np.zeros((rows.folds, wide)), np.zeros((wide, C))
        lanes = -(-wide * C // LANES) * LANES
        slopes, misfit, spill = np.zeros((rows.q, lanes)), np.zeros(wide), np.zeros(wide)
        for start, stop in chunks:
            y, label = self.y[start:stop, None], rows.label[start:stop]
            here = rows.weight[start:stop, None] * keep[label]
            eta = self._eta(start, stop, new)
            np.add.at(fold_loss, label, rows.weight[start:stop, None] * self.family.loss(eta, y))
            gradient, bend = self.family.slopes(eta, y)
            nearer = gradient
            if step is not None:
                before = self._eta(start, stop, step.old)
                omega = step.omega[start:stop]
                m = omega if omega.ndim == 3 else omega[:, None]
                moved = eta - before
                u = self.family.slopes(before, y)[0] + m * (moved - (m * moved).sum(axis=-1, keepdims=True))
                bound, nearer = self.family.misfit(eta, y, gradient, bend, u)
                misfit += np.where(here > 0.0, here * bound, 0.0).sum(axis=0)
                spill += np.where(here > 0.0, here * np.abs(nearer - u).max(axis=-1), 0.0).sum(axis=0)
            pull = np.where(here[..., None] > 0.0, here[..., None] * gradient, 0.0)
            if dual is not None:
                dual[start:stop] = np.where(here[..., None] > 0.0, here[..., None] * nearer, 0.0)
            intercepts += pull.sum(axis=0)
            rows.transposed_times(start, stop, padded(pull.reshape(stop - start, -1), lanes), slopes)
        flat = slopes[:, : wide * C].T.reshape(wide, C * rows.q)
        return fold_loss, np.concatenate([intercepts, flat], axis=1), misfit, spill


class MultinomialModels(NewtonModels):
    """Newton models of C classes at once: the curvature couples them, and C intercepts are taken out."""

    def __init__(self, sets: Sets, *, fit_intercept: bool, n_classes: int) -> None:
        super().__init__(sets, fit_intercept=fit_intercept)
        H, wide = sets.l1_weight.shape
        self.n_classes, self.n_intercepts = n_classes, n_classes
        self.cross, self.inner = np.zeros((H, n_classes, wide)), np.zeros((H, n_classes, n_classes))

    def renew_one(self, h: int, moments: Floats) -> None:
        """New curvature of one set from its training rows' moments (pairs, q + 1, q + 1)."""
        moments = self._of_design(h, moments)
        C, size = self.n_classes, moments.shape[-1]
        M = np.zeros((C, C, size, size))
        for (c, d), block in zip(combinations(range(C), 2), moments / self.sets.weight[h], strict=True):
            M[c, d], M[d, c] = -block, -block
            M[c, c] += block
            M[d, d] += block
        whole = M[:, :, 1:, 1:].transpose(0, 2, 1, 3).reshape(C * (size - 1), C * (size - 1))
        if self.fit_intercept:
            inner = M[:, :, 0, 0]
            self.total[h] = max(np.diag(inner).min(), np.finfo(float).tiny)
            # Adding the same to all intercepts changes nothing: any curvature along it will do.
            inner = inner + np.diag(inner).mean() + np.finfo(float).tiny
            self.inner[h] = np.linalg.pinv(inner, hermitian=True)
            self.cross[h] = M[:, :, 0, 1:].reshape(C, -1)
            whole = whole - self.cross[h].T @ self.inner[h] @ self.cross[h]
        at = np.arange(len(whole))
        diagonal = M[:, :, np.arange(1, size), np.arange(1, size)][np.arange(C), np.arange(C)].ravel()
        whole[at, at] = np.maximum(whole[at, at], 1e-13 * diagonal + np.finfo(float).tiny)
        self.C[h] = whole
        self.problems[h].renew(self.C[h])

    def _reduced(self, h: int, gradient: Floats) -> Floats:
        C = self.n_classes
        if not self.fit_intercept:
            return gradient[C:]
        return np.asarray(gradient[C:] - self.cross[h].T @ (self.inner[h] @ gradient[:C]))

    def _intercepts(self, h: int, gradient: Floats, moved: Floats) -> Floats:
        """What the best intercepts move by for a step of the coefficients."""
        step = -self.inner[h] @ (gradient[: self.n_classes] + self.cross[h] @ moved)
        return np.asarray(step - step.mean())
