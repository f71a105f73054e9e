"""Huber regression: outliers pull no harder than epsilon residual scales, at one strength or with it chosen."""

import warnings
from typing import Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score

from foldwise.families import Family, Huber
from foldwise.linear.by_cross_validation import ByCrossValidation
from foldwise.linear.checks import Array
from foldwise.linear.generalized import TOL
from foldwise.linear.generalized_regressor import AtOneStrength, GeneralizedRegressor
from foldwise.linear.huber_scale import MAX_TURNS, Joint, joint_fit
from foldwise.parameters.checks import number
from foldwise.paths import RowTable

TINY = 1e-300
SMALLEST = 0.01
"""Share of the target's spread that the scale is at least taken to be where it is estimated for cross-validation."""


class _Robust(GeneralizedRegressor):
    scale_: Any  # as in scikit-learn the scale of the residuals, not of the columns
    epsilon: float

    def _family(self) -> Family:
        return Huber(number("epsilon", self.epsilon, 1.0, np.inf))

    @property
    def coef_per_sd(self) -> Array:
        """Coefficients (p,) per standard deviation of their column, in units of y."""
        return np.asarray(self.coef_ * self.column_scale_)

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """R^2, as scikit-learn's class has it."""
        return float(r2_score(y, self.predict(X, offset), sample_weight=sample_weight))

    def _mark_outliers(self, rows: RowTable, sigma: float) -> None:
        self.column_scale_, self.scale_ = self.scale_, sigma
        eta = np.asarray(rows.X @ self.coef_) + self.intercept_ + (0.0 if rows.offset is None else rows.offset)
        self.outliers_ = np.abs(rows.y - eta) > sigma * self.epsilon


class HuberRegressor(_Robust, AtOneStrength):
    """Huber: minimize sum_i w_i (s + H(r_i / s) s) + alpha |b|^2 over b0, b and the residuals' scale s.

    H(z) = z^2 up to epsilon and 2 epsilon |z| - epsilon^2 beyond, r_i = y_i - o_i - b0 - x_i b. A drop-in for
    scikit-learn's class; with l1_ratio r, the penalty is alpha sum_j f_j (2 r |b_j| + (1 - r) b_j^2).

    Parameters
    ----------
    epsilon : float >= 1, default 1.35
        Residuals beyond epsilon scales count as outliers.
    alpha : float >= 0, default 1e-4
        Penalty strength, against the sum over the rows.
    tol : float, default 1e-5
        As for `PoissonRegressor`, as are l1_ratio, fit_intercept, standardize, penalty_factor, bounds, max_iter and
        warm_start.

    Attributes
    ----------
    coef_ : (p,); intercept_ : float
        In units of y per unit of x, and of y.
    scale_ : float
        s, in units of y.
    outliers_ : (n,) of bool
        Rows whose residual exceeds epsilon s.
    column_scale_ : (p,)
        Standard deviations of the columns.
    gap_ : float
        Relative duality gap at this s; nan where rounding keeps it from being found, as for rows nearly on a plane.
    n_iter_ : int
        Weighted fits, in turns with s.

    Notes
    -----
    Exact weighted least squares fits in turns with the best s (`foldwise.linear.huber_scale`), then a fit with a
    certificate at that s.

    Examples
    --------
    >>> import foldwise as fw
    >>> model = fw.HuberRegressor().fit([[0.0], [1.0], [2.0], [3.0], [4.0]], [0.1, 0.9, 2.0, 3.1, 40.0])
    >>> model.coef_.round(1).tolist(), model.outliers_.tolist()
    ([1.2], [False, False, False, False, True])
    """

    def __init__(self, *, epsilon: float = 1.35, alpha: float = 0.0001, tol: float = 1e-5, **rest: Any) -> None:
        super().__init__(alpha=alpha, tol=tol, **rest)
        self.epsilon = epsilon

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and y (n,), with row weights (n,) >= 0 and offsets (n,)."""
        alpha = number("alpha", self.alpha)
        l1_ratio = number("l1_ratio", self.l1_ratio, high=1.0)
        epsilon = number("epsilon", self.epsilon, 1.0, np.inf)
        X, y, weights = self._read(X, y, sample_weight, targets=False, single=True)
        rows = self._rows_of(X, y, Huber(epsilon), weights, offset)
        target = rows.y if rows.offset is None else rows.y - rows.offset
        settings = self._path_settings(X.shape[1], 1.0)
        del settings["tol"]
        found = joint_fit(X, target, rows.weight, epsilon, alpha, l1_ratio, **settings)
        self._polish(
            found, self._rows_of(X, y, Huber(epsilon * max(found.scale, TINY)), weights, offset), alpha, l1_ratio
        )
        self.n_iter_ = found.turns
        self._mark_outliers(rows, found.scale)
        return self

    def _polish(self, found: Joint, rows: RowTable, alpha: float, l1_ratio: float) -> None:
        """Fit at the scale found, with a certificate; what was found stands where that does not get as far."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._fit_at(rows, alpha * found.scale / float(rows.weight.sum()), l1_ratio, loss="mean")
        if self.gap_ <= TOL:
            return
        self.coef_, self.intercept_ = found.coef, found.intercept
        self.gap_ = float("nan")
        if found.turns >= MAX_TURNS:
            message = (
                f"the scale has not settled in {MAX_TURNS} turns; more regularization or a larger epsilon may help"
            )
            warnings.warn(message, ConvergenceWarning, stacklevel=3)


class HuberRegressorCV(_Robust, ByCrossValidation):
    """Huber regression with the strength chosen; the residuals' scale is one number for all folds and strengths.

    Minimizes 1/W sum_i w_i h(r_i) + alpha sum_j f_j (r |b_j| + (1 - r)/2 b_j^2), h half the square up to epsilon
    scales and linear beyond. The other parameters and the attributes are those of `PoissonRegressorCV`.

    Parameters
    ----------
    epsilon : float >= 1, default 1.35
        Residuals beyond epsilon scales count as outliers.
    residual_scale : float > 0, default None
        In units of y. Where None, that of `HuberRegressor` on all rows, at least a hundredth of y's spread: like the
        grid of alphas it says what is tried.

    Attributes
    ----------
    scale_, outliers_, column_scale_
        As for `HuberRegressor`.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 5))
    >>> y = 2.0 * X[:, 1] + rng.standard_t(2, size=100)
    >>> model = fw.HuberRegressorCV(l1_ratio=1.0, rule="1se").fit(X, y)
    >>> np.flatnonzero(model.coef_).tolist()
    [1]
    """

    def __init__(
        self, *, epsilon: float = 1.35, residual_scale: float | None = None, tol: float = 1e-5, **rest: Any
    ) -> None:
        super().__init__(tol=tol, **rest)
        self.epsilon = epsilon
        self.residual_scale = residual_scale

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None, groups: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and y (n,); `groups` (n,) goes to the splitter `cv`."""
        super().fit(X, y, sample_weight, offset, groups)
        X, y, weights = self._read(X, y, sample_weight, targets=False, single=True)
        self._mark_outliers(self._rows_of(X, y, self._family(), weights, offset), self._sigma)
        return self

    def _family_for(self, X: Any, y: Array, weights: Array | None, offset: Any) -> Family:
        epsilon = number("epsilon", self.epsilon, 1.0, np.inf)
        if self.residual_scale is None:
            settings = {"fit_intercept": self.fit_intercept, "epsilon": epsilon}
            target = y if offset is None else y - np.asarray(offset, dtype=np.float64)
            spread = float(np.sqrt(np.average((target - np.average(target, weights=weights)) ** 2, weights=weights)))
            found = float(HuberRegressor(**settings).fit(X, y, weights, offset).scale_)
            self._sigma = max(found, SMALLEST * spread, TINY)
        else:
            self._sigma = number("residual_scale", self.residual_scale, above=True)
        return Huber(epsilon * self._sigma)
