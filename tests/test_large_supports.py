"""Large supports of sparse tables: products alone lead where inverses do, and the walk changes ways where it should."""

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

import foldwise as fw
from foldwise.moments.threads import Team
from foldwise.paths.lockstep import ways
from foldwise.paths.lockstep.large import LargeSupports
from foldwise.paths.lockstep.sparse_columns import SparseColumns
from foldwise.paths.lockstep.state import Lockstep
from foldwise.paths.options import check_options

COPY, ZERO, EMPTY_IN_FOLD = 7, 11, 13


@contextmanager
def going(**changes):
    """The walk's choice between the two ways, bent: by products wherever it can be, unless said otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ({"FEW_MEMBERS": 1, "ENTRY": 1e-9} | changes).items():
            patch.setattr(ways, name, value)
        yield


def table(rng, n=120, p=520, density=0.15):
    """Counts and sizes of very different scale; two columns alike, one of zeros, one that only the first fold has."""
    X = sparse.random_array(
        (n, p), density=density, rng=rng, data_sampler=lambda size: 0.5 + rng.random(size)
    ).toarray()
    X *= 10.0 ** rng.integers(-1, 2, size=p)
    X[:, COPY] = X[:, COPY - 1]
    X[:, ZERO] = 0.0
    X[10:, EMPTY_IN_FOLD] = 0.0
    y = X[:, :60] @ (rng.normal(size=60) / (X[:, :60].std(axis=0) + 1e-9)) + 3.0 * rng.normal(size=n) + 2.0
    return sparse.csr_array(X), y


def determined(paths):
    """Coefficients per standard deviation that the data determine: of the two columns alike only the sum."""
    coef = paths.coef * np.maximum(paths.scale, 1e-3)[:, None]
    coef[:, :, COPY - 1] += coef[:, :, COPY]
    return np.delete(coef, COPY, axis=2)


@settings(deadline=None, max_examples=12, phases=[Phase.reuse, Phase.generate])
@given(
    seed=st.integers(0, 2**32 - 1),
    l1_ratio=st.sampled_from([1.0, 1.0, 0.7]),
    standardize=st.booleans(),
    intercept=st.booleans(),
    weights=st.booleans(),
    factors=st.booleans(),
    boxed=st.booleans(),
    single=st.booleans(),
)
def test_products_lead_where_inverses_do(seed, l1_ratio, standardize, intercept, weights, factors, boxed, single):
    rng = np.random.default_rng(seed)
    X, y = table(rng)
    asked = {
        "folds": fw.Folds.kfold(120, n_folds=3, seed=seed % 1000),
        "l1_ratio": l1_ratio,
        "standardize": standardize,
        "fit_intercept": intercept,
        "sample_weight": rng.random(120) + 0.2 if weights else None,
        "alphas": 8,
        "eps": 0.03,
        "tol": 1e-10,
    }
    if factors:
        factor = rng.uniform(0.5, 2.0, size=520)
        factor[:2], factor[20:25] = 0.0, np.inf
        asked["penalty_factor"] = factor
    if boxed:
        asked["bounds"] = -0.2 / np.maximum(X.toarray().std(axis=0), 1e-2), np.inf
    if single:
        X = X.astype(np.float32)
    with going(FEW_MEMBERS=10**9):
        expected = fw.fit_paths(X, y, **asked)
    with going():
        paths = fw.fit_paths(X, y, **asked)
    assert paths.gap.max() <= 1e-10
    assert np.count_nonzero(expected.coef[0, -1]) > 60  # more than half as many as rows
    # A gap of 1e-10 bounds the distance by its root times the size of the target, over the support's least curvature.
    np.testing.assert_allclose(determined(paths), determined(expected), atol=2e-4 * np.std(y))
    np.testing.assert_allclose(paths.cv_error, expected.cv_error, rtol=1e-4)
    assert (paths.coef[:, :, ZERO] == 0.0).all()


def test_what_is_asked_for_is_what_is_certified():
    """At a loose tolerance products stop early, but never short of 1e-6."""
    X, y = table(np.random.default_rng(1))
    with going():
        gaps = [fw.fit_paths(X, y, alphas=10, eps=0.05, tol=tol).gap.max() for tol in (1e-2, 1e-6, 1e-9)]
    assert gaps[0] == gaps[1]
    assert 1e-9 < gaps[1] <= 1e-6
    assert gaps[2] <= 1e-9


def test_digits_that_only_an_inverse_has_are_left_to_it():
    X, y = table(np.random.default_rng(2))
    with going(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(LargeSupports, "stand_still", None)
        assert fw.fit_paths(X, y, alphas=5, eps=0.2, tol=1e-12).gap.max() <= 1e-12


def test_products_that_lead_nowhere_give_way_to_inverses():
    """Without any effort allowed, every strength is solved by inverses made from where the sets stand."""
    X, y = table(np.random.default_rng(3))
    asked = {"alphas": 10, "eps": 0.05, "tol": 1e-9, "folds": fw.Folds.kfold(120, n_folds=3)}
    expected = fw.fit_paths(X, y, **asked)
    budgets = []

    def counted(self, *strength):
        budgets.append(strength[-1])
        return stand_still(self, *strength)

    stand_still = LargeSupports.stand_still
    with (
        going(MAKING=1e-12, products_needed=lambda share, _: 1e-9 * np.ones_like(share)),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(LargeSupports, "stand_still", counted)
        paths = fw.fit_paths(X, y, **asked)
    assert budgets
    assert max(budgets) == 0
    assert (paths.status == 0).all()
    assert paths.gap.max() <= 1e-9
    np.testing.assert_allclose(determined(paths), determined(expected), atol=1e-6 * np.std(y))


def test_where_neither_way_gets_there_it_is_said():
    """Too few steps allowed, and no memory for an inverse: the answer stands with its gap and a warning."""
    X, y = table(np.random.default_rng(3))
    with going(MOST_BYTES=-1), pytest.warns(ConvergenceWarning, match="not certified"):
        paths = fw.fit_paths(X, y, alphas=6, eps=0.05, tol=1e-9, max_iter=2)
    assert paths.gap.max() > 1e-9


def lockstep_of(team, X, y):
    n, p = X.shape
    options = check_options(p, fit_intercept=True, standardize=True, penalty_factor=None, bounds=None)
    columns = SparseColumns(X, np.arange(n), np.linspace(0, n, 4).astype(int), np.ones(n), team)
    lockstep = Lockstep(columns, y, [frozenset[int](), *(frozenset({k}) for k in range(3))], options, team)
    lockstep.start(ridge=False)
    return lockstep


@pytest.mark.parametrize("alike", [False, True])
def test_ways_are_changed_and_changed_back(alike):
    """Once products have cost more than inverses would; but columns that are alike have no inverse."""
    rng = np.random.default_rng(4)
    X, y = table(rng)
    X = X[:, COPY:]
    if alike:
        X = sparse.csr_array(sparse.hstack([X] * 2))
    seen = []
    with Team(1) as team:
        lockstep = lockstep_of(team, X, y)
        way, last = ways.Ways(lockstep, 1e-9), lockstep.emptying()
        for at, l1 in enumerate(np.geomspace(0.95 * last, 0.05 * last, 25)):
            near = 2.0 * l1 - last
            lockstep.take_to_hand(near)
            with going(ENTRY=1e-9 if at < 10 else 1e9, MAKING=1e-12):
                _, settled = way.stand_still(l1, 0.0, near, 10**5)
            assert settled
            assert lockstep.relative_gap(l1, 0.0).max() <= 1e-9
            seen.append(way.by_products)
            last = l1
    assert seen == [False] + [True] * (24 if alike else 10) + [False] * (0 if alike else 14)


def test_more_columns_than_independent_rows_of_a_fold():
    """To the saturated end, where supports are as large as training sets, with twice the usual steps in between."""
    rng = np.random.default_rng(5)
    X, y = table(rng, n=60, density=0.3)
    with going():
        paths = fw.fit_paths(X, y, folds=fw.Folds.kfold(60, n_folds=3), eps=1e-3, tol=1e-6)
    assert np.count_nonzero(paths.coef[0, -1]) > 50
    assert paths.gap.max() <= 1e-6
    assert (paths.status == 0).all()
