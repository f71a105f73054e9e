"""`foldwise compare` and `foldwise demo`: what they print and write, and that what they suggest can be typed."""

import json
import re
import shlex
from pathlib import Path

import pytest

from foldwise import compare
from foldwise.cli import main
from foldwise.datasets import UNITS, auto_mpg
from foldwise.report import to_json


def run(*arguments: object) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


@pytest.fixture
def cars(tmp_path) -> Path:
    """The auto-mpg table with a text column that is left out."""
    path = tmp_path / "cars.csv"
    table = auto_mpg("pandas")
    table.assign(name=[f"car {i}" for i in range(len(table))]).to_csv(path, index=False)
    return path


QUICK = ["--repeats", "1", "--folds", "4"]


def test_json_is_the_comparison(cars, capsys):
    assert run("compare", cars, "--target", "mpg", "--drop", "name", "--seed", 3, "--json", *QUICK) == 0
    shown = capsys.readouterr().out
    assert shown == to_json(compare(cars, target="mpg", drop=["name"], folds=4, repeats=1, seed=3))
    assert json.loads(shown)["target"]["name"] == "mpg"


def test_the_folder_holds_what_was_shown_and_the_same_seed_gives_the_same_bytes(cars, tmp_path, capsys):
    written = {}
    for name in ("first", "second/below"):
        folder = tmp_path / name
        assert run("compare", cars, "--target", "mpg", "--drop", "name", "--out", folder, *QUICK) == 0
        assert f"written to {folder}: report.html to look at, report.json" in capsys.readouterr().out
        written[name] = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        assert {"report.html", "report.json", "report.txt", "run.json"} <= set(written[name])
    for file in ("report.json", "report.txt"):
        assert written["first"][file] == written["second/below"][file]
    assert run("compare", cars, "--target", "mpg", "--drop", "name", "--json", *QUICK) == 0
    assert capsys.readouterr().out.encode() == written["first"]["report.json"]


def test_another_seed_gives_another_report(cars, capsys):
    shown = []
    for seed in (0, 1):
        assert run("compare", cars, "--target", "mpg", "--drop", "name", "--json", "--seed", seed, *QUICK) == 0
        shown.append(json.loads(capsys.readouterr().out))
    assert shown[0] != shown[1]


def test_a_category_is_taken_apart(cars, capsys):
    arguments = ["compare", cars, "--target", "mpg", "--drop", "name", "--category", "origin", "--json", *QUICK]
    assert run(*arguments) == 0
    assert '"origin=2"' in capsys.readouterr().out


def test_notes_are_in_the_report_and_not_said_twice(cars, capsys):
    assert run("compare", cars, "--target", "mpg", *QUICK) == 0
    out, err = capsys.readouterr()
    assert out.count("'name' left out") == 1
    assert err == ""


def test_nothing_is_written_for_a_table_that_cannot_be_used(tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text("x,y\n1,2\n2,2\n", encoding="utf-8")
    assert run("compare", table, "--target", "y", "--out", tmp_path / "report") == 2
    assert capsys.readouterr().err == "error: target 'y' is 2 in every row; there is nothing to predict\n"
    assert list(tmp_path.iterdir()) == [table]


def test_the_demo_answers_and_says_what_to_type_next(cars, tmp_path, monkeypatch, capsys):
    assert run("demo") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("The table: 398 cars")
    expected = compare(auto_mpg(), target="mpg", units=UNITS)
    told = " ".join(out.split())
    for sentence in expected.sentences:
        assert " ".join(sentence.split()) in told

    monkeypatch.chdir(tmp_path)
    suggested = re.findall(r"^ +foldwise (.*)$", out, flags=re.MULTILINE)
    assert len(suggested) == 3
    for line in suggested:
        typed = shlex.split(line.replace("TABLE", str(cars)).replace("COLUMN", "mpg"))
        assert run(*typed, *(QUICK if typed[0] == "compare" else [])) == 0
    assert (tmp_path / "report" / "report.json").is_file()


def test_candidates_are_named(tmp_path, capsys):
    path = tmp_path / "cars.csv"
    table = auto_mpg("pandas")
    table.assign(origin=table["origin"].map({1: "USA", 2: "Europe", 3: "Japan"})).to_csv(path, index=False)
    asked = ["compare", path, "--target", "mpg", "--candidates", "ols, group-lasso"]
    assert run(*asked, "--json", *QUICK) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {candidate["name"] for candidate in shown["candidates"]} == {"least squares", "group lasso"}
    assert run(*asked, *QUICK) == 0
    text = capsys.readouterr().out
    assert "group lasso" in text
    assert run("compare", path, "--target", "mpg", "--candidates", "ols,svm", *QUICK) == 2
    assert "candidates must be among" in capsys.readouterr().err
    assert run("compare", path, "--target", "mpg", "--drop", "origin", "--candidates", "group-lasso", *QUICK) == 2
    assert "without categories" in capsys.readouterr().err
