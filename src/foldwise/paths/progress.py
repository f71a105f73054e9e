"""The bar of a long fit: strengths done and the time left, on the error stream, once a second has passed."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.progress import Progress

# Seconds that nobody needs a bar for.
PATIENCE = 1.0


class Bar:
    """Call it with (strengths done, strengths in all); a context manager, for the bar must be taken away again.

    Examples
    --------
    >>> with Bar() as bar:
    ...     bar(3, 100)
    """

    def __init__(self) -> None:
        self._began = monotonic()
        self._bar: Progress | None = None
        self._task: Any = None

    def __enter__(self) -> Self:
        """Nothing is shown yet."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, strengths: int) -> None:
        """Move the bar."""
        if self._bar is None:
            if monotonic() - self._began < PATIENCE:
                return
            self._bar = _bar()
            self._bar.start()
            self._task = self._bar.add_task("fitting", total=strengths)
        self._bar.update(self._task, completed=done, total=strengths)


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("strengths,"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        transient=True,
        disable=not (console.is_terminal or console.is_jupyter),
    )
