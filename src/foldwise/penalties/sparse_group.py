"""Sparse group lasso: groups leave a model, and single coefficients of those that stay; tau 0 is the group lasso."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.penalties.groups import Groups

    Floats = NDArray[np.float64]

# Newton's method on a convex increasing function closes in from one side; it ends long before this.
NEWTON_STEPS = 50


@dataclass(frozen=True, eq=False)
class SparseGroup:
    """l1 (sum_g norm_weight_g |b_g|_2 + sum_j weight_j |b_j|) + 1/2 l2 sum_g ridge_weight_g |b_g|_2^2.

    With `along`, norm_weight_g = (1 - tau) f_g sqrt(size_g) and weight_j = tau f_g. All methods take coefficients
    (..., p), the leading axes being those of l1 and l2.

    Parameters
    ----------
    groups : Groups
    norm_weight, ridge_weight : arrays (G,)
    weight : array (p,)
    l1, l2 : arrays (...)

    Source: M. Yuan and Y. Lin (2006), Model selection and estimation in regression with grouped variables, JRSS B 68;
    N. Simon, J. Friedman, T. Hastie and R. Tibshirani (2013), A sparse-group lasso, JCGS 22.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.penalties import Groups
    >>> groups = Groups.of([0, 0, 1, 1])
    >>> one = np.array(1.0)
    >>> penalty = SparseGroup.along(groups, l1=one, l2=0.0 * one, tau=0.0, factor=np.array([1.0, 1.0]))
    >>> penalty.prox(np.array([3.0, 4.0, 0.8, 0.8]), step=1.0).round(3)  # one group is shortened, the other leaves
    array([2.151, 2.869, 0.   , 0.   ])
    """

    groups: Groups
    norm_weight: Floats
    ridge_weight: Floats
    weight: Floats
    l1: Floats
    l2: Floats

    is_convex = True
    is_separable = False

    @classmethod
    def along(cls, groups: Groups, *, l1: Floats, l2: Floats, tau: float, factor: Floats) -> SparseGroup:
        """With weights sqrt(size) times a factor (G,) for each group; 0 leaves a group unpenalized."""
        return cls(
            groups=groups,
            norm_weight=(1.0 - tau) * factor * np.sqrt(groups.size),
            ridge_weight=factor,
            weight=tau * factor[groups.index],
            l1=l1,
            l2=l2,
        )

    @property
    def _norm(self) -> Floats:
        return np.asarray(self.l1)[..., None] * self.norm_weight

    @property
    def _each(self) -> Floats:
        return np.asarray(self.l1)[..., None] * self.weight

    @property
    def _ridge(self) -> Floats:
        return np.asarray(self.l2)[..., None] * self.ridge_weight

    def value(self, b: Floats) -> Floats:
        """The penalty (...)."""
        length = self.groups.norm(b)
        singles = (self._each * np.abs(b)).sum(axis=-1)
        return np.asarray((self._norm * length + 0.5 * self._ridge * length**2).sum(axis=-1) + singles)

    def prox(self, z: Floats, step: float) -> Floats:
        """The minimizer (..., p) of |b - z|^2 / (2 step) + penalty: soft thresholds, then shorter groups."""
        soft = np.sign(z) * np.maximum(np.abs(z) - step * self._each, 0.0)
        length = self.groups.norm(soft)
        safe = np.where(length > 0.0, length, 1.0)
        share = np.maximum(1.0 - step * self._norm / safe, 0.0) / (1.0 + step * self._ridge)
        return np.asarray(soft * share[..., self.groups.index])

    def kkt_residual(self, b: Floats, pull: Floats) -> Floats:
        """Distance of the pull (..., p), minus the loss's gradient at b, to the penalty's slopes: the worst group's."""
        index = self.groups.index
        length = self.groups.norm(b)
        net = pull - self._ridge[..., index] * b
        soft = np.maximum(np.abs(net) - self._each, 0.0)
        inside = np.maximum(self.groups.norm(soft) - self._norm, 0.0)
        safe = np.where(length > 0.0, length, 1.0)
        smooth = net - (self._norm / safe)[..., index] * b - self._each * np.sign(b)
        rest = np.where(b != 0.0, smooth, soft)
        return np.asarray(np.where(length > 0.0, self.groups.norm(rest), inside).max(axis=-1, initial=0.0))

    def excess(self, pull: Floats) -> Floats:
        """By how much each group's pull exceeds what the lasso terms hold (..., G)."""
        soft = np.maximum(np.abs(pull) - self._each, 0.0)
        return np.maximum(self.groups.norm(soft) - self._norm, 0.0)

    def conjugate(self, pull: Floats, limit: Floats) -> Floats:
        """Supremum of pull'b - penalty (...) over all b with |b_g|_2 <= limit (..., G) where there is no ridge term."""
        excess, ridge = self.excess(pull), self._ridge
        with np.errstate(divide="ignore", invalid="ignore"):
            length = np.where(ridge > 0.0, excess / ridge, limit)
        each = np.where(excess > 0.0, length * (excess - 0.5 * ridge * length), 0.0)
        return np.asarray(each.sum(axis=-1))

    def dual_scale(self, pull: Floats, *, everywhere: bool) -> Floats:
        """The largest share (...) of the pull that the lasso terms hold in every group.

        Without `everywhere`, in every group that has no ridge term, which would hold the rest. Unpenalized groups hold
        nothing and are left out. The norm of the thresholded pull is convex and increasing in the share, so Newton's
        method from 1 descends to the share and not past it.
        """
        index = self.groups.index
        held = (self._norm > 0.0) | (self.groups.total(np.broadcast_to(self._each, pull.shape)) > 0.0)
        if not everywhere:
            held = held & (self._ridge == 0.0)
        size, share = np.abs(pull), np.ones(held.shape)
        for _ in range(NEWTON_STEPS):
            soft = np.maximum(share[..., index] * size - self._each, 0.0)
            length = self.groups.norm(soft)
            over = held & (length > self._norm)
            if not over.any():
                break
            slope = self.groups.total(soft * size)
            with np.errstate(divide="ignore", invalid="ignore"):
                moved = np.where(over, share - (length - self._norm) * length / slope, share)
            if not np.any(moved < share):
                break
            share = moved
        return np.asarray(share.min(axis=-1, initial=1.0))
