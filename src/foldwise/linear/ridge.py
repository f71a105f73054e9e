"""Ridge regression as an estimator."""

from typing import Any, Self

import numpy as np
from sklearn.base import MultiOutputMixin

from foldwise.errors import InputError
from foldwise.linear import from_moments
from foldwise.linear.base import LinearModel, spread
from foldwise.linear.checks import Array, limits
from foldwise.linear.within_bounds import fit_within_bounds
from foldwise.moments import FoldMoments
from foldwise.parameters.checks import choice, flag, number, numbers, whole
from foldwise.paths.options import check_options
from foldwise.solvers.least_squares import least_squares

_SOLVERS = ("auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs")


class Ridge(MultiOutputMixin, LinearModel):  # type: ignore[misc]
    """Ridge regression: minimize sum_i w_i (y_i - b0 - x_i b)^2 + alpha sum_j f_j b_j^2, b0 not penalized.

    A drop-in for scikit-learn's class. Solved from the rows by QR (wide data: by SVD), never by normal equations, so
    that it is exact down to alpha = 0, which is least squares.

    Parameters
    ----------
    alpha : float >= 0, or (T,) one for each target, default 1.0
        Penalty strength, in squared units of x (with `standardize`: in rows).
    fit_intercept : bool, default True
        Whether b0 is free or zero.
    positive : bool, default False
        Whether all coefficients must be >= 0.
    standardize : bool, default False
        Whether the penalty is on coefficients per standard deviation: f_j is multiplied by the column's variance.
        Coefficients come back in original units.
    penalty_factor : number >= 0 or (p,), default None
        The factors f_j; 0 leaves a column unpenalized, infinity leaves it out. Ones where None.
    bounds : pair (lower, upper) of numbers or (p,) arrays, default None
        Limits of the coefficients, lower <= 0 <= upper, in units of y per unit of x.
    max_iter : int, default None
        With bounds: how often the set of coefficients at a bound may change.
    copy_X, tol, solver, random_state
        Accepted for compatibility, without effect: X is never changed, and the solution is as exact as double
        precision allows.

    Attributes
    ----------
    coef_ : (p,), or (T, p) for y of shape (n, T)
        Coefficients, in units of y per unit of x.
    intercept_ : float, or (T,)
        Intercept, in units of y.
    n_iter_ : int, or (T,)
        1: one factorization. With bounds, how often the set of coefficients at a bound changed.
    solver_ : str
        'qr', 'svd' or 'active-set'.
    scale_ : (p,)
        Standard deviations of the columns over the weighted rows.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import foldwise as fw
    >>> model = fw.Ridge(alpha=1.0).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    >>> model.coef_.round(12).tolist(), model.predict([[1.0]]).round(12).tolist()
    ([0.666666666667], [1.0])
    """

    n_iter_: Any

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
        standardize: bool = False,
        penalty_factor: Any = None,
        bounds: Any = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state
        self.standardize = standardize
        self.penalty_factor = penalty_factor
        self.bounds = bounds

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit to X (n, p) and y (n,) or (n, T), with row weights (n,) >= 0; or to FoldMoments, alone."""
        fit_intercept, positive = flag("fit_intercept", self.fit_intercept), flag("positive", self.positive)
        standardize = flag("standardize", self.standardize)
        choice("solver", self.solver, _SOLVERS)
        number("tol", self.tol)
        max_iter = None if self.max_iter is None else whole("max_iter", self.max_iter, 1)
        alphas = numbers("alpha", self.alpha)
        if isinstance(X, FoldMoments):
            return self._fit_moments(X, alphas, y=y, sample_weight=sample_weight)
        X, y, weights = self._read(X, y, sample_weight)
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        if len(alphas) not in {1, n_targets}:
            raise InputError(f"alpha must be one number or one for each of {n_targets} targets, got {len(alphas)}")
        self.scale_ = spread(X, weights)
        options = check_options(
            X.shape[1],
            fit_intercept=fit_intercept,
            standardize=standardize,
            penalty_factor=self.penalty_factor,
            bounds=None,
        )
        unit = options.penalty_factor
        unit = scaled_factors(unit, self.scale_) if standardize else unit
        penalties = times(alphas, unit)
        box = limits(self.bounds, X.shape[1], positive=positive)
        if box is not None:
            coef, intercept, self.n_iter_ = fit_within_bounds(
                X, y, box, weights=weights, fit_intercept=fit_intercept, ridge=penalties, max_iter=max_iter
            )
            self.solver_ = "active-set"
        else:
            coef, intercept = self._solve(X, y, weights, penalties, fit_intercept=fit_intercept)
            self.n_iter_ = 1
            self.solver_ = "qr" if len(X) > X.shape[1] else "svd"
        self.coef_ = coef[0] if y.ndim > 1 and n_targets == 1 else coef
        self.intercept_ = (intercept if y.ndim > 1 else np.float64(intercept)) if fit_intercept else 0.0
        return self

    def _fit_moments(self, moments: FoldMoments, alphas: Array, **given: Any) -> Self:
        from_moments.start(self, moments, **given)
        if len(alphas) != 1:
            raise InputError(f"alpha must be one number with FoldMoments, which have one target, got {len(alphas)}")
        settings = from_moments.quadratic_settings(self, moments.n_features, positive=self.positive)
        paths = from_moments.at_one_strength(self, moments, float(alphas[0]), loss="sum", **settings)
        self.n_iter_, self.solver_ = max(int(paths.n_iter[0, 0]), 1), "moments"
        return self

    def _solve(
        self, X: Array, y: Array, weights: Array | None, penalties: Array, *, fit_intercept: bool
    ) -> tuple[Array, Array]:
        """Solve all targets with one factorization, or one for each where each has its own alpha."""
        groups = [y] if len(penalties) == 1 else [y[:, [at]] for at in range(len(penalties))]
        fits = [
            least_squares(X, group, weights=weights, fit_intercept=fit_intercept, ridge=penalty)
            for group, penalty in zip(groups, penalties, strict=True)
        ]
        for fit in fits:
            self._warn_collinear(fit.rank, fit.collinear)
        if len(fits) == 1:
            return fits[0].coef, fits[0].intercept
        return np.concatenate([fit.coef for fit in fits]), np.concatenate([fit.intercept for fit in fits])


def scaled_factors(unit: Array, scale: Array) -> Array:
    """Penalty factors (p,) that make the penalty one on coefficients per standard deviation."""
    variance = scale**2
    return np.where(np.isinf(unit) | (variance == 0), unit, unit * variance)


def times(alphas: Array, unit: Array) -> Array:
    """Alphas (A,) times penalty factors (p,), as (A, p); alpha zero leaves an excluded column excluded."""
    finite = np.where(np.isinf(unit), 0.0, unit)
    return np.where(np.isinf(unit), np.inf, alphas[:, None] * finite)
