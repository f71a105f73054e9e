"""A tally: the fold moments of some rows, made chunk by chunk, that merges with the tallies of other rows.

Rows of a chunk are put in fold order, centred about their own fold's mean so far, multiplied out by the BLAS and
merged; no fold sees another's rows, and nothing large is ever subtracted (see `foldwise.moments.merge`). Means are
relative to a reference, one number for each column that all workers know, so that a column of epoch seconds keeps its
digits however the rows are cut. A column's missing indicator joins with the first gap (see `foldwise.moments.gaps`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from foldwise.moments.gaps import with_gaps
from foldwise.moments.merge import merge_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Tally:
    """Moments of some rows.

    Attributes
    ----------
    weight, mean, cross : arrays (B,), (B, q), (B, q, q)
        Of the blocks, which are K folds for each of R repeats; q = p + g + 1. Means of x and y are relative to the
        plan's reference.
    gaps : array (g,)
        Columns in which a value was missing.
    level_count : array (B, L)
        Rows of each of the counted columns.
    n_rows : int
    """

    weight: Floats
    mean: Floats
    cross: Floats
    gaps: Ints
    level_count: Floats
    n_rows: int

    @classmethod
    def empty(cls, n_blocks: int, p: int, n_levels: int) -> Tally:
        """No rows."""
        return cls(
            weight=np.zeros(n_blocks),
            mean=np.zeros((n_blocks, p + 1)),
            cross=np.zeros((n_blocks, p + 1, p + 1)),
            gaps=np.zeros(0, dtype=np.intp),
            level_count=np.zeros((n_blocks, n_levels)),
            n_rows=0,
        )

    @property
    def n_bytes(self) -> int:
        """Memory it takes, and what travels between workers."""
        return int(self.cross.nbytes + self.mean.nbytes + self.level_count.nbytes)


def merged(first: Tally, second: Tally) -> Tally:
    """The tally of both's rows."""
    if not first.n_rows or not second.n_rows:
        return first if first.n_rows else second
    gaps = np.union1d(first.gaps, second.gaps).astype(np.intp)
    nothing = np.zeros(len(gaps))
    parts = [with_gaps(part.mean, part.cross, part.gaps, gaps, nothing) for part in (first, second)]
    blocks = [
        merge_blocks(
            np.array([first.weight[block], second.weight[block]]),
            np.stack([mean[block] for mean, _ in parts]),
            [cross[block] for _, cross in parts],
            (0, 1),
        )
        for block in range(len(first.weight))
    ]
    return Tally(
        weight=np.array([weight for weight, _, _ in blocks]),
        mean=np.stack([mean for _, mean, _ in blocks]),
        cross=np.stack([cross for _, _, cross in blocks]),
        gaps=gaps,
        level_count=first.level_count + second.level_count,
        n_rows=first.n_rows + second.n_rows,
    )


class Tallying:
    """A tally in the making.

    Parameters
    ----------
    n_folds, n_repeats : int
    reference : array (p + 1,)
        What means are kept relative to.
    levels : array (L,)
        The columns whose rows are counted.
    """

    def __init__(self, n_folds: int, n_repeats: int, reference: Floats, levels: Ints) -> None:
        self.n_folds, self.reference, self.levels = n_folds, reference, levels
        start = Tally.empty(n_folds * n_repeats, len(reference) - 1, len(levels))
        self.weight, self.mean, self.cross = start.weight, start.mean, start.cross
        self.gaps, self.level_count, self.n_rows = start.gaps, start.level_count, 0

    def add(self, values: Floats, ends: Ints, weights: Floats | None, repeat: int) -> bool:
        """Add the rows of a chunk for one repeat.

        Parameters
        ----------
        values : array (p + 1, m)
            [x, y], rows in fold order; NaN where x is missing. It is used up.
        ends : array (K + 1,)
            Where the folds' parts begin and end.
        weights : array (m,), optional
        repeat : int

        Returns
        -------
        bool
            False where a value is infinite, or its square: the tally is then of no use.
        """
        for fold, (start, stop) in enumerate(pairwise(ends)):
            if start == stop:
                continue
            block, part = repeat * self.n_folds + fold, slice(start, stop)
            if len(self.levels):
                self.level_count[block] += values[self.levels, part].sum(axis=1)
            mine = None if weights is None else weights[part]
            weight = float(stop - start) if mine is None else float(mine.sum())
            if weight > 0.0 and not self._add_part(block, values[:, part], mine, weight):
                return False
        self.n_rows += int(ends[-1]) if repeat == 0 else 0
        return True

    def _add_part(self, block: int, z: Floats, weights: Floats | None, weight: float) -> bool:
        """Add the rows of one fold, centred about what is known of its mean."""
        gaps = self.gaps[:0]
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is looked for afterwards
            if self.weight[block] > 0.0:
                centre = self.reference + self._plain(self.mean[block])
            else:
                centre = _mean(z, weights, weight)
                centre = np.where(np.isfinite(centre), centre, self.reference)
            z -= centre[:, None]
            base = centre - self.reference
            rest = _mean(z, weights, weight)
            if not np.isfinite(rest).all():
                z, base, gaps = _apart(z, base, weights, weight)
                rest = _mean(z, weights, weight)
                if not np.isfinite(rest).all():
                    return False
            if weights is not None:
                z *= np.sqrt(weights)
            cross = z @ z.T
            if not np.isfinite(cross.diagonal()).all():
                return False
        cross -= rest[:, None] * (weight * rest)
        self._know(gaps)
        nothing = np.zeros(len(self.gaps))
        self._merge(block, weight, *with_gaps(base + rest, cross, gaps, self.gaps, nothing))
        return True

    def _plain(self, mean: Floats) -> Floats:
        """The mean of [x, y] without the indicators; of incomplete columns as if they had no gaps."""
        p = len(self.reference) - 1
        return mean if len(mean) == p + 1 else np.r_[mean[:p], mean[-1]]

    def _know(self, gaps: Ints) -> None:
        """Let indicators join that were not needed before."""
        wanted = np.union1d(self.gaps, gaps).astype(np.intp) if len(gaps) else self.gaps
        if len(wanted) > len(self.gaps):
            self.mean, self.cross = with_gaps(self.mean, self.cross, self.gaps, wanted, np.zeros(len(wanted)))
            self.gaps = wanted

    def _merge(self, block: int, weight: float, mean: Floats, cross: Floats) -> None:
        before = self.weight[block]
        total = before + weight
        away = mean - self.mean[block]
        self.weight[block] = total
        self.mean[block] += away * (weight / total)
        if before > 0.0:
            away *= np.sqrt(before * (weight / total))
            cross += away[:, None] * away
        self.cross[block] += cross

    def tally(self) -> Tally:
        """What has been added."""
        return Tally(self.weight, self.mean, self.cross, self.gaps, self.level_count, self.n_rows)


def _apart(z: Floats, base: Floats, weights: Floats | None, weight: float) -> tuple[Floats, Floats, Ints]:
    """[x0, indicators, y], each about some mean, that mean, and the columns with gaps, of centred [x, y]."""
    p = len(base) - 1
    gaps = np.flatnonzero(np.isnan(z[:p]).any(axis=1))
    missing = np.isnan(z[gaps])
    out = np.empty((p + len(gaps) + 1, z.shape[1]))
    out[:p], out[p:-1], out[-1] = z[:p], missing, z[p]
    out[gaps] = np.where(missing, 0.0, z[gaps] + base[gaps, None])
    base = np.r_[base[:p], np.zeros(len(gaps)), base[p]]
    again = np.r_[gaps, np.arange(p, p + len(gaps))]
    base[again] = _mean(out[again], weights, weight)
    out[again] -= base[again, None]
    return out, base, gaps


def _mean(values: Floats, weights: Floats | None, weight: float) -> Floats:
    return np.asarray(values.mean(axis=1) if weights is None else values @ weights / weight)
