"""Buffers: rows of several blocks drawn at random, a pass after the other, and what of each is carried to the next."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.nets.blocks import Block, Blocks
from foldwise.nets.scaling import two_singles

BUFFER_BYTES = 32 << 20
"""Of the rows that are shuffled at a time, about; some copies of them are in memory."""
UNITS = 16
"""Parts of an array that make a buffer."""
_OPEN = 4  # units that are read in turns, so that large row groups mix
_UNITS = 7  # the stream of random numbers that orders units; those of members are in order.py


def buffer_rows(width: int) -> int:
    """Rows of a buffer of so many columns: three quarters of a power of two, the rest is for rows carried over."""
    most = max(BUFFER_BYTES // (8 * width), 128)
    return 3 * (1 << (most.bit_length() - 1)) // 4


def buffers(blocks: Blocks, seed: int, epoch: int, size: int) -> Iterator[Block]:
    """All rows once, `size` at a time (the last perhaps fewer), each buffer's in the table's order.

    Units come in a random order that the seed and the epoch decide; four are read in turns.
    """
    held: list[Block] = []
    n_held = 0
    for block in _in_turns(blocks, np.random.default_rng([seed, _UNITS, epoch]).permutation(blocks.n_units)):
        start = 0
        while start < len(block):
            stop = min(len(block), start + size - n_held)
            held.append(block.at(slice(start, stop)))
            n_held, start = n_held + stop - start, stop
            if n_held == size:
                yield _sorted(held)
                held, n_held = [], 0
    if held:
        yield _sorted(held)


def _in_turns(blocks: Blocks, order: NDArray[Any]) -> Iterator[Block]:
    coming = iter(order.tolist())
    reading: list[Iterator[Block]] = []
    while True:
        while len(reading) < _OPEN and (unit := next(coming, None)) is not None:
            reading.append(blocks.read(unit))
        if not reading:
            return
        for each in list(reading):
            block = next(each, None)
            if block is None:
                reading.remove(each)
            else:
                yield block


def _sorted(parts: list[Block]) -> Block:
    parts.sort(key=lambda block: int(block.rows[0]) if len(block) else 0)
    return Block.joined(parts)


class Carry:
    """Rows that did not fill a member's last batch of a buffer, and join the next buffer's first.

    Attributes
    ----------
    block : Block or None
        The rows of all members together, each once.
    """

    def __init__(self) -> None:
        self.block: Block | None = None

    def joined(self, block: Block) -> Block:
        """The carried rows, then the new ones."""
        return block if self.block is None else Block.joined([self.block, block])

    def __len__(self) -> int:
        """How many rows are carried."""
        return 0 if self.block is None else len(self.block)

    def take(self, block: Block, left: list[NDArray[np.intp]]) -> list[NDArray[np.intp]]:
        """Carry what each member left of a block; return where each finds it."""
        union = np.unique(np.concatenate(left)) if left else np.zeros(0, dtype=np.intp)
        self.block = block.at(union) if len(union) else None
        return [np.searchsorted(union, each) for each in left]


def on_device(block: Block, n_padded: int) -> tuple[Any, Any]:
    """Inputs and targets as the program takes them, padded to one length."""

    def padded(table: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([table, np.zeros((n_padded - len(table), *table.shape[1:]), dtype=table.dtype)])

    targets: tuple[NDArray[Any], ...] = two_singles(block.targets)
    if block.weights is not None:
        targets = (*targets, block.weights.astype(np.float32))
    return (tuple(map(padded, two_singles(block.values))),), tuple(map(padded, targets))
