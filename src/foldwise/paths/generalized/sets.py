"""Training statistics of every held-out set: who is kept, means, spreads, and what the penalty weighs columns by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.moments import DesignMap
    from foldwise.paths.generalized.rows import Rows
    from foldwise.paths.problem import Options

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

HeldOut = frozenset[int]


@dataclass(frozen=True, eq=False)
class Sets:
    """H held-out sets of one partition into K folds, on the rows' own scale.

    Parameters
    ----------
    held_out : sequence of frozenset, length H
        Folds 0..K-1.
    keep : array (K, H) of bool
        Whether a set trains on a fold.
    weight : array (H,)
        Sum of the training rows' weights.
    mean, scale : arrays (H, q)
        Training means and standard deviations in original units; the scale is exactly 0 for a constant column.
    l1_weight, l2_weight, lower, upper : arrays (H, q)
        The penalty and the box of coefficients on the rows' scale.
    """

    held_out: Sequence[HeldOut]
    keep: NDArray[np.bool_]
    weight: Floats
    mean: Floats
    scale: Floats
    l1_weight: Floats
    l2_weight: Floats
    lower: Floats
    upper: Floats

    @classmethod
    def of(cls, rows: Rows, held_out: Sequence[HeldOut], options: Options) -> Sets:
        """From the folds' means and sums of squares, merged about each set's mean."""
        keep = np.array([[fold not in members for members in held_out] for fold in range(rows.folds)])
        share = keep * rows.fold_weight[:, None]
        total = share.sum(axis=0)
        base = rows.fold_mean[[int(np.argmax(kept)) for kept in keep.T]]
        mean, variance, within = np.empty((3, len(held_out), rows.q))
        for h in range(len(held_out)):
            kept = keep[:, h]
            w = rows.fold_weight[kept]
            away = rows.fold_mean[kept] - base[h]
            centre = w @ away / total[h]
            within[h] = rows.fold_square[kept].sum(axis=0)
            variance[h] = (within[h] + w @ (away - centre) ** 2) / total[h]
            mean[h] = base[h] + centre
        rounding = 64.0 * np.finfo(float).eps
        scale = np.where(variance <= (rounding * mean) ** 2, 0.0, np.sqrt(variance))
        return cls.weighed(rows.unit, held_out, keep, total, mean, scale, options)

    @classmethod
    def filled(
        cls, rows: Rows, held_out: Sequence[HeldOut], options: Options, X: Any, maps: Sequence[DesignMap]
    ) -> Sets:
        """Of sets whose columns are their own maps of raw rows X (n, p), in the rows' order."""
        keep = np.array([[fold not in members for members in held_out] for fold in range(rows.folds)])
        means, scales = [], []
        for h, each in enumerate(maps):
            kept = np.flatnonzero(keep[rows.label, h])
            design, w = each.rows(X[kept]), rows.weight[kept] / rows.weight[kept].sum()
            mean = w @ design
            variance = w @ (design - mean) ** 2
            means.append(mean)
            scales.append(np.where(variance <= (64.0 * np.finfo(float).eps * mean) ** 2, 0.0, np.sqrt(variance)))
        total = (keep * rows.fold_weight[:, None]).sum(axis=0)
        unit = rows.unit[: len(means[0])]
        return cls.weighed(unit, held_out, keep, total, np.stack(means), np.stack(scales), options)

    def select(self, columns: Ints, measured: Ints | None = None) -> Sets:
        """The same sets with some coefficients alone, of the columns `measured` where they are numbered otherwise."""
        measured = columns if measured is None else measured
        return Sets(
            held_out=self.held_out,
            keep=self.keep,
            weight=self.weight,
            mean=self.mean[:, measured],
            scale=self.scale[:, measured],
            l1_weight=np.ascontiguousarray(self.l1_weight[:, columns]),
            l2_weight=np.ascontiguousarray(self.l2_weight[:, columns]),
            lower=np.ascontiguousarray(self.lower[:, columns]),
            upper=np.ascontiguousarray(self.upper[:, columns]),
        )

    def of_first(self, number: int) -> Sets:
        """The first sets alone."""
        each = ("weight", "mean", "scale", "l1_weight", "l2_weight", "lower", "upper")
        some: dict[str, Any] = {name: getattr(self, name)[:number] for name in each}
        return replace(self, held_out=self.held_out[:number], keep=self.keep[:, :number], **some)

    def weighing(self, weight: Floats) -> Sets:
        """The same sets with other training weights (H,), those of a sample."""
        return replace(self, weight=weight)

    def repeated(self, times: int) -> Sets:
        """The same sets with every column's coefficient once for each output, output after output."""

        def tiled(array: Floats) -> Floats:
            return np.ascontiguousarray(np.tile(array, (1, times)))

        return replace(
            self,
            l1_weight=tiled(self.l1_weight),
            l2_weight=tiled(self.l2_weight),
            lower=tiled(self.lower),
            upper=tiled(self.upper),
        )

    @classmethod
    def weighed(
        cls,
        unit: Floats,
        held_out: Sequence[HeldOut],
        keep: NDArray[np.bool_],
        total: Floats,
        mean: Floats,
        scale: Floats,
        options: Options,
    ) -> Sets:
        """From training weights (H,), means and scales (H, q), for coefficients per `unit` (q,)."""
        size = scale if options.fit_intercept else np.sqrt(scale**2 + mean**2)
        live = (size > 0.0) & np.isfinite(options.penalty_factor)
        # A column without spread of its own, where it still counts (no intercept), is penalized as it is.
        spread = np.where(scale > 0.0, scale, size) if options.standardize else np.ones_like(scale)
        spread = np.where(live, spread, unit) / unit
        factor = np.where(np.isfinite(options.penalty_factor), options.penalty_factor, 1.0)
        return cls(
            held_out=held_out,
            keep=keep,
            weight=total,
            mean=mean,
            scale=scale,
            l1_weight=np.ascontiguousarray(factor * spread),
            l2_weight=np.ascontiguousarray(factor * spread**2),
            lower=np.ascontiguousarray(np.where(live, options.lower * unit, 0.0)),
            upper=np.ascontiguousarray(np.where(live, options.upper * unit, 0.0)),
        )
