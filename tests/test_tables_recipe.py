"""A recipe learns from training rows alone, survives JSON, and encodes tables it has not seen."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldwise.errors import DataWarning, InputError
from foldwise.tables import Design, Recipe, make_design

LIMIT = 4


def mixed_table(n: int, seed: int) -> dict[str, list]:
    """Numbers with gaps, booleans and a category, n rows."""
    rng = np.random.default_rng(seed)
    gaps = rng.random((n, 2)) < 0.3
    return {
        "x": [None if gap else float(v) for v, gap in zip(rng.normal(size=n), gaps[:, 0], strict=True)],
        "z": rng.normal(size=n).tolist(),
        "flag": [None if gap else bool(v) for v, gap in zip(rng.random(n) < 0.5, gaps[:, 1], strict=True)],
        "kind": rng.choice(["a", "b", "c", "d", "e"], p=[0.4, 0.3, 0.2, 0.07, 0.03], size=n).tolist(),
    }


def design_of(table) -> Design:
    """The design, whatever looks odd in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return make_design(table, min_level_count=LIMIT)


def naive(design: Design, rows: np.ndarray, fill: str, weights: np.ndarray) -> np.ndarray:
    """Fill and pool column by column, as a spreadsheet would."""
    frame = pd.DataFrame(design.values.copy(), columns=list(design.names))
    gaps = frame.isna()
    for name in frame.columns[gaps.any()]:
        seen = rows[~gaps[name].to_numpy()[rows]]
        value = 0.0
        if seen.size:
            x = frame[name].to_numpy()[seen]
            value = np.median(x) if fill == "median" else np.average(x, weights=weights[seen])
        frame[name] = frame[name].fillna(value)
    if "kind=(other)" in frame and len(design.pools):
        for name in [column for column in frame if column.startswith("kind=") and column != "kind=(other)"]:
            if frame[name].to_numpy()[rows].sum() < LIMIT:
                frame["kind=(other)"] += frame[name]
                frame[name] = 0.0
    for name in gaps.columns[gaps.any()]:
        frame[f"{name} (missing)"] = gaps[name].astype(float)
    return frame.to_numpy()


@settings(deadline=None)
@given(st.integers(20, 60), st.integers(0, 10**6), st.sampled_from(["median", "mean"]), st.data())
def test_equals_the_naive_encoding(n, seed, fill, data):
    design = design_of(mixed_table(n, seed))
    rows = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n, unique=True)))
    weights = np.random.default_rng(seed).uniform(0.5, 2, size=n)
    recipe = Recipe.learn(design, rows, fill=fill, indicators=True, min_level_count=LIMIT, weights=weights)
    expected = naive(design, rows, fill, weights)
    np.testing.assert_allclose(recipe.encode_values(design.values), expected, rtol=1e-12, atol=1e-12)
    assert len(recipe.names) == expected.shape[1]


@settings(deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_held_out_rows_change_nothing(seed, indicators):
    n = 40
    design = design_of(mixed_table(n, seed))
    rows = np.random.default_rng(seed).permutation(n)[:25]
    shifted = design.values.copy(order="F")
    held_out = np.setdiff1d(np.arange(n), rows)
    shifted[held_out] += 1e6
    moved = Design(shifted, design.columns, design.categories)
    options = {"fill": "mean", "indicators": indicators, "min_level_count": LIMIT}
    assert Recipe.learn(moved, rows, **options) == Recipe.learn(design, rows, **options)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_survives_json(seed, indicators):
    table = mixed_table(50, seed)
    recipe = Recipe.learn(design_of(table), np.arange(30), indicators=indicators, min_level_count=LIMIT)
    again = Recipe.from_dict(json.loads(json.dumps(recipe.to_dict(), allow_nan=False)))
    assert again == recipe
    np.testing.assert_array_equal(again.encode_table(table), recipe.encode_table(table))


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_encoding_the_table_equals_encoding_the_design(seed):
    table = mixed_table(50, seed)
    design = design_of(table)
    recipe = Recipe.learn(design, np.arange(35), indicators=True, min_level_count=LIMIT)
    whole = recipe.encode_values(design.values)
    np.testing.assert_array_equal(recipe.encode_table({"more": [1] * 50, **table}), whole)
    part = {name: values[10:30] for name, values in reversed(table.items())}
    np.testing.assert_array_equal(recipe.encode_table(part), whole[10:30])


def test_a_mask_and_indices_are_the_same_rows():
    design = design_of(mixed_table(30, 1))
    mask = np.arange(30) % 3 > 0
    assert Recipe.learn(design, mask) == Recipe.learn(design, np.flatnonzero(mask))


def test_median_ignores_weights_and_mean_does_not():
    design = make_design({"x": [1.0, 2.0, 6.0, None], "z": [1.0, 2.0, 4.0, 3.0]})
    weights = [1.0, 1.0, 2.0, 50.0]
    assert Recipe.learn(design, weights=weights).fills[0] == 2.0
    assert Recipe.learn(design, fill="mean", weights=weights).fills[0] == 15 / 4


def test_a_column_without_a_training_value_is_filled_with_zero():
    design = make_design({"x": [1.0, None, None], "z": [1.0, 2.0, 4.0]})
    assert Recipe.learn(design, rows=[1, 2]).fills[0] == 0.0


def small_recipe() -> Recipe:
    """One column of each kind."""
    table = {"x": [1.0, 2.0, 4.0, 3.0], "flag": [True, False, True, True], "kind": list("abca")}
    return Recipe.learn(make_design(table, min_level_count=1), min_level_count=1)


def test_unseen_levels_are_zeros_and_counted():
    with pytest.warns(
        DataWarning, match=r"column 'kind' has 2 levels not seen before \('d', '\(missing\)'\) on 3 rows"
    ):
        encoded = small_recipe().encode_table({"x": [1.0] * 4, "flag": [True] * 4, "kind": ["d", None, "d", "b"]})
    kinds = [j for j, column in enumerate(small_recipe().columns) if column.source == "kind"]
    assert encoded[:, kinds].sum(axis=1).tolist() == [0, 0, 0, 1]


def test_levels_pooled_from_the_start_stay_pooled():
    table = {"kind": ["a"] * 20 + ["b"] * 20 + ["c", "d"], "x": np.sqrt(np.arange(42.0))}
    recipe = Recipe.learn(design_of(table), min_level_count=LIMIT)
    encoded = recipe.encode_table({"kind": ["d", "a"], "x": [1.0, 2.0]})
    assert encoded[:, recipe.names.index("kind=(other)")].tolist() == [1, 0]


def test_text_levels_that_look_like_numbers_may_come_as_numbers():
    table = {"code": ["1", "2", "x"] * 4, "x": np.sqrt(np.arange(12.0))}
    table["code"][2::3] = ["x", "y", "z", "x"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        frame = pd.DataFrame(table).astype({"code": "category"})
        recipe = Recipe.learn(make_design(frame, min_level_count=1), min_level_count=1)
    encoded = recipe.encode_table({"code": [2, 1], "x": [1.0, 1.0]})
    assert encoded[:, recipe.names.index("code=2")].tolist() == [1, 0]


def test_a_column_without_a_value_is_filled_and_said():
    with pytest.warns(DataWarning, match="column 'x' has no value in this table"):
        encoded = small_recipe().encode_table({"x": [None], "flag": [True], "kind": ["a"]})
    assert encoded[0, 0] == 2.5


GOOD = {"x": [1.0], "flag": [True], "kind": ["a"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": None}, "table: the table has no column 'x'"),
        ({"x": None, "kind": None}, "table: columns 'x', 'kind' are missing"),
        ({"x": ["tall"]}, "column 'x' held numbers when the model was fitted and holds text now: 'tall'"),
        ({"x": [True]}, "column 'x' held numbers when the model was fitted and holds true and false now"),
        ({"x": [float("inf")]}, "column 'x' has 1 infinite value, first at row 1"),
        ({"flag": ["yes"]}, "column 'flag' held true and false when the model was fitted and holds text now: 'yes'"),
        ({"flag": [7]}, "column 'flag' held true and false when the model was fitted, got 7 at row 1"),
        ({"kind": [3]}, "column 'kind' held text when the model was fitted and holds numbers now"),
        ({"kind": [True]}, "column 'kind' held text when the model was fitted and holds true and false now"),
        ({"kind": np.array(["2020-01-01"], "M8[D]")}, "column 'kind' holds dates or times"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(change, message):
    table = {name: values for name, values in {**GOOD, **change}.items() if values is not None}
    with pytest.raises(InputError) as caught:
        small_recipe().encode_table(table)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fill": "mode"}, "fill must be 'median' or 'mean', got 'mode'"),
        ({"rows": []}, "rows must hold at least one training row"),
        ({"weights": [1.0]}, "weights must have one entry a row, shape (30,), got (1,)"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    if "rows" in options:
        options = {"rows": np.array([], dtype=int)}
    with pytest.raises(InputError) as caught:
        Recipe.learn(design_of(mixed_table(30, 1)), **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda plain: plain.pop("fills"),
        lambda plain: plain.update(fills=[1.0]),
        lambda plain: plain.update(fills=[None] * len(plain["fills"])),
        lambda plain: plain.update(fills=["1"] * len(plain["fills"])),
        lambda plain: plain.update(rare=[99]),
        lambda plain: plain.update(columns=3),
        lambda plain: plain["columns"][0].update(colour="red"),
        lambda plain: plain["categories"][0].update(levels=[["a", "b"]]),
        lambda plain: plain["categories"][0].update(levels=[3]),
        lambda plain: plain.update(fill="mode"),
        lambda plain: plain.update(min_level_count="few"),
    ],
)
def test_a_spoiled_recipe_is_refused(spoil):
    plain = small_recipe().to_dict()
    spoil(plain)
    with pytest.raises(InputError, match="this is not a recipe"):
        Recipe.from_dict(plain)


def test_wrong_shape_is_refused():
    with pytest.raises(InputError, match=r"values must have shape \(n, 6\), got \(1, 2\)"):
        small_recipe().encode_values([[1.0, 2.0]])
