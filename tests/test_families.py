"""Families: slopes are the loss's own by finite differences, conjugates and gap bounds hold, bad targets are named."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.metrics import mean_gamma_deviance, mean_poisson_deviance, mean_tweedie_deviance

from foldwise.errors import InputError
from foldwise.families import (
    Binomial,
    Cloglog,
    Gamma,
    Gaussian,
    Huber,
    NegativeBinomial,
    Poisson,
    Probit,
    Tweedie,
    family_of,
    null_intercept,
)

ALL = (
    Gaussian(),
    Binomial(),
    Probit(),
    Cloglog(),
    Poisson(),
    Gamma(),
    Tweedie(1.2),
    Tweedie(1.7),
    NegativeBinomial(0.7),
    Huber(0.8),
)
WITH_GAP = tuple(family for family in ALL if family.has_gap)
WITH_CONJUGATE = tuple(family for family in WITH_GAP if family.name != "tweedie")


def targets(family, rng, n):
    """Targets that the family can have, extremes among them."""
    if isinstance(family, (Binomial, Probit, Cloglog)):
        return rng.choice([0.0, 1.0, 0.3], size=n)
    if isinstance(family, (Gaussian, Huber)):
        return rng.normal(size=n)
    if isinstance(family, Gamma):
        return rng.exponential(size=n) + 0.01
    return rng.choice([0.0, 1.0, 2.5, 7.0], size=n)


@pytest.mark.parametrize("family", ALL, ids=repr)
@settings(deadline=None, max_examples=20, phases=[Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([0.5, 2.0, 4.0]))
def test_slopes_are_the_loss_s_own(family, seed, size):
    rng = np.random.default_rng(seed)
    y = family.check_target(targets(family, rng, 40), 40)
    eta = size * rng.normal(size=(40, 3))
    if isinstance(family, Huber):
        eta = eta[:, :1]  # a kink of the gradient is no place for differences
        kept = np.abs(np.abs(eta[:, 0] - y) - family.delta) > 1e-3
        eta, y = eta[kept], y[kept]
    step = 1e-5
    gradient, curvature = family.slopes(eta, y)
    slope = (family.loss(eta + step, y) - family.loss(eta - step, y)) / (2 * step)
    rounding = 1e-10 * (1 + np.abs(family.loss(eta, y))) / step
    assert np.all(np.abs(gradient - slope) <= 1e-6 * (1 + np.abs(slope)) + 1e-4 * rounding)
    bend = (family.slopes(eta + step, y)[0] - family.slopes(eta - step, y)[0]) / (2 * step)
    if isinstance(family, Huber):
        bend = np.maximum(bend, curvature.min())
    np.testing.assert_allclose(curvature, bend, rtol=2e-5, atol=1e-7)
    assert np.all(curvature > 0.0)


@pytest.mark.parametrize("family", ALL, ids=repr)
def test_far_out_nothing_overflows_or_turns(family):
    y = family.check_target(targets(family, np.random.default_rng(0), 12), 12)
    eta = np.linspace(-700.0, 700.0, 41)[None] + np.zeros((12, 1))
    loss, (gradient, curvature) = family.loss(eta, y), family.slopes(eta, y)
    assert np.isfinite(loss).all()
    assert np.isfinite(gradient).all()
    assert (np.isfinite(curvature) & (curvature > 0.0)).all()
    assert (np.diff(gradient, axis=1) >= -1e-9 * np.abs(gradient[:, 1:])).all()  # convex


@pytest.mark.parametrize("family", ALL, ids=repr)
def test_the_saturated_loss_is_the_smallest(family):
    y = family.check_target(targets(family, np.random.default_rng(1), 30), 30)
    eta = np.linspace(-40.0, 40.0, 20001)[None] + np.zeros((30, 1))
    np.testing.assert_allclose(family.loss(eta, y).min(axis=1), family.saturated(y), atol=1e-4)
    assert family.deviance(eta, y).min() >= 0.0


@pytest.mark.parametrize("family", ALL, ids=repr)
def test_link_inverts_mean(family):
    eta = np.linspace(-3.0, 2.0, 11)
    np.testing.assert_allclose(family.link(family.mean(eta)), eta, atol=1e-12)


@pytest.mark.parametrize("family", WITH_CONJUGATE, ids=repr)
def test_conjugate_is_the_supremum(family):
    rng = np.random.default_rng(2)
    y = family.check_target(targets(family, rng, 60), 60)
    eta = rng.normal(size=(60, 1))
    u = family.slopes(eta, y)[0]
    np.testing.assert_allclose(
        family.conjugate(u, y), u * eta - family.loss(eta, y), atol=1e-12
    )  # where it is attained
    for other in (-2.0, 0.0, 3.0):  # and nowhere more
        at = np.full_like(eta, other)
        assert np.all(family.conjugate(u, y) >= u * at - family.loss(at, y) - 1e-12)


@pytest.mark.parametrize("family", WITH_GAP, ids=repr)
def test_misfit_bounds_what_a_dual_point_leaves(family):
    rng = np.random.default_rng(3)
    y = family.check_target(targets(family, rng, 300), 300)
    eta = rng.normal(size=(300, 1))
    gradient, curvature = family.slopes(eta, y)
    for size in (1e-3, 0.1, 10.0):
        bound, u = family.misfit(eta, y, gradient, curvature, gradient + size * rng.normal(size=eta.shape))
        far = np.array(
            [
                -minimize_scalar(
                    lambda x, i=i, u=u: float(family.loss(np.array([x]), y[i : i + 1])[0] - u[i, 0] * x),
                    bounds=(-30.0, 30.0),
                    method="bounded",
                    options={"xatol": 1e-9},
                ).fun
                for i in range(60)
            ]
        )
        exact = family.loss(eta, y)[:60, 0] + far - u[:60, 0] * eta[:60, 0]
        assert np.all(bound[:60, 0] >= exact - 1e-9)
        if size < 0.01:  # and it is tight where it matters
            kept = curvature[:60, 0] > 0.1
            assert bound[:60, 0][kept].sum() <= 1.2 * exact[kept].sum() + 1e-8


@pytest.mark.parametrize("family", ALL, ids=repr)
@pytest.mark.parametrize("with_offset", [False, True])
def test_null_intercept_has_no_slope(family, with_offset):
    rng = np.random.default_rng(4)
    y = family.check_target(targets(family, rng, 80), 80)
    weight = rng.random((80, 3)) * (rng.random((80, 3)) > 0.3)
    offset = rng.normal(size=80) if with_offset else None
    b0 = null_intercept(family, y, weight, offset)
    eta = (0.0 if offset is None else offset[:, None]) + b0 + np.zeros((80, 1))
    slope = (weight * family.slopes(eta, y)[0]).sum(axis=0) / weight.sum(axis=0)
    np.testing.assert_allclose(slope, 0.0, atol=1e-9)


def test_deviances_are_scikit_learn_s():
    rng = np.random.default_rng(5)
    y, eta = rng.exponential(size=50) + 0.1, rng.normal(size=50)
    for family, theirs in (
        (Poisson(), mean_poisson_deviance(y, np.exp(eta))),
        (Gamma(), mean_gamma_deviance(y, np.exp(eta))),
        (Tweedie(1.3), mean_tweedie_deviance(y, np.exp(eta), power=1.3)),
    ):
        assert family.deviance(eta, y).mean() == pytest.approx(theirs, rel=1e-12)


def test_an_absent_class_has_a_far_intercept():
    b0 = null_intercept(Binomial(), np.array([0.0, 1.0]), np.array([[1.0], [0.0]]))
    assert b0[0] <= -20.0
    assert np.isfinite(b0).all()


@pytest.mark.parametrize(
    ("family", "y", "message"),
    [
        (Binomial(), [0.0, 2.0], r"y must be 0 or 1 .* got 2 in row 1"),
        (Probit(), [-1.0, 1.0], r"y must be 0 or 1 .* got -1 in row 0"),
        (Binomial(), [1.0, 1.0], r"y must have both classes, 0 and 1, for family='binomial', got 1 in every row"),
        (Cloglog(), [False, False], r"y must have both classes"),
        (Poisson(), [1.0, -3.0], r"y must be >= 0 for family='poisson', got -3 in row 1"),
        (Poisson(), [0.0, 0.0], r"y must have a positive count .* got 0 in every row"),
        (Gamma(), [1.0, 0.0], r"y must be > 0 for family='gamma', got 0 in row 1"),
        (Tweedie(1.5), [1.0, -0.5], r"y must be >= 0 for family='tweedie', got -0.5"),
        (NegativeBinomial(1.0), [-1.0, 0.0], r"y must be >= 0"),
        (Gaussian(), [1.0, np.nan], r"y must be finite"),
        (Gaussian(), [1.0, 2.0, 3.0], r"y must have one number for each of the 2 rows"),
    ],
)
def test_bad_targets_are_named(family, y, message):
    with pytest.raises(InputError, match=message):
        family.check_target(y, 2)


@pytest.mark.parametrize("make", [lambda: Tweedie(2.0), lambda: Tweedie("1.5"), lambda: NegativeBinomial(0.0)])
def test_bad_parameters_are_named(make):
    with pytest.raises(InputError, match="must be a finite number above"):
        make()


def test_huber_s_delta_is_named():
    with pytest.raises(InputError, match="delta must be a finite number above 0, got -1"):
        Huber(-1.0)


def test_unknown_family_is_named():
    with pytest.raises(InputError, match="family must be one of 'gaussian', 'binomial'"):
        family_of("gausian")
