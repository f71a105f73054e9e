"""Control of a fit under way: what may end its path before the last strength, and who hears how far it is.

A fit asks `cut` whenever every held-out set has finished the same strengths. Time, Ctrl-C and enough of the deviance
explained all end the path there, so that what comes back is a path like any other, only shorter.
"""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from numbers import Real
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, Self

from foldwise.errors import InputError, PathCutShort
from foldwise.paths.explained import explains_enough
from foldwise.paths.progress import Bar

if TYPE_CHECKING:
    from types import FrameType

Ended = Literal["whole", "turned", "explained", "time limit", "interrupted"]
Progress = bool | Callable[[int, int], object]

# Seconds of work that are worth keeping when it is interrupted. Below, Ctrl-C goes through, so that a loop over many
# short fits can be left with one.
WORTH_KEEPING = 0.2


class Control:
    """Watch over one call of fit_paths; a context manager while strengths are being worked on.

    Parameters
    ----------
    time_limit : float, optional
        Seconds from now.
    stop_when_explained : bool
    progress : bool or callable
        True for a bar; a callable is told (strengths done, strengths in all).

    Examples
    --------
    >>> with Control(time_limit=60.0) as control:
    ...     control.expect(100)
    ...     control.cut(1)
    False
    """

    def __init__(
        self, *, time_limit: float | None = None, stop_when_explained: bool = False, progress: Progress = False
    ) -> None:
        self.time_limit, self.stop_when_explained = check_time_limit(time_limit), bool(stop_when_explained)
        self.ended: Ended = "whole"
        self.strengths = self._here = 0
        self._began = monotonic()
        self._until = self._last = None if self.time_limit is None else self._began + self.time_limit
        self._before, self._parts = 0, 1
        self._interrupted = False
        self._explained: list[float] = []
        self._show = _shown(progress)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """From here on Ctrl-C is answered by `cut`; a second one goes through at once."""
        if isinstance(self._show, Bar):
            self._stack.enter_context(self._show)
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._interrupt)
            self._stack.callback(signal.signal, signal.SIGINT, signal.default_int_handler)
        return self

    def __exit__(self, *problem: object) -> None:
        """Leave Ctrl-C and the terminal as they were; one that came too late to shorten the path still counts."""
        self._stack.close()
        if self._interrupted and problem[0] is None:
            self._end_by_interrupt()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._interrupted:
            signal.default_int_handler(number, frame)
        self._interrupted = True

    @property
    def watched(self) -> bool:
        """Whether somebody wants to be told, or set a time limit."""
        return self._show is not None or self.time_limit is not None

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the path."""
        return self.ended == "interrupted"

    @property
    def seconds_left(self) -> float:
        """Until the time limit; infinite without."""
        return float("inf") if self._until is None else self._until - monotonic()

    def expect(self, strengths: int, *, part: int = 0, parts: int = 1) -> None:
        """Say how many strengths are to come, in which of how many parts that follow each other in time."""
        self._here, self.strengths = strengths, max(self.strengths, strengths)
        self._before, self._parts = part, parts
        if self._last is not None:
            now = monotonic()
            self._until = now + (self._last - now) / (parts - part)

    def cut(self, done: int) -> bool:
        """Whether to end the path, now that every held-out set has finished `done` strengths of this part.

        Raises
        ------
        KeyboardInterrupt
            Interrupted with nothing worth keeping.
        """
        if self._show is not None:
            self._show(self._before * self.strengths + done, self._parts * self.strengths)
        if self._interrupted:
            if done == 0 and self._before == 0:
                raise KeyboardInterrupt
            self._end_by_interrupt()
            return True
        if not 0 < done < self._here or self.seconds_left > 0.0:
            return False
        self.ended = "time limit"
        return True

    def _end_by_interrupt(self) -> None:
        if monotonic() - self._began < WORTH_KEEPING:
            raise KeyboardInterrupt
        self.ended = "interrupted"

    def explained(self, share: Callable[[], float]) -> bool:
        """Whether the final model explains enough at its newest strength, where that was asked for."""
        if not self.stop_when_explained or self._before:
            return False
        self._explained.append(share())
        if explains_enough(self._explained):
            self.ended = "explained"
        return self.ended == "explained"

    def warn_if_cut(self, finished: int, repeats: int, stacklevel: int) -> None:
        """Say how far the path came, where it was cut short."""
        if self.ended == "time limit":
            why = f"time_limit={self.time_limit:g} seconds were over"
        elif self.ended == "interrupted":
            why = "it was interrupted"
        else:
            return
        also = f", of {repeats} of {self._parts} repeats" if repeats < self._parts else ""
        warnings.warn(
            f"the path was cut short: {finished} of {self.strengths} strengths are finished, the strongest ones{also}; "
            f"{why}",
            PathCutShort,
            stacklevel=stacklevel + 1,
        )


def _shown(progress: Any) -> Callable[[int, int], object] | None:
    if progress is False or callable(progress):
        return progress or None
    if progress is True:
        return Bar()
    message = f"progress must be True, False or callable, got {progress!r}"
    raise InputError(message)


def check_time_limit(value: Any) -> float | None:
    """Seconds > 0, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not float(value) > 0.0:
        message = f"time_limit must be a number of seconds > 0, or None, got {value!r}"
        raise InputError(message)
    return float(value)
