"""What can't be read: an error that names the file and the row group, and the list of what was skipped."""

from __future__ import annotations

from dataclasses import dataclass

from foldwise.errors import InputError


class BadBlock(InputError):  # noqa: N818 - it names what is bad, as InputError's other kinds do
    """A part of a table that can't be used.

    Parameters
    ----------
    where : str
        The file, and the row group or rows.
    why : str
    group : int, optional
        The row group (from 0) that alone is to blame; without it the whole file is.
    """

    def __init__(self, where: str, why: str, group: int | None = None) -> None:
        super().__init__(f"{where}: {why}")
        self.where, self.why, self.group = where, why, group

    def __reduce__(self) -> tuple[type[BadBlock], tuple[str, str, int | None]]:
        """For the way back from another process."""
        return BadBlock, (self.where, self.why, self.group)


class BadCell(ValueError):  # noqa: N818 - never seen by users
    """A value that can't be used, by its row in the file (from 0); a piece makes a BadBlock of it."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(why)
        self.row, self.why = row, why


@dataclass(frozen=True)
class Skipped:
    """A part of a table that a scan left out.

    Attributes
    ----------
    where, why : str
    n_rows : int or None
        How many rows it had; None where that can't be told.
    """

    where: str
    why: str
    n_rows: int | None = None


def first_line(error: BaseException) -> str:
    r"""What a library said, without what it said after that.

    Examples
    --------
    >>> first_line(OSError("cut off\nin frame #0"))
    'cut off'
    """
    return str(error).strip().split("\n", maxsplit=1)[0] or type(error).__name__
