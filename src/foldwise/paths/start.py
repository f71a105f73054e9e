"""A warm start: from which coefficients of an earlier fit each held-out set's path begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.paths.paths import Paths

    Floats = NDArray[np.float64]

LOCAL = ("mcp", "scad")


def check_start(
    start: Any, n_features: int, held_out: tuple[frozenset[int], ...], penalty: str, l1_ratio: float
) -> Start | None:
    """What gives, for strengths (A,) in descending order, the earlier coefficients (H, p) nearest to the first.

    Raises
    ------
    InputError
        Where the earlier fit is of other columns or held-out sets, or the penalty has more than one solution, so that
        the answer would depend on where the path began.
    """
    if start is None:
        return None
    if not all(hasattr(start, name) for name in ("alphas", "held_out", "kept", "columns")):
        message = f"start must be what fit_paths returned for this table, got {type(start).__name__}"
        raise InputError(message)
    if penalty in LOCAL:
        message = (
            f"start must be left out with penalty={penalty!r}: its solutions are local, so that what is found would "
            "depend on where the path began, and a fold's on rows that the fold holds out"
        )
        raise InputError(message)
    if start.n_features != n_features:
        message = f"start must have the {n_features} columns of this table, got paths with {start.n_features}"
        raise InputError(message)
    if start.held_out != held_out:
        message = (
            f"start must have the {len(held_out)} held-out sets of this fit (same folds, repeats and nested), got "
            f"{len(start.held_out)}{'' if len(start.held_out) != len(held_out) else ' others'}"
        )
        raise InputError(message)
    return Start(start, l1_ratio)


@dataclass(frozen=True, eq=False)
class Start:
    """Where an earlier fit stands at the strength nearest to the first of some.

    Parameters
    ----------
    earlier : Paths
    l1_ratio : float
        Of the fit that begins there.
    """

    earlier: Paths
    l1_ratio: float

    def at(self, alphas: Floats) -> int:
        """Which of its strengths is nearest to the first of strengths (A,)."""
        lasso = self.earlier.l1_ratio > 0.0 and self.l1_ratio > 0.0
        theirs = self.earlier.alphas * (self.earlier.l1_ratio if lasso else 1.0)
        mine = float(alphas[0]) * (self.l1_ratio if lasso else 1.0)
        tiny = np.finfo(float).tiny
        return int(np.argmin(np.abs(np.log(theirs + tiny) - np.log(mine + tiny))))

    def __call__(self, alphas: Floats) -> Floats:
        """The coefficients (H, p) there, with an axis more for several outputs."""
        earlier, kept = self.earlier, self.earlier.kept[:, self.at(alphas)]
        coef = np.zeros((len(kept), earlier.n_features, *kept.shape[2:]))
        coef[:, slice(None) if earlier.columns is None else earlier.columns] = kept
        return coef

    def of_sets(self, alphas: Floats, held_out: Sequence[frozenset[int]]) -> tuple[Floats, Floats]:
        """Coefficients (H, p) and intercepts (H,) of some held-out sets, with an axis more for several outputs."""
        where = [self.earlier.held_out.index(members) for members in held_out]
        return self(alphas)[where], self.earlier.intercept[where, self.at(alphas)]
