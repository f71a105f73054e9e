"""The face of the compiled solver for separable penalties that need not be convex: MCP and SCAD from (Q, c) alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foldwise.errors import InputError
from foldwise.solvers import _nonconvex
from foldwise.solvers.quadratic import QuadraticPath, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.penalties import Separable

    Floats = NDArray[np.float64]

MAX_SWEEPS = 100_000
# Share of the strength that a stationarity condition may be off by.
SLACK = 1e-12


@dataclass(frozen=True, eq=False)
class NonconvexPath(QuadraticPath):
    """Local solutions along a path of strengths.

    `gap` holds the stationarity residual in place of a duality gap, which a problem that is not convex does not have:
    the largest distance of a coefficient's gradient to the penalty's slopes, over sqrt(yy). Zero says stationary, not
    that no better solution exists.

    Parameters
    ----------
    convexity : array (A,)
        Smallest eigenvalue of the support's block of Q with the ridge term, less the penalty's largest concavity for
        each penalized coefficient. Above zero the objective is strictly convex in the coefficients of the support, so
        no other solution has this support or less; below, one may. `inf` where nothing is in.
    """

    convexity: Floats


def solve_nonconvex_path(
    Q: Floats,
    c: Floats,
    yy: float,
    *,
    penalty: Separable,
    tol: float = 1e-9,
    max_iter: int = MAX_SWEEPS,
    start: Floats | None = None,
) -> NonconvexPath:
    """Follow stationary points of 1/2 b'Qb - c'b + yy/2 + penalty down the penalty's strengths, starting at zero.

    Coordinate descent, each strength from the solution at the last, finished by the linear equations that hold while
    every coefficient stays on its piece of the penalty. The path starts cold: nothing but (Q, c) decides where it goes.

    Parameters
    ----------
    Q : array (p, p)
        Symmetric positive semidefinite; each diagonal element is 0 (held at zero) or above the penalty's concavity.
    c : array (p,)
    yy : float
        Twice the objective at b = 0.
    penalty : Separable
        With strengths l1, l2 (A,), l1 descending.
    tol : float
        A point whose stationarity residual stays above tol gets a status other than CERTIFIED.
    max_iter : int
        Bound on the sweeps of one point.
    start : array (p,), optional
        Where the path stands: the solution at the strength before the first of these.

    Returns
    -------
    NonconvexPath
        n_iter counts sweeps.

    Raises
    ------
    InputError
        A column's own curvature does not exceed the penalty's concavity.

    Source: P. Breheny and J. Huang (2011), Coordinate descent algorithms for nonconvex penalized regression, Annals of
    Applied Statistics 5.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.penalties import Separable, mcp
    >>> free = np.full(2, np.inf)
    >>> l1 = np.array([1.0])
    >>> path = solve_nonconvex_path(
    ...     np.eye(2), np.array([4.0, 2.0]), 30.0, penalty=Separable(mcp(3.0), np.ones(2), -free, free, l1, 0 * l1)
    ... )
    >>> path.coef  # the lasso's would be [3, 1]
    array([[4. , 1.5]])
    """
    points = len(penalty.l1)
    l1, l2 = (np.ascontiguousarray(part, dtype=np.float64) for part in (penalty.l1, penalty.l2))
    diagonal, concavity = np.diag(Q), penalty.pieces.concavity
    least = diagonal + l2.min(initial=np.inf) * penalty.weight if points else diagonal
    bad = np.flatnonzero((diagonal > 0.0) & (least <= concavity))
    if len(bad):
        at = bad[0]
        message = f"gamma must make the penalty's concavity {concavity:.3g} less than each column's curvature, got "
        raise InputError(message + f"{least[at]:.3g} for column {at}; standardize, or raise gamma")
    path = NonconvexPath(
        coef=np.zeros((points, len(c))),
        gap=np.zeros(points),
        n_iter=np.zeros(points, dtype=np.intp),
        status=np.zeros(points, dtype=np.int8),
        convexity=np.full(points, np.inf),
    )
    if start is not None:
        path.coef[:1] = start
    scale = float(np.sqrt(max(yy, 0.0)))
    outcome = np.zeros(points, dtype=np.int8)
    _nonconvex.solve_path(
        np.ascontiguousarray(Q),
        np.ascontiguousarray(c),
        scale,
        l1,
        l2,
        np.ascontiguousarray(penalty.weight),
        np.ascontiguousarray(penalty.lower),
        np.ascontiguousarray(penalty.upper),
        penalty.pieces.start,
        penalty.pieces.level,
        penalty.pieces.slope,
        SLACK,
        int(max_iter),
        path.coef,
        path.gap,
        path.n_iter,
        outcome,
    )
    path.gap[:] = path.gap / scale if scale > 0.0 else 0.0
    uncertified = np.where(outcome == Status.STOPPED, Status.STOPPED, Status.ROUNDING)
    path.status[:] = np.where(path.gap <= tol, Status.CERTIFIED, uncertified)
    path.convexity[:] = _convexity(Q, path.coef, l2, penalty)
    return path


def _convexity(Q: Floats, coef: Floats, l2: Floats, penalty: Separable) -> Floats:
    """The least curvature that the objective can have in the coefficients of each point's support."""
    found = np.full(len(coef), np.inf)
    last, least = b"", np.inf
    for a, b in enumerate(coef):
        support = np.flatnonzero(b)
        if not len(support):
            continue
        key = support.tobytes() + l2[a].tobytes()
        if key != last:
            weight = penalty.weight[support]
            shift = l2[a] * weight - penalty.pieces.concavity * (weight > 0.0)
            last, least = key, float(np.linalg.eigvalsh(Q[np.ix_(support, support)] + np.diag(shift))[0])
        found[a] = least
    return found
