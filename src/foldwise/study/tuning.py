"""Tuning: which grid point each outer fold chooses from its inner errors, and which one the final model takes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foldwise.inference import one_standard_error
from foldwise.study.search import Floats, Search
from foldwise.study.task import Rule


@dataclass(frozen=True, eq=False)
class Tuning:
    """Choices among the G points of a search.

    Attributes
    ----------
    outer : (R*K,) array of int
        The point chosen for each outer fold by the errors of its inner folds alone.
    final : int
        The point of the final model, chosen by the errors of all folds of all repeats.
    minimum, one_se : int
        The final choices by the smallest error and by the one-standard-error rule; `final` is one of them.
    score : float
        Mean squared error of the search at `final`: what an ordinary cross-validation would have reported.
    """

    outer: NDArray[np.intp]
    final: int
    minimum: int
    one_se: int
    score: float


def tune(search: Search, *, repeats: int, rule: Rule) -> Tuning:
    """Choose a point for every outer fold and for the final model.

    Errors of folds are weighted by the folds' row weights. Of equal errors the strongest penalty on the first path is
    taken. The one-standard-error rule moves along the path (the l1_ratio) that has the smallest error.
    """
    minimum, one_se, mean = _choose(search, search.outer_error, search.fold_weight, repeats)
    final = minimum if rule == "min" else one_se
    return Tuning(_choose_outer(search, repeats, rule), final, minimum, one_se, float(mean[final]))


def _choose(search: Search, errors: Floats, weights: Floats, repeats: int) -> tuple[int, int, Floats]:
    """(point of the smallest error, point by the one-standard-error rule, mean error (G,))."""
    mean = np.sum(weights[:, None] * errors, axis=0) / weights.sum()
    minimum = int(np.argmin(mean))
    points = np.flatnonzero(search.path == search.path[minimum])
    chosen = one_standard_error(errors[:, points], search.alphas[points], weights=weights, repeats=repeats)
    return minimum, int(points[chosen.index_1se]), mean


def _choose_outer(search: Search, repeats: int, rule: Rule) -> NDArray[np.intp]:
    n_outer = search.outer_error.shape[0]
    if search.inner_error is None:
        return np.zeros(n_outer, dtype=np.intp)
    n_folds = n_outer // repeats
    inner = ~np.tile(np.eye(n_folds, dtype=bool), (repeats, 1))  # (R*K, K): the folds an outer fold may learn from
    weights = np.where(inner, np.repeat(search.fold_weight.reshape(repeats, n_folds), n_folds, axis=0), 0.0)
    if rule == "1se":
        chosen = [
            _choose(search, errors[use], weight[use], 1)[1]
            for errors, weight, use in zip(search.inner_error, weights, inner, strict=True)
        ]
        return np.array(chosen, dtype=np.intp)
    mean = np.einsum("ik,ikg->ig", weights, np.where(inner[:, :, None], search.inner_error, 0.0))
    choice: NDArray[np.intp] = np.argmin(mean, axis=1)
    return choice
