"""Penalties through fit_paths: every held-out set solves its own problem from the rows, and nothing leaks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import elastic_net
from sklearn.exceptions import ConvergenceWarning

import foldwise as fw
from foldwise.errors import InputError

LABELS = np.array([0, 0, 0, 1, 1, 2])
ASKED = {
    "group": {"penalty": "group", "groups": LABELS},
    "sparse group": {"penalty": "sparse group", "groups": LABELS, "tau": 0.4},
    "mcp": {"penalty": "mcp", "gamma": 3.0},
    "scad": {"penalty": "scad"},
    "adaptive": {"penalty_factor": "adaptive"},
    "adaptive group": {"penalty": "group", "groups": LABELS, "penalty_factor": "adaptive"},
}


def table(rng, n=80, *, gaps=False):
    X = rng.normal(size=(n, 6)) @ (np.eye(6) + 0.1 * rng.normal(size=(6, 6)))
    X = X * 10.0 ** rng.integers(-2, 3, size=6) + 10 * rng.normal(size=6)
    y = (X - X.mean(0)) / X.std(0) @ [2.0, -1.0, 0.5, 1.0, 0.0, 0.0] + rng.normal(size=n)
    if gaps:
        X[rng.random(X.shape) < 0.1] = np.nan
    return X, y


def residual(name, X, y, coef, alpha, l1_ratio, weight, factor, *, standardize):
    """Distance of one fit to optimality over the rows, from the definition of each penalty, over y's spread."""
    w = weight / weight.sum()
    Z, r = X - w @ X, y - w @ y
    s = np.sqrt(w @ Z**2) if standardize else np.ones(6)
    Z, b = Z / s, coef * s
    live = np.isfinite(factor)
    factor = np.where(live, factor, 1.0)
    pull = Z.T @ (w * (r - Z @ b)) - alpha * (1 - l1_ratio) * factor * b
    lam = alpha * l1_ratio * factor
    if name in ("mcp", "scad"):
        gamma = 3.0 if name == "mcp" else 3.7
        t = np.abs(b)
        fading = np.maximum(lam - t / gamma, 0) if name == "mcp" else np.maximum(gamma * lam - t, 0) / (gamma - 1)
        slope = fading if name == "mcp" else np.where(t <= lam, lam, fading)
        rest = np.where(b == 0, np.maximum(np.abs(pull) - lam, 0), pull - slope * np.sign(b))
        return np.abs(rest[live]).max() / r.std()
    tau, worst = (0.4 if name == "sparse group" else 0.0), 0.0
    for label in np.unique(LABELS):
        at = np.flatnonzero((label == LABELS) & live)
        if not len(at):
            continue
        single, norm = tau * lam[at], (1 - tau) * lam[at[0]] * np.sqrt(len(at))
        soft = np.maximum(np.abs(pull[at]) - single, 0)
        if not b[at].any():
            worst = max(worst, np.linalg.norm(soft) - norm)
            continue
        smooth = pull[at] - norm * b[at] / np.linalg.norm(b[at]) - single * np.sign(b[at])
        worst = max(worst, np.abs(np.where(b[at] == 0, soft, smooth)).max())
    return worst / r.std()


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    name=st.sampled_from(["group", "sparse group", "mcp", "scad"]),
    l1_ratio=st.sampled_from([1.0, 0.6]),
    weights=st.booleans(),
    factors=st.booleans(),
    standardize=st.booleans(),
)
def test_every_fit_is_optimal_on_its_own_rows_and_its_errors_are_its_own(
    seed, name, l1_ratio, weights, factors, standardize
):
    rng = np.random.default_rng(seed)
    X, y = table(rng)
    if not standardize:
        X = X / X.std(0) * (1.5 if name in ("mcp", "scad") else rng.uniform(0.3, 3.0, size=6))
    weight = rng.random(80) + 0.2 if weights else np.ones(80)
    factor = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 2.0]) if factors else np.ones(6)
    factor[1] = np.inf if factors else 1.0
    folds = fw.Folds.from_labels(np.arange(80) % 3)
    alphas = np.array([0.6, 0.2, 0.02])
    paths = fw.fit_paths(
        X, y, alphas=alphas, l1_ratio=l1_ratio, folds=folds, nested=True, penalty_factor=factor,
        sample_weight=weight if weights else None, standardize=standardize, **ASKED[name],
    )  # fmt: skip
    assert paths.gap.max() < 1e-9
    assert paths.penalty == name
    for h, held_out in enumerate(paths.held_out):
        rows = folds.training_rows(held_out)
        for a, alpha in enumerate(alphas):
            coef = paths.coef[h, a]
            told = residual(
                name, X[rows], y[rows], coef, alpha, l1_ratio, weight[rows], factor, standardize=standardize
            )
            assert told < 1e-9
            if len(held_out) == 1:
                (block,) = held_out
                test = folds.test_rows(block)
                b0 = np.average(y[rows] - X[rows] @ coef, weights=weight[rows])
                error = np.average((y[test] - b0 - X[test] @ coef) ** 2, weights=weight[test])
                assert paths.cv_error[block, a] == pytest.approx(error, rel=1e-8)


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("seed", [0, 1])
def test_leak(name, seed):
    """With the alphas given, shifting the rows a fit holds out by 1e6 does not change that fit."""
    rng = np.random.default_rng(seed)
    X, y = table(rng, gaps=True)
    folds = fw.Folds.kfold(80, n_folds=4, seed=seed)
    asked = {"alphas": [0.5, 0.2, 0.05], "folds": folds, "nested": True, "fill": "median", **ASKED[name]}
    before = fw.fit_paths(X, y, **asked)
    moved, y_moved = X.copy(), y.copy()
    moved[folds.test_rows(1)] += 1e6
    y_moved[folds.test_rows(1)] -= 1e6
    after = fw.fit_paths(moved, y_moved, **asked)
    changed = 0
    for h, held_out in enumerate(before.held_out):
        distance = np.abs((before.coef[h] - after.coef[h]) * before.scale[h]).max()
        if 1 in held_out:
            assert distance <= 1e-9 * np.std(y)
        else:
            changed += distance > 1e-3
    assert changed > 0


@pytest.mark.parametrize("name", ["mcp", "scad"])
def test_folds_start_from_their_own_path(name):
    """A held-out set's local solution is the one that its rows alone lead to, final model or none."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 1))
    X = np.hstack([x + 0.2 * rng.normal(size=(60, 4)), rng.normal(size=(60, 2))])  # many local solutions
    y = X[:, :3] @ [1.0, 1.0, -1.0] + 0.3 * rng.normal(size=60)
    folds = fw.Folds.kfold(60, n_folds=3)
    alphas = np.geomspace(1.0, 1e-3, 30)
    paths = fw.fit_paths(X, y, alphas=alphas, folds=folds, **ASKED[name])
    for block in range(3):
        rows = folds.training_rows({block})
        alone = fw.fit_paths(X[rows], y[rows], alphas=alphas, **ASKED[name])
        np.testing.assert_allclose(paths.coef[paths.index({block})], alone.coef[0], atol=1e-9)
    assert (paths.convexity < 0).any()
    assert paths.certificate == "stationarity residual"
    assert "stationarity residual" in repr(paths)
    with pytest.raises(InputError, match="penalty must be convex for a duality gap"):
        _ = paths.dual_gap


@pytest.mark.parametrize("name", ["group", "sparse group", "mcp", "scad", "adaptive"])
def test_the_grid_starts_where_the_model_empties(name):
    rng = np.random.default_rng(1)
    X, y = table(rng)
    for factor in ("given", None):
        asked = dict(ASKED[name])
        if name != "adaptive" and factor == "given":
            asked["penalty_factor"] = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 2.0])
        penalized = np.ones(6, bool) if "adaptive" in name or factor is None else asked["penalty_factor"] > 0
        paths = fw.fit_paths(X, y, alphas=40, **asked)
        assert not paths.coef[0, 0][penalized].any()
        barely = fw.fit_paths(X, y, alphas=[paths.alphas[0] * 0.999], **asked)
        assert barely.coef[0, 0][penalized].any()
        assert paths.alphas[-1] == pytest.approx(1e-3 * paths.alphas[0])


def test_adaptive_factors_are_those_of_a_ridge_on_the_training_rows():
    """The same lasso by the naive solver, its factors from a ridge by scikit-learn on each training set."""
    from sklearn.linear_model import Ridge

    from foldwise.paths.adaptive import MOST_DF, STRENGTHS

    rng = np.random.default_rng(2)
    X, y = table(rng, 60)
    folds = fw.Folds.kfold(60, n_folds=3)
    paths = fw.fit_paths(X, y, alphas=[0.3, 0.05], folds=folds, penalty_factor="adaptive")
    for h, held_out in enumerate(paths.held_out):
        rows = folds.training_rows(held_out)
        Z = (X[rows] - X[rows].mean(0)) / X[rows].std(0)
        n, best = len(rows), (np.inf, None)
        for strength in STRENGTHS:
            hat = Z @ np.linalg.solve(Z.T @ Z + n * strength * np.eye(6), Z.T)
            df = 1 + np.trace(hat)
            r = y[rows] - y[rows].mean()
            score = np.mean((r - hat @ r) ** 2) / (1 - df / n) ** 2
            if df <= MOST_DF * n and score < best[0]:
                best = (score, strength)
        pilot = Ridge(alpha=n * best[1]).fit(Z, y[rows]).coef_
        factor = np.sqrt(np.mean(pilot**2)) / np.abs(pilot)
        for a, alpha in enumerate([0.3, 0.05]):
            coef, _ = elastic_net(X[rows], y[rows], alpha, 1.0, penalty_factor=factor)
            np.testing.assert_allclose(paths.coef[h, a] * X.std(0), coef * X.std(0), atol=1e-8 * y.std())


@pytest.mark.parametrize("name", ASKED)
def test_units_and_the_order_of_rows_change_nothing_but_what_they_must(name):
    rng = np.random.default_rng(7)
    X, y = table(rng)
    alphas, labels = [0.5, 0.05], np.arange(80) % 4
    base = fw.fit_paths(X, y, alphas=alphas, folds=fw.Folds.from_labels(labels), **ASKED[name])
    units, order = 10.0 ** rng.integers(-6, 7, size=6), rng.permutation(80)
    other = fw.fit_paths(
        X[order] * units + 1e3 * units,
        y[order],
        alphas=alphas,
        folds=fw.Folds.from_labels(labels[order]),
        **ASKED[name],
    )
    np.testing.assert_allclose(other.coef * units * base.scale[:, None], base.coef * base.scale[:, None], atol=1e-9)
    np.testing.assert_allclose(other.cv_error, base.cv_error, rtol=1e-8)


@pytest.mark.parametrize("name", ASKED)
def test_constant_columns_duplicates_and_a_constant_target(name):
    rng = np.random.default_rng(9)
    X, y = table(rng)
    X[:, 2], X[:, 4] = 3.0, X[:, 3]
    paths = fw.fit_paths(X, y, alphas=20, folds=fw.Folds.kfold(80, n_folds=3), **ASKED[name])
    assert paths.gap.max() <= 1e-9
    assert not paths.coef[..., 2].any()
    flat = fw.fit_paths(X, np.full(80, 0.3), alphas=5, **ASKED[name])
    assert not flat.coef.any()
    nothing = fw.fit_paths(np.full((80, 6), 2.0), y, alphas=[0.1], **ASKED[name])
    assert not nothing.coef.any()


@pytest.mark.parametrize("name", ["group", "mcp"])
def test_a_wide_table_goes_by_its_moments(name):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(60, 520))
    y = X[:, :3] @ [3.0, -2.0, 1.0] + rng.normal(size=60)
    asked = {"penalty": name} | ({"groups": np.arange(520) // 4} if name == "group" else {})
    paths = fw.fit_paths(X, y, alphas=10, eps=0.1, **asked)
    assert paths.gap.max() < 1e-9
    assert paths.coef[0, -1, :3].all()
    with pytest.raises(InputError, match="needs at most 5000 columns, got 5004"):
        fw.fit_paths(
            np.hstack([X] * 10)[:, :5004], y, **(asked | ({"groups": np.arange(5004)} if name == "group" else {}))
        )


def test_points_that_are_not_stationary_are_named():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(50, 20)) @ rng.normal(size=(20, 20))
    with pytest.warns(ConvergenceWarning, match="the worst stationarity residual is"):
        fw.fit_paths(X, X @ np.ones(20) + rng.normal(size=50), penalty="mcp", max_iter=1)


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"penalty": "bridge"}, "penalty must be one of 'elastic net', 'group', 'sparse group', 'mcp', 'scad'"),
        ({"penalty": "group"}, "groups must have one label for each of the 2 columns with penalty='group', got none"),
        ({"penalty": "group", "groups": [1, 2, 3]}, "got 3"),
        ({"penalty": "mcp", "groups": [1, 2]}, "groups must be left out with penalty='mcp'"),
        ({"groups": [1, 2]}, "groups must be left out with penalty='elastic net'"),
        ({"penalty": "mcp", "gamma": 1.0}, "above 1 for MCP"),
        ({"penalty": "mcp", "gamma": "big"}, "gamma must be a number, got 'big'"),
        ({"penalty": "scad", "gamma": 2}, "above 2 for SCAD"),
        ({"gamma": 2.0}, "gamma must be left out with penalty='elastic net'"),
        ({"penalty": "group", "groups": [1, 2], "tau": 0.5}, "tau must be left out with penalty='group'"),
        ({"penalty": "sparse group", "groups": [1, 2], "tau": 1.5}, "tau must be a number from 0 up to 1, got 1.5"),
        ({"penalty": "group", "groups": [1, 2], "bounds": (0, None)}, "bounds must be left out with penalty='group'"),
        ({"penalty": "group", "groups": [1, 1], "penalty_factor": [1, 2]}, "1.0 for column 0 and 2.0 for column 1"),
        ({"penalty_factor": "adaptable"}, "penalty_factor must be numbers, got 'adaptable'"),
        ({"penalty": "mcp", "standardize": False}, "standardize, or raise gamma"),
    ],
)
def test_bad_input_is_named(asked, match):
    with pytest.raises(InputError, match=match):
        fw.fit_paths(np.c_[np.arange(8.0), np.arange(8.0) % 3] / 10, np.arange(8.0) ** 2, **asked)
