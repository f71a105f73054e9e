"""Ridge and least squares from (Q, c): one eigendecomposition serves every strength."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def solve_ridge(Q: Floats, c: Floats, strengths: Floats, l2_weight: Floats) -> tuple[Floats, float]:
    """Minimize 1/2 b'Qb - c'b + 1/2 l2 sum_j w_j b_j^2 for every strength l2.

    With u = sqrt(w) b the penalty is a multiple of the identity, so one eigendecomposition of the rescaled Q does.
    At l2 = 0 directions without curvature get 0: the minimum-norm answer on u's scale.

    Parameters
    ----------
    Q : array (p, p)
        Symmetric positive semidefinite.
    c : array (p,)
    strengths : array (A,)
        l2 >= 0, in any order.
    l2_weight : array (p,)
        w > 0.

    Returns
    -------
    coef : array (A, p)
    condition : float
        Largest over smallest eigenvalue used at the weakest strength: digits of Q that the answer may lose.

    Examples
    --------
    >>> import numpy as np
    >>> coef, condition = solve_ridge(np.diag([1.0, 3.0]), np.array([2.0, 3.0]), np.array([0.0, 1.0]), np.ones(2))
    >>> coef
    array([[2.  , 1.  ],
           [1.  , 0.75]])
    """
    root = np.sqrt(l2_weight)
    values, vectors = np.linalg.eigh(Q / root / root[:, None])
    # The rounding of Q and of eigh: below this an eigenvalue can't be told from zero.
    floor = 50.0 * len(c) * np.finfo(float).eps * max(values[-1], 0.0)
    real = values > floor
    values = np.where(real, values, 0.0)
    along = vectors.T @ (c / root)
    curvature = values + strengths[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        shrunk = np.where(curvature > 0.0, along / curvature, 0.0)
    weakest = float(strengths.min())
    used = values[real] if weakest == 0.0 else values
    smallest = float(used.min()) + weakest if len(used) else 1.0
    condition = (float(values[-1]) + weakest) / smallest if len(used) else 1.0
    return shrunk @ vectors.T / root, condition
