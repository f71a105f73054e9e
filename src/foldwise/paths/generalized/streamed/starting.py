"""The second pass: a random sample of the rows, on which every path starts; and what else is asked of all rows once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError
from foldwise.moments.streaming.bad import BadCell
from foldwise.moments.streaming.dealing import mixed
from foldwise.moments.threads import Team
from foldwise.paths.generalized.dense_rows import DenseRows
from foldwise.paths.generalized.filling import FilledPasses
from foldwise.paths.generalized.passes import Passes
from foldwise.paths.generalized.walk import APART, Walker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from numpy.typing import NDArray

    from foldwise.families import Family
    from foldwise.moments.streaming.passing import Block
    from foldwise.paths.generalized.streamed.row_stream import RowStream
    from foldwise.paths.generalized.streamed.shared_columns import SharedColumns
    from foldwise.paths.problem import Options
    from foldwise.paths.strengths import Search

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

SAMPLE_CELLS, MOST_ROWS = 8_000_000, 200_000
"""Numbers and rows of a sample: its fit is off by the root of columns over rows, which two passes then square away."""
_SALT = np.uint64(0x5DEECE66D1CE4E5B)
ENOUGH = 1e-6
"""The gap that a sample's fit is brought to: what it lacks as a sample is more."""
_BELOW = {"gamma": np.nextafter(0.0, 1.0), "poisson": 0.0, "tweedie": 0.0, "negative binomial": 0.0}


@dataclass(eq=False)
class Drawn:
    """What the second pass adds up: a sample, each fold's smallest loss and weight, the columns' largest sizes.

    Attributes
    ----------
    shared : SharedColumns
    family : Family
    share : float
        Of the rows that are drawn.
    Z, y, weight, label : lists of arrays (m, r), (m,), (m,), (m,)
        The sample, block by block.
    saturated, fold_weight : arrays (K,)
    largest : array (r,)
    n_rows : int
    """

    shared: SharedColumns
    family: Family
    share: float
    n_folds: int
    parts: list[tuple[Floats, Floats, Floats, Ints]] = field(default_factory=list)
    n_rows: int = 0

    def __post_init__(self) -> None:
        """Nothing yet."""
        self.saturated, self.fold_weight = np.zeros(self.n_folds), np.zeros(self.n_folds)
        self.largest = np.zeros(len(self.shared.unit))

    def add(self, block: Block) -> None:
        """Add a block's rows."""
        y = block.values[-1]
        self._check(y, block)
        Z = self.shared.rows(block.values[:-1])
        if np.isnan(Z).any():
            column = int(np.flatnonzero(np.isnan(Z).any(axis=1))[0])
            row = int(block.row[np.flatnonzero(np.isnan(Z[column]))[0]])
            raise BadCell(row, f"column {column} (from 0) is missing, as it nowhere was when the table was scanned")
        np.maximum(self.largest, np.abs(Z).max(axis=1), out=self.largest)
        k = len(self.saturated)
        self.saturated += np.bincount(block.label, block.weight * self.family.saturated(y), k)
        self.fold_weight += np.bincount(block.label, block.weight, k)
        self.n_rows += len(y)
        taken = slice(None) if self.share >= 1.0 else _drawn(block.word, self.share)
        self.parts.append(
            (np.ascontiguousarray(Z[:, taken].T), y[taken].copy(), block.weight[taken].copy(), block.label[taken])
        )

    def merge(self, other: Self) -> None:
        """Add what another has."""
        self.parts += other.parts
        self.saturated += other.saturated
        self.fold_weight += other.fold_weight
        self.n_rows += other.n_rows
        np.maximum(self.largest, other.largest, out=self.largest)

    def _check(self, y: Floats, block: Block) -> None:
        least = 0.0 if self.family.is_two_class else _BELOW[self.family.name]
        most = 1.0 if self.family.is_two_class else np.inf
        odd = np.flatnonzero((y < least) | (y > most))
        if len(odd):
            accepted = "0 or 1" if self.family.is_two_class else "above 0" if least > 0.0 else "0 or more"
            row = int(block.row[odd[0]])
            raise BadCell(row, f"the target must be {accepted} for the {self.family.name} family, got {y[odd[0]]:g}")

    def sample(self) -> tuple[Floats, Floats, Floats, Ints]:
        """Its rows (m, r), their targets, weights and folds (m,)."""
        if len(self.parts) != 1:
            Z, y, weight, label = (np.concatenate([part[i] for part in self.parts]) for i in range(4))
            self.parts = [(Z, y, weight, label)]
        return self.parts[0]

    def check_is_table_of(self, moments: Any) -> None:
        """Refuse rows other than those that were scanned."""
        same = np.allclose(self.fold_weight, moments.weight, rtol=1e-9, atol=0.0)
        if self.n_rows != moments.n_rows or not same:
            message = (
                f"the table has changed since it was scanned: {moments.n_rows:,} rows then, {self.n_rows:,} now"
                + " in other folds" * (self.n_rows == moments.n_rows)
            )
            raise InputError(message)


def draw(stream: RowStream, shared: SharedColumns, repeat: int) -> Drawn:
    """Make the second pass, or look up what it found before."""
    asked = (repeat, bool(np.any(shared.centre)))
    if asked in stream.drawn:
        return stream.drawn[asked]
    moments, r = stream.moments, len(shared.unit)
    rows = max(min(MOST_ROWS, SAMPLE_CELLS // r), min(20 * r, MOST_ROWS))
    share = min(1.0, rows / moments.n_rows)
    tell = None
    if stream.tell is not None:
        told = stream.tell

        def tell(rows: int) -> object:
            return told("pass 2, a sample", rows, rows / moments.n_rows)

    drawn = stream.passage.over(
        lambda: Drawn(shared, stream.family, share, moments.n_folds), stream.first_repeat + repeat, tell
    )
    drawn.check_is_table_of(stream.repeat(repeat))
    stream.drawn.clear()  # one at a time
    stream.drawn[asked] = drawn
    return drawn


def _drawn(word: NDArray[np.uint64], share: float) -> NDArray[np.bool_]:
    return np.asarray(mixed(word ^ _SALT) < np.uint64(share * 2.0**64))


class _SampleRows(DenseRows):
    """Rows that have been centred and scaled already."""

    def _statistics(self, fold: int) -> tuple[Floats, Floats]:
        return np.zeros(self.q), np.full(self.q, self.fold_weight[fold])


def sample_paths(
    drawn: Drawn, shared: SharedColumns, options: Options, search: Search, grid: Floats, per_weight: Floats
) -> Floats | None:
    """Coefficients (A, H, q + 1) of every set's path on the sample; None where it lacks a fold."""
    Z, y, weight, label = drawn.sample()
    order = np.argsort(label, kind="stable")
    y, weight, label = y[order], weight[order], label[order]
    if np.any(np.bincount(label, weight, len(drawn.saturated)) <= 0.0):
        return None
    with Team() as team:
        rows = _SampleRows(Z, order, label, weight, team, centred=options.fit_intercept)
        keep = shared.sets.keep
        sets = shared.sets.weighing((keep * rows.fold_weight[:, None]).sum(axis=0))
        passes = Passes(rows, y, None, drawn.family, sets)
        if shared.designs is not None:
            moved = np.zeros((len(keep.T), shared.n_columns))
            plain = (rows, y, None, drawn.family, sets)
            passes = FilledPasses(*plain, shared=passes, designs=shared.designs, moved_by=moved, maps=shared.maps)
        walker = Walker(passes, options, search)
        walker.per_weight = per_weight
        points = _walked(walker, grid, search, options, per_weight)
        return np.stack([point.coef for point in points])


def _walked(walker: Walker, grid: Floats, search: Search, options: Options, per_weight: Floats) -> Sequence[Any]:
    """All points; strengths far below the emptying one are come down to."""
    most = float(per_weight.max())
    if np.any(options.penalty_factor == 0.0):
        walker.advance(1e6 * walker.emptying() / most)
    if search.l1_ratio > 0.0:
        strength = walker.emptying() / search.l1_ratio / most
        while strength * APART > grid[0] > 0.0:
            strength *= APART
            walker.advance(strength)
    return [walker.advance(float(alpha)) for alpha in grid]
