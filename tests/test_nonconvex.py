"""MCP and SCAD: stationary, equal to a naive descent where the solution is unique, and honest about where it is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldwise.errors import InputError
from foldwise.penalties import Separable, elastic_net, mcp, scad
from foldwise.solvers.nonconvex import solve_nonconvex_path
from foldwise.solvers.quadratic import Penalty, Status, solve_path

KINDS = {"mcp": (mcp, 3.0), "scad": (scad, 3.7)}


def correlation_problem(X, y):
    n = len(y)
    spread = X.std(0)
    Z = (X - X.mean(0)) / np.where(spread > 1e-12, spread, np.inf)
    r = y - y.mean()
    return Z.T @ Z / n, Z.T @ r / n, float(r @ r / n)


def slope(kind, t, lam, gamma):
    """P'(t) as the papers write it."""
    if kind == "mcp":
        return np.maximum(lam - t / gamma, 0.0)
    return np.where(t <= lam, lam, np.maximum(gamma * lam - t, 0.0) / (gamma - 1.0))


def naive_descent(kind, Q, c, alphas, gamma, l1_ratio=1.0, sweeps=20000):
    """Cyclic coordinate descent with warm starts, as ncvreg documents it, for unit diagonals."""
    b, path = np.zeros(len(c)), []
    for alpha in alphas:
        lam, ridge = alpha * l1_ratio, alpha * (1 - l1_ratio)
        for _ in range(sweeps):
            before = b.copy()
            for j in range(len(c)):
                z = c[j] - Q[j] @ b + b[j]
                soft = np.sign(z) * max(abs(z) - lam, 0.0)
                if kind == "mcp":
                    b[j] = soft / (1 + ridge - 1 / gamma) if abs(z) <= gamma * lam * (1 + ridge) else z / (1 + ridge)
                elif abs(z) <= lam * (2 + ridge):
                    b[j] = soft / (1 + ridge)
                elif abs(z) <= gamma * lam * (1 + ridge):
                    fell = np.sign(z) * max(abs(z) - gamma * lam / (gamma - 1), 0.0)
                    b[j] = fell / (1 + ridge - 1 / (gamma - 1))
                else:
                    b[j] = z / (1 + ridge)
            if np.abs(b - before).max() <= 1e-15:
                break
        path.append(b.copy())
    return np.array(path)


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p, n = draw(st.integers(1, 14)), draw(st.integers(3, 50))
    X = rng.normal(size=(n, p))
    if draw(st.booleans()):
        X = X @ rng.normal(size=(p, p)) + 1e-3 * rng.normal(size=(n, p))
    if p > 1 and draw(st.booleans()):  # duplicates, and a column that does not vary
        X[:, -1] = X[:, 0]
        X[:, draw(st.integers(0, p - 1))] = 1.0
    y = X @ (rng.normal(size=p) * (rng.random(p) < 0.5)) + draw(st.sampled_from([0.0, 0.1, 3.0])) * rng.normal(size=n)
    kind = draw(st.sampled_from(sorted(KINDS)))
    make, gamma = KINDS[kind]
    Q, c, yy = correlation_problem(X, y)
    l1_ratio = draw(st.sampled_from([1.0, 0.7]))
    alphas = max(np.abs(c).max(), 1e-3) * np.geomspace(1.0, 1e-2, 12)
    factor = rng.choice([0.0, 0.5, 1.0, 3.0], size=p) if draw(st.booleans()) else np.ones(p)
    lower, upper = np.full(p, -np.inf), np.full(p, np.inf)
    if draw(st.booleans()):
        lower = -rng.choice([0.0, 0.1, 1.0, np.inf], size=p)
        upper = rng.choice([0.0, 0.1, 1.0, np.inf], size=p)
    penalty = Separable(make(gamma), factor, lower, upper, alphas * l1_ratio, alphas * (1 - l1_ratio))
    return kind, gamma, Q, c, yy, penalty


@settings(deadline=None, max_examples=200)
@given(problems())
def test_every_point_is_stationary(problem):
    kind, gamma, Q, c, yy, penalty = problem
    path = solve_nonconvex_path(Q, c, yy, penalty=penalty)
    assert set(path.status.tolist()) == {Status.CERTIFIED}
    scale, live = np.sqrt(yy), np.diag(Q) > 0
    for a, b in enumerate(path.coef):
        assert np.all((penalty.lower <= b) & (b <= penalty.upper))
        net = c - Q @ b - penalty.l2[a] * penalty.weight * b
        pulled = slope(kind, np.abs(b), penalty.l1[a] * penalty.weight, gamma)
        up = np.where(b < penalty.upper, net - np.where(b >= 0, pulled, -pulled), 0.0)
        down = np.where(b > penalty.lower, -net - np.where(b <= 0, pulled, -pulled), 0.0)
        worst = np.maximum(up, down)[live].max(initial=0.0)
        assert worst <= 1e-9 * scale
        assert path.gap[a] == pytest.approx(max(worst, 0.0) / scale if yy else 0.0, abs=1e-12)
    residual = penalty.kkt_residual(path.coef, np.where(live, c - path.coef @ Q, 0.0))
    np.testing.assert_allclose(residual, path.gap * scale, atol=1e-11 * scale)


@settings(deadline=None, max_examples=100)
@given(problems(), st.integers(0, 2**32 - 1))
def test_no_single_coefficient_can_do_better(problem, seed):
    """Not only stationary: each coefficient is at the minimum of its own problem."""
    _, _, Q, c, yy, penalty = problem
    path = solve_nonconvex_path(Q, c, yy, penalty=penalty)
    rng = np.random.default_rng(seed)
    for j in range(len(c)):
        moved = path.coef.copy()
        moved[:, j] = np.clip(moved[:, j] + rng.normal(size=len(moved)), penalty.lower[j], penalty.upper[j])

        def objective(b):
            return 0.5 * np.einsum("aj,jk,ak->a", b, Q, b) - b @ c + penalty.value(b)

        assert np.all(objective(path.coef) <= objective(moved) + 1e-10 * (yy + 1e-300))


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("l1_ratio", [1.0, 0.8])
def test_equals_a_naive_descent_where_the_objective_is_convex(kind, l1_ratio):
    rng = np.random.default_rng(4)
    make, gamma = KINDS[kind]
    X = rng.normal(size=(300, 8)) @ (np.eye(8) + 0.08 * rng.normal(size=(8, 8)))
    Q, c, yy = correlation_problem(X, X @ [3.0, -2.0, 1.0, 0.5, 0, 0, 0, 0] + 2 * rng.normal(size=300))
    assert np.linalg.eigvalsh(Q)[0] > make(gamma).concavity
    free, alphas = np.full(8, np.inf), np.abs(c).max() * np.geomspace(1.0, 0.01, 30)
    penalty = Separable(make(gamma), np.ones(8), -free, free, alphas * l1_ratio, alphas * (1 - l1_ratio))
    path = solve_nonconvex_path(Q, c, yy, penalty=penalty)
    np.testing.assert_allclose(path.coef, naive_descent(kind, Q, c, alphas, gamma, l1_ratio), atol=1e-11)
    assert np.all(path.convexity > 0)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_convexity_region_ends_where_columns_are_collinear(kind):
    make, gamma = KINDS[kind]
    rng = np.random.default_rng(6)
    x = rng.normal(size=(100, 1))
    X = np.hstack([x + 0.1 * rng.normal(size=(100, 3)), rng.normal(size=(100, 2))])
    Q, c, yy = correlation_problem(X, X @ [1.0, 1.0, 1.0, 0.2, 0.0] + 0.1 * rng.normal(size=100))
    free, alphas = np.full(5, np.inf), np.abs(c).max() * np.geomspace(1.0, 1e-3, 40)
    path = solve_nonconvex_path(Q, c, yy, penalty=Separable(make(gamma), np.ones(5), -free, free, alphas, 0 * alphas))
    assert path.convexity[0] == np.inf  # nothing is in yet
    assert path.convexity[-1] < 0
    for b, told in zip(path.coef[1:], path.convexity[1:], strict=True):
        at = np.flatnonzero(b)
        assert told == pytest.approx(np.linalg.eigvalsh(Q[np.ix_(at, at)])[0] - make(gamma).concavity)


def test_a_straight_penalty_is_the_elastic_net():
    rng = np.random.default_rng(8)
    Q, c, yy = correlation_problem(rng.normal(size=(50, 10)), rng.normal(size=50))
    free, one, alphas = np.full(10, np.inf), np.ones(10), np.abs(c).max() * np.geomspace(1.0, 0.01, 20)
    l1, l2 = 0.7 * alphas, 0.3 * alphas
    lasso = solve_path(Q, c, yy, l1=l1, l2=l2, penalty=Penalty(one, one, -free, free))
    path = solve_nonconvex_path(Q, c, yy, penalty=Separable(elastic_net(), one, -free, free, l1, l2))
    np.testing.assert_allclose(path.coef, lasso.coef, atol=1e-11)


def test_a_concavity_above_a_columns_curvature_is_refused():
    free = np.full(1, np.inf)
    penalty = Separable(mcp(3.0), np.ones(1), -free, free, np.ones(1), np.zeros(1))
    with pytest.raises(InputError, match=r"curvature, got 0.2 for column 0"):
        solve_nonconvex_path(np.array([[0.2]]), np.ones(1), 1.0, penalty=penalty)


def test_stopping_early_is_named():
    rng = np.random.default_rng(0)
    Q, c, yy = correlation_problem(rng.normal(size=(50, 30)), rng.normal(size=50))
    free, alpha = np.full(30, np.inf), np.array([1e-2])
    penalty = Separable(mcp(3.0), np.ones(30), -free, free, alpha, 0 * alpha)
    cut = solve_nonconvex_path(Q, c, yy, penalty=penalty, max_iter=1)
    assert cut.status[0] == Status.STOPPED
    assert cut.gap[0] > 1e-9
