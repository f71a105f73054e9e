"""The face of the compiled quadratic solver: lasso, elastic net and their constrained kin from (Q, c) alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from foldwise.solvers import _quadratic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MAX_ITER = 100_000


class Status(IntEnum):
    """How a point of a path ended."""

    CERTIFIED = 0
    STOPPED = 1
    ROUNDING = 2

    @property
    def explanation(self) -> str:
        """Likely cause and remedy in plain words."""
        return {
            Status.CERTIFIED: "the relative duality gap is within tol",
            Status.STOPPED: "the solver stopped at max_iter equality steps; raise max_iter",
            Status.ROUNDING: (
                "rounding keeps the gap above tol: the columns are nearly collinear and the penalty is weak; "
                "raise alpha or tol, or drop columns"
            ),
        }[self]


@dataclass(frozen=True, eq=False)
class QuadraticPath:
    """Solutions along a path of strengths.

    Parameters
    ----------
    coef : array (A, p)
    gap : array (A,)
        Duality gap over the null objective yy / 2; 0 where yy is 0.
    n_iter : array (A,)
        Equality steps taken.
    status : array (A,)
        `Status` values.
    """

    coef: Floats
    gap: Floats
    n_iter: NDArray[np.intp]
    status: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Penalty:
    """The penalty's weights and the box, per coefficient.

    Parameters
    ----------
    l1_weight, l2_weight : arrays (p,)
        w1 and w2 in sum_j l1 w1_j |b_j| + 1/2 l2 w2_j b_j^2; 0 for an unpenalized coefficient.
    lower, upper : arrays (p,)
        lower <= 0 <= upper; both 0 for a coefficient that is left out.
    """

    l1_weight: Floats
    l2_weight: Floats
    lower: Floats
    upper: Floats


def solve_path(
    Q: Floats,
    c: Floats,
    yy: float,
    *,
    l1: Floats,
    l2: Floats,
    penalty: Penalty,
    tol: float = 1e-9,
    max_iter: int = MAX_ITER,
) -> QuadraticPath:
    """Minimize 1/2 b'Qb - c'b + penalty for every pair of strengths, to a certified relative duality gap.

    Solves 1/2 b'Qb - c'b + yy/2 + sum_j l1 w1_j |b_j| + 1/2 l2 w2_j b_j^2 with lower <= b <= upper. A primal active-set
    method: the support's Cholesky factor is updated as coordinates come and go, so that a path costs little more than
    its changes of support.

    Parameters
    ----------
    Q : array (p, p)
        Symmetric positive semidefinite; best on the correlation scale.
    c : array (p,)
    yy : float
        Twice the objective at b = 0.
    l1, l2 : arrays (A,)
        Strengths, l1 descending.
    penalty : Penalty
    tol : float
        A point whose relative gap stays above tol gets a status other than CERTIFIED.
    max_iter : int
        Bound on the equality steps of one point.

    Returns
    -------
    QuadraticPath

    Examples
    --------
    >>> import numpy as np
    >>> free = np.full(2, np.inf)
    >>> path = solve_path(
    ...     np.eye(2),
    ...     np.array([3.0, -1.0]),
    ...     10.0,
    ...     l1=np.array([2.0, 0.5]),
    ...     l2=np.zeros(2),
    ...     penalty=Penalty(np.ones(2), np.ones(2), -free, free),
    ... )
    >>> path.coef
    array([[ 1. ,  0. ],
           [ 2.5, -0.5]])
    """
    return PathSolver(penalty, tol=tol, max_iter=max_iter).solve(Q, c, yy, l1, l2)


class PathSolver:
    """`solve_path` a stretch of strengths at a time: the active set is kept from one stretch to the next.

    Stretch after stretch gives the very numbers that one call for all strengths gives.

    Parameters
    ----------
    penalty, tol, max_iter
        As in `solve_path`.
    start : array (p,), optional
        Coefficients from which the first strength is solved, in place of zeros.
    """

    def __init__(
        self, penalty: Penalty, *, tol: float = 1e-9, max_iter: int = MAX_ITER, start: Floats | None = None
    ) -> None:
        self._penalty, self._tol, self._max_iter = penalty, float(tol), int(max_iter)
        self._active = _quadratic.ActiveSet(len(penalty.l1_weight))
        self._start = np.zeros(0) if start is None else np.ascontiguousarray(start, dtype=np.float64)

    def solve(self, Q: Floats, c: Floats, yy: float, l1: Floats, l2: Floats) -> QuadraticPath:
        """The next strengths of the same problem, which is handed over each time, so that it need not be kept."""
        points, p = len(l1), len(c)
        path = QuadraticPath(
            coef=np.zeros((points, p)),
            gap=np.zeros(points),
            n_iter=np.zeros(points, dtype=np.intp),
            status=np.zeros(points, dtype=np.int8),
        )
        # A column that does not vary has no say: it is held at zero.
        lower, upper = self._penalty.lower.copy(), self._penalty.upper.copy()
        flat = np.diag(Q) <= 0.0
        lower[flat], upper[flat] = 0.0, 0.0
        self._active.solve(
            np.ascontiguousarray(Q),
            np.ascontiguousarray(c),
            float(yy),
            np.ascontiguousarray(l1, dtype=np.float64),
            np.ascontiguousarray(l2, dtype=np.float64),
            self._penalty.l1_weight,
            self._penalty.l2_weight,
            lower,
            upper,
            self._tol,
            self._max_iter,
            self._start,
            path.coef,
            path.gap,
            path.n_iter,
            path.status,
        )
        self._start = np.zeros(0)
        return path
