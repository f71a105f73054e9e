"""The columns that every held-out set shares in a pass, and what the fold moments say of each set beforehand.

The columns are those of `foldwise.moments.training`: 0 for a missing value, then its indicators; here about their means
and in units of their spreads. A set's own design is these columns times a matrix, which fills and pools.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from foldwise.errors import InputError
from foldwise.paths.generalized.filling import matrix_of
from foldwise.paths.generalized.sets import Sets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.families import Family
    from foldwise.moments import DesignMap, FoldMoments
    from foldwise.paths.problem import Options

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

HeldOut = frozenset[int]


@dataclass(frozen=True, eq=False)
class SharedColumns:
    """r shared columns of H held-out sets of one repeat.

    Attributes
    ----------
    gaps, reference : arrays (g,)
        Columns with missing values, and what is taken from their observed ones.
    centre, unit : arrays (r,)
    sets : Sets
        The penalty and the box in units of the designs' columns; means and scales in original units.
    designs : array (H, r, q) or None
        From coefficients of a set's design to those of the shared columns; None where they are the same.
    moved_by : array (H, q)
        What an intercept changes by per unit of a coefficient in original units.
    maps : tuple of DesignMap, length H
    y_mean, with_y : arrays (H,), (H, q)
        The target's training mean, and its covariances with the design's columns in their units.
    """

    gaps: Ints
    reference: Floats
    centre: Floats
    unit: Floats
    sets: Sets
    designs: Floats | None
    moved_by: Floats
    maps: tuple[DesignMap, ...]
    y_mean: Floats
    with_y: Floats

    @classmethod
    def of(cls, moments: FoldMoments, members: Sequence[HeldOut], options: Options) -> SharedColumns:
        """From the fold moments of one repeat."""
        gaps, g = moments.gaps, len(moments.gaps)
        if g and not options.fit_intercept:
            message = "fit_intercept must be True for a table with missing values that is read in passes, got False"
            raise InputError(message)
        # Medians, so that no fold's oddities touch the digits of the others.
        middle = np.median(moments.mean, axis=0)[:-1]
        squares = np.maximum(np.einsum("bjj->bj", moments.cross), 0.0) / moments.weight[:, None]
        spread = np.sqrt(np.median(squares, axis=0)[:-1])
        spread = np.where(spread > 0.0, spread, np.sqrt(squares.max(axis=0)[:-1]))
        r = len(middle)
        unit = np.where(spread > 1e-12 * np.abs(middle), spread, 1.0)
        centre = middle if options.fit_intercept else np.zeros(r)
        each = [moments.training_set(held_out) for held_out in members]
        maps = tuple(training.map for training in each)
        q = len(each[0].mean)
        keep = np.array([[fold not in held_out for held_out in members] for fold in range(moments.n_folds)])
        designs, taken = None, np.zeros(q)
        moved_by = np.broadcast_to(centre, (len(members), r))
        if g or any(made.moved for made in maps):
            matrices = np.stack([matrix_of(made, r - g) for made in maps])
            taken[gaps] = moments.reference
            designs, moved_by = matrices * unit[:, None] / unit[:q], centre @ matrices + taken
        sets = Sets.weighed(
            unit[:q],
            members,
            keep,
            np.array([training.weight for training in each]),
            np.stack([training.mean for training in each]),
            np.stack([training.scale for training in each]),
            options,
        )
        return cls(
            gaps=gaps,
            reference=moments.reference,
            centre=centre,
            unit=unit,
            sets=sets,
            designs=designs,
            moved_by=moved_by,
            maps=maps,
            y_mean=np.array([training.y_mean for training in each]),
            with_y=np.stack([training.with_y for training in each]) / unit[:q],
        )

    def of_first(self, number: int) -> SharedColumns:
        """The same for the first sets alone."""
        if number == len(self.maps):
            return self
        return replace(
            self,
            sets=self.sets.of_first(number),
            designs=None if self.designs is None else self.designs[:number],
            moved_by=self.moved_by[:number],
            maps=self.maps[:number],
            y_mean=self.y_mean[:number],
            with_y=self.with_y[:number],
        )

    @property
    def n_columns(self) -> int:
        """Columns q of a design."""
        return int(self.sets.l1_weight.shape[1])

    def rows(self, values: Floats) -> Floats:
        """The shared columns (r, m) of raw ones (p, m), NaN where missing."""
        p = len(values)
        out = np.empty((len(self.unit), values.shape[1]))
        out[:p] = values
        if len(self.gaps):
            missing = np.isnan(values[self.gaps])
            out[p:] = missing
            out[self.gaps] = np.where(missing, 0.0, values[self.gaps] - self.reference[:, None])
        out -= self.centre[:, None]
        out /= self.unit[:, None]
        return out

    def to_rows(self, h: Ints, coef: Floats) -> Floats:
        """Coefficients (P, r + 1) of the shared columns from those (P, q + 1) of the designs of sets h (P,)."""
        if self.designs is None:
            return coef
        raw = np.empty((len(coef), len(self.unit) + 1))
        raw[:, 0] = coef[:, 0]
        for each in np.unique(h):
            mine = h == each
            raw[mine, 1:] = coef[mine, 1:] @ self.designs[each].T
        return raw

    def from_rows(self, h: Ints, gradient: Floats) -> Floats:
        """Gradients (P, q + 1) in the designs' coefficients from those (P, r + 1) in the shared columns'."""
        if self.designs is None:
            return gradient
        own = np.empty((len(gradient), self.n_columns + 1))
        own[:, 0] = gradient[:, 0]
        for each in np.unique(h):
            mine = h == each
            own[mine, 1:] = gradient[mine, 1:] @ self.designs[each]
        return own

    def original_units(self, coef: Floats) -> tuple[Floats, Floats]:
        """Slopes (H, A, q) and intercepts (H, A) in original units from coefficients (H, A, q + 1)."""
        slopes = coef[..., 1:] / self.unit[: self.n_columns]
        return slopes, coef[..., 0] - np.einsum("haq,hq->ha", slopes, self.moved_by)

    def null(self, family: Family, *, fit_intercept: bool) -> tuple[Floats, Floats, Floats]:
        """Null intercepts (H,), mean losses (H,) and gradients (H, q) there, exact: all are linear in the target."""
        H = len(self.y_mean)
        with np.errstate(divide="ignore"):
            found = np.clip(np.nan_to_num(family.link(self.y_mean), neginf=-30.0, posinf=30.0), -1e300, 1e300)
        eta = found if fit_intercept else np.zeros(H)
        slope, loss = family.slopes(eta, self.y_mean)[0], family.loss(eta, self.y_mean)
        per_y = family.slopes(eta, np.zeros(H))[0] - family.slopes(eta, np.ones(H))[0]
        gradient = -per_y[:, None] * self.with_y
        if not fit_intercept:
            gradient = gradient + slope[:, None] * self.sets.mean / self.unit[: self.n_columns]
        return eta, np.asarray(loss), gradient
