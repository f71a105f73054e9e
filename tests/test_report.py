"""The text page and the report directory."""

import json
import re
import sys
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import foldwise as fw
from foldwise import report
from foldwise.errors import InputError
from foldwise.report.bars import AXIS, signed_bar
from foldwise.report.numbers import same_decimals
from foldwise.report.tables import natural_width

DOCUMENTED = Path(__file__).resolve().parents[1] / "docs" / "report-json.md"
FILES = {"moments.npz", "paths.npz", "report.html", "report.json", "report.txt", "run.json"}
KINDS = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


@pytest.fixture(scope="module")
def cars():
    return fw.compare(fw.datasets.auto_mpg(), target="mpg", units=fw.datasets.UNITS, repeats=2)


@pytest.fixture(scope="module")
def mixed():
    """Twenty-five columns with a long name, levels, gaps and a large target without unit."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 24))
    table = {f"x{j}": x[:, j] for j in range(23)}
    table["a very long name [that] looks like :smile: markup"] = np.where(rng.random(90) < 0.1, np.nan, x[:, 23])
    table["kind"] = rng.choice(["oak", "ash", "elm"], size=90).tolist()
    table["price"] = 200_000.0 + 40_000.0 * x[:, 23] + 5_000.0 * rng.normal(size=90)
    return fw.compare(table, target="price", folds=4, repeats=2, alphas=15, l1_ratios=[0.5], indicators=True)


@pytest.fixture(scope="module")
def ill():
    """Two classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 4))
    table = {f"x{j}": x[:, j] for j in range(4)}
    table["state"] = np.where(2.0 * x[:, 0] + rng.logistic(size=90) > 0.0, "ill", "well")
    return fw.compare(table, target="state", folds=4, repeats=1, alphas=10, l1_ratios=[0.5])


def complaints(value, schema, defs, where="report") -> list[str]:
    """What in `value` breaks the part of JSON Schema that the documented schema uses."""
    if "$ref" in schema:
        return complaints(value, defs[schema["$ref"].rpartition("/")[2]], defs, where)
    unknown = set(schema) - {"$schema", "$defs", "properties", "required", "additionalProperties", "items", *CHECKS}
    assert not unknown, f"the checker does not know {unknown}"
    found = [f"{where}: {CHECKS[key](value, rule)}" for key, rule in schema.items() if key in CHECKS]
    found = [complaint for complaint in found if not complaint.endswith(": ")]
    if isinstance(value, dict):
        found += of_object(value, schema, defs, where)
    if isinstance(value, list):
        for at, item in enumerate(value):
            found += complaints(item, schema.get("items", {}), defs, f"{where}[{at}]")
    return found


def of_object(value, schema, defs, where) -> list[str]:
    found = [f"{where}: {key} is missing" for key in schema["required"] if key not in value]
    if schema["additionalProperties"] is False:
        found += [f"{where}: {key} is not documented" for key in value if key not in schema["properties"]]
    for key, part in schema["properties"].items():
        if key in value:
            found += complaints(value[key], part, defs, f"{where}.{key}")
    return found


def is_a(value, names) -> bool:
    listed = [names] if isinstance(names, str) else names
    return any(isinstance(value, KINDS[name]) and (name == "boolean") == isinstance(value, bool) for name in listed)


def is_number(value) -> bool:
    return is_a(value, "number")


CHECKS = {
    "type": lambda value, rule: "" if is_a(value, rule) else f"{value!r} is not of type {rule}",
    "const": lambda value, rule: "" if value == rule else f"{value!r} is not {rule!r}",
    "enum": lambda value, rule: "" if value in rule else f"{value!r} is not among {rule}",
    "minimum": lambda value, rule: "" if not is_number(value) or value >= rule else f"{value} is below {rule}",
    "maximum": lambda value, rule: "" if not is_number(value) or value <= rule else f"{value} is above {rule}",
    "minItems": lambda value, rule: "" if len(value) >= rule else f"{len(value)} entries are too few",
    "maxItems": lambda value, rule: "" if len(value) <= rule else f"{len(value)} entries are too many",
}


def schema() -> dict:
    (block,) = re.findall(r"```json\n(.*?)```", DOCUMENTED.read_text(encoding="utf-8"), flags=re.DOTALL)
    return json.loads(block)


@pytest.mark.parametrize("name", ["cars", "mixed", "ill"])
def test_report_json_is_what_the_documentation_says(name, request):
    plain = json.loads(report.to_json(request.getfixturevalue(name)))
    documented = schema()
    assert complaints(plain, documented, documented["$defs"]) == []
    p, outer = len(plain["features"]), plain["folds"]["folds"] * plain["folds"]["repeats"]
    for candidate in plain["candidates"]:
        assert {len(candidate[key]) for key in ("coef", "coef_per_sd", "survival", "sign", "sign_agreement")} == {p}
        assert {
            len(candidate[key])
            for key in ("chosen_alpha", "chosen_l1_ratio", "fold_deviance" if name == "ill" else "fold_mse")
        } == {outer}


def test_every_documented_key_is_explained_in_words():
    words = DOCUMENTED.read_text(encoding="utf-8").partition("## JSON Schema")[0]
    documented = schema()
    keys = set(documented["properties"])
    for part in ("candidate", "difference"):
        keys |= set(documented["$defs"][part]["properties"]) - {"name", "drops_features", "first", "second"}
    assert [key for key in sorted(keys) if f"`{key}`" not in words] == []


def test_the_checker_finds_what_is_wrong(cars):
    documented = schema()
    plain = json.loads(report.to_json(cars))
    plain["rows"], plain["surprise"] = "398", 1
    del plain["tests"]["level"]
    plain["candidates"][0]["survival"][2] = 1.5
    assert complaints(plain, documented, documented["$defs"]) == [
        "report: surprise is not documented",
        "report.rows: '398' is not of type integer",
        "report.tests: level is missing",
        "report.candidates[0].survival[2]: 1.5 is above 1",
    ]


def test_the_directory_has_its_files_and_the_same_seed_the_same_bytes(cars, tmp_path):
    again = fw.compare(fw.datasets.auto_mpg(), target="mpg", units=fw.datasets.UNITS, repeats=2)
    cars.report(tmp_path / "one" / "deep")
    again.report(str(tmp_path / "two"))
    one, two = tmp_path / "one" / "deep", tmp_path / "two"
    arrays = ["moments.npz", "paths.npz"]
    assert sorted(path.name for path in one.iterdir()) == [
        *arrays,
        "report.html",
        "report.json",
        "report.txt",
        "run.json",
    ]
    for name in ("report.json", "report.txt"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    run = json.loads((one / "run.json").read_text())
    assert set(run) == {"started", "seconds", "candidate_seconds", "versions", "python", "machine"}
    assert "seconds" not in (one / "report.txt").read_text(encoding="utf-8")
    assert "seconds" not in (one / "report.json").read_text(encoding="utf-8")


def test_a_report_replaces_the_one_before(cars, mixed, tmp_path):
    mixed.report(tmp_path)
    cars.report(tmp_path)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["target"]["name"] == "mpg"
    assert {path.name for path in tmp_path.iterdir()} == FILES


def test_a_place_that_cannot_be_written_is_an_input_error_and_nothing_is_left(cars, tmp_path):
    file = tmp_path / "taken"
    file.write_text("mine")
    for place in (file, file / "below"):
        with pytest.raises(InputError, match=r"directory must be one that can be written, got '.*taken"):
            cars.report(place)
    assert file.read_text() == "mine"
    blocked = tmp_path / "blocked"
    (blocked / "report.txt").mkdir(parents=True)
    with pytest.raises(InputError, match="directory must be one that can be written"):
        cars.report(blocked)
    assert list(blocked.glob(".*")) == []


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("name", ["cars", "mixed", "ill"])
def test_no_line_is_wider_than_asked_for_or_has_trailing_blanks(name, width, request):
    comparison = request.getfixturevalue(name)
    lines = report.text(comparison, width=width, color=False).splitlines()
    assert max(len(line) for line in lines) <= width
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("name", ["cars", "mixed", "ill"])
def test_at_eighty_columns_nothing_but_long_feature_names_is_cut(name, request):
    page = report.text(request.getfixturevalue(name), width=80, color=False)
    cut = [line.partition("  ")[0] for line in page.splitlines() if "…" in line]
    assert cut == (["a very long n…:smile: markup", "a very long n…rkup (missing)"] if name == "mixed" else [])


def test_the_page_opens_with_the_verdict_and_shows_every_candidate_and_feature(cars):
    page = report.text(cars, width=80, color=False)
    assert " ".join(page.partition("\n\n")[0].split()) == " ".join(cars.verdict.split())
    for r in cars.results:
        assert re.search(rf"^{r.name} +{r.rmse:.2f} +{r.interval[0]:.2f} to {r.interval[1]:.2f}", page, re.MULTILINE)
    for column in cars.columns:
        assert re.search(rf"^{column.name} ", page, re.MULTILINE)
    at = next(j for j, column in enumerate(cars.columns) if column.name == "year")
    assert f"{cars.explained.coef[at]:.3f} / years" in re.sub(" +", " ", page)


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("name", ["cars", "mixed", "ill"])
def test_all_bars_stand_on_one_axis_with_their_sign(name, width, request):
    comparison = request.getfixturevalue(name)
    rows = [line for line in report.text(comparison, width=width, color=False).splitlines() if AXIS in line]
    assert len(rows) == min(len(comparison.columns), 20)
    assert len({row.index(AXIS) for row in rows}) == 1
    for row in rows:
        left, _, right = row.partition(AXIS)
        value = right.strip(" █▌").split()[0]
        sign = "" if value == "dropped" else value[0]
        assert (left[-1] in "█▐", right[0] in "█▌") == (sign == "-", sign == "+")


def test_colours_only_where_wanted(cars, monkeypatch):
    assert "\x1b[" not in report.text(cars, color=False)
    coloured = report.text(cars, color=True, width=80)
    assert "\x1b[38;2;59;143;212m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split() == report.text(cars, color=False, width=80).split()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in report.text(cars)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in report.text(cars)


def test_piped_output_is_plain_and_eighty_wide(cars):
    assert report.text(cars) == report.text(cars, width=80, color=False)


def test_an_output_that_knows_only_ascii_gets_only_ascii(cars, monkeypatch):
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(BytesIO(), encoding="ascii"))
    page = report.text(cars, width=80)
    assert page.isascii()
    assert "###" in page


def test_markup_in_names_is_text(mixed):
    assert "[that]" in report.text(mixed, width=120, color=True)


def test_many_features_are_cut_to_the_strongest_and_the_title_says_so(mixed):
    page = report.text(mixed, width=80, color=False)
    assert f"the 20 strongest of {len(mixed.columns)}" in page


def test_a_single_candidate_has_no_pairs_to_explain():
    cars = fw.datasets.auto_mpg()
    alone = fw.compare(cars, target="mpg", candidates=["least squares"], repeats=1)
    page = report.text(alone, width=80, color=False)
    assert "Holm" not in page
    assert "Features of the least squares" in page


def test_notes_are_shown(cars):
    page = report.text(replace(cars, notes=("column 'name' left out",)), width=80, color=False)
    assert "Note: column 'name' left out." in page


@settings(deadline=None)
@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.integers(1, 20))
def test_bars_have_their_width_and_their_side(value, largest, half):
    left, right = signed_bar(value, largest, half)
    assert (len(left), len(right)) == (half, half)
    assert (left.strip() == "") == (value >= 0.0)
    assert (right.strip() == "") == (value <= 0.0)
    assert AXIS not in left + right


def test_the_largest_bar_fills_its_half():
    assert signed_bar(-3.0, 3.0, 5)[0] == "█" * 5
    assert signed_bar(1e-9, 3.0, 5)[1] == "▌    "


@settings(deadline=None)
@given(st.floats(1e-4, 1e6), st.floats(-1e6, 1e6))
def test_numbers_of_a_column_have_the_same_decimals(reference, value):
    write = same_decimals(reference)
    assert len(write(reference).rpartition(".")[2]) == len(write(value).rpartition(".")[2]) or "." not in write(value)
    assert float(write(reference).replace(",", "")) == pytest.approx(reference, rel=0.0051)


def test_tables_know_their_natural_width(cars):
    assert natural_width(report.tables.errors(cars, width=80)) <= 80
    assert "MAE" not in report.text(cars, width=80, color=False)
    assert f"{cars.best.scores['mae']:.2f}" in report.text(cars, width=100, color=False)
