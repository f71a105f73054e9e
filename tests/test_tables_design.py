"""A design equals the naive encoding of its table, whichever kind of table it comes from."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldwise.errors import DataWarning, InputError
from foldwise.tables import Design, make_design

LETTERS = st.sampled_from(["a", "b", "c", "d", None])
NUMBERS = st.one_of(st.none(), st.integers(-5, 5).map(float), st.floats(-1e6, 1e6))


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list]:
    """Mixed columns of 2 to 40 rows, with gaps; every column has at least two different values."""
    n = draw(st.integers(2, 40))

    def column(values: st.SearchStrategy, first: object, second: object) -> list:
        return [first, second, *draw(st.lists(values, min_size=n - 2, max_size=n - 2))]

    return {
        "x": column(NUMBERS, 0.5, 2.0),
        "flag": column(st.sampled_from([True, False, None]), first=True, second=False),
        "kind": column(LETTERS, "a", "b"),
        "y": column(st.floats(-10, 10), 1.0, 3.0),
    }


def design_of(table, **options) -> Design:
    """The design, whatever looks odd in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return make_design(table, **options)


def naive_levels(values: list, min_level_count: int) -> dict[str, np.ndarray]:
    """One-hot columns of a text column by pandas, with levels that are rare in the whole table pooled."""
    text = pd.Series(values, dtype=object).fillna("(missing)")
    counts = text.value_counts()
    dummies = pd.get_dummies(text).astype(float)
    names = sorted(counts.index, key=lambda level: (level == "(missing)", level))
    if len(names) == 2:
        return {f"kind={names[1]}": dummies[names[1]].to_numpy()}
    rare = [name for name in names if counts[name] < min_level_count]
    kept = [name for name in names if name not in rare]
    columns = {f"kind={name}": dummies[name].to_numpy() for name in kept} if len(kept) > 1 else {}
    if kept and (rare or counts[kept].min() < 3 * min_level_count):
        columns["kind=(other)"] = dummies[rare].sum(axis=1).to_numpy()
    return columns


@settings(deadline=None)
@given(tables(), st.integers(1, 6))
def test_equals_the_naive_encoding(table, limit):
    design = design_of(table, target="y", min_level_count=limit)
    expected = {
        "x": pd.Series(table["x"], dtype=float).to_numpy(),
        "flag": pd.Series([None if v is None else float(v) for v in table["flag"]], dtype=float).to_numpy(),
        **naive_levels(table["kind"], limit),
    }
    if limit <= len(table["kind"]) == len(set(table["kind"])):  # text that differs in every row is left out
        expected = {name: values for name, values in expected.items() if not name.startswith("kind=")}
    assert design.names == tuple(expected)
    np.testing.assert_array_equal(design.values, np.column_stack(list(expected.values())))
    np.testing.assert_array_equal(design.target, table["y"])


@settings(deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_permuting_rows_permutes_the_design(table, random):
    order = list(range(len(table["y"])))
    random.shuffle(order)
    design = design_of(table, target="y", min_level_count=3)
    shuffled = design_of({name: [values[i] for i in order] for name, values in table.items()}, min_level_count=3)
    kept = shuffled.values[:, : design.values.shape[1]]  # without a target, y is one more column, the last
    np.testing.assert_array_equal(kept, design.values[order])
    assert shuffled.names[:-1] == design.names


KINDS = {
    "pandas": pd.DataFrame,
    "pandas, nullable": lambda table: pd.DataFrame(table).convert_dtypes(),
    "pandas, arrow": lambda table: pd.DataFrame(table).convert_dtypes(dtype_backend="pyarrow"),
    "pandas, categorical": lambda table: pd.DataFrame(table).astype({"kind": "category"}),
    "pandas, objects": lambda table: pd.DataFrame(table, dtype=object),
    "polars": pl.DataFrame,
    "polars, lazy": pl.LazyFrame,
    "polars, categorical": lambda table: pl.DataFrame(table).with_columns(pl.col("kind").cast(pl.Categorical)),
    "pyarrow": pa.table,
    "pyarrow, dictionary": lambda table: pa.table({**table, "kind": pa.array(table["kind"]).dictionary_encode()}),
    "pyarrow, chunks": lambda table: pa.concat_tables([pa.table(table).slice(0, 1), pa.table(table).slice(1)]),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(table=tables())
def test_every_kind_of_dataframe_gives_the_same_design(kind, table):
    expected = design_of(table, target="y", min_level_count=3)
    design = design_of(KINDS[kind](table), target="y", min_level_count=3)
    assert design.columns == expected.columns
    assert design.categories == expected.categories
    np.testing.assert_array_equal(design.values, expected.values)
    np.testing.assert_array_equal(design.target, expected.target)


def test_an_array_is_a_table():
    array = np.array([[1.0, 2.0], [3.0, np.nan], [4.0, 5.0]])
    design = make_design(array)
    assert design.names == ("x1", "x2")
    np.testing.assert_array_equal(design.values, array)
    assert make_design(array, names=["a", "b"], target="a").names == ("b",)


def test_values_are_in_fortran_order():
    assert make_design({"x": [1.0, 2.0], "z": [3, 1]}).values.flags.f_contiguous


def test_units_go_to_their_columns():
    table = {"weight": [1.0, 2.0], "kind": ["a", "b"], "mpg": [3.0, 1.0]}
    design = make_design(table, target="mpg", units={"weight": "lb", "mpg": "mile/gallon"})
    assert [column.unit for column in design.columns] == ["lb", None]
    assert design.target_unit == "mile/gallon"


def test_pools_list_only_categories_that_can_be_pooled():
    kinds = ["a"] * 40 + ["b"] * 40 + ["c"] * 40
    often = make_design({"kind": kinds, "x": np.sqrt(np.arange(120.0))}, min_level_count=10)
    assert often.pools == ()
    seldom = make_design({"kind": kinds, "x": np.sqrt(np.arange(120.0))}, min_level_count=15)
    assert seldom.pools == (((0, 1, 2), 3),)
    assert not seldom.values[:, 3].any()


def test_numbers_can_be_declared_categories():
    design = make_design({"origin": [1.0, 2.0, 3.0, None] * 30, "x": np.sqrt(np.arange(120.0))}, categories=["origin"])
    assert design.names[:4] == ("origin=1", "origin=2", "origin=3", "origin=(missing)")


def test_levels_that_are_numbers_are_in_number_order():
    design = make_design({"code": ["10", "9", "100"] * 30, "x": np.sqrt(np.arange(90.0))})
    assert design.names[:3] == ("code=9", "code=10", "code=100")


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        ({"c": [7.0] * 12}, "column 'c' left out: the same value in every row"),
        ({"c": list("abcdefghijkl")}, "column 'c' left out: text that differs in every row"),
        ({"c": list("aabbccddeeff")}, "column 'c' left out: text with no level on 10 rows or more"),
        ({"c": ["a"] * 10 + ["b", "c"]}, "levels on fewer than 10 rows are pooled as '(other)': 'c' (2)"),
        ({"c": list(range(30, 42))}, "column 'c' numbers the rows one by one"),
        ({"c": [30, 41, *range(31, 41)]}, "column 'c' numbers the rows one by one"),
        ({"car_id": [i * i for i in range(12)]}, "column 'car_id' looks like an identifier"),
        ({"CarID": [i * i for i in range(12)]}, "column 'CarID' looks like an identifier"),
        ({"c": [np.exp(i / 3) for i in range(12)]}, "column 'c' equals the target 'y'"),
        (
            {"c": [7 - 2e5 * np.exp(i / 3) for i in range(12)]},
            "column 'c' is an exact linear function of the target 'y'",
        ),
        ({"c": [None, *(np.exp(i / 3) for i in range(1, 12))]}, "column 'c' equals the target 'y'"),
    ],
)
def test_oddities_are_noted_and_warned_of(columns, note):
    table = {**columns, "x": [float(i % 5) for i in range(12)], "y": [np.exp(i / 3) for i in range(12)]}
    with pytest.warns(DataWarning) as caught:
        design = make_design(table, target="y")
    assert [note in str(warning.message) for warning in caught] == [True]
    assert design.notes == (str(caught[0].message),)


def test_close_to_the_target_is_no_leak():
    y = np.exp(np.arange(12.0) / 3)
    near = y + 1e-4 * np.cos(np.arange(12.0))
    assert make_design({"near": near, "width": y[::-1] ** 2, "y": y}, target="y").notes == ()


def test_all_different_whole_numbers_are_no_identifier_without_the_name():
    """`humidity` holds id, and `number` holds num, but neither is called that."""
    table = {name: [i * i for i in range(12)] for name in ("humidity", "numbers", "width")}
    assert make_design(table).notes == ()


def test_a_constant_column_with_gaps_stays():
    assert make_design({"x": [1.0, None, 1.0], "z": [1.0, 2.0, 4.0]}).gaps == (0,)


INF = float("inf")


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"x": [], "y": []}, {"target": "y"}, "the table has no rows"),
        ({}, {}, "the table has no columns"),
        ({"y": [1.0, 2.0]}, {"target": "y"}, "no column left to predict from"),
        ({"x": [1, 1], "y": [1.0, 2.0]}, {"target": "y"}, "no column left to predict from: column 'x' left out"),
        ({"x": [1, 2], "mpg": [1, 2]}, {"target": "mgp"}, "target: the table has no column 'mgp'; did you mean 'mpg'?"),
        ({"x": [1, 2], "y": [1, 2]}, {"target": "zzz"}, "target: the table has no column 'zzz'; it has 'x', 'y'"),
        ({"x": [1, 2], "y": [1, 2]}, {"drop": ["X"]}, "drop: the table has no column 'X'; did you mean 'x'?"),
        ({"x": [1, 2], "y": [1, 2]}, {"drop": "x"}, "drop must be a list of column names"),
        ({"x": [1, 2], "y": [1, 2]}, {"target": "y", "drop": ["y"]}, "drop: 'y' is the target"),
        ({"x": [1, 2], "y": [1, 2]}, {"units": {"z": "m"}}, "units: the table has no column 'z'"),
        ({"x": [1, 2], "y": [1, 2]}, {"min_level_count": 0}, "min_level_count must be at least 1, got 0"),
        (
            {"x": [1, 2, 3], "y": [1, None, None]},
            {"target": "y"},
            "target 'y' is missing in 2 of 3 rows, first at row 2",
        ),
        ({"x": [1, 2], "y": [None, None]}, {"target": "y"}, "target 'y' is missing in every row"),
        ({"x": [1, 2], "y": [3, 3]}, {"target": "y"}, "target 'y' is 3 in every row"),
        ({"x": [1, 2], "y": ["a", "b"]}, {"target": "y"}, "target 'y' must be a number, got text: 'a', 'b'"),
        ({"x": [1, 2], "y": [True, False]}, {"target": "y"}, "target 'y' must be a number, got true and false"),
        ({"x": [1, 2], "y": [1, INF]}, {"target": "y"}, "column 'y' has 1 infinite value, first at row 2"),
        ({"x": [1, -INF, INF], "y": [1, 2, 3]}, {"target": "y"}, "column 'x' has 2 infinite values, first at row 2"),
        ({"x": [None, None], "y": [1, 2]}, {}, "column 'x' is missing in every row: drop it"),
        ({"x": [np.nan, np.nan], "y": [1, 2]}, {}, "column 'x' is missing in every row: drop it"),
        ({"price": ["1", "2", "$3", "4"]}, {}, "column 'price' has 1 non-numeric value, first at row 3: '$3'"),
        ({"x": [1, 2, 3], "y": [1, 2]}, {}, "column 'y' has 2 rows, column 'x' has 3"),
        (pl.DataFrame({"x": [[1], [2]]}), {}, "column 'x' holds a list or record in each row"),
        ({"x": [b"1", b"2"]}, {}, "column 'x' must hold numbers, booleans or text, got binary"),
        ({"x": [object(), 2]}, {}, "column 'x' must hold numbers, booleans or text, got object at row 1"),
        ({"x": np.ones((2, 2))}, {}, "column 'x' must be 1-D, got shape (2, 2)"),
        ({"x": np.array([1j, 2])}, {}, "column 'x' must hold numbers, booleans or text, got complex128"),
        ({"x": np.array(["2020-01-01"] * 2, "M8[D]")}, {}, "column 'x' holds dates or times (date32[day]): derive"),
        ({"x": np.array([1, 2], "m8[s]")}, {}, "column 'x' holds durations (duration[s]): turn it into a number"),
        ({"k": list("aabb"), "k=b": [1, 2, 3, 5]}, {}, "two columns of the design would be called 'k=b'"),
        (np.ones(3), {}, "table must be a 2-D array (n, p), got one of shape (3,)"),
        (np.ones((3, 2)), {"names": ["a"]}, "the array has 2 columns, got 1 names"),
        (np.ones((3, 2)), {"names": ["a", "a"]}, "more than one column named 'a'"),
        (5, {}, "table must be a dataframe, a dict of 1-D arrays or a 2-D array, got int"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), {}, "more than one column named 'a'"),
        (pa.table([[1], [2]], names=["a", "a"]), {}, "more than one column named 'a'"),
        ({1: [1, 2], "1": [1, 2]}, {}, "more than one column named '1'"),
        (pd.DataFrame({"x": [1 + 2j, 2]}), {}, "column 'x' must hold numbers, booleans or text, got"),
    ],
)
def test_what_cannot_be_used_is_refused(table, options, message):
    with pytest.raises(InputError) as caught:
        design_of(table, **options)
    assert message in str(caught.value)


def test_spoiled_numbers_are_fine_as_declared_categories():
    spoiled = pd.DataFrame({"size": pd.Categorical(["1", "2", "3+", "3+"] * 3), "x": np.sqrt(np.arange(12.0))})
    assert design_of(spoiled, min_level_count=2).names[:3] == ("size=1", "size=2", "size=3+")
