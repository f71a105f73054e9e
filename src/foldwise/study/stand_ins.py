"""Stand-ins: features that a candidate's fits keep in each other's place, or only together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from foldwise.inference import co_selection
from foldwise.study.differences import LEVEL
from foldwise.study.result import CandidateResult

MOST_FEATURES = 60
"""Of those that come and go, the ones that are kept nearest to half of the time."""
MOST_PAIRS = 20
SHUFFLES = 499
FEWEST_REPEATS = 4
"""With fewer than 20 orders of the repeats nothing can be told at the level 5 %."""


@dataclass(frozen=True)
class Pair:
    """Two features in how many of the fits; `feature` is kept in no more of them than `other`.

    Attributes
    ----------
    feature, other : str
    relation : {"only without", "rather without", "rather with", "only with"}
    both, only_feature, only_other, neither : int
        Fits that keep both, one, or none of them.
    phi : float
        Correlation of being kept, from -1 to 1.
    p : float
        How often chance alone (other folds of the same rows) would bring some pair of all looked at so far from 0.
    """

    feature: str
    other: str
    relation: str
    both: int
    only_feature: int
    only_other: int
    neither: int
    phi: float
    p: float

    @property
    def stands_in(self) -> bool:
        """Whether each is kept in the other's place."""
        return self.phi < 0.0


@dataclass(frozen=True)
class Selected:
    """Pairs of one candidate's features, the most telling first.

    Attributes
    ----------
    candidate : str
    fits : int
        R*K.
    pairs : tuple of Pair
        Those beyond chance at 5 % for all pairs at once, twenty at most.
    """

    candidate: str
    fits: int
    pairs: tuple[Pair, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"candidate": self.candidate, "fits": self.fits, "pairs": [vars(pair) for pair in self.pairs]}


def selected_together(result: CandidateResult | None, names: Sequence[str], repeats: int) -> Selected | None:
    """Pairs of features that the fits of a candidate do not keep independently of each other.

    None where it drops no features, or too few repeats could tell.

    Parameters
    ----------
    result : CandidateResult or None
    names : names of the p features
    repeats : int
    """
    if result is None or result.features is None or result.features.kept_in is None or not result.drops_features:
        return None
    if repeats < FEWEST_REPEATS:
        return None
    kept = result.features.kept_in
    found = co_selection(kept, repeats=repeats, permutations=SHUFFLES, most=MOST_FEATURES)
    pairs = [
        Pair(
            feature=names[each.feature],
            other=names[each.other],
            relation=each.relation,
            both=each.kept_with,
            only_feature=each.kept_without,
            only_other=each.fits_with - each.kept_with,
            neither=each.fits_without - each.kept_without,
            phi=each.phi,
            p=each.p,
        )
        for each in found
        if each.p is not None and each.p <= LEVEL
    ]
    return Selected(result.name, len(kept), tuple(pairs[:MOST_PAIRS]))
