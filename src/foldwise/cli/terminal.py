"""What the terminal shows beside results: one-line errors, notes, a progress bar; all on the error stream."""

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from foldwise.report.text import PLAIN

PIPED_WIDTH = 100  # columns of text that goes to a file or another program

Step = Callable[[int, int, str], None]


def say_error(message: str) -> None:
    """Print one line, red where the terminal has colours.

    Examples
    --------
    >>> say_error("alpha must be >= 0, got -1")
    """
    line = " ".join(message.split())
    _errors().print(Text.assemble(("error: ", "bold red"), (line, "red")), soft_wrap=True)


@contextmanager
def notes_shown() -> Iterator[None]:
    """Show the warnings of a block as notes, each once, when it has run.

    Examples
    --------
    >>> with notes_shown():
    ...     warnings.warn("column 'id' looks like an identifier", UserWarning, stacklevel=1)
    """
    with notes_kept() as notes:
        yield
    for note in notes:
        say_note(note)


@contextmanager
def notes_kept() -> Iterator[list[str]]:
    """Collect warnings as notes, each once, while the block runs; the list is filled when it ends without an error.

    Examples
    --------
    >>> with notes_kept() as notes:
    ...     warnings.warn("column 'id' looks like an identifier", UserWarning, stacklevel=1)
    >>> notes
    ["column 'id' looks like an identifier"]
    """
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)  # DataWarning, AccuracyWarning and scikit-learn's are such
        yield notes
    notes += dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught)


def say_note(note: str) -> None:
    """Print one line that is no error.

    Examples
    --------
    >>> say_note("column 'id' looks like an identifier")
    """
    _errors().print(Text.assemble(("note: ", "bold yellow"), note), soft_wrap=True)


@contextmanager
def progress_bar(task: str) -> Iterator[Step]:
    """Give a function to call with (steps done, steps in all, what comes next).

    On a terminal it moves a bar, elsewhere nothing is shown.

    Examples
    --------
    >>> with progress_bar("comparing") as step:
    ...     step(1, 2, "lasso")
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=_errors(),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        number = bar.add_task(task, total=None)
        yield lambda done, total, following: bar.update(
            number, completed=done, total=total, description=f"{task} {following}".rstrip()
        )


@contextmanager
def waiting(task: str, what: str = "strength") -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal that something is going on, while the block runs; give a function to say how far it is.

    Examples
    --------
    >>> with waiting("fitting") as tell:
    ...     tell(3, 100)
    """
    console = _errors()
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with console.status(task) as status:
        yield lambda done, total: status.update(f"{task}, {what} {done} of {total}")


def output_console() -> Console:
    """Where results go: as wide as the terminal; PIPED_WIDTH, without colour, where that is a file or program.

    Examples
    --------
    >>> output_console().width > 0
    True
    """
    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def encodable(lines: Iterable[Text]) -> list[Text]:
    """Give lines that the output can hold: where its encoding lacks some letters, bars of # and ? for other letters.

    Examples
    --------
    >>> [line.plain for line in encodable([Text("weight")])]
    ['weight']
    """
    encoding = sys.stdout.encoding or "utf-8"
    return [line if _fits(line.plain, encoding) else _plain(line, encoding) for line in lines]


def _fits(text: str, encoding: str) -> bool:
    return text.encode(encoding, errors="replace").decode(encoding) == text


def _plain(line: Text, encoding: str) -> Text:
    plain = line.copy()
    plain.plain = line.plain.translate(PLAIN).encode(encoding, errors="replace").decode(encoding)
    return plain


def _errors() -> Console:
    return Console(stderr=True, highlight=False, markup=False, emoji=False)
