"""Search: the paths of one candidate as one flat grid of (l1_ratio, alpha) points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foldwise.moments import DesignMap
from foldwise.paths import Paths

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Search:
    """Errors and coefficients at G grid points, path after path, alphas descending within each.

    Attributes
    ----------
    alphas, l1_ratios : (G,) arrays
        The points; alphas in the target's unit.
    path : (G,) array of int
        The path that each point lies on.
    outer_error : (R*K, G) array
        Mean squared error, on fold i, of the fit that holds out fold i.
    inner_error : (R*K, K, G) array, or None where there is nothing to choose
        [i, k]: mean squared error on fold k of i's repeat of the fit that holds out folds i and k; NaN where k is i.
    fold_weight : (R*K,) array
        Sum of the row weights of each fold.
    coef : (1 + R*K, G, p) array
        Of the final model, then of each fit that holds out one fold; original units.
    intercept : (1 + R*K, G) array
    mean, scale : (1 + R*K, p) arrays
        Means and standard deviations of the columns on each fit's training rows.
    maps : tuple of 1 + R*K DesignMap
        How each fit's training set fills and pools.
    gap : float
        The largest relative duality gap of all the fits, nested ones included.
    """

    alphas: Floats
    l1_ratios: Floats
    path: NDArray[np.intp]
    outer_error: Floats
    inner_error: Floats | None
    fold_weight: Floats
    coef: Floats
    intercept: Floats
    mean: Floats
    scale: Floats
    maps: tuple[DesignMap, ...]
    gap: float

    @classmethod
    def of(cls, paths: Sequence[Paths], target_scale: float) -> Self:
        """Lay the paths side by side, and bring them from a target divided by `target_scale` to its own unit.

        Coefficients of nested fits, which nothing later needs, are let go.
        """
        first = paths[0]
        sets = [first.index(), *(first.index({i}) for i in range(first.cv_error.shape[0]))]
        lengths = [path.alphas.shape[0] for path in paths]
        inner = [path.inner_error for path in paths if path.inner_error is not None]
        squared = target_scale**2
        return cls(
            alphas=np.concatenate([path.alphas for path in paths]) * target_scale,
            l1_ratios=np.repeat([path.l1_ratio for path in paths], lengths),
            path=np.repeat(np.arange(len(paths)), lengths),
            outer_error=np.concatenate([path.cv_error for path in paths], axis=-1) * squared,
            inner_error=np.concatenate(inner, axis=-1) * squared if inner else None,
            fold_weight=first.fold_weight,
            coef=np.concatenate([path.coef[sets] for path in paths], axis=1) * target_scale,
            intercept=np.concatenate([path.intercept[sets] for path in paths], axis=1) * target_scale,
            mean=first.mean[sets],
            scale=first.scale[sets],
            maps=tuple(first.maps[h] for h in sets),
            gap=float(max(path.gap.max() for path in paths)),
        )
