"""Files written whole or not at all: a temporary file beside the goal, then one rename."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from foldwise.errors import InputError


def check_goal(path: Path, argument: str, suffixes: tuple[str, ...]) -> None:
    """Refuse a file that can't be written, before any work is done.

    Examples
    --------
    >>> check_goal(Path("model.pkl"), "--save", (".json",))
    Traceback (most recent call last):
    foldwise.errors.InputError: --save must name a .json file, got 'model.pkl'
    """
    if path.suffix.lower() not in suffixes:
        raise InputError(f"{argument} must name a {' or '.join(suffixes)} file, got {str(path)!r}")
    if path.is_dir():
        raise InputError(f"{argument} must name a file, {str(path)!r} is a folder")
    if not path.parent.is_dir():
        raise InputError(f"{argument}: there is no folder {str(path.parent)!r}")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{argument}: the folder {str(path.parent)!r} can't be written to")


def check_folder(path: Path, argument: str) -> None:
    """Refuse a folder that can't be made or written to, before any work is done.

    Examples
    --------
    >>> check_folder(Path(__file__), "--out")
    Traceback (most recent call last):
    foldwise.errors.InputError: --out must name a folder, 'files.py' is a file
    """
    if path.exists() and not path.is_dir():
        raise InputError(f"{argument} must name a folder, {path.name!r} is a file")
    nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not os.access(nearest, os.W_OK):
        raise InputError(f"{argument}: the folder {str(nearest)!r} can't be written to")


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, then give it the name `path`; after a failure nothing is left.

    Raises
    ------
    InputError
        If the folder can't be written to, or the disk is full.

    Examples
    --------
    >>> goal = Path(tempfile.mkdtemp()) / "two.txt"
    >>> write_whole(goal, lambda path: path.write_text("2"))
    >>> goal.read_text()
    '2'
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(descriptor)
    except OSError as error:
        raise InputError(f"{str(path)!r} can't be written: {error.strerror}") from error
    draft = Path(name)
    try:
        write(draft)
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
    except OSError as error:
        raise InputError(f"{str(path)!r} can't be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
