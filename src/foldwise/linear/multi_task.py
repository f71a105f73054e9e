"""Multi-task elastic net: several targets at once, a feature's coefficients entering and leaving together."""

from time import monotonic
from typing import Any, Self

import numpy as np
from sklearn.base import MultiOutputMixin

from foldwise.errors import InputError
from foldwise.families import MultiGaussian
from foldwise.linear.base import LinearModel
from foldwise.linear.checks import Array
from foldwise.linear.elastic_net_cv import choose
from foldwise.linear.folding import read_folds
from foldwise.linear.generalized_regressor import shows_progress
from foldwise.linear.searching import fit_ratios, side_by_side
from foldwise.parameters.checks import choice, flag, number, numbers, whole
from foldwise.parameters.composed import Composed
from foldwise.paths import Paths, RowTable, fit_paths
from foldwise.paths.control import check_time_limit

TOL = 1e-9


class _MultiTask(Composed, MultiOutputMixin, LinearModel):  # type: ignore[misc]
    """What both share."""

    def __init__(
        self,
        *,
        l1_ratio: Any = 0.5,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        random_state: Any = None,
        selection: str = "cyclic",
        standardize: bool = False,
        penalty_factor: Any = None,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.random_state = random_state
        self.selection = selection
        self.standardize = standardize
        self.penalty_factor = penalty_factor

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        return tags

    def _rows(self, X: Any, y: Any, sample_weight: Any, least_rows: int = 1) -> tuple[Array, Array, Array | None]:
        X, y, weights = self._read(X, y, sample_weight, least_rows=least_rows)
        if y.ndim == 1:
            raise InputError("y must have a column for each target, got one dimension; for one target use ElasticNet")
        return X, y, weights

    def _settings(self) -> dict[str, Any]:
        choice("selection", self.selection, ("cyclic", "random"))
        whole("max_iter", self.max_iter, 1)
        return {
            "fit_intercept": flag("fit_intercept", self.fit_intercept),
            "standardize": flag("standardize", self.standardize),
            "penalty_factor": self.penalty_factor,
            "tol": max(min(number("tol", self.tol), TOL), 1e-12),
        }

    def _keep(self, paths: Paths, at: int) -> None:
        """Take the final model from its path."""
        coef, intercept = paths.model(at=at)
        self.coef_: Array = np.asfortranarray(coef.T)
        self.intercept_: Any = intercept if self.fit_intercept else 0.0
        self.gap_, self.dual_gap_ = float(paths.gap[0, at]), float(paths.gap[0, at] * paths.null_objective[0])
        self.n_iter_ = max(int(paths.n_iter[0, at]), 1)
        self.scale_ = paths.scale[0]


class MultiTaskElasticNet(_MultiTask):
    """Minimize 1/(2W) sum_i w_i |y_i - b0 - x_i B|^2 + alpha sum_j f_j (r |B_j| + (1 - r)/2 |B_j|^2), B_j rows of B.

    A drop-in for scikit-learn's class that ends with a certificate: the relative duality gap `gap_`, at most 1e-9 or a
    ConvergenceWarning says so.

    Parameters
    ----------
    alpha : float >= 0, default 1.0
        Penalty strength.
    l1_ratio : float in [0, 1], default 0.5
        1 is the multi-task lasso, 0 ridge.
    fit_intercept, tol, standardize, penalty_factor
        As for `ElasticNet`.
    max_iter, copy_X, warm_start, random_state, selection
        Accepted for compatibility, without effect.

    Attributes
    ----------
    coef_ : (T, p); intercept_ : (T,)
        In units of each target per unit of x.
    gap_, dual_gap_ : float
        Relative duality gap, and in squared units of y.
    n_iter_ : int
        Steps of the solver, at least 1.
    scale_ : (p,)
        Standard deviations of the columns.

    Examples
    --------
    >>> import foldwise as fw
    >>> X = [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]
    >>> model = fw.MultiTaskElasticNet(alpha=0.5).fit(X, [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [3.0, 4.0]])
    >>> model.coef_.round(3).tolist()
    [[0.715, 0.0], [0.715, 0.0]]
    """

    def __init__(self, *, alpha: float = 1.0, warm_start: bool = False, **rest: Any) -> None:
        super().__init__(**rest)
        self.alpha = alpha
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to X (n, p) and y (n, T), with row weights (n,) >= 0."""
        alpha = number("alpha", self.alpha)
        l1_ratio = number("l1_ratio", self.l1_ratio, high=1.0)
        X, y, weights = self._rows(X, y, sample_weight)
        rows = RowTable.of(X, y, MultiGaussian(), folds=None, sample_weight=weights, offset=None)
        self._keep(fit_paths(rows, alphas=[alpha], l1_ratio=l1_ratio, **self._settings()).uninterrupted(), 0)
        return self


class MultiTaskElasticNetCV(_MultiTask):
    """Multi-task elastic net with alpha and l1_ratio chosen by cross-validation; its objective stays the same.

    Parameters
    ----------
    l1_ratio, eps, alphas, cv, rule, time_limit, verbose
        As for `ElasticNetCV`.
    fit_intercept, tol, standardize, penalty_factor and others
        As for `MultiTaskElasticNet`.

    Attributes
    ----------
    alpha_, l1_ratio_ : float
        The choice.
    coef_, intercept_, gap_, dual_gap_, n_iter_, scale_
        As for `MultiTaskElasticNet`.
    alphas_ : (A,), or (L, A); mse_path_ : (A, K), or (L, A, K)
        Strengths, descending; mean squared errors, the mean over targets.
    folds_ : Folds; paths_ : OutputPaths, or a tuple of L

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(80, 5))
    >>> Y = X[:, [1]] * [1.0, 2.0] + rng.normal(size=(80, 2))
    >>> np.flatnonzero(fw.MultiTaskElasticNetCV(l1_ratio=1.0, rule="1se").fit(X, Y).coef_[0]).tolist()
    [1]
    """

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: Any = 100,
        cv: Any = None,
        verbose: int = 0,
        n_jobs: int | None = None,
        rule: str = "min",
        time_limit: float | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.eps = eps
        self.alphas = alphas
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.rule = rule
        self.time_limit = time_limit

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Fit to X (n, p) and y (n, T), with row weights (n,) >= 0; `groups` (n,) goes to `cv`."""
        began, limit = monotonic(), check_time_limit(self.time_limit)
        rule = choice("rule", self.rule, ("min", "1se"))
        ratios = numbers("l1_ratio", self.l1_ratio, high=1.0)
        eps = number("eps", self.eps, high=1.0, above=True)
        alphas = whole("alphas", self.alphas, 1) if np.ndim(self.alphas) == 0 else numbers("alphas", self.alphas)
        X, y, weights = self._rows(X, y, sample_weight, least_rows=2)
        self.folds_ = read_folds(self.cv, X, y, groups)
        rows = RowTable.of(X, y, MultiGaussian(), folds=self.folds_, sample_weight=weights, offset=None)
        left = None if limit is None else max(began + limit - monotonic(), 1e-9)
        progress = shows_progress(self.verbose)
        paths = fit_ratios(rows, ratios, left, alphas=alphas, eps=eps, progress=progress, **self._settings())
        best = int(np.argmin([path.cv_error.mean(axis=0).min() for path in paths]))
        at = choose(paths[best], rule)
        self._keep(paths[best], at)
        self.alpha_, self.l1_ratio_ = float(paths[best].alphas[at]), float(ratios[best])
        single = np.ndim(self.l1_ratio) == 0
        self.paths_: Paths | tuple[Paths, ...] = paths[0] if single else tuple(paths)
        tables = [path.alphas for path in paths], [path.cv_error.T / y.shape[1] for path in paths]
        self.alphas_, self.mse_path_ = (part[0] if single else side_by_side(part) for part in tables)
        return self
