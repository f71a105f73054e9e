"""What every generalized linear model shares: its predictor with an offset, and the fit at one strength."""

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from foldwise.errors import InputError, SeparationWarning
from foldwise.families import Family
from foldwise.linear.base import FLOATS, LinearBase, times
from foldwise.linear.checks import Array, limits
from foldwise.parameters.checks import flag, number, whole
from foldwise.parameters.composed import Composed
from foldwise.paths import Paths, RowStream, RowTable, fit_paths
from foldwise.paths.generalized.row_table import check_offset

TOL = 1e-12
"""The gap that a single fit must reach."""
ASKED = 1e-15
"""The gap that a single fit is asked for: coefficients follow its root."""
RESIDUAL, RESIDUAL_ASKED = 1e-8, 1e-10
"""The same where the certificate is the optimality conditions' residual, which coefficients follow itself."""
PATH_TOL = 1e-10
"""The gap of a path that only chooses a strength."""


class GeneralizedModel(Composed, LinearBase):
    """A line eta = offset + b0 + x b and a family that says how y is spread about the mean at eta.

    Parameters
    ----------
    fit_intercept : bool, default True
        Whether b0 is free or zero.
    max_iter : int, default 100
        Accepted for compatibility: how many steps are worth taking is known from the gap.
    tol : float, default 1e-4
        Asks for a relative duality gap smaller than 1e-12; larger values have no effect.
    warm_start : bool, default False
        Accepted for compatibility, without effect: there is one solution to find.
    standardize : bool, default False
        Whether the penalty is on coefficients per standard deviation. Coefficients come back in original units.
    penalty_factor : number >= 0 or (p,), default None
        Multiplies the penalty of each column; 0 leaves it unpenalized, infinity leaves it out. Ones where None.
    bounds : pair (lower, upper) of numbers or (p,) arrays, default None
        Limits of the coefficients, lower <= 0 <= upper.
    """

    with_offset_: bool
    gap_: float

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        max_iter: int = 100,
        tol: float = 1e-4,
        warm_start: bool = False,
        standardize: bool = False,
        penalty_factor: Any = None,
        bounds: Any = None,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.standardize = standardize
        self.penalty_factor = penalty_factor
        self.bounds = bounds

    def _takes_sparse(self) -> bool:
        return True

    def _path_settings(self, p: int, least: float) -> dict[str, Any]:
        """What fit_paths is told, checked; the gap is at most `least`."""
        whole("max_iter", self.max_iter, 0)
        flag("warm_start", self.warm_start)
        return {
            "fit_intercept": flag("fit_intercept", self.fit_intercept),
            "standardize": flag("standardize", self.standardize),
            "penalty_factor": self.penalty_factor,
            "bounds": limits(self.bounds, p, positive=False),
            "tol": max(min(number("tol", self.tol), least), np.finfo(float).eps),
        }

    def _fit_at(self, rows: RowTable | RowStream, alpha: float, l1_ratio: float, *, loss: str) -> Paths:
        """Fit all rows at one strength and keep the model; separated classes are named as such, not as a gap."""
        reach, asked = (TOL, ASKED) if rows.family.has_gap else (RESIDUAL, RESIDUAL_ASKED)
        asked = reach if isinstance(rows, RowStream) else asked  # each further digit would be a pass over the table
        settings = self._path_settings(rows.n_features, asked)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            paths = fit_paths(rows, alphas=[alpha], l1_ratio=l1_ratio, loss=loss, **settings).uninterrupted()  # type: ignore[arg-type]
        coef, self.intercept_ = paths.model(at=0)
        self.coef_ = coef.T
        self.scale_ = paths.scale[0]
        self.gap_ = float(paths.gap[0, 0])
        self.n_iter_: Any = max(int(paths.n_iter[0, 0]), 1)
        self.with_offset_ = rows.offset is not None
        separated = any(issubclass(warning.category, SeparationWarning) for warning in caught)
        for warning in caught:
            of_gap = issubclass(warning.category, ConvergenceWarning)
            if not of_gap or (self.gap_ > reach and not separated):
                warnings.warn(warning.message, warning.category, stacklevel=3)
        return paths

    def _rows_of(self, X: Any, y: Array, family: Family, weights: Any, offset: Any, folds: Any = None) -> RowTable:
        return RowTable.of(X, y, family, folds=folds, sample_weight=weights, offset=offset)

    def _linear_predictor(self, X: Any, offset: Any) -> Array:
        """Eta (n,), or (n, C) for C classes, of the rows of X, with the offset that a model fitted with one needs."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FLOATS, accept_sparse=self._sparse_kinds(), reset=False)
        added = check_offset(offset, X.shape[0])
        if added is None and self.with_offset_:
            raise InputError(
                "offset must be given for the rows to predict, since the model was fitted with one, got None; zeros "
                "predict for an offset of 0"
            )
        eta = np.asarray(times(X, self.coef_.T) + self.intercept_)
        eta = eta[:, 0] if eta.ndim == 2 and eta.shape[1] == 1 else eta
        return eta if added is None else eta + added
