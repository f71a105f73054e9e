"""Exports predict what the model predicts, whatever columns and levels are called, or they are not written."""

import ast
import json
import re
import sqlite3
import string
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from foldwise.cli import main
from foldwise.errors import InputError
from foldwise.export import Formula, checked, exported
from foldwise.export.python_code import python_text
from foldwise.export.sql import sql_text
from foldwise.families import Binomial, Cloglog, Gaussian, Poisson, Probit
from foldwise.study.measure import Modelled
from foldwise.tables import Recipe, make_design

pytest.importorskip("onnx", reason="onnx is not installed")
# Random tables look odd: rare levels, columns without much in them.
pytestmark = pytest.mark.filterwarnings("ignore::foldwise.errors.DataWarning")

SLOW = settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
LANGUAGES = (".onnx", ".sql", ".py")
FAMILIES = {"identity": Gaussian(), "log": Poisson(), "logit": Binomial(), "cloglog": Cloglog()}
NASTY = [
    '"',
    "'",
    "a\nb",
    '"; DROP TABLE t; --',
    "*/",
    "\\",
    "\\'",
    "select",
    "TRUE",
    "row",
    "v1",
    "prediction",
    "{eta}",
    "é\u2028",
]
texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6),
)
names = st.lists(texts, min_size=4, max_size=4, unique_by=lambda name: name.casefold())


def table_of(names, levels, rng, n=60):
    number, flag, kind, code = names
    x = rng.normal(size=n) * 3.0
    return {
        number: pa.array([None if rng.random() < 0.1 else value for value in x]),
        flag: pa.array([None if u < 0.1 else u < 0.5 for u in rng.random(n).tolist()]),
        kind: pa.array([None if rng.random() < 0.1 else levels[i] for i in rng.integers(len(levels), size=n)]),
        code: pa.array(rng.integers(3, size=n)),
    }


def model_of(table, family, rng, *, min_level_count=10):
    design = make_design(table, categories=[list(table)[3]])
    recipe = Recipe.learn(design, indicators=True, min_level_count=min_level_count)
    coef = np.where(rng.random(len(recipe.names)) < 0.8, rng.normal(size=len(recipe.names)), 0.0)
    classes = ("no 'x'", 'yes "y"\n') if family.is_two_class else ()
    return recipe, coef.tolist(), float(rng.normal()), Modelled(family, 'target "\n', "", classes)


@given(names, st.lists(texts, min_size=3, max_size=5, unique=True), st.sampled_from(list(FAMILIES)), st.integers(0, 99))
@example(["x", "flag", "FALSE", "TRUE"], ["a", "b", "c"], "logit", 52)
@example(["x", "flag", "kind", "code"], ["", "b", "c"], "identity", 1)
@SLOW
def test_every_language_holds_any_text(names, levels, link, seed):
    rng = np.random.default_rng(seed)
    table = table_of(names, levels, rng)
    model = model_of(table, FAMILIES[link], rng, min_level_count=int(rng.choice([1, 10])))
    for suffix in LANGUAGES:
        assert exported(suffix, *model, table)  # which has checked every row


def formula_of(names, levels):
    rng = np.random.default_rng(0)
    table = table_of(names, levels, rng)
    recipe, coef, intercept, modelled = model_of(table, Gaussian(), rng, min_level_count=1)
    return Formula.of(recipe, [1.0] * len(coef), intercept, modelled, table)


@given(names, st.lists(texts, min_size=3, max_size=3, unique=True))
@settings(SLOW, max_examples=60)
def test_text_never_becomes_code(names, levels):
    mine, plain = formula_of(names, levels), formula_of(["a", "b", "c", "d"], ["x", "y", "z"])

    def shape(text):
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant):
                node.value = type(node.value).__name__
        return ast.dump(tree)

    def skeleton(text):
        bare = re.sub(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""", "text", text.split("\n", 2)[2])
        return re.sub(r"-?\d[\d.e+-]*(E0)?", "0", bare)

    assert shape(python_text(mine)) == shape(python_text(plain))
    assert skeleton(sql_text(mine)) == skeleton(sql_text(plain))
    assert set(sql_text(mine).split("\n", 2)[0]) <= set(string.printable) - set("\r\v\f")


def test_a_file_is_used_as_it_says():
    """Without the code that checks: by SQLite, another Python and onnxruntime, with missing and unseen values."""
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    rng = np.random.default_rng(3)
    table = table_of(["x", "flag", "kind", "code"], ["oak", "ash", "elm"], rng)
    recipe, coef, intercept, modelled = model_of(table, Binomial(), rng, min_level_count=1)
    new = [(1.5, True, "elm", 2), (None, None, None, 1), (-2.0, False, "yew", 9)]
    columns = {name: [row[at] for row in new] for at, name in enumerate(table)}
    typed = {name: pa.array(values, table[name].type) for name, values in columns.items()}
    eta = recipe.encode_table(pa.table(typed)) @ np.array(coef) + intercept
    expected = 1.0 / (1.0 + np.exp(-eta))

    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE t (x REAL, flag BOOLEAN, kind TEXT, code INTEGER)")
    base.create_function("EXP", 1, np.exp)
    base.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", new)
    sql = exported(".sql", recipe, coef, intercept, modelled, table).decode()
    found = [value for (value,) in base.execute(f"SELECT (\n{sql}) FROM t")]  # noqa: S608
    np.testing.assert_allclose(found, expected, rtol=1e-13)

    space: dict = {}
    exec(exported(".py", recipe, coef, intercept, modelled, table).decode(), space)  # noqa: S102 - what is tested
    rows = [dict(zip(table, row, strict=True)) for row in new]
    np.testing.assert_allclose([space["probability"](row) for row in rows], expected, rtol=1e-13)
    labels = [modelled.classes[int(chance > 0.5)] for chance in expected]
    assert [space["predict"](row) for row in rows] == labels

    session = runtime.InferenceSession(exported(".onnx", recipe, coef, intercept, modelled, table))
    kinds = {each.name: each.type for each in session.get_inputs()}
    given = {
        name: np.array([["" if v is None else v] for v in columns[name]], dtype=object)
        if "string" in kinds[name]
        else np.array([[np.nan if v is None else float(v)] for v in columns[name]])
        for name in kinds
    }
    prediction, probability = session.run(None, given)
    np.testing.assert_allclose(probability[:, 0], expected, rtol=1e-13)
    assert prediction[:, 0].tolist() == labels


@pytest.mark.parametrize("suffix", LANGUAGES)
def test_what_predicts_otherwise_is_refused(suffix, monkeypatch):
    rng = np.random.default_rng(0)
    table = table_of(["x", "flag", "kind", "code"], ["oak", "ash"], rng)
    recipe, coef, intercept, modelled = model_of(table, Gaussian(), rng)
    right = Formula.of

    def wrong(*given):
        formula = right(*given)
        object.__setattr__(formula.lines[0], "intercept", formula.lines[0].intercept * (1.0 + 1e-9))
        return formula

    monkeypatch.setattr(Formula, "of", wrong)
    with pytest.raises(InputError, match=rf"the \{suffix} file is not written: it predicts .* for row 1 where"):
        exported(suffix, recipe, coef, intercept, modelled, table)


def test_an_unseen_level_that_is_taken_for_a_known_one_is_noticed(monkeypatch):
    table = {"kind": pa.array(["oak", "ash", "elm"] * 20)}
    recipe = Recipe.learn(make_design(table))
    write, run = checked.SUFFIXES[".py"]
    monkeypatch.setitem(checked.SUFFIXES, ".py", (lambda f: write(f).replace(b"x, 0.0)", b"x, 9.0)"), run))
    with pytest.raises(InputError, match="for a row of unseen levels where"):
        exported(".py", recipe, [1.0, 2.0, 3.0, 4.0], 0.0, Modelled(Gaussian(), "y", ""), table)


@pytest.mark.parametrize(
    ("suffix", "names", "levels", "message"),
    [
        (".sql", ["a\0", "b", "c", "d"], ["x", "y"], "SQL can't hold the column name 'a.x00'"),
        (".sql", ["a", "b", "c", "d"], ["x", "y\0"], "SQL can't hold the level 'y.x00'"),
        (".sql", ["a", "A", "c", "d"], ["x", "y"], "columns 'a' and 'A' differ in case alone"),
    ],
)
def test_what_a_language_cannot_hold_is_named(suffix, names, levels, message):
    rng = np.random.default_rng(0)
    table = table_of(names, levels, rng)
    recipe, coef, intercept, modelled = model_of(table, Gaussian(), rng)
    with pytest.raises(InputError, match=message):
        exported(suffix, recipe, [1.0] * len(coef), intercept, modelled, table)


def test_true_and_false_are_codes_too():
    rng = np.random.default_rng(0)
    flag = pa.array([None if u < 0.2 else u < 0.6 for u in rng.random(60).tolist()])
    table = {"TRUE": flag, "x": pa.array(rng.normal(size=60))}
    recipe = Recipe.learn(make_design(table, categories=["TRUE"]), min_level_count=1)
    assert "TRUE=(missing)" in recipe.names
    for suffix in LANGUAGES:
        assert exported(
            suffix, recipe, [1.5, -2.5, 4.5, 0.5, 0.0][: len(recipe.names)], 0.5, Modelled(Gaussian(), "y", ""), table
        )


def test_probit_is_python_only():
    table = {"x": pa.array(np.arange(9.0))}
    recipe = Recipe.learn(make_design(table))
    model = (recipe, [0.3], -1.0, Modelled(Probit(), "y", "", (False, True)))
    assert b"erfc" in exported(".py", *model, table)
    for suffix in (".sql", ".onnx"):
        with pytest.raises(InputError, match="for the probit link"):
            exported(suffix, *model, table)


@pytest.mark.parametrize("suffix", [".sql", ".py"])
def test_a_model_without_features_is_its_intercept(suffix):
    table = {"x": pa.array(np.arange(9.0))}
    recipe = Recipe.learn(make_design(table))
    assert exported(suffix, recipe, [0.0], 2.5, Modelled(Gaussian(), "y", ""), table)
    with pytest.raises(InputError, match="ONNX needs a column"):
        exported(".onnx", recipe, [0.0], 2.5, Modelled(Gaussian(), "y", ""), table)


def test_a_thousand_columns_are_not_too_deep():
    rng = np.random.default_rng(1)
    table = {f"x{j}": pa.array(rng.normal(size=5)) for j in range(1200)}
    recipe = Recipe.learn(make_design(table))
    coef = rng.normal(size=1200).tolist()
    assert exported(".sql", recipe, coef, 0.5, Modelled(Gaussian(), "y", ""), table)


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def test_the_command_line_writes_all_or_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = ["height,kind,grew"] + [f"{i % 7},{'ab'[i % 2]},{i % 7 + 2 * (i % 2) + (i % 3) / 9}" for i in range(60)]
    (tmp_path / "trees.csv").write_text("\n".join(lines), encoding="utf-8")
    files = ["--export", "m.sql", "--export", "m.py", "--export", "m.onnx"]
    assert run("fit", "trees.csv", "--target", "grew", "--model", "ols", "--save", "m.json", *files) == 0
    assert capsys.readouterr().out.count("predicts every row of the table as the model does") == 3
    fitted = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert run("export", "m.json", "trees.csv", "--out", "b.sql", "--out", "b.py", "--out", "b.onnx") == 0
    for suffix in LANGUAGES:
        assert (tmp_path / f"b{suffix}").read_bytes() == fitted[f"m{suffix}"]
    plain = json.loads(fitted["m.json"])
    plain["recipe"] = json.loads(json.dumps(plain["recipe"]).replace('"height"', '"heig\\u0000ht"'))
    plain["coefficients"] = {name.replace("height", "heig\0ht"): v for name, v in plain["coefficients"].items()}
    (tmp_path / "odd.json").write_text(json.dumps(plain), encoding="utf-8")
    table = (tmp_path / "trees.csv").read_text(encoding="utf-8").splitlines()
    rows = [dict(zip(["heig\0ht", "kind", "grew"], line.split(","), strict=True)) for line in table[1:]]
    typed = [{"heig\0ht": float(row["heig\0ht"]), "kind": row["kind"]} for row in rows]
    (tmp_path / "odd.jsonl").write_text("\n".join(map(json.dumps, typed)), encoding="utf-8")
    assert run("export", "odd.json", "odd.jsonl", "--out", "c.py", "--out", "c.sql") == 2
    assert "SQL can't hold the column name" in capsys.readouterr().err
    assert not (tmp_path / "c.py").exists()


def test_onnx_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    table = {"x": pa.array(np.arange(9.0))}
    recipe = Recipe.learn(make_design(table))
    with pytest.raises(InputError, match=r"pip install foldwise\[onnx\]"):
        exported(".onnx", recipe, [1.0], 2.5, Modelled(Gaussian(), "y", ""), table)
