"""Search: the paths of one candidate as one flat grid of (l1_ratio, alpha) points."""

from collections.abc import Iterable
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
    def of(cls, paths: Iterable[Paths], target_scale: float) -> Self:
        """Lay the paths side by side, and bring them from a target divided by `target_scale` to its own unit.

        Each path is cut down before the next is asked for: coefficients of nested fits are not needed any more.
        """
        parts = [cls._of_one(number, path.uninterrupted(), target_scale) for number, path in enumerate(paths)]
        first = parts[0]
        inner = [part.inner_error for part in parts if part.inner_error is not None]
        return cls(
            alphas=np.concatenate([part.alphas for part in parts]),
            l1_ratios=np.concatenate([part.l1_ratios for part in parts]),
            path=np.concatenate([part.path for part in parts]),
            outer_error=np.concatenate([part.outer_error for part in parts], axis=-1),
            inner_error=np.concatenate(inner, axis=-1) if inner else None,
            fold_weight=first.fold_weight,
            coef=np.concatenate([part.coef for part in parts], axis=1),
            intercept=np.concatenate([part.intercept for part in parts], axis=1),
            mean=first.mean,
            scale=first.scale,
            maps=first.maps,
            gap=max(part.gap for part in parts),
        )

    @classmethod
    def of_errors(
        cls, *, alphas: Floats, l1_ratios: Floats, path: NDArray[np.intp], outer_error: Floats, fold_weight: Floats
    ) -> Self:
        """The points and the errors of several repeats alone: what the final model is chosen by."""
        none = np.zeros((0, 0))
        return cls(alphas, l1_ratios, path, outer_error, None, fold_weight, none, none, none, none, (), 0.0)

    @classmethod
    def _of_one(cls, number: int, path: Paths, target_scale: float) -> Self:
        sets = [path.index(), *(path.index({i}) for i in range(path.cv_error.shape[0]))]
        return cls(
            alphas=path.alphas * target_scale,
            l1_ratios=np.full(path.alphas.shape, path.l1_ratio),
            path=np.full(path.alphas.shape, number),
            outer_error=path.cv_error * target_scale**2,
            inner_error=None if path.inner_error is None else path.inner_error * target_scale**2,
            fold_weight=path.fold_weight,
            coef=path.coef[sets] * target_scale,
            intercept=path.intercept[sets] * target_scale,
            mean=path.mean[sets],
            scale=path.scale[sets],
            maps=tuple(path.maps[h] for h in sets),
            gap=float(path.gap.max()),
        )
