"""Separated classes: where nothing is penalized and features tell two classes apart, coefficients have no end."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from foldwise.errors import SeparationWarning

if TYPE_CHECKING:
    from foldwise.paths.generalized.walk import Walker

# A fitted probability this near to 0 or 1 is taken to be on its way there, where no coefficient is penalized.
CERTAIN = 1e-6
# A fit that tells all rows apart and explains this share of the deviance is on its way to explain all.
NEARLY_ALL = 0.999


def warn_of_separation(walker: Walker, *, penalized: bool) -> None:
    """Say which two-class fits have probabilities of 0 and 1 for want of a penalty, and what to do.

    Parameters
    ----------
    walker : Walker
        At its last strength.
    penalized : bool
        Whether some coefficients are penalized there, so that large ones may still be a solution's.
    """
    family, passes, sets = walker.family, walker.passes, walker.sets
    if not family.is_two_class:
        return
    chance = family.mean(passes.predictor(walker.coef))
    kept = sets.keep[passes.rows.label] & (passes.rows.weight > 0.0)[:, None]
    certain = kept & (np.minimum(chance, 1.0 - chance) < CERTAIN)
    share = certain.sum(axis=0) / kept.sum(axis=0)
    right = np.all(~kept | ((chance > 0.5) == (passes.y > 0.5)[:, None]), axis=0)
    left = walker.loss - sets.keep.T @ walker.saturated / sets.weight
    told = right & (left < (1.0 - NEARLY_ALL) * walker.null_objective)
    found = np.flatnonzero((told | ((share > 0.0) & (not penalized))) & walker.something)
    if not len(found):
        return
    worst = int(found[np.argmax(share[found])])
    which = f"without folds {sorted(sets.held_out[worst])}" if sets.held_out[worst] else "for all rows"
    size = np.abs(walker.coef[worst, 1:])
    column = int(walker.columns[np.argmax(size)]) if len(size) else 0
    warnings.warn(
        f"the classes are separated{' completely' if told[worst] else ' in part'} in {len(found)} of "
        f"{walker.H} fits: {which}, {share[worst]:.0%} of the fitted probabilities are 0 or 1, column {column} having "
        "the largest coefficient. Without a penalty no finite coefficients fit best, and these mean nothing; use "
        "alpha > 0",
        SeparationWarning,
        stacklevel=5,
    )
