"""Tie letters: a compact display of which candidates differ."""

from string import ascii_letters

import numpy as np
from numpy.typing import ArrayLike

from foldwise.errors import InputError


def tie_letters(differ: ArrayLike) -> tuple[str, ...]:
    """Letters such that two candidates share one exactly where they do not differ.

    Insert and absorb: start with one letter for all; a pair that differs splits every letter that has both into one
    without the first and one without the second; a letter whose holders all hold another one is dropped.

    Parameters
    ----------
    differ : (C, C) array of bool
        Symmetric with a False diagonal: which pairs of candidates differ. Candidates in the order of display, so that
        the first one holds the letter a.

    Returns
    -------
    tuple of C strings
        The letters of each candidate, in alphabetical order.

    Raises
    ------
    InputError
        Where the matrix is not symmetric and boolean, or more than 52 letters would be needed.

    References
    ----------
    Piepho (2004), An algorithm for a letter-based representation of all-pairwise comparisons, Journal of Computational
    and Graphical Statistics 13.

    Examples
    --------
    The first two are tied and so are the last two, but the first and the last differ.

    >>> from foldwise.inference import tie_letters
    >>> tie_letters([[False, False, True], [False, False, False], [True, False, False]])
    ('a', 'ab', 'b')
    """
    matrix = np.asarray(differ)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.dtype != bool:
        raise InputError(f"differ must be a square array of bool, got {matrix.dtype} of shape {matrix.shape}")
    if np.any(matrix != matrix.T) or np.any(np.diag(matrix)):
        raise InputError("differ must be symmetric with a False diagonal: a candidate does not differ from itself")
    holders = {frozenset(range(matrix.shape[0]))}
    for first, second in zip(*np.nonzero(np.triu(matrix)), strict=True):
        both = {group for group in holders if {first, second} <= group}
        split = {group - {one} for group in both for one in (first, second)}
        holders = _absorb((holders - both) | split)
    if len(holders) > len(ascii_letters):
        raise InputError(f"differ must need at most {len(ascii_letters)} letters, got {len(holders)}")
    ordered = sorted(holders, key=sorted)
    return tuple(
        "".join(letter for letter, group in zip(ascii_letters, ordered, strict=False) if candidate in group)
        for candidate in range(matrix.shape[0])
    )


def _absorb(groups: set[frozenset[int]]) -> set[frozenset[int]]:
    """The groups that lie in no other one."""
    return {group for group in groups if not any(group < other for other in groups)}
