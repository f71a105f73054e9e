"""The relaxed lasso: every fit blended with the least squares refit on its own features, and cross-validated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import linalg

from foldwise.errors import InputError
from foldwise.inference import OneStandardError, one_standard_error
from foldwise.moments.threads import side_by_side
from foldwise.paths.held_out import mean_squared_error
from foldwise.paths.kept_columns import KeptColumns, Source, cholesky
from foldwise.solvers.quadratic import Penalty, solve_path
from foldwise.solvers.ridge import solve_ridge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from foldwise.paths.paths import Paths
    from foldwise.paths.problem import Problem

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

GAMMAS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False, repr=False)
class Relaxed:
    """Blends gamma * lasso + (1 - gamma) * refit for every held-out set, strength and gamma.

    Attributes
    ----------
    gammas : array (G,)
        Ascending, from 0 (least squares on the features kept) to 1 (the lasso).
    alphas : array (A,)
        Descending.
    held_out : tuple of frozenset of int, length H
        The final model and every fold.
    columns : array (q,)
        Features that some fit keeps.
    n_features : int
        p.
    lasso, refit : arrays (H, A, q)
        Coefficients of those features in original units.
    lasso_intercept, refit_intercept : arrays (H, A)
    cv_error : array (R K, G, A)
        Mean squared error on each fold of the blends that hold it out, in units of y squared; no rows without folds.
    fold_weight : array (R K,)
    n_repeats : int
    """

    gammas: Floats
    alphas: Floats
    held_out: tuple[frozenset[int], ...]
    columns: Ints
    n_features: int
    lasso: Floats
    refit: Floats
    lasso_intercept: Floats
    refit_intercept: Floats
    cv_error: Floats
    fold_weight: Floats
    n_repeats: int

    def one_standard_error(self) -> OneStandardError:
        """Both choices, with positions in the blends ordered gamma by gamma: `index = g * A + a`."""
        if not len(self.cv_error):
            message = "relaxed paths without folds have no cross-validated error; pass folds= to fit_paths"
            raise InputError(message)
        g, a = np.indices(self.cv_error.shape[1:])
        simplicity = (len(self.alphas) - 1 - a) * len(self.gammas) + g
        return one_standard_error(
            self.cv_error.reshape(len(self.cv_error), -1),
            simplicity.ravel(),
            weights=self.fold_weight,
            repeats=self.n_repeats,
        )

    def choose(self, rule: Literal["min", "1se"] = "min") -> tuple[int, int]:
        """Positions (in gammas, in alphas) of the smallest cross-validated error, or of the 1-SE rule's choice.

        The rule takes the strongest alpha that has a blend within one standard error of the smallest error, and there
        the largest gamma, as glmnet does.
        """
        if rule not in ("min", "1se"):
            message = f"rule must be 'min' or '1se', got {rule!r}"
            raise InputError(message)
        both = self.one_standard_error()
        g, a = divmod(both.index_min if rule == "min" else both.index_1se, len(self.alphas))
        return g, a

    def coef(self, gamma: int, alpha: int, held_out: Iterable[int] = ()) -> Floats:
        """Coefficients (p,) at a position in gammas and one in alphas, in original units; the final model's."""
        h, share = self._index(held_out), self.gammas[gamma]
        dense = np.zeros(self.n_features)
        dense[self.columns] = share * self.lasso[h, alpha] + (1.0 - share) * self.refit[h, alpha]
        return dense

    def intercept(self, gamma: int, alpha: int, held_out: Iterable[int] = ()) -> float:
        """Return the intercept that goes with `coef`."""
        h, share = self._index(held_out), self.gammas[gamma]
        return float(share * self.lasso_intercept[h, alpha] + (1.0 - share) * self.refit_intercept[h, alpha])

    def _index(self, held_out: Iterable[int]) -> int:
        wanted = frozenset(held_out)
        try:
            return self.held_out.index(wanted)
        except ValueError as error:
            message = f"held_out must be one of the {len(self.held_out)} held-out sets, got {sorted(wanted)}"
            raise InputError(message) from error

    def __repr__(self) -> str:
        """Sizes, and the choice."""
        sizes = f"Relaxed({len(self.gammas)} gammas, {len(self.alphas)} alphas"
        if not len(self.cv_error):
            return f"{sizes})"
        g, a = self.choose()
        kept = np.count_nonzero(self.lasso[0, a])
        return f"{sizes}; smallest error at gamma = {self.gammas[g]:g}, alpha = {self.alphas[a]:.4g}, {kept} features)"


def relaxed(paths: Paths, source: Source, *, gammas: ArrayLike = GAMMAS, **settings: Any) -> Relaxed:
    """Relax a path: refit by least squares on the features of every fit, and blend.

    The lasso shrinks what it keeps; with a strong signal among many features, the strength that drops the noise shrinks
    the signal too much, and cross-validation then settles for a weaker one that keeps noise. A blend can do both. Each
    fold's refit sees the rows that the fold's fit saw, and no others.

    Parameters
    ----------
    paths : Paths
        Of a lasso or elastic net.
    source : FoldMoments or WideTable
        The table that fit_paths was given, as `FoldMoments.scan` or `foldwise.paths.prepare` returned it.
    gammas : array (G,) in [0, 1]
        Shares of the lasso in the blend.
    **settings
        fit_intercept, standardize, penalty_factor, bounds, loss: as they were given to fit_paths. The path's duality
        gap is computed again with them, so a forgotten one does not go unnoticed. Refits keep to the bounds too.

    Returns
    -------
    Relaxed

    Raises
    ------
    InputError
        Where table or settings are not those of the paths, or a gamma is out of range.

    Notes
    -----
    A refit with as many features as rows fits them perfectly; of collinear features the shortest answer is taken.

    References
    ----------
    Meinshausen (2007), Relaxed lasso, Computational Statistics & Data Analysis 52; Hastie, Tibshirani & Tibshirani
    (2020), Best subset, forward stepwise or lasso?, Statistical Science 35, for the blend.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> from foldwise.paths.relaxed import relaxed
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 40))
    >>> y = 3.0 * X[:, 0] - 3.0 * X[:, 1] + rng.normal(size=100)
    >>> moments = fw.FoldMoments.scan(X, y, fw.Folds.kfold(100))
    >>> paths = fw.fit_paths(moments)
    >>> blends = relaxed(paths, moments)
    >>> g, a = blends.choose()
    >>> np.flatnonzero(blends.coef(g, a)).tolist(), int(np.count_nonzero(paths.coef[0, paths.choose()]))
    ([0, 1], 9)
    """
    share = _check_gammas(gammas)
    kept = KeptColumns.of(paths, source, **settings)
    at = [h for h, members in enumerate(paths.held_out) if len(members) <= 1]
    fits = side_by_side(lambda h: _relax_one(kept, h, share), at)
    cv_error = np.zeros((len(paths.cv_error), len(share), len(paths.alphas)))
    for fit in fits:
        for block, errors in fit.errors.items():
            cv_error[block] = errors
    return Relaxed(
        gammas=share,
        alphas=paths.alphas,
        held_out=tuple(paths.held_out[h] for h in at),
        columns=kept.columns,
        n_features=paths.n_features,
        lasso=np.stack([fit.lasso for fit in fits]),
        refit=np.stack([fit.refit for fit in fits]),
        lasso_intercept=np.stack([fit.lasso_intercept for fit in fits]),
        refit_intercept=np.stack([fit.refit_intercept for fit in fits]),
        cv_error=cv_error,
        fold_weight=paths.fold_weight,
        n_repeats=paths.n_repeats,
    )


@dataclass(frozen=True, eq=False)
class _Fit:
    """One held-out set's answer, before the axes are stacked."""

    lasso: Floats
    refit: Floats
    lasso_intercept: Floats
    refit_intercept: Floats
    errors: dict[int, Floats]


def _relax_one(kept: KeptColumns, h: int, share: Floats) -> _Fit:
    """Refit one held-out set's path, and take the errors of the blends on the fold it holds out."""
    members = kept.paths.held_out[h]
    training = kept.training(members)
    problem, _ = kept.problem(members)
    lasso = kept.coef(h)
    refit = problem.original_units(_refits(problem, lasso != 0.0, bounded=kept.options.is_bounded))
    centre, y_centre = (training.mean, training.y_mean)
    if not kept.options.fit_intercept:
        centre, y_centre = np.zeros_like(centre), 0.0
    blend = share[:, None, None] * lasso + (1.0 - share)[:, None, None] * refit
    flat = blend.reshape(-1, blend.shape[2])
    return _Fit(
        lasso=lasso,
        refit=refit,
        lasso_intercept=y_centre - lasso @ centre,
        refit_intercept=y_centre - refit @ centre,
        errors={
            block: mean_squared_error(flat, kept.test(block, training.map), centre, y_centre).reshape(blend.shape[:2])
            for block in members
        },
    )


def _check_gammas(gammas: ArrayLike) -> Floats:
    """Ascending, each once."""
    array = np.asarray(gammas)
    if array.dtype.kind not in "iuf" or not array.size or not np.all((array >= 0.0) & (array <= 1.0)):
        message = f"gammas must be numbers from 0 to 1, got {gammas!r}"
        raise InputError(message)
    return np.unique(array.astype(np.float64))


def _refits(problem: Problem, support: NDArray[np.bool_], *, bounded: bool) -> Floats:
    """Least squares (A, q) on each support of a path, on the problem's scale."""
    coef = np.zeros(support.shape)
    for a, on in enumerate(support):
        if a and np.array_equal(on, support[a - 1]):
            coef[a] = coef[a - 1]
        elif on.any():
            at = np.flatnonzero(on)
            coef[a, at] = (_bounded if bounded else _free)(problem, at)
    return coef


def _free(problem: Problem, at: Ints) -> Floats:
    Q, c = problem.Q[np.ix_(at, at)], problem.c[at]
    factor = cholesky(Q)
    if factor is not None:
        solution: Floats = linalg.lapack.dpotrs(factor, c, lower=1)[0]
        return solution
    shortest: Floats = solve_ridge(Q, c, np.zeros(1), np.ones(len(at)))[0][0]
    return shortest


def _bounded(problem: Problem, at: Ints) -> Floats:
    none = np.zeros(1)
    penalty = Penalty(np.zeros(len(at)), np.zeros(len(at)), problem.penalty.lower[at], problem.penalty.upper[at])
    Q = np.ascontiguousarray(problem.Q[np.ix_(at, at)])
    solution: Floats = solve_path(Q, problem.c[at], problem.yy, l1=none, l2=none, penalty=penalty).coef[0]
    return solution
