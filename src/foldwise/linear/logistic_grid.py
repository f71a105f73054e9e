"""The grid that a cross-validated logistic regression went over, in the shapes that scikit-learn gives it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from foldwise.linear.checks import Array
from foldwise.paths import Paths


@dataclass(frozen=True, eq=False)
class Grid:
    """Every fold's fit at every l1_ratio and C, NaN where a path ended before.

    Parameters
    ----------
    scores : array (K, L, A)
    coefs : array (K, L, A, lines, width)
        One line for two classes, else C; with an intercept the last of the width is it.
    n_iter : array (K, L, A) of int
    """

    scores: Array
    coefs: Array
    n_iter: Any

    @classmethod
    def of(cls, paths: Sequence[Paths], scores: Sequence[Array], Cs: Array, lines: int, width: int) -> Self:
        """From paths with scores (K, A), their strengths the reverse of those of `Cs` in order."""
        place = np.argsort(np.argsort(Cs, kind="stable"), kind="stable")
        shape = (scores[0].shape[0], len(paths), len(Cs))
        grid = cls(np.full(shape, np.nan), np.full((*shape, lines, width), np.nan), np.zeros(shape, dtype=np.int32))
        for ratio, (path, score) in enumerate(zip(paths, scores, strict=True)):
            singles = [path.index({fold}) for fold in range(shape[0])]
            coef = path.coef[singles].reshape(shape[0], len(path.alphas), -1, lines)
            intercept = path.intercept[singles].reshape(shape[0], len(path.alphas), 1, lines)
            both = np.concatenate([coef, intercept], axis=2)[:, :, :width]
            reached = place < score.shape[1]
            at = place[reached]
            grid.scores[:, ratio, reached] = score[:, at]
            grid.coefs[:, ratio, reached] = both[:, at].swapaxes(2, 3)
            grid.n_iter[:, ratio, reached] = path.n_iter[singles][:, at]
        return grid

    def best_of_folds(self) -> tuple[Array, Any, Any]:
        """The mean (lines, width) of the folds' best fits, and which l1_ratio (K,) and C (K,) each is at."""
        by_C = self.scores.swapaxes(1, 2).reshape(len(self.scores), -1)
        C, ratio = np.unravel_index(np.nanargmax(by_C, axis=1), self.scores.shape[:0:-1])
        return self.coefs[np.arange(len(ratio)), ratio, C].mean(axis=0), ratio, C

    def legacy(self, classes: Any, *, single: bool) -> tuple[dict[Any, Array], dict[Any, Array], Any]:
        """`scores_` and `coefs_paths_` by class, C before l1_ratio, and `n_iter_`; `single` leaves out l1_ratio."""
        lines = self.coefs.shape[3]
        labels = classes[1:] if lines == 1 else classes

        def turned(array: Any) -> Any:
            return array[:, 0] if single else array.swapaxes(1, 2)

        scores = {label: turned(self.scores).copy() for label in labels}
        coefs = {label: turned(self.coefs[:, :, :, at]).copy() for at, label in enumerate(labels)}
        return scores, coefs, turned(self.n_iter)[None]
