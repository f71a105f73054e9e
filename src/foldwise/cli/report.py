"""`foldwise report`: the page again, from what a comparison left in a folder."""

import sys
from pathlib import Path

from foldwise import report
from foldwise.cli.files import check_folder


def show_rebuilt(folder: Path, *, moments: bool) -> None:
    """Write report.html and say how large it is."""
    check_folder(folder, "DIR")
    page = report.rebuild(folder, moments=moments)
    sys.stdout.write(f"written: {page} ({page.stat().st_size / 1000:.0f} kB)\n")
