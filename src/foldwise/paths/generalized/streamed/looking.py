"""One look at a block of rows for many points at once: a point is one held-out set at one strength.

Predictors and gradients are two thin products for each tile of points; the weighted fold moments of all anchors come
from products of columns that are made once for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.generalized.cells import LANES, Cells

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

    from foldwise.families import Family
    from foldwise.moments.streaming.passing import Block
    from foldwise.paths.generalized.streamed.shared_columns import SharedColumns

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# Rows of a chunk and points of a tile: what is made of one with the other stays in a core's cache.
ROWS, TILE = 512, 64
# Rows whose products of columns are made at a time.
WIDE_ROWS = 8192


@dataclass(frozen=True, eq=False)
class Tile:
    """Points looked at together.

    Attributes
    ----------
    points : slice
        Which of the look's.
    keep : array (K, width)
        1.0 where a point's set trains on a fold; the width is a multiple of 8.
    inner, intercept : arrays (r, width) or (r, 2 width), (width,) or (2 width,)
        Coefficients arrived at; behind them those before the step.
    anchor : array (width,)
        The anchor under whose curvature each point's step was taken.
    """

    points: slice
    keep: Floats
    inner: Floats
    intercept: Floats
    anchor: Ints


@dataclass(frozen=True, eq=False)
class Look:
    """What a pass looks at.

    Attributes
    ----------
    shared : SharedColumns
    family : Family
    n_points : int
    tiles : list of Tile
    anchors : array (r + 1, U + V)
        Coefficients of the shared columns at which curvature is taken: U of steps, then V whose moments are wanted.
    n_wanted : int
        V.
    has_steps : bool
    """

    shared: SharedColumns
    family: Family
    n_points: int
    tiles: list[Tile]
    anchors: Floats
    n_wanted: int
    has_steps: bool

    @classmethod
    def at(
        cls,
        shared: SharedColumns,
        family: Family,
        h: Ints,
        new: Floats,
        old: Floats | None,
        anchor: Ints,
        used: Floats,
        wanted: Floats,
    ) -> Look:
        """Set out for points of sets h (P,) at coefficients new (P, r + 1), with steps from old under anchors.

        `anchor` (P,) says which of `used` (U, r + 1); moments are taken at `wanted` (V, r + 1).
        """
        keep = shared.sets.keep.astype(np.float64)
        tiles = []
        for start in range(0, len(h), TILE):
            points = slice(start, min(start + TILE, len(h)))
            wide = points.stop - start
            width = -(-wide // LANES) * LANES
            both = np.zeros((new.shape[1], width if old is None else 2 * width))
            both[:, :wide] = new[points].T
            if old is not None:
                both[:, width : width + wide] = old[points].T
            kept, which = np.zeros((len(keep), width)), np.zeros(width, dtype=np.intp)
            kept[:, :wide], which[:wide] = keep[:, h[points]], anchor[points]
            tiles.append(Tile(points, kept, np.ascontiguousarray(both[1:]), both[0].copy(), which))
        anchors = np.concatenate([used, wanted]).T.copy()
        return cls(shared, family, len(h), tiles, anchors, len(wanted), old is not None)

    def nothing(self) -> Looked:
        """Sums of no rows."""
        k, r = len(self.shared.sets.keep), len(self.shared.unit)
        P, V = self.n_points, self.n_wanted
        return Looked(self, np.zeros((k, P)), np.zeros((r + 1, P)), np.zeros((2, P)), np.zeros((k, V, r + 1, r + 1)))


@dataclass(eq=False)
class Looked:
    """What a pass adds up.

    Attributes
    ----------
    look : Look
    fold_loss : array (K, P)
    gradient : array (r + 1, P)
        Sums over the training rows.
    sums : array (2, P)
        Misfit of the dual points, and what was taken off them.
    moments : array (K, V, r + 1, r + 1)
        Weighted products of [1, z] with itself at the wanted anchors; upper triangles.
    """

    look: Look
    fold_loss: Floats
    gradient: Floats
    sums: Floats
    moments: Floats

    def merge(self, other: Self) -> None:
        """Add what another has."""
        self.fold_loss += other.fold_loss
        self.gradient += other.gradient
        self.sums += other.sums
        self.moments += other.moments

    def add(self, block: Block) -> None:
        """Add a block's rows."""
        shared, y = self.look.shared, block.values[-1]
        for start in range(0, len(y), WIDE_ROWS):
            part = slice(start, min(start + WIDE_ROWS, len(y)))
            Z = shared.rows(block.values[:-1, part])
            omega = self._curvature(Z, y[part])
            self._add_cells(Z, y[part], block.weight[part], block.label[part], omega)
            if self.look.n_wanted:
                wanted = omega[:, len(self.look.anchors.T) - self.look.n_wanted : len(self.look.anchors.T)]
                self._add_moments(Z, wanted * block.weight[part, None], block.label[part])

    def _curvature(self, Z: Floats, y: Floats) -> Floats:
        """Curvatures (m, U + V or more) at the anchors."""
        anchors, m = self.look.anchors, Z.shape[1]
        wide = -(-anchors.shape[1] // LANES) * LANES
        eta, omega = np.zeros((m, wide)), np.empty((m, wide))
        if wide:
            eta[:, : anchors.shape[1]] = Z.T @ anchors[1:] + anchors[0]
            label = np.zeros(m, dtype=np.intp)
            Cells(self.look.family, y, y, label, np.zeros((1, wide)), wide).bend(eta, omega)
        return omega

    def _add_cells(self, Z: Floats, y: Floats, weight: Floats, label: Ints, omega: Floats) -> None:
        look = self.look
        etas, pulls = np.empty((ROWS, 2 * TILE)), np.empty((ROWS, TILE))
        for start in range(0, len(y), ROWS):
            rows = slice(start, min(start + ROWS, len(y)))
            m = rows.stop - start
            for tile in look.tiles:
                width = tile.keep.shape[1]
                eta = etas.ravel()[: m * len(tile.intercept)].reshape(m, -1)
                pull = pulls.ravel()[: m * width].reshape(m, width)
                np.matmul(Z[:, rows].T, tile.inner, out=eta)
                eta += tile.intercept
                wide = tile.points.stop - tile.points.start
                bent = np.take(omega[rows], tile.anchor, axis=1) if look.has_steps else None
                fold_loss, sums = np.zeros_like(tile.keep), np.zeros((2, width))
                cells = Cells(look.family, y[rows], weight[rows], label[rows], tile.keep, wide)
                cells.look(slice(None), eta, bent, pull, fold_loss, sums)
                self.fold_loss[:, tile.points] += fold_loss[:, :wide]
                self.sums[:, tile.points] += sums[:, :wide]
                self.gradient[0, tile.points] += np.ones(m) @ pull[:, :wide]
                self.gradient[1:, tile.points] += (Z[:, rows] @ pull)[:, :wide]

    def _add_moments(self, Z: Floats, omega: Floats, label: Ints) -> None:
        """Products of two columns are made once; each fold's weighted sums of them are one product for all anchors."""
        ends = np.flatnonzero(np.diff(label, prepend=-1, append=-1))
        whole = np.concatenate([np.ones((1, Z.shape[1])), Z])
        for start, stop in pairwise(ends):
            fold, bent = label[start], omega[start:stop].T.copy()
            part = whole[:, start:stop]
            for i in range(len(whole)):
                self.moments[fold, :, i, i:] += bent @ (part[i:] * part[i]).T
