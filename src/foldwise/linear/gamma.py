"""Gamma regression: positive amounts with the log link, at one strength or with the strength chosen."""

from foldwise.families import Family, Gamma
from foldwise.linear.by_cross_validation import ByCrossValidation
from foldwise.linear.generalized_regressor import AtOneStrength, GeneralizedRegressor, WithSolver


class _OfAmounts(GeneralizedRegressor):
    def _family(self) -> Family:
        return Gamma()


class GammaRegressor(_OfAmounts, WithSolver, AtOneStrength):
    """Gamma: minimize 1/W sum_i w_i (y_i exp(-eta_i) + eta_i) + alpha sum_j f_j (r |b_j| + (1 - r)/2 b_j^2), y_i > 0.

    A drop-in for scikit-learn's class; parameters and attributes are those of `PoissonRegressor`.

    Examples
    --------
    >>> import foldwise as fw
    >>> model = fw.GammaRegressor(alpha=0.1).fit([[0.0], [1.0], [2.0], [3.0]], [1.0, 2.0, 3.0, 9.0])
    >>> model.coef_.round(3).tolist()
    [0.656]
    """


class GammaRegressorCV(_OfAmounts, ByCrossValidation):
    """Gamma regression with the strength chosen; parameters and attributes are those of `PoissonRegressorCV`.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(150, 5))
    >>> y = rng.gamma(2.0, np.exp(0.7 * X[:, 1]))
    >>> np.flatnonzero(fw.GammaRegressorCV(l1_ratio=1.0, rule="1se").fit(X, y).coef_).tolist()
    [1]
    """
