"""Separated classes: where nothing is penalized and features tell two classes apart, coefficients have no end.

Large coefficients and chances near 0 and 1 raise the suspicion; they may be a solution's all the same. What is said is
confirmed: a linear program finds the line that tells the training rows apart, or there is none.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from foldwise.errors import SeparationWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.generalized.row_table import RowTable
    from foldwise.paths.generalized.standing import Standing

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# A fitted probability this near to 0 or 1 is taken to be on its way there, where no coefficient is penalized.
CERTAIN = 1e-6
# A fit that tells all rows apart and explains this share of the deviance is on its way to explain all.
NEARLY_ALL = 0.999
# Larger tables are not searched for a line: what is suspected there is said as such.
MOST_CELLS = 2_000_000
# The linear program holds its constraints to 1e-7; a row this far off the line, in standard deviations, is told apart.
LEAST = 1e-6
# Rows whose chance is at least this far from certain, in no fewer directions than there are columns, prove overlap.
DOUBTFUL, WORST_CONDITION = 1e-3, 1e10


def warn_of_separation(standing: Standing, table: RowTable, *, penalized: bool) -> None:
    """Say which two-class fits have probabilities of 0 and 1 for want of a penalty, and what to do.

    Parameters
    ----------
    standing : Standing
        Of a two-class family, at the last strength.
    table : RowTable
        What was walked on.
    penalized : bool
        Whether some coefficients are penalized there; they stay finite, the others need not.
    """
    sets = standing.sets
    chance, is_second = standing.family.mean(standing.eta), (standing.y > 0.5)[:, None]
    kept = sets.keep[standing.label] & (standing.weight > 0.0)[:, None]
    certain = kept & (np.minimum(chance, 1.0 - chance) < CERTAIN)
    share = certain.sum(axis=0) / kept.sum(axis=0)
    right = np.all(~kept | ((chance > 0.5) == is_second), axis=0)
    left = standing.loss - sets.keep.T @ standing.saturated / sets.weight
    completely = right & (left < (1.0 - NEARLY_ALL) * standing.null_objective)
    suspects = np.flatnonzero((completely | (share > 0.0)) & standing.something)
    if not len(suspects):
        return
    small = table.X.shape[0] * table.n_features <= MOST_CELLS
    wrong = np.abs(is_second - chance)
    found = _confirmed(standing, table, suspects, kept, wrong, penalized=penalized) if small else suspects
    if not len(found):
        return
    worst = int(found[np.argmax(share[found])])
    which = f"without folds {sorted(sets.held_out[worst])}" if sets.held_out[worst] else "for all rows"
    size = np.abs(standing.coef[worst])
    column = int(standing.columns[np.argmax(size)]) if len(size) else 0
    warnings.warn(
        f"the classes {'are' if small else 'seem'} separated{' completely' if completely[worst] else ' in part'} in "
        f"{len(found)} of {len(sets.held_out)} fits: {which}, {share[worst]:.0%} of the fitted probabilities are 0 or "
        f"1, column {column} having the largest coefficient. Without a penalty no finite coefficients fit best, and "
        f"these mean nothing; use alpha > 0{'' if small else ' (the table is too large to make sure)'}",
        SeparationWarning,
        stacklevel=5,
    )


def _confirmed(
    standing: Standing, table: RowTable, suspects: Ints, kept: NDArray[np.bool_], wrong: Floats, *, penalized: bool
) -> Ints:
    """Those of the suspected sets whose training rows a line tells apart.

    A line that is found for one set is tried on the next before another is looked for: what separates all rows
    separates most parts of them, and the sets come in the order of the rows they hold out.
    """
    sets, options, maps = standing.sets, standing.options, standing.maps
    raw = table.X[standing.order]
    raw = raw.toarray() if sparse.issparse(raw) else np.asarray(raw, dtype=np.float64)
    sign = np.where(standing.y > 0.5, 1.0, -1.0)[:, None]
    scale = np.where(sets.scale[0] > 0.0, sets.scale[0], 1.0)
    centre = sets.mean[0] if options.fit_intercept else 0.0
    ones = np.full((len(raw), int(options.fit_intercept)), 1.0)
    first = ones.shape[1]
    lines = np.zeros((first + len(scale), 0))
    found = []
    for h in suspects:
        design = raw if maps is None else maps[h].rows(raw)
        live = sets.scale[h] > 0.0 if options.fit_intercept else np.ones(design.shape[1], dtype=bool)
        live = live & ~(penalized & (sets.l1_weight[h] > 0.0))
        low = np.concatenate([-np.ones(first), np.where(live & np.isinf(sets.lower[h]), -1.0, 0.0)])
        high = np.concatenate([np.ones(first), np.where(live & np.isinf(sets.upper[h]), 1.0, 0.0)])
        if not np.any(high > low):
            continue  # every coefficient is penalized or bounded, and there is no intercept: none can run away
        signed = (sign * np.column_stack([ones, (design - centre) / scale]))[kept[:, h]]
        tried = signed @ lines
        if np.any((tried.min(axis=0) >= -LEAST / 10.0) & (tried.mean(axis=0) > LEAST)):
            found.append(h)
            continue
        if overlaps(signed[:, high > low], wrong[kept[:, h], h]):
            continue
        line = separating_line(signed, low, high)
        if line is not None:
            lines = np.column_stack([lines, line])
            found.append(h)
    return np.array(found, dtype=np.intp)


def overlaps(signed: Floats, wrong: Floats) -> bool:
    """Whether a fit itself proves that no line tells the rows apart; False where it does not.

    By Stiemke's lemma no line does if positive multiples of the signed rows add up to 0. The chances of being wrong are
    such multiples at a logistic solution. Rows of a real chance are brought to a sum of 0; what they span has no line.

    Parameters
    ----------
    signed : array (n, q)
        Rows [1, x], those of the second class times -1.
    wrong : array (n,)
        Fitted chances of the other class.

    Examples
    --------
    >>> overlaps(np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -2.0], [-1.0, 2.0]]), np.full(4, 0.5))
    True
    >>> overlaps(np.array([[1.0, 1.0], [1.0, 2.0], [-1.0, 2.0], [-1.0, 3.0]]), np.full(4, 0.5))
    False
    """
    doubtful = wrong >= DOUBTFUL
    core, multiple = signed[doubtful], wrong[doubtful]
    if len(core) <= core.shape[1]:
        return False
    gram = core.T @ (multiple[:, None] * core)
    if not np.linalg.cond(gram) < WORST_CONDITION:
        return False
    return bool(np.all(core @ np.linalg.solve(gram, core.T @ multiple) < 0.5))


def separating_line(signed: Floats, low: Floats, high: Floats) -> Floats | None:
    """A line v (q,) with signed v >= 0 in every row and above it on average, within bounds; None if there is none.

    If there is, larger multiples of it always fit a two-class model better, and no finite coefficients are best
    (Albert and Anderson 1984, Biometrika 71). Of all such lines the one with the largest sum is sought.

    Parameters
    ----------
    signed : array (n, q)
        Rows [1, x], those of the second class times -1, columns of about one scale.
    low, high : arrays (q,)
        0 in both for a column that the line may not use.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    >>> separating_line(np.array([[-1], [-1], [1], [1]]) * x, -np.ones(2), np.ones(2)) is None
    False
    >>> separating_line(np.array([[-1], [1], [-1], [1]]) * x, -np.ones(2), np.ones(2)) is None
    True
    """
    bounds = np.column_stack([low, high])
    found = linprog(-signed.mean(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=bounds, method="highs")
    return np.asarray(found.x) if found.status == 0 and -found.fun > LEAST else None
