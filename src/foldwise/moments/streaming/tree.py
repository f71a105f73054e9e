"""Pairwise merging in a fixed tree: leaf 0 with leaf 1, that with 2 and 3, and so on, as the leaves come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Leaf = TypeVar("Leaf")


@dataclass
class Tree(Generic[Leaf]):
    """What has come so far, as at most log2(leaves) + 1 whole branches.

    Attributes
    ----------
    merge : callable
        Of two neighbouring branches.
    branches : list of (leaves, what they merge to)
        The largest first; a power of two of leaves each.

    Examples
    --------
    >>> tree = Tree(lambda left, right: f"({left}{right})")
    >>> for letter in "abcdefg":
    ...     tree.add(letter)
    >>> tree.total()
    '(((ab)(cd))((ef)g))'
    """

    merge: Callable[[Leaf, Leaf], Leaf]
    branches: list[tuple[int, Leaf]] = field(default_factory=list)

    def add(self, leaf: Leaf) -> None:
        """The next leaf."""
        leaves = 1
        while self.branches and self.branches[-1][0] == leaves:
            _, before = self.branches.pop()
            leaf = self.merge(before, leaf)
            leaves *= 2
        self.branches.append((leaves, leaf))

    def total(self) -> Leaf | None:
        """All leaves, the smallest branches first; None without one."""
        whole: Leaf | None = None
        for _, branch in reversed(self.branches):
            whole = branch if whole is None else self.merge(branch, whole)
        return whole
