"""Paths: the answer of fit_paths, every held-out set's coefficients at every strength, with certificates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from scipy import sparse

from foldwise.errors import InputError
from foldwise.families import Gaussian
from foldwise.inference import OneStandardError, one_standard_error
from foldwise.paths.criteria import information
from foldwise.paths.pictures import plot_cv, plot_paths
from foldwise.paths.relaxed import GAMMAS, relaxed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from foldwise.families import Family
    from foldwise.inference.information import Criterion
    from foldwise.moments import DesignMap
    from foldwise.paths.control import Ended
    from foldwise.paths.criteria import Information
    from foldwise.paths.kept_columns import Source
    from foldwise.paths.relaxed import Relaxed

    Floats = NDArray[np.float64]

HeldOut = frozenset[int]


@dataclass(frozen=True, eq=False, repr=False)
class Paths:
    """Solutions for H held-out sets and A strengths, from one pass over the data.

    Parameters
    ----------
    alphas : array (A,)
        Strengths, descending; in units of y per unit of x (per standard deviation of x where standardized).
    l1_ratio : float
    held_out : tuple of frozenset of int, length H
        `{}` is the final model, `{i}` fold i of K R, `{i, j}` a nested pair.
    kept : array (H, A, q)
        Coefficients in original units of the columns that ever have a say; `coef` (H, A, p) has all of them.
    intercept : array (H, A)
    gap : array (H, A)
        Relative duality gap: primal minus dual objective over the null objective sum w (y - mean)^2 / (2 sum w). It
        bounds how far the objective is from its minimum; for other families the null objective is that of the best
        intercept, less the saturated one. For a penalty that is not convex, the stationarity residual (`certificate`
        says which): the largest distance of a coefficient's gradient to the penalty's slopes, on the scale where both
        have unit variance. For a family without a duality gap, that distance over the null fit's steepest gradient.
    n_iter : array (H, A)
        Equality steps of the solver; 0 where there is a closed form.
    status : array (H, A)
        `foldwise.solvers.Status` values.
    null_objective : array (H,)
        What the gap is relative to, in units of y squared.
    mean, scale : arrays (H, p)
        Training means and standard deviations (1/W convention) of the design's columns.
    maps : tuple of DesignMap, length H
        How each training set fills and pools.
    n_folds, n_repeats : int
        K and R; K is 1 without folds.
    cv_error : array (R K, A)
        Mean deviance on fold i of the fit that holds out `{i}`, for the gaussian family the mean squared error; no rows
        without folds. `foldwise.paths.scores` computes others.
    fold_weight : array (R K,)
        Sum of the row weights of each fold.
    columns : array (q,) or None
        Which columns those are; None for all p.
    inner_error : array (R K, K, A) or None
        With `nested`: [i, k] is the mean deviance on the k-th fold of i's repeat of the fit that holds out both;
        NaN where that fold is i itself.
    penalty : str
        Its name in `fit_paths`.
    convexity : array (H, A) or None
        For a penalty that is not convex: the least curvature that the objective can have in the coefficients of the
        support, inf where nothing is in. Above zero no other solution has this support or less; below, one may.
    ended : str
        What ended the path: "whole", at the last strength asked for; "turned" or "explained", where that was asked for;
        "time limit" or "interrupted", cut short.
    family : Family
        What the errors are deviances of, and whose link leads from the linear predictor to predictions.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, 1.0], [5.0, 0.0]])
    >>> paths = fw.fit_paths(X, X[:, 0] + 1.0, alphas=20, folds=fw.Folds.kfold(6, n_folds=3))
    >>> paths
    Paths(4 held-out sets, 20 alphas, 2 features, l1_ratio=1.0, worst relative gap < 1e-12)
    >>> paths.coef.shape, paths.cv_error.shape
    ((4, 20, 2), (3, 20))
    """

    alphas: Floats
    l1_ratio: float
    held_out: tuple[HeldOut, ...]
    kept: Floats
    intercept: Floats
    gap: Floats
    n_iter: NDArray[np.intp]
    status: NDArray[np.int8]
    null_objective: Floats
    mean: Floats
    scale: Floats
    maps: tuple[DesignMap, ...]
    n_folds: int
    n_repeats: int
    cv_error: Floats
    fold_weight: Floats
    inner_error: Floats | None = None
    columns: NDArray[np.intp] | None = None
    penalty: str = "elastic net"
    convexity: Floats | None = None
    ended: Ended = "whole"
    family: Family = field(default_factory=Gaussian)

    @property
    def n_features(self) -> int:
        """Number of columns p of the fitted design."""
        return int(self.mean.shape[1])

    @property
    def certificate(self) -> str:
        """What `gap` holds: a local solution has no duality gap, and some families have none."""
        if self.convexity is not None:
            return "stationarity residual"
        return "relative duality gap" if self.family.has_gap else "optimality residual"

    @property
    def coef(self) -> Floats:
        """Coefficients (H, A, p) in original units, 0.0 where a feature is dropped; made anew for wide tables."""
        if self.columns is None:
            return self.kept
        dense = np.zeros((*self.kept.shape[:2], self.n_features))
        dense[:, :, self.columns] = self.kept
        return dense

    def uninterrupted(self) -> Self:
        """The same, for what needs the whole path: a Ctrl-C that cut it short goes on to the caller."""
        if self.ended == "interrupted":
            raise KeyboardInterrupt
        return self

    def index(self, held_out: Iterable[int] = ()) -> int:
        """Position of a held-out set on the first axis; the final model's without an argument."""
        wanted = frozenset(held_out)
        try:
            return self.held_out.index(wanted)
        except ValueError as error:
            message = f"held_out must be one of the {len(self.held_out)} held-out sets, got {sorted(wanted)}"
            raise InputError(message) from error

    def model(self, held_out: Iterable[int] = (), *, at: int) -> tuple[Floats, float]:
        """Coefficients (p,) in original units and intercept of one held-out set's fit, `at` a position in alphas."""
        h = self.index(held_out)
        coef = np.zeros(self.n_features)
        coef[slice(None) if self.columns is None else self.columns] = self.kept[h, at]
        return coef, float(self.intercept[h, at])

    @property
    def coef_per_sd(self) -> Floats:
        """Coefficients (H, A, p) per training standard deviation of their column, in units of y."""
        return self.coef * self.scale[:, None, :]

    @property
    def dual_gap(self) -> Floats:
        """Duality gap (H, A) in the objective's own units, y squared; a local solution has none."""
        if self.convexity is not None:
            message = f"penalty must be convex for a duality gap, got {self.penalty!r}"
            raise InputError(message)
        if not self.family.has_gap:
            message = f"family must be one with a duality gap, got {self.family.name!r}"
            raise InputError(message)
        return self.gap * self.null_objective[:, None]

    def choose(self, rule: Literal["min", "1se"] = "min") -> int:
        """Position in `alphas` of the cross-validated choice: the smallest error, or the 1-SE rule's."""
        if rule not in ("min", "1se"):
            message = f"rule must be 'min' or '1se', got {rule!r}"
            raise InputError(message)
        both = self.one_standard_error()
        return both.index_min if rule == "min" else both.index_1se

    def one_standard_error(self) -> OneStandardError:
        """Both choices with the error and its standard error; `alphas[index_1se] >= alphas[index_min]` always."""
        if not len(self.cv_error):
            message = "paths without folds have no cross-validated error; pass folds= to fit_paths"
            raise InputError(message)
        return one_standard_error(self.cv_error, self.alphas, weights=self.fold_weight, repeats=self.n_repeats)

    def predict(self, X: ArrayLike, held_out: Iterable[int] = (), *, offset: ArrayLike | None = None) -> Floats:
        """Predicted means (n, A) of one held-out set's fit for raw rows X (n, p), in units of y.

        For two classes these are the second one's probabilities.
        """
        eta = self.linear_predictor(X, held_out, offset=offset)
        return eta if self.family.link_name == "identity" else self.family.mean(eta)

    def linear_predictor(
        self, X: ArrayLike, held_out: Iterable[int] = (), *, offset: ArrayLike | None = None
    ) -> Floats:
        """Linear predictors (n, A) of one held-out set's fit for raw rows X (n, p), with `offset` (n,) added."""
        eta = self._linear(X, held_out)
        return eta if offset is None else eta + np.asarray(offset, dtype=np.float64)[:, None]

    def _linear(self, X: ArrayLike, held_out: Iterable[int]) -> Floats:
        h = self.index(held_out)
        table: Any = X
        design = self.maps[h].rows(table.tocsc() if sparse.issparse(table) else np.asarray(table))
        if design.shape[1] != self.n_features:
            message = f"X must have the {self.n_features} columns of the fit, got {design.shape[1]}"
            raise InputError(message)
        design, mean = (
            (design, self.mean[h]) if self.columns is None else (design[:, self.columns], self.mean[h, self.columns])
        )
        # About the training means, as the fit was, so that columns far from zero lose no digits.
        at_mean = self.intercept[h] + self.kept[h] @ mean
        if sparse.issparse(design):
            at_zero: Floats = np.asarray(design @ self.kept[h].T) + self.intercept[h]
            return at_zero
        predicted: Floats = (design - mean) @ self.kept[h].T + at_mean
        return predicted

    def information(self, source: Source, criterion: Criterion = "bic", **settings: Any) -> Information:
        """Score the final model's path by AIC, AICc, BIC or EBIC; see `foldwise.paths.criteria.information`."""
        return information(self, source, criterion, **settings)

    def relaxed(self, source: Source, *, gammas: ArrayLike = GAMMAS, **settings: Any) -> Relaxed:
        """Blend every fit with least squares on the features it keeps; see `foldwise.paths.relaxed.relaxed`."""
        return relaxed(self, source, gammas=gammas, **settings)

    def plot(self, names: Sequence[str] | None = None, ax: Any = None, *, per_sd: bool = True) -> Any:
        """Draw the final model's coefficients against alpha, with the number of features above; needs matplotlib.

        The strongest twelve at the weakest alpha are coloured and named at their right end, the others grey. With folds
        the two choices of alpha are marked.

        Parameters
        ----------
        names : sequence of p strings, optional
        ax : matplotlib Axes, optional
            A new figure where omitted.
        per_sd : bool
            Coefficients per standard deviation of their feature, in units of y; else in original units.

        Returns
        -------
        matplotlib Axes
        """
        return plot_paths(self, names, ax, per_sd=per_sd)

    def plot_cv(self, ax: Any = None) -> Any:
        """Draw the cross-validated error against alpha, with its standard error, both choices and the features kept.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            A new figure where omitted.

        Returns
        -------
        matplotlib Axes
        """
        return plot_cv(self, ax)

    def __repr__(self) -> str:
        """Sizes, and the certificate."""
        worst = float(self.gap.max(initial=0.0))
        bound = max(10.0 ** np.ceil(np.log10(max(worst, 1e-300))), 1e-12)
        plain = "" if self.penalty == "elastic net" else f"penalty={self.penalty!r}, "
        worst_of = "relative gap" if self.certificate == "relative duality gap" else self.certificate
        family = "" if self.family.name == "gaussian" else f"family={self.family.name!r}, "
        return (
            f"Paths({len(self.held_out)} held-out sets, {len(self.alphas)} alphas, {self.n_features} features, "
            f"{family}{plain}l1_ratio={self.l1_ratio}, worst {worst_of} < {bound:.0e})"
        )
