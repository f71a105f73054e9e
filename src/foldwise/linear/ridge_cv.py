"""Ridge with the strength chosen by leave-one-out or k-fold cross-validation, as an estimator."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.metrics import check_scoring

from foldwise.errors import InputError
from foldwise.inference import one_standard_error
from foldwise.linear import from_moments
from foldwise.linear.base import LinearModel
from foldwise.linear.checks import Array, limits
from foldwise.linear.folding import read_folds
from foldwise.linear.leave_one_out import leave_one_out_errors
from foldwise.linear.ridge import Ridge
from foldwise.moments import FoldMoments
from foldwise.parameters.checks import choice, flag, numbers
from foldwise.paths import Paths, fit_paths
from foldwise.paths.options import check_options

CLOSE = 1e-10
"""Relative error below which the final model is taken from its path instead of being fitted to the rows again."""


class RidgeCV(MultiOutputMixin, LinearModel):  # type: ignore[misc]
    """Ridge with alpha chosen by cross-validation; the objective is Ridge's.

    A drop-in for scikit-learn's class. One decomposition serves all alphas: of the rows for leave-one-out (cv None), of
    every fold's moments otherwise.

    Parameters
    ----------
    alphas : float or (A,), default (0.1, 1.0, 10.0)
        Strengths to choose from, in squared units of x; > 0 for leave-one-out, >= 0 otherwise.
    fit_intercept : bool, default True
        Whether b0 is free or zero.
    scoring : str, callable or None, default None
        What is maximized. None: the negative mean squared error for leave-one-out, the mean R^2 of the folds otherwise.
    cv : None, int, Folds, splitter or splits, default None
        None is leave-one-out. Test sets must partition the rows.
    store_cv_results : bool, default False
        Whether to keep `cv_results_`; leave-one-out only.
    alpha_per_target : bool, default False
        Whether every target has its own alpha; leave-one-out only.
    standardize, penalty_factor, bounds
        As for Ridge; standardize and bounds need `cv`.
    rule : 'min' or '1se', default 'min'
        The alpha with the best score, or the strongest penalty within one standard error of it.
    gcv_mode
        Accepted for compatibility, without effect.

    Attributes
    ----------
    alpha_ : float, or (T,) with alpha_per_target
        The choice.
    best_score_ : float, or (T,) with alpha_per_target
        The score of the choice: at rule 'min' the best.
    coef_ : (p,), or (T, p) for y of shape (n, T)
    intercept_ : float, or (T,)
    scale_ : (p,)
        As for Ridge; the final model is solved from the rows.
    cv_results_ : (n, A), or (n, T, A)
        With store_cv_results: weighted squared leave-one-out errors, or with `scoring` the predictions.
    folds_ : Folds; paths_ : Paths, or a tuple of T; gap_ : float, or (T,)
        With cv: the partition, every fold's coefficients at every alpha, the relative duality gap at the choice.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 3))
    >>> y = X @ [1.0, 0.0, -1.0] + rng.normal(size=60)
    >>> fw.RidgeCV(alphas=[0.1, 1.0, 10.0, 100.0]).fit(X, y).alpha_
    1.0
    >>> fw.RidgeCV(alphas=[0.1, 1.0, 10.0, 100.0], cv=5, rule="1se").fit(X, y).alpha_
    10.0
    """

    def __init__(
        self,
        alphas: Any = (0.1, 1.0, 10.0),
        *,
        fit_intercept: bool = True,
        scoring: Any = None,
        cv: Any = None,
        gcv_mode: str | None = None,
        store_cv_results: bool = False,
        alpha_per_target: bool = False,
        standardize: bool = False,
        penalty_factor: Any = None,
        bounds: Any = None,
        rule: str = "min",
    ) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target
        self.standardize = standardize
        self.penalty_factor = penalty_factor
        self.bounds = bounds
        self.rule = rule

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> Self:
        """Fit to X (n, p) and y (n,) or (n, T), with row weights (n,) >= 0; `groups` (n,) goes to the splitter `cv`.

        FoldMoments are given alone, and their folds are used: cv and scoring are left None.
        """
        if isinstance(X, FoldMoments):
            return self._fit_moments(X, y=y, sample_weight=sample_weight, groups=groups)
        self._check_parameters()
        alphas = numbers("alphas", self.alphas, above=self.cv is None)
        X, y, weights = self._read(X, y, sample_weight, least_rows=2)
        Y = y.reshape(len(X), -1)
        for name in ("cv_results_", "folds_", "paths_", "gap_"):
            self.__dict__.pop(name, None)  # of an earlier fit with another cv
        if self.cv is None:
            scores, results = self._leave_one_out(X, Y, alphas, weights)
            if self.store_cv_results:
                self.cv_results_ = results[:, 0] if y.ndim == 1 else results
            repeats = 1
        else:
            alphas = np.sort(alphas)[::-1]
            self.folds_ = read_folds(self.cv, X, y, groups)
            paths = self._fit_folds(X, Y, alphas, weights)
            self.paths_: Paths | tuple[Paths, ...] = paths if len(paths) > 1 else paths[0]
            scores = [self._score_folds(X, Y, weights, paths)]
            repeats = self.folds_.n_repeats
        chosen = np.array([choose_by_score(part, alphas, self.rule, repeats) for part in scores])
        best = np.array([part.mean(axis=0)[at] for part, at in zip(scores, chosen, strict=True)])
        several = len(chosen) > 1
        self.alpha_ = alphas[chosen] if several else float(alphas[chosen[0]])
        self.best_score_ = best if several else float(best[0])
        if self.cv is not None:
            gap = np.array([each.gap[each.index(), chosen[0]] for each in paths])
            self.gap_ = gap if len(gap) > 1 else float(gap[0])
            if y.ndim == 1 and self._take_from_path(X, Y, weights, int(chosen[0])):
                return self
        final = Ridge(
            self.alpha_,
            fit_intercept=self.fit_intercept,
            standardize=self.standardize,
            penalty_factor=self.penalty_factor,
            bounds=self.bounds,
        ).fit(X, y, sample_weight=weights)
        self.coef_, self.intercept_, self.scale_ = final.coef_, final.intercept_, final.scale_
        return self

    def _fit_moments(self, moments: FoldMoments, **given: Any) -> Self:
        from_moments.start(self, moments, **given)
        from_moments.refuse_folds(self.cv, moments)
        rule = choice("rule", self.rule, ("min", "1se"))
        asked = {"scoring": self.scoring, "store_cv_results": self.store_cv_results or None}
        rows = [name for name, value in (asked | {"alpha_per_target": self.alpha_per_target or None}).items() if value]
        if rows:
            raise InputError(f"{rows[0]} needs the rows, got FoldMoments")
        alphas = np.sort(numbers("alphas", self.alphas))[::-1]
        settings = from_moments.quadratic_settings(self, moments.n_features)
        self.paths_ = fit_paths(moments, alphas=alphas, loss="sum", **settings).uninterrupted()
        scores = from_moments.explained_shares(self.paths_, moments)
        at = choose_by_score(scores, alphas, rule, moments.n_repeats)
        self.alpha_, self.best_score_ = float(alphas[at]), float(scores.mean(axis=0)[at])
        self.coef_, intercept = self.paths_.model(at=at)
        self.intercept_ = np.float64(intercept) if settings["fit_intercept"] else 0.0
        index = self.paths_.index()
        self.gap_, self.scale_ = float(self.paths_.gap[index, at]), self.paths_.scale[index]
        return self

    def _take_from_path(self, X: Array, Y: Array, weights: Array | None, at: int) -> bool:
        """Take the final model from its path, if the rows say that it has all the digits that a fit to them would have.

        The objective's curvature is at least alpha D, D being the penalty's weights, so a gradient g leaves an error of
        at most |D^-1/2 g| / alpha in D^1/2 b. The gradient is computed from the rows.
        """
        paths = self.paths_
        alpha = float(np.atleast_1d(self.alpha_)[0])
        if isinstance(paths, tuple) or self.bounds is not None or alpha <= 0.0 or Y.shape[1] > 1:
            return False
        coef, intercept = paths.model(at=at)
        scale = paths.scale[paths.index()]
        factor = np.broadcast_to(
            1.0 if self.penalty_factor is None else np.asarray(self.penalty_factor, float), coef.shape
        )
        free = np.isfinite(factor) & (scale > 0.0)
        unit = np.where(free, factor, 1.0) * (scale**2 if self.standardize else 1.0)
        if not np.all(unit[free] > 0.0):
            return False
        residual = Y[:, 0] - X @ coef - intercept
        residual = residual if weights is None else weights * residual
        gradient = X.T @ residual - paths.mean[paths.index()] * residual.sum() * self.fit_intercept
        root = np.sqrt(unit[free])
        off = np.linalg.norm((gradient[free] - alpha * unit[free] * coef[free]) / root) / alpha
        if off > CLOSE * np.linalg.norm(root * coef[free]):
            return False
        self.coef_, self.intercept_, self.scale_ = coef, np.float64(intercept) if self.fit_intercept else 0.0, scale
        return True

    def _check_parameters(self) -> None:
        choice("rule", self.rule, ("min", "1se"))
        choice("gcv_mode", self.gcv_mode, (None, "auto", "svd", "eigen"))
        flag("fit_intercept", self.fit_intercept)
        flag("store_cv_results", self.store_cv_results)
        flag("alpha_per_target", self.alpha_per_target)
        if self.cv is not None and (self.store_cv_results or self.alpha_per_target):
            name = "store_cv_results" if self.store_cv_results else "alpha_per_target"
            raise InputError(f"{name} must be False with cv, got True; it is for leave-one-out (cv=None)")
        if self.cv is None and (flag("standardize", self.standardize) or self.bounds is not None):
            name = "standardize" if self.standardize else "bounds"
            raise InputError(
                f"{name} can't be had with cv=None: leave-one-out by one factorization needs no bounds, and the same "
                "penalty whichever row is left out; pass cv= (n folds are leave-one-out too)"
            )
        if self.cv is None and self.rule == "1se" and self.scoring is not None:
            raise InputError(
                "rule must be 'min' with cv=None and scoring, which gives one score for all rows, got '1se'"
            )

    def _leave_one_out(self, X: Array, Y: Array, alphas: Array, weights: Array | None) -> tuple[list[Array], Array]:
        """Scores (n, A), or (1, A) by a scorer, of all targets together or of each; what they score, (n, T, A)."""
        options = check_options(
            X.shape[1],
            fit_intercept=self.fit_intercept,
            standardize=False,
            penalty_factor=self.penalty_factor,
            bounds=None,
        )
        errors = leave_one_out_errors(
            X,
            Y,
            alphas,
            penalty_factor=options.penalty_factor,
            weights=weights,
            fit_intercept=self.fit_intercept,
        )
        if self.scoring is None:
            results = errors**2 if weights is None else errors**2 * weights[:, None]
        else:
            results = Y - errors
        kept = np.moveaxis(results, 0, -1)
        groups = [[t] for t in range(Y.shape[1])] if self.alpha_per_target else [list(range(Y.shape[1]))]
        if self.scoring is None:
            return [-results[:, :, group].mean(axis=2).T for group in groups], kept
        scores = [
            np.array([[self._score(Y[:, group], predicted[:, group], weights) for predicted in results]])
            for group in groups
        ]
        return scores, kept

    def _fit_folds(self, X: Array, Y: Array, alphas: Array, weights: Array | None) -> tuple[Paths, ...]:
        """Paths of every target."""
        return tuple(
            fit_paths(
                X,
                target,
                alphas=alphas,
                l1_ratio=0.0,
                loss="sum",
                folds=self.folds_,
                sample_weight=weights,
                fit_intercept=self.fit_intercept,
                standardize=flag("standardize", self.standardize),
                penalty_factor=self.penalty_factor,
                bounds=limits(self.bounds, X.shape[1], positive=False),
            ).uninterrupted()
            for target in Y.T
        )

    def _score_folds(self, X: Array, Y: Array, weights: Array | None, paths: tuple[Paths, ...]) -> Array:
        """Scores (R K, A) of all targets together."""
        points = len(paths[0].alphas)
        scores = np.empty((self.folds_.get_n_splits(), points))
        for fold in range(len(scores)):
            rows = self.folds_.test_rows(fold)
            part = None if weights is None else weights[rows]
            if self.scoring is None:
                errors = np.array([each.cv_error[fold] for each in paths])
                scores[fold] = explained_share(Y[rows], errors, part)
                continue
            predicted = np.stack([each.predict(X[rows], [fold]) for each in paths], axis=1)
            scores[fold] = [self._score(Y[rows], predicted[:, :, at], part) for at in range(points)]
        return scores

    def _score(self, Y: Array, predicted: Array, weights: Array | None) -> float:
        scorer = check_scoring(_Known(), scoring=self.scoring)
        target, guess = (Y, predicted) if Y.shape[1] > 1 else (Y[:, 0], predicted[:, 0])
        return float(scorer(_Known(), guess, target, **({} if weights is None else {"sample_weight": weights})))


class _Known(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """What a scorer takes for a model when the predictions are known already."""

    def fit(self, X: Any, y: Any) -> Self:  # noqa: ARG002 - a scorer asks for the method, and never calls it
        return self

    def predict(self, X: Array) -> Array:
        return X


def explained_share(Y: Array, errors: Array, weights: Array | None) -> Array:
    """R^2 (A,) on the rows of a fold, the mean over targets, from mean squared errors (T, A).

    As scikit-learn has it: 0 for a target that is constant in the fold, 1 if it is predicted exactly.

    Examples
    --------
    >>> import numpy as np
    >>> explained_share(np.array([[0.0], [2.0]]), np.array([[0.25, 1.0]]), None).tolist()
    [0.75, 0.0]
    """
    if len(Y) < 2:
        raise InputError("scoring=None is R^2, which needs two rows in a fold; use scoring='neg_mean_squared_error'")
    spread = np.average((Y - np.average(Y, axis=0, weights=weights)) ** 2, axis=0, weights=weights)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(spread > 0, 1 - errors / spread, np.where(errors > 0, 0.0, 1.0))
    return np.asarray(share.mean(axis=0))


def choose_by_score(scores: Array, alphas: Array, rule: str, repeats: int) -> int:
    """Position of the alpha with the best mean score (F, A), the strongest among equals, or by the 1-SE rule.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([[0.5, 0.7], [0.6, 0.7], [1.05, 0.8]])
    >>> [choose_by_score(scores, np.array([10.0, 1.0]), rule, 1) for rule in ("min", "1se")]
    [1, 0]
    """
    if rule == "1se":
        return one_standard_error(-scores, alphas, repeats=repeats).index_1se
    mean = scores.mean(axis=0)
    return int(max(np.flatnonzero(mean == mean.max()), key=alphas.__getitem__))
