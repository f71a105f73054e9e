"""What was compared: a number of the report, the same recomputed, and how far apart they may be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Check:
    """One entry of the report that differs: where it stands, both values, and the tolerance."""

    where: str
    reported: Any
    recomputed: Any
    tolerance: float

    def __str__(self) -> str:
        """In one line."""
        room = f" (tolerance {self.tolerance:.1g})" if self.tolerance else ""
        return f"{self.where}: the report has {_told(self.reported)}, recomputed it is {_told(self.recomputed)}{room}"


@dataclass(eq=False)
class Verification:
    """What agrees, what differs, and what could not be recomputed.

    Attributes
    ----------
    agree : int
        Numbers that agree.
    differ : list of Check
    left_out : list of str
        What was not recomputed, and why.
    """

    agree: int = 0
    differ: list[Check] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def near(self, where: str, reported: Any, recomputed: Any, tolerance: float) -> None:
        """Compare numbers, or lists of them; None is equal to None alone."""
        if isinstance(reported, list) or isinstance(recomputed, list | np.ndarray):
            each, others = _listed(reported), _listed(recomputed)
            if len(each) != len(others):
                self.same(f"{where} (how many)", len(each), len(others))
                return
            for at, (one, other) in enumerate(zip(each, others, strict=True)):
                self.near(f"{where}[{at}]", one, other, tolerance)
            return
        ours = None if recomputed is None or not np.isfinite(recomputed) else float(recomputed)
        if reported is None or ours is None:
            self._count(where, reported, ours, alike=reported is None and ours is None, tolerance=tolerance)
            return
        self._count(where, reported, ours, alike=abs(reported - ours) <= tolerance, tolerance=tolerance)

    def same(self, where: str, reported: Any, recomputed: Any) -> None:
        """Compare exactly."""
        self._count(where, reported, recomputed, alike=reported == recomputed, tolerance=0.0)

    def _count(self, where: str, reported: Any, recomputed: Any, *, alike: bool, tolerance: float) -> None:
        if alike:
            self.agree += 1
        else:
            self.differ.append(Check(where, reported, recomputed, tolerance))


def _listed(values: Any) -> Sequence[Any]:
    return [] if values is None else list(values)


def _told(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else repr(value)
