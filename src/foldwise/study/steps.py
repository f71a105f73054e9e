"""Steps: how far a study is, told to whoever asked."""

from collections.abc import Callable
from time import perf_counter

Progress = Callable[[int, int, str], None]
# Seconds that a step may take before what it has done of its own work is told.
PATIENCE = 1.0


class Steps:
    """Counts the steps of all candidates on all repeats.

    Parameters
    ----------
    total : int
    progress : callable, optional
        Called with (steps done, steps in all, what is at work).

    Examples
    --------
    >>> steps = Steps(2, lambda *told: print(*told))
    >>> steps.begin("lasso")
    0 2 lasso
    >>> steps.done()
    1 2 lasso
    """

    def __init__(self, total: int = 0, progress: Progress | None = None) -> None:
        self.count, self.total, self.progress = 0, total, progress
        self.name, self.began = "", perf_counter()

    def begin(self, name: str) -> None:
        """A candidate of this name is at work now; "" when all is done."""
        self.name, self.began = name, perf_counter()
        self._show(name)

    def done(self, steps: int = 1) -> None:
        """So many more steps are done."""
        self.count += steps
        self.began = perf_counter()
        self._show(self.name)

    def on_the_way(self, done: int, strengths: int) -> None:
        """So many strengths of the step at work are done; told where it takes long."""
        if perf_counter() - self.began > PATIENCE:
            self._show(f"{self.name}, strength {done} of {strengths}")

    def _show(self, following: str) -> None:
        if self.progress is not None:
            self.progress(self.count, self.total, following)
