"""Exports of three classes and more, of times to an event and of offsets; of reports, models and formulas."""

import json
import sqlite3
import warnings

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from scipy.special import softmax

import foldwise as fw
from foldwise.cli.model_file import SavedModel
from foldwise.cli.winner import winner_of
from foldwise.errors import InputError
from foldwise.export import exported
from foldwise.families import Binomial, Cox, Gaussian, Multinomial, Poisson
from foldwise.report.write import to_json
from foldwise.study.measure import Modelled
from foldwise.tables import Recipe, make_design

pytest.importorskip("onnx", reason="onnx is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::foldwise.errors.DataWarning")  # small tables look odd
LANGUAGES = (".onnx", ".sql", ".py")
SLOW = settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
CLASSES = ("no 'x'", 'yes "y"\n', "{eta}; --", "é")
texts = st.one_of(
    st.sampled_from(
        ['"', "'; --", "line_1", "foldwise_line_1", "FOLDWISE_LINE_LARGEST", "prediction", "probabilities"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6),
)
names = st.lists(texts, min_size=4, max_size=4, unique_by=lambda name: name.casefold())


def table_of(names, rng, n=40):
    x, flag, kind, added = names
    return {
        x: pa.array([None if rng.random() < 0.1 else value for value in 3.0 * rng.normal(size=n)]),
        flag: pa.array([None if u < 0.1 else u < 0.5 for u in rng.random(n).tolist()]),
        kind: pa.array([None if rng.random() < 0.1 else "abc"[i] for i in rng.integers(3, size=n)]),
        added: pa.array([None, *rng.normal(size=n - 1)]),
    }


def recipe_of(table, offset):
    return Recipe.learn(make_design(table, drop=[offset]), indicators=True, min_level_count=1)


@given(names, st.integers(2, 4), st.integers(0, 99))
@example(["x", "flag", "kind", "w"], 3, 1)
@SLOW
def test_several_classes_in_every_language(names, count, seed):
    rng = np.random.default_rng(seed)
    table = table_of(names, rng)
    recipe = recipe_of(table, names[3])
    coef = np.where(rng.random((len(recipe.names), count)) < 0.7, rng.normal(size=(len(recipe.names), count)), 0.0)
    coef[0, 0] = 1.0
    coef[:, -1] *= seed % 2  # sometimes a class in whose line nothing counts
    modelled = Modelled(Multinomial(), 'target "\n', "", CLASSES[:count])
    for suffix in LANGUAGES:
        assert exported(suffix, recipe, coef, rng.normal(size=count), modelled, table)  # which has checked every row


@given(names, st.sampled_from([Gaussian(), Poisson(), Binomial(), Cox()]), st.integers(0, 99))
@SLOW
def test_offsets_and_log_hazards_in_every_language(names, family, seed):
    rng = np.random.default_rng(seed)
    table = table_of(names, rng)
    recipe = recipe_of(table, names[3])
    modelled = Modelled(family, "y", "", CLASSES[:2] if family.is_two_class else ())
    intercept = 0.0 if family.shares_rows else 0.7
    for suffix in LANGUAGES:
        assert exported(suffix, recipe, rng.normal(size=len(recipe.names)), intercept, modelled, table, offset=names[3])


def columns_and_model():
    rng = np.random.default_rng(5)
    table = {"x": pa.array(rng.normal(size=30)), "kind": pa.array(["oak", "ash", "elm"] * 10)}
    return table, Recipe.learn(make_design(table), min_level_count=1)


def test_chances_are_used_as_the_files_say():
    """Without the code that checks, where a plain softmax would overflow."""
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    table, recipe = columns_and_model()
    rng = np.random.default_rng(6)
    coef, intercept = rng.normal(size=(len(recipe.names), 3)), np.array([0.5, -0.5, 0.0])
    coef[0] = [1000.0, -900.0, 0.0]
    modelled = Modelled(Multinomial(), "y", "", ("a", "b", "c"))
    new = [(2.0, "oak"), (-3.0, "elm"), (None, "yew"), (0.0004, None)]
    typed = {"x": pa.array([x for x, _ in new]), "kind": pa.array([kind for _, kind in new])}
    expected = softmax(recipe.encode_table(pa.table(typed)) @ coef + intercept, axis=1)
    labels = [modelled.classes[at] for at in expected.argmax(axis=1)]

    base = sqlite3.connect(":memory:")
    base.create_function("EXP", 1, np.exp)
    base.execute("CREATE TABLE trees (id INTEGER, x REAL, kind TEXT)")
    base.executemany("INSERT INTO trees VALUES (?, ?, ?)", [(at, *row) for at, row in enumerate(new)])
    text = (
        exported(".sql", recipe, coef, intercept, modelled, table)
        .decode()
        .replace("FROM t AS t\n", "FROM trees AS t\n")
    )
    columns = 'prediction, "probability_a", "probability_b", "probability_c"'
    found = base.execute(f"SELECT {columns} FROM ({text}) ORDER BY id").fetchall()  # noqa: S608
    assert [row[0] for row in found] == labels
    np.testing.assert_allclose(np.array([row[1:] for row in found]), expected, rtol=1e-12)

    space: dict = {}
    exec(exported(".py", recipe, coef, intercept, modelled, table).decode(), space)  # noqa: S102 - what is tested
    rows = [{"x": x, "kind": kind} for x, kind in new]
    np.testing.assert_allclose([space["probabilities"](row) for row in rows], expected, rtol=1e-12)
    assert [space["predict"](row) for row in rows] == labels

    session = runtime.InferenceSession(exported(".onnx", recipe, coef, intercept, modelled, table))
    x = np.array([[np.nan if value is None else value] for value, _ in new])
    kind = np.array([["" if value is None else value] for _, value in new], dtype=object)
    prediction, chances = session.run(["prediction", "probabilities"], {"x": x, "kind": kind})
    np.testing.assert_allclose(chances, expected, rtol=1e-12)
    assert prediction[:, 0].tolist() == labels


def test_the_log_hazard_ratio_is_called_so():
    table, recipe = columns_and_model()
    model = (recipe, np.ones(len(recipe.names)), 0.0, Modelled(Cox(), "days to died", ""), table)
    words = "the log hazard ratio of 'days to died', relative to a row of zeros"
    assert f"-- {words}" in exported(".sql", *model).decode()
    text = exported(".py", *model).decode()
    assert text.startswith(f"# {words}")
    space: dict = {}
    exec(text, space)  # noqa: S102 - what is tested
    assert space["log_hazard_ratio"]({"x": 2.0, "kind": "yew"}) == pytest.approx(2.0)
    onnx = pytest.importorskip("onnx")
    made = onnx.load_from_string(exported(".onnx", *model))
    assert [each.name for each in made.graph.output] == ["log_hazard_ratio"]
    assert made.doc_string == words


def test_classes_that_differ_in_case_alone_have_no_sql():
    table, recipe = columns_and_model()
    modelled = Modelled(Multinomial(), "y", "", ("a", "A", "b"))
    with pytest.raises(InputError, match="columns 'probability_a' and 'probability_A' differ in case alone"):
        exported(".sql", recipe, np.ones((len(recipe.names), 3)), np.zeros(3), modelled, table)


def rows_of(n=90):
    rng = np.random.default_rng(2)
    x, exposure = rng.normal(size=n), np.log(rng.uniform(0.2, 3.0, size=n))
    time, end = np.ceil(8.0 * rng.exponential(np.exp(-x))), np.ceil(rng.uniform(1.0, 20.0, size=n))
    known = np.where(rng.random(n) < 0.1, np.nan, x)
    return {
        "x": known.tolist(),
        "tree": rng.choice(["ash", "oak", "elm"], size=n).tolist(),
        "days": np.minimum(time, end).tolist(),
        "died": (time <= end).tolist(),
        "kind": np.select([x + rng.normal(size=n) < -0.5, x < 0.6], ["a", "b"], "it's").tolist(),
        "log_exposure": exposure.tolist(),
        "count": rng.poisson(np.exp(0.5 * x + exposure)).tolist(),
    }


WAYS = {
    "classes": ({"target": "kind"}, []),
    "times": ({"time": "days", "event": "died"}, []),
    "offset": ({"target": "count", "offset": "log_exposure"}, ["log_exposure"]),
}


@pytest.mark.parametrize("way", list(WAYS))
def test_a_reports_winner_predicts_what_it_says(way):
    """The model of a report has the report's line, also when it is read again, and every language holds it."""
    asked, more = WAYS[way]
    rows = {name: values for name, values in rows_of().items() if name in {"x", "tree", *asked.values()}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        comparison = fw.compare(rows, **asked, candidates=["ridge", "lasso"], folds=3, repeats=1, alphas=6)
    report = json.loads(to_json(comparison))
    model, name = winner_of(report, rows)
    again = SavedModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again == model
    names = [column.name for column in comparison.columns]
    result = comparison.result(name)
    tree, x = np.array(rows["tree"]), np.array(rows["x"])
    X = np.column_stack([
        np.where(np.isnan(x), np.nanmedian(x), x) if each == "x" else tree == each.removeprefix("tree=")
        for each in names
    ])  # fmt: skip
    eta = X @ result.coef + result.intercept
    eta += np.array(rows["log_exposure"]) if more else 0.0
    expected = softmax(eta, axis=1) if way == "classes" else np.exp(eta)
    np.testing.assert_allclose(model.predict(rows), expected, rtol=1e-9)
    for suffix in LANGUAGES:
        assert model.exported(suffix, rows)
    if more:
        gaps = rows | {"log_exposure": [None, *rows["log_exposure"][1:]]}
        with pytest.raises(InputError, match="'log_exposure', the offset, is missing in 1 of 90 rows, first at row 1"):
            model.predict(gaps)
        with pytest.raises(InputError, match="'log_exposure' is missing, the offset"):
            model.predict({each: rows[each] for each in ("x", "tree")})


def test_a_table_with_other_counts_is_refused():
    rows = {name: values for name, values in rows_of().items() if name in {"x", "count", "log_exposure"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        comparison = fw.compare(rows, target="count", offset="log_exposure", candidates="ridge", folds=3, repeats=1)
    report = json.loads(to_json(comparison))
    other = rows | {"count": [value + 1 for value in rows["count"]]}
    with pytest.raises(InputError, match="the table is not the report's: its rows are 1 off on average"):
        winner_of(report, other)
