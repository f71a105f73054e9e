"""Poisson regression: counts with the log link, at one strength or with the strength chosen by cross-validation."""

from foldwise.families import Family, Poisson
from foldwise.linear.by_cross_validation import ByCrossValidation
from foldwise.linear.generalized_regressor import AtOneStrength, GeneralizedRegressor, WithSolver


class _OfCounts(GeneralizedRegressor):
    def _family(self) -> Family:
        return Poisson()


class PoissonRegressor(_OfCounts, WithSolver, AtOneStrength):
    """Poisson: minimize 1/W sum_i w_i (exp(eta_i) - y_i eta_i) + alpha sum_j f_j (r |b_j| + (1 - r)/2 b_j^2).

    eta_i = o_i + b0 + x_i b; W is the sum of the weights, r the l1_ratio; b0 is not penalized. A drop-in for
    scikit-learn's class that ends with a certificate: the relative duality gap `gap_`, at most 1e-12 or a
    ConvergenceWarning says so.

    Parameters
    ----------
    alpha : float >= 0, default 1.0
        Penalty strength.
    l1_ratio : float in [0, 1], default 0.0
        0 is ridge, 1 the lasso.
    fit_intercept : bool, default True
        Whether b0 is free or zero.
    tol : float, default 1e-4
        Asks for a gap smaller than 1e-12; larger values have no effect.
    standardize : bool, default False
        Whether the penalty is on coefficients per standard deviation. Coefficients come back in original units.
    penalty_factor : number >= 0 or (p,), default None
        The factors f_j; 0 leaves a column unpenalized, infinity leaves it out. Ones where None.
    bounds : pair (lower, upper) of numbers or (p,) arrays, default None
        Limits of the coefficients, lower <= 0 <= upper.
    solver, max_iter, warm_start, verbose
        Accepted for compatibility, without effect: there is one solution to find.

    Attributes
    ----------
    coef_ : (p,)
        Change of the logarithm of the mean per unit of x.
    intercept_ : float
        Logarithm of the mean at x = 0 (and offset 0).
    gap_ : float
        Relative duality gap: how far the objective can be above its minimum, over that of the intercept alone less the
        saturated one.
    n_iter_ : int
        Newton steps.
    scale_ : (p,)
        Standard deviations of the columns over the weighted rows.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import foldwise as fw
    >>> model = fw.PoissonRegressor(alpha=0.1).fit([[0.0], [1.0], [2.0], [3.0]], [1, 1, 4, 7])
    >>> model.coef_.round(3).tolist(), model.predict([[4.0]]).round(2).tolist()
    ([0.715], [14.41])
    """


class PoissonRegressorCV(_OfCounts, ByCrossValidation):
    """Poisson regression with alpha, and l1_ratio of a list, chosen by cross-validation on the same folds in one go.

    Parameters
    ----------
    alphas : int or (A,), default 100
        How many strengths, or which.
    l1_ratio : float in [0, 1], or a list of them, default 0.0
        0 is ridge, 1 the lasso. Of a list the best is chosen together with alpha.
    eps : float in (0, 1], default 1e-3
        Weakest over strongest alpha of the grid.
    cv : int, Folds, splitter or splits, default None
        5 folds where None. Test sets must partition the rows.
    scoring : str or callable, default "deviance"
        "deviance", "mse", "mae", a scikit-learn scorer or its name.
    rule : 'min' or '1se', default 'min'
        The alpha with the best mean score over the folds, or the strongest within one standard error of it.
    time_limit : float, default None
        Seconds after which the paths end with the strengths finished by then.
    verbose : bool or int, default 0
        Whether to show a bar.
    fit_intercept, tol, standardize, penalty_factor, bounds, max_iter, warm_start
        As for `PoissonRegressor`; folds are standardized by their own training rows.

    Attributes
    ----------
    alpha_, l1_ratio_ : float
        The choice.
    coef_, intercept_, gap_, n_iter_, scale_
        As for `PoissonRegressor`: the final model, on all rows.
    alphas_ : (A,), or (L, A) for L l1_ratios
        Strengths, descending.
    scores_ : (A, K), or (L, A, K)
        Scores of every fold, the greater the better (deviances with a minus sign); K counts the folds of all repeats.
    folds_ : Folds
        The partition.
    paths_ : Paths, or a tuple of L
        Every fold's coefficients at every alpha, to a gap of 1e-10.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(150, 5))
    >>> y = rng.poisson(np.exp(0.5 * X[:, 1]))
    >>> model = fw.PoissonRegressorCV(l1_ratio=1.0, rule="1se").fit(X, y)
    >>> np.flatnonzero(model.coef_).tolist(), model.scores_.shape
    ([1], (100, 5))
    """
