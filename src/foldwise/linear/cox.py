"""Cox regression: hazards from times to an event, some censored, at one strength or with the strength chosen."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import validate_data

from foldwise.errors import InputError
from foldwise.families import Cox
from foldwise.linear.base import FLOATS
from foldwise.linear.checks import Array
from foldwise.linear.concordance import concordance
from foldwise.linear.folding import read_folds
from foldwise.linear.generalized import GeneralizedModel
from foldwise.linear.searching import Searching
from foldwise.moments.check import check_weight
from foldwise.parameters.checks import choice, number
from foldwise.paths import Paths

PATH_TOL = 1e-7
"""The optimality residual of a path that only chooses a strength."""


class CoxModel(GeneralizedModel):
    """What both Cox estimators share: times and events, risks, concordance."""

    def __init__(self, *, l1_ratio: Any = 0.0, ties: str = "breslow", **rest: Any) -> None:
        super().__init__(**rest)
        self.l1_ratio = l1_ratio
        self.ties = ties

    def _family(self) -> Cox:
        return Cox(choice("ties", self.ties, ("breslow", "efron")))

    def _path_settings(self, p: int, least: float) -> dict[str, Any]:
        return super()._path_settings(p, least) | {"fit_intercept": False}

    def _read_times(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Array, Array | None]:
        """X, entry, time, event and stratum (n, 4), and weights."""
        X = validate_data(self, X, dtype=FLOATS, accept_sparse=self._sparse_kinds())
        times = self._family().check_target(y, X.shape[0])
        return X, times, check_weight(sample_weight, X.shape[0])

    def predict(self, X: Any, offset: Any = None) -> Array:
        """Risk scores (n,): the logarithm of the hazard ratio to a row with x = 0; the higher, the sooner."""
        return self._linear_predictor(X, offset)

    def score(self, X: Any, y: Any, offset: Any = None) -> float:
        """Harrell's concordance of the risks with times and events y."""
        risk = self.predict(X, offset)
        _, time, event, _ = self._family().check_target(y, len(risk)).T
        return concordance(time, event, risk)

    def _keep(self) -> None:
        self.intercept_ = 0.0


class CoxRegressor(CoxModel):
    """Cox: minimize 1/W times minus the log partial likelihood + alpha sum_j f_j (r |b_j| + (1 - r)/2 b_j^2).

    The hazard is exp(o + x b) times a baseline that nothing is assumed of. There is no intercept.

    Parameters
    ----------
    alpha : float >= 0, default 1.0
        Penalty strength.
    l1_ratio : float in [0, 1], default 0.0
        0 is ridge, 1 the lasso.
    ties : 'breslow' or 'efron', default 'breslow'
        What several events at one time count.
    tol, standardize, penalty_factor, bounds, max_iter, warm_start
        As for `PoissonRegressor`; fit_intercept is without effect.

    Attributes
    ----------
    coef_ : (p,)
        Change of the logarithm of the hazard per unit of x.
    intercept_ : float
        0.
    gap_ : float
        The optimality conditions' residual, over the steepest slope of the null model.
    n_iter_, scale_, n_features_in_, feature_names_in_
        As for `PoissonRegressor`.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> y = np.array([(True, 1.0), (True, 2.0), (False, 3.0), (True, 4.0)], dtype=[("died", bool), ("time", float)])
    >>> model = fw.CoxRegressor(alpha=0.1).fit([[3.0], [2.0], [1.0], [0.0]], y)
    >>> model.coef_.round(2).tolist(), model.score([[3.0], [2.0], [1.0], [0.0]], y)
    ([1.43], 1.0)
    """

    def __init__(self, *, alpha: float = 1.0, **rest: Any) -> None:
        super().__init__(**rest)
        self.alpha = alpha

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and times with events.

        Parameters
        ----------
        X : (n, p)
        y : (n,) structured, as scikit-survival's: a field of booleans (the event) and one of times; also "start" and
            "stratum". Or columns (time, event), (start, time, event), (start, time, event, stratum).
        sample_weight, offset : (n,), default None
        """
        alpha = number("alpha", self.alpha)
        l1_ratio = number("l1_ratio", self.l1_ratio, high=1.0)
        X, times, weights = self._read_times(X, y, sample_weight)
        self._fit_at(self._rows_of(X, times, self._family(), weights, offset), alpha, l1_ratio, loss="mean")
        self._keep()
        return self


class CoxRegressorCV(Searching, CoxModel):
    """Cox regression with alpha, and l1_ratio of a list, chosen by cross-validation; the objective is CoxRegressor's.

    Parameters
    ----------
    alphas, eps, l1_ratio, cv, rule, time_limit, verbose
        As for `PoissonRegressorCV`; a number of folds spreads the events evenly.
    scoring : 'deviance' or 'concordance', default 'deviance'
        The partial likelihood's deviance within each fold, or Harrell's concordance.
    ties and others
        As for `CoxRegressor`.

    Attributes
    ----------
    alpha_, l1_ratio_, coef_, gap_, n_iter_, scale_, alphas_, scores_, folds_, paths_
        As for `PoissonRegressorCV`.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(120, 5))
    >>> y = np.column_stack([rng.exponential(np.exp(-X[:, 1])), rng.random(120) < 0.8])
    >>> model = fw.CoxRegressorCV(alphas=30, l1_ratio=1.0, rule="1se").fit(X, y)
    >>> np.flatnonzero(model.coef_).tolist(), model.scores_.shape
    ([1], (30, 5))
    """

    def __init__(self, *, eps: float = 1e-2, **rest: Any) -> None:
        super().__init__(eps=eps, **rest)

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None, groups: Any = None) -> Self:
        """Fit to X (n, p) and times with events as for `CoxRegressor.fit`; `groups` (n,) goes to `cv`."""
        scoring = choice("scoring", self.scoring, ("deviance", "concordance"))
        X, times, weights = self._read_times(X, y, sample_weight)
        self.folds_ = read_folds(self.cv, X, times[:, 2].astype(np.intp), groups, classes=True)
        self._check_events(times)
        rows = self._rows_of(X, times, self._family(), weights, offset, self.folds_)
        by_deviance = scoring == "deviance"
        self._search(rows, lambda path: -path.cv_error if by_deviance else self._concordances(path, rows), tol=PATH_TOL)
        plain = self._rows_of(X, times, self._family(), weights, offset)
        self._fit_at(plain, self.alpha_, self.l1_ratio_, loss="mean")
        self._keep()
        return self

    def _check_events(self, times: Array) -> None:
        for fold in range(self.folds_.get_n_splits()):
            if not times[self.folds_.test_rows(fold), 2].any():
                raise InputError(
                    f"cv must leave an event in every fold, got none in fold {fold}: use fewer folds, or a number of "
                    "folds, which spreads the events"
                )

    def _concordances(self, paths: Paths, rows: Any) -> Array:
        """Of every fold and strength (K, A)."""
        found = np.empty((self.folds_.get_n_splits(), len(paths.alphas)))
        for fold in range(len(found)):
            test = self.folds_.test_rows(fold)
            added = None if rows.offset is None else rows.offset[test]
            risk = paths.linear_predictor(rows.X[test], {fold}, offset=added)
            _, time, event, _ = rows.y[test].T
            found[fold] = [concordance(time, event, risk[:, at]) for at in range(found.shape[1])]
        return found
