"""Separation: what the fits of a comparison say of classes that features tell apart, as one note in plain words."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from sklearn.exceptions import ConvergenceWarning

from foldwise.errors import SeparationWarning

NOTE = (
    "the classes are separated, wholly or in part, in some training sets: features tell rows apart for certain there, "
    "so that without a penalty coefficients have no end, and those of an unpenalized candidate mean nothing; penalized "
    "ones are sound"
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
    separated = _told_again(caught, (SeparationWarning, ConvergenceWarning))
    if separated:
        notes.append(NOTE)


@contextmanager
def separation_named() -> Iterator[None]:
    """Say of a fit of separated classes that they are, and not that it has no end besides.

    Examples
    --------
    >>> with separation_named():
    ...     pass
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    _told_again(caught, (ConvergenceWarning,))


def _told_again(caught: list[warnings.WarningMessage], kinds: tuple[type[Warning], ...]) -> bool:
    """Issue warnings again, but of these kinds only where no separation explains them; whether one does."""
    separated = any(issubclass(warning.category, SeparationWarning) for warning in caught)
    for warning in caught:
        if not (separated and issubclass(warning.category, kinds)):
            warnings.warn(warning.message, warning.category, stacklevel=5)
    return separated
