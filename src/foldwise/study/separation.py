"""Separation: what the fits of a comparison say of classes that features tell apart, as one note in plain words."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from sklearn.exceptions import ConvergenceWarning

from foldwise.errors import SeparationWarning

NOTE = (
    "the classes are separated in some training sets: features tell them apart without error there, so that without a "
    "penalty coefficients have no end, and those of the unpenalized candidate mean nothing; penalized ones are sound"
)


@contextmanager
def separation_noted() -> Iterator[list[str]]:
    """Turn the fits' warnings of separation into one note; the list is filled when the block ends without an error.

    Examples
    --------
    >>> with separation_noted() as notes:
    ...     warnings.warn("separated completely in 3 of 11 fits", SeparationWarning, stacklevel=1)
    >>> notes == [NOTE]
    True
    """
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    separated = any(issubclass(warning.category, SeparationWarning) for warning in caught)
    for warning in caught:
        ours = issubclass(warning.category, SeparationWarning | ConvergenceWarning)
        if not (separated and ours):
            warnings.warn(warning.message, warning.category, stacklevel=4)
    if separated:
        notes.append(NOTE)
