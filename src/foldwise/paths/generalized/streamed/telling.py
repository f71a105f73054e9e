"""The bar of a fit in passes: which pass, how many points are left, rows a second, the time left of the pass."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from foldwise.moments.streaming.passing import TOLD_EVERY
from foldwise.paths.progress import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foldwise.paths.generalized.streamed.row_stream import RowStream


@contextmanager
def passes_shown(stream: RowStream, *, show: bool) -> Iterator[RowStream]:
    """The same stream, with a bar on the error stream while the block lasts, where one is wanted.

    Examples
    --------
    >>> with passes_shown("any stream", show=False) as stream:
    ...     stream
    'any stream'
    """
    if not show:
        yield stream
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        TextColumn("left of this pass"),
        console=console,
        transient=True,
        disable=not (console.is_terminal or console.is_jupyter),
    )
    task = bar.add_task("reading", total=1.0, speed="")
    opened, began = monotonic(), dict[str, float]()

    def tell(what: str, rows: int, share: float | None) -> None:
        if what not in began:
            began[what] = monotonic() - TOLD_EVERY
            bar.reset(task, total=1.0, description=what)
        if monotonic() - opened > PATIENCE:
            bar.start()
        seconds = max(monotonic() - began[what], 1e-3)
        bar.update(task, completed=share or 0.0, description=what, speed=f"{rows / seconds:,.0f} rows/s,")
        if stream.tell is not None:
            stream.tell(what, rows, share)

    try:
        yield replace(stream, tell=tell)
    finally:
        bar.stop()
