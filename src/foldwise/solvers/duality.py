"""The duality gap of a penalized quadratic problem, for many points at once and from (Q, c, yy) alone.

The dual point is the residual, scaled into the dual's domain where only the lasso term bounds a coefficient.
Coefficients that nothing bounds (no penalty, no box) make the dual infinite for any inexact point; for those the
certificate is the one of the problem with |b_j| <= 2 |b_j| + sqrt(yy / Q_jj), a box that holds the solution with room
to spare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.solvers.quadratic import Penalty

    Floats = NDArray[np.float64]


def relative_gap(Q: Floats, c: Floats, yy: float, coef: Floats, *, l1: Floats, l2: Floats, penalty: Penalty) -> Floats:
    """Primal minus dual objective over the null objective yy / 2, for every point of a path.

    Parameters
    ----------
    Q : array (p, p)
    c : array (p,)
    yy : float
    coef : array (A, p)
        Within the box.
    l1, l2 : arrays (A,)
    penalty : Penalty

    Returns
    -------
    array (A,)
        0 where yy is 0.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.solvers.quadratic import Penalty
    >>> free = np.full(1, np.inf)
    >>> lasso = Penalty(np.ones(1), np.ones(1), -free, free)
    >>> coef = np.array([[2.0], [1.9]])  # the solution is 2
    >>> relative_gap(np.eye(1), np.array([3.0]), 10.0, coef, l1=np.ones(2), l2=np.zeros(2), penalty=lasso).round(4)
    array([0.    , 0.0018])
    """
    if yy <= 0.0:
        return np.zeros(len(coef))
    u = c - coef @ Q
    slope = l1[:, None] * penalty.l1_weight
    curvature = l2[:, None] * penalty.l2_weight
    ry = yy - coef @ c
    rr = ry - np.einsum("aj,aj->a", u, coef)
    primal = 0.5 * rr + (slope * np.abs(coef) + 0.5 * curvature * coef**2).sum(axis=1)
    limit = np.where(u > 0.0, penalty.upper, -penalty.lower)
    outside = (np.abs(u) > slope) & (limit > 0.0) & (slope > 0.0)
    needs = outside & np.isinf(limit) & (curvature == 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = slope / np.abs(u)
        box = 2.0 * np.abs(coef) + np.sqrt(yy / np.diag(Q))
    limit = np.where((curvature == 0.0) & np.isinf(limit), box, limit)
    best = np.full(len(coef), -np.inf)
    for scaled in (needs, outside):
        factor = np.where(scaled, share, 1.0).min(axis=1, initial=1.0)
        excess = np.maximum(np.abs(factor[:, None] * u) - slope, 0.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            b = np.where(curvature > 0.0, np.minimum(excess / curvature, limit), limit)
            conjugate = np.where((excess > 0.0) & (limit > 0.0), b * (excess - 0.5 * curvature * b), 0.0)
        dual = factor * ry - 0.5 * factor**2 * rr - conjugate.sum(axis=1)
        best = np.fmax(best, dual)
    gap: Floats = (primal - best) / (0.5 * yy)
    return gap
