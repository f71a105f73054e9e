"""What a fit minimizes but for the penalty: mean loss, its gradient and its Hessian, written out for each family."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp, softmax

from foldwise.verify.partial import Partial

Floats = NDArray[np.float64]
Slopes = Callable[[Floats], tuple[float, Floats, Floats]]


@dataclass(frozen=True)
class Smooth:
    """A function of intercepts and then the coefficients, class after class: (value, gradient, Hessian).

    Attributes
    ----------
    at : callable
    free : int
        How many of its arguments have no penalty: 1, C for C classes, 0 for times to an event.
    size : int
        How many arguments it has.
    """

    at: Slopes
    free: int
    size: int


def of_one(terms: Callable[[Floats], tuple[Floats, Floats, Floats]], Z: Floats, w: Floats, offset: Floats) -> Smooth:
    """One predictor for each row, whose loss, slope and curvature (n,) are known."""
    A = np.column_stack([np.ones(len(Z)), Z])

    def at(b: Floats) -> tuple[float, Floats, Floats]:
        loss, slope, curvature = terms(A @ b + offset)
        return float(w @ loss), A.T @ (w * slope), A.T @ ((w * curvature)[:, None] * A)

    return Smooth(at, 1, A.shape[1])


def two_classes(y: Floats) -> Callable[[Floats], tuple[Floats, Floats, Floats]]:
    """The logistic loss of classes 0 and 1."""

    def terms(eta: Floats) -> tuple[Floats, Floats, Floats]:
        m = expit(eta)
        return np.logaddexp(0.0, eta) - y * eta, m - y, m * (1.0 - m)

    return terms


def amounts(y: Floats, power: float) -> Callable[[Floats], tuple[Floats, Floats, Floats]]:
    """Half the Tweedie deviance under a log link, but for what no predictor changes: power 1 counts, 2 gamma."""

    def terms(eta: Floats) -> tuple[Floats, Floats, Floats]:
        of_mean = np.exp((2.0 - power) * eta)
        of_y = y * np.exp((1.0 - power) * eta)
        loss = (eta if power == 2.0 else of_mean / (2.0 - power)) - (y * eta if power == 1.0 else of_y / (1.0 - power))
        return loss, of_mean - of_y, (2.0 - power) * of_mean - (1.0 - power) * of_y

    return terms


def many_classes(codes: Floats, n_classes: int, Z: Floats, w: Floats) -> Smooth:
    """A predictor for each row and class, through the softmax."""
    A, C = np.column_stack([np.ones(len(Z)), Z]), n_classes
    marks, wide = np.eye(C)[codes.astype(np.intp)], A.shape[1]
    # From class after class, the intercept first, to all intercepts first.
    order = np.concatenate([np.arange(C) * wide, np.delete(np.arange(C * wide), np.arange(C) * wide)])

    def at(b: Floats) -> tuple[float, Floats, Floats]:
        plain = np.empty(C * wide)
        plain[order] = b
        eta = A @ plain.reshape(C, wide).T
        m = softmax(eta, axis=1)
        loss = w @ (logsumexp(eta, axis=1) - (marks * eta).sum(axis=1))
        gradient = ((w[:, None] * (m - marks)).T @ A).ravel()
        H = np.empty((C, wide, C, wide))
        for c in range(C):
            for d in range(c, C):
                H[c, :, d] = A.T @ ((w * m[:, c] * ((c == d) - m[:, d]))[:, None] * A)
                H[d, :, c] = H[c, :, d]  # which is symmetric
        return float(loss), gradient[order], H.reshape(C * wide, -1)[np.ix_(order, order)]

    return Smooth(at, C, C * wide)


def times(partial: Partial, total: float, Z: Floats, offset: Floats) -> Smooth:
    """The partial likelihood over the rows' weight in all; no intercept."""

    def at(b: Floats) -> tuple[float, Floats, Floats]:
        loss, gradient, hessian = partial.slopes(Z @ b + offset, Z)
        return loss / total, gradient / total, hessian / total

    return Smooth(at, 0, Z.shape[1])
