"""The minimum of a smooth function and an elastic net: Newton steps, each a lasso that scikit-learn solves."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import enet_path

from foldwise.verify.smooth import Smooth

Floats = NDArray[np.float64]

MOST_STEPS, MOST_HALVINGS, MOST_IDLE = 100, 40, 4
TOL, MOST_SWEEPS = 1e-10, 100_000
EXACT = 1e-11
"""Steps end where the optimality conditions hold to this share of the first gradient."""
RANK = 1e-13
"""Curvatures below this share of the largest count as none."""


def minimize(smooth: Smooth, start: Floats, l1: float, l2: float) -> tuple[Floats, float]:
    """The arguments (m,) at which smooth(b) + l1 |b|_1 + l2/2 |b|^2, but for the free ones, is least.

    Also how far they are from that: the largest violation of the optimality conditions, as a share of the largest entry
    of the gradient where all that is penalized is zero.
    """
    b, free = start.copy(), smooth.free
    slope, square = np.repeat([0.0, l1], [free, len(b) - free]), np.repeat([0.0, l2], [free, len(b) - free])
    empty = b * (np.arange(len(b)) < free)
    unit = float(np.abs(smooth.at(empty)[1]).max(initial=np.finfo(float).tiny))

    def objective(at: Floats, value: float) -> float:
        return value + float(slope @ np.abs(at) + 0.5 * square @ at**2)

    value, gradient, hessian = smooth.at(b)
    found, off, idle = b, np.inf, 0
    for _ in range(MOST_STEPS):
        now = float(violation(b, gradient + square * b, slope).max(initial=0.0)) / unit
        idle = 0 if now < 0.5 * off else idle + 1
        if now < off:
            found, off = b, now
        if off <= EXACT or idle > MOST_IDLE:  # rounding leaves no more
            break
        step = _model_minimum(b, gradient + square * b, hessian + np.diag(square), l1, free) - b
        share, before = 1.0, objective(b, value)
        for _ in range(MOST_HALVINGS):
            value, gradient, hessian = smooth.at(b + share * step)
            if objective(b + share * step, value) <= before + 1e-14 * abs(before):
                break
            share *= 0.5
        if np.all(b + share * step == b):
            break
        b = b + share * step
    return found, off


def violation(b: Floats, gradient: Floats, slope: Floats) -> Floats:
    """How far each entry of the gradient is from what its penalty's slope allows.

    Examples
    --------
    >>> violation(np.array([1.0, 0.0, -2.0]), np.array([-0.5, 0.4, 0.25]), np.array([0.5, 0.5, 0.5]))
    array([0.  , 0.  , 0.25])
    """
    return np.where(b != 0.0, np.abs(gradient + slope * np.sign(b)), np.maximum(np.abs(gradient) - slope, 0.0))


def _model_minimum(b: Floats, gradient: Floats, hessian: Floats, l1: float, free: int) -> Floats:
    """Where the quadratic model at b, with the penalty's absolute part, is least."""
    inner = np.linalg.pinv(hessian[:free, :free], rcond=RANK, hermitian=True) if free else np.zeros((0, 0))
    through = hessian[free:, :free] @ inner
    Q = hessian[free:, free:] - through @ hessian[:free, free:]
    pull = Q @ b[free:] - (gradient[free:] - through @ gradient[:free])
    z = _lasso(Q, pull, l1, b[free:])
    moved = z - b[free:]
    return np.concatenate([b[:free] - inner @ (gradient[:free] + hessian[:free, free:] @ moved), z])


def _lasso(Q: Floats, pull: Floats, l1: float, start: Floats) -> Floats:
    """Where z'Qz/2 - pull'z + l1 |z|_1 is least: coordinate descent finds the signs, and equations the digits."""
    slope = np.full(len(start), l1)
    known = _with_signs(Q, pull, l1, np.sign(start) if l1 > 0.0 else np.ones_like(start))
    if l1 == 0.0:
        return known
    same = bool(np.all(np.sign(known) == np.sign(start)))
    if same and violation(known, Q @ known - pull, slope).max() <= RANK * np.abs(pull).max():
        return known
    z = _descended(Q, pull, l1, start)
    better = _with_signs(Q, pull, l1, np.sign(z))
    same = bool(np.all(np.sign(better) == np.sign(z)))
    worse = violation(z, Q @ z - pull, slope).max() < violation(better, Q @ better - pull, slope).max()
    return z if worse or not same else better


def _with_signs(Q: Floats, pull: Floats, l1: float, signs: Floats) -> Floats:
    """The solution if these are its signs; the shortest where there are several."""
    kept = signs != 0.0
    found = np.zeros_like(pull)
    if kept.any():
        found[kept] = np.linalg.lstsq(Q[np.ix_(kept, kept)], (pull - l1 * signs)[kept], rcond=RANK)[0]
    return found


def _descended(Q: Floats, pull: Floats, l1: float, start: Floats) -> Floats:
    """By scikit-learn's coordinate descent on rows whose products are Q."""
    values, vectors = np.linalg.eigh(Q)
    known = values > RANK * values.max(initial=0.0)
    if not known.any():
        return np.zeros_like(start)
    root, vectors = np.sqrt(values[known]), vectors[:, known]
    rows = np.sqrt(len(root))  # its loss is the mean over the rows
    _, path, _ = enet_path(
        np.asfortranarray(rows * root[:, None] * vectors.T),
        rows * (vectors.T @ pull) / root,
        alphas=[l1],
        l1_ratio=1.0,
        coef_init=start.copy(),  # which is overwritten
        tol=TOL,
        max_iter=MOST_SWEEPS,
    )
    return np.asarray(path[:, 0])
