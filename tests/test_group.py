"""Group and sparse group lasso: optimal, certified, and equal to an independent convex solver."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldwise.penalties import Groups, SparseGroup
from foldwise.solvers.group import relative_group_gap, solve_group_path
from foldwise.solvers.quadratic import Penalty, Status, solve_path


def correlation_problem(X, y):
    n = len(y)
    spread = X.std(0)
    Z = (X - X.mean(0)) / np.where(spread > 1e-12, spread, np.inf)
    r = y - y.mean()
    return Z.T @ Z / n, Z.T @ r / n, float(r @ r / n)


def violation(Q, c, b, labels, l1, l2, tau, factor):
    """Distance to optimality of one point, written out group by group from the definition."""
    pull = c - Q @ b
    worst = 0.0
    for number, label in enumerate(dict.fromkeys(labels.tolist())):
        at = np.flatnonzero(labels == label)
        norm, single = l1 * (1 - tau) * factor[number] * np.sqrt(len(at)), l1 * tau * factor[number]
        g = pull[at] - l2 * factor[number] * b[at]
        if not b[at].any():
            soft = np.maximum(np.abs(g) - single, 0)
            worst = max(worst, np.linalg.norm(soft) - norm)
            continue
        g -= norm * b[at] / np.linalg.norm(b[at])
        rest = np.where(b[at] == 0, np.maximum(np.abs(g) - single, 0), g - single * np.sign(b[at]))
        worst = max(worst, np.abs(rest).max())
    return worst


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p, n = draw(st.integers(1, 14)), draw(st.integers(3, 50))
    X = rng.normal(size=(n, p))
    if draw(
        st.booleans()
    ):  # nearly collinear; closer still, an unpenalized group's gap drowns in rounding, and says so
        X = X @ rng.normal(size=(p, p)) + 1e-4 * rng.normal(size=(n, p))
    if p > 1 and draw(st.booleans()):  # duplicates, and a column that does not vary
        X[:, -1] = X[:, 0]
        X[:, draw(st.integers(0, p - 1))] = 1.0
    y = X @ (rng.normal(size=p) * (rng.random(p) < 0.5)) + draw(st.sampled_from([0.0, 0.1, 3.0])) * rng.normal(size=n)
    labels = rng.integers(0, draw(st.integers(1, p)), size=p)
    groups = Groups.of(labels)
    factor = (
        rng.choice([0.0, 0.5, 1.0, 3.0], size=len(groups.size)) if draw(st.booleans()) else np.ones(len(groups.size))
    )
    Q, c, yy = correlation_problem(X, y)
    alphas = max(np.abs(c).max(), 1e-3) * np.geomspace(1.0, 1e-3, 8)
    l1_ratio, tau = draw(st.sampled_from([1.0, 0.6])), draw(st.sampled_from([0.0, 0.5, 1.0]))
    penalty = SparseGroup.along(groups, l1=alphas * l1_ratio, l2=alphas * (1 - l1_ratio), tau=tau, factor=factor)
    return Q, c, yy, penalty, labels, tau, factor


@settings(deadline=None, max_examples=200)
@given(problems())
def test_every_point_is_optimal_and_certified(problem):
    Q, c, yy, penalty, labels, tau, factor = problem
    path = solve_group_path(Q, c, yy, penalty=penalty)
    scale = np.sqrt(yy) + 1e-300
    for b, l1, l2 in zip(path.coef, penalty.l1, penalty.l2, strict=True):
        assert violation(Q, c, b, labels, l1, l2, tau, factor) <= 1e-9 * scale
    assert path.gap.min() >= -1e-12  # a gap below zero would be a dual point above the minimum
    assert set(path.status.tolist()) == {Status.CERTIFIED}
    np.testing.assert_allclose(penalty.kkt_residual(path.coef, c - path.coef @ Q), 0.0, atol=1e-8 * scale)


@settings(deadline=None, max_examples=100)
@given(problems(), st.integers(0, 2**32 - 1))
def test_the_gap_bounds_the_distance_to_the_minimum(problem, seed):
    Q, c, yy, penalty, *_ = problem
    if yy == 0.0:
        return
    best = solve_group_path(Q, c, yy, penalty=penalty).coef
    live = np.diag(Q) > 0
    elsewhere = best + 0.1 * live * np.random.default_rng(seed).normal(size=best.shape)

    def objective(b):
        return 0.5 * np.einsum("aj,jk,ak->a", b, Q, b) - b @ c + penalty.value(b)

    claimed = relative_group_gap(Q, c, yy, elsewhere, penalty) * 0.5 * yy
    assert np.all(objective(elsewhere) - objective(best) <= claimed + 1e-9 * yy)


@pytest.mark.parametrize("tau", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_an_independent_convex_solver(tau, l1_ratio, seed):
    cp = pytest.importorskip("cvxpy")
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 12)) @ (np.eye(12) + 0.4 * rng.normal(size=(12, 12)))
    labels = np.array([3, 3, 3, 1, 1, 7, 0, 0, 0, 0, 7, 3])
    y = X @ np.where(labels == 3, 1.0, 0.1) + rng.normal(size=60)
    Q, c, yy = correlation_problem(X, y)
    groups = Groups.of(labels)
    factor = np.array([1.0, 2.0, 0.0, 1.0])
    l1 = np.array([0.5, 0.05]) * np.abs(c).max() * l1_ratio
    l2 = l1 / l1_ratio - l1
    path = solve_group_path(Q, c, yy, penalty=SparseGroup.along(groups, l1=l1, l2=l2, tau=tau, factor=factor))
    for a in range(2):
        value = SparseGroup.along(groups, l1=l1[a], l2=l2[a], tau=tau, factor=factor)
        b = cp.Variable(12)
        terms = [0.5 * cp.quad_form(b, cp.psd_wrap(Q)) - c @ b]
        for g, size in enumerate(groups.size):
            block = b[np.flatnonzero(groups.index == g)]
            terms.append(l1[a] * (1 - tau) * factor[g] * np.sqrt(size) * cp.norm2(block))
            terms.append(l1[a] * tau * factor[g] * cp.norm1(block) + 0.5 * l2[a] * factor[g] * cp.sum_squares(block))
        cp.Problem(cp.Minimize(sum(terms))).solve(solver=cp.CLARABEL, tol_gap_rel=1e-9, tol_gap_abs=1e-9)
        theirs, ours = (0.5 * x @ Q @ x - c @ x + value.value(x) for x in (b.value, path.coef[a]))
        assert ours <= theirs + 1e-12 * yy
        assert theirs <= ours + 1e-8 * yy
        # Its objective is good to 1e-9, so its coefficients are to about the root of that.
        np.testing.assert_allclose(path.coef[a], b.value, atol=5e-5 * np.sqrt(yy))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.5, 1.0]))
def test_groups_of_one_and_tau_one_are_the_lasso(seed, tau):
    rng = np.random.default_rng(seed)
    p = 8
    Q, c, yy = correlation_problem(rng.normal(size=(40, p)), rng.normal(size=40))
    l1 = np.abs(c).max() * np.geomspace(1.0, 0.01, 10)
    labels = np.zeros(p) if tau == 1.0 else np.arange(p)
    groups = Groups.of(labels)
    penalty = SparseGroup.along(groups, l1=l1, l2=0 * l1, tau=tau, factor=np.ones(len(groups.size)))
    free, one = np.full(p, np.inf), np.ones(p)
    lasso = solve_path(Q, c, yy, l1=l1, l2=0 * l1, penalty=Penalty(one, one, -free, free))
    path = solve_group_path(Q, c, yy, penalty=penalty)
    np.testing.assert_allclose(path.coef, lasso.coef, atol=1e-10 * np.sqrt(yy))
    np.testing.assert_array_equal(path.coef == 0.0, np.abs(lasso.coef) < 1e-13)


def test_groups_leave_whole_and_single_coefficients_with_tau():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(100, 20))
    y = X[:, 0] + X[:, 1] + 0.5 * rng.normal(size=100)
    Q, c, yy = correlation_problem(X, y)
    groups = Groups.of(np.arange(20) // 5)
    l1 = np.array([0.2])
    for tau, kept in ((0.0, 5), (0.6, 2)):
        penalty = SparseGroup.along(groups, l1=l1, l2=0 * l1, tau=tau, factor=np.ones(4))
        assert np.count_nonzero(solve_group_path(Q, c, yy, penalty=penalty).coef) == kept


@pytest.mark.parametrize("tau", [0.0, 0.5])
def test_rounds_are_bounded_and_the_gap_stays_honest(tau):
    rng = np.random.default_rng(0)
    Q, c, yy = correlation_problem(rng.normal(size=(60, 40)), rng.normal(size=60))
    groups = Groups.of(np.arange(40) // 4)
    penalty = SparseGroup.along(groups, l1=np.array([1e-3]), l2=np.zeros(1), tau=tau, factor=np.ones(10))
    full = solve_group_path(Q, c, yy, penalty=penalty)
    assert full.gap[0] <= 1e-12
    assert full.n_iter[0] < 20
    cut = np.sign(full.coef) * np.floor(np.abs(full.coef) * 100) / 100
    assert relative_group_gap(Q, c, yy, cut, penalty)[0] > full.gap[0]


def test_correlated_groups_that_come_and_go_take_few_rounds():
    """A group on its way out is dropped by Newton's step itself; block descent alone would take hundreds of rounds."""
    from sklearn.preprocessing import PolynomialFeatures

    rng = np.random.default_rng(0)
    A = rng.normal(size=(400, 6))
    X = PolynomialFeatures(3, include_bias=False).fit_transform(A + 3 + rng.normal(size=(400, 1)))
    y = np.exp(A[:, 0] / 2) * A[:, 1] + np.abs(A[:, 2]) + rng.normal(size=400)
    Q, c, yy = correlation_problem(X, y)
    groups = Groups.of(np.arange(X.shape[1]) // 5)
    l1 = np.abs(c).max() * np.geomspace(1.0, 1e-4, 100)
    factor = np.ones(len(groups.size))
    path = solve_group_path(Q, c, yy, penalty=SparseGroup.along(groups, l1=l1, l2=0 * l1, tau=0.0, factor=factor))
    assert path.gap.max() <= 1e-10
    assert path.n_iter.max() <= 10


@pytest.mark.parametrize("seed", range(20))
def test_a_group_that_leaves_takes_its_constant_columns_along(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(4, 9)) @ rng.normal(size=(9, 9))
    X[:, 2] = 1.0
    labels = np.array([0, 1, 0, 0, 1, 2, 0, 1, 2])
    Q, c, yy = correlation_problem(X, X @ rng.normal(size=9))
    groups = Groups.of(labels)
    l1 = np.abs(c).max() * np.geomspace(1.0, 1e-3, 8)
    path = solve_group_path(Q, c, yy, penalty=SparseGroup.along(groups, l1=l1, l2=0 * l1, tau=0.0, factor=np.ones(3)))
    held = groups.norm(c - path.coef @ Q) < 0.999 * l1[:, None] * np.sqrt(groups.size)
    assert not groups.norm(path.coef)[held].any()
    assert not path.coef[:, 2].any()


def test_labels_are_checked_and_may_be_texts():
    from foldwise.errors import InputError

    groups = Groups.of(["b", "a", "b"])
    assert groups.index.tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="one label for each column"):
        Groups.of([[1, 2]])
    with pytest.raises(InputError, match="labels of one kind"):
        Groups.of(np.array(["a", None], dtype=object))
    with pytest.raises(InputError, match="nan for column 1"):
        Groups.of([1.0, np.nan])
