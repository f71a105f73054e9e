"""`foldwise report`: the page again, from what a comparison left in a folder."""

import sys
from pathlib import Path

from foldwise import report
from foldwise.cli.files import check_folder


def show_rebuilt(folder: Path, *, moments: bool, figures: str | None = None) -> None:
    """Write report.html, and figures where asked, and say which files these are."""
    check_folder(folder, "DIR")
    page = report.rebuild(folder, moments=moments)
    drawn = report.rebuild_figures(folder, kind=figures) if figures else ()
    sys.stdout.write(
        f"written: {page} ({page.stat().st_size / 1000:.0f} kB){''.join(f', {path.name}' for path in drawn)}\n"
    )
