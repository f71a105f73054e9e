"""Generalized linear estimators fitted to a `RowStream`: rows that are read in passes, with the folds of the scan."""

from typing import Any

import numpy as np

from foldwise.errors import InputError
from foldwise.families import Family
from foldwise.linear import from_moments
from foldwise.linear.checks import Array
from foldwise.paths import Paths, RowStream

_LOSSES = {"deviance": 1.0, "log_loss": 0.5, "neg_log_loss": 0.5}


def start(model: Any, stream: RowStream, family: Family, **given: Any) -> None:
    """Take the columns' number and names; what the scan has settled must be left out.

    Raises
    ------
    InputError
        Where y, weights or the like are given, or the stream is of another family.
    """
    doubled = [name for name, value in given.items() if value is not None]
    if doubled:
        raise InputError(f"{', '.join(doubled)} can't be given with RowStream, which has its own")
    if stream.family != family:
        raise InputError(
            f"X must be a RowStream of the family that {type(model).__name__} fits, got {stream.family!r}: scan with "
            f"family={family!r}"
        )
    from_moments.start(model, stream.moments)


def classes_of(stream: RowStream) -> Any:
    """The two classes of its target."""
    origin = stream.moments.origin
    return np.array((0, 1) if origin is None or not origin.classes else origin.classes)


def check_search(cv: Any, scoring: Any, stream: RowStream) -> None:
    """The scan brings the folds, and scores are those that need no predictions.

    Raises
    ------
    InputError
        Where others are asked for, or there are no folds.
    """
    if cv is not None:
        raise InputError(f"cv must be None with RowStream, whose folds are used, got {cv!r}")
    if stream.n_folds < 2:
        raise InputError("X must have folds to choose a strength by: scan with folds=")
    if scoring not in _LOSSES or (scoring != "deviance" and not stream.family.is_two_class):
        allowed = list(_LOSSES) if stream.family.is_two_class else ["deviance"]
        raise InputError(f"scoring must be one of {allowed} for rows that are read in passes, got {scoring!r}")


def fold_scores(scoring: str, paths: Paths) -> Array:
    """Scores (R K, A), the greater the better, from the deviances that the paths have."""
    return np.asarray(-_LOSSES[scoring] * paths.cv_error)
