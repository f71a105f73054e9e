"""A report's winner as a model: the final model that was reported, on the table that it is of and on no other."""

import json
import warnings

import numpy as np
import pytest

import foldwise as fw
from foldwise.cli import main
from foldwise.cli.winner import winner_of
from foldwise.errors import InputError
from foldwise.report.write import to_json
from foldwise.tables import make_design

pytestmark = pytest.mark.filterwarnings("ignore::foldwise.errors.DataWarning")  # small tables look odd


def table(n=90):
    rng = np.random.default_rng(2)
    x = rng.normal(size=n) * 20.0
    tree = rng.choice(["ash", "oak", "elm"], size=n)
    y = 0.1 * x + 2.0 * (tree == "oak") + rng.normal(size=n)
    known = np.where(rng.random(n) < 0.1, np.nan, x)
    return {
        "x": known.tolist(),
        "code": rng.integers(1, 4, size=n).tolist(),
        "tree": tree.tolist(),
        "w": rng.uniform(0.5, 2.0, size=n).tolist(),
        "y": y.tolist(),
        "sick": np.where(y + rng.logistic(size=n) > 1.0, "yes", "no").tolist(),
    }


def report_of(rows, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        comparison = fw.compare(rows, **({"folds": 3, "repeats": 1, "alphas": 8, "categories": ["code"]} | options))
    return json.loads(to_json(comparison))


WAYS = {"plain": {}, "weights": {"sample_weight": "w", "fill": "mean"}, "indicators": {"indicators": True}}


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("name", ["least squares", "ridge", "lasso", "elastic net"])
def test_the_winner_is_the_estimator_of_its_strength(way, name):
    """Its strength, in scikit-learn's meaning, and its fills give the same line when fitted again."""
    rows = table()
    drop = ["sick"] if way == "weights" else ["sick", "w"]
    model, found = winner_of(report_of(rows, target="y", candidates=[name], drop=drop, **WAYS[way]), rows)
    assert found == name
    design = make_design(rows, target="y", drop=["sick", "w"], categories=["code"])
    X, w = model.recipe.encode_values(design.values), np.array(rows["w"]) if way == "weights" else None
    alpha, ratio = model.training["alpha"], model.training["l1_ratio"]
    again = {
        "least squares": fw.LinearRegression,
        "ridge": lambda: fw.Ridge(alpha=alpha, standardize=True),
        "lasso": lambda: fw.Lasso(alpha=alpha, standardize=True),
        "elastic net": lambda: fw.ElasticNet(alpha=alpha, l1_ratio=ratio, standardize=True),
    }[name]()
    again.fit(X, np.array(rows["y"]), sample_weight=w)
    np.testing.assert_allclose(model.predict(rows), again.predict(X), rtol=1e-8)


def test_classes_are_predicted():
    rows = table()
    report = report_of(rows, target="sick", candidates=["ridge", "lasso"], drop=["y", "w"])
    model, name = winner_of(report, rows, candidate="ridge")
    assert name == "ridge"
    design = make_design(rows, target="sick", drop=["y", "w"], categories=["code"], family="binomial")
    X = model.recipe.encode_values(design.values)
    again = fw.LogisticRegression(C=1.0 / (model.training["alpha"] * len(X)), standardize=True).fit(X, rows["sick"])
    found = model.columns(rows)
    # The study's fits end at a gap of 1e-7, whose root predictions follow.
    np.testing.assert_allclose(found["probability_yes"], again.predict_proba(X)[:, 1], atol=1e-3)
    assert b"CLASSES = ('no', 'yes')" in model.exported(".py", rows)


def test_what_can_not_be_exported_is_named():
    rows = table()
    report = report_of(rows, target="y", candidates=["ridge"], drop=["sick", "w"])
    with pytest.raises(InputError, match="--candidate must be one of ridge, got 'lasso'"):
        winner_of(report, rows, candidate="lasso")
    report["candidates"].insert(0, {**report["candidates"][0], "name": "boosting", "coef": None})
    with pytest.raises(
        InputError, match="boosting, the best candidate, has no coefficients to export; --candidate takes"
    ):
        winner_of(report, rows)
    with pytest.raises(InputError, match=r"it is not a report\.json: it has no 'candidates'"):
        winner_of({}, rows)


def test_another_table_is_refused():
    rows = table()
    report = report_of(rows, target="y", candidates=["ridge"], drop=["sick", "w"])
    shifted = rows | {"y": (np.array(rows["y"]) + 0.01).tolist()}
    with pytest.raises(InputError, match=r"its rows are 0\.01 off on average"):
        winner_of(report, shifted)
    others = rows | {"tree": [tree.replace("elm", "fir") for tree in rows["tree"]]}
    with pytest.raises(InputError, match="its columns or levels are others"):
        winner_of(report, others)
    with pytest.raises(InputError, match="it has 80 rows, and the report 90"):
        winner_of(report, {name: values[:80] for name, values in rows.items()})


def test_the_command_exports_a_report(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = table()
    keys = ["x", "tree", "y"]
    values = zip(*(rows[key] for key in keys), strict=True)
    lines = [",".join(keys), *(",".join(map(str, row)).replace("nan", "") for row in values)]
    (tmp_path / "trees.csv").write_text("\n".join(lines), encoding="utf-8")

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        return caught.value.code

    assert run("compare", "trees.csv", "--target", "y", "--repeats", "1", "--candidates", "ridge", "--out", "out") == 0
    capsys.readouterr()
    assert run("export", "out", "trees.csv", "--out", "best.json", "--out", "best.sql") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "ridge of the 1 candidates of out"
    assert told[1] == "exported: best.json"
    assert run("predict", "best.json", "trees.csv") == 0
    assert len(capsys.readouterr().out.splitlines()) == 91
    assert run("export", "best.json", "trees.csv", "--out", "again.sql") == 0
    assert (tmp_path / "again.sql").read_bytes() == (tmp_path / "best.sql").read_bytes()
    assert run("export", "best.json", "trees.csv", "--candidate", "ridge", "--out", "again.sql") == 2
    assert "--candidate is for a report" in capsys.readouterr().err
