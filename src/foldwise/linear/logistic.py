"""Logistic regression: the chances of two classes or more, at one strength."""

from typing import Any, Self

import numpy as np
from scipy.special import expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from foldwise.errors import InputError
from foldwise.families import Binomial, Family, Multinomial
from foldwise.linear import from_stream
from foldwise.linear.base import FLOATS
from foldwise.linear.checks import Array
from foldwise.linear.generalized import GeneralizedModel
from foldwise.linear.labels import read_classes, weights_of
from foldwise.moments.check import check_weight
from foldwise.parameters.checks import choice, flag, number
from foldwise.paths import RowStream, RowTable

_SOLVERS = ("lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga")


class LogisticModel(ClassifierMixin, GeneralizedModel):  # type: ignore[misc]
    """What both logistic estimators share: classes, decisions and probabilities."""

    classes_: Any

    def __init__(
        self,
        *,
        class_weight: Any = None,
        penalty: Any = "deprecated",
        dual: bool = False,
        intercept_scaling: float = 1,
        random_state: Any = None,
        solver: str = "lbfgs",
        verbose: int = 0,
        n_jobs: int | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.class_weight = class_weight
        self.penalty = penalty
        self.dual = dual
        self.intercept_scaling = intercept_scaling
        self.random_state = random_state
        self.solver = solver
        self.verbose = verbose
        self.n_jobs = n_jobs

    def _path_settings(self, p: int, least: float) -> dict[str, Any]:
        choice("solver", self.solver, _SOLVERS)
        choice("penalty", self.penalty, ("deprecated", "l1", "l2", "elasticnet", None))
        flag("dual", self.dual)
        return super()._path_settings(p, least)

    def _read_classes(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Array, Array | None, Array | None]:
        """X, the rows' class numbers, the sample weights, and those times the classes'."""
        X, y = validate_data(self, X, y, dtype=FLOATS, accept_sparse=self._sparse_kinds())
        self.classes_, target = read_classes(y)
        self._check_size(X, y)
        weights = check_weight(sample_weight, X.shape[0])
        if weights is not None and not np.all(np.bincount(target.astype(np.intp), weights) > 0.0):
            raise InputError("sample_weight must be positive for a row of each class, got zeros for one class")
        return X, target, weights, weights_of(self.class_weight, self.classes_, target, weights)

    def _start(self, stream: RowStream, **given: Any) -> None:
        given["class_weight"] = self.class_weight
        from_stream.start(self, stream, Binomial(), **given)
        self.classes_ = from_stream.classes_of(stream)

    def _family(self) -> Family:
        return Binomial() if len(self.classes_) == 2 else Multinomial()

    def _in_shape(self) -> None:
        """scikit-learn's shapes: coef_ (1, p) or (C, p), intercept_ (1,) or (C,), n_iter_ (1,)."""
        self.coef_, self.intercept_ = np.atleast_2d(self.coef_), np.atleast_1d(self.intercept_)
        self.n_iter_ = np.array([self.n_iter_], dtype=np.int32)

    def decision_function(self, X: Any, offset: Any = None) -> Array:
        """Log odds (n,) of the second class for the rows of X (n, p), with the offset (n,) the model asks for.

        For C > 2 classes, (n, C): logarithms of the chances, up to a constant for each row.
        """
        return self._linear_predictor(X, offset)

    def predict(self, X: Any, offset: Any = None) -> Any:
        """The most probable class (n,) of the rows of X (n, p)."""
        check_is_fitted(self)
        eta = self.decision_function(X, offset)
        return self.classes_[(eta > 0.0).astype(np.intp) if eta.ndim == 1 else eta.argmax(axis=1)]

    def predict_proba(self, X: Any, offset: Any = None) -> Array:
        """Probabilities (n, C) in the order of `classes_`."""
        eta = self.decision_function(X, offset)
        return np.column_stack([expit(-eta), expit(eta)]) if eta.ndim == 1 else np.asarray(softmax(eta, axis=1))

    def predict_log_proba(self, X: Any, offset: Any = None) -> Array:
        """Logarithms (n, C) of the probabilities, exact where those are near 0."""
        eta = self.decision_function(X, offset)
        if eta.ndim == 2:
            return np.asarray(log_softmax(eta, axis=1))
        return -np.column_stack([np.logaddexp(0.0, eta), np.logaddexp(0.0, -eta)])

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Accuracy."""
        return float(np.average(self.predict(X, offset) == np.asarray(y), weights=sample_weight))


class LogisticRegression(LogisticModel):
    """Logistic: minimize C sum_i w_i (log(1 + exp(eta_i)) - y_i eta_i) + sum_j f_j (r |b_j| + (1 - r)/2 b_j^2).

    y_i is 1 for the second class in sorted order, eta_i = o_i + b0 + x_i b, r the l1_ratio, and w_i the row's weight
    times its class's; b0 is not penalized. For three classes or more (multinomial) each has its own line, the loss is
    log sum_c exp(eta_ic) - eta_iy, and offsets can't be given. A drop-in for scikit-learn's class. Every mixture of
    penalties is solved by the same method, and ends with a certificate: the relative duality gap `gap_`, at most
    1e-12 or a ConvergenceWarning says so. In the terms of `fit_paths`, alpha = 1 / (C W), W the sum of the weights.

    Parameters
    ----------
    C : float > 0, default 1.0
        Inverse of the penalty strength; infinity for no penalty.
    l1_ratio : float in [0, 1], default 0.0
        0 is ridge, 1 the lasso.
    class_weight : dict, 'balanced' or None, default None
        What rows of a class count; 'balanced' gives all classes the same weight in all.
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
    penalty : 'l1', 'l2', 'elasticnet' or None
        As scikit-learn's deprecated parameter: sets l1_ratio to 1 or 0, or C to infinity.
    dual, intercept_scaling, max_iter, random_state, solver, verbose, warm_start, n_jobs
        Accepted for compatibility, without effect: there is one solution to find.

    Attributes
    ----------
    classes_ : (C,)
        The classes in sorted order.
    coef_ : (1, p), or (C, p) for C > 2
        Change of the log odds of the second class (of the logarithm of each class's chance) per unit of x.
    intercept_ : (1,), or (C,)
        Log odds at x = 0 (and offset 0).
    gap_ : float
        Relative duality gap: how far the objective can be above its minimum, over that of the intercept alone.
    n_iter_ : (1,)
        Newton steps.
    scale_ : (p,)
        Standard deviations of the columns over the weighted rows.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Warns
    -----
    SeparationWarning
        Without a penalty, where the features tell the classes apart (separation): no finite coefficients are best.

    Examples
    --------
    >>> import foldwise as fw
    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> model = fw.LogisticRegression().fit(X, ["no", "no", "yes", "yes"])
    >>> model.predict([[0.5], [2.5]]).tolist(), model.predict_proba([[1.5]]).round(6).tolist()
    (['no', 'yes'], [[0.5, 0.5]])
    """

    def __init__(self, *, C: float = 1.0, l1_ratio: float = 0.0, **rest: Any) -> None:
        super().__init__(**rest)
        self.C = C
        self.l1_ratio = l1_ratio

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and classes y (n,) with labels of any kind; or to a `RowStream` alone.

        Parameters
        ----------
        X : (n, p). y : (n,)
        sample_weight : (n,), default None
            Row weights >= 0.
        offset : (n,), default None
            Added to the log odds and not fitted.
        """
        strength = 1.0 / number("C", self.C, high=np.inf, above=True)
        l1_ratio = number("l1_ratio", self.l1_ratio, high=1.0)
        l1_ratio = {"l1": 1.0, "l2": 0.0}.get(str(self.penalty), l1_ratio)
        rows: RowTable | RowStream
        if isinstance(X, RowStream):
            self._start(X, y=y, sample_weight=sample_weight, offset=offset)
            rows = X.without_folds()
        else:
            X, target, _, weights = self._read_classes(X, y, sample_weight)
            rows = self._rows_of(X, target, self._family(), weights, offset)
        self._fit_at(rows, 0.0 if self.penalty is None else strength, l1_ratio, loss="sum")
        self._in_shape()
        return self
