"""Unpenalized generalized linear models are statsmodels' to 1e-8; separated classes are said to be so."""

import numpy as np
import pytest

import foldwise as fw
from foldwise.errors import SeparationWarning
from foldwise.families import Binomial, Cloglog, Gamma, NegativeBinomial, Poisson, Probit, Tweedie

sm = pytest.importorskip("statsmodels.api", reason="statsmodels is not installed")

N = 300
LOG = sm.families.links.Log()
PAIRS = {
    "binomial": (Binomial(), sm.families.Binomial()),
    "probit": (Probit(), sm.families.Binomial(sm.families.links.Probit())),
    "cloglog": (Cloglog(), sm.families.Binomial(sm.families.links.CLogLog())),
    "poisson": (Poisson(), sm.families.Poisson()),
    "gamma": (Gamma(), sm.families.Gamma(LOG)),
    "tweedie": (Tweedie(1.6), sm.families.Tweedie(LOG, var_power=1.6)),
    "negative binomial": (NegativeBinomial(2.0), sm.families.NegativeBinomial(LOG, alpha=0.5)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_unpenalized_fits_are_statsmodels(name):
    mine, theirs = PAIRS[name]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 4)) * [1.0, 5.0, 0.2, 1.0] + [0.0, 3.0, 0.0, -1.0]
    eta = 0.5 * X[:, 0] - 0.1 * X[:, 1] + 1.5 * X[:, 2]
    offset, weight = 0.2 * rng.normal(size=N), rng.integers(1, 4, size=N).astype(float)
    y = {
        "gamma": lambda: rng.gamma(2.0, np.exp(eta) / 2) + 1e-2,
        "tweedie": lambda: rng.poisson(np.exp(eta)) * rng.exponential(size=N),
        "poisson": lambda: rng.poisson(np.exp(eta)),
        "negative binomial": lambda: rng.poisson(np.exp(eta)),
    }.get(name, lambda: rng.random(N) < 1 / (1 + np.exp(-eta)))()
    model = sm.GLM(y.astype(float), sm.add_constant(X), theirs, offset=offset, freq_weights=weight)
    params = model.fit(tol=1e-15, tol_criterion="params", maxiter=200).params
    paths = fw.fit_paths(X, y, family=mine, alphas=[0.0], sample_weight=weight, offset=offset, tol=1e-15)
    np.testing.assert_allclose(paths.coef[0, 0], params[1:], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(paths.intercept[0, 0], params[0], rtol=1e-8, atol=1e-8)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # there is no solution to certify
@pytest.mark.parametrize("family", ["binomial", "probit", "cloglog"])
def test_separation_is_said(family):
    X = np.random.default_rng(1).normal(size=(60, 3))
    y = (X[:, 1] > 0.1).astype(float)
    with pytest.warns(SeparationWarning, match="separated completely in 1 of 1 fits: for all rows, .* column 1"):
        paths = fw.fit_paths(X, y, family=family, alphas=[0.0])
    assert np.isfinite(paths.coef).all()
    fw.fit_paths(X, y, family=family, alphas=[0.001])  # a penalty has a solution: no warning


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # there is no solution to certify
def test_separation_in_part_is_said():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 2))
    X[:, 1] = np.arange(200) < 20  # a mark that is set only where y is 1
    y = np.where(X[:, 1] > 0, 1.0, rng.random(200) < 0.5)
    with pytest.warns(SeparationWarning, match="separated in part"):
        fw.fit_paths(X, y, family="binomial", alphas=[0.0], tol=1e-12)
