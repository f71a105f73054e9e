"""Generalized linear regressors at one strength: the constructor, fit, predict and score of all families."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin

from foldwise.families import Family, null_intercept
from foldwise.linear import from_stream
from foldwise.linear.checks import Array
from foldwise.linear.generalized import GeneralizedModel
from foldwise.moments.check import check_weight
from foldwise.parameters.checks import choice, flag, number
from foldwise.paths import RowStream


class GeneralizedRegressor(RegressorMixin, GeneralizedModel):  # type: ignore[misc]
    """Predicts a mean; `l1_ratio` 0 is ridge, 1 the lasso. Subclasses name the family."""

    def __init__(self, *, l1_ratio: Any = 0.0, **rest: Any) -> None:
        super().__init__(**rest)
        self.l1_ratio = l1_ratio

    def _family(self) -> Family:
        """The family that the parameters ask for."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        try:
            self._family().check_target([-1.0, 1.0], 2)
        except ValueError:
            tags.target_tags.positive_only = True
        return tags

    def predict(self, X: Any, offset: Any = None) -> Array:
        """Predict the mean of y (n,) for the rows of X (n, p), in units of y.

        Parameters
        ----------
        X : (n, p), dense or sparse
        offset : (n,), default None
            What is added to the linear predictor; needed where the model was fitted with one.
        """
        return self._family().mean(self._linear_predictor(X, offset))

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Share of the deviance explained, D^2 = 1 - deviance(y, prediction) / deviance(y, mean of y)."""
        family = self._family()
        eta = self._linear_predictor(X, offset)
        target = family.check_target(y, len(eta))
        weight = check_weight(sample_weight, len(eta))
        weight = np.ones(len(eta)) if weight is None else weight
        null = null_intercept(family, target, weight[:, None])
        left, whole = (weight @ family.deviance(at, target) for at in (eta, np.full(len(eta), null[0])))
        return float(1.0 - left / whole) if whole > 0.0 else float(left == 0.0)


class AtOneStrength(GeneralizedRegressor):
    """A regressor whose strength is given."""

    def __init__(self, *, alpha: float = 1.0, **rest: Any) -> None:
        super().__init__(**rest)
        self.alpha = alpha

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and y (n,); or to a `RowStream` alone, which has all of it.

        Parameters
        ----------
        X : (n, p). y : (n,)
        sample_weight : (n,), default None
            Row weights >= 0, such as exposures where y is per unit of exposure.
        offset : (n,), default None
            Added to the linear predictor and not fitted, such as the logarithm of an exposure.
        """
        alpha = number("alpha", self.alpha)
        l1_ratio = number("l1_ratio", self.l1_ratio, high=1.0)
        family = self._family()
        if isinstance(X, RowStream):
            from_stream.start(self, X, family, y=y, sample_weight=sample_weight, offset=offset)
            self._fit_at(X.without_folds(), alpha, l1_ratio, loss="mean")
            return self
        X, y, weights = self._read(X, y, sample_weight, targets=False, single=True)
        self._fit_at(self._rows_of(X, y, family, weights, offset), alpha, l1_ratio, loss="mean")
        return self


class WithSolver(GeneralizedRegressor):
    """scikit-learn's `solver` and `verbose`, accepted for compatibility."""

    def __init__(self, *, solver: str = "lbfgs", verbose: int = 0, **rest: Any) -> None:
        super().__init__(**rest)
        self.solver = solver
        self.verbose = verbose

    def _path_settings(self, p: int, least: float) -> dict[str, Any]:
        choice("solver", self.solver, ("lbfgs", "newton-cholesky"))
        return super()._path_settings(p, least)


def shows_progress(verbose: Any) -> bool:
    """Whether to show a bar."""
    return bool(verbose) if isinstance(verbose, int) else flag("verbose", verbose)
