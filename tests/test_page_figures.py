"""The figures of a report: one drawing, as SVG that anyone may open and as PNG; and what notebooks show."""

from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import foldwise as fw
from foldwise import report
from foldwise.cli import main
from foldwise.errors import InputError
from foldwise.report.canvas import Canvas
from foldwise.report.figures import ticks

NAMES = ("errors", "curve", "path", "coefficients")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def comparison():
    """A comparison whose names are markup."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    table = {"<script>": x[:, 0], 'a "quoted" & name': x[:, 1], "plain": x[:, 2]}
    table["$y_1$"] = x @ [3.0, -2.0, 0.0] + rng.normal(size=60)
    return fw.compare(table, target="$y_1$", folds=4, repeats=1, alphas=20, l1_ratios=[0.5])


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_plain_svg(comparison, tmp_path, name):
    report.save_figures(comparison, tmp_path)
    root = ET.fromstring((tmp_path / f"{name}.svg").read_text(encoding="utf-8"))  # noqa: S314 - our own file
    kinds = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert kinds <= {"svg", "title", "polyline", "polygon", "circle", "text"}
    words = [element.text for element in root.iter(f"{SVG}text")]
    if name in {"path", "coefficients"}:
        assert {"<script>", 'a "quoted" & name'} <= set(words)
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    for element in root.iter():
        for place in element.attrib.get("points", "").split():
            x, y = map(float, place.split(","))
            assert left <= x <= left + width
            assert top <= y <= top + height


def test_bars_are_as_long_as_coefficients(comparison, tmp_path):
    report.save_figures(comparison, tmp_path)
    root = ET.fromstring((tmp_path / "coefficients.svg").read_text(encoding="utf-8"))  # noqa: S314 - our own file
    bars = [element.attrib["points"].split() for element in root.iter(f"{SVG}polygon")]
    lengths = [float(bar[1].split(",")[0]) - float(bar[0].split(",")[0]) for bar in bars]
    coef = np.sort(comparison.explained.coef_per_sd)[::-1]
    np.testing.assert_allclose(np.array(lengths) / lengths[0], coef[coef != 0.0] / coef[0], atol=1e-3)


def test_png_needs_no_more_than_matplotlib(comparison, tmp_path):
    pytest.importorskip("matplotlib")
    paths = report.save_figures(comparison, tmp_path, kind="png")
    assert [path.read_bytes()[:4] for path in paths] == [b"\x89PNG"] * 4


def test_other_kinds_are_refused(comparison, tmp_path):
    with pytest.raises(InputError, match="kind must be 'svg' or 'png', got 'gif'"):
        report.save_figures(comparison, tmp_path, kind="gif")


def test_the_command_draws_from_what_is_kept(comparison, tmp_path, capsys):
    comparison.report(tmp_path)
    with pytest.raises(SystemExit) as done:
        main(["report", str(tmp_path), "--figures", "svg"])
    assert done.value.code == 0
    assert "errors.svg, curve.svg, path.svg, coefficients.svg" in capsys.readouterr().out
    kept = (tmp_path / "curve.svg").read_text()
    report.save_figures(comparison, tmp_path)
    assert (tmp_path / "curve.svg").read_text() == kept


def test_no_strength_at_all_has_its_place(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    table = {"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] + rng.normal(size=40)}
    found = fw.compare(table, target="y", candidates=["lasso"], alphas=[0.5, 0.1, 0.0], folds=4, repeats=1)
    for path in report.save_figures(found, tmp_path):
        assert "nan" not in path.read_text()
        assert "inf" not in path.read_text()


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        self.text += data


def test_notebooks_show_the_verdict_without_a_script(comparison):
    parser = _Tags()
    parser.feed(comparison._repr_html_())
    assert not {"script", "style", "link", "img", "iframe"} & set(parser.tags)
    assert not [name for name in parser.attributes if name.startswith("on") or name in {"style", "href", "src"}]
    assert {"table", "svg"} <= set(parser.tags)
    assert comparison.sentences[0] in parser.text
    assert all(result.name in parser.text for result in comparison.results)


def test_a_drawing_without_extent_is_drawn():
    canvas = Canvas(10.0, 10.0, "empty")
    assert ET.fromstring(canvas.to_svg()).tag == f"{SVG}svg"  # noqa: S314 - our own text
    assert ticks(2.0, 2.0, 3) == [2.0]
