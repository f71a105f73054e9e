"""Logistic regression whose strength is chosen by cross-validation."""

from collections.abc import Callable
from functools import partial
from typing import Any, Self

import numpy as np

from foldwise.errors import InputError
from foldwise.linear import from_stream
from foldwise.linear.checks import Array
from foldwise.linear.folding import read_folds
from foldwise.linear.generalized import PATH_TOL
from foldwise.linear.generalized_regressor import shows_progress
from foldwise.linear.labels import check_training_classes
from foldwise.linear.logistic import LogisticModel
from foldwise.linear.logistic_grid import Grid
from foldwise.linear.scoring import fold_scores
from foldwise.linear.searching import fit_ratios, models_of, pick
from foldwise.parameters.checks import choice, flag, numbers, whole
from foldwise.paths import Paths, RowStream, RowTable
from foldwise.paths.control import check_time_limit


class LogisticRegressionCV(LogisticModel):
    """Logistic regression with C and l1_ratio chosen by cross-validation on the same folds in one go.

    A drop-in for scikit-learn's class; the objective is `LogisticRegression`'s. As scikit-learn
    announces for its next versions, the score is the log loss unless another is asked for, l1_ratios is (0,), and the
    attributes are plain (`use_legacy_attributes=False`).

    Parameters
    ----------
    Cs : int or (A,), default 10
        How many values between 1e-4 and 1e4, or which; infinity for no penalty.
    l1_ratios : (L,), default (0.0,)
        0 is ridge, 1 the lasso. None for (0.0,).
    cv : int, Folds, splitter or splits, default None
        Numbers of folds (5 where None) are stratified. Test sets must partition the rows.
    scoring : str or callable, default "neg_log_loss"
        "neg_log_loss", "accuracy" (also None), "roc_auc", "neg_brier_score", "deviance", a scikit-learn scorer or its
        name.
    rule : 'min' or '1se', default 'min'
        The C with the best mean score over the folds, or the smallest within one standard error of it.
    time_limit : float, default None
        Seconds after which the paths end with the strengths finished by then, the smallest C first.
    verbose : bool or int, default 0
        Whether to show a bar.
    refit : bool, default True
        Whether the final model is fitted to all rows; if not, it is the mean of the folds' own best ones.
    use_legacy_attributes : bool, default False
        Whether C_, l1_ratio_, scores_, coefs_paths_ and n_iter_ are as scikit-learn had them until 1.9: by class, C
        before l1_ratio, without the latter where `l1_ratios` is None.
    class_weight, fit_intercept, tol, standardize, penalty_factor, bounds and others
        As for `LogisticRegression`; 'balanced' counts the classes of all rows.

    Attributes
    ----------
    C_, l1_ratio_ : float
        The choice.
    classes_, coef_, intercept_, gap_, scale_
        As for `LogisticRegression`: the final model, on all rows.
    n_iter_ : (K, L, A)
        Newton steps of each fold's fits.
    Cs_ : (A,)
        As given, or ascending.
    l1_ratios_ : (L,)
    scores_ : (K, L, A)
        Score on each fold, the greater the better; K counts the folds of all repeats.
    coefs_paths_ : (K, L, A, 1, p + 1), or with C in place of 1 for C > 2 classes
        Coefficients of each fold's fit, the intercept last (without one, p).
    folds_ : Folds
        The partition.
    paths_ : tuple of L Paths
        Every fold's coefficients at every strength (1 / C, against the sum over the rows), to a gap of 1e-10.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(120, 5))
    >>> y = np.where(2 * X[:, 1] + rng.logistic(size=120) > 0, "ill", "well")
    >>> model = fw.LogisticRegressionCV(Cs=20, l1_ratios=[0.5, 1.0], rule="1se", scoring="roc_auc").fit(X, y)
    >>> model.l1_ratio_, np.flatnonzero(model.coef_).tolist(), model.scores_.shape
    (0.5, [1], (5, 2, 20))
    """

    def __init__(
        self,
        *,
        Cs: Any = 10,
        l1_ratios: Any = (0.0,),
        cv: Any = None,
        scoring: Any = "neg_log_loss",
        refit: bool = True,
        use_legacy_attributes: bool = False,
        rule: str = "min",
        time_limit: float | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.use_legacy_attributes = use_legacy_attributes
        self.rule = rule
        self.time_limit = time_limit

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None, groups: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and classes y (n,) with labels of any kind.

        A `RowStream` is given alone, and its folds are used; then there is no `folds_`.

        Parameters
        ----------
        X : (n, p). y : (n,)
        sample_weight : (n,), default None
            Row weights >= 0, in fits and scores; class weights count in fits alone.
        offset : (n,), default None
            Added to the log odds and not fitted.
        groups : (n,), default None
            Passed to the splitter `cv`.
        """
        rule, refit = choice("rule", self.rule, ("min", "1se")), flag("refit", self.refit)
        legacy = flag("use_legacy_attributes", self.use_legacy_attributes)
        if rule == "1se" and not refit:
            raise InputError("rule must be 'min' with refit=False, which takes the best C of every fold, got '1se'")
        many = np.ndim(self.Cs) > 0
        self.Cs_ = numbers("Cs", self.Cs, np.inf, above=True) if many else np.logspace(-4, 4, whole("Cs", self.Cs, 1))
        ratios = numbers("l1_ratios", 0.0 if self.l1_ratios is None else self.l1_ratios, high=1.0)
        self.l1_ratios_ = {"l1": np.ones(1), "l2": np.zeros(1)}.get(str(self.penalty), ratios)
        self.__dict__.pop("folds_", None)  # of an earlier fit
        scoring, given = "accuracy" if self.scoring is None else self.scoring, np.asarray(y)
        rows: RowTable | RowStream
        plain: RowTable | RowStream
        score: Callable[[Paths], Array]
        if isinstance(X, RowStream):
            self._start(X, y=y, sample_weight=sample_weight, offset=offset, groups=groups)
            from_stream.check_search(self.cv, scoring, X)
            rows, plain = X, X.without_folds()
            score = partial(from_stream.fold_scores, scoring)
        else:
            X, target, counts, weights = self._read_classes(X, y, sample_weight)
            self.folds_ = read_folds(self.cv, X, self.classes_[target.astype(np.intp)], groups, classes=True)
            check_training_classes(self.classes_, target, self.folds_)
            rows = table = self._rows_of(X, target, self._family(), weights, offset, self.folds_)
            plain = self._rows_of(X, target, self._family(), weights, offset)

            def score(path: Paths) -> Array:
                return fold_scores(scoring, path, table, counts, given, models_of(self, path))

        settings = self._path_settings(rows.n_features, PATH_TOL) | {"loss": "sum", "alphas": 1.0 / self.Cs_}
        progress, limit = shows_progress(self.verbose), check_time_limit(self.time_limit)
        paths = fit_ratios(rows, self.l1_ratios_, limit, progress=progress, **settings)
        self.paths_ = tuple(paths)
        scores = [score(path) for path in paths]
        lines = 1 if len(self.classes_) == 2 else len(self.classes_)
        grid = Grid.of(paths, scores, self.Cs_, lines, rows.n_features + bool(self.fit_intercept))
        best, at = pick(paths, scores, rule)
        self.C_: Any = float(np.sort(self.Cs_)[at])
        self.l1_ratio_: Any = float(self.l1_ratios_[best])
        if refit:
            self._fit_at(plain, 1.0 / self.C_, self.l1_ratio_, loss="sum")
            self._in_shape()
        else:
            self._average(grid, offset)
        self.scores_: Any = grid.scores
        self.coefs_paths_: Any = grid.coefs
        self.n_iter_ = grid.n_iter
        if legacy:
            self.C_, self.l1_ratio_ = np.full(lines, self.C_), np.full(lines, self.l1_ratio_)
            self.scores_, self.coefs_paths_, self.n_iter_ = grid.legacy(self.classes_, single=self.l1_ratios is None)
        return self

    def _average(self, grid: Grid, offset: Any) -> None:
        """Keep the mean of the folds' own best models, as `refit=False` asks; of a mean there is no certificate."""
        mean, ratio, C = grid.best_of_folds()
        p = self.n_features_in_
        self.coef_ = mean[:, :p]
        self.intercept_ = mean[:, p] if self.fit_intercept else np.zeros(len(mean))
        self.C_, self.l1_ratio_ = float(self.Cs_[C].mean()), float(self.l1_ratios_[ratio].mean())
        self.scale_, self.gap_, self.with_offset_ = self.paths_[0].scale[0], float("nan"), offset is not None
