"""Generalized linear regressors whose strength is chosen by cross-validation, for all families."""

import copy
from time import monotonic
from typing import Any, Self

import numpy as np

from foldwise.linear.checks import Array
from foldwise.linear.folding import read_folds
from foldwise.linear.generalized import PATH_TOL, GeneralizedModel
from foldwise.linear.generalized_regressor import GeneralizedRegressor, shows_progress
from foldwise.linear.ridge_cv import choose_by_score
from foldwise.linear.scoring import fold_scores
from foldwise.parameters.checks import choice, number, numbers, whole
from foldwise.paths import Paths, RowTable, fit_paths
from foldwise.paths.control import check_time_limit


class ByCrossValidation(GeneralizedRegressor):
    """A regressor that chooses alpha, and l1_ratio of a list, on the same folds in one go; see `PoissonRegressorCV`."""

    def __init__(
        self,
        *,
        alphas: Any = 100,
        eps: float = 1e-3,
        cv: Any = None,
        scoring: Any = "deviance",
        rule: str = "min",
        time_limit: float | None = None,
        verbose: int = 0,
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.alphas = alphas
        self.eps = eps
        self.cv = cv
        self.scoring = scoring
        self.rule = rule
        self.time_limit = time_limit
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None, groups: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and y (n,); folds count alike in the mean score.

        Parameters
        ----------
        X : (n, p). y : (n,)
        sample_weight : (n,), default None
            Row weights >= 0, in fits and scores.
        offset : (n,), default None
            Added to the linear predictor and not fitted.
        groups : (n,), default None
            Passed to the splitter `cv`.
        """
        rule = choice("rule", self.rule, ("min", "1se"))
        ratios = numbers("l1_ratio", self.l1_ratio, high=1.0)
        eps = number("eps", self.eps, high=1.0, above=True)
        alphas = whole("alphas", self.alphas, 1) if np.ndim(self.alphas) == 0 else numbers("alphas", self.alphas)
        X, y, weights = self._read(X, y, sample_weight, targets=False, least_rows=2, single=True)
        family = self._family_for(X, y, weights, offset)
        self.folds_ = read_folds(self.cv, X, y, groups)
        rows = self._rows_of(X, y, family, weights, offset, self.folds_)
        settings = self._path_settings(X.shape[1], PATH_TOL)
        progress = shows_progress(self.verbose)
        limit = check_time_limit(self.time_limit)
        paths = fit_ratios(rows, ratios, limit, alphas=alphas, eps=eps, progress=progress, **settings)
        scores = [fold_scores(self.scoring, path, rows, weights, y, models_of(self, path)) for path in paths]
        best = int(np.argmax([score.mean(axis=0).max() for score in scores]))
        at = choose_by_score(scores[best], paths[best].alphas, rule, self.folds_.n_repeats)
        self.alpha_, self.l1_ratio_ = float(paths[best].alphas[at]), float(ratios[best])
        single = np.ndim(self.l1_ratio) == 0
        self.paths_: Paths | tuple[Paths, ...] = paths[0] if single else tuple(paths)
        tables = [path.alphas for path in paths], [score.T for score in scores]
        self.alphas_, self.scores_ = (part[0] if single else side_by_side(part) for part in tables)
        self._fit_at(self._rows_of(X, y, family, weights, offset), self.alpha_, self.l1_ratio_, loss="mean")
        return self

    def _family_for(self, X: Any, y: Array, weights: Array | None, offset: Any) -> Any:  # noqa: ARG002 - for Huber's
        """The family, whose parameter may depend on the rows."""
        return self._family()


def fit_ratios(rows: RowTable, ratios: Array, limit: float | None, **settings: Any) -> list[Paths]:
    """One path for each l1_ratio from the same rows, each with its share of the time that is left."""
    began, paths = monotonic(), list[Paths]()
    for ratio in ratios.tolist():
        left = None if limit is None else max((began + limit - monotonic()) / (len(ratios) - len(paths)), 1e-9)
        paths.append(fit_paths(rows, l1_ratio=ratio, time_limit=left, **settings))
        if paths[-1].ended == "interrupted":
            break
    return paths


def models_of(model: GeneralizedModel, paths: Paths) -> Any:
    """A function of a held-out set and a position in the alphas that gives the fitted model, for scorers."""

    def fitted(held_out: frozenset[int], at: int) -> Any:
        made = copy.copy(model)
        coef, made.intercept_ = paths.model(held_out, at=at)
        made.coef_ = coef.T
        made.with_offset_ = False
        return made

    return fitted


def side_by_side(parts: list[Array]) -> Array:
    """Parts of one path each, NaN where a path ended before the others.

    Examples
    --------
    >>> side_by_side([np.array([2.0, 1.0]), np.array([3.0])])
    array([[ 2.,  1.],
           [ 3., nan]])
    """
    shape = np.max([part.shape for part in parts], axis=0)
    pads = [[(0, more) for more in shape - part.shape] for part in parts]
    return np.array([np.pad(part, pad, constant_values=np.nan) for part, pad in zip(parts, pads, strict=True)])
