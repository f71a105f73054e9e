"""Writing a report directory: report.json, report.txt and run.json, all or none."""

import json
import os
import tempfile
from pathlib import Path

from foldwise.errors import InputError
from foldwise.report.text import WIDTH, page
from foldwise.study import Comparison


def to_json(comparison: Comparison) -> str:
    """The content of report.json: the same seed gives the same bytes; docs/report-json.md has the layout.

    Examples
    --------
    >>> import json
    >>> import foldwise as fw
    >>> comparison = fw.compare(fw.datasets.auto_mpg(), target="mpg", candidates=["lasso"], repeats=1)
    >>> json.loads(to_json(comparison))["rows"]
    398
    """
    return json.dumps(comparison.to_dict(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def write(comparison: Comparison, directory: str | Path) -> tuple[Path, ...]:
    """Write report.json and report.txt, which depend on table and settings alone, and run.json, which has the times.

    Each file is written beside its place and moved there when all are complete, so that no half report is left.

    Parameters
    ----------
    comparison : Comparison
    directory : path
        Made where it is not there; files of the same names are replaced.

    Returns
    -------
    tuple of Path
        The three files.

    Raises
    ------
    InputError
        Where the directory can't be made or written.
    """
    contents = {
        "report.json": to_json(comparison),
        "report.txt": page(comparison, width=WIDTH, color=False, timings=False),
        "run.json": json.dumps(comparison.run.to_dict(), indent=1) + "\n",
    }
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".report-", dir=folder) as beside:
            for name, content in contents.items():
                (Path(beside) / name).write_text(content, encoding="utf-8")
            for name in contents:
                os.replace(Path(beside) / name, folder / name)  # noqa: PTH105 - replaces on every system
    except OSError as error:
        raise InputError(
            f"directory must be one that can be written, got {str(directory)!r} ({error.strerror})"
        ) from error
    return tuple(folder / name for name in contents)
