"""The benchmark of generalized linear models: its gap is right, its tasks are the standard ones, and it runs."""

import importlib.util
import json
import shutil

import cvxpy as cp
import numpy as np
import pytest

import foldwise as fw
from benchmarks import cv, family_tasks, page
from benchmarks.family_tasks import Rows
from benchmarks.gap import family_gaps
from benchmarks.peers.environments import PEERS
from benchmarks.workers.problem import DEVIANCES, load, save
from foldwise.families import family_of

FAMILIES = ("binomial", "poisson")
ROWS, COLUMNS = 150, 6


def rows_of(family, seed=0, n=ROWS, p=COLUMNS):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    eta = X[:, :2].sum(1) - 0.5
    if family == "binomial":
        return Rows(np.asfortranarray(X), (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float))
    weights = rng.uniform(0.2, 1.0, n)
    return Rows(np.asfortranarray(X), rng.poisson(np.exp(eta) * weights) / weights, weights)


def loss_of(family, eta, y):
    return (np.logaddexp(0.0, eta) if family == "binomial" else np.exp(eta)) - y * eta


def exact_fit(family, rows, weights, alpha):
    """Return coefficients, intercept and objective by a general convex solver."""
    coef, intercept = cp.Variable(rows.X.shape[1]), cp.Variable()
    eta = rows.X @ coef + intercept
    bent = cp.logistic(eta) if family == "binomial" else cp.exp(eta)
    objective = cp.sum(cp.multiply(weights, bent - cp.multiply(rows.y, eta))) + alpha * cp.norm1(coef)
    exact = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}
    least = cp.Problem(cp.Minimize(objective)).solve(solver="CLARABEL", **exact)
    return coef.value, float(intercept.value), least


@pytest.fixture
def small_tasks(monkeypatch):
    builders = {
        "two classes": ("binomial", lambda: rows_of("binomial")),
        "wide": ("binomial", lambda: rows_of("binomial", n=60, p=100)),
        "counts": ("poisson", lambda: rows_of("poisson")),
    }
    monkeypatch.setattr(family_tasks, "BUILDERS", builders)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("alpha", [0.1, 0.01])
def test_gap_of_a_minimum_is_zero_and_bounds_the_distance_elsewhere(family, alpha):
    rows = rows_of(family)
    weights = np.full(ROWS, 1.0 / ROWS) if rows.weights is None else rows.weights / rows.weights.sum()
    coef, intercept, least = exact_fit(family, rows, weights, alpha)

    def gap(coef, intercept):
        fit = coef[None], np.array([intercept]), np.array([alpha])
        return family_gaps(family, rows.X, rows.y, *fit, weights=rows.weights)[0]

    assert abs(gap(coef, intercept)) < 1e-8  # what the reference leaves

    known = family_of(family)
    null = weights @ known.deviance(known.link(np.full(ROWS, weights @ rows.y)), rows.y) / 2
    rng = np.random.default_rng(1)
    for _ in range(10):
        moved, shifted = coef + 0.1 * rng.normal(size=COLUMNS), intercept + 0.1 * rng.normal()
        objective = weights @ loss_of(family, rows.X @ moved + shifted, rows.y) + alpha * np.abs(moved).sum()
        assert gap(moved, shifted) >= (objective - least) / null - 1e-9


@pytest.mark.parametrize("family", FAMILIES)
def test_gap_near_the_minimum_is_hardly_more_than_the_distance(family):
    rows = rows_of(family)
    task = family_tasks.make("any", rows.X, rows.y, family, rows.weights).with_alphas(8)
    arguments = {"family": family, "alphas": task.alphas, "sample_weight": rows.weights, "standardize": False}
    loose, exact = (fw.fit_paths(rows.X, rows.y, tol=tol, **arguments) for tol in (1e-4, 1e-12))
    weights = np.full(ROWS, 1.0 / ROWS) if rows.weights is None else rows.weights / rows.weights.sum()

    def objectives(paths):
        coef, eta = paths.coef[0], rows.X @ paths.coef[0].T + paths.intercept[0]
        return weights @ loss_of(family, eta, rows.y[:, None]) + task.alphas * np.abs(coef).sum(1)

    fit = loose.coef[0], loose.intercept[0], task.alphas
    gaps = family_gaps(family, rows.X, rows.y, *fit, weights=rows.weights)
    distance = (objectives(loose) - objectives(exact)) / loose.null_objective[0]
    assert distance.max() > 1e-7  # there is something to find
    np.testing.assert_allclose(gaps, distance, rtol=0.01, atol=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_workers_deviance_is_the_familys(family):
    rows, eta = rows_of(family), np.random.default_rng(3).normal(size=ROWS)
    np.testing.assert_allclose(DEVIANCES[family](rows.y, eta), family_of(family).deviance(eta, rows.y), atol=1e-12)


@pytest.mark.parametrize("name", ["golub", "spambase", "a9a"])  # motor takes long: by hand
def test_task_is_the_standard_one(shared, name):
    file = shared / "bench" / "cv_tasks.py"
    specification = importlib.util.spec_from_file_location("cv_tasks", file)
    standard = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(standard)
    expected, task = standard.build(name), family_tasks.build(name)
    np.testing.assert_array_equal(task.X, expected["X"])
    np.testing.assert_array_equal(task.y, expected["y"])
    np.testing.assert_array_equal(task.labels, expected["folds"])


@pytest.mark.usefixtures("small_tasks")
@pytest.mark.parametrize("name", ["two classes", "counts"])
def test_the_strongest_penalty_just_empties_the_model(name):
    task = family_tasks.build(name)
    average = np.average(task.y, weights=task.weights)
    empty = np.log(average / (1 - average)) if task.family == "binomial" else np.log(average)
    arguments = np.zeros((1, COLUMNS)), np.array([empty])
    at, below = (
        family_gaps(task.family, task.X, task.y, *arguments, task.alphas[:1] * share, weights=task.weights)[0]
        for share in (1.0, 0.9)
    )
    assert abs(at) < 1e-12
    assert below > 1e-4


@pytest.mark.usefixtures("small_tasks")
def test_a_problem_comes_back_from_its_files(tmp_path):
    task = family_tasks.build("counts")
    save(task, tmp_path)
    problem = load(tmp_path)
    assert problem.family == "poisson"
    np.testing.assert_array_equal(problem.weights, task.weights)


def test_errors_count_rows_by_their_weights(tmp_path):
    rows = rows_of("poisson")
    task = family_tasks.make("any", rows.X, rows.y, "poisson", rows.weights)
    save(task, tmp_path)
    problem, coef = load(tmp_path), np.random.default_rng(4).normal(size=(2, COLUMNS)) * 0.1
    errors = np.array([problem.test_error(fold, coef, np.zeros(2)) for fold in range(10)])
    deviance = family_of("poisson").deviance(rows.X @ coef.T, rows.y[:, None])
    expected = np.average(deviance, axis=0, weights=rows.weights)
    np.testing.assert_allclose(problem.mean_error(errors), expected, rtol=1e-12)


# --- the command line


def run_cv(tmp_path, *words):
    out = tmp_path / "families.json"
    fixed = ["--alphas", "12", "--repeat", "1", "--cache", str(tmp_path / "no peers"), "--out", str(out)]
    cv.main([*words, "--contest", "families", *fixed])
    return json.loads(out.read_text(encoding="utf-8"))


def by_name(task):
    return {side["name"]: side for side in task["sides"]}


@pytest.mark.usefixtures("small_tasks")
def test_a_run_without_peers_measures_foldwise_and_names_the_others(tmp_path):
    results = run_cv(tmp_path, "two classes", "--peers", "scikit-learn")
    assert "scikit-learn" in by_name(results["two classes"])
    results = run_cv(tmp_path, "wide", "counts", "--peers", "adelie")
    assert list(results) == ["two classes", "wide", "counts"]
    classes, wide, counts = map(by_name, results.values())
    for sides in (wide, counts):
        assert sides["foldwise"]["gap_points"] == 12
        assert sides["foldwise"]["gap_worst"] < 1e-6  # what it was asked for
        assert sides["foldwise, single path"]["status"] == "ran"
        assert "python -m benchmarks.peers install adelie" in sides["adelie"]["reason"]
    assert wide["foldwise, until explained"]["points"] <= 12
    assert classes["scikit-learn"]["gap_worst"] < 1e-2
    assert classes["scikit-learn"]["curve_difference"] < 1e-2

    page.main(["--results", str(tmp_path), "--docs", str(tmp_path / "docs")])
    text = (tmp_path / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert "## Generalized linear models" in text
    assert "### counts: poisson, 150 rows, 6 columns" in text
    assert "- adelie: not run: not installed" in text
    assert str(tmp_path) not in text


@pytest.mark.usefixtures("small_tasks")
@pytest.mark.parametrize("name", ["two classes", "counts"])
def test_glmnet_solves_the_same_problem(tmp_path, name):
    if shutil.which("Rscript") is None:
        pytest.skip("needs Rscript")
    sides = by_name(run_cv(tmp_path, name, "--peers", "glmnet", "--tight")[name])
    if "no package glmnet" in sides["glmnet"].get("reason", ""):
        pytest.skip("needs R's package glmnet")
    assert sides["glmnet, single path"]["status"] == "ran"
    # its tolerance is of squared changes of the coefficients: 1e-14 leaves about 1e-7 in them
    assert sides["glmnet, tight"]["gap_worst"] < 1e-9
    assert sides["glmnet, tight"]["curve_difference"] < 1e-3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["golub", "--contest", "lasso"], "'golub' has no part in --contest lasso"),
        (["cal3", "--contest", "families"], "'cal3' has no part in --contest families"),
    ],
)
def test_a_task_of_another_contest_is_refused(words, told, capsys):
    with pytest.raises(SystemExit):
        cv.parse(words)
    assert told in capsys.readouterr().err


def test_tasks_are_those_of_the_contests():
    assert cv.parse(["--contest", "families"]).tasks == ["golub", "spambase", "a9a", "motor"]
    assert cv.parse(["--contest", "lasso"]).tasks == list(cv.STANDARD)
    assert cv.parse([]).tasks == [*cv.STANDARD, *family_tasks.BUILDERS]


def test_each_family_has_its_file():
    options, rows = cv.parse(["golub"]), rows_of("binomial")
    binomial = family_tasks.make("a", rows.X, rows.y, "binomial")
    gaussian = family_tasks.make("b", rows.X, rows.y)
    assert cv.results_of(binomial, options).name == "families.json"
    assert cv.results_of(gaussian, options).name == "cv.json"


def test_a_peer_without_the_family_has_no_part():
    rows = rows_of("poisson")
    task = family_tasks.make("any", rows.X, rows.y, "poisson", rows.weights)
    sides = {side.library for side in cv.family_sides(task, list(PEERS), 0.0)}
    assert sides == {"foldwise", "adelie", "glmnet"}
