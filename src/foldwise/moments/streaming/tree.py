"""Pairwise merging in a fixed tree: leaf 0 with leaf 1, that with 2 and 3, and so on, as the leaves come."""

from __future__ import annotations

from dataclasses import dataclass, field

from foldwise.moments.streaming.tally import Tally, merged


@dataclass
class Tree:
    """What has come so far, as the tallies of at most log2(leaves) + 1 whole branches.

    Attributes
    ----------
    branches : list of (leaves, tally)
        The largest first; a power of two of leaves each.
    """

    branches: list[tuple[int, Tally]] = field(default_factory=list)

    @property
    def n_leaves(self) -> int:
        """How many have come."""
        return sum(leaves for leaves, _ in self.branches)

    @property
    def n_rows(self) -> int:
        """Of all leaves."""
        return sum(tally.n_rows for _, tally in self.branches)

    def add(self, tally: Tally) -> None:
        """The next leaf."""
        leaves = 1
        while self.branches and self.branches[-1][0] == leaves:
            _, before = self.branches.pop()
            tally = merged(before, tally)
            leaves *= 2
        self.branches.append((leaves, tally))

    def total(self) -> Tally | None:
        """All leaves, the smallest branches first; None without one."""
        whole: Tally | None = None
        for _, tally in reversed(self.branches):
            whole = tally if whole is None else merged(tally, whole)
        return whole
