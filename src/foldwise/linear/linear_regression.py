"""Least squares as an estimator."""

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import MultiOutputMixin

from foldwise.errors import DataWarning
from foldwise.linear import from_moments
from foldwise.linear.base import LinearModel, spread
from foldwise.linear.checks import limits
from foldwise.linear.within_bounds import fit_within_bounds
from foldwise.moments import FoldMoments
from foldwise.parameters.checks import flag, number
from foldwise.solvers.least_squares import least_squares


class LinearRegression(MultiOutputMixin, LinearModel):  # type: ignore[misc]
    """Ordinary least squares: minimize sum_i w_i (y_i - b0 - x_i b)^2.

    A drop-in for scikit-learn's class. Solved from the rows by QR with iterative refinement. Where the columns are
    collinear, the answer with the smallest |b| is given, with a DataWarning that names the columns; columns count as
    collinear only when rounding can't tell, whatever their sizes and units.

    Parameters
    ----------
    fit_intercept : bool, default True
        Whether b0 is free or zero.
    positive : bool, default False
        Whether all coefficients must be >= 0.
    bounds : pair (lower, upper) of numbers or (p,) arrays, default None
        Limits of the coefficients, lower <= 0 <= upper, in units of y per unit of x.
    copy_X, tol, n_jobs
        Accepted for compatibility, without effect: X is never changed, and the solution is as exact as double
        precision allows.

    Attributes
    ----------
    coef_ : (p,), or (T, p) for y of shape (n, T)
        Coefficients, in units of y per unit of x.
    intercept_ : float, or (T,)
        Intercept, in units of y.
    rank_ : int
        Rank of the columns; singular_ : (min(n, p),) singular values of the centred, weighted columns. Neither with
        bounds.
    scale_ : (p,)
        Standard deviations of the columns over the weighted rows.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import foldwise as fw
    >>> model = fw.LinearRegression().fit([[1.0], [2.0], [4.0]], [4.0, 7.0, 13.0])
    >>> model.coef_.round(12).tolist(), round(float(model.intercept_), 12)
    ([3.0], 1.0)
    """

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
        bounds: Any = None,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive
        self.bounds = bounds

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit to X (n, p) and y (n,) or (n, T), with row weights (n,) >= 0; or to FoldMoments, alone."""
        fit_intercept = flag("fit_intercept", self.fit_intercept)
        positive = flag("positive", self.positive)
        number("tol", self.tol)
        if isinstance(X, FoldMoments):
            return self._fit_moments(X, y=y, sample_weight=sample_weight)
        X, y, weights = self._read(X, y, sample_weight)
        box = limits(self.bounds, X.shape[1], positive=positive)
        self.scale_ = spread(X, weights)
        for name in ("rank_", "singular_"):
            self.__dict__.pop(name, None)  # of an earlier fit without bounds
        if box is not None:
            self.coef_, intercept, _ = fit_within_bounds(X, y, box, weights=weights, fit_intercept=fit_intercept)
        else:
            solution = least_squares(X, y, weights=weights, fit_intercept=fit_intercept)
            self.coef_, intercept = solution.coef, solution.intercept
            self.rank_, self.singular_ = solution.rank, solution.singular
            self._warn_collinear(solution.rank, solution.collinear)
        self.intercept_ = (intercept if y.ndim > 1 else np.float64(intercept)) if fit_intercept else 0.0
        return self

    def _fit_moments(self, moments: FoldMoments, **given: Any) -> Self:
        from_moments.start(self, moments, **given)
        settings = from_moments.quadratic_settings(self, moments.n_features, positive=self.positive)
        from_moments.at_one_strength(self, moments, 0.0, **settings)
        self.singular_, self.rank_ = from_moments.rank_of(self, moments)
        if self.rank_ < moments.n_features and settings["bounds"] is None:
            free = moments.n_features - self.rank_
            message = f"The rows don't determine the coefficients: {free} exact linear relations among the columns."
            warnings.warn(message, DataWarning, stacklevel=3)
        return self
