"""CandidateResult: everything the study found out about one candidate, as plain data."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CandidateResult:
    """One candidate on the common folds. Errors in the target's unit, mean squared errors in its square.

    Attributes
    ----------
    name : str
    drops_features : bool
        Whether coefficients can be exactly zero.
    rmse : float
        Root of the mean squared error of the tuned procedure on held-out rows, over all folds of all repeats.
    interval : (float, float)
        95 % confidence interval of the same, by the corrected resampled t on mean squared errors.
    r2 : float
        One minus the mean squared error over that of predicting the training mean on the same folds.
    score : float
        RMSE that an ordinary cross-validation would have reported for the chosen strength.
    optimism : float or None
        `rmse` minus `score`; None where nothing was chosen.
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
    fold_mse : (R*K,) array
        Mean squared error of the tuned procedure on each fold.
    predictions : (R, n) array
        Out-of-fold predictions of the tuned procedure, rows in the table's order.
    curve_alpha, curve_rmse : (A,) arrays
        The ordinary cross-validation curve at the final l1_ratio.
    gap : float
        The largest relative duality gap of all fits behind this result.
    """

    name: str
    drops_features: bool
    rmse: float
    interval: tuple[float, float]
    r2: float
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
    fold_mse: Floats
    predictions: Floats
    curve_alpha: Floats
    curve_rmse: Floats
    gap: float

    @property
    def n_kept(self) -> int:
        """Features of the final model with a coefficient other than zero."""
        return int(np.count_nonzero(self.coef))
