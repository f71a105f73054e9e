"""Outcome: what one candidate has to show for all repeats, before anything is scored or compared."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foldwise.study.along import Along

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Strengths:
    """Which penalty strengths were chosen.

    Attributes
    ----------
    alpha, l1_ratio : float
        Of the final model, by the study's rule; alpha in the target's unit (see `foldwise.compare`).
    alpha_min, alpha_1se : float or None
        By the smallest error and by the one-standard-error rule; None where nothing was chosen.
    chosen_alpha, chosen_l1_ratio : (R*K,) arrays
        What each outer fold chose.
    curve_alpha, curve_error : (A,) arrays
        The ordinary cross-validation curve at the final l1_ratio.
    """

    alpha: float
    l1_ratio: float
    alpha_min: float | None
    alpha_1se: float | None
    chosen_alpha: Floats
    chosen_l1_ratio: Floats
    curve_alpha: Floats
    curve_error: Floats


@dataclass(frozen=True, eq=False)
class Features:
    """What a model with coefficients says of its p features; arrays end in an axis of C where there are C classes.

    Attributes
    ----------
    intercept : float, or (C,) array
        Of the final model.
    coef, coef_per_sd : (p,) or (p, C) arrays
        Of the final model: per unit of the column, and per standard deviation of it.
    survival : (p,) array
        The share of the R*K fits that keep the feature, for any class.
    sign, agreement : (p,) or (p, C) arrays
        The more frequent sign over those fits, and the share that has it of those whose coefficient is not zero.
    kept_in : (R*K, p) array of bool, or None
        Which features each of those fits keeps, for any class.
    """

    intercept: float | Floats
    coef: Floats
    coef_per_sd: Floats
    survival: Floats
    sign: NDArray[np.intp]
    agreement: Floats
    kept_in: NDArray[np.bool_] | None = None

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which features (p,) the final model keeps."""
        nonzero: NDArray[np.bool_] = (self.coef != 0.0).reshape(len(self.coef), -1).any(axis=1)
        return nonzero


@dataclass(frozen=True, eq=False)
class Outcome:
    """Out-of-fold predictions of one tuned procedure, and what else it tells.

    Attributes
    ----------
    predictions : (R, n) array, or (R, n, C)
        See `foldwise.study.piece.Piece`.
    eta : array of the same shape
        The linear predictors that are scored.
    everywhere : (R*K, n) array or None
        Of all rows by each fold's fit, where rows share a loss.
    tuned : bool
        Whether something was chosen in inner folds of the study, so that `score` flatters.
    score : float or None
        Mean squared error, or deviance, that an ordinary cross-validation would have reported.
    strengths : Strengths or None
    features : Features or None
        None where there are no coefficients.
    gap : float or None
        The largest certificate of all fits; None where there is none.
    about : str
        What it is, in one line, where its name does not say it.
    notes : tuple of str
    inner : (R*K, K) array or None
        [i, k]: mean error on fold k of i's repeat of the fit that holds out folds i and k, at what i chose.
    along : Along or None
        The path over the strengths with its band, and with coefficients and survival where there are some.
    size_cost : float or None
        How many times as large errors are at the final strength with one fold less to learn from.
    """

    predictions: Floats
    eta: Floats
    everywhere: Floats | None = None
    tuned: bool = False
    score: float | None = None
    strengths: Strengths | None = None
    features: Features | None = None
    gap: float | None = None
    about: str = ""
    notes: tuple[str, ...] = ()
    inner: Floats | None = None
    size_cost: float | None = None
    along: Along | None = None
