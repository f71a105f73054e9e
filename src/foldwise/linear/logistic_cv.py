"""Logistic regression whose strength is chosen by cross-validation."""

from typing import Any, Self

import numpy as np

from foldwise.errors import InputError
from foldwise.linear.by_cross_validation import fit_ratios, models_of
from foldwise.linear.checks import Array
from foldwise.linear.folding import read_folds
from foldwise.linear.generalized import PATH_TOL
from foldwise.linear.generalized_regressor import shows_progress
from foldwise.linear.labels import check_training_classes
from foldwise.linear.logistic import LogisticModel
from foldwise.linear.ridge_cv import choose_by_score
from foldwise.linear.scoring import fold_scores
from foldwise.parameters.checks import choice, flag, numbers, whole
from foldwise.paths.control import check_time_limit


class LogisticRegressionCV(LogisticModel):
    """Logistic regression with C and l1_ratio chosen by cross-validation on the same folds in one go.

    A drop-in for scikit-learn's class; the objective is `LogisticRegression`'s. As scikit-learn
    announces for its next versions, the score is the log loss unless another is asked for, l1_ratios is (0,), and the
    attributes are plain (`use_legacy_attributes=False`).

    Parameters
    ----------
    Cs : int or (A,), default 10
        How many values between 1e-4 and 1e4, or which.
    l1_ratios : (L,), default (0.0,)
        0 is ridge, 1 the lasso.
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
    refit, use_legacy_attributes
        Accepted for compatibility: the final model is always fitted to all rows, and attributes are the new ones.
    class_weight, fit_intercept, tol, standardize, penalty_factor, bounds and others
        As for `LogisticRegression`; 'balanced' counts the classes of all rows.

    Attributes
    ----------
    C_, l1_ratio_ : float
        The choice.
    classes_, coef_, intercept_, gap_, n_iter_, scale_
        As for `LogisticRegression`: the final model, on all rows.
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None, groups: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and classes y (n,) with labels of any kind.

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
        for name, needed in (("refit", True), ("use_legacy_attributes", False)):
            if flag(name, getattr(self, name)) is not needed:
                raise InputError(f"{name} must be {needed}, got {not needed}; scikit-learn is giving the other up")
        rule = choice("rule", self.rule, ("min", "1se"))
        self.Cs_ = np.logspace(-4, 4, whole("Cs", self.Cs, 1)) if np.ndim(self.Cs) == 0 else _positive(self.Cs)
        self.l1_ratios_ = numbers("l1_ratios", self.l1_ratios, high=1.0)
        X, target, counts, weights = self._read_classes(X, y, sample_weight)
        self.folds_ = read_folds(self.cv, X, self.classes_[target.astype(np.intp)], groups, classes=True)
        check_training_classes(self.classes_, target, self.folds_)
        rows = self._rows_of(X, target, self._family(), weights, offset, self.folds_)
        settings = self._path_settings(X.shape[1], PATH_TOL)
        progress, limit = shows_progress(self.verbose), check_time_limit(self.time_limit)
        ratios = {"l1": np.ones(1), "l2": np.zeros(1)}.get(str(self.penalty), self.l1_ratios_)
        self.l1_ratios_ = ratios
        paths = fit_ratios(rows, ratios, limit, alphas=1.0 / self.Cs_, loss="sum", progress=progress, **settings)
        scoring = "accuracy" if self.scoring is None else self.scoring
        given = np.asarray(y)
        scores = [fold_scores(scoring, path, rows, counts, given, models_of(self, path)) for path in paths]
        best = int(np.argmax([score.mean(axis=0).max() for score in scores]))
        at = choose_by_score(scores[best], paths[best].alphas, rule, self.folds_.n_repeats)
        self.C_, self.l1_ratio_ = 1.0 / float(paths[best].alphas[at]), float(ratios[best])
        self.paths_ = tuple(paths)
        self._keep_grid(scores)
        plain = self._rows_of(X, target, self._family(), weights, offset)
        self._fit_at(plain, 1.0 / self.C_, self.l1_ratio_, loss="sum")
        self._in_shape()
        return self

    def _keep_grid(self, scores: list[Array]) -> None:
        """Scores and coefficients in the order of `Cs_`; NaN for strengths that were not reached."""
        place = np.argsort(np.argsort(self.Cs_, kind="stable"), kind="stable")
        folds, width = scores[0].shape[0], self.n_features_in_ + bool(self.fit_intercept)
        self.scores_ = np.full((folds, len(self.l1_ratios_), len(self.Cs_)), np.nan)
        lines = 1 if len(self.classes_) == 2 else len(self.classes_)
        self.coefs_paths_ = np.full((*self.scores_.shape, lines, width), np.nan)
        for ratio, (path, score) in enumerate(zip(self.paths_, scores, strict=True)):
            singles = [path.index({fold}) for fold in range(folds)]
            coef, intercept = path.coef[singles], path.intercept[singles]
            shape = (*coef.shape[:3], lines)
            both = np.concatenate([coef.reshape(shape), intercept.reshape((*shape[:2], 1, lines))], axis=2)[
                :, :, :width
            ]
            for column, at in enumerate(place):
                if at < score.shape[1]:
                    self.scores_[:, ratio, column] = score[:, at]
                    self.coefs_paths_[:, ratio, column] = both[:, at].swapaxes(1, 2)


def _positive(values: Any) -> Array:
    return numbers("Cs", values, above=True)
