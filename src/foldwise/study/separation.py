"""Separation: what the fits of a comparison say of classes that features tell apart, as one note in plain words."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from foldwise.errors import SeparationWarning
from foldwise.linear.separation import is_separated
from foldwise.resampling import Folds

Floats = NDArray[np.float64]

NOTE = (
    "the classes are separated, wholly or in part, in some training sets: features tell rows apart for certain there, "
    "so that without a penalty coefficients have no end, and those of an unpenalized candidate mean nothing; penalized "
    "ones are sound"
)


@contextmanager
def separation_noted(X: Floats, y: Floats, folds: Folds) -> Iterator[list[str]]:
    """Turn the fits' warnings of separation into one note, if a training set of the first repeat is separated indeed.

    The list is filled when the block ends without an error.

    Parameters
    ----------
    X : (n, p) array, without gaps
    y : (n,) array of 0 and 1
    folds : Folds

    Examples
    --------
    >>> x, y = np.arange(8.0)[:, None], np.repeat([0.0, 1.0], 4)
    >>> with separation_noted(x, y, Folds.kfold(8, 2)) as notes:
    ...     warnings.warn("separated completely in 3 of 11 fits", SeparationWarning, stacklevel=1)
    >>> notes == [NOTE]
    True
    """
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    suspected = any(issubclass(warning.category, SeparationWarning) for warning in caught)
    sets = [folds.training_rows({k}) for k in range(folds.n_folds)] if suspected else []
    separated = any(is_separated(X[rows], y[rows] > 0.5) is not False for rows in sets)
    _told_again(caught, separated=separated, noted=True)
    if separated:
        notes.append(NOTE)


@contextmanager
def separation_named(X: Floats, y: Floats) -> Iterator[None]:
    """Say of a fit of separated classes that they are, and not that it has no end besides.

    Parameters
    ----------
    X : (n, p) array. y : (n,) array of 0 and 1

    Examples
    --------
    >>> with separation_named(np.zeros((2, 1)), np.array([0.0, 1.0])):
    ...     pass
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    suspected = any(issubclass(warning.category, SeparationWarning) for warning in caught)
    _told_again(caught, separated=suspected and is_separated(X, y > 0.5) is not False, noted=False)


def _told_again(caught: list[warnings.WarningMessage], *, separated: bool, noted: bool) -> None:
    """Issue warnings again, but for those of separation where there is none or a note has it, and what it explains."""
    for warning in caught:
        if issubclass(warning.category, SeparationWarning):
            told = separated and not noted
        else:
            told = not (separated and issubclass(warning.category, ConvergenceWarning))
        if told:
            warnings.warn(warning.message, warning.category, stacklevel=5)
