"""How far a scan has come, on disk: what a later run needs to go on; written whole or not at all, never a pickle.

A .npz file of plain arrays, and one JSON text `settings` with the plan's fingerprint, how many files and pieces are
done, what was skipped, and the branches of the two trees: for each its leaves, rows and the names of its arrays.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError
from foldwise.moments.streaming.bad import Skipped
from foldwise.moments.streaming.pieces import Tallied
from foldwise.moments.streaming.tally import Tally, merged
from foldwise.moments.streaming.tree import Tree
from foldwise.moments.whole_file import write_arrays

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

VERSION = 1
ARRAYS = ("weight", "mean", "cross", "gaps", "level_count")


@dataclass
class Progress:
    """How far a scan has come.

    Attributes
    ----------
    files, pieces : int
        Files that are done, and pieces of the one after them.
    whole, current : Tree of Tally
        Of the files that are done, and of that one's pieces.
    empty : Tally
        That of no rows, which takes the place of a file without any, so that the tree's form stays.
    skipped : list of Skipped
    """

    whole: Tree[Tally]
    current: Tree[Tally]
    empty: Tally
    files: int = 0
    pieces: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    pending: list[Skipped] = field(default_factory=list)

    @classmethod
    def start(cls, empty: Tally) -> Progress:
        """Nothing is done."""
        return cls(Tree(merged), Tree(merged), empty)

    @property
    def n_rows(self) -> int:
        """Rows that have been tallied."""
        return sum(tally.n_rows for tree in (self.whole, self.current) for _, tally in tree.branches)

    def tallied(self) -> Tallied:
        """All rows, when all files are done."""
        return Tallied(self.whole.total() or self.empty, tuple(self.skipped))

    def end_file(self) -> None:
        """The file's pieces have all come."""
        self.whole.add(self.current.total() or self.empty)
        self.skipped += self.pending
        self._next_file()

    def drop_file(self, skipped: Skipped) -> None:
        """The file can't be read to its end: none of it counts."""
        self.whole.add(self.empty)
        self.skipped.append(skipped)
        self._next_file()

    def _next_file(self) -> None:
        self.current, self.pending = Tree(merged), []
        self.files, self.pieces = self.files + 1, 0


def save_state(path: Path, fingerprint: str, progress: Progress) -> None:
    """Write to a temporary file beside the target, then put it in place."""
    arrays: dict[str, Any] = {}
    trees = {}
    for name, tree in (("whole", progress.whole), ("current", progress.current)):
        trees[name] = [[leaves, tally.n_rows] for leaves, tally in tree.branches]
        for at, (_, tally) in enumerate(tree.branches):
            arrays |= {f"{name}_{at}_{part}": getattr(tally, part) for part in ARRAYS}
    settings = {
        "version": VERSION,
        "fingerprint": fingerprint,
        "files": progress.files,
        "pieces": progress.pieces,
        "skipped": [asdict(one) for one in progress.skipped],
        "pending": [asdict(one) for one in progress.pending],
        "trees": trees,
    }
    arrays["settings"] = np.array(json.dumps(settings))
    write_arrays(path, arrays)


def load_state(path: Path, fingerprint: str, empty: Tally) -> Progress:
    """Read what `save_state` wrote.

    Raises
    ------
    InputError
        Where the file is no such state, or one of another plan.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            settings = json.loads(str(file["settings"]))
            found = _progress(settings, file.__getitem__, empty)
    except OSError as error:
        message = f"state {str(path)!r} can't be read: {error.strerror or error}"
        raise InputError(message) from error
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile, EOFError) as error:
        message = f"state {str(path)!r} is not the state of a scan: {error}; remove it, or name another file"
        raise InputError(message) from error
    if settings["fingerprint"] != fingerprint or settings["version"] != VERSION:
        message = (
            f"state {str(path)!r} is of another scan: the files have changed since, or the columns, folds or seed are "
            "others; remove it to start anew, or name another file"
        )
        raise InputError(message)
    return found


def _progress(settings: dict[str, Any], array: Callable[[str], NDArray[Any]], empty: Tally) -> Progress:
    trees = []
    for name in ("whole", "current"):
        tree = Tree(merged)
        for at, (leaves, n_rows) in enumerate(settings["trees"][name]):
            parts = {part: array(f"{name}_{at}_{part}") for part in ARRAYS}
            tree.branches.append((leaves, Tally(**parts, n_rows=n_rows)))
        trees.append(tree)
    return Progress(
        trees[0],
        trees[1],
        empty,
        settings["files"],
        settings["pieces"],
        [Skipped(**one) for one in settings["skipped"]],
        [Skipped(**one) for one in settings["pending"]],
    )
