"""verify agrees with reports as they are made, notices every changed number, and shares no code with the engine."""

import copy
import json
import subprocess
import sys
import warnings
from functools import cache
from unittest import mock

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

import foldwise as fw
from foldwise.cli import main
from foldwise.errors import InputError
from foldwise.report.write import to_json
from foldwise.verify import one_candidate, verify
from foldwise.verify.losses import Loss
from foldwise.verify.search import search

pytestmark = pytest.mark.filterwarnings("ignore::foldwise.errors.DataWarning")  # small tables look odd
SMALL = {"folds": 3, "repeats": 2, "alphas": 6}


def table(family="gaussian", n=72):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, 4)) * [1.0, 20.0, 0.1, 3.0] + [0.0, 50.0, 0.0, -4.0]
    X[:, 3] += X[:, 0]
    eta = 0.8 * X[:, 0] - 0.02 * X[:, 1] + 0.3 * rng.normal(size=n)
    tree = rng.permutation(np.repeat(["ash", "oak", "elm", "fir"], [n - 44, 24, 12, 8]))
    eta = eta + 0.4 * (tree == "elm")
    y = {
        "gaussian": lambda: eta + rng.normal(size=n),
        "binomial": lambda: np.where(eta + 1.0 + rng.logistic(size=n) > 0.0, "yes", "no"),
        "poisson": lambda: rng.poisson(np.exp(eta + 1.0)),
        "gamma": lambda: rng.gamma(3.0, np.exp(eta)),
    }[family]()
    X[rng.random(size=X.shape) < 0.06] = np.nan
    columns = {f"x{j}": X[:, j].tolist() for j in range(4)}
    more = {"code": rng.integers(1, 4, size=n).tolist(), "farm": np.repeat(range(n // 4), 4).tolist()}
    return columns | {"tree": tree.tolist(), "w": rng.uniform(0.5, 2.0, size=n).tolist(), "y": y.tolist()} | more


def report_of(rows, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # small tables look odd
        return json.loads(to_json(fw.compare(rows, target="y", **(SMALL | options))))


WAYS = {
    "plain": {"drop": ["w", "farm"]},
    "weights, one standard error": {"sample_weight": "w", "rule": "1se", "drop": ["farm"]},
    "groups, indicators, means": {"groups": "farm", "indicators": True, "fill": "mean", "drop": ["w"]},
    "codes, rare levels": {"categories": ["code"], "min_level_count": 7, "stratify": True, "seed": 3},
    "given strengths": {"alphas": [0.3, 0.01, 2.0], "target_scale": 1.0, "l1_ratios": [0.5, 1.0]},
}


@pytest.mark.parametrize("way", list(WAYS))
def test_reports_of_numbers_agree(way):
    rows = table()
    found = verify(report_of(rows, **WAYS[way]), rows)
    assert [str(check) for check in found.differ] == []
    assert found.agree > 300
    told = [each.split(":")[0] for each in found.left_out]
    assert told[-4:] == ["picked", "noise_floor", "gap", "verdict and notes"]


@pytest.mark.parametrize("family", ["gaussian", "binomial", "multinomial", "poisson", "gamma", "tweedie"])
def test_losses_of_rows_have_the_mean_of_scikit_learns_metrics(family):
    rng = np.random.default_rng(1)
    loss, w = Loss(family, {"power": 1.3} if family == "tweedie" else {}), rng.uniform(0.5, 2.0, size=30)
    classes = {"binomial": 2, "multinomial": 3}
    targets = {"poisson": rng.poisson(2.0, size=30), **{name: rng.integers(c, size=30) for name, c in classes.items()}}
    y = np.asarray(targets.get(family, rng.gamma(2.0, size=30)), dtype=float)
    eta = rng.normal(size=(30, 3) if family == "multinomial" else 30)
    theirs = 2.0 * log_loss(y, loss.told(eta), sample_weight=w) if family in classes else loss.of_set(y, eta, w)
    assert np.average(loss.of_rows(y, eta), weights=w) == pytest.approx(theirs, rel=1e-12)
    assert loss.of_set(y, eta, w) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("family", ["binomial", "poisson", "gamma"])
def test_reports_of_other_families_agree(family):
    rows = table(family)
    candidates = ["unpenalized", "ridge", "lasso"]
    found = verify(report_of(rows, candidates=candidates, family=family, repeats=1, drop=["w"]), rows)
    assert [str(check) for check in found.differ] == []
    assert found.agree > 200
    assert len(found.left_out) <= 6  # beside what is never recomputed, doubtful signs


ROWS = table()
REPORT = report_of(ROWS, drop=["w", "farm"], repeats=1)


def numbers_in(value, path=()):
    """Where numbers, or lists of names, stand in a report."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers_in(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from numbers_in(item, (*path, at))
    elif isinstance(value, float | int):
        yield path


# What was asked for decides what is recomputed: those numbers are read, not checked. Survival may be in doubt.
READ = {"schema", "rows", "folds", "settings", "features", "gap", "level", "power", "family", "drops_features"}
PLACES = [path for path in numbers_in(REPORT) if not READ & {*path}]


def test_places_are_many():
    assert {path[-1] for path in PLACES} >= {"rmse", "r2", "p_holm", "detectable", "differ", "alpha_1se", "score"}
    assert len(PLACES) > 250


@cache
def fits_of(name):
    """Those of the unchanged report, which a changed number leaves as they are."""
    kept = []
    with mock.patch.object(
        one_candidate, "search", lambda *given, **more: kept.append(search(*given, **more)) or kept[-1]
    ):
        verify(REPORT, ROWS)
    return dict(zip([each["name"] for each in REPORT["candidates"]], kept, strict=True))[name]


@given(st.sampled_from(PLACES), st.booleans())
@settings(max_examples=25, deadline=None, phases=[Phase.reuse, Phase.generate])
def test_a_changed_number_is_noticed(path, upward):
    changed = copy.deepcopy(REPORT)
    place = changed
    for key in path[:-1]:
        place = place[key]
    old = place[path[-1]]
    step = 1e-4 if upward else -1e-4
    place[path[-1]] = not old if isinstance(old, bool) else old + step * max(abs(old), 1.0)
    with mock.patch.object(one_candidate, "search", lambda _rows, procedure, *_, **__: fits_of(procedure.name)):
        found = verify(changed, ROWS)
    doubtful = [each for each in found.left_out if each.startswith("survival")]
    assert found.differ or (doubtful and {*path} & {"survival", "sign", "sign_agreement"}), path


def test_a_changed_cell_is_noticed():
    rows = copy.deepcopy(ROWS)
    rows["x1"][10] = 51.0
    assert len(verify(REPORT, rows).differ) > 20


def test_fits_that_can_not_be_made_again_are_named():
    rows = table()
    found = verify(report_of(rows, candidates=["lasso", "group lasso"], drop=["w", "farm"]), rows)
    assert found.differ == []
    assert found.left_out[0] == "the fits of group lasso and its interval: scikit-learn has no such model"
    report = report_of(rows, candidates=["ridge"], drop=["w", "farm"])
    report["candidates"][0]["name"] = "boosting"
    assert (
        verify(report, rows).left_out[0]
        == "the fits of boosting and its interval: the report does not say how to make it"
    )


def test_what_is_no_report_of_the_table_is_refused():
    with pytest.raises(InputError, match=r"not a report\.json of layout 1 or 2"):
        verify({"schema": 99}, ROWS)
    with pytest.raises(InputError, match="the table has 4 rows, the report 72"):
        verify(REPORT, {name: values[:4] for name, values in ROWS.items()})
    with pytest.raises(InputError, match="the table has no column 'tree'"):
        verify(REPORT, {name: values for name, values in ROWS.items() if name != "tree"})
    given_folds = report_of(ROWS, folds=fw.Folds.kfold(72, 3, seed=1), candidates=["ridge"])
    with pytest.raises(InputError, match="the folds were given, not dealt from a seed"):
        verify(given_folds, ROWS)
    values = report_of(ROWS, sample_weight=np.ones(72), candidates=["ridge"])
    with pytest.raises(InputError, match="given as values, which the report does not hold"):
        verify(values, ROWS)
    huber = report_of(ROWS, family="huber", candidates=["ridge"], drop=["w"])
    with pytest.raises(InputError, match="reports of the huber family can't be recomputed as yet"):
        verify(huber, ROWS)


def test_nothing_of_the_engine_is_loaded():
    code = "import sys, foldwise.verify; print(*sorted(name for name in sys.modules if name.startswith('foldwise.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    rooms = {name.split(".")[1] for name in done.stdout.split()}
    assert rooms <= {"verify", "resampling", "tables", "errors", "parameters"}


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def test_the_command_says_what_differs_and_exits_with_1(tmp_path, capsys):
    path, folder = tmp_path / "trees.csv", tmp_path / "out"
    lines = [",".join(ROWS), *(",".join("" if v != v else str(v) for v in row) for row in zip(*ROWS.values()))]  # noqa: B905, PLR0124
    path.write_text("\n".join(lines), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        comparison = fw.compare(path, target="y", candidates=["ridge", "least squares"], **SMALL)
    comparison.report(folder)
    assert run("verify", folder, path) == 0
    assert "numbers agree with those recomputed from the table" in capsys.readouterr().out
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    report["candidates"][0]["rmse"] *= 1.001
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    assert run("verify", folder / "report.json", path) == 1
    told = capsys.readouterr().out
    assert "differ" in told
    assert f"candidates[{report['candidates'][0]['name']}].rmse: the report has" in told
    assert run("verify", tmp_path / "nowhere", path) == 2
    assert "there is no report.json" in capsys.readouterr().err
    (folder / "report.json").write_text("{", encoding="utf-8")
    assert run("verify", folder, path) == 2
    assert "can't be read" in capsys.readouterr().err
