"""Cox regression is scikit-survival's: ridge and unpenalized, both kinds of ties, elastic net paths, concordance."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import foldwise as fw

pytest.importorskip("sksurv", reason="scikit-survival is not installed")

from sksurv.linear_model import CoxnetSurvivalAnalysis, CoxPHSurvivalAnalysis
from sksurv.metrics import concordance_index_censored
from sksurv.util import Surv


def survival(seed, n=150, p=4, decimals=1):
    """Times with many ties, about 30% of them censored."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    time = np.round(rng.exponential(np.exp(-X[:, 0] + 0.5 * X[:, 1])), decimals) + 0.1
    return X, Surv.from_arrays(rng.random(n) < 0.7, time)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
@pytest.mark.parametrize("alpha", [0.0, 0.01, 1.0])
def test_ridge_and_unpenalized_coefficients(ties, alpha):
    X, y = survival(0)
    # Theirs adds alpha / 2 |b|^2 to the likelihood's sum over the rows.
    theirs = CoxPHSurvivalAnalysis(alpha=alpha * len(X), ties=ties, tol=1e-14).fit(X, y)
    ours = fw.CoxRegressor(alpha=alpha, ties=ties).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(
        ours.predict(X) - ours.predict(X).mean(), theirs.predict(X) - theirs.predict(X).mean(), rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
def test_elastic_net_path(l1_ratio):
    X, y = survival(1, decimals=6)
    alphas = [0.2, 0.05, 0.01]
    theirs = CoxnetSurvivalAnalysis(l1_ratio=l1_ratio, alphas=alphas, tol=1e-14, max_iter=10**6).fit(X, y)
    for at, alpha in enumerate(alphas):
        ours = fw.CoxRegressor(alpha=alpha, l1_ratio=l1_ratio).fit(X, y)
        # Its coordinate descent ends by a change of the coefficients, not by a certificate.
        np.testing.assert_allclose(ours.coef_, theirs.coef_[:, at], atol=1e-6)
        assert (ours.coef_ == 0.0).tolist() == (theirs.coef_[:, at] == 0.0).tolist()


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None, phases=[Phase.reuse, Phase.generate])
def test_concordance(seed):
    X, y = survival(seed, n=40, decimals=0)
    model = fw.CoxRegressor(alpha=0.1).fit(X, y)
    X = np.round(X)  # ties among the risks too
    expected = concordance_index_censored(y["event"], y["time"], model.predict(X), tied_tol=0.0)[0]
    assert model.score(X, y) == pytest.approx(expected, abs=1e-12)
