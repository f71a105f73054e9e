"""Compiled passes find what the families' own methods find; places ahead are what they are said to be."""

from dataclasses import dataclass
from math import log

import numpy as np
import pytest
from scipy import sparse

from foldwise.families import Binomial, Gamma, Poisson
from foldwise.moments.threads import Team
from foldwise.paths.generalized import passes as passes_module
from foldwise.paths.generalized.dense_rows import DenseRows
from foldwise.paths.generalized.passes import Passes, Step
from foldwise.paths.generalized.sets import Sets
from foldwise.paths.generalized.sparse_rows import SparseRows
from foldwise.paths.generalized.trail import Place, Trail, continued
from foldwise.paths.problem import Options

N, P, FOLDS = 203, 13, 4


@dataclass(frozen=True)
class _PlainBinomial(Binomial):
    name = "plain binomial"


@dataclass(frozen=True)
class _PlainPoisson(Poisson):
    name = "plain poisson"


@dataclass(frozen=True)
class _PlainGamma(Gamma):
    name = "plain gamma"


FAMILIES = [(Binomial(), _PlainBinomial()), (Poisson(), _PlainPoisson()), (Gamma(), _PlainGamma())]


@pytest.fixture
def team():
    with Team(1) as lone:
        yield lone


def _passes(family, kind, team, *, offset=True):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, P)) * (rng.random((N, P)) < 0.4)
    mean = np.exp(0.3 * X[:, 0])
    y = {"binomial": lambda: (rng.random(N) < mean / (1 + mean)).astype(float), "poisson": lambda: rng.poisson(mean)}
    target = y.get(family.name.split()[-1], lambda: rng.gamma(2.0, mean / 2.0))().astype(float)
    label = np.sort(rng.integers(0, FOLDS, N))
    weight = rng.integers(0, 3, N).astype(float)
    table = sparse.csr_array(X) if kind is SparseRows else X
    rows = kind(table, np.arange(N), label, weight, team, centred=kind is DenseRows)
    members = [frozenset(), *(frozenset({fold}) for fold in range(FOLDS))]
    free = np.full(P, np.inf)
    options = Options(fit_intercept=True, standardize=True, penalty_factor=np.ones(P), lower=-free, upper=free)
    shift = 0.1 * rng.normal(size=N) if offset else None
    return Passes(rows, target, shift, family, Sets.of(rows, members, options))


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("kind", [DenseRows, SparseRows])
@pytest.mark.parametrize(("family", "plain"), FAMILIES, ids=["binomial", "poisson", "gamma"])
def test_a_compiled_pass_finds_what_the_family_says(family, plain, kind, kept, team, monkeypatch):
    if not kept:
        monkeypatch.setattr(passes_module, "KEPT_BYTES", 0)
    rng = np.random.default_rng(3)
    which = np.array([0, 2, 3])
    old, new = 0.3 * rng.normal(size=(2, 3, P + 1))
    omega = rng.uniform(0.05, 0.5, (N, 3))
    found = []
    for one in (family, plain):
        passes = _passes(one, kind, team)
        base = passes.evaluate(which, old)
        assert (base.slope is not None) == kept
        step = Step(old, omega, base.eta, base.slope)
        found.append(passes.evaluate(which, new, step))
    compiled, plainly = found
    for name in ("gradient", "fold_loss", "loss", "misfit", "spill"):
        np.testing.assert_allclose(getattr(compiled, name), getattr(plainly, name), rtol=1e-9, atol=1e-12, err_msg=name)
    if kept:
        np.testing.assert_allclose(compiled.eta[:, :3], plainly.eta[:, :3], atol=1e-12)
        np.testing.assert_allclose(compiled.slope[:, :3], plainly.slope[:, :3], atol=1e-12)
    assert (compiled.misfit > 0.0).all()


@pytest.mark.parametrize(("family", "plain"), FAMILIES, ids=["binomial", "poisson", "gamma"])
def test_far_off_dual_points_have_the_misfit_of_the_conjugate(family, plain, team):
    passes = _passes(family, DenseRows, team, offset=False)
    which, zero = np.array([0]), np.zeros((1, P + 1))
    start = passes.evaluate(which, zero)
    away = 0.8 * plain.slopes(np.zeros(N), passes.y)[1] * np.where(passes.y > np.median(passes.y), 1.0, -1.0)
    far = start.slope + away[:, None]  # beyond half of the curvature, and still in the domain
    found = passes.evaluate(which, zero, Step(zero, np.zeros(N), start.eta, far))
    eta, u = np.zeros(N), far[:, 0]
    exact = plain.loss(eta, passes.y) + plain.conjugate(u, passes.y)
    weight = passes.rows.weight
    assert np.isfinite(exact).all()
    np.testing.assert_allclose(found.misfit, weight @ exact / weight.sum(), rtol=1e-9)
    assert found.spill[0] == 0.0


def test_a_parabola_is_continued_exactly_and_gradients_stay_those_of_the_slopes():
    rng = np.random.default_rng(1)
    X, curve = rng.normal(size=(30, 4)), rng.normal(size=(3, 30, 2))
    trail = Trail()
    assert trail.ahead(1.0) is None

    def place(alpha):
        x = log(alpha)
        slope = curve[0] + curve[1] * x + curve[2] * x**2
        return Place(slope[:4].T.copy(), (X.T @ slope).T, 2.0 * slope, slope)

    for alpha in (8.0, 8.0, 5.0, 3.0):  # a strength given twice counts once
        trail.add(alpha, place(alpha))
    ahead, exact = trail.ahead(2.0), place(2.0)
    for name in ("coef", "gradient", "eta", "slope"):
        np.testing.assert_allclose(getattr(ahead, name), getattr(exact, name), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose((X.T @ ahead.slope).T, ahead.gradient, atol=1e-12)
    assert trail.ahead(0.0) is None
    assert trail.ahead(1e-9) is None  # too far to be foreseen
    trail.add(0.0, place(1.0))
    assert trail.ahead(1.0) is None


def test_weights_of_a_continuation_sum_to_one():
    for nodes in ([0.3], [1.0, 0.2], [2.0, 1.5, -3.0]):
        assert sum(continued(nodes, -0.7)) == pytest.approx(1.0)
