"""`foldwise fit` and `predict` of three classes and more, and of times to an event."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

import foldwise as fw
from foldwise.cli import main
from foldwise.cli.training import split_rows

LABELS = ["ash", "elm", "oak"]


def run(*typed, code=0):
    with pytest.raises(SystemExit) as caught:
        main([str(each) for each in typed])
    assert caught.value.code == code


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng, rng.normal(size=(120, 3))


@pytest.fixture
def trees(rows, tmp_path, monkeypatch):
    rng, x = rows
    eta = np.column_stack([x[:, 0], x[:, 1], -x[:, 0]]) + rng.gumbel(size=(120, 3))
    table = pd.DataFrame(x, columns=["a", "b", "c"]).assign(kind=np.array(LABELS)[eta.argmax(axis=1)])
    monkeypatch.chdir(tmp_path)
    table.to_csv("trees.csv", index=False)
    return table


@pytest.fixture
def ward(rows, tmp_path, monkeypatch):
    rng, x = rows
    died, left = rng.exponential(np.exp(-x[:, 0])), rng.exponential(2.0, size=120)
    table = pd.DataFrame(x, columns=["a", "b", "c"]).assign(days=np.minimum(died, left), dead=(died < left).astype(int))
    monkeypatch.chdir(tmp_path)
    table.to_csv("ward.csv", index=False)
    return table


def test_the_model_of_three_classes_is_scikit_learns(trees, capsys):
    run("fit", "trees.csv", "--target", "kind", "--model", "ridge", "--alpha", "0.1", "--save", "model.json")
    page = capsys.readouterr().out
    codes = np.unique(trees["kind"], return_inverse=True)[1]
    training, test = split_rows(120, 0.25, 45, codes.astype(float))
    x = trees[["a", "b", "c"]].to_numpy()
    model = LogisticRegression(C=1.0 / (0.1 * len(training)), tol=1e-10, max_iter=10_000).fit(
        x[training], codes[training]
    )
    plain = json.loads(Path("model.json").read_text(encoding="utf-8"))
    assert plain["version"] == 3
    assert plain["family"]["classes"] == LABELS
    np.testing.assert_allclose(np.array(list(plain["coefficients"].values())).T, model.coef_, atol=1e-6)
    chances = model.predict_proba(x[test])
    assert plain["training"]["test_deviance"] == pytest.approx(2.0 * log_loss(codes[test], chances), rel=1e-6)
    auc = roc_auc_score(codes[test], chances, multi_class="ovr")
    assert plain["training"]["test_scores"]["auc"] == pytest.approx(auc)
    assert f"{plain['training']['test_deviance']:.6g}" in page
    assert re.search(r"^per SD +ash +elm +oak$", page, re.MULTILINE)
    run("predict", "model.json", "trees.csv")
    lines = [line.split(",") for line in capsys.readouterr().out.split()]
    assert lines[0] == ["prediction", *(f"probability_{label}" for label in LABELS)]
    told = np.array([line[1:] for line in lines[1:]], dtype=float)
    np.testing.assert_allclose(told, model.predict_proba(x), atol=1e-6)
    assert [line[0] for line in lines[1:]] == [LABELS[at] for at in told.argmax(axis=1)]


def test_the_model_of_times_is_the_estimators(ward, capsys):
    run(
        "fit",
        "ward.csv",
        "--time",
        "days",
        "--event",
        "dead",
        "--model",
        "lasso",
        "--alpha",
        "0.05",
        "--save",
        "m.json",
    )
    assert "concordance" in capsys.readouterr().out
    training, test = split_rows(120, 0.25, 45, ward["dead"].to_numpy())
    x, y = ward[["a", "b", "c"]].to_numpy(), ward[["days", "dead"]].to_numpy(dtype=float)
    model = fw.CoxRegressor(alpha=0.05, l1_ratio=1.0).fit(x[training], y[training])
    plain = json.loads(Path("m.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(list(plain["coefficients"].values()), model.coef_, atol=1e-6)
    assert plain["training"]["test_scores"]["concordance"] == pytest.approx(model.score(x[test], y[test]))
    run("predict", "m.json", "ward.csv")
    told = np.array(capsys.readouterr().out.split()[1:], dtype=float)
    np.testing.assert_allclose(told, np.exp(x @ model.coef_), rtol=1e-6)


def test_a_strength_is_chosen_for_both(trees, ward, capsys):
    assert len(trees) == len(ward)
    run("fit", "trees.csv", "--target", "kind", "--model", "lasso")
    assert "chosen by 10-fold cross-validation" in capsys.readouterr().out
    run("fit", "ward.csv", "--time", "days", "--event", "dead", "--model", "ridge", "--test-size", "0")
    assert "chosen by 10-fold cross-validation" in capsys.readouterr().out


@pytest.mark.usefixtures("trees", "ward")
@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--time", "days"], "event must be given with time"),
        (["--time", "days", "--event", "a"], "event 'a' must be 1 (it came) or 0"),
        (["--model", "lasso"], "target must name a column of the table (or time and event two of them), got None"),
        (["--target", "days", "--family", "cox"], "time and event must be given for family='cox'"),
    ],
)
def test_mistakes_are_one_line(capsys, typed, message):
    run("fit", "ward.csv", "--model", "ridge", *typed, code=2)
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


@pytest.mark.usefixtures("trees")
def test_three_classes_are_exported(capsys):
    run("fit", "trees.csv", "--target", "kind", "--model", "ridge", "--alpha", "0.1", "--export", "kind.sql")
    assert "exported: kind.sql; it predicts every row of the table as the model does" in capsys.readouterr().out
    run("fit", "trees.csv", "--target", "kind", "--model", "ridge", "--alpha", "0.1", "--save", "model.json")
    plain = json.loads(Path("model.json").read_text(encoding="utf-8"))
    plain["coefficients"]["a"] = [1.0, 2.0]
    Path("model.json").write_text(json.dumps(plain), encoding="utf-8")
    capsys.readouterr()
    run("predict", "model.json", "trees.csv", code=2)
    assert "its coefficient of 'a' is not 3 numbers" in capsys.readouterr().err
