"""Writing a report directory: report.html and its like, all or none; and the page again from what is there."""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from foldwise.errors import InputError
from foldwise.moments import FoldMoments
from foldwise.report.figures import figures_of, write_figures
from foldwise.report.page import page as html_page
from foldwise.report.text import WIDTH, page
from foldwise.study import Comparison
from foldwise.study.along import Along, load_alongs, save_alongs
from foldwise.study.comparison import SCHEMA


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


def write(comparison: Comparison, directory: str | Path, *, moments: bool = True) -> tuple[Path, ...]:
    """Write report.json and report.txt, which depend on table and settings alone, run.json, which has the times.

    Besides report.html, the page, and what it is made from where that is not in report.json: paths.npz and, with
    `moments`, moments.npz. `foldwise.report.rebuild` makes the page from these again.

    Each file is written beside its place and moved there when all are complete, so that no half report is left.

    Parameters
    ----------
    comparison : Comparison
    directory : path
        Made where it is not there; files of the same names are replaced.
    moments : bool
        Whether fold moments go into the page and beside it, so that it can refit.

    Returns
    -------
    tuple of Path
        The files.

    Raises
    ------
    InputError
        Where the directory can't be made or written.
    """
    kept = comparison.moments if moments else None
    alongs = {r.name: r.along for r in comparison.results if r.along is not None}
    plain, run = comparison.to_dict(), comparison.run.to_dict()
    texts = {
        "report.json": to_json(comparison),
        "report.txt": page(comparison, width=WIDTH, color=False, timings=False),
        "run.json": json.dumps(run, indent=1) + "\n",
        "report.html": html_page(plain, moments=kept, alongs=alongs, run=run),
    }
    arrays: dict[str, Callable[[Path], object]] = {}
    if alongs:
        arrays["paths.npz"] = partial(_save_alongs, alongs)
    if kept is not None:
        arrays["moments.npz"] = kept.save
    return write_together(Path(directory), texts, arrays, gone={"paths.npz", "moments.npz"} - set(arrays))


def rebuild(directory: str | Path, *, moments: bool = True) -> Path:
    """Write report.html again from the other files of a report: nothing is fitted, no table is read.

    Parameters
    ----------
    directory : path
        With report.json, and as far as they are there run.json, paths.npz and moments.npz.
    moments : bool
        False leaves the moments out of the page; moments.npz stays where it is.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        Where there is no report, or a file of it is broken.
    """
    folder = Path(directory)
    plain, alongs = _read_report(folder)
    run = _read_json(folder / "run.json") if (folder / "run.json").exists() else None
    kept = FoldMoments.load(folder / "moments.npz") if moments and (folder / "moments.npz").exists() else None
    content = html_page(plain, moments=kept, alongs=alongs, run=run)
    return write_together(folder, {"report.html": content})[0]


def rebuild_figures(directory: str | Path, *, kind: str = "svg") -> tuple[Path, ...]:
    """Write the figures of a report from its other files: see `foldwise.report.save_figures`."""
    folder = Path(directory)
    return write_figures(figures_of(*_read_report(folder)), folder, kind)


def write_together(
    folder: Path,
    texts: Mapping[str, str],
    arrays: Mapping[str, Callable[[Path], object]] | None = None,
    *,
    gone: Iterable[str] = (),
) -> tuple[Path, ...]:
    """Write files beside their places, and move them there when all are complete; remove what is `gone`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".report-", dir=folder) as beside:
            for name, content in texts.items():
                (Path(beside) / name).write_text(content, encoding="utf-8")
            for name, save in (arrays or {}).items():
                save(Path(beside) / name)
            names = [*texts, *(arrays or {})]
            for name in names:
                os.replace(Path(beside) / name, folder / name)  # noqa: PTH105 - replaces on every system
            for name in gone:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"directory must be one that can be written, got {str(folder)!r} ({error.strerror})"
        ) from error
    return tuple(folder / name for name in names)


def _read_report(folder: Path) -> tuple[dict[str, Any], dict[str, Along]]:
    plain = _read_json(folder / "report.json")
    if plain.get("schema") != SCHEMA:
        raise InputError(
            f"{str(folder / 'report.json')!r} has layout {plain.get('schema')!r}; this foldwise reads {SCHEMA}: "
            "run the comparison again"
        )
    return plain, load_alongs(folder / "paths.npz") if (folder / "paths.npz").exists() else {}


def _save_alongs(alongs: Mapping[str, Along], path: Path) -> None:
    save_alongs(path, alongs)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"directory must hold a report, and there is no {path.name} in {str(path.parent)!r}"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} can't be read: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"{str(path)!r} is not the {path.name} of a report")
    return found
