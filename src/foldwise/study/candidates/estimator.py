"""Candidates of other libraries: any estimator or pipeline with scikit-learn's fit and predict."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from foldwise.errors import InputError
from foldwise.study.candidates.candidate import Candidate
from foldwise.study.digest import in_words, source_of
from foldwise.study.linked import NEVER_QUITE
from foldwise.study.piece import Piece
from foldwise.study.rows import Rows
from foldwise.study.task import Task

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EstimatorCandidate(Candidate):
    """A scikit-learn estimator or pipeline, cloned and fitted anew on the training rows of each fold.

    It is given the table's own columns (`foldwise.study.own_columns`), untouched: gaps, texts and scales are its own
    matter, and so is any choice it makes (a `GridSearchCV` chooses within the training rows it is given). The target is
    the column's numbers, or the labels of classes; row weights are passed on where its `fit`, or that of a pipeline's
    last step, takes `sample_weight`. Regressors predict by `predict`, classifiers by `predict_proba`, so that the
    out-of-fold predictions are those of `sklearn.model_selection.cross_val_predict` on the same folds.

    Attributes
    ----------
    name : str
    estimator
        Never fitted itself.
    tunes, drops_features
        As `Candidate`'s; what it tunes, it tunes by itself.
    """

    name: str
    estimator: Any
    tunes: bool = False
    drops_features: bool = False

    def check(self, task: Task) -> None:
        """Refuse an estimator of the wrong kind for the target, and what it can't be told.

        Raises
        ------
        InputError
        """
        rows, who = task.rows, f"candidate {self.name!r}"
        if rows.family.shares_rows:
            raise InputError(f"{who} can't be compared on times to an event: only linear candidates can, as yet")
        if rows.offset is not None:
            raise InputError(f"{who} can't be given an offset: leave the candidate out, or the offset")
        if rows.has_classes:
            if not is_classifier(self.estimator):
                raise InputError(f"{who} must be a classifier, for {_target(rows)} has classes; {self._shown} is none")
            if not hasattr(self.estimator, "predict_proba"):
                raise InputError(
                    f"{who} must have predict_proba to be scored by the chances it gives to classes, and {self._shown} "
                    "has none; wrap it in sklearn.calibration.CalibratedClassifierCV"
                )
        elif not is_regressor(self.estimator):
            raise InputError(f"{who} must be a regressor, for {_target(rows)} has numbers; {self._shown} is none")

    def identity(self) -> str | None:
        """Its parameters and those of all its parts, and the source of parts that are not scikit-learn's.

        None where some parameter has no text that says it, as a lambda or a random state's object.
        """
        parameters = self.estimator.get_params(deep=True)
        told = {name: in_words(value) for name, value in sorted(parameters.items())}
        if None in told.values():
            return None
        parts = {type(part) for part in (self.estimator, *parameters.values()) if hasattr(part, "get_params")}
        own = sorted(f"{part.__module__} {source_of(part)}" for part in parts if not _is_known(part))
        return repr((f"{type(self.estimator).__module__} {type(self.estimator).__qualname__}", told, own))

    @property
    def about(self) -> str:
        """The estimator as scikit-learn writes it, in one line."""
        return re.sub(r"\s+", " ", repr(self.estimator))

    def run(self, task: Task) -> Piece:
        """One clone for each fold."""
        rows, folds = task.rows, task.folds
        predictions = np.empty((rows.n, len(rows.design.classes))) if rows.has_classes else np.empty(rows.n)
        for fold in range(folds.n_folds):
            test = folds.test_rows(fold)
            predictions[test] = self._predicted(rows, folds.training_rows({fold}), test, f"fold {fold}", task.repeat)
            task.steps.done()
        notes = self._notes(rows, predictions)
        return Piece(predictions[:, 1] if rows.family.is_two_class else predictions, notes=notes)

    def steps(self, task: Task) -> int:
        """One for each fold."""
        return task.folds.n_folds

    def _predicted(
        self, rows: Rows, training: NDArray[np.intp], test: NDArray[np.intp], fold: str, repeat: int
    ) -> Floats:
        where = f"candidate {self.name!r}, {fold} of repeat {repeat}"
        weights = {}
        if rows.is_weighted and (parameter := self._weight_parameter()):
            weights[parameter] = rows.weights[training]
        try:
            model = clone(self.estimator).fit(rows.own.rows(training), rows.labels[training], **weights)
            given = rows.own.rows(test)
            found = model.predict_proba(given) if rows.has_classes else model.predict(given)
        except Exception as error:
            message = " ".join(str(error).split())
            raise InputError(f"{where}: {type(error).__name__}: {message}{_hint(message)}") from error
        if rows.has_classes:
            return _in_order(np.asarray(found), list(model.classes_), rows, where)
        return _usable(np.asarray(found, dtype=np.float64), rows, test, where)

    def _weight_parameter(self) -> str | None:
        last, prefix = self.estimator, ""
        while isinstance(last, Pipeline):
            step, last = last.steps[-1]
            prefix += f"{step}__"
        return f"{prefix}sample_weight" if has_fit_parameter(last, "sample_weight") else None

    def _notes(self, rows: Rows, predictions: Floats) -> tuple[str, ...]:
        notes = []
        if rows.is_weighted and self._weight_parameter() is None:
            notes.append(f"{self.name} takes no row weights: it is fitted without, and scored with them")
        if rows.has_classes:
            came = predictions[np.arange(rows.n), rows.target.astype(np.intp)]
            if np.any(came < NEVER_QUITE):
                cost = f"{-2.0 * np.log(NEVER_QUITE):.0f}"
                notes.append(
                    f"{self.name} gives no chance at all to the class of some rows: each counts with a deviance of "
                    f"{cost}, as in scikit-learn's log loss"
                )
        return tuple(notes)

    @property
    def _shown(self) -> str:
        return type(self.estimator).__name__


def _is_known(part: type) -> bool:
    return part.__module__.partition(".")[0] == "sklearn"  # whose version is part of every digest


def _target(rows: Rows) -> str:
    return f"target {rows.design.target_name!r}"


def _in_order(found: Floats, classes: list[Any], rows: Rows, where: str) -> Floats:
    """Chances with a column for each class of the target, in its order."""
    wanted = [np.asarray(label)[()] for label in rows.design.classes]
    if classes == wanted:
        return found
    missing = [label for label in rows.design.classes if label not in classes]
    if missing:
        raise InputError(f"{where}: it was shown no row of class {missing[0]!r}, and gives it no chance")
    return found[:, [classes.index(label) for label in rows.design.classes]]


def _usable(found: Floats, rows: Rows, test: NDArray[np.intp], where: str) -> Floats:
    """Predictions that the family can score."""
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.shape != test.shape:
        raise InputError(f"{where}: predict must give one number a row, got shape {found.shape} for {len(test)} rows")
    odd = np.flatnonzero(~np.isfinite(found))
    if odd.size:
        raise InputError(f"{where}: it predicts {found[odd[0]]} at row {test[odd[0]] + 1}")
    if rows.family.link_name == "log" and (odd := np.flatnonzero(found <= 0.0)).size:
        raise InputError(
            f"{where}: it predicts {found[odd[0]]:.3g} at row {test[odd[0]] + 1}, and the {rows.family.name} family "
            "scores means above 0; take a loss that keeps above it (such as HistGradientBoostingRegressor's "
            "loss='poisson'), or compare with family='gaussian'"
        )
    return found


def _hint(message: str) -> str:
    """What to do about the two commonest mistakes."""
    if "could not convert string" in message:
        return " (it is given the table's own columns: encode texts in a pipeline, or drop them)"
    if "contains NaN" in message:
        return " (it is given the table's own columns: fill gaps in a pipeline)"
    return ""
