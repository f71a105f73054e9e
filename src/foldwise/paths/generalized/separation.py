"""Separated classes: where nothing is penalized and features tell two classes apart, coefficients have no end."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from foldwise.errors import SeparationWarning

if TYPE_CHECKING:
    from foldwise.paths.generalized.walk import Walker

# A fitted probability this near to 0 or 1 is taken to be on its way there.
CERTAIN = 1e-6


def warn_of_separation(walker: Walker) -> None:
    """Say which unpenalized two-class fits have probabilities of 0 and 1, and what to do."""
    family, passes, sets = walker.family, walker.passes, walker.sets
    if not family.is_two_class:
        return
    chance = family.mean(passes.predictor(walker.coef))
    kept = sets.keep[passes.rows.label] & (passes.rows.weight > 0.0)[:, None]
    certain = kept & (np.minimum(chance, 1.0 - chance) < CERTAIN)
    share = certain.sum(axis=0) / kept.sum(axis=0)
    found = np.flatnonzero((share > 0.0) & walker.something)
    if not len(found):
        return
    worst = int(found[np.argmax(share[found])])
    which = f"without folds {sorted(sets.held_out[worst])}" if sets.held_out[worst] else "for all rows"
    y = passes.y[kept[:, worst]]
    told = bool(np.all((chance[kept[:, worst], worst] > 0.5) == (y > 0.5)))
    size = np.abs(walker.coef[worst, 1:])
    column = int(walker.columns[np.argmax(size)]) if len(size) else 0
    warnings.warn(
        f"the classes are separated{' completely' if told else ' in part'} in {len(found)} of "
        f"{walker.H} fits: {which}, {share[worst]:.0%} of the fitted probabilities are 0 or 1, column {column} having "
        "the largest coefficient. Without a penalty no finite coefficients fit best, and these mean nothing; use "
        "alpha > 0",
        SeparationWarning,
        stacklevel=5,
    )
