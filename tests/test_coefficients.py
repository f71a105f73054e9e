"""The table of coefficients: names, order, signs, units, and the bars that draw them."""

import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import sklearn.linear_model as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import foldwise as fw
from foldwise.errors import InputError

mpl.use("Agg")


def table_of_people(seed=0, n=60):
    rng = np.random.default_rng(seed)
    columns = {"height": rng.normal(175, 10, n), "age": rng.uniform(20, 60, n), "noise": rng.normal(size=n)}
    frame = pd.DataFrame(columns)
    return frame, 0.8 * frame["height"] - 0.5 * frame["age"] + rng.normal(size=n)


def test_names_order_and_units():
    X, y = table_of_people()
    model = fw.Lasso(alpha=2.0).fit(X, y)
    table = fw.coefficients(model)
    assert table.names == ("height", "age", "noise")
    assert table.sign == ("+", "-", "0")
    assert table.dropped == ("noise",)
    np.testing.assert_allclose(table.coef, model.coef_)
    np.testing.assert_allclose(table.per_sd, model.coef_ * X.std(ddof=0), rtol=1e-12)
    assert table.intercept == model.intercept_


@settings(deadline=None)
@given(values=st.lists(st.sampled_from([-3.0, -1e-9, 0.0, 0.5, 0.5, 7e5]), min_size=1, max_size=9))
def test_sorted_from_positive_to_negative_with_the_dropped_last(values):
    model = sk.LinearRegression()
    model.coef_, model.intercept_ = np.array(values), 1.0
    table = fw.coefficients(model)
    kept = [value for value in table.coef if value]
    assert kept == sorted((value for value in values if value), reverse=True)
    assert len(table.dropped) == values.count(0.0) == len(table.coef) - len(kept)
    assert not table.coef[len(kept) :].any()
    assert table.per_sd is None
    for name, value in zip(table.names, table.coef, strict=True):
        assert values[int(name[1:])] == value
    assert all(name in repr(table) for name in table.names)


def test_frames_end_with_the_intercept():
    X, y = table_of_people()
    table = fw.coefficients(fw.Ridge().fit(X, y))
    frame = table.to_pandas()
    assert frame.columns.tolist() == ["feature", "sign", "coefficient", "per_sd"]
    assert frame["feature"].iloc[-1] == "intercept"
    assert frame["coefficient"].iloc[-1] == table.intercept
    assert frame["per_sd"].isna().tolist() == [False] * 3 + [True]
    assert table.to_arrow().num_rows == 4


def test_scikit_learn_models_get_deviations_from_rows():
    X, y = table_of_people()
    model = sk.ElasticNet(alpha=0.5).fit(X, y)
    assert fw.coefficients(model).per_sd is None
    table = fw.coefficients(model, X=X)
    np.testing.assert_allclose(table.per_sd, table.coef * X.std(ddof=0)[list(table.names)].to_numpy())
    classifier = sk.LogisticRegression().fit(X, y > y.median())
    assert sorted(fw.coefficients(classifier).names) == ["age", "height", "noise"]
    unnamed = fw.coefficients(sk.Ridge().fit(X.to_numpy(), y), X=X)
    assert sorted(unnamed.names) == ["age", "height", "noise"]


def test_plain_results_with_names():
    result = type("Result", (), {"coef": np.array([1.0, 2.0]), "coef_per_sd": np.array([9.0, 8.0]), "intercept": 3.0})
    table = fw.coefficients(result(), names=["a", "b"])
    assert (table.names, table.per_sd.tolist(), table.intercept) == (("a", "b"), [9.0, 8.0], 3.0)


def test_text():
    X, y = table_of_people()
    text = repr(fw.coefficients(fw.Lasso(alpha=2.0).fit(X, y)))
    lines = text.splitlines()
    assert lines[0] == "Lasso: 2 of 3 features kept"
    assert lines[1].split() == ["feature", "sign", "coefficient", "per", "SD"]
    assert [line.split()[:2] for line in lines[2:4]] == [["height", "+"], ["age", "-"]]
    assert lines[-1] == "  dropped: noise"
    assert lines[2].index(".") == lines[3].index(".")
    assert max(map(len, lines)) <= 88


def test_html_is_escaped():
    model = fw.LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    html = fw.coefficients(model, names=["<b>&"])._repr_html_()
    assert "&lt;b&gt;&amp;" in html
    assert "<b>" not in html


def test_bars():
    X, y = table_of_people()
    table = fw.coefficients(fw.Lasso(alpha=2.0).fit(X, y))
    ax = table.plot()
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], table.per_sd[:2])
    colours = [mpl.colors.to_hex(bar.get_facecolor()).upper() for bar in ax.patches]
    assert colours == ["#0072B2", "#D55E00"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["height", "age"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top
    assert "dropped: noise" in ax.get_xlabel()
    assert table.plot(ax) is ax
    mpl.pyplot.close(ax.figure)


def test_bars_of_many_features_show_the_largest():
    rng = np.random.default_rng(0)
    model = sk.LinearRegression()
    model.coef_, model.intercept_ = rng.normal(size=100), 0.0
    ax = fw.coefficients(model).plot(most=10)
    widths = np.array([bar.get_width() for bar in ax.patches])
    assert sorted(np.abs(widths)) == sorted(np.sort(np.abs(model.coef_))[-10:])
    assert (np.diff(widths) <= 0).all()
    assert "the 10 largest of 100" in ax.get_xlabel()
    mpl.pyplot.close(ax.figure)


def test_a_model_that_drops_everything_can_be_drawn():
    X, y = table_of_people()
    table = fw.coefficients(fw.Lasso(alpha=1e6).fit(X, y))
    ax = table.plot()
    assert not ax.patches
    mpl.pyplot.close(ax.figure)
    assert "0 of 3 features kept" in repr(table)


def test_without_matplotlib_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    table = fw.coefficients(fw.LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0]))
    with pytest.raises(ImportError, match=r'pip install "foldwise\[plot\]"'):
        table.plot()


def test_what_has_no_coefficients_is_refused():
    X, y = table_of_people()
    with pytest.raises(InputError, match=r"model must be fitted and linear.*got Lasso"):
        fw.coefficients(fw.Lasso())
    with pytest.raises(InputError, match="pass the last step"):
        fw.coefficients(make_pipeline(StandardScaler(), fw.Lasso()).fit(X, y))
    with pytest.raises(InputError, match="one target, got coef_ of shape"):
        fw.coefficients(fw.Ridge().fit(X, np.column_stack([y, y])))
    with pytest.raises(InputError, match="names must be 3, one for each coefficient, got 2"):
        fw.coefficients(fw.Ridge().fit(X, y), names=["a", "b"])
    with pytest.raises(InputError, match="X must have the 3 columns of the model, got 2"):
        fw.coefficients(fw.Ridge().fit(X, y), X=X[["age", "height"]])
