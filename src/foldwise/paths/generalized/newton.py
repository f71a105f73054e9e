"""Every held-out set's Newton model: from weighted fold moments to a quadratic problem, solved from its last solution.

The intercept is taken out of each model by weighted centring: with m the columns' means under the curvature, the best
intercept for a step d moves by -g_0 / M_00 - m'd, and what is left is a problem in d alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foldwise.solvers._warm import WarmProblem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.generalized.sets import Sets

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

SLACK = 1e-13
MAX_STEPS = 100_000


class NewtonModels:
    """The models of H held-out sets with q columns.

    Parameters
    ----------
    sets : Sets
    fit_intercept : bool
    before : list of WarmProblem, optional
        Problems of the first columns, whose solutions are where these start.
    """

    def __init__(self, sets: Sets, *, fit_intercept: bool, before: list[WarmProblem] | None = None) -> None:
        self.sets, self.fit_intercept, self.n_intercepts = sets, fit_intercept, 1
        H, q = sets.l1_weight.shape
        self.C = np.zeros((H, q, q))
        self.means = np.zeros((H, q))
        self.total = np.ones(H)
        # From a set's own columns to the shared ones, where they differ: (H, r + 1, q + 1), the intercept first.
        self.designs: Floats | None = None
        self.problems = [
            WarmProblem(
                sets.l1_weight[h],
                sets.l2_weight[h],
                sets.lower[h],
                sets.upper[h],
                None if before is None else before[h],
            )
            for h in range(H)
        ]

    def renew(self, which: Ints, moments: Floats) -> None:
        """New curvature of some sets from fold moments (K, q + 1, q + 1) of [1, x]."""
        folds = len(moments)
        merged = self.sets.keep[:, which].T.astype(np.float64) @ moments.reshape(folds, -1)
        for at, h in enumerate(which):
            self.renew_one(int(h), merged[at].reshape(moments.shape[1:]))

    def renew_one(self, h: int, moments: Floats) -> None:
        """New curvature of one set from its training rows' moments (q + 1, q + 1)."""
        M = self._of_design(h, moments) / self.sets.weight[h]
        if self.fit_intercept:
            self.total[h] = max(M[0, 0], np.finfo(float).tiny)
            self.means[h] = M[0, 1:] / self.total[h]
            self.C[h] = M[1:, 1:] - self.total[h] * np.outer(self.means[h], self.means[h])
        else:
            self.C[h] = M[1:, 1:]
        at = np.arange(M.shape[0] - 1)
        # What centring leaves of a column that hardly varies under this curvature is rounding.
        least = 1e-13 * M[at + 1, at + 1] + np.finfo(float).tiny
        self.C[h, at, at] = np.maximum(self.C[h, at, at], least)
        self.problems[h].renew(self.C[h])

    def _of_design(self, h: int, moments: Floats) -> Floats:
        return moments if self.designs is None else self.designs[h].T @ moments @ self.designs[h]

    def step(self, h: int, coef: Floats, gradient: Floats, l1: float, l2: float) -> tuple[Floats, Floats, int]:
        """Minimize one set's model: coefficients (q + 1,), the pull X'(-u) of its dual point (q,), equality steps."""
        first = self.n_intercepts
        c = self.C[h] @ coef[first:] - self._reduced(h, gradient)
        new = coef.copy()
        steps, _ = self.problems[h].solve(c, l1, l2, SLACK, MAX_STEPS, new[first:])
        if self.fit_intercept:
            new[:first] += self._intercepts(h, gradient, new[first:] - coef[first:])
        return new, c - self.C[h] @ new[first:], steps

    def _reduced(self, h: int, gradient: Floats) -> Floats:
        """The gradient in the coefficients (q,), the intercept taking its best value."""
        if not self.fit_intercept:
            return gradient[1:]
        return np.asarray(gradient[1:] - gradient[0] * self.means[h])

    def _intercepts(self, h: int, gradient: Floats, moved: Floats) -> Floats:
        """What the best intercept moves by for a step (q,) of the coefficients."""
        return np.array([-gradient[0] / self.total[h] - self.means[h] @ moved])
