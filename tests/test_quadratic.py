"""The active-set solver: optimality, certificates and ends that are not silent, on easy and nasty problems."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldwise.solvers.duality import relative_gap
from foldwise.solvers.quadratic import Penalty, Status, solve_path


def correlation_problem(X, y):
    n = len(y)
    Z = (X - X.mean(0)) / np.where(X.std(0) > 0, X.std(0), 1.0)
    r = y - y.mean()
    return np.ascontiguousarray(Z.T @ Z / n), Z.T @ r / n, float(r @ r / n)


def violation(Q, c, coef, l1, l2, penalty):
    """Largest violation of the optimality conditions of one point, written out from their definition."""
    g = c - Q @ coef - l2 * penalty.l2_weight * coef
    slope = l1 * penalty.l1_weight
    up = np.where(coef < penalty.upper, g - np.where(coef >= 0, slope, -slope), -np.inf)
    down = np.where(coef > penalty.lower, -g - np.where(coef <= 0, slope, -slope), -np.inf)
    return max(up.max(), down.max())


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p = draw(st.integers(1, 12))
    n = draw(st.integers(2, 40))
    X = rng.normal(size=(n, p))
    if draw(st.booleans()):  # nearly collinear
        X = X @ rng.normal(size=(p, p)) + 1e-6 * rng.normal(size=(n, p))
    if p > 1 and draw(st.booleans()):  # duplicates, and a column that does not vary
        X[:, -1] = X[:, 0]
        X[:, draw(st.integers(0, p - 1))] = 1.0
    y = X @ (rng.normal(size=p) * (rng.random(p) < 0.5)) + draw(st.sampled_from([0.0, 0.1, 3.0])) * rng.normal(size=n)
    factor = rng.choice([0.0, 0.5, 1.0, 3.0], size=p) if draw(st.booleans()) else np.ones(p)
    lower, upper = np.full(p, -np.inf), np.full(p, np.inf)
    if draw(st.booleans()):
        lower = -rng.choice([0.0, 0.1, 1.0, np.inf], size=p)
        upper = rng.choice([0.0, 0.1, 1.0, np.inf], size=p)
    return (*correlation_problem(X, y), Penalty(factor, factor, lower, upper), draw(st.sampled_from([1.0, 0.7, 0.05])))


@settings(deadline=None, max_examples=300)
@given(problems())
def test_every_point_is_optimal_and_its_certificate_says_so(problem):
    Q, c, yy, penalty, l1_ratio = problem
    alphas = max(np.abs(c).max(), 1e-3) * np.geomspace(1.0, 1e-4, 12)
    path = solve_path(Q, c, yy, l1=alphas * l1_ratio, l2=alphas * (1 - l1_ratio), penalty=penalty)
    scale = np.sqrt(yy) + 1e-300
    assert set(path.status.tolist()) <= {Status.CERTIFIED}
    for i, alpha in enumerate(alphas):
        assert np.all((penalty.lower <= path.coef[i]) & (path.coef[i] <= penalty.upper))
        live = np.diag(Q) > 0
        sub = Penalty(*(part[live] for part in vars(penalty).values()))
        if live.any():
            worst = violation(
                Q[np.ix_(live, live)], c[live], path.coef[i][live], alpha * l1_ratio, alpha * (1 - l1_ratio), sub
            )
            assert worst <= 1e-9 * scale
    gap = relative_gap(Q, c, yy, path.coef, l1=alphas * l1_ratio, l2=alphas * (1 - l1_ratio), penalty=penalty)
    np.testing.assert_allclose(path.gap, gap, atol=1e-12)


@settings(deadline=None, max_examples=100)
@given(problems(), st.integers(0, 2**32 - 1))
def test_the_gap_bounds_the_distance_to_the_minimum(problem, seed):
    Q, c, yy, penalty, l1_ratio = problem
    if yy == 0.0:
        return
    alpha = max(np.abs(c).max(), 1e-3) * 0.1
    l1, l2 = np.array([alpha * l1_ratio]), np.array([alpha * (1 - l1_ratio)])
    best = solve_path(Q, c, yy, l1=l1, l2=l2, penalty=penalty).coef[0]
    live = np.diag(Q) > 0
    elsewhere = np.clip(best + 0.1 * np.random.default_rng(seed).normal(size=len(c)), penalty.lower, penalty.upper)
    elsewhere[~live] = 0.0

    def objective(b):
        smooth = 0.5 * b @ Q @ b - c @ b + 0.5 * l2[0] * penalty.l2_weight @ b**2
        return smooth + l1[0] * penalty.l1_weight @ np.abs(b)

    claimed = relative_gap(Q, c, yy, elsewhere[None], l1=l1, l2=l2, penalty=penalty)[0] * 0.5 * yy
    assert objective(elsewhere) - objective(best) <= claimed + 1e-9 * yy


def test_ties_within_one_ulp_end():
    """Columns whose pull ties with the threshold to the last bit neither cycle nor stop uncertified."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(30, 6))
    X = np.hstack([X, X, -X, X * (1 + np.finfo(float).eps)])
    Q, c, yy = correlation_problem(X, X[:, 0] + rng.normal(size=30))
    ties = np.sort(np.repeat(np.abs(c), 3) * np.tile([1 - 1e-16, 1.0, 1 + 2e-16], len(c)))[::-1]
    free = np.full(len(c), np.inf)
    path = solve_path(
        Q, c, yy, l1=ties, l2=np.zeros(len(ties)), penalty=Penalty(np.ones(len(c)), np.ones(len(c)), -free, free)
    )
    assert set(path.status.tolist()) == {Status.CERTIFIED}
    assert path.n_iter.max() < 50


def test_stopping_early_is_named_and_the_gap_stays_honest():
    rng = np.random.default_rng(0)
    Q, c, yy = correlation_problem(rng.normal(size=(50, 30)), rng.normal(size=50))
    free, one = np.full(30, np.inf), np.ones(30)
    penalty = Penalty(one, one, -free, free)
    alpha = np.array([1e-3])
    full = solve_path(Q, c, yy, l1=alpha, l2=np.zeros(1), penalty=penalty)
    cut = solve_path(Q, c, yy, l1=alpha, l2=np.zeros(1), penalty=penalty, max_iter=2)
    assert full.status[0] == Status.CERTIFIED
    assert cut.status[0] == Status.STOPPED
    assert cut.gap[0] > full.gap[0]
    assert "max_iter" in Status.STOPPED.explanation


@pytest.mark.parametrize("p", [63, 64, 65, 200])
def test_the_factor_grows_with_the_support(p):
    rng = np.random.default_rng(p)
    X = rng.normal(size=(2 * p, p))
    Q, c, yy = correlation_problem(X, X @ rng.normal(size=p))
    free, one = np.full(p, np.inf), np.ones(p)
    path = solve_path(Q, c, yy, l1=np.array([0.1, 1e-9]), l2=np.zeros(2), penalty=Penalty(one, one, -free, free))
    assert np.count_nonzero(path.coef[-1]) == p
    np.testing.assert_allclose(path.coef[-1], np.linalg.solve(Q, c), atol=1e-7)
