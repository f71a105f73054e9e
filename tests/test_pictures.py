"""The pictures of a path: what is drawn is what the paths hold, and nothing lies on top of anything."""

import sys
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt

import foldwise as fw
from foldwise.errors import InputError
from foldwise.paths.pictures import COLOURS, FAINT, LABELLED, apart

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def fitted(p=5, n=80, folds=5, repeats=1, **settings_):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p)) * 10.0 ** rng.integers(-2, 3, size=p)
    y = X / X.std(0) @ np.linspace(3.0, -2.0, p) + rng.normal(size=n)
    chosen = fw.Folds.kfold(n, n_folds=folds, repeats=repeats) if folds else None
    return fw.fit_paths(X, y, folds=chosen, **settings_)


def curves(ax):
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def texts(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("per_sd", [True, False])
def test_every_line_is_a_feature_of_the_final_model(per_sd):
    paths = fitted()
    names = ["height", "age", "weight", "income", "shoe size"]
    ax = paths.plot(names, per_sd=per_sd)
    coef = paths.coef_per_sd[0] if per_sd else paths.coef[0]
    drawn = curves(ax)
    assert len(drawn) == 5
    for line in drawn:
        x, y = line.get_data()
        assert np.array_equal(x, paths.alphas)
        seen = ~np.isnan(y)
        column = next(j for j in range(5) if coef[-1, j] == y[-1])
        assert np.array_equal(y[seen], coef[seen, column])
        assert not coef[~seen, column].any()
    assert [name for name in names if name not in texts(ax)] == []
    assert ("standard deviation" in ax.get_ylabel()) == per_sd
    left, right = ax.get_xlim()
    assert (left, right) == (paths.alphas[0], paths.alphas[-1])
    assert left > right


def test_labels_stand_at_their_lines_ends_in_their_order_and_apart():
    paths = fitted(p=30, n=100)
    ax = paths.plot()
    ax.figure.canvas.draw()
    ends = {f"x{j}": value for j, value in enumerate(paths.coef_per_sd[0, -1])}
    labels = [text for text in ax.texts if text.get_text() in ends]
    assert len(labels) == LABELLED
    assert {label.get_text() for label in labels} == set(sorted(ends, key=lambda name: -abs(ends[name]))[:LABELLED])
    extents = [mpl.text.Text.get_window_extent(label) for label in labels]  # without the line that leads to it
    boxes = sorted((box.y0, box.y1, label.get_text()) for box, label in zip(extents, labels, strict=True))
    assert [name for *_, name in boxes] == sorted((name for *_, name in boxes), key=ends.__getitem__)
    assert all(below[1] <= above[0] + 1.0 for below, above in pairwise(boxes))
    colours = [mpl.colors.to_hex(line.get_color()).upper() for line in curves(ax)]
    assert colours.count(FAINT) == np.count_nonzero(paths.coef[0].any(axis=0)) - LABELLED
    assert set(colours) <= {*COLOURS, FAINT}


def top_counts(ax):
    (top,) = ax.child_axes
    return top.get_xticks(), [int(label.get_text()) for label in top.get_xticklabels()]


@pytest.mark.parametrize("method", ["plot", "plot_cv"])
def test_the_number_of_features_stands_above(method):
    paths = fitted(p=8)
    ax = getattr(paths, method)()
    ax.figure.canvas.draw()
    places, counts = top_counts(ax)
    assert len(counts) >= 5
    for place, count in zip(places, counts, strict=True):
        a = int(np.flatnonzero(paths.alphas == place)[0])
        assert count == np.count_nonzero(paths.coef[0, a])


def test_the_error_its_band_and_both_choices():
    paths = fitted(p=10, repeats=3, n=82)
    ax = paths.plot_cv()
    (line,) = curves(ax)
    mean = np.average(paths.cv_error, axis=0, weights=paths.fold_weight)
    np.testing.assert_allclose(line.get_ydata(), mean)
    both = paths.one_standard_error()
    band = ax.collections[0].get_paths()[0].vertices
    at = np.isclose(band[:, 0], paths.alphas[both.index_min])
    expected = both.error + np.array([-1, 1]) * both.standard_error
    np.testing.assert_allclose(sorted(set(band[at, 1].round(12))), expected, rtol=1e-9)
    dots = sorted(float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "o")
    assert dots == sorted({paths.alphas[both.index_min], paths.alphas[both.index_1se]})
    assert {"min", "1-SE"} <= set(texts(ax))
    wrapped = ax.get_xlabel().replace("\n", " ")
    assert "standard error of the mean over 5 folds, folds weighted by their rows; root mean square over 3" in wrapped
    assert "features at the smallest error" in ax.get_title("left")


def test_axes_can_be_given():
    paths = fitted()
    _, (left, right) = plt.subplots(1, 2)
    assert paths.plot(ax=left) is left
    assert paths.plot_cv(right) is right


def test_without_folds_nothing_is_marked():
    paths = fitted(folds=None)
    assert "min" not in texts(paths.plot())
    with pytest.raises(InputError, match="without folds"):
        paths.plot_cv()


def test_ridge_elastic_net_and_alpha_zero():
    assert fitted(l1_ratio=0.0).plot().get_title("left").startswith("Ridge path of 5 features")
    assert fitted(l1_ratio=0.5).plot_cv().get_title("left").startswith("Elastic net (l1_ratio 0.5): ")
    assert fitted(penalty="scad", alphas=10).plot().get_title("left").startswith("SCAD path of 5 features")
    ax = fitted(alphas=[1.0, 0.1, 0.0]).plot_cv()
    assert ax.get_xlim() == (1.0, 0.1)
    with pytest.raises(InputError, match="two or more alphas > 0 to be drawn, got 1"):
        fitted(alphas=[1.0, 0.0]).plot()


def test_a_path_that_keeps_nothing_can_be_drawn():
    ax = fitted(alphas=[1e6, 1e5]).plot()
    ax.figure.canvas.draw()
    assert curves(ax) == []


def test_names_are_counted():
    with pytest.raises(InputError, match="names must be 5, one for each feature, got 2"):
        fitted().plot(["a", "b"])


@pytest.mark.parametrize("method", ["plot", "plot_cv"])
def test_without_matplotlib_the_error_says_how_to_get_it(monkeypatch, method):
    paths = fitted()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "foldwise\[plot\]"'):
        getattr(paths, method)()


@settings(deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12), st.floats(0.01, 2))
def test_apart_keeps_order_and_distance_and_moves_no_more_than_it_must(values, least):
    wishes = np.array(values)
    places = apart(wishes, least)
    order = np.argsort(wishes, kind="stable")
    assert np.all(np.diff(places[order]) >= least - 1e-9)
    assert places.mean() == pytest.approx(wishes.mean(), abs=1e-9)
    if np.all(np.diff(np.sort(wishes)) >= least):
        np.testing.assert_allclose(places, wishes, atol=1e-9)
