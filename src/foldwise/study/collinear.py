"""Perfectly collinear columns: which ones say the same, so that their single coefficients mean nothing."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import lapack, solve_triangular

from foldwise.moments import TrainingSet
from foldwise.tables import Column

SAME = 1e-10
"""A column is a combination of others where they leave less than this share of its variance."""
LIMIT = 2000
"""More columns are not searched: the search costs their number cubed."""


def collinear_notes(training: TrainingSet, columns: Sequence[Column], n_rows: int) -> tuple[str, ...]:
    """One sentence for each column that is a linear combination of others.

    The levels of one category, which always add up to one, are no news, and neither is anything where there are as many
    columns as rows.

    Parameters
    ----------
    training : TrainingSet
        Moments of all rows.
    columns : p Columns
        Their names.
    n_rows : int

    Examples
    --------
    >>> from foldwise import FoldMoments
    >>> x = np.random.default_rng(0).normal(size=(30, 2))
    >>> moments = FoldMoments.scan(np.column_stack([x, 2.0 * x[:, 0] + 1.0]), target=x[:, 1])
    >>> names = [Column(name, name, "number") for name in ("feet", "age", "inches")]
    >>> collinear_notes(moments.training_set(frozenset()), names, 30)
    ("columns 'feet' and 'inches' are perfectly collinear: how they share their effect is arbitrary",)
    """
    scale = training.scale
    live = np.flatnonzero(scale > 0.0)
    if not 1 < len(live) <= min(LIMIT, n_rows - 1):
        return ()
    correlation = training.covariance[np.ix_(live, live)] / scale[live, None] / scale[live]
    factor, pivots, rank, _ = lapack.dpstrf(correlation, tol=SAME, lower=0)
    order = live[pivots - 1]
    shares = solve_triangular(np.triu(factor[:rank, :rank]), factor[:rank, rank:])
    notes = []
    for at, column in enumerate(order[rank:].tolist()):
        others = order[:rank][np.abs(shares[:, at]) > np.sqrt(SAME)].tolist()
        together = sorted([column, *others])
        if len({columns[j].source for j in together}) > 1:
            names = [repr(columns[j].name) for j in together]
            shown = names if len(names) <= 5 else [*names[:4], f"{len(names) - 4} more"]
            listed = f"{', '.join(shown[:-1])} and {shown[-1]}"
            notes.append(f"columns {listed} are perfectly collinear: how they share their effect is arbitrary")
    return tuple(sorted(notes))
