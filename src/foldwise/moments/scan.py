"""One pass over the rows: the moments of every fold's block.

Rows are read in chunks. Within a chunk they are put in fold order, shifted by a rough mean of their own fold, and
multiplied out; a column of ones rides along, so that one product gives weights, sums and cross-products at once.
The shift is exact in the end: the block's true mean is taken out by an update that costs no digits, because the rough
mean lies within the fold's own spread. No copy of X larger than a chunk is made, and no fold sees another's rows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from foldwise.moments.threads import cores, side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

CHUNK_BYTES = 8 << 20
SAMPLE = 64
# A rough mean this many standard deviations (squared) off costs 4 of 16 digits: scan again with the true one.
FAR_OFF = 1e4
# Accumulators for two threads are kept only while they are small beside the caches' and the data's size.
THREADED_BYTES = 256 << 20


class RowBlock:
    """The variables [x (p), missing indicators (g), y, 1] of some rows of X, made on demand chunk by chunk."""

    def __init__(self, X: Any, y: Floats, gaps: Ints, reference: Floats) -> None:
        self.X, self.y, self.gaps, self.reference = X, y, gaps, reference
        self.q = X.shape[1] + len(gaps) + 1
        self.is_sparse = sparse.issparse(X)
        self.by_columns = not self.is_sparse and X.flags.f_contiguous and not X.flags.c_contiguous

    def variables(self, rows: Ints) -> Floats:
        """(q + 1, rows) array, by rows or by columns as X itself is laid out."""
        p, g = self.X.shape[1], len(self.gaps)
        if self.by_columns:
            out = np.empty((self.q + 1, len(rows)))
            if self.X.dtype == np.float64:
                np.take(self.X.T, rows, axis=1, out=out[:p], mode="clip")
            else:
                out[:p] = self.X.T[:, rows]
        else:
            out = np.empty((len(rows), self.q + 1)).T
            chunk = self.X[rows]
            out[:p] = chunk.toarray().T if self.is_sparse else chunk.T
        if g:
            missing = np.isnan(out[self.gaps])
            out[self.gaps] = np.where(missing, 0.0, out[self.gaps] - self.reference[:, None])
            out[p : p + g] = missing
        out[p + g] = self.y[rows]
        out[p + g + 1] = 1.0
        return out


def scan_blocks(rows: RowBlock, labels: Ints, n_blocks: int, weight: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Weight (B,), mean (B, q) and centred cross-products (B, q, q) of the rows of every label 0..B-1."""
    shift = _rough_means(rows, labels, n_blocks)
    totals = _products(rows, labels, n_blocks, weight, shift)
    moments, far_off = _centre(totals, shift)
    if far_off:
        moments, _ = _centre(_products(rows, labels, n_blocks, weight, moments[1]), moments[1])
    return moments


def _rough_means(rows: RowBlock, labels: Ints, n_blocks: int) -> Floats:
    """A mean of a few rows of each block, evenly spaced: near enough for a shift, whatever the rows' order."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(n_blocks + 1))
    picks = [
        order[np.linspace(start, stop - 1, min(SAMPLE, stop - start)).astype(np.intp)]
        for start, stop in pairwise(starts)
    ]
    values = rows.variables(np.concatenate(picks))[:-1]
    ends = np.cumsum([len(pick) for pick in picks])
    return np.stack([part.mean(axis=1) for part in np.split(values, ends[:-1], axis=1)])


def _chunks(n: int, q: int, labels: Ints, n_blocks: int) -> list[tuple[Ints, Ints]]:
    """Rows of every chunk in block order, with the ends of the blocks' parts."""
    size = max(CHUNK_BYTES // (8 * q), 256)
    pieces = max(1, round(n / size))
    if n * q > (1 << 16):
        pieces = max(pieces, cores())
    bounds = np.linspace(0, n, pieces + 1).astype(np.intp)
    chunks = []
    for start, stop in pairwise(bounds):
        order = np.argsort(labels[start:stop], kind="stable")
        ends = np.searchsorted(labels[start:stop][order], np.arange(n_blocks + 1))
        chunks.append((order + start, ends))
    return chunks


def _products(rows: RowBlock, labels: Ints, n_blocks: int, weight: Floats | None, shift: Floats) -> Floats:
    """Sums over the rows of each block of w [z - shift, 1][z - shift, 1]': (B, q + 1, q + 1)."""
    q = rows.q
    roots = None if weight is None else np.sqrt(weight)

    def add(chunks: Sequence[tuple[Ints, Ints]]) -> Floats:
        totals = np.zeros((n_blocks, q + 1, q + 1))
        for order, ends in chunks:
            values = rows.variables(order)
            for block, (start, stop) in enumerate(pairwise(ends)):
                if start == stop:
                    continue
                part = values[:, start:stop]
                part[:-1] -= shift[block][:, None]
                if roots is not None:
                    part *= roots[order[start:stop]]
                totals[block] += part @ part.T
        return totals

    chunks = _chunks(len(labels), q, labels, n_blocks)
    workers = cores() if n_blocks * q * q * 8 <= THREADED_BYTES else 1
    shares = [chunks[worker::workers] for worker in range(min(workers, len(chunks)))]
    parts = side_by_side(add, shares)
    for part in parts[1:]:
        parts[0] += part
    return parts[0]


def _centre(totals: Floats, shift: Floats) -> tuple[tuple[Floats, Floats, Floats], bool]:
    """Take the exact mean out of shifted products; also whether some shift was too far off to be trusted."""
    weight = totals[:, -1, -1].copy()
    safe = np.where(weight > 0.0, weight, 1.0)
    off = totals[:, -1, :-1] / safe[:, None]
    cross = totals[:, :-1, :-1]
    variance = np.einsum("bii->bi", cross) / safe[:, None] - off**2
    far_off = bool(np.any(off**2 > FAR_OFF * np.maximum(variance, 0.0) + (1e-12 * np.abs(shift)) ** 2))
    cross = cross - safe[:, None, None] * off[:, :, None] * off[:, None, :]
    return (weight, shift + off, cross), far_off
