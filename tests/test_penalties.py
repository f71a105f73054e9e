"""Penalties by themselves: the prox minimizes, the conjugate bounds, the residual is zero where it should be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from foldwise.errors import InputError
from foldwise.penalties import Groups, Separable, SparseGroup, elastic_net, mcp, scad

PIECES = {"elastic net": elastic_net(), "mcp": mcp(2.5), "scad": scad(3.2)}


def separable(kind, rng, p, l2=0.0):
    box = np.where(rng.random((2, p)) < 0.3, rng.random((2, p)), np.inf)
    return Separable(PIECES[kind], rng.choice([0.0, 0.5, 2.0], size=p), -box[0], box[1], np.array(0.7), np.array(l2))


def sparse_group(rng, p, l2=0.0):
    groups = Groups.of(rng.integers(0, 3, size=p))
    factor = rng.choice([0.0, 0.5, 2.0], size=len(groups.size))
    tau = rng.choice([0.0, 0.4, 1.0])
    return SparseGroup.along(groups, l1=np.array(0.7), l2=np.array(l2), tau=tau, factor=factor)


def feasible(penalty, b):
    return np.clip(b, penalty.lower, penalty.upper) if penalty.is_separable else b


def make(kind, rng, p, l2):
    return sparse_group(rng, p, l2) if kind == "sparse group" else separable(kind, rng, p, l2)


KINDS = [*PIECES, "sparse group"]


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32 - 1), st.sampled_from(KINDS), st.sampled_from([0.0, 0.6]))
def test_the_prox_minimizes_and_is_where_the_residual_is_zero(seed, kind, l2):
    rng = np.random.default_rng(seed)
    penalty = make(kind, rng, 6, l2)
    z, step = 2.0 * rng.normal(size=6), 1.0
    best = penalty.prox(z, step)

    def objective(b):
        return 0.5 * np.sum((b - z) ** 2, axis=-1) / step + penalty.value(b)

    for size in (1e-3, 0.1, 3.0):
        others = feasible(penalty, best + size * rng.normal(size=(50, 6)))
        assert np.all(objective(best) <= objective(others) + 1e-12)
    np.testing.assert_allclose(penalty.kkt_residual(best, (z - best) / step), 0.0, atol=1e-12)
    wrong = feasible(penalty, best + 0.1)
    if np.any(wrong != best):
        assert penalty.kkt_residual(wrong, (z - wrong) / step) > 1e-3


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["elastic net", "sparse group"]))
def test_the_conjugate_is_never_below_what_any_point_reaches(seed, kind):
    """Fenchel and Young: pull'b <= penalty(b) + conjugate(pull), and equal where b answers to the pull."""
    rng = np.random.default_rng(seed)
    penalty = make(kind, rng, 6, 0.6)
    if kind == "sparse group":  # a ridge term on every group makes the conjugate finite
        penalty = SparseGroup(
            penalty.groups, penalty.norm_weight, penalty.ridge_weight + 1.0, penalty.weight, penalty.l1, penalty.l2
        )
        limit = np.full(len(penalty.groups.size), np.inf)
        pull = 2.0 * rng.normal(size=6)
        conjugate = penalty.conjugate(pull, limit)
    else:
        penalty = Separable(penalty.pieces, penalty.weight + 1.0, penalty.lower, penalty.upper, penalty.l1, penalty.l2)
        pull = 2.0 * rng.normal(size=6)
        conjugate = penalty.conjugate(pull)
    some = feasible(penalty, 3.0 * rng.normal(size=(200, 6)))
    assert np.all(some @ pull <= penalty.value(some) + conjugate + 1e-12)
    # Proximal steps on penalty(b) - pull'b reach the supremum.
    b = np.zeros(6)
    for _ in range(1000):
        b = penalty.prox(b + 0.3 * pull, 0.3)
    assert b @ pull - penalty.value(b) == pytest.approx(conjugate, abs=1e-8)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32 - 1))
def test_the_dual_scale_is_the_largest_that_fits(seed):
    rng = np.random.default_rng(seed)
    penalty = sparse_group(rng, 8)
    pull = 3.0 * rng.normal(size=8)
    share = float(penalty.dual_scale(pull, everywhere=True))
    held = (penalty.norm_weight > 0) | (penalty.groups.total(penalty.weight) > 0)
    assert 0 < share <= 1
    assert np.all(penalty.excess(share * pull)[held] <= 1e-12)
    if share < 1:
        assert penalty.excess(1.0001 * share * pull)[held].max() > 0


@pytest.mark.parametrize("kind", ["mcp", "scad"])
@pytest.mark.parametrize("z", [-4.0, -1.3, 0.0, 0.4, 0.9, 1.4, 2.0, 5.0])
def test_thresholds_equal_a_search(kind, z):
    pieces, free = PIECES[kind], np.full(1, np.inf)
    penalty = Separable(pieces, np.ones(1), -free, free, np.array(0.6), np.array(0.1))
    found = minimize_scalar(
        lambda b: 0.5 * (b - z) ** 2 + float(penalty.value(np.array([b]))),
        bounds=(-6, 6),
        method="bounded",
        options={"xatol": 1e-10},
    )
    # A search of values finds a place to about the root of rounding.
    assert penalty.prox(np.array([z]), 1.0)[0] == pytest.approx(found.x, abs=1e-6)


@pytest.mark.parametrize("kind", PIECES)
def test_the_derivative_is_the_values(kind):
    pieces, lam = PIECES[kind], np.array(0.8)
    t = np.linspace(0.0, 4.0, 101)
    slope = np.gradient(pieces.value(t, lam), t, edge_order=2)
    np.testing.assert_allclose(slope, pieces.derivative(t, lam), atol=0.02)  # a kink of the slope lies between points
    assert pieces.value(np.zeros(1), lam)[0] == 0.0


def test_what_a_penalty_can_do_is_said():
    free, one = np.full(2, np.inf), np.ones(2)
    said = {kind: Separable(pieces, one, -free, free, one, one).is_convex for kind, pieces in PIECES.items()}
    assert said == {"elastic net": True, "mcp": False, "scad": False}
    group = SparseGroup.along(Groups.of([0, 0]), l1=one, l2=one, tau=0.0, factor=np.ones(1))
    assert group.is_convex
    assert not group.is_separable


def test_gamma_is_checked():
    with pytest.raises(InputError, match=r"above 1 for MCP, got 1\.0"):
        mcp(1.0)
    with pytest.raises(InputError, match="above 2 for SCAD, got 2"):
        scad(2)
