"""Fold moments as text small enough for a page, from which its script refits: never a row.

Variables are brought to one scale first (the mean and the standard deviation over all rows; marks and levels stay as
they are, for they are added up), which changes no fit. A block's cross-products are kept as its correlations, in whole
numbers of a few bytes, beside its roots in double precision: an extreme block then costs the others no digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.report.page.base64_text import base64_text, whole_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.moments import FoldMoments, TrainingSet
    from foldwise.tables import Column

    Floats = NDArray[np.float64]

WIDTHS = (6, 5, 4)
"""Bytes of a correlation: 48 bits round it to 4e-15, 40 bits to 1e-12, 32 bits to 3e-10."""
SINGULAR = 1e-11
"""What the page's solver takes for zero."""
EXACT = 1e-6
"""What a refit in the page may differ from Python's by, per standard deviation."""
WISHED = 80_000
"""Characters that moments should take, so that the page of 50 features and 10 folds stays within 150 kB."""
MOST = 880_000
"""Characters that moments may take, so that no page is above 1 MB."""
MOST_WORK = 2e6
"""Folds times variables squared, up to which all repeats are taken: what a step of the page costs grows with it."""


@dataclass(frozen=True)
class Room:
    """What of the moments goes into a page: so many repeats, so many bytes a correlation.

    Examples
    --------
    >>> Room.of(variables=8, folds=5, repeats=10), Room.of(51, 10, 10), Room.of(400, 5, 1)
    (Room(repeats=10, width=6), Room(repeats=1, width=4), None)
    """

    repeats: int
    width: int

    @classmethod
    def of(cls, variables: int, folds: int, repeats: int, smallest: float = 1.0) -> Room | None:
        """All repeats where they fit as wished, else the first; as many bytes as fit, and as collinear columns need.

        `smallest` is the smallest eigenvalue of the columns' correlations, which roundings of these are divided by.
        None where nothing fits at all.
        """
        work = variables**2 * folds
        exact = [width for width in WIDTHS if variables * _rounding(width) <= EXACT * smallest] or [WIDTHS[0]]
        for kept in (repeats, 1):
            if kept > 1 and work * kept > MOST_WORK:
                continue
            for width in exact:
                if _characters(variables, folds * kept, width) <= WISHED:
                    return cls(kept, width)
        for width in (*reversed(exact), *WIDTHS):
            if _characters(variables, folds, width) <= MOST:
                return cls(1, width)
        return None


def _rounding(width: int) -> float:
    """The largest rounding of a correlation kept in so many bytes."""
    return float(2.0 ** -(8 * width))


def _characters(variables: int, blocks: int, width: int) -> int:
    pairs = variables * (variables - 1) // 2
    return blocks * (pairs * width + 14 * variables) * 4 // 3


def pack(
    moments: FoldMoments, columns: tuple[Column, ...], *, target_scale: float, room: Room | None = None
) -> dict[str, Any] | None:
    """The moments as the page's script reads them, or None where they would be too large.

    Parameters
    ----------
    moments : FoldMoments
        Of the raw columns and of the target divided by `target_scale`.
    columns : p Columns
        The columns of the fitted design.
    target_scale : float
    room : Room, optional
        What to keep, where it shall not be chosen.

    Returns
    -------
    dict, plain data
        In base64: `mean` (B x q numbers of 6 bytes, in shares of `farthest`), `root` (B x q doubles) and `correlation`
        (B x q (q - 1) / 2 numbers of `width` bytes). `rules`: for the final model and each fold held out, what its gaps
        are filled with, which levels are pooled, which columns do not vary; `centre`, `spread` (p) and `target_centre`:
        back to the table's units.
    """
    q = int(moments.mean.shape[1])
    whole = moments.training_set(frozenset())
    if room is None and _characters(q, moments.n_folds, WIDTHS[-1]) <= MOST:
        room = Room.of(q, moments.n_folds, moments.n_repeats, _smallest_eigenvalue(whole))
    if room is None or moments.n_folds < 2:
        return None
    blocks = slice(0, room.repeats * moments.n_folds)
    weight, mean, cross = moments.weight[blocks], moments.mean[blocks], moments.cross[blocks]
    g = len(moments.gaps)
    raw = q - 1 - g
    shift, spread = np.zeros(q), np.ones(q)
    numeric = np.array([columns[j].kind in {"number", "boolean"} for j in range(raw)], dtype=bool)
    everything = np.einsum("b,bi->i", weight, mean) / weight.sum()
    within = np.einsum("bii->i", cross) + np.einsum("b,bi->i", weight, (mean - everything) ** 2)
    own = np.sqrt(within[:raw] / weight.sum())
    shift[:raw] = np.where(numeric, everything[:raw], 0.0)
    spread[:raw] = np.where(numeric & (own > 0.0), own, 1.0)
    shift[-1] = everything[-1]
    reference = np.zeros(raw)
    reference[moments.gaps] = moments.reference
    rules = []
    for held_out in moments.held_out_sets()[: 1 + len(weight)]:
        training = moments.training_set(held_out)
        fill = (training.map.fill - moments.reference) / spread[moments.gaps]
        rules.append(
            {
                "fill": fill.tolist(),
                "moved": [list(pair) for pair in training.map.moved],
                "dead": np.flatnonzero(training.scale == 0.0).tolist(),
            }
        )
    root = np.sqrt(np.maximum(np.einsum("bii->bi", cross), 0.0)) / spread
    centred = (mean - shift) / spread
    farthest = float(np.abs(centred).max()) or 1.0
    return {
        "variables": q,
        "folds": moments.n_folds,
        "repeats": room.repeats,
        "repeats_in_all": moments.n_repeats,
        "width": room.width,
        "gaps": moments.gaps.tolist(),
        "indicators": moments.indicators,
        "weight": weight.tolist(),
        "mean": base64_text(whole_numbers(centred / farthest, WIDTHS[0])),
        "farthest": farthest,
        "root": base64_text(root.astype("<f8")),
        "correlation": base64_text(whole_numbers(_correlations(cross), room.width)),
        "rules": rules,
        "centre": [*_told((shift[:raw] + reference) / spread[:raw]), *[0.0] * (len(whole.scale) - raw)],
        "spread": [*_told(spread[:raw]), *[1.0] * (len(whole.scale) - raw)],
        "target_centre": float(shift[-1] * target_scale),
        "target_scale": float(target_scale),
    }


def _told(values: Floats) -> list[float]:
    """To 12 digits, which are shorter to write."""
    return [float(f"{value:.12g}") for value in values]


def _smallest_eigenvalue(training: TrainingSet) -> float:
    """Of the correlations of columns that vary, leaving out perfectly collinear directions, which no digits help."""
    live = np.flatnonzero(training.scale > 0.0)
    scale = training.scale[live]
    values = np.linalg.eigvalsh(training.covariance[np.ix_(live, live)] / scale[:, None] / scale)
    return float(min(values[values > SINGULAR], default=1.0))


def _correlations(cross: Floats) -> Floats:
    """Within each block, above the diagonal: (B, q (q - 1) / 2)."""
    root = np.sqrt(np.maximum(np.einsum("bii->bi", cross), 0.0))
    over = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0.0)
    upper = np.triu_indices(cross.shape[1], 1)
    within: Floats = np.clip(cross * over[:, :, None] * over[:, None, :], -1.0, 1.0)[:, upper[0], upper[1]]
    return within
