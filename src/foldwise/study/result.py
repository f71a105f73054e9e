"""CandidateResult: everything the study found out about one candidate, as plain data."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CandidateResult:
    """One candidate on the common folds. Errors are RMSEs in the target's unit, or for other families mean deviances.

    Attributes
    ----------
    name : str
    drops_features : bool
        Whether coefficients can be exactly zero.
    error : float
        Root of the mean squared error of the tuned procedure on held-out rows, over all folds of all repeats; for other
        families than the gaussian their mean deviance.
    interval : (float, float)
        95 % confidence interval of the same, by the corrected resampled t on errors per fold.
    explained : float
        R^2 or D^2: one minus the mean squared error, or deviance, over that of predicting without features.
    score : float
        Error that an ordinary cross-validation would have reported for the chosen strength.
    optimism : float or None
        `error` minus `score`; None where nothing was chosen.
    letters : str
        Candidates that share a letter are tied.
    alpha, l1_ratio : float
        Of the final model, by the study's rule; alpha in the target's unit (see `foldwise.compare`).
    alpha_min, alpha_1se : float or None
        By the smallest error and by the one-standard-error rule; None where nothing was chosen.
    intercept : float
    coef, coef_per_sd : (p,) arrays
        Of the final model: in the target's unit per unit of the column, and per standard deviation of the column.
    survival, agreement : (p,) arrays
        The share of the R*K fits that keep the feature, and the share of those that have the more frequent sign.
    sign : (p,) array of int
        The more frequent sign.
    chosen_alpha, chosen_l1_ratio : (R*K,) arrays
        What each outer fold chose.
    fold_error : (R*K,) array
        Mean squared error, or mean deviance, of the tuned procedure on each fold.
    predictions : (R, n) array
        Out-of-fold predictions of the tuned procedure, rows in the table's order; probabilities of the second class.
    curve_alpha, curve_error : (A,) arrays
        The ordinary cross-validation curve at the final l1_ratio.
    gap : float
        The largest relative duality gap of all fits behind this result.
    scores : dict
        What else is told of the out-of-fold predictions, such as accuracy and AUC; empty for the gaussian family.
    is_root : bool
        Whether errors are roots of mean squared ones.
    """

    name: str
    drops_features: bool
    error: float
    interval: tuple[float, float]
    explained: float
    score: float
    optimism: float | None
    letters: str
    alpha: float
    l1_ratio: float
    alpha_min: float | None
    alpha_1se: float | None
    intercept: float
    coef: Floats
    coef_per_sd: Floats
    survival: Floats
    sign: NDArray[np.intp]
    agreement: Floats
    chosen_alpha: Floats
    chosen_l1_ratio: Floats
    fold_error: Floats
    predictions: Floats
    curve_alpha: Floats
    curve_error: Floats
    gap: float
    scores: dict[str, float] = field(default_factory=dict)
    is_root: bool = True

    @property
    def n_kept(self) -> int:
        """Features of the final model with a coefficient other than zero."""
        return int(np.count_nonzero(self.coef))

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
