"""Co-selection: which features come into the fits only without, or only with, each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError
from foldwise.inference.stability import checked_fits

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CoSelection:
    """How often a feature is kept where another one is, and where that is not.

    Attributes
    ----------
    feature, other : int
        Positions; `feature` is kept in no more fits than `other`.
    kept_with, fits_with : int
        Fits that keep both, of those that keep the other one.
    kept_without, fits_without : int
        Fits that keep the feature alone, of those that drop the other one.
    phi : float
        Correlation of being kept, from -1 to 1.
    p : float or None
        How often some pair of all those looked at would have a phi as far from 0, if no feature's selection had to do
        with another's; None with one repeat, where that cannot be told.
    """

    feature: int
    other: int
    kept_with: int
    fits_with: int
    kept_without: int
    fits_without: int
    phi: float
    p: float | None

    @property
    def relation(self) -> str:
        """How the feature comes in: "only without" the other one, "only with" it, "rather without" or "rather with"."""
        if self.kept_with == 0:
            return "only without"
        if self.kept_without == 0:
            return "only with"
        return "rather without" if self.phi < 0.0 else "rather with"


def co_selection(
    coef: ArrayLike, *, repeats: int, permutations: int = 999, seed: int = 0, most: int = 100
) -> tuple[CoSelection, ...]:
    """Pairs of features that fits keep together or in each other's place, the most telling first.

    Fits of one repeat share most of their rows, so R*K fits are not so many independent witnesses. But whole repeats
    are independent dealings of the same rows: if two features' selections had nothing to do with each other, any
    repeat's column of zeros and ones of the one could stand beside any other repeat's of the other. So every feature's
    blocks of K fits are shuffled among the repeats, many times, and the largest |phi| of all pairs is kept: p is the
    share of shuffles in which that reaches the pair's own. It holds for all pairs at once (Westfall & Young 1993),
    where selections are independent altogether.

    The dealing is all the chance that p knows of: it says what holds of *these rows* however they are dealt, not of
    another table. And a strength that differs between fits lets many features in or out together.

    Parameters
    ----------
    coef : (R*K, p) array
        Coefficients of each fit at the strength it chose, repeat after repeat, exact zeros where a feature is dropped.
    repeats : int
        R. With R! < 20 no p can be below 5 %.
    permutations : int
        Shuffles.
    seed : int
    most : int
        Of features that some fits keep and some drop, at most so many are looked at: those kept nearest to half of the
        time.

    Returns
    -------
    tuple of CoSelection
        Ascending by p, then by |phi| from the largest; empty with fewer than two features that come and go.

    Raises
    ------
    InputError
        Where shapes disagree or a coefficient is not finite.

    References
    ----------
    Westfall & Young (1993), Resampling-based multiple testing, section 2.3, for the largest statistic of shuffles.

    Examples
    --------
    Feature 2 comes in only where feature 1 is out; feature 0 is always in.

    >>> import numpy as np
    >>> from foldwise.inference import co_selection
    >>> kept = np.random.default_rng(0).integers(0, 2, size=50)
    >>> found = co_selection(np.column_stack([np.ones(50), kept, 1 - kept]), repeats=10)[0]
    >>> found.feature, found.relation, found.other, found.p
    (2, 'only without', 1, 0.001)
    """
    fits = checked_fits(coef)
    if repeats < 1 or len(fits) % repeats:
        raise InputError(f"repeats must divide the {len(fits)} fits, got {repeats}")
    if permutations < 1 or most < 2:
        raise InputError(f"permutations must be >= 1 and most >= 2, got {permutations} and {most}")
    kept = fits != 0.0
    where = _comes_and_goes(kept, most)
    if len(where) < 2:
        return ()
    on = kept[:, where].astype(float)
    phi, first, second = _phi(on), *np.triu_indices(len(where), 1)
    p = _p_values(on, phi[first, second], repeats, permutations, seed) if repeats > 1 else None
    pairs = [
        _pair(kept, int(where[i]), int(where[j]), float(phi[i, j]), None if p is None else float(p[at]))
        for at, (i, j) in enumerate(zip(first, second, strict=True))
    ]
    return tuple(sorted(pairs, key=lambda pair: (pair.p or 0.0, -abs(pair.phi), pair.feature, pair.other)))


def _comes_and_goes(kept: NDArray[np.bool_], most: int) -> NDArray[np.intp]:
    share = kept.mean(axis=0)
    some = np.flatnonzero((share > 0.0) & (share < 1.0))
    nearest = np.argsort(np.abs(share[some] - 0.5), kind="stable")[:most]
    return np.sort(some[nearest])


def _phi(on: Floats) -> Floats:
    centred = on - on.mean(axis=0)
    unit = centred / np.sqrt(np.sum(centred**2, axis=0))
    phi: Floats = unit.T @ unit
    return phi


def _p_values(on: Floats, phi: Floats, repeats: int, permutations: int, seed: int) -> Floats:
    """Share of shuffles, the identity among them, whose largest |phi| is at least each pair's own."""
    rng = np.random.default_rng(seed)
    blocks = on.reshape(repeats, -1, on.shape[1])
    upper = np.triu_indices(on.shape[1], 1)
    largest = np.empty(permutations)
    for at in range(permutations):
        order = rng.permuted(np.tile(np.arange(repeats), (on.shape[1], 1)), axis=1).T
        shuffled = np.take_along_axis(blocks, order[:, None, :], axis=0).reshape(on.shape)
        largest[at] = np.abs(_phi(shuffled)[upper]).max()
    reached = largest[None, :] >= np.abs(phi)[:, None] - 1e-9  # equal counts, whatever the rounding
    share: Floats = (1.0 + reached.sum(axis=1)) / (1.0 + permutations)
    return share


def _pair(kept: NDArray[np.bool_], i: int, j: int, phi: float, p: float | None) -> CoSelection:
    feature, other = (i, j) if kept[:, i].sum() < kept[:, j].sum() else (j, i)
    with_it = kept[:, other]
    return CoSelection(
        feature,
        other,
        int(np.sum(kept[:, feature] & with_it)),
        int(np.sum(with_it)),
        int(np.sum(kept[:, feature] & ~with_it)),
        int(np.sum(~with_it)),
        phi,
        p,
    )
