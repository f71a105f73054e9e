"""The store: finished pieces in a directory, each a file, so that the same study goes on where it was cut off."""

import errno
import json
import os
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foldwise.errors import InputError
from foldwise.study.piece import Piece

FORMAT = 1
"""Of the files; others are not read."""
FOLDER = "pieces"
DRAFT = ".draft-"
ABANDONED = 3600.0
"""Seconds after which a draft is one of a process that was killed."""
_OPTIONAL = ("eta", "everywhere")


@dataclass(frozen=True)
class Store:
    """Pieces by name, in files of a directory.

    A name is a digest of everything that a piece depends on (`foldwise.study.fingerprint`). A file appears under its
    name at once and whole: it is written beside, brought to the disk, and moved there. So a process that is killed
    leaves at most a draft, two processes can share a directory, and what can't be read is as good as absent.

    Attributes
    ----------
    directory : Path
        Pieces are in its folder "pieces".

    Examples
    --------
    >>> store = Store.at(tempfile.mkdtemp())
    >>> store.put("ab12", Piece(predictions=np.array([1.0, 2.0]), notes=("a note",)))
    >>> store.get("ab12").predictions.tolist(), store.get("ab12").notes, store.get("cd34")
    ([1.0, 2.0], ('a note',), None)
    """

    directory: Path

    @classmethod
    def at(cls, directory: str | Path) -> "Store":
        """The store of a directory, which is made where it is not there; abandoned drafts are removed.

        Raises
        ------
        InputError
            Where nothing can be written there.
        """
        store = cls(Path(directory))
        folder = store.directory / FOLDER
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(prefix=DRAFT, dir=folder):
                pass
            for draft in folder.glob(f"{DRAFT}*"):
                _remove_abandoned(draft)
        except OSError as error:
            raise store._refused(error) from error
        return store

    def get(self, name: str) -> Piece | None:
        """The piece of this name; None where there is none that can be read."""
        try:
            with self._file(name).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return _from_arrays({key: arrays[key] for key in arrays.files})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def put(self, name: str, piece: Piece) -> None:
        """Keep a piece under a name.

        Raises
        ------
        InputError
            Where the disk is full or the directory can't be written.
        """
        goal = self._file(name)
        try:
            descriptor, draft = tempfile.mkstemp(prefix=DRAFT, dir=goal.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    np.savez(file, **_to_arrays(piece))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(draft, goal)  # noqa: PTH105 - replaces on every system
            except BaseException:
                Path(draft).unlink(missing_ok=True)
                raise
            _to_disk(goal.parent)
        except OSError as error:
            raise self._refused(error) from error

    def _file(self, name: str) -> Path:
        return self.directory / FOLDER / f"{name}.npz"

    def _refused(self, error: OSError) -> InputError:
        where = str(self.directory)
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return InputError(
                f"the disk of {where!r} is full: what is finished is kept there; make room, and give the same command "
                "again to go on"
            )
        return InputError(f"directory must be one that can be written, got {where!r} ({error.strerror})")


def _remove_abandoned(draft: Path) -> None:
    try:
        if time.time() - draft.stat().st_mtime > ABANDONED:
            draft.unlink()
    except FileNotFoundError:  # another process was faster
        return


def _to_disk(folder: Path) -> None:
    """Bring a folder's names to the disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _to_arrays(piece: Piece) -> dict[str, Any]:
    told = {"format": FORMAT, "score": piece.score, "notes": list(piece.notes), "seconds": piece.seconds}
    arrays = {name: value for name in _OPTIONAL if (value := getattr(piece, name)) is not None}
    return {
        "told": np.frombuffer(json.dumps(told).encode(), dtype=np.uint8),
        "predictions": piece.predictions,
        **arrays,
        **{f"of {name}": value for name, value in piece.arrays.items()},
    }


def _from_arrays(arrays: dict[str, Any]) -> Piece:
    told = json.loads(arrays["told"].tobytes())
    if told["format"] != FORMAT:
        raise ValueError(f"format {told['format']!r}")
    return Piece(
        predictions=arrays["predictions"],
        **{name: arrays.get(name) for name in _OPTIONAL},
        score=told["score"],
        arrays={name.removeprefix("of "): value for name, value in arrays.items() if name.startswith("of ")},
        notes=tuple(told["notes"]),
        seconds=told["seconds"],
    )
