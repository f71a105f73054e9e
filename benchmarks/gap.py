"""How far from the minimum a fit is: the relative duality gap, from the rows, by no library's code.

The gaussian problem, with weights a1 = alpha l1_ratio and a2 = alpha (1 - l1_ratio):

    P(b0, b) = 1/(2n) ||y - b0 - X b||^2 + a1 |b|_1 + a2/2 |b|_2^2

For any t with sum(t) = 0, D(t) = t'y - n/2 |t|^2 - g*(X't) is at most the minimum of P, where g* is the conjugate of
the penalty: 0 if |X't|_inf <= a1 and infinite otherwise for the lasso; sum (|X't| - a1)_+^2 / (2 a2) with a2 > 0.
Candidates for t are the centred residuals over n, as they are and scaled to |X't|_inf <= a1. P - max D, over
P at b = 0, is at least the relative distance of P from its minimum.

A lasso of another family, with weights w that sum to 1 and the loss l(eta; y) of a mean m(eta):

    P(b0, b) = sum_i w_i l(b0 + x_i'b; y_i) + alpha |b|_1

For u_i = s (m_i - y_i) with sum_i w_i u_i = 0 and |X'(w u)|_inf <= alpha, D = -sum_i w_i l*(u_i; y_i) is at most the
minimum of P. The means are those of some fit with its intercept set right, which makes the sum 0; s <= 1 shrinks them
to meet the other condition. For the fit in question the bound is weak, of the order of the error where P is of its
square, so means are also tried of what a few Newton steps on the support make of it: any means give a true bound. P
less the largest D, over what P at b = 0 exceeds the loss of m = y by, is the relative gap.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, xlogy

Array = NDArray[np.float64]

CENTRING_STEPS, NEWTON_STEPS = 50, 8
CENTRED = 1e-13
"""Relative error of the mean that is left: what it adds to a bound is as small."""
ENOUGH = 0.01
"""Share of the gap below which a step's gain ends the steps."""
ROWS_AT_ONCE = 50_000
"""Rows that a Newton step weights at once: no copy of a large X."""


def relative_gaps(X: Any, y: Array, coef: Array, intercept: Array, alphas: Array, l1_ratio: float) -> Array:
    """Return the relative duality gap of each fit of a path.

    Parameters
    ----------
    X : (n, p), dense or sparse
    y : (n,)
    coef : (A, p)
    intercept : (A,)
    alphas : (A,)
        In scikit-learn's units for the elastic net; a ridge penalty is divided by n first.
    l1_ratio : float in [0, 1]

    Returns
    -------
    (A,) relative to 1/(2n) ||y - mean(y)||^2, the objective of the empty model
    """
    n = len(y)
    a1, a2 = alphas * l1_ratio, alphas * (1 - l1_ratio)
    centred = y - y.mean()
    residual = centred[:, None] - X @ coef.T - (intercept - y.mean())
    penalty = a1 * np.abs(coef).sum(1) + a2 / 2 * (coef**2).sum(1)
    primal = (residual**2).sum(0) / (2 * n) + penalty

    dual_point = (residual - residual.mean(0)) / n
    slope = X.T @ dual_point
    along_y, square = centred @ dual_point, (dual_point**2).sum(0)
    dual = np.maximum(
        _dual_scaled(along_y, square, slope, n=n, a1=a1),
        _dual_as_is(along_y, square, slope, n=n, a1=a1, a2=a2),
    )
    return (primal - dual) / ((centred**2).sum() / (2 * n))


def _dual_scaled(along_y: Array, square: Array, slope: Array, *, n: int, a1: Array) -> Array:
    """Return D at the best multiple of the dual point that meets |X't|_inf <= a1, which makes g* zero."""
    steepest = np.abs(slope).max(0)
    largest = np.divide(a1, steepest, out=np.full_like(a1, np.inf), where=steepest > 0)
    best = np.divide(along_y, n * square, out=np.ones_like(square), where=square > 0)
    scale = np.clip(best, -largest, largest)
    return scale * along_y - n / 2 * scale**2 * square


def _dual_as_is(along_y: Array, square: Array, slope: Array, *, n: int, a1: Array, a2: Array) -> Array:
    """Return D at the dual point itself, where the squared part of the penalty makes g* finite."""
    excess = (np.maximum(np.abs(slope) - a1, 0) ** 2).sum(0)
    conjugate = np.divide(excess, 2 * a2, out=np.where(excess > 0, np.inf, 0.0), where=a2 > 0)
    return along_y - n / 2 * square - conjugate


@dataclass(frozen=True)
class Loss:
    """A family's loss l(eta, y), its mean m(eta), and -l*(m - y; y), which is a function of the mean alone here."""

    loss: Callable[[Array, Array], Array]
    mean: Callable[[Array], Array]
    minus_conjugate: Callable[[Array], Array]
    link: Callable[[float], float]
    variance: Callable[[Array], Array]
    """Slope of the mean."""


def _entropy(mean: Array) -> Array:
    return -xlogy(mean, mean) - xlogy(1.0 - mean, 1.0 - mean)


LOSSES = {
    "binomial": Loss(lambda eta, y: np.logaddexp(0.0, eta) - y * eta, expit, _entropy, logit, lambda m: m * (1.0 - m)),
    "poisson": Loss(lambda eta, y: np.exp(eta) - y * eta, np.exp, lambda m: m - xlogy(m, m), np.log, lambda m: m),
}


def family_gaps(
    family: str, X: Any, y: Array, coef: Array, intercept: Array, alphas: Array, *, weights: Array | None = None
) -> Array:
    """Return the relative duality gap of each fit of a generalized lasso's path.

    Parameters
    ----------
    family : "binomial" or "poisson"
    X : (n, p), dense or sparse
    y : (n,)
        0 and 1, or counts per weight.
    coef : (A, p)
    intercept : (A,)
    alphas : (A,)
        Against the weighted mean loss.
    weights : (n,), optional

    Returns
    -------
    (A,) relative to half the mean deviance of the empty model
    """
    known = LOSSES[family]
    w = np.full(len(y), 1.0 / len(y)) if weights is None else weights / weights.sum()
    average = float(w @ y)
    null = float(known.minus_conjugate(np.array(average))) - float(w @ known.minus_conjugate(y))
    gaps = np.empty(len(alphas))
    for at, (b, b0, alpha) in enumerate(zip(coef, intercept, alphas, strict=True)):
        primal = float(w @ known.loss(_predictor(X, b, b0), y) + alpha * np.abs(b).sum())
        gaps[at] = (primal - _largest_dual(known, X, y, w, b, b0, alpha, primal)) / null
    return gaps


def _predictor(X: Any, b: Array, b0: float) -> Array:
    used = np.flatnonzero(b)
    return np.asarray((X @ b if len(used) > len(b) // 4 else X[:, used] @ b[used]) + b0)


def _largest_dual(known: Loss, X: Any, y: Array, w: Array, b: Array, b0: float, alpha: float, primal: float) -> float:
    """Return the largest D of the fit and of what Newton steps with held signs make of it, while they help."""
    best, sign = -np.inf, np.sign(b)
    for _ in range(NEWTON_STEPS):
        mean, b0 = _centred_mean(known, _predictor(X, b, b0), b0, w, float(w @ y))
        slope = X.T @ (w * (mean - y))
        shrink = min(1.0, alpha / max(float(np.abs(slope).max()), np.finfo(float).tiny))
        dual = float(w @ known.minus_conjugate(y + shrink * (mean - y)))
        if not dual > best:  # nan, of a step that went too far, included
            break
        gain, best = dual - best, dual
        if gain < ENOUGH * (primal - best):
            break
        sign = np.where((sign == 0) & (np.abs(slope) > alpha), -np.sign(slope), sign)
        support = np.flatnonzero(sign)
        step = np.linalg.lstsq(
            _curvature(X, support, w * known.variance(mean)),
            np.concatenate([[0.0], slope[support] + alpha * sign[support]]),
            rcond=1e-12,
        )[0]
        b = b.copy()
        b[support] -= step[1:]
        b0 -= step[0]
        sign = np.where(b * sign > 0, sign, 0.0)  # one that crosses zero leaves
        b = np.where(sign != 0, b, 0.0)
    return best


def _curvature(X: Any, support: NDArray[np.intp], v: Array) -> Array:
    """Return Z'diag(v)Z for Z = (1, X[:, support])."""
    total = np.zeros((len(support) + 1, len(support) + 1))
    total[0, 0] = v.sum()
    turned = X.T if isinstance(X, np.ndarray) else X.T.tocsr()
    for start in range(0, len(v), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        part = turned[support, rows]
        part = part if isinstance(part, np.ndarray) else part.toarray()
        total[1:, 0] += part @ v[rows]
        total[1:, 1:] += (part * v[rows]) @ part.T
    total[0, 1:] = total[1:, 0]
    return total


def _centred_mean(known: Loss, eta: Array, b0: float, w: Array, average: float) -> tuple[Array, float]:
    """Return the means of a predictor (n,) that is shifted until their weighted mean is that of y, and its b0."""
    shift = 0.0
    for _ in range(CENTRING_STEPS):
        with np.errstate(over="ignore", invalid="ignore"):
            mean = known.mean(eta + shift)
            now = float(w @ mean)
            slope = max(float(w @ known.variance(mean)), np.finfo(float).tiny)
        if not abs(average - now) > CENTRED * average:
            break
        shift += float(np.clip((average - now) / slope, -1.0, 1.0))
    return mean, b0 + shift
