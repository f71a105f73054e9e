"""Missing values and rare levels: every held-out set fills and pools by its own rows, as a map of shared columns.

The rows hold the columns with 0 for a missing value (a reference taken off the others), and its indicator. A set's own
design is those columns times its map, so that its coefficients go to the rows through the map, and gradients and
moments come back through its transpose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError
from foldwise.moments import DesignMap
from foldwise.moments.medians import training_medians
from foldwise.paths.generalized.passes import Evaluation, Passes, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.moments import Fill, Pools
    from foldwise.paths.generalized.newton import NewtonModels
    from foldwise.solvers._warm import WarmProblem

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

HeldOut = frozenset[int]


@dataclass(frozen=True, eq=False)
class Filling:
    """How missing values are filled and rare levels pooled; as in `FoldMoments.scan`.

    Parameters
    ----------
    fill : "mean", "median" or None
    indicators : bool
    pools : tuple of (level columns, "other" column)
    min_level_count : int
    """

    fill: Fill | None = None
    indicators: bool = False
    pools: Pools = ()
    min_level_count: int = 10

    def __post_init__(self) -> None:
        """Check the fill."""
        if self.fill not in (None, "mean", "median"):
            message = f"fill must be 'mean', 'median' or None, got {self.fill!r}"
            raise InputError(message)

    def shared_columns(self, X: Any, gaps: Ints, reference: Floats) -> Floats:
        """The columns (n, p + g) that all sets share."""
        whole = np.concatenate([np.asarray(X, dtype=np.float64), np.isnan(X[:, gaps])], axis=1)
        whole[:, gaps] = np.where(np.isnan(X[:, gaps]), 0.0, X[:, gaps] - reference)
        return whole

    def maps(
        self, X: Any, weight: Floats, labels: Ints, members: Sequence[HeldOut], gaps: Ints, reference: Floats
    ) -> list[DesignMap]:
        """What every set fills with and pools, from its own training rows."""
        medians = training_medians(X, gaps, labels[None], members) if self.fill == "median" else {}
        found = []
        for held_out in members:
            kept = ~np.isin(labels, sorted(held_out))
            if self.fill == "median":
                values = medians[held_out]
            else:
                there = ~np.isnan(X[np.ix_(kept, gaps)]) * weight[kept, None]
                sums = np.where(there > 0.0, there * np.nan_to_num(X[np.ix_(kept, gaps)]), 0.0).sum(axis=0)
                total = there.sum(axis=0)
                values = np.divide(sums, total, out=np.zeros(len(gaps)), where=total > 0.0)
            moved = tuple(
                (level, other)
                for levels, other in self.pools
                for level in levels
                if X[kept, level].sum() < self.min_level_count
            )
            found.append(DesignMap(gaps, reference, np.asarray(values), moved, self.indicators))
        return found


def matrix_of(each: DesignMap, p: int) -> Floats:
    """A map as the matrix (p + g, q) that shared columns are multiplied with."""
    g = len(each.gaps)
    matrix = np.eye(p + g)[:, : p + g if each.indicators else p]
    matrix[np.arange(p, p + g), each.gaps] = each.fill - each.reference
    for level, other in each.moved:
        matrix[level, level], matrix[level, other] = 0.0, 1.0
    return matrix


@dataclass(frozen=True, eq=False)
class FilledPasses(Passes):
    """Passes of sets with designs of their own, by passes over the columns that they share.

    Parameters
    ----------
    shared : Passes
        Of the shared columns.
    designs : array (H, p + g, q)
        From coefficients of a set's design, in the units of its columns, to those of the rows.
    moved_by : array (H, q)
        What an intercept changes by per unit of a coefficient in original units.
    maps : tuple of DesignMap, length H
    """

    shared: Passes
    designs: Floats
    moved_by: Floats

    maps: tuple[DesignMap, ...]

    @classmethod
    def of(cls, shared: Passes, maps: Sequence[DesignMap]) -> FilledPasses:
        """From passes over the shared columns whose sets are those of the designs."""
        rows = shared.rows
        p = rows.q - len(maps[0].gaps)
        matrices = np.stack([matrix_of(each, p) for each in maps])
        q = matrices.shape[2]
        taken = np.zeros(q)
        taken[maps[0].gaps] = maps[0].reference
        return cls(
            rows=rows,
            y=shared.y,
            offset=shared.offset,
            family=shared.family,
            sets=shared.sets,
            shared=shared,
            designs=matrices * rows.unit[:, None] / rows.unit[:q],
            moved_by=rows.centre @ matrices + taken,
            maps=tuple(maps),
        )

    @property
    def n_intercepts(self) -> int:
        """As the shared passes have."""
        return self.shared.n_intercepts

    @property
    def n_columns(self) -> int:
        """Columns q of a design."""
        return int(self.designs.shape[2])

    @property
    def unit(self) -> Floats:
        """What a design's columns (q,) are divided by."""
        return self.rows.unit[: self.n_columns]

    @property
    def shift(self) -> Floats:
        """What an intercept changes by per unit of a coefficient in original units: (H, q)."""
        return self.moved_by

    def to_rows(self, which: Ints, coef: Floats) -> Floats:
        """Coefficients of the shared columns from those (H', m + m q) of some sets' designs."""
        m = self.n_intercepts
        slopes = coef[:, m:].reshape(len(coef), m, -1)
        raw = np.einsum("hcq,hrq->hcr", slopes, self.designs[which])
        return np.concatenate([coef[:, :m], raw.reshape(len(coef), -1)], axis=1)

    def newton_models(self, *, fit_intercept: bool, before: list[WarmProblem] | None = None) -> NewtonModels:
        """A Newton model for every set, which takes moments of the shared columns."""
        models = replace(self.shared, sets=self.sets).newton_models(fit_intercept=fit_intercept, before=before)
        H, r, q = self.designs.shape
        models.designs = np.zeros((H, r + 1, q + 1))
        models.designs[:, 0, 0] = 1.0
        models.designs[:, 1:, 1:] = self.designs
        return models

    def null_coef(self, *, fit_intercept: bool) -> Floats:
        """The null fits of all sets."""
        m = self.n_intercepts
        intercepts = self.shared.null_coef(fit_intercept=fit_intercept)[:, :m]
        return np.concatenate([intercepts, np.zeros((len(intercepts), m * self.n_columns))], axis=1)

    def saturated(self) -> Floats:
        """Smallest losses (K,) of every fold."""
        return self.shared.saturated()

    def score_weight(self) -> Floats:
        """What (K,) a fold's deviance is divided by."""
        return self.shared.score_weight()

    def moments(self, omega: Floats, folds: Sequence[int] | None = None) -> Floats:
        """Of the shared columns."""
        return self.shared.moments(omega, folds)

    def own_moments(self, h: int, coef: Floats, omega: Floats) -> Floats:
        """Of the shared columns."""
        return self.shared.own_moments(h, self.to_rows(np.array([h]), coef[None])[0], omega)

    def curvature(self, coef: Floats, h: int = 0, eta: Floats | None = None) -> Floats:
        """At coefficients of one set's design."""
        return self.shared.curvature(self.to_rows(np.array([h]), coef[None])[0], h, eta)

    def predictor(self, coef: Floats) -> Floats:
        """Of all sets."""
        return self.shared.predictor(self.to_rows(np.arange(len(coef)), coef))

    def largest(self) -> Floats:
        """A bound on the sizes of the designs' columns (q,)."""
        return np.asarray((np.abs(self.designs).transpose(0, 2, 1) @ self.shared.largest()).max(axis=0))

    def evaluate(self, which: Ints, new: Floats, step: Step | None = None, *, keep_dual: bool = False) -> Evaluation:
        """Losses and gradients of some sets at coefficients of their designs."""
        before = None if step is None else replace(step, old=self.to_rows(which, step.old))
        found = self.shared.evaluate(which, self.to_rows(which, new), before, keep_dual=keep_dual)
        m = self.n_intercepts
        slopes = found.gradient[:, m:].reshape(len(which), m, -1)
        own = np.einsum("hcr,hrq->hcq", slopes, self.designs[which]).reshape(len(which), -1)
        return replace(found, gradient=np.concatenate([found.gradient[:, :m], own], axis=1))
