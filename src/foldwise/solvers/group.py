"""The face of the compiled group solver: group and sparse group lasso from (Q, c) alone, every point with its gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foldwise.solvers import _group
from foldwise.solvers.quadratic import QuadraticPath, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.penalties import Groups, SparseGroup

    Floats = NDArray[np.float64]

MAX_ROUNDS = 1000
# Share of the strength that an optimality condition may be off by.
SLACK = 1e-12


def solve_group_path(
    Q: Floats,
    c: Floats,
    yy: float,
    *,
    penalty: SparseGroup,
    tol: float = 1e-9,
    max_iter: int = MAX_ROUNDS,
    start: Floats | None = None,
) -> QuadraticPath:
    """Minimize 1/2 b'Qb - c'b + yy/2 + penalty for every pair of the penalty's strengths.

    Block coordinate descent finds the groups that are in, Newton's method on their nonzero coefficients brings the
    optimality conditions down to rounding. A column whose diagonal in Q is 0 is held at zero.

    Parameters
    ----------
    Q : array (p, p)
        Symmetric positive semidefinite, on the scale where each group's penalty is the plain Euclidean norm.
    c : array (p,)
    yy : float
        Twice the objective at b = 0.
    penalty : SparseGroup
        With strengths l1, l2 (A,), l1 descending. Single weights are alike within a group.
    tol : float
        A point whose relative gap stays above tol gets a status other than CERTIFIED.
    max_iter : int
        Bound on the rounds of one point.
    start : array (p,), optional
        Coefficients from which the first strength is solved, in place of zeros.

    Returns
    -------
    QuadraticPath
        n_iter counts rounds.

    Source: Z. Qin, K. Scheinberg and D. Goldfarb (2013), Efficient block-coordinate descent algorithms for the group
    lasso, Mathematical Programming Computation 5, for the block step; the Newton finish is this project's.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.penalties import Groups, SparseGroup
    >>> l1 = np.array([5.0, 1.0])
    >>> penalty = SparseGroup.along(Groups.of([0, 0]), l1=l1, l2=0 * l1, tau=0.0, factor=np.ones(1))
    >>> path = solve_group_path(np.eye(2), np.array([3.0, 4.0]), 30.0, penalty=penalty)
    >>> path.coef.round(4)
    array([[0.    , 0.    ],
           [2.1515, 2.8686]])
    """
    points, groups = len(penalty.l1), penalty.groups
    coef, n_iter = np.zeros((points, len(c))), np.zeros(points, dtype=np.intp)
    outcome = np.zeros(points, dtype=np.int8)
    order = groups.order
    ordered = np.ascontiguousarray(Q[np.ix_(order, order)])
    values, vectors, place = _eigenvectors(ordered, groups)
    by_group = np.zeros((points, len(c)))
    if start is not None:
        by_group[:1] = start[order]
    _group.solve_path(
        ordered,
        np.ascontiguousarray(c[order]),
        float(np.sqrt(max(yy, 0.0))),
        np.ascontiguousarray(penalty.l1, dtype=np.float64),
        np.ascontiguousarray(penalty.l2, dtype=np.float64),
        np.append(groups.start, len(c)).astype(np.intp),
        values,
        vectors,
        place,
        penalty.norm_weight,
        penalty.ridge_weight,
        np.ascontiguousarray(penalty.weight[order]),
        SLACK,
        int(max_iter),
        by_group,
        n_iter,
        outcome,
    )
    coef[:, order] = by_group
    gap = relative_group_gap(Q, c, yy, coef, penalty)
    uncertified = np.where(outcome == Status.STOPPED, Status.STOPPED, Status.ROUNDING)
    status = np.where(gap <= tol, Status.CERTIFIED, uncertified).astype(np.int8)
    return QuadraticPath(coef=coef, gap=gap, n_iter=n_iter, status=status)


def relative_group_gap(Q: Floats, c: Floats, yy: float, coef: Floats, penalty: SparseGroup) -> Floats:
    """Primal minus dual objective over yy / 2 for every point (A,) of a path; 0 where yy is 0.

    The dual point is the residual, scaled into the dual's domain where only lasso terms bound a group. A group that
    nothing bounds, and what rounding leaves above a threshold, count with the certificate of the problem in which a
    group is at most as long as twice its coefficients plus sqrt(yy / Q_jj) in each.
    """
    if yy <= 0.0:
        return np.zeros(len(coef))
    pull = c - coef @ Q
    ry = yy - coef @ c
    rr = ry - np.einsum("aj,aj->a", pull, coef)
    primal = 0.5 * rr + penalty.value(coef)
    diagonal = np.diag(Q)
    room = np.where(diagonal > 0.0, np.sqrt(yy / np.where(diagonal > 0.0, diagonal, 1.0)), 0.0)
    limit = penalty.groups.norm(2.0 * np.abs(coef) + room)
    best = np.full(len(coef), -np.inf)
    for everywhere in (False, True):
        share = penalty.dual_scale(pull, everywhere=everywhere)
        dual = share * ry - 0.5 * share**2 * rr - penalty.conjugate(share[:, None] * pull, limit)
        best = np.fmax(best, dual)
    gap: Floats = (primal - best) / (0.5 * yy)
    return gap


def _eigenvectors(Q: Floats, groups: Groups) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Eigenvalues (p,) in ascending order within each group, eigenvectors group after group, and where each begins."""
    place = np.concatenate([[0], np.cumsum(groups.size**2)]).astype(np.intp)
    values, vectors = np.empty(len(Q)), np.empty(place[-1])
    for size in np.unique(groups.size):
        members = np.flatnonzero(groups.size == size)
        columns = groups.start[members, None] + np.arange(size)
        found, turned = np.linalg.eigh(Q[columns[:, :, None], columns[:, None, :]])
        values[columns] = np.maximum(found, 0.0)
        vectors[place[members, None] + np.arange(size**2)] = turned.reshape(len(members), -1)
    return values, vectors, place
