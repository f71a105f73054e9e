"""Which fold a row belongs to: a hash of its key, or of its file and its number there, whoever reads it and how.

Numbers are mixed by splitmix64's finalizer (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number
generators"); texts first become a polynomial of their bytes modulo 2^64. Folds are about, not exactly, equal in size.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]

_STEP = 0x9E3779B97F4A7C15
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_BASE = 0x100000001B3
_WORD = (1 << 64) - 1


def mixed(words: Words) -> Words:
    """Every bit of the answer depends on every bit of the word.

    Examples
    --------
    >>> mixed(np.array([1, 2], dtype=np.uint64))
    array([ 6238072747940578789, 15839785061582574730], dtype=uint64)
    """
    words = words ^ (words >> np.uint64(30))
    words *= _FIRST
    words ^= words >> np.uint64(27)
    words *= _SECOND
    words ^= words >> np.uint64(31)
    return words


def number_of(text: str) -> int:
    """A 64-bit number for a name.

    Examples
    --------
    >>> number_of("2024/part-0.parquet") == number_of("2024/part-1.parquet")
    False
    """
    return int.from_bytes(blake2b(text.encode("utf-8"), digest_size=8).digest(), "little")


def by_row(file: int, rows: NDArray[np.int64]) -> Words:
    """Words (m,) of the rows of a file: its number and theirs."""
    return mixed(np.uint64(file) + rows.astype(np.uint64) * np.uint64(_STEP))


def by_key(column: pa.Array) -> Words:
    """Words (m,) of keys: the same key, the same word, in whatever file and of whatever width of integer.

    Raises
    ------
    TypeError
        For keys that are not whole numbers, dates, times or text; None among them counts as 0 or empty.

    Examples
    --------
    >>> bool((by_key(pa.array([7, 8], pa.int16())) == by_key(pa.array([7, 8], pa.int64()))).all())
    True
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        places = column.indices.fill_null(0).to_numpy(zero_copy_only=False)
        return by_key(column.dictionary)[places] if len(column.dictionary) else np.zeros(len(column), np.uint64)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_temporal(kind):
        if pa.types.is_temporal(kind):
            column = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
        wide = pa.uint64() if pa.types.is_uint64(kind) else pa.int64()
        return mixed(column.cast(wide).fill_null(0).to_numpy(zero_copy_only=False).astype(np.uint64))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return mixed(_polynomials(column.cast(pa.large_string())))
    message = f"must hold whole numbers, dates or text, got {kind}"
    raise TypeError(message)


def _polynomials(texts: pa.Array) -> Words:
    _, ends, data = texts.fill_null("").buffers()
    ends = np.frombuffer(ends, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    if data is None or ends[0] == ends[-1]:
        return np.zeros(len(texts), dtype=np.uint64)
    letters = np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]].astype(np.uint64) + np.uint64(1)
    lengths = np.diff(ends)
    starts = ends[:-1] - ends[0]
    power = np.cumprod(np.r_[np.uint64(1), np.full(int(lengths.max()), _BASE, dtype=np.uint64)], dtype=np.uint64)
    letters *= power[np.arange(len(letters)) - np.repeat(starts, lengths)]
    out = np.zeros(len(texts), dtype=np.uint64)
    filled = lengths > 0
    out[filled] = np.add.reduceat(letters, starts[filled])
    return out


def deal(words: Words, n_folds: int, n_repeats: int, seed: int) -> NDArray[np.uint8]:
    """Folds (R, m), 0..K-1, of rows or keys.

    Examples
    --------
    >>> labels = deal(by_row(0, np.arange(9000)), n_folds=3, n_repeats=1, seed=0)
    >>> bool((abs(np.bincount(labels[0]) - 3000) < 200).all())
    True
    """
    labels = np.empty((n_repeats, len(words)), dtype=np.uint8)  # narrow: sorting by it is then a radix sort
    for repeat in range(n_repeats):
        salt = number_of(f"{seed}/{repeat}") & _WORD
        high = mixed(words ^ np.uint64(salt)) >> np.uint64(32)
        labels[repeat] = (high * np.uint64(n_folds)) >> np.uint64(32)
    return labels
