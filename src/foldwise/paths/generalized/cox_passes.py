"""Passes over rows that share risk sets: the Cox model's, whose intercept means nothing and takes up the centring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from foldwise.families.cox import EVENT
from foldwise.families.risk_sets import RiskSets
from foldwise.paths.generalized.passes import Evaluation, Passes, Step, padded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

LANES = 8
# Tables of more cells than this make do with the diagonal curvature.
MANY_CELLS = 1 << 25


@dataclass(frozen=True, eq=False)
class CoxPasses(Passes):
    """Passes whose targets y are entry, time, event and stratum (n, 4).

    A fold's loss for a set that holds it out is what the fold adds to the loss of the set's training rows (P. Verweij
    and H. van Houwelingen, 1993): alone, a small fold's risk sets say little.
    """

    @cached_property
    def risk_sets(self) -> RiskSets:
        """Of all rows; those that a set holds out have weight 0."""
        return RiskSets.of(self.y)

    @property
    def _efron(self) -> bool:
        return getattr(self.family, "ties", "breslow") == "efron"

    def null_coef(self, *, fit_intercept: bool) -> Floats:  # noqa: ARG002 - there is none to fit
        """Zeros (H, q + 1)."""
        return np.zeros((len(self.sets.held_out), self.rows.q + 1))

    def score_weight(self) -> Floats:
        """Weights (K,) of the folds' events."""
        return np.maximum(self.rows.by_fold(self.rows.weight * self.y[:, EVENT]), np.finfo(float).tiny)

    def curvature(self, coef: Floats, h: int = 0, eta: Floats | None = None) -> Floats:  # noqa: ARG002 - it keeps none
        """Curvature (n,) of all rows per unit of their weight, at coefficients (q + 1,)."""
        weight = self.rows.weight[:, None]
        found = self.risk_sets.partial(self.predictor(coef[None]), weight, efron=self._efron)[2][:, 0]
        return np.divide(found, self.rows.weight, out=np.zeros_like(found), where=self.rows.weight > 0.0)

    def own_moments(self, h: int, coef: Floats, omega: Floats) -> Floats:
        """The loss's own curvature (q + 1, q + 1) for one set, which no diagonal gives; nothing is left to centre."""
        if self.rows.n * self.rows.q > MANY_CELLS:
            return super().own_moments(h, coef, omega)
        found = np.zeros((self.rows.q + 1, self.rows.q + 1))
        weight = self.rows.weight * self.sets.keep[self.rows.label, h]
        eta = self.predictor(coef[None])
        found[0, 0] = weight.sum()
        found[1:, 1:] = self.risk_sets.hessian(self._columns, eta, weight[:, None], efron=self._efron)
        return found

    @cached_property
    def _columns(self) -> Floats:
        """The rows (n, q) themselves."""
        q = self.rows.q
        out = np.zeros((self.rows.n, -(-q // LANES) * LANES))
        self.rows.times(0, self.rows.n, padded(np.eye(q), out.shape[1]), out)
        return out[:, :q]

    def evaluate(
        self,
        which: Ints,
        new: Floats,
        step: Step | None = None,  # noqa: ARG002 - there is no gap to tell
        *,
        keep_dual: bool = False,
    ) -> Evaluation:
        """Losses and gradients of some sets at coefficients new (H', q + 1)."""
        eta, keep = self.predictor(new), self.sets.keep[:, which]
        weight = self.rows.weight[:, None] * keep[self.rows.label]
        loss, slope, _ = self.risk_sets.partial(eta, weight, efron=self._efron)
        fold_loss = np.zeros_like(keep, dtype=np.float64)
        for fold in range(self.rows.folds):
            out = np.flatnonzero(~keep[fold])
            if len(out):
                more = weight[:, out] + np.where(self.rows.label == fold, self.rows.weight, 0.0)[:, None]
                fold_loss[fold, out] = self.risk_sets.partial(eta[:, out], more, efron=self._efron)[0] - loss[out]
        total, wide = self.sets.weight[which], len(which)
        gradient = np.zeros((self.rows.q, -(-wide // LANES) * LANES))
        self.rows.transposed_times(0, self.rows.n, padded(slope, gradient.shape[1]), gradient)
        zero = np.zeros(wide)
        return Evaluation(
            gradient=np.concatenate([zero[:, None], gradient[:, :wide].T], axis=1) / total[:, None],
            fold_loss=fold_loss.T,
            loss=loss / total,
            misfit=zero,
            spill=zero,
            dual=slope if keep_dual else None,
        )
