"""The lockstep walk's supports: many columns coming and going at once, neighbours that are nearly or quite the same."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import sparse

import foldwise as fw
from foldwise.moments.threads import Team
from foldwise.paths.control import Control
from foldwise.paths.lockstep.columns import DenseColumns
from foldwise.paths.lockstep.sparse_columns import SparseColumns
from foldwise.paths.lockstep.state import Lockstep
from foldwise.paths.lockstep.walk import walk
from foldwise.paths.options import check_options
from foldwise.paths.point import Strengths


def neighbours(rng, n, p, *, copies):
    """Columns in blocks, strongly correlated as genetic markers are; some of them exact copies of their neighbour."""
    blocks = rng.normal(size=(n, p // 10))
    X = np.repeat(blocks, 10, axis=1) + 0.3 * rng.normal(size=(n, p))
    if copies:
        X[:, 1::10] = X[:, 0::10]
    return np.asfortranarray(X)


@settings(deadline=None, max_examples=8, phases=[Phase.reuse, Phase.generate])
@given(
    seed=st.integers(0, 2**32 - 1),
    l1_ratio=st.sampled_from([1.0, 0.6]),
    boxed=st.booleans(),
    factors=st.booleans(),
    standardize=st.booleans(),
)
def test_supports_of_many_columns_equal_fold_moments(seed, l1_ratio, boxed, factors, standardize):
    """With enough rows for large supports: dozens of columns enter and leave in one round."""
    rng = np.random.default_rng(seed)
    n, p = 400, 600
    X = neighbours(rng, n, p, copies=False)
    y = X[:, ::3] @ rng.normal(size=200) + 3.0 * rng.normal(size=n)
    folds = fw.Folds.kfold(n, n_folds=3, seed=seed % 1000)
    asked = {"l1_ratio": l1_ratio, "standardize": standardize, "nested": True}
    if boxed:
        asked["bounds"] = (-0.3, 0.5)
    if factors:
        asked["penalty_factor"] = np.r_[0.0, rng.uniform(0.5, 2.0, size=p - 1)]
    moments = fw.FoldMoments.scan(X, y, folds)
    expected = fw.fit_paths(moments, alphas=[1.0, 0.2, 0.1, 0.09], **asked)
    paths = fw.fit_paths(X, y, folds=folds, alphas=[1.0, 0.2, 0.1, 0.09], **asked)
    assert np.count_nonzero(paths.coef[0, -1]) > 100
    assert paths.gap.max() < 1e-9
    np.testing.assert_allclose(paths.coef, expected.coef, atol=1e-7)
    np.testing.assert_allclose(paths.cv_error, expected.cv_error, rtol=1e-7)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.9])
def test_copies_and_saturation_end_certified(l1_ratio):
    """More columns than rows down to where the training rows are nearly interpolated, half the columns in pairs."""
    rng = np.random.default_rng(5)
    X = neighbours(rng, 90, 1500, copies=True)
    y = X[:, :40] @ rng.normal(size=40) + rng.normal(size=90)
    paths = fw.fit_paths(X, y, folds=fw.Folds.kfold(90, n_folds=5), eps=1e-4, alphas=60, l1_ratio=l1_ratio)
    assert np.count_nonzero(paths.coef[0, -1]) > 60
    assert paths.gap.max() < 1e-9
    assert (paths.status == 0).all()


def test_a_spoilt_inverse_is_made_anew():
    """However an inverse lost its digits, the walk notices, makes it anew from the rows, and ends where it should."""
    rng = np.random.default_rng(7)
    n, p = 120, 800
    X = neighbours(rng, n, p, copies=False)
    y = X[:, :30] @ rng.normal(size=30) + rng.normal(size=n)
    labels = np.sort(np.arange(n) % 4)
    options = check_options(p, fit_intercept=True, standardize=True, penalty_factor=None, bounds=None)
    strengths = np.geomspace(1.0, 0.05, 12)

    def end(spoil):
        with Team(1) as team, Control() as control:
            columns = DenseColumns(X, np.arange(n), np.searchsorted(labels, np.arange(5)), np.ones(n), team)
            sets = [frozenset[int](), *(frozenset({k}) for k in range(4))]
            lockstep = Lockstep(columns, y, sets, options, team)
            if spoil:
                take_to_hand, spoilt_at = lockstep.take_to_hand, []

                def spoilt(l1):
                    s = len(lockstep.supports[2])
                    if s > 20 and not spoilt_at:
                        spoilt_at.append(s)
                        lockstep.supports[2].set_inverse(100.0 * np.eye(s))
                    take_to_hand(l1)

                lockstep.take_to_hand = spoilt
            control.expect(len(strengths))
            return walk(lockstep, Strengths(strengths, 1.0, 1e-9, 10**5), stop_when_turned=False, control=control)

    expected, got = end(spoil=False), end(spoil=True)
    assert got.gap.max() < 1e-9
    np.testing.assert_array_equal(got.index, expected.index)
    np.testing.assert_allclose(got.coef, expected.coef, atol=1e-8)


@settings(deadline=None, max_examples=25, phases=[Phase.reuse, Phase.generate])
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["by column", "by row", "single", "sparse"]),
    intercept=st.booleans(),
    standardize=st.booleans(),
    boxed=st.booleans(),
)
def test_what_is_not_looked_at_is_out_of_reach(seed, kind, intercept, standardize, boxed):
    """However the residuals wander, every column that a set wants at l1 has its gradient of now; many are left out."""
    rng = np.random.default_rng(seed)
    n, p = 40, 300
    X = rng.normal(size=(n, p)) * 10.0 ** rng.integers(-1, 2, size=p) + 3.0 * rng.normal(size=p)
    X[:, 4] = 2.0
    X *= rng.random(size=(n, p)) < (0.3 if kind == "sparse" else 1.0)
    y, weight = rng.normal(size=n), rng.random(n) + 0.2
    labels = np.sort(np.arange(n) % 3)
    factor = rng.choice([0.5, 1.0, np.inf], size=p)
    factor[0] = 0.0
    bounds = (-rng.choice([0.0, 0.3, np.inf], size=p), np.inf) if boxed else None
    options = check_options(p, fit_intercept=intercept, standardize=standardize, penalty_factor=factor, bounds=bounds)
    table = {
        "by column": np.asfortranarray,
        "by row": np.ascontiguousarray,
        "single": lambda cells: np.asfortranarray(cells.astype(np.float32)),
        "sparse": sparse.csr_array,
    }[kind](X)
    with Team(1) as team:
        columns = (SparseColumns if kind == "sparse" else DenseColumns)(
            table, np.arange(n), np.searchsorted(labels, np.arange(4)), weight, team
        )
        sets = [frozenset[int](), *(frozenset({k}) for k in range(3))]
        lockstep, fresh = (Lockstep(columns, y, sets, options, team) for _ in range(2))
    lockstep.hand = rng.choice(p, size=5, replace=False)
    l1 = 0.9 * np.sort(lockstep.screen.reach)[-20]
    left_out = 0
    for turn in range(30):
        lockstep.screen.gradient[:] = np.nan
        if turn % 10 == 0:  # straight towards some column: no other way brings it within reach sooner
            target = rng.choice(np.flatnonzero(fresh.screen.reach < l1))
        cells = X[:, [target]] - intercept * lockstep.mean[:, target]
        lockstep.residual += (
            0.05 * np.sign(fresh.gradient[target]) * cells / (np.sqrt(np.mean(cells**2, axis=0)) + 1e-9)
        )
        l1 *= 0.99
        lockstep.look_where_needed(l1)
        fresh.residual[:] = lockstep.residual
        fresh.look_everywhere()
        looked = ~np.isnan(lockstep.gradient[:, 0])
        assert looked[lockstep.hand].all()
        assert looked[fresh.screen.reach > l1].all()
        np.testing.assert_array_equal(lockstep.reaching(l1), np.flatnonzero(fresh.screen.reach > l1))
        np.testing.assert_allclose(lockstep.gradient[looked], fresh.gradient[looked], atol=1e-12 * abs(X).max())
        left_out += np.count_nonzero(~looked)
    assert left_out > p
