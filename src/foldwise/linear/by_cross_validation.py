"""Generalized linear regressors whose strength is chosen by cross-validation, for all families."""

from typing import Any, Self

import numpy as np

from foldwise.linear import from_stream
from foldwise.linear.checks import Array
from foldwise.linear.folding import read_folds
from foldwise.linear.generalized_regressor import GeneralizedRegressor
from foldwise.linear.scoring import fold_scores
from foldwise.linear.searching import Searching, models_of
from foldwise.paths import RowStream


class ByCrossValidation(Searching, GeneralizedRegressor):
    """A regressor that chooses alpha, and l1_ratio of a list, on the same folds in one go; see `PoissonRegressorCV`."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None, groups: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and y (n,); folds count alike in the mean score.

        A `RowStream` is given alone, and its folds are used; then there is no `folds_`.

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
        self.__dict__.pop("folds_", None)  # of an earlier fit
        if isinstance(X, RowStream):
            family = self._family_for(X, np.zeros(0), None, None)
            from_stream.start(self, X, family, y=y, sample_weight=sample_weight, offset=offset, groups=groups)
            from_stream.check_search(self.cv, self.scoring, X)
            self._search(X, lambda path: from_stream.fold_scores(self.scoring, path))
            self._fit_at(X.without_folds(), self.alpha_, self.l1_ratio_, loss="mean")
            return self
        X, y, weights = self._read(X, y, sample_weight, targets=False, least_rows=2, single=True)
        family = self._family_for(X, y, weights, offset)
        self.folds_ = read_folds(self.cv, X, y, groups)
        rows = self._rows_of(X, y, family, weights, offset, self.folds_)
        self._search(rows, lambda path: fold_scores(self.scoring, path, rows, weights, y, models_of(self, path)))
        self._fit_at(self._rows_of(X, y, family, weights, offset), self.alpha_, self.l1_ratio_, loss="mean")
        return self

    def _family_for(self, X: Any, y: Array, weights: Array | None, offset: Any) -> Any:  # noqa: ARG002 - for Huber's
        """The family, whose parameter may depend on the rows."""
        return self._family()
