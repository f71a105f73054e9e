"""Searching: the strength, and the mixture of penalties, with the best score on folds that all fits share."""

import copy
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import numpy as np

from foldwise.linear.checks import Array
from foldwise.linear.generalized import PATH_TOL, GeneralizedModel
from foldwise.linear.generalized_regressor import shows_progress
from foldwise.linear.ridge_cv import choose_by_score
from foldwise.parameters.checks import choice, number, numbers, whole
from foldwise.paths import Paths, RowStream, RowTable, fit_paths
from foldwise.paths.control import check_time_limit
from foldwise.resampling import Folds


class Searching(GeneralizedModel):
    """A model that chooses alpha, and l1_ratio of a list, on the same folds in one go; see `PoissonRegressorCV`."""

    folds_: Folds
    paths_: Paths | tuple[Paths, ...]
    l1_ratio: Any

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

    def _search(self, rows: RowTable | RowStream, score: Callable[[Paths], Array], *, tol: float = PATH_TOL) -> None:
        """Keep paths, scores and the choice, by scores (K, A) of a path; folds count alike in the mean."""
        rule = choice("rule", self.rule, ("min", "1se"))
        ratios = numbers("l1_ratio", self.l1_ratio, high=1.0)
        eps = number("eps", self.eps, high=1.0, above=True)
        alphas = whole("alphas", self.alphas, 1) if np.ndim(self.alphas) == 0 else numbers("alphas", self.alphas)
        progress, limit = shows_progress(self.verbose), check_time_limit(self.time_limit)
        settings = self._path_settings(rows.n_features, tol)
        paths = fit_ratios(rows, ratios, limit, alphas=alphas, eps=eps, progress=progress, **settings)
        scores = [score(path) for path in paths]
        best, at = pick(paths, scores, rule)
        self.alpha_, self.l1_ratio_ = float(paths[best].alphas[at]), float(ratios[best])
        single = np.ndim(self.l1_ratio) == 0
        self.paths_ = paths[0] if single else tuple(paths)
        tables = [path.alphas for path in paths], [each.T for each in scores]
        self.alphas_, self.scores_ = (part[0] if single else side_by_side(part) for part in tables)


def fit_ratios(rows: RowTable | RowStream, ratios: Array, limit: float | None, **settings: Any) -> list[Paths]:
    """One path for each l1_ratio from the same rows, each with its share of the time that is left."""
    began, paths = monotonic(), list[Paths]()
    for ratio in ratios.tolist():
        left = None if limit is None else max((began + limit - monotonic()) / (len(ratios) - len(paths)), 1e-9)
        paths.append(fit_paths(rows, l1_ratio=ratio, time_limit=left, **settings))
        if paths[-1].ended == "interrupted":
            break
    return paths


def pick(paths: Sequence[Paths], scores: Sequence[Array], rule: str) -> tuple[int, int]:
    """The path with the best mean score (K, A) over the folds, the first among equals, and the rule's place in it."""
    best = int(np.argmax([score.mean(axis=0).max() for score in scores]))
    return best, choose_by_score(scores[best], paths[best].alphas, rule, paths[best].n_repeats)


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
