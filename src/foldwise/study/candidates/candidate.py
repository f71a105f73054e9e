"""What a candidate is: a name, what it can do, and the paths it fits for a task."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from foldwise.paths import Paths
from foldwise.study.task import Task


@dataclass(frozen=True)
class Candidate:
    """A procedure that the study compares.

    Attributes
    ----------
    name
        As people write it: lower case, words separated by spaces.
    tunes
        Whether it has a strength to choose, which takes inner folds.
    drops_features
        Whether some of its coefficients can be exactly zero.
    fit
        Paths that cover its search, all on the task's folds and with nested held-out sets; a single path with a single
        strength where there is nothing to choose. They may come one by one, so that only one is kept whole.
    steps
        How many paths that will be, for the progress bar.
    """

    name: str
    tunes: bool
    drops_features: bool
    fit: Callable[[Task], Iterable[Paths]]
    steps: Callable[[Task], int] = lambda _: 1
