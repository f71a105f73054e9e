"""Measure: what errors are called, how they are told, and what the baseline is, for each family."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.families import Binomial, Family, Gaussian, Huber
from foldwise.paths.scores import SCORES
from foldwise.resampling import Folds

Floats = NDArray[np.float64]
Label = str | bool | int | float


@dataclass(frozen=True)
class Measure:
    """How errors are told.

    Attributes
    ----------
    key, explained_key : str
        Names in tables and JSON, of the error and of the share of the baseline's that a model explains.
    name, explained : str
        The same for people.
    is_root : bool
        Whether the root of the mean is told, in the target's unit.
    scores : tuple of str
        What is told besides.
    """

    key: str
    name: str
    explained_key: str
    explained: str
    is_root: bool
    scores: tuple[str, ...] = ()


RMSE = Measure("rmse", "RMSE", "r2", "R²", is_root=True, scores=("mae",))
OF_CLASSES = Measure("deviance", "deviance", "d2", "D²", False, ("log_loss", "accuracy", "auc", "brier"))  # noqa: FBT003
OF_AMOUNTS = Measure("deviance", "deviance", "d2", "D²", False, ("mae", "rmse"))  # noqa: FBT003
OF_TIMES = Measure("deviance", "deviance", "d2", "D²", False, ("concordance",))  # noqa: FBT003


NAMES = {
    "gaussian": "gaussian (squared errors)",
    "binomial": "binomial (logistic regression)",
    "multinomial": "multinomial (logistic regression of several classes)",
    "cox": "cox (proportional hazards)",
}


def measure_of(family: Family) -> Measure:
    """The measure of a family.

    Examples
    --------
    >>> measure_of(Gaussian()).name
    'RMSE'
    """
    if isinstance(family, Gaussian):
        return RMSE
    if family.shares_rows:
        return OF_TIMES
    return OF_CLASSES if family.is_two_class or family.name == "multinomial" else OF_AMOUNTS


@dataclass(frozen=True)
class Modelled:
    """What is modelled, and by which family.

    Attributes
    ----------
    family : Family
    target : str
    reason : str
        Why this family.
    classes : tuple
        The classes; empty for numbers. With two, probabilities are of the second.
    has_offset : bool
        Whether a column is added to every linear predictor.
    """

    family: Family
    target: str
    reason: str
    classes: tuple[Label, ...] = ()
    has_offset: bool = False

    @property
    def measure(self) -> Measure:
        """How errors are told."""
        return measure_of(self.family)

    @property
    def is_risk(self) -> bool:
        """Whether the hazard of an event is modelled."""
        return self.family.shares_rows

    def chance(self, of: int = -1) -> str:
        """The chance of one class, in words."""
        return f"the chance of {self.target} being {self.classes[of]}"

    @property
    def subject(self) -> str:
        """What rises or falls with a feature."""
        if self.is_risk:
            return "the risk"
        return self.chance() if len(self.classes) == 2 else self.target

    @property
    def scale(self) -> str:
        """In what coefficients are changes."""
        if len(self.classes) > 2:
            return f"log odds of the named class of {self.target}"
        if self.classes:
            kind = "log odds" if self.family.link_name == "logit" else f"{self.family.link_name} scale"
            return f"{kind} of {self.target} being {self.classes[1]}"
        if self.is_risk:
            return "logarithm of the hazard"
        return f"logarithm of {self.target}" if self.family.link_name == "log" else self.target

    @property
    def without(self) -> str:
        """What a model without features predicts, and what it is called."""
        if self.has_offset:
            return "from the offset alone"
        if self.is_risk:
            return "the same risk for all"
        if isinstance(self.family, Huber):
            return "one number"
        return "the shares of the classes" if self.classes else "the mean"

    @property
    def baseline(self) -> str:
        """The same as a row of a table."""
        if self.has_offset:
            return "offset alone"
        return "the base rate" if self.classes else "equal risks" if self.is_risk else self.without

    @property
    def line(self) -> str:
        """Which family was chosen and why, in one line."""
        return f"Family: {NAMES.get(self.family.name, self.family.name)}; {self.reason}."

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        parameters = {name: getattr(self.family, name) for name in vars(self.family)}
        return {
            "name": self.family.name,
            "link": self.family.link_name,
            "parameters": parameters,
            "classes": list(self.classes),
            "reason": self.reason,
        }


def other_scores(family: Family, y: Floats, eta: Floats, weights: Floats, folds: Folds) -> dict[str, float]:
    """What else people want to know of out-of-fold predictors (R, n), or (R, n, C), the mean over repeats.

    AUC and concordance are those within folds, each counting by its rows: predictors of different fits have no common
    scale. The AUC of several classes is the mean over classes of each against the others.

    Examples
    --------
    >>> from foldwise.families import Binomial
    >>> y, eta = np.array([0.0, 1.0, 0.0, 1.0]), np.array([[-1.0, 1.0, 2.0, 1.0]])
    >>> found = other_scores(Binomial(), y, eta, np.ones(4), Folds.kfold(4, 2, shuffle=False))
    >>> {name: round(value, 3) for name, value in found.items()}
    {'log_loss': 0.767, 'accuracy': 0.75, 'auc': 0.5, 'brier': 0.248}
    """
    found: dict[str, float] = {}
    for name in measure_of(family).scores:
        if name == "auc":
            found[name] = _auc_within(family, y, eta, weights, folds)
            continue
        if name == "concordance":
            found[name] = _within(name, family, y, eta, weights, folds)
            continue
        found[name] = _as_told(name, family, y, np.moveaxis(eta, 0, 1), weights)
    return found


def scores_of(family: Family, y: Floats, eta: Floats) -> dict[str, float]:
    """The same of one set of rows' predictors, (n,) or (n, C), each row counting alike.

    Examples
    --------
    >>> from foldwise.families import Poisson
    >>> round(scores_of(Poisson(), np.array([1.0, 3.0]), np.log([2.0, 3.0]))["mae"], 12)
    0.5
    """
    weights, found = np.ones(len(y)), {}
    for name in measure_of(family).scores:
        if name == "auc" and y.ndim == 2:
            chances = family.mean(eta)
            each = [SCORES["auc"](Binomial(), y[:, c], chances[:, c, None], weights)[0] for c in range(y.shape[1])]
            found[name] = float(np.mean(each))
        else:
            found[name] = _as_told(name, family, y, eta[:, None], weights)
    return found


def _as_told(name: str, family: Family, y: Floats, eta: Floats, weights: Floats) -> float:
    """A score by the name that people use, the mean over repeats (n, R[, C])."""
    score = SCORES[{"accuracy": "misclassification", "rmse": "mse"}.get(name, name)]
    value = score(family, y, eta, weights)
    value = 1.0 - value if name == "accuracy" else np.sqrt(value) if name == "rmse" else value
    return float(np.mean(value))


def _auc_within(family: Family, y: Floats, eta: Floats, weights: Floats, folds: Folds) -> float:
    if y.ndim == 1:
        return _within("auc", family, y, eta, weights, folds)
    chances, two = family.mean(eta), Binomial()
    of_each = [_within("auc", two, y[:, c], chances[:, :, c], weights, folds) for c in range(y.shape[1])]
    return float(np.mean(of_each))


def _within(name: str, family: Family, y: Floats, eta: Floats, weights: Floats, folds: Folds) -> float:
    """Mean score of the folds that have one, by their rows; nan where none has."""
    sums, total = 0.0, 0.0
    for fold in range(folds.get_n_splits()):
        rows = folds.test_rows(fold)
        value = SCORES[name](family, y[rows], eta[fold // folds.n_folds, rows, None], weights[rows])[0]
        if np.isfinite(value):
            share = float(weights[rows].sum())
            sums, total = sums + share * float(value), total + share
    return sums / total if total > 0.0 else float("nan")
