"""Cox: the partial likelihood is the plain sum's, fits are statsmodels' and glmnet's, folds keep to their own rows."""

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.errors import InputError
from foldwise.families import Cox
from foldwise.families.risk_sets import RiskSets
from foldwise.paths.scores import held_out_scores

N, P = 120, 4


def survival(seed=0, *, entry=False, strata=False, n=N):
    """Rows with ties: X and (start, time, event, stratum)."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, P)) * [1.0, 5.0, 0.2, 1.0] + [3.0, 0.0, 0.0, -1.0]
    Z = (X - X.mean(0)) / X.std(0)
    time = np.ceil(10 * rng.exponential(np.exp(-0.6 * Z[:, 0] + 0.4 * Z[:, 2]))) + 1.0
    start = np.floor(time * rng.random(n) * 0.5) if entry else np.full(n, -1.0)
    stratum = rng.integers(0, 3, n) if strata else np.zeros(n)
    return X, np.column_stack([start, time, rng.random(n) < 0.7, stratum]).astype(float)


def plain(eta, y, weight, ties):
    """Minus the log partial likelihood, event time by event time."""
    start, stop, event, stratum = y.T
    total = 0.0
    for s in np.unique(stratum):
        for t in np.unique(stop[(stratum == s) & (event > 0) & (weight > 0)]):
            dead = (stratum == s) & (stop == t) & (event > 0) & (weight > 0)
            risk = np.sum((weight * np.exp(eta))[(stratum == s) & (stop >= t) & (start < t)])
            tied = np.sum((weight * np.exp(eta))[dead])
            total -= weight[dead] @ eta[dead]
            if ties == "breslow":
                total += weight[dead].sum() * np.log(risk)
            else:
                d = dead.sum()
                total += weight[dead].mean() * sum(np.log(risk - turn / d * tied) for turn in range(d))
    return total


@pytest.mark.parametrize("ties", ["breslow", "efron"])
@pytest.mark.parametrize("entry", [False, True])
@pytest.mark.parametrize("strata", [False, True])
def test_partial_likelihood_and_its_slopes(ties, entry, strata):
    rng = np.random.default_rng(1)
    _, y = survival(1, entry=entry, strata=strata, n=40)
    eta = rng.normal(size=(40, 2))
    weight = (rng.random((40, 2)) + 0.5) * (rng.random((40, 2)) > 0.3)
    sets = RiskSets.of(Cox().check_target(y, 40))
    loss, gradient, curvature = sets.partial(eta, weight, efron=ties == "efron")
    for h in range(2):
        assert loss[h] == pytest.approx(plain(eta[:, h], y, weight[:, h], ties), rel=1e-12)
        hessian = np.empty((40, 40))
        for i in range(40):
            step = 1e-5 * np.eye(40)[:, [i]]
            up, down = (sets.partial(eta + sign * step, weight, efron=ties == "efron") for sign in (1, -1))
            assert gradient[i, h] == pytest.approx((up[0][h] - down[0][h]) / 2e-5, abs=1e-6)
            hessian[i] = (up[1][:, h] - down[1][:, h]) / 2e-5
        omega = curvature[:, h]
        columns = rng.normal(size=(40, 3))
        own = sets.hessian(columns, eta[:, [h]], weight[:, [h]], efron=ties == "efron")
        np.testing.assert_allclose(own, columns.T @ hessian @ columns, atol=1e-5)
        above = np.diag(omega) - np.outer(omega, omega) / omega.sum() - hessian
        assert np.linalg.eigvalsh(0.5 * (above + above.T)).min() >= -1e-6  # centred, it is nowhere below


@pytest.mark.parametrize("ties", ["breslow", "efron"])
@pytest.mark.parametrize("entry", [False, True])
def test_unpenalized_fits_are_statsmodels(ties, entry):
    duration = pytest.importorskip("statsmodels.duration.hazard_regression", reason="statsmodels is not installed")
    X, y = survival(2, entry=entry, strata=True)
    y[:, 0] += 0.25  # no entry at the very time of an event: whom to count then is a convention
    model = duration.PHReg(
        y[:, 1], X, status=y[:, 2], entry=y[:, 0] if entry else None, strata=y[:, 3].astype(int), ties=ties
    )
    theirs = model.fit(tol=1e-14, maxiter=200, disp=False).params
    paths = fw.fit_paths(X, y, family=Cox(ties=ties), alphas=[0.0], tol=1e-10)
    np.testing.assert_allclose(paths.coef[0, 0], theirs, rtol=1e-6, atol=1e-7)
    assert paths.certificate == "optimality residual"


@pytest.mark.parametrize("standardize", [0, 1])
@pytest.mark.parametrize("l1_ratio", [1, 0])
def test_glmnet_paths(shared, l1_ratio, standardize):
    table = pd.read_csv(shared / "truth" / "glmnet_examples" / "CoxExample.csv")
    X, y = table.drop(columns=["time", "status"]).to_numpy(), table[["time", "status"]].to_numpy()
    theirs = pd.read_csv(shared / "truth" / "glmnet" / f"cox_alpha{l1_ratio}_std{standardize}_path.csv")[1 - l1_ratio :]
    some = theirs[::6]
    paths = fw.fit_paths(
        X, y, family="cox", alphas=some["lambda"], l1_ratio=l1_ratio, standardize=bool(standardize), tol=1e-9
    )
    np.testing.assert_allclose(paths.coef[0], some.filter(regex=r"^V\d+$").to_numpy(), atol=1e-6)


def test_glmnet_cross_validated_curve(shared):
    """Of folds solved at the very lambdas; glmnet interpolates."""
    table = pd.read_csv(shared / "truth" / "glmnet_examples" / "CoxExample.csv")
    X, y = table.drop(columns=["time", "status"]).to_numpy(), table[["time", "status"]].to_numpy()
    theirs = pd.read_csv(shared / "truth" / "glmnet" / "cox_alpha1_cv_deviance.csv")[::6]
    folds = fw.Folds.from_labels(np.arange(len(y)) % 10 + 1)
    paths = fw.fit_paths(X, y, family="cox", alphas=theirs["lambda"], folds=folds, tol=1e-5)
    mean = np.average(paths.cv_error, axis=0, weights=paths.fold_weight)
    np.testing.assert_allclose(mean, theirs["cvm"], rtol=5e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # of fits that see the shifted rows
def test_held_out_sets_are_fits_of_their_own_rows_and_nothing_leaks():
    X, y = survival(3, entry=True)
    folds = fw.Folds.kfold(N, n_folds=3)
    weight = np.random.default_rng(3).random(N) + 0.5
    common = {"family": Cox("efron"), "alphas": [0.05, 0.01], "tol": 1e-10}
    paths = fw.fit_paths(X, y, folds=folds, nested=True, sample_weight=weight, **common)
    for h, members in enumerate(paths.held_out):
        rows = folds.training_rows(members)
        alone = fw.fit_paths(X[rows], y[rows], sample_weight=weight[rows], **common)
        np.testing.assert_allclose(paths.coef_per_sd[h], alone.coef_per_sd[0], atol=1e-7)
        for k in members:
            more = np.concatenate([rows, folds.test_rows(k)])
            for a in range(2):
                both, train = (
                    plain(X[part] @ paths.coef[h, a], y[part], weight[part], "efron") for part in (more, rows)
                )
                dead = weight[folds.test_rows(k)] @ y[folds.test_rows(k), 2]
                found = paths.cv_error[k, a] if len(members) == 1 else paths.inner_error[min(members - {k}), k, a]
                assert found == pytest.approx(2 * (both - train) / dead, rel=1e-6)
    moved, y_moved = X.copy(), y.copy()
    moved[folds.test_rows(1)] += 1e6
    y_moved[folds.test_rows(1), 1] += 50.0
    after = fw.fit_paths(moved, y_moved, folds=folds, sample_weight=weight, **common)
    h = paths.index({1})
    np.testing.assert_allclose(after.coef_per_sd[h], paths.coef_per_sd[h], atol=1e-6)


def test_structured_targets_are_read():
    X, y = survival(4)
    structured = np.array(list(zip(y[:, 2] > 0, y[:, 1], strict=True)), dtype=[("event", bool), ("time", float)])
    a, b = (fw.fit_paths(X, target, family="cox", alphas=3) for target in (structured, y[:, 1:3]))
    np.testing.assert_array_equal(a.coef, b.coef)
    assert not a.intercept.any()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.ones(N), r"y must have columns \(time, event\)"),
        (np.column_stack([np.full(N, -1.0), np.ones(N)]), "y must have a time >= 0 for family='cox', got -1 in row 0"),
        (np.column_stack([np.ones(N), np.zeros(N)]), "y must have an event for family='cox', got censored times alone"),
        (np.column_stack([np.ones(N), np.full(N, 2.0)]), "y must have an event of 0 or 1"),
        (np.column_stack([np.full(N, 5.0), np.full(N, 4.0), np.ones(N)]), "y must have start < time .* got 5 in row 0"),
        (np.column_stack([np.full(N, np.nan), np.ones(N)]), "y must have a finite time"),
        (np.ones((3, 2)), "y must have a time and an event for each of the 120 rows"),
        (np.zeros(N, dtype=[("time", float), ("other", float)]), "y must have one field of booleans"),
    ],
)
def test_bad_targets_are_named(y, message):
    with pytest.raises(InputError, match=message):
        fw.fit_paths(survival()[0], y, family="cox")


def test_bad_ties_are_named():
    with pytest.raises(InputError, match="ties must be 'breslow' or 'efron', got 'exact'"):
        Cox("exact")


def test_concordance_is_that_of_the_pairs():
    X, y = survival(5)
    folds = fw.Folds.kfold(N, n_folds=3)
    paths = fw.fit_paths(X, y, family="cox", folds=folds, alphas=[0.1, 0.02])
    found, _ = held_out_scores(paths, X, y, folds, "concordance")
    rows = folds.test_rows(2)
    eta, good, pairs = paths.linear_predictor(X[rows], {2})[:, 1], 0.0, 0
    for i in range(len(rows)):
        for j in range(len(rows)):
            if y[rows[i], 2] and y[rows[i], 1] < y[rows[j], 1]:
                pairs += 1
                good += float(eta[i] > eta[j]) + 0.5 * float(eta[i] == eta[j])
    assert found[2, 1] == pytest.approx(good / pairs, rel=1e-12)
    with pytest.raises(InputError, match="score must be 'concordance' or a function with family='cox'"):
        held_out_scores(paths, X, y, folds)


def test_glmnet_concordance(shared):
    table = pd.read_csv(shared / "truth" / "glmnet_examples" / "CoxExample.csv")
    X, y = table.drop(columns=["time", "status"]).to_numpy(), table[["time", "status"]].to_numpy()
    theirs = pd.read_csv(shared / "truth" / "glmnet" / "cox_alpha1_cv_C.csv")[9::8]  # at the strongest, it interpolates
    folds = fw.Folds.from_labels(np.arange(len(y)) % 10 + 1)
    paths = fw.fit_paths(X, y, family="cox", alphas=theirs["lambda"], folds=folds, tol=1e-5)
    found, _ = held_out_scores(paths, X, y, folds, "concordance")
    np.testing.assert_allclose(found.mean(axis=0), theirs["cvm"], rtol=5e-4)
