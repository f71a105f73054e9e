"""Which way a strength is gone: with an inverse of each support's matrix, or with products that need no matrix.

An inverse costs s^2 for every column that comes or goes; products cost the support's entries times how many it takes,
which grows as a support nears as many columns as rows. Both are known well enough beforehand from the strengths before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.lockstep.large import COMMON, LargeSupports

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.lockstep.sparse_columns import SparseColumns
    from foldwise.paths.lockstep.state import Lockstep

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# Smaller supports always have their inverses: what they cost is not worth a thought.
FEW_MEMBERS = 300
# Bytes that all inverses together may take.
MOST_BYTES = 4 << 30
# Tighter gaps are for the inverse, which comes to the end of a double's digits.
FINEST = 1e-10
# An entry's part in a product, in cells of an inverse; rounds over it at one strength, in columns coming or going.
ENTRY, ROUNDS = 10.0, 10.0
# Making an inverse, in s^3.
MAKING = 0.5
# Bytes of one, in s^2: half of it is kept, with room to grow.
BYTES = 6.0
# Products at one strength before they are given up, in those foreseen.
PATIENCE = 20.0
# Products must promise so many times less work: to come back from them, inverses are made anew.
CLEARLY = 3.0


@dataclass(frozen=True, eq=False)
class Outlook:
    """What the ways to the next strength would cost, in cells of an inverse.

    Parameters
    ----------
    inverses : float
        Keeping them, as many columns coming and going as at the strength before.
    making : float
        Having them at all, from nothing.
    fits : bool
        Whether they fit in the memory that is theirs.
    foreseen : array (H,)
        Products that each set is likely to take.
    each : array (H,)
        One of them.
    """

    inverses: float
    making: float
    fits: bool
    foreseen: Floats
    each: Floats


class Ways:
    """Takes a lockstep from strength to strength, whichever way costs less.

    Parameters
    ----------
    lockstep : Lockstep
    tol : float
        Relative duality gap that is asked for.
    """

    def __init__(self, lockstep: Lockstep, tol: float) -> None:
        self.lockstep, self.tol, self.slack = lockstep, tol, min(0.1 * tol, 1e-8)
        self.by_products = False
        self._large = None
        if lockstep.columns.is_sparse and tol >= FINEST:
            self._large = LargeSupports(lockstep, lockstep.columns)
        self._before: tuple[Ints, NDArray[np.bool_]] = np.empty(0, dtype=np.intp), np.empty((0, lockstep.H), dtype=bool)
        # Products over what was foreseen; work that inverses would have saved; whether there are any to be had.
        self._harder, self._lost, self._apart = 1.0, 0.0, True

    def stand_still(self, l1: float, l2: float, near: float, max_iter: int) -> tuple[Ints, bool]:
        """Go to where no set moves any more: the steps or products (H,) that took, and whether it was reached.

        `near` is what gradients must exceed to be looked at from the start.
        """
        if self._large is not None:
            outlook = self._look_ahead(self._large.columns)
            self._choose(self._large, outlook, l1, l2)
            if self.by_products:
                spent, settled = self._by_products(self._large, outlook, l1, l2, near, max_iter)
                if settled or not (outlook.fits and self._take_inverses(l1, l2)):
                    return spent, settled
        return self.lockstep.rounds.stand_still(self.lockstep, l1, l2, self.slack, max_iter)

    def _choose(self, large: LargeSupports, outlook: Outlook, l1: float, l2: float) -> None:
        """Take to products where they promise clearly less; leave them when they have cost what inverses would."""
        lockstep = self.lockstep
        if self.by_products:
            if outlook.fits and self._lost > outlook.making:
                self._take_inverses(l1, l2)
            return
        promised = self._harder * float(outlook.foreseen @ outlook.each)
        if outlook.making > 0.0 and (not outlook.fits or CLEARLY * promised < outlook.inverses):
            self.by_products, self._lost = True, 0.0
            lockstep.release_supports()
            lockstep.inside[:] = 0
            large.forget()

    def _by_products(
        self, large: LargeSupports, outlook: Outlook, l1: float, l2: float, near: float, max_iter: int
    ) -> tuple[Ints, bool]:
        """Go by products, as long as that is not dearer than to make inverses instead; keep account of them."""
        budget = max_iter
        if outlook.fits and self._apart:
            worth = outlook.making / max(float(outlook.each.max()), 1.0)
            budget = int(min(max_iter, max(PATIENCE * float(outlook.foreseen.max()), worth)))
        spent, settled = large.stand_still(l1, l2, near, self.tol, budget)
        self._harder = float(spent.sum() / outlook.foreseen.sum())
        self._lost = max(0.0, self._lost + float(spent @ outlook.each) - outlook.inverses)
        return spent, settled

    def _look_ahead(self, columns: SparseColumns) -> Outlook:
        """What the ways cost from where the sets stand; having inverses of few members is counted as nothing."""
        lockstep, index = self.lockstep, self.lockstep.work.columns
        used = lockstep.coef[: len(index)] != 0.0
        size = np.count_nonzero(used, axis=0).astype(np.float64)
        inverses = float(size**2 @ (self._changes(used) + ROUNDS))
        self._before = index.copy(), used
        many = size.max(initial=0.0) >= FEW_MEMBERS
        return Outlook(
            inverses=inverses,
            making=MAKING * float(np.sum(size**3)) if many else 0.0,
            fits=BYTES * (1 + lockstep.supports_ridge) * float(np.sum(size**2)) <= MOST_BYTES,
            foreseen=products_needed(size / columns.n, min(self.tol, COMMON)),
            each=ENTRY * ((columns.start[index + 1] - columns.start[index]) @ used),
        )

    def _changes(self, used: NDArray[np.bool_]) -> Ints:
        """How many columns of each set (H,) have come or gone since the strength before."""
        columns, before = self._before
        place = self.lockstep.work.place[columns]
        then = np.zeros_like(used)
        then[place[place >= 0]] = before[place >= 0]
        gone = np.count_nonzero(before[place < 0], axis=0)
        changes: Ints = np.count_nonzero(used != then, axis=0) + gone
        return changes

    def _take_inverses(self, l1: float, l2: float) -> bool:
        """Go on with inverses from where the sets stand, unless their columns are not apart; whether they do."""
        lockstep = self.lockstep
        if not self._apart:
            return False
        columns, here = lockstep.work.columns.copy(), lockstep.coef[: lockstep.work.size].copy()
        coef = np.zeros((lockstep.p, lockstep.H))
        coef[columns] = here
        lockstep.start(ridge=lockstep.supports_ridge)
        if lockstep.take_in(coef, l1, l2):
            self.by_products = False
            return True
        self._apart = False
        lockstep.release_supports()
        lockstep.inside[:] = 0
        lockstep.bring_in(columns)
        lockstep.coef[lockstep.work.place[columns]] = here
        lockstep.rounds.move()
        lockstep.look_everywhere()
        return False


def products_needed(share: Floats, tol: float) -> Floats:
    """Products that a strength is likely to take where supports have this share of as many columns as rows.

    Conjugate gradients take, for each digit, the root of the condition number: that of independent columns, after
    Marchenko & Pastur, "Distribution of eigenvalues for some sets of random matrices", 1967.
    """
    root = np.sqrt(np.minimum(share, 0.999))
    needed: Floats = (10.0 + 4.0 * (1.0 + root) / (1.0 - root)) * (-np.log10(tol) / 6.0)
    return needed
