"""Elastic net and lasso at one strength as estimators."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import MultiOutputMixin

from foldwise.linear import from_moments
from foldwise.linear.base import LinearModel
from foldwise.linear.checks import Array, limits
from foldwise.moments import FoldMoments
from foldwise.parameters.checks import choice, flag, number, whole
from foldwise.paths import Paths, fit_paths
from foldwise.solvers.quadratic import MAX_ITER

TOL = 1e-9  # the relative duality gap that is always asked for
_LEAST_TOL = 1e-12  # what double precision can certify


class ElasticNet(MultiOutputMixin, LinearModel):  # type: ignore[misc]
    """Elastic net: minimize 1/(2W) sum_i w_i (y_i - b0 - x_i b)^2 + alpha sum_j f_j (r |b_j| + (1 - r)/2 b_j^2).

    W is the sum of the weights, r the l1_ratio; b0 is not penalized. A drop-in for scikit-learn's class that ends with
    a certificate: the relative duality gap `gap_`, at most 1e-9 or a ConvergenceWarning says so.

    Parameters
    ----------
    alpha : float >= 0, default 1.0
        Penalty strength, in units of y per unit of x (with `standardize`: units of y) for the lasso part.
    l1_ratio : float in [0, 1], default 0.5
        1 is the lasso, 0 ridge.
    fit_intercept : bool, default True
        Whether b0 is free or zero.
    max_iter : int or None, default 1000
        Bounds the solver: at most max_iter times p steps.
    tol : float, default 1e-4
        Asks for a relative duality gap smaller than 1e-9, down to 1e-12; larger values have no effect.
    positive : bool, default False
        Whether all coefficients must be >= 0.
    standardize : bool, default False
        Whether the penalty is on coefficients per standard deviation. Coefficients come back in original units.
    penalty_factor : number >= 0 or (p,), default None
        The factors f_j; 0 leaves a column unpenalized, infinity leaves it out. Ones where None.
    bounds : pair (lower, upper) of numbers or (p,) arrays, default None
        Limits of the coefficients, lower <= 0 <= upper, in units of y per unit of x.
    precompute, copy_X, warm_start, random_state, selection
        Accepted for compatibility, without effect: X is never changed, and there is one solution to find.

    Attributes
    ----------
    coef_ : (p,), or (T, p) for y of shape (n, T)
        Coefficients, in units of y per unit of x.
    sparse_coef_ : sparse array (1, p), or (T, p)
        The same without the zeros.
    intercept_ : float, or (T,)
        Intercept, in units of y.
    gap_ : float, or (T,)
        Relative duality gap: how far the objective can be above its minimum, over the objective of the mean alone.
    dual_gap_ : float, or (T,)
        The same in squared units of y.
    n_iter_ : int, or list of T
        Steps of the solver, at least 1.
    scale_ : (p,)
        Standard deviations of the columns over the weighted rows.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import foldwise as fw
    >>> model = fw.ElasticNet(alpha=0.1, l1_ratio=0.5).fit([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [0.0, 1.0, 2.0])
    >>> model.coef_.round(6).tolist(), bool(model.gap_ < 1e-9)
    ([0.445783, 0.445783], True)
    """

    gap_: Any
    dual_gap_: Any
    n_iter_: Any

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        precompute: Any = False,
        max_iter: int | None = 1000,
        copy_X: bool = True,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        standardize: bool = False,
        penalty_factor: Any = None,
        bounds: Any = None,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.standardize = standardize
        self.penalty_factor = penalty_factor
        self.bounds = bounds

    def _takes_sparse(self) -> bool:
        return True

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and y (n,) or (n, T), with row weights (n,); or to FoldMoments, alone."""
        alpha = number("alpha", self.alpha)
        l1_ratio = number("l1_ratio", self.l1_ratio, high=1.0)
        if isinstance(X, FoldMoments):
            from_moments.start(self, X, y=y, sample_weight=sample_weight)
            settings = path_settings(self, X.n_features)
            paths = from_moments.at_one_strength(self, X, alpha, l1_ratio=l1_ratio, **settings)
            _, _, self.gap_, self.dual_gap_, n_iter = _at_the_end(paths)
            self.n_iter_ = int(n_iter)
            return self
        X, y, weights = self._read(X, y, sample_weight, single=True)
        settings = path_settings(self, X.shape[1])
        fits = [
            fit_paths(X, target, alphas=[alpha], l1_ratio=l1_ratio, sample_weight=weights, **settings).uninterrupted()
            for target in y.reshape(X.shape[0], -1).T
        ]
        coef, intercept, gap, dual_gap, n_iter = map(np.stack, zip(*map(_at_the_end, fits), strict=True))
        self.scale_ = fits[0].scale[0]
        single = len(fits) == 1
        self.coef_ = coef[0] if single else coef
        self.gap_, self.dual_gap_ = (gap[0], dual_gap[0]) if single else (gap, dual_gap)
        self.n_iter_ = int(n_iter[0]) if single else n_iter.tolist()
        self.intercept_ = (intercept if y.ndim > 1 else intercept[0]) if self.fit_intercept else 0.0
        return self

    @property
    def sparse_coef_(self) -> sparse.csr_array:
        """The coefficients without the zeros."""
        return sparse.csr_array(np.atleast_2d(self.coef_))


class Lasso(ElasticNet):
    """Lasso: minimize 1/(2W) sum_i w_i (y_i - b0 - x_i b)^2 + alpha sum_j f_j |b_j|.

    The elastic net at l1_ratio 1; parameters and attributes are ElasticNet's.

    Examples
    --------
    >>> import foldwise as fw
    >>> model = fw.Lasso(alpha=0.1).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    >>> model.coef_.round(12).tolist(), round(float(model.intercept_), 12)
    ([0.85], 0.15)
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        precompute: Any = False,
        copy_X: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        standardize: bool = False,
        penalty_factor: Any = None,
        bounds: Any = None,
    ) -> None:
        super().__init__(
            alpha=alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            precompute=precompute,
            max_iter=max_iter,
            copy_X=copy_X,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            random_state=random_state,
            selection=selection,
            standardize=standardize,
            penalty_factor=penalty_factor,
            bounds=bounds,
        )


def path_settings(model: Any, p: int) -> dict[str, Any]:
    """What fit_paths is told by an estimator of this family with p columns, checked."""
    choice("selection", model.selection, ("cyclic", "random"))
    steps = MAX_ITER if model.max_iter is None else min(MAX_ITER, whole("max_iter", model.max_iter, 1) * max(p, 1))
    return {
        "fit_intercept": flag("fit_intercept", model.fit_intercept),
        "standardize": flag("standardize", model.standardize),
        "penalty_factor": model.penalty_factor,
        "bounds": limits(model.bounds, p, positive=flag("positive", model.positive)),
        "tol": min(TOL, max(number("tol", model.tol), _LEAST_TOL)),
        "max_iter": steps,
    }


def _at_the_end(paths: Paths) -> tuple[Array, Any, Any, Any, NDArray[np.intp]]:
    """(coef, intercept, gap, dual gap, steps) of the final model's only strength."""
    steps = np.maximum(paths.n_iter[0, 0], 1)
    return paths.coef[0, 0], paths.intercept[0, 0], paths.gap[0, 0], paths.dual_gap[0, 0], steps
