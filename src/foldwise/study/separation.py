"""Separation: what fits say of classes that features tell apart, once and in plain words."""

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
def separation_explained() -> Iterator[list[str]]:
    """Take fits' warnings of separation, and the gaps that it explains, out of all others.

    The list is filled when the block ends without an error: with the message of each.

    Examples
    --------
    >>> with separation_explained() as messages:
    ...     warnings.warn("separated in 3 of 11 fits", SeparationWarning, stacklevel=1)
    ...     warnings.warn("gap 0.1", ConvergenceWarning, stacklevel=1)
    >>> messages
    ['separated in 3 of 11 fits']
    """
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield messages
    messages += [str(warning.message) for warning in caught if issubclass(warning.category, SeparationWarning)]
    for warning in caught:
        explained = bool(messages) and issubclass(warning.category, ConvergenceWarning)
        if not explained and not issubclass(warning.category, SeparationWarning):
            warnings.warn(warning.message, warning.category, stacklevel=4)
