"""How far training is and how long it will take, for people who wait."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

_BETWEEN = 0.5  # seconds


@dataclass(frozen=True)
class Standing:
    """Where training stands.

    Attributes
    ----------
    finished, members : how many members are done, of how many
    seconds : since the program ran first; compiling is over by then
    seconds_left : an estimate from the steps done, as if no other member stopped early

    Examples
    --------
    >>> from foldwise.nets import Standing
    >>> print(Standing(finished=3, members=20, seconds=1.5, seconds_left=8.2))
    3 of 20 networks trained, 8 s left at most
    """

    finished: int
    members: int
    seconds: float
    seconds_left: float

    def __str__(self) -> str:
        """One line."""
        return f"{self.finished} of {self.members} networks trained, {self.seconds_left:.0f} s left at most"


class Progress:
    """Counts steps of all workers, and tells the listener about twice a second."""

    def __init__(self, tell: Callable[[Standing], Any] | None = None) -> None:
        self._tell = tell
        self._lock = Lock()
        self._members = self._finished = self._steps = self._wanted = 0
        self._started = self._told = 0.0

    def begin(self, jobs: list[Any]) -> None:
        """Count what there is to do."""
        self._started = self._told = time.perf_counter()
        self._members, self._finished, self._steps = len(jobs), 0, 0
        self._wanted = sum(job.n_steps * job.epochs_left for job in jobs)

    def went(self, steps: int) -> None:
        """Some member went these steps."""
        with self._lock:
            self._steps += steps

    def finished(self, saved: int) -> None:
        """A member is done, and early stopping saved so many steps."""
        with self._lock:
            self._finished += 1
            self._wanted -= saved

    def show(self) -> None:
        """Tell, if it is time to."""
        now = time.perf_counter()
        if self._tell is None or not self._steps or now - self._told < _BETWEEN:
            return
        self._told = now
        seconds = now - self._started
        left = seconds * max(self._wanted / self._steps - 1, 0.0)
        self._tell(Standing(self._finished, self._members, seconds, left))

    def end(self) -> None:
        """Tell the last standing."""
        if self._tell is not None:
            self._tell(Standing(self._finished, self._members, time.perf_counter() - self._started, 0.0))


def on_terminal(standing: Standing) -> None:
    """Write the standing over the last one."""
    done = standing.seconds_left == 0.0
    sys.stderr.write(f"\r{standing}\033[K" + ("\n" if done else ""))
    sys.stderr.flush()
