"""The command line with classes, counts and amounts: what is chosen, printed, saved, predicted and refused."""

import csv
import json
from io import StringIO

import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import train_test_split

import foldwise as fw
import foldwise.tables
from foldwise.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Rows with a class, a count, an amount and a gap."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3))
    columns = {f"x{j}": x[:, j].tolist() for j in range(3)}
    columns["state"] = np.where(2.0 * x[:, 0] + rng.logistic(size=120) > 0, "ill", "well").tolist()
    columns["visits"] = rng.poisson(np.exp(0.7 * x[:, 1])).tolist()
    columns["paid"] = rng.gamma(2.0, np.exp(0.7 * x[:, 1])).tolist()
    columns["three"] = (["a", "b", "c"] * 40)[:120]
    columns["rare"] = ["once"] + ["often"] * 119
    write(tmp_path / "rows.csv", columns)
    columns["x1"][3] = ""
    write(tmp_path / "gaps.csv", columns)
    return tmp_path


def write(path, columns):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([tuple(columns), *zip(*columns.values(), strict=True)])


OTHERS = {name: ["--drop", name] for name in ("state", "visits", "paid", "three", "rare")}


def run(*typed, target=None, code=0):
    drops = [word for name, words in OTHERS.items() if target and name != target for word in words]
    with pytest.raises(SystemExit) as ended:
        main([*typed, *(["--target", target, *drops] if target else [])])
    assert ended.value.code == code


@pytest.mark.usefixtures("folder")
def test_classes_are_compared_and_the_line_says_so(capsys):
    run("compare", "rows.csv", "--repeats", "1", "--candidates", "ols,lasso", target="state")
    out = capsys.readouterr().out
    assert "Family: binomial (logistic regression); state has two classes, 'ill' and" in out
    assert "classified rightly" in out
    assert "change of log odds of state being well" in out
    run("compare", "rows.csv", "--repeats", "1", "--candidates", "ridge", "--json", target="visits")
    assert json.loads(capsys.readouterr().out)["family"]["name"] == "poisson"


@pytest.mark.parametrize("model", ["ols", "ridge", "lasso", "elastic-net"])
def test_a_saved_classifier_predicts_classes_and_probabilities(folder, capsys, model):
    run("fit", "rows.csv", "--model", model, "--save", "model.json", target="state")
    shown = capsys.readouterr().out
    assert "test deviance" in shown
    assert "accuracy" in shown
    saved = json.loads((folder / "model.json").read_text())
    assert saved["version"] == 2
    assert saved["family"]["classes"] == ["ill", "well"]
    assert saved["family"]["link"] == "logit"
    run("predict", "model.json", "rows.csv")
    rows = list(csv.DictReader(StringIO(capsys.readouterr().out)))
    well = np.array([float(row["probability_well"]) for row in rows])
    ill = np.array([float(row["probability_ill"]) for row in rows])
    np.testing.assert_allclose(well + ill, 1.0)
    assert [row["prediction"] for row in rows] == np.where(well > 0.5, "well", "ill").tolist()
    table = fw.tables.read_table(folder / "rows.csv")
    X = np.column_stack([table[f"x{j}"] for j in range(3)])
    eta = X @ [saved["coefficients"][f"x{j}"] for j in range(3)] + saved["intercept"]
    np.testing.assert_allclose(well, 1.0 / (1.0 + np.exp(-eta)))
    y = np.array(table["state"].to_pylist()) == "well"
    _, test = train_test_split(np.arange(120), test_size=0.25, random_state=45, stratify=y)
    deviance = -2.0 * np.mean(np.log(np.where(y, well, ill)[test]))
    assert saved["training"]["test_deviance"] == pytest.approx(deviance)
    assert saved["training"]["test_scores"]["accuracy"] == pytest.approx(np.mean((well > 0.5)[test] == y[test]))
    run("predict", "model.json", "rows.csv", "--out", "found.parquet")
    assert fw.tables.read_table(folder / "found.parquet").column_names == [*rows[0]]


def test_a_given_strength_is_scikit_learns(folder, capsys):
    run("fit", "rows.csv", "--model", "ridge", "--alpha", "0.1", "--test-size", "0", "--json", target="visits")
    saved = json.loads(capsys.readouterr().out)
    table = fw.tables.read_table(folder / "rows.csv")
    X = np.column_stack([table[f"x{j}"] for j in range(3)])
    theirs = PoissonRegressor(alpha=0.1, solver="newton-cholesky", tol=1e-12).fit(X, table["visits"])
    np.testing.assert_allclose([saved["coefficients"][f"x{j}"] for j in range(3)], theirs.coef_, atol=1e-6)
    assert saved["family"]["reason"].startswith("visits holds whole numbers from 0")


@pytest.mark.usefixtures("folder")
def test_amounts_by_the_family_that_is_asked_for(capsys):
    run("fit", "rows.csv", "--model", "lasso", "--family", "gamma", "--save", "model.json", target="paid")
    assert "Family: gamma; as asked for." in capsys.readouterr().out
    run("predict", "model.json", "rows.csv")
    assert min(float(line) for line in capsys.readouterr().out.split()[1:]) > 0.0


@pytest.mark.usefixtures("folder")
def test_gaps_are_filled_from_the_training_rows(capsys):
    run("compare", "gaps.csv", "--repeats", "1", "--candidates", "ridge", target="state")
    run("fit", "gaps.csv", "--model", "ridge", "--save", "model.json", target="state")
    run("predict", "model.json", "gaps.csv")
    assert len(capsys.readouterr().out.split("probability_well\n")[1].split()) == 120


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("typed", "target", "message"),
    [
        (["compare", "rows.csv"], "rare", "class 'once' of target 'rare' has 1 row"),
        (["fit", "rows.csv", "--model", "lasso"], "rare", "can't spread the classes over training and test"),
        (["fit", "rows.csv", "--model", "lasso", "--test-size", "0"], "rare", "class 'once' of target 'rare' has 1 tr"),
        (["fit", "rows.csv", "--model", "lasso", "--family", "gamma"], "visits", "must be an amount above 0 in every"),
        (
            ["fit", "rows.csv", "--model", "lasso", "--family", "poisson"],
            "x0",
            "must be 0 or more in every row for the",
        ),
        (
            ["compare", "rows.csv", "--family", "binomial"],
            "paid",
            "must have two different values for the binomial family, got 120",
        ),
        (["compare", "rows.csv", "--family", "logit"], "state", "family must be one of"),
    ],
)
def test_mistakes_are_one_line(capsys, typed, target, message):
    run(*typed, target=target, code=2)
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    "spoil", [{"name": "logit"}, {"classes": ["ill"]}, {"parameters": {"power": 3}}, {"name": "tweedie"}]
)
def test_a_spoiled_family_is_refused(folder, capsys, spoil):
    run("fit", "rows.csv", "--model", "ridge", "--alpha", "0.1", "--save", "model.json", target="state")
    plain = json.loads((folder / "model.json").read_text())
    plain["family"] |= spoil
    (folder / "model.json").write_text(json.dumps(plain))
    run("predict", "model.json", "rows.csv", code=2)
    assert "family" in capsys.readouterr().err
