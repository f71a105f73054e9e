"""Slow, plain reference computations from rows, sharing nothing with foldwise: what the fast ones are held against."""

from __future__ import annotations

import numpy as np


def elastic_net(
    X,
    y,
    alpha,
    l1_ratio,
    *,
    weight=None,
    fit_intercept=True,
    standardize=True,
    penalty_factor=None,
    lower=None,
    upper=None,
    sweeps=20000,
):
    """Coordinate descent on the rows until nothing moves: coef (p,), intercept."""
    n, p = X.shape
    w = np.ones(n) if weight is None else np.asarray(weight, float)
    w = w / w.sum()
    factor = np.ones(p) if penalty_factor is None else np.asarray(penalty_factor, float)
    low = np.full(p, -np.inf) if lower is None else np.broadcast_to(lower, p)
    high = np.full(p, np.inf) if upper is None else np.broadcast_to(upper, p)
    spread = np.sqrt(w @ (X - w @ X) ** 2)
    x_mean, y_mean = (w @ X, w @ y) if fit_intercept else (np.zeros(p), 0.0)
    Z, residual = X - x_mean, y - y_mean
    scale = np.where(spread > 1e-12 * np.abs(w @ X), spread, 0.0) if standardize else np.ones(p)
    norm = w @ Z**2
    coef = np.zeros(p)
    for _ in range(sweeps):
        moved = 0.0
        for j in range(p):
            if norm[j] <= 1e-24 * max(1.0, (w @ X[:, j]) ** 2) or np.isinf(factor[j]) or (standardize and not scale[j]):
                continue
            z = (w * Z[:, j]) @ residual + norm[j] * coef[j]
            slope = alpha * l1_ratio * factor[j] * scale[j]
            curvature = norm[j] + alpha * (1 - l1_ratio) * factor[j] * scale[j] ** 2
            new = np.clip(np.sign(z) * max(abs(z) - slope, 0.0) / curvature, low[j], high[j])
            if new != coef[j]:
                residual = residual - (new - coef[j]) * Z[:, j]
                moved = max(moved, abs(new - coef[j]) * np.sqrt(norm[j]))
                coef[j] = new
        if moved <= 1e-15 * (1.0 + np.abs(y - y_mean).max()):
            break
    return coef, y_mean - x_mean @ coef


def kkt_residual(X, y, coef, alpha, l1_ratio, *, weight=None, fit_intercept=True, factor=1.0, lower=None, upper=None):
    """Largest violation of the optimality conditions, over the largest gradient at zero; X as penalized."""
    w = np.ones(len(y)) if weight is None else np.asarray(weight, float)
    w = w / w.sum()
    Z, r = (X - w @ X, y - w @ y) if fit_intercept else (X, y)
    scale = np.abs(Z.T @ (w * r)).max()
    gradient = Z.T @ (w * (r - Z @ coef)) - alpha * (1 - l1_ratio) * factor * coef
    slope = np.broadcast_to(alpha * l1_ratio * np.asarray(factor), coef.shape)
    low = np.full(len(coef), -np.inf) if lower is None else np.broadcast_to(lower, coef.shape)
    high = np.full(len(coef), np.inf) if upper is None else np.broadcast_to(upper, coef.shape)
    up = np.where(coef < high, gradient - np.where(coef >= 0, slope, -slope), 0.0)
    down = np.where(coef > low, -gradient - np.where(coef <= 0, slope, -slope), 0.0)
    return max(up.max(), down.max(), 0.0) / max(scale, 1e-300)
