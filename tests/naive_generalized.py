"""Slow, plain penalized generalized linear models from rows, sharing nothing with foldwise: Newton and coordinates."""

from __future__ import annotations

import numpy as np
from scipy.special import expit


def binomial(eta, y):
    m = expit(eta)
    return np.logaddexp(0, eta) - y * eta, m - y, m * (1 - m)


def poisson(eta, y):
    m = np.exp(eta)
    return m - y * eta, m - y, m


def gamma(eta, y):
    r = y * np.exp(-eta)
    return r + eta, 1 - r, r


def tweedie(power):
    def terms(eta, y):
        a, b = y * np.exp((1 - power) * eta), np.exp((2 - power) * eta)
        return a / (power - 1) + b / (2 - power), b - a, (power - 1) * a + (2 - power) * b

    return terms


def negative_binomial(theta):
    def terms(eta, y):
        m = np.exp(eta)
        return (
            (y + theta) * np.log(theta + m) - y * eta,
            theta * (m - y) / (theta + m),
            (y + theta) * theta * m / (theta + m) ** 2,
        )

    return terms


def huber(delta):
    def terms(eta, y):
        r = eta - y
        near = np.abs(r) <= delta
        loss = np.where(near, r**2 / 2, delta * np.abs(r) - delta**2 / 2)
        return loss, np.clip(r, -delta, delta), np.where(near, 1.0, 1e-2)

    return terms


def gaussian(eta, y):
    return (y - eta) ** 2 / 2, eta - y, np.ones_like(eta)


def by_differences(loss):
    """Terms of a loss of which only the value is written down."""

    def terms(eta, y, h=1e-4):
        a, b, c = loss(eta - h, y), loss(eta, y), loss(eta + h, y)
        return b, (c - a) / (2 * h), np.maximum((a + c - 2 * b) / h**2, 1e-6)

    return terms


def fit(
    terms,
    X,
    y,
    alpha,
    l1_ratio=1.0,
    *,
    weight=None,
    offset=0.0,
    fit_intercept=True,
    standardize=True,
    penalty_factor=None,
    lower=None,
    upper=None,
    rounds=300,
):
    """Minimize mean loss + elastic net: coef (p,), intercept. Newton outside, coordinate descent inside."""
    n, p = X.shape
    w = np.ones(n) if weight is None else np.asarray(weight, float)
    w = w / w.sum()
    mean = w @ X
    scale = np.sqrt(w @ (X - mean) ** 2) if standardize else np.ones(p)
    factor = np.ones(p) if penalty_factor is None else np.asarray(penalty_factor, float)
    low = np.full(p, -np.inf) if lower is None else np.broadcast_to(lower, p)
    high = np.full(p, np.inf) if upper is None else np.broadcast_to(upper, p)
    low, high = np.where(np.isinf(factor), 0.0, low), np.where(np.isinf(factor), 0.0, high)
    factor = np.where(np.isinf(factor), 1.0, factor)
    low, high = np.append(-np.inf, low), np.append(np.inf, high)
    Z = np.column_stack([np.ones(n), X - mean])
    if not fit_intercept:
        Z[:, 1:] = X
        low[0] = high[0] = 0.0
    slope = np.append(0.0, alpha * l1_ratio * factor * scale)
    square = np.append(0.0, alpha * (1 - l1_ratio) * factor * scale**2)

    def objective(b):
        return w @ terms(offset + Z @ b, y)[0] + slope @ np.abs(b) + 0.5 * square @ b**2

    b = np.zeros(p + 1)
    for _ in range(rounds):
        _, g, h = terms(offset + Z @ b, y)
        Q, c = Z.T @ ((w * h)[:, None] * Z), -Z.T @ (w * g)
        d = np.zeros(p + 1)
        for _ in range(5000):
            moved = 0.0
            for j in range(p + 1):
                if Q[j, j] <= 0.0:
                    continue
                z = c[j] - Q[j] @ d + Q[j, j] * (b[j] + d[j])
                new = np.sign(z) * max(abs(z) - slope[j], 0.0) / (Q[j, j] + square[j])
                new = min(max(new, low[j]), high[j])
                moved = max(moved, abs(new - b[j] - d[j]) * np.sqrt(Q[j, j]))
                d[j] = new - b[j]
            if moved <= 1e-15:
                break
        t, now = 1.0, objective(b)
        while objective(b + t * d) > now + 1e-15 and t > 1e-10:
            t /= 2
        b = b + t * d
        if np.abs(d).max() <= 1e-13:
            break
    return b[1:], b[0] - (mean @ b[1:] if fit_intercept else 0.0)
