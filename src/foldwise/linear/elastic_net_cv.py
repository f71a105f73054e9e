"""Elastic net and lasso with the strength chosen by cross-validation, as estimators."""

from time import monotonic
from typing import Any, Self

import numpy as np

from foldwise.errors import InputError
from foldwise.inference import one_standard_error
from foldwise.linear import from_moments
from foldwise.linear.base import LinearModel
from foldwise.linear.checks import Array
from foldwise.linear.elastic_net import path_settings
from foldwise.linear.folding import read_folds
from foldwise.moments import FoldMoments
from foldwise.parameters.checks import choice, flag, number, numbers, whole
from foldwise.paths import Paths, fit_paths, prepare
from foldwise.paths.control import check_time_limit


class ElasticNetCV(LinearModel):
    """Elastic net with alpha and l1_ratio chosen by cross-validation on the same folds, in one pass over the data.

    A drop-in for scikit-learn's class; the objective is ElasticNet's. Every fold's path is exact: each point has its
    relative duality gap, at most 1e-9 or a ConvergenceWarning says so.

    Parameters
    ----------
    l1_ratio : float in [0, 1], or a list of them, default 0.5
        1 is the lasso, 0 ridge. Of a list the best is chosen together with alpha.
    eps : float in (0, 1], default 1e-3
        Weakest over strongest alpha of the grid.
    alphas : int, (A,), or one (A,) for each l1_ratio, default 100
        How many strengths, or which: the same for every l1_ratio, or each its own.
    fit_intercept : bool, default True
        Whether b0 is free or zero.
    max_iter : int, default 1000
        Bounds the solver: at most max_iter times p steps for each alpha.
    tol : float, default 1e-4
        Asks for a relative duality gap smaller than 1e-9, down to 1e-12; larger values have no effect.
    cv : int, Folds, splitter or splits, default None
        5 folds where None. Test sets must partition the rows.
    positive : bool, default False
        Whether all coefficients must be >= 0.
    standardize, penalty_factor, bounds
        As for ElasticNet. Every fold is standardized by its own training rows.
    rule : 'min' or '1se', default 'min'
        The alpha with the smallest mean error over the folds, or the strongest penalty within one standard error of it:
        that of the mean over the K folds (their deviation over sqrt(K)), which repeats steady but do not shrink.
    stop_when_turned : bool, default False
        For a table with more columns than rows: end the path once the cross-validated error has clearly risen past its
        minimum, which leaves out the expensive end. `alphas_` then has the strengths reached.
    time_limit : float, default None
        Seconds after which the paths end with the strengths finished by then, with a PathCutShort warning; each
        l1_ratio may take its share. Ctrl-C ends them likewise and leaves out the l1_ratios that have not begun.
    verbose : bool or int, default 0
        Whether to show a bar with the strengths done and the time left, once a second has passed.
    precompute, copy_X, n_jobs, random_state, selection
        Accepted for compatibility, without effect.

    Attributes
    ----------
    alpha_, l1_ratio_ : float
        The choice.
    coef_ : (p,); intercept_ : float
        The final model, on all rows.
    alphas_ : (A,), or (L, A) where l1_ratio is a list of L and alphas a number or one array for each
        Strengths, descending.
    mse_path_ : (A, K), or (L, A, K)
        Mean squared error on each fold; K counts the folds of all repeats.
    gap_, dual_gap_ : float
        Relative duality gap of the final model, and in squared units of y.
    n_iter_ : int
        Steps of the solver at the final model, at least 1.
    folds_ : Folds
        The partition, where rows were given.
    paths_ : Paths, or a tuple of L
        Every fold's coefficients at every alpha.
    scale_ : (p,)
        Standard deviations of the columns over the weighted rows.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(80, 6))
    >>> model = fw.ElasticNetCV(l1_ratio=[0.5, 1.0], rule="1se").fit(X, 2 * X[:, 1] + rng.normal(size=80))
    >>> model.l1_ratio_, np.flatnonzero(model.coef_).tolist()
    (1.0, [1])
    """

    def __init__(
        self,
        *,
        l1_ratio: Any = 0.5,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        copy_X: bool = True,
        verbose: int = 0,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        standardize: bool = False,
        penalty_factor: Any = None,
        bounds: Any = None,
        rule: str = "min",
        stop_when_turned: bool = False,
        time_limit: float | None = None,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.standardize = standardize
        self.penalty_factor = penalty_factor
        self.bounds = bounds
        self.rule = rule
        self.stop_when_turned = stop_when_turned
        self.time_limit = time_limit

    def _takes_sparse(self) -> bool:
        return True

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and y (n,), with row weights (n,) >= 0; `groups` (n,) goes to `cv`.

        As in scikit-learn, folds count alike in the mean error, and rows within a fold by their weights. FoldMoments
        are given alone, and their folds are used.
        """
        began = monotonic()
        rule = choice("rule", self.rule, ("min", "1se"))
        ratios = numbers("l1_ratio", self.l1_ratio, high=1.0)
        eps = number("eps", self.eps, high=1.0, above=True)
        grids, shared = _read_alphas(self.alphas, len(ratios))
        turned = flag("stop_when_turned", self.stop_when_turned)
        self.__dict__.pop("folds_", None)  # of an earlier fit
        if isinstance(X, FoldMoments):
            from_moments.start(self, X, y=y, sample_weight=sample_weight, groups=groups)
            from_moments.refuse_folds(self.cv, X)
            source: Any = X
            settings = path_settings(self, X.n_features)
        else:
            X, y, weights = self._read(X, y, sample_weight, targets=False, least_rows=2, single=True)
            settings = path_settings(self, X.shape[1])
            self.folds_ = read_folds(self.cv, X, y, groups)
            source = prepare(X, y, folds=self.folds_, sample_weight=weights)
        settings["stop_when_turned"] = turned
        paths = self._fit_ratios(source, ratios, grids, began=began, eps=eps, **settings)
        best = int(np.argmin([path.cv_error.mean(axis=0).min() for path in paths]))
        self._keep(paths[best], choose(paths[best], rule))
        single = np.ndim(self.l1_ratio) == 0
        self.l1_ratio_ = float(ratios[best])
        self.paths_: Paths | tuple[Paths, ...] = paths[0] if single else tuple(paths)
        reached = [path.alphas for path in paths]
        self.alphas_ = max(reached, key=len) if shared else _table(reached)
        self.mse_path_ = np.squeeze(_table([path.cv_error.T for path in paths]))
        return self

    def _fit_ratios(
        self, source: Any, ratios: Array, grids: list[Any], *, began: float, **settings: Any
    ) -> list[Paths]:
        """One path for each l1_ratio, each with its share of the time that is left."""
        limit = check_time_limit(self.time_limit)
        paths: list[Paths] = []
        for ratio, alphas in zip(ratios.tolist(), grids, strict=True):
            left = None if limit is None else (began + limit - monotonic()) / (len(ratios) - len(paths))
            paths.append(
                fit_paths(
                    source,
                    alphas=alphas,
                    l1_ratio=ratio,
                    time_limit=None if left is None else max(left, 1e-9),
                    progress=bool(self.verbose),
                    **settings,
                )
            )
            if paths[-1].ended == "interrupted":
                break
        return paths

    def _keep(self, paths: Paths, at: int) -> None:
        """Take the final model from its path."""
        h = paths.index()
        self.alpha_ = float(paths.alphas[at])
        self.coef_, intercept = paths.model(at=at)
        self.intercept_ = intercept if self.fit_intercept else 0.0
        self.gap_, self.dual_gap_ = float(paths.gap[h, at]), float(paths.dual_gap[h, at])
        self.n_iter_ = max(int(paths.n_iter[h, at]), 1)
        self.scale_ = paths.scale[h]


class LassoCV(ElasticNetCV):
    """Lasso with alpha chosen by cross-validation: ElasticNetCV at l1_ratio 1, with its parameters and attributes.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(80, 6))
    >>> y = 2 * X[:, 1] + rng.normal(size=80)
    >>> model = fw.LassoCV(cv=10, rule="1se").fit(X, y)
    >>> np.flatnonzero(model.coef_).tolist(), bool(model.alpha_ >= fw.LassoCV(cv=10).fit(X, y).alpha_)
    ([1], True)
    """

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        cv: Any = None,
        verbose: int = False,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        standardize: bool = False,
        penalty_factor: Any = None,
        bounds: Any = None,
        rule: str = "min",
        stop_when_turned: bool = False,
        time_limit: float | None = None,
    ) -> None:
        super().__init__(
            l1_ratio=1.0,
            eps=eps,
            alphas=alphas,
            fit_intercept=fit_intercept,
            precompute=precompute,
            max_iter=max_iter,
            tol=tol,
            cv=cv,
            copy_X=copy_X,
            verbose=verbose,
            n_jobs=n_jobs,
            positive=positive,
            random_state=random_state,
            selection=selection,
            standardize=standardize,
            penalty_factor=penalty_factor,
            bounds=bounds,
            rule=rule,
            stop_when_turned=stop_when_turned,
            time_limit=time_limit,
        )


def choose(paths: Paths, rule: str) -> int:
    """Position of the chosen alpha, folds counting alike."""
    both = one_standard_error(paths.cv_error, paths.alphas, repeats=paths.n_repeats)
    return both.index_min if rule == "min" else both.index_1se


def _read_alphas(alphas: Any, count: int) -> tuple[list[Any], bool]:
    """For each of `count` l1_ratios its strengths or their number; and whether all are given the same ones."""
    if not isinstance(alphas, list | tuple) and np.ndim(alphas) == 0:
        return [whole("alphas", alphas, 1)] * count, False
    if not any(np.ndim(part) for part in alphas):
        return [np.sort(numbers("alphas", alphas))[::-1]] * count, True
    if len(alphas) != count:
        raise InputError(f"alphas must have one array for each of {count} values of l1_ratio, got {len(alphas)}")
    return [np.sort(numbers(f"alphas[{at}]", part))[::-1] for at, part in enumerate(alphas)], False


def _table(parts: list[Array]) -> Array:
    """Parts of one path each, side by side unless there is one only; NaN where a path ended before the others."""
    shape = np.max([part.shape for part in parts], axis=0)
    wide = [np.pad(part, [(0, more) for more in shape - part.shape], constant_values=np.nan) for part in parts]
    return wide[0] if len(wide) == 1 else np.array(wide)
