"""verify on three classes, times to an event and offsets: it agrees, notices changes, and has its formulas right."""

import copy
import json
import warnings
from itertools import combinations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

import foldwise as fw
from foldwise.families import Cox
from foldwise.report.write import to_json
from foldwise.verify import verify
from foldwise.verify.losses import Loss
from foldwise.verify.newton import minimize
from foldwise.verify.partial import Partial
from foldwise.verify.run import NEVER
from foldwise.verify.smooth import amounts, many_classes, of_one, times, two_classes

pytestmark = pytest.mark.filterwarnings("ignore::foldwise.errors.DataWarning")  # small tables look odd
QUICK = settings(max_examples=15, deadline=None, phases=[Phase.reuse, Phase.generate])


def table(n=96):
    rng = np.random.default_rng(8)
    x, z = rng.normal(size=n), 50.0 + 20.0 * rng.normal(size=n)
    tree = rng.permutation(np.repeat(["ash", "oak", "elm"], [n - 40, 24, 16]))
    eta = 0.8 * x - 0.02 * (z - 50.0) + 0.5 * (tree == "elm")
    exposure = np.log(rng.uniform(0.2, 3.0, size=n))
    time, end = np.ceil(8.0 * rng.exponential(np.exp(-eta))), np.ceil(rng.uniform(1.0, 20.0, size=n))
    known = np.where(rng.random(n) < 0.06, np.nan, x)
    return {
        "x": known.tolist(),
        "z": z.tolist(),
        "tree": tree.tolist(),
        "w": rng.uniform(0.5, 2.0, size=n).tolist(),
        "days": np.minimum(time, end).tolist(),
        "died": (time <= end).tolist(),
        "kind": np.select([eta + rng.normal(size=n) < -0.5, eta < 0.6], ["a", "b"], "it's").tolist(),
        "log_exposure": exposure.tolist(),
        "count": rng.poisson(np.exp(eta + exposure)).tolist(),
        "size": (eta + 2.0 * exposure + rng.normal(size=n)).tolist(),
        "ill": (eta + exposure + rng.logistic(size=n) > 0.0).tolist(),
    }


ROWS = table()
LINEAR = {"x", "z", "tree"}
CLASSES = {"target": "kind"}
TIMES = {"time": "days", "event": "died"}
WAYS = {
    "classes": CLASSES,
    "classes, weights, one standard error": CLASSES | {"sample_weight": "w", "rule": "1se", "l1_ratios": [1.0]},
    "times": TIMES,
    "times, weights, by Efron": TIMES | {"sample_weight": "w", "family": Cox(ties="efron")},
    "times, offset": TIMES | {"offset": "log_exposure"},
    "counts, offset": {"target": "count", "offset": "log_exposure"},
    "amounts, offset, weights": {"target": "size", "offset": "log_exposure", "sample_weight": "w"},
    "two classes, offset": {"target": "ill", "offset": "log_exposure"},
}


def report_of(**options):
    used = LINEAR | {value for value in options.values() if isinstance(value, str)}
    rows = {name: values for name, values in ROWS.items() if name in used}
    given = {"folds": 3, "repeats": 1, "alphas": 6, "l1_ratios": [0.5]} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # small tables look odd
        return json.loads(to_json(fw.compare(rows, **given)))


REPORTS = {way: report_of(**options) for way, options in WAYS.items() if way in {"classes", "times", "counts, offset"}}


@pytest.mark.parametrize("way", list(WAYS))
def test_reports_agree(way):
    found = verify(REPORTS.get(way) or report_of(**WAYS[way]), ROWS)
    assert [str(check) for check in found.differ] == []
    assert found.agree > 250
    for told in (each for each in found.left_out if each.split(":")[0] not in NEVER):
        assert told.startswith(("survival and signs of", "coefficients, survival and signs of unpenalized: ")), told


def test_what_has_many_solutions_is_named():
    report = report_of(target="ill", family="multinomial", candidates=["lasso", "unpenalized"])
    found = verify(report, ROWS)
    assert found.differ == []
    told = " ".join(found.left_out)
    assert "signs of lasso: with an even number of classes the lasso has many that are as good" in told
    assert "signs of unpenalized: without a penalty any number can be added to all classes" in told


def test_fits_that_are_no_solutions_are_named():
    report = copy.deepcopy(REPORTS["times"])
    report["candidates"][0]["gap"] = 0.2
    name = report["candidates"][0]["name"]
    assert f"the fits of {name}: by the report's own certificate they are no solutions (gap 2e-01)" in (
        verify(report, ROWS).left_out
    )


@pytest.mark.parametrize("way", list(REPORTS))
@pytest.mark.parametrize("key", ["fold_deviance", "coef", "alpha_1se", "score", "survival"])
def test_a_changed_number_is_noticed(way, key):
    report = copy.deepcopy(REPORTS[way])
    report["candidates"] = [each for each in report["candidates"] if each["name"] == "ridge"]
    value = report["candidates"][0][key]
    while isinstance(value, list) and isinstance(value[0], list):
        value = value[0]
    if isinstance(value, list):
        value[0] += 0.05 * (abs(value[0]) + 0.1)
    else:
        report["candidates"][0][key] *= 1.05
    found = verify(report, ROWS)
    assert any(f"candidates[ridge].{key}" in check.where for check in found.differ)


def test_a_table_without_the_offset_is_refused():
    rows = {name: values for name, values in ROWS.items() if name != "log_exposure"}
    with pytest.raises(fw.errors.InputError, match="the table has no column 'log_exposure'"):
        verify(REPORTS["counts, offset"], rows)


def test_what_is_all_but_certain_and_wrong_is_charged_in_full():
    two, three = Loss("binomial"), Loss("multinomial")
    assert two.of_set(np.zeros(1), np.array([900.0]), np.ones(1)) == pytest.approx(1800.0)
    assert three.of_set(np.ones(1), np.array([[900.0, 0.0, 0.0]]), np.ones(1)) == pytest.approx(1800.0)


def plainly(time, event, weight, eta, *, efron):
    """The partial likelihood, event after event."""
    loss = 0.0
    for when in set(time[event > 0].tolist()):
        dead = [i for i in range(len(time)) if time[i] == when and event[i] > 0]
        risk = sum(weight[i] * np.exp(eta[i]) for i in range(len(time)) if time[i] >= when)
        tied = sum(weight[i] * np.exp(eta[i]) for i in dead)
        mean = sum(weight[i] for i in dead) / len(dead)
        for gone in range(len(dead)):
            loss += mean * np.log(risk - (gone / len(dead) * tied if efron else 0.0))
        loss -= sum(weight[i] * eta[i] for i in dead)
    return loss


@given(st.integers(0, 10_000), st.booleans())
@QUICK
def test_the_partial_likelihood_is_its_definition(seed, efron):
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, 6, size=12).astype(float), (rng.random(12) < 0.7).astype(float)
    weight, eta = rng.uniform(0.5, 2.0, size=12), 3.0 * rng.normal(size=12)
    found = Partial.of(time, event, weight, efron=efron).loss(eta)
    assert found == pytest.approx(plainly(time, event, weight, eta, efron=efron), abs=1e-10)


def smooths(rng):
    Z, w, o = rng.normal(size=(30, 3)), rng.dirichlet(np.ones(30)), rng.normal(size=30)
    y, time = rng.integers(3, size=30).astype(float), rng.integers(1, 9, size=30).astype(float)
    return {
        "two classes": of_one(two_classes(np.minimum(y, 1.0)), Z, w, o),
        "three classes": many_classes(y, 3, Z, w),
        **{f"power {p}": of_one(amounts(y + (p == 2.0), p), Z, w, o) for p in (1.0, 1.4, 2.0)},
        "times": times(Partial.of(time, np.minimum(y, 1.0), 30.0 * w, efron=False), 30.0, Z, o),
        "times, by Efron": times(Partial.of(time, np.minimum(y, 1.0), 30.0 * w, efron=True), 30.0, Z, o),
    }


@pytest.mark.parametrize("name", list(smooths(np.random.default_rng(0))))
def test_slopes_are_those_of_finite_differences(name):
    rng = np.random.default_rng(4)
    smooth = smooths(rng)[name]
    b, h = 0.3 * rng.normal(size=smooth.size), 1e-5
    _, gradient, hessian = smooth.at(b)
    steps = h * np.eye(smooth.size)
    by_values = np.array([(smooth.at(b + e)[0] - smooth.at(b - e)[0]) / (2 * h) for e in steps])
    by_gradients = np.array([(smooth.at(b + e)[1] - smooth.at(b - e)[1]) / (2 * h) for e in steps])
    np.testing.assert_allclose(gradient, by_values, atol=1e-8)
    np.testing.assert_allclose(hessian, by_gradients, atol=1e-7)


@given(st.integers(0, 10_000), st.sampled_from(["two classes", "three classes", "power 1.0", "times"]))
@QUICK
def test_nothing_near_the_minimum_is_lower(seed, name):
    rng = np.random.default_rng(seed)
    smooth = smooths(rng)[name]
    l1, l2 = (float(each) for each in rng.uniform(0.0, 0.1, size=2))
    found, off = minimize(smooth, np.zeros(smooth.size), l1, l2)
    assert off <= 1e-9

    def objective(b):
        rest = b[smooth.free :]
        return smooth.at(b)[0] + l1 * np.abs(rest).sum() + 0.5 * l2 * rest @ rest

    for step in rng.normal(size=(20, smooth.size)) * 10.0 ** rng.uniform(-4.0, 0.0, size=(20, 1)):
        assert objective(found + step) >= objective(found) - 1e-14


def test_newton_steps_end_where_scikit_learns_saga_does():
    rng = np.random.default_rng(2)
    Z, y = rng.normal(size=(60, 4)), rng.integers(3, size=60).astype(float)
    y[Z[:, 0] > 0.7] = 2.0
    found, _ = minimize(many_classes(y, 3, Z, np.full(60, 1.0 / 60)), np.zeros(15), 0.05 * 0.6, 0.05 * 0.4)
    model = LogisticRegression(C=1.0 / (60 * 0.05), l1_ratio=0.6, solver="saga", tol=1e-10, max_iter=20_000)
    model.fit(Z, y)
    np.testing.assert_allclose(found[3:].reshape(3, 4), model.coef_, atol=1e-6)
    assert np.count_nonzero(found[3:]) < 12  # so that there is something to tell
    for a, b in combinations(range(3), 2):
        assert found[a] - found[b] == pytest.approx(model.intercept_[a] - model.intercept_[b], abs=1e-6)
