"""CandidateResult: everything the study found out about one candidate, as plain data."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.study.along import Along
from foldwise.study.outcome import Features, Strengths

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CandidateResult:
    """One candidate on the common folds. Errors are RMSEs in the target's unit, or for other families mean deviances.

    What `strengths` and `features` hold can be asked for as if it were the result's own: `result.coef`. Where a
    candidate has none of it, that is an InputError, and `alpha_min`, `alpha_1se` and `n_kept` are None.

    Attributes
    ----------
    name : str
    drops_features : bool
        Whether coefficients can be exactly zero.
    error : float
        Root of the mean squared error of the tuned procedure on held-out rows, over all folds of all repeats; for other
        families than the gaussian their mean deviance.
    interval : (float, float)
        95 % confidence interval of the final model's error on rows that nobody has seen.
    explained : float
        R^2 or D^2: one minus the mean squared error, or deviance, over that of predicting without features.
    letters : str
        Candidates that share a letter are tied.
    fold_error : (R*K,) array
        Mean squared error, or mean deviance, of the tuned procedure on each fold.
    predictions : (R, n) array, or (R, n, C) for three classes or more
        Out-of-fold predictions of the tuned procedure, rows in the table's order; chances of the second of two classes,
        or of each; for times to an event the logarithm of the relative hazard.
    score : float or None
        Error that an ordinary cross-validation would have reported for what was chosen; None where it is not known.
    optimism : float or None
        `error` minus `score`; None where nothing was chosen.
    strengths : Strengths or None
        Of penalized models: `alpha`, `l1_ratio`, `alpha_min`, `alpha_1se`, `chosen_alpha`, `chosen_l1_ratio`,
        `curve_alpha`, `curve_error`.
    features : Features or None
        Of models with coefficients: `intercept`, `coef`, `coef_per_sd`, `survival`, `sign`, `agreement`.
    gap : float or None
        The largest certificate of all fits behind this result (relative duality gap, or optimality residual).
    scores : dict
        What else is told of the out-of-fold predictions, such as accuracy and AUC.
    about : str
        What it is, where its name does not say it: an estimator with its settings.
    notes : tuple of str
    is_root : bool
        Whether errors are roots of mean squared ones.
    interval_by : str
        What the interval is by: "nested cross-validation", or where inner errors are not known "corrected resampled t".
    """

    name: str
    drops_features: bool
    error: float
    interval: tuple[float, float]
    explained: float
    letters: str
    fold_error: Floats
    predictions: Floats
    score: float | None = None
    optimism: float | None = None
    strengths: Strengths | None = None
    features: Features | None = None
    gap: float | None = None
    scores: dict[str, float] = field(default_factory=dict)
    about: str = ""
    notes: tuple[str, ...] = ()
    is_root: bool = True
    along: Along | None = None
    interval_by: str = ""

    @property
    def n_kept(self) -> int | None:
        """Features of the final model with a coefficient other than zero; None where there are no coefficients."""
        return None if self.features is None else int(np.count_nonzero(self.features.kept))

    @property
    def alpha(self) -> float:
        """The final model's strength."""
        return float(self._strengths().alpha)

    @property
    def l1_ratio(self) -> float:
        """The final model's l1_ratio."""
        return float(self._strengths().l1_ratio)

    @property
    def alpha_min(self) -> float | None:
        """The strength with the smallest error; None where nothing was chosen."""
        return None if self.strengths is None else self.strengths.alpha_min

    @property
    def alpha_1se(self) -> float | None:
        """The strength by the one-standard-error rule; None where nothing was chosen."""
        return None if self.strengths is None else self.strengths.alpha_1se

    @property
    def chosen_alpha(self) -> Floats:
        """What each outer fold chose."""
        return self._strengths().chosen_alpha

    @property
    def chosen_l1_ratio(self) -> Floats:
        """What each outer fold chose."""
        return self._strengths().chosen_l1_ratio

    @property
    def curve_alpha(self) -> Floats:
        """Strengths of the ordinary cross-validation curve."""
        return self._strengths().curve_alpha

    @property
    def curve_error(self) -> Floats:
        """Errors of the ordinary cross-validation curve."""
        return self._strengths().curve_error

    @property
    def intercept(self) -> Any:
        """Of the final model: a number, or (C,) for three classes or more."""
        return self._features().intercept

    @property
    def coef(self) -> Floats:
        """Of the final model, per unit of the column: (p,) or (p, C)."""
        return self._features().coef

    @property
    def coef_per_sd(self) -> Floats:
        """Of the final model, per standard deviation of the column: (p,) or (p, C)."""
        return self._features().coef_per_sd

    @property
    def survival(self) -> Floats:
        """The share of fits (p,) that keep the feature."""
        return self._features().survival

    @property
    def sign(self) -> NDArray[np.intp]:
        """The more frequent sign: (p,) or (p, C)."""
        return self._features().sign

    @property
    def agreement(self) -> Floats:
        """The share of those fits that have it: (p,) or (p, C)."""
        return self._features().agreement

    def _strengths(self) -> Strengths:
        if self.strengths is None:
            raise InputError(f"{self.name} has no penalty strengths")
        return self.strengths

    def _features(self) -> Features:
        if self.features is None:
            raise InputError(f"{self.name} has no coefficients")
        return self.features

    @property
    def rmse(self) -> float:
        """The error of a gaussian comparison."""
        return float(self._of_squares("rmse", self.error))

    @property
    def r2(self) -> float:
        """The explained share of a gaussian comparison."""
        return float(self._of_squares("r2", self.explained))

    @property
    def fold_mse(self) -> Floats:
        """Mean squared errors per fold of a gaussian comparison."""
        return np.asarray(self._of_squares("fold_mse", self.fold_error))

    @property
    def curve_rmse(self) -> Floats:
        """The ordinary cross-validation curve of a gaussian comparison."""
        return np.asarray(self._of_squares("curve_rmse", self.curve_error))

    def _of_squares(self, name: str, value: Floats | float) -> Floats | float:
        if not self.is_root:
            raise InputError(f"{name} is for the gaussian family; here errors are mean deviances, see `error`")
        return value
