"""What certifies a point: the penalty's share of the duality gap, or the optimality conditions' residual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


class Penalized(Protocol):
    """What the penalty weighs q coefficients of H sets by, and their box: arrays (H, q)."""

    @property
    def l1_weight(self) -> Floats:
        """Weights of absolute values."""

    @property
    def l2_weight(self) -> Floats:
        """Weights of squares."""

    @property
    def lower(self) -> Floats:
        """From where."""

    @property
    def upper(self) -> Floats:
        """To where."""


def penalty_value(sets: Penalized, which: Ints, b: Floats, l1: Floats, l2: Floats) -> Floats:
    """The penalty (H',) of coefficients (H', q), strengths (H',)."""
    size = sets.l1_weight[which] * np.abs(b)
    square = sets.l2_weight[which] * b**2
    return np.asarray(l1 * size.sum(axis=1) + 0.5 * l2 * square.sum(axis=1))


def penalty_gap(sets: Penalized, which: Ints, b: Floats, pull: Floats, l1: Floats, l2: Floats, room: Floats) -> Floats:
    """Sum over coefficients of penalty + conjugate(pull) - pull b (H',); 0 where the optimality conditions hold.

    Where nothing bounds a conjugate, what exceeds the threshold counts with coefficients up to 2 |b| + room (H', q).
    """
    slope, curvature = l1[:, None] * sets.l1_weight[which], l2[:, None] * sets.l2_weight[which]
    limit = np.where(pull > 0.0, sets.upper[which], -sets.lower[which])
    limit = np.where(np.isinf(limit) & (curvature == 0.0), 2.0 * np.abs(b) + room, limit)
    excess = np.maximum(np.abs(pull) - slope, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.where(curvature > 0.0, np.minimum(excess / curvature, limit), limit)
        conjugate = np.where((excess > 0.0) & (limit > 0.0), best * (excess - 0.5 * curvature * best), 0.0)
    value = slope * np.abs(b) + 0.5 * curvature * b**2
    return np.asarray(np.maximum(value + conjugate - pull * b, 0.0).sum(axis=1))


def residual(sets: Penalized, which: Ints, b: Floats, pull: Floats, l1: Floats, l2: Floats) -> Floats:
    """Distance (H', q) of every coefficient's pull to the penalty's slopes at b (H', q)."""
    slope = l1[:, None] * sets.l1_weight[which]
    net = pull - l2[:, None] * sets.l2_weight[which] * b
    up = np.where(b < sets.upper[which], net - np.where(b >= 0.0, slope, -slope), 0.0)
    down = np.where(b > sets.lower[which], -net - np.where(b <= 0.0, slope, -slope), 0.0)
    return np.asarray(np.maximum(np.maximum(up, down), 0.0))
