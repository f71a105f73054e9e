"""`foldwise verify`: a report's numbers recomputed from its table, and what differs."""

import json
from pathlib import Path
from typing import Any

from rich.text import Text

from foldwise.cli.terminal import encodable, notes_shown, output_console, waiting
from foldwise.errors import InputError
from foldwise.tables import read_table
from foldwise.verify import verify

SHOWN = 20
"""Differences that are listed; the others are counted."""


def show_verification(directory: Path, table: Path) -> bool:
    """Print what agrees, what differs and what was left out; whether nothing differs."""
    report = read_report(directory)
    with notes_shown(), waiting("recomputing with scikit-learn", "fold") as tell:
        found = verify(report, read_table(table), progress=lambda done, total, _: tell(done, total))
    name = report["target"]["name"]
    lines = [Text(f"{directory}: {len(report['candidates'])} candidates for {name}, from {table}", style="bold")]
    lines.append(Text(f"{found.agree} numbers agree with those recomputed from the table"))
    if found.differ:
        count = "1 number differs" if len(found.differ) == 1 else f"{len(found.differ)} numbers differ"
        lines += [Text(), Text(f"{count}:", style="bold")]
        lines += [Text(f"  {check}") for check in found.differ[:SHOWN]]
        if len(found.differ) > SHOWN:
            lines.append(Text(f"  and {len(found.differ) - SHOWN} more"))
    lines += [Text(), Text("not recomputed:"), *(Text(f"  {each}") for each in found.left_out)]
    console = output_console()
    for line in encodable(lines):
        console.print(line, soft_wrap=True)
    return not found.differ


def read_report(directory: Path) -> Any:
    """The report.json of a directory, or the file itself.

    Raises
    ------
    InputError
        If there is none, or it is not JSON.

    Examples
    --------
    >>> read_report(Path("no-such-folder"))
    Traceback (most recent call last):
    foldwise.errors.InputError: there is no report.json in 'no-such-folder'
    """
    path = directory if directory.is_file() else directory / "report.json"
    if not path.is_file():
        raise InputError(f"there is no report.json in {str(directory)!r}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{str(path)!r} can't be read: {error}") from error
