"""Merging the moments of blocks of rows without losing digits.

A block is (weight, mean, cross): the sum of the row weights, the weighted mean of the variables, and their weighted
centred cross-products. Blocks merge about the merged mean, so nothing large is ever subtracted from something large
(T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", Am. Stat. 37, 1983, eq. 2.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def merge_blocks(
    weight: Floats, mean: Floats, cross: Floats | Sequence[Floats], members: Sequence[int]
) -> tuple[float, Floats, Floats]:
    """Moments of the union of some blocks.

    Parameters
    ----------
    weight, mean, cross : arrays (B,), (B, q), (B, q, q)
        The blocks.
    members : sequence of int
        Which blocks to merge; at least one.

    Returns
    -------
    weight : float
    mean : array (q,)
    cross : array (q, q)
        A new array.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.array([[1.0], [2.0], [6.0]])
    >>> weight, mean, cross = merge_blocks(
    ...     np.array([1.0, 2.0]), np.array([[1.0], [4.0]]), np.array([[[0.0]], [[8.0]]]), [0, 1]
    ... )
    >>> weight, mean, cross
    (3.0, array([3.]), array([[14.]]))
    >>> bool(np.isclose(cross[0, 0], ((z - z.mean()) ** 2).sum()))
    True
    """
    if len(members) == 1:
        only = members[0]
        return float(weight[only]), mean[only].copy(), cross[only].copy()
    weights = weight[list(members)]
    total = float(weights.sum())
    merged = cross[members[0]] + cross[members[1]]
    for block in members[2:]:
        merged += cross[block]
    # Relative to one block's mean first: the means are close together even where they are far from zero.
    away = mean[list(members)] - mean[members[0]]
    centre = weights @ away / total if total > 0.0 else np.zeros(mean.shape[1])
    spread = np.sqrt(weights)[:, None] * (away - centre)
    merged += spread.T @ spread
    return total, mean[members[0]] + centre, merged
