"""The page in a real Chromium: its numbers are Python's, it asks nobody for anything, and everybody can use it."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import foldwise as fw
from foldwise.inference import one_standard_error
from foldwise.inference.one_se import error_curve
from foldwise.paths import fit_paths
from foldwise.report.page import pack
from foldwise.report.page.packing import Room
from foldwise.tables import Recipe, make_design

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
HOSTILE = (
    "</script><script>window.broken = 1</script>",
    '"><img src=x onerror="window.broken = 1">',
    "<!-- <script>",
    "{{ 7 * 7 }} ${7 * 7}",
    "\u202egnorw tfel ot thgir",
    "🌲 arbre' OR 1=1 --",
    "a very long name that goes on and on and on, so that it must be cut in the middle to fit a narrow table",
    "&lt;b&gt;",
)


@pytest.fixture(scope="module")
def browser():
    """One Chromium for all tests of this file."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"the page is tested in Chromium, and none of {', '.join(NAMES)} is installed")
    sync_api = pytest.importorskip("playwright.sync_api", reason="the page is tested in Chromium through playwright")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        yield started
        started.close()


def moments_of(table, target, *, folds=4, repeats=2, weights=None, fill="median", indicators=False):
    """Fold moments of a table as a comparison scans them, their columns, and the target's scale."""
    design = make_design(table, target=target)
    scale = float(np.std(design.target))
    moments = fw.FoldMoments.scan(
        design.values,
        target=design.target / scale,
        folds=fw.Folds.kfold(len(design.target), folds, repeats=repeats, seed=1),
        sample_weight=weights,
        fill=fill,
        indicators=indicators,
        pools=design.pools,
    )
    return moments, Recipe.learn(design, fill=fill, indicators=indicators).columns, scale


def cars(**options):
    return moments_of(fw.datasets.auto_mpg(), "mpg", **options)


def mixed(**options):
    """Gaps, a category with rare levels, columns far from zero and of very different size."""
    rng = np.random.default_rng(3)
    n = 240
    x = rng.normal(size=(n, 5)) * 10.0 ** np.arange(-2, 3) + 1e3
    wood = rng.choice(list("abcdef"), size=n, p=[0.4, 0.2, 0.2, 0.1, 0.05, 0.05])  # fewer than 10 in a training set
    y = x @ (0.7 / 10.0 ** np.arange(-2, 3)) + 2.0 * (wood == "a") + rng.normal(size=n)
    x[rng.random(x.shape) < 0.1] = np.nan
    return moments_of({f"x{j}": x[:, j] for j in range(5)} | {"wood": wood.tolist(), "y": y}, "y", **options)


@pytest.fixture(scope="module")
def car_page(tmp_path_factory):
    """The page of a small comparison of cars."""
    comparison = fw.compare(
        fw.datasets.auto_mpg(), target="mpg", units=fw.datasets.UNITS, folds=4, repeats=2, l1_ratios=[0.5], alphas=30
    )
    folder = tmp_path_factory.mktemp("cars")
    comparison.report(folder)
    return folder / "report.html", comparison


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory):
    """The page of a table whose column names try to break out."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, len(HOSTILE)))
    table = {name: x[:, j] for j, name in enumerate(HOSTILE)}
    table["<i>y</i>"] = x @ np.arange(1.0, 1 + len(HOSTILE)) + rng.normal(size=80)
    comparison = fw.compare(
        table, target="<i>y</i>", units={HOSTILE[0]: "<u>"}, folds=4, repeats=1, l1_ratios=[0.5], alphas=20
    )
    folder = tmp_path_factory.mktemp("hostile")
    comparison.report(folder)
    return folder / "report.html"


@pytest.fixture(scope="module")
def class_page(tmp_path_factory):
    """The page of a comparison of classes, which it can't refit."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 4))
    table = {f"x{j}": x[:, j] for j in range(4)}
    table["state"] = np.where(2.0 * x[:, 0] + rng.logistic(size=90) > 0.0, "ill", "well")
    comparison = fw.compare(table, target="state", folds=4, repeats=1, alphas=10, candidates=["lasso", "ridge"])
    folder = tmp_path_factory.mktemp("classes")
    comparison.report(folder)
    return folder / "report.html", comparison


class Opened:
    """A page in the browser, with all that it asked for and all that it complained about."""

    def __init__(self, browser, file, **context):
        self.context = browser.new_context(**context)
        self.tab = self.context.new_page()
        self.requests, self.refused, self.complaints = [], [], []
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("requestfailed", lambda request: self.refused.append(request.url))
        self.tab.on("console", lambda message: self.complaints.append(message.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.goto(file.as_uri())
        if context.get("java_script_enabled", True):
            self.settle()

    def settle(self):
        """Wait until all strengths are refitted."""
        self.tab.wait_for_selector("#explorer[aria-busy=false]")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


REFIT = """([packed, mix, factor, alphas]) => {
    const source = new LiveSource(packed);
    const own = Array.from(source.alphas(mix));
    const path = source.along({
        mix, alphas: Float64Array.from(alphas), factor: Float64Array.from(factor, f => f === null ? Infinity : f)
    });
    while (!path.advance(1000)) {}
    const plain = Object.fromEntries(Object.entries(path).filter(([, value]) => typeof value !== 'function')
        .map(([name, value]) => [name, value.length === undefined ? value : Array.from(value)]));
    return {...plain, own, perUnit: Array.from({length: source.p}, (_, j) => source.perUnit(1, j))};
}"""


@pytest.fixture(scope="module")
def refit(browser, car_page):
    """The page's own code, called with moments."""
    with Opened(browser, car_page[0]) as opened:
        yield lambda *arguments: opened.tab.evaluate(REFIT, list(arguments))


def assert_equal(refit, moments, columns, scale, *, mix, factor=None, room=None, points=40):
    """Everything that the page computes from moments is what `fit_paths` and the rules of choice find, to 1e-6."""
    p = moments.n_features
    factor = np.ones(p) if factor is None else factor
    packed = pack(moments, columns, target_scale=scale, room=room)
    alphas = fit_paths(moments, l1_ratio=mix, alphas=points).alphas
    found = refit(packed, mix, [None if np.isinf(f) else f for f in factor.tolist()], (alphas * scale).tolist())
    paths = fit_paths(moments, l1_ratio=mix, alphas=alphas, penalty_factor=factor)
    folds = packed["folds"] * packed["repeats"]
    final, held = paths.index(), [paths.index({i}) for i in range(folds)]
    coef = paths.coef[final] * scale
    per_sd = coef * paths.scale[final]
    unit = np.abs(per_sd).max()
    np.testing.assert_allclose(np.reshape(found["coef"], per_sd.shape), per_sd, rtol=1e-6, atol=1e-6 * unit)
    live = paths.scale[final] > 0.0
    per_unit = np.reshape(found["coef"], per_sd.shape)[:, live] * np.array(found["perUnit"])[live]
    np.testing.assert_allclose(per_unit * paths.scale[final][live], per_sd[:, live], rtol=1e-6, atol=1e-6 * unit)
    level = np.abs(coef) @ np.abs(paths.mean[final]) + abs(float(paths.intercept[final][0]) * scale)
    assert np.all(np.abs(np.array(found["intercept"]) - paths.intercept[final] * scale) <= 1e-6 * level)
    errors, weights = paths.cv_error[:folds] * scale**2, paths.fold_weight[:folds]
    mean, standard_error = error_curve(errors, weights=weights, repeats=packed["repeats"])
    np.testing.assert_allclose(found["error"], np.sqrt(mean), rtol=1e-6)
    np.testing.assert_allclose(found["low"], np.sqrt(np.maximum(mean - standard_error, 0.0)), rtol=1e-6)
    np.testing.assert_allclose(found["high"], np.sqrt(mean + standard_error), rtol=1e-6)
    shares = np.mean(paths.coef[held] != 0.0, axis=0)
    np.testing.assert_allclose(np.reshape(found["kept"], shares.shape), shares, atol=1e-6)
    chosen = one_standard_error(errors, paths.alphas, weights=weights, repeats=packed["repeats"])
    assert mean[found["least"]] <= mean[chosen.index_min] * (1 + 1e-9)
    assert found["simplest"] == chosen.index_1se
    own = fit_paths(moments, l1_ratio=mix, alphas=100).alphas * scale
    np.testing.assert_allclose(found["own"], own, rtol=1e-6)


@pytest.mark.parametrize("mix", [1.0, 0.3, 0.0], ids=["lasso", "elastic net", "ridge"])
@pytest.mark.parametrize("table", [cars, mixed])
def test_refits_are_those_of_python(refit, table, mix):
    assert_equal(refit, *table(), mix=mix)


@pytest.mark.parametrize("fill", ["mean", "median"])
@pytest.mark.parametrize("indicators", [True, False])
def test_weighted_rows_gaps_and_rare_levels_too(refit, fill, indicators):
    weights = np.random.default_rng(5).integers(0, 4, size=240).astype(float)
    assert_equal(refit, *mixed(weights=weights, fill=fill, indicators=indicators, folds=5), mix=0.8)


@pytest.mark.parametrize("mix", [1.0, 0.0])
def test_features_kept_always_and_left_out(refit, mix):
    factor = np.array([1.0, 0.0, np.inf, 1.0, 0.0, 1.0, np.inf])
    assert_equal(refit, *cars(), mix=mix, factor=factor)


def test_fifty_features_in_few_bytes(refit):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 50))
    x[:, 1:] += 0.8 * x[:, :-1]
    table = {f"x{j}": x[:, j] for j in range(50)} | {"y": x[:, :5].sum(axis=1) + 3.0 * rng.normal(size=400)}
    assert_equal(refit, *moments_of(table, "y", folds=10), mix=1.0, room=Room(1, 4))


def test_asks_nobody_for_anything(browser, car_page, hostile_page):
    for file in (car_page[0], hostile_page):
        with Opened(browser, file) as opened:
            opened.tab.get_by_role("radio", name="elastic net").check()
            opened.tab.get_by_role("button", name="Theme").click()
            assert opened.requests == [file.as_uri()]
            assert opened.complaints == []


def test_the_policy_lets_nothing_in(browser, car_page):
    attempt = """async () => {
        const found = {};
        document.addEventListener('securitypolicyviolation', event => (found[event.effectiveDirective] = true));
        try { document.body.innerHTML += '<p>markup</p>'; found.markup = true; } catch { found.markup = false; }
        const script = document.createElement('script');
        try { script.textContent = 'window.broken = 1'; document.head.append(script); } catch { found.refused = true; }
        try { await fetch('https://example.org/'); found.fetched = true; } catch { found.fetched = false; }
        new Image().src = 'https://example.org/x.png';
        await new Promise(resolve => setTimeout(resolve, 50));
        return {...found, broken: window.broken === 1};
    }"""
    with Opened(browser, car_page[0]) as opened:
        opened.complaints.clear()
        found = opened.tab.evaluate(attempt)
        assert {found[name] for name in ("markup", "fetched", "broken")} == {False}
        assert found["connect-src"]
        assert found["img-src"]
        assert opened.refused == ["https://example.org/x.png"]


def test_names_stay_text(browser, hostile_page):
    with Opened(browser, hostile_page) as opened:
        tab = opened.tab
        assert tab.evaluate("window.broken") is None
        assert tab.evaluate("document.images.length + document.scripts.length") == 2  # its data and its code
        shown = tab.eval_on_selector_all("#features tbody th", "cells => cells.map(c => c.title || c.textContent)")
        assert sorted(shown) == sorted(HOSTILE)
        assert "<i>y</i>" in tab.inner_text("h1")
        assert tab.evaluate("document.querySelectorAll('main i:not(.meter i), main u').length") == 0
        drop = tab.get_by_role("button", name=f"Leave out {HOSTILE[0]}")
        drop.click()
        assert drop.get_attribute("aria-pressed") == "true"
        assert HOSTILE[0][:10] in tab.inner_text("#said")


@pytest.fixture(scope="module")
def axe():
    """The rules of accessibility, as a script."""
    rules = pytest.importorskip("axe_playwright_python", reason="accessibility is checked with axe-core")
    return (Path(rules.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [1200, 390])
def test_everybody_can_use_it(browser, car_page, hostile_page, axe, width):
    file = car_page[0] if width == 1200 else hostile_page
    context = {"color_scheme": "light", "viewport": {"width": width, "height": 800}, "bypass_csp": True}
    with Opened(browser, file, **context) as opened:
        opened.tab.get_by_role("button", name="Leave out").first.click()
        opened.tab.evaluate(axe)
        for scheme in ("light", "dark"):
            opened.tab.emulate_media(color_scheme=scheme)
            found = opened.tab.evaluate("axe.run()")
            assert len(found["passes"]) > 10
            assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found["violations"]] == []


def test_strength_by_keyboard_mouse_and_touch(browser, car_page):
    with Opened(browser, car_page[0], has_touch=True) as opened:
        tab = opened.tab
        begin = tab.evaluate("explorer.at")
        tab.focus("#strength")
        tab.keyboard.press("ArrowLeft")
        assert tab.evaluate("explorer.at") == begin - 1
        alpha = float(tab.inner_text("#told-alpha"))
        assert alpha > tab.evaluate("explorer.path.alphas[explorer.at + 1]")
        assert "alpha" in tab.get_attribute("#strength", "aria-valuetext")
        curve = tab.locator("#curve")
        curve.click(position={"x": 150, "y": 80})
        middle = tab.evaluate("explorer.at")
        assert 0 < middle < begin - 1
        curve.tap(position={"x": 420, "y": 80})
        assert tab.evaluate("explorer.at") > middle
        tab.get_by_role("button", name="Simplest within 1 SE").click()
        assert tab.evaluate("explorer.at") == tab.evaluate("explorer.path.simplest")


def test_a_dropped_feature_changes_the_error_as_in_python(browser, car_page):
    file, comparison = car_page
    moments = comparison.moments
    scale = comparison.settings.target_scale
    with Opened(browser, file) as opened:
        tab = opened.tab
        tab.get_by_role("radio", name="lasso").check()
        tab.get_by_role("button", name="Leave out weight").click()
        tab.get_by_role("button", name="Always keep year").click()
        opened.settle()
        alpha = tab.evaluate("explorer.path.alphas[explorer.at]")
        factor = np.ones(7)
        names = [column.name for column in comparison.columns]
        factor[names.index("weight")], factor[names.index("year")] = np.inf, 0.0
        paths = fit_paths(moments, l1_ratio=1.0, alphas=[alpha / scale], penalty_factor=factor)
        expected = float(np.sqrt(np.average(paths.cv_error[:, 0], weights=paths.fold_weight))) * scale
        assert tab.evaluate("explorer.path.error[explorer.at]") == pytest.approx(expected, rel=1e-6)
        assert tab.inner_text("#told-error").startswith(f"{expected:.2f}")
        assert "without weight" in tab.inner_text("#said").lower()


def test_the_reported_model_is_where_the_page_begins(browser, car_page):
    file, comparison = car_page
    with Opened(browser, file) as opened:
        kind = opened.tab.evaluate("explorer.kind")
        result = comparison.result(kind)
        place = opened.tab.evaluate("[explorer.path.alphas[explorer.at], explorer.mix]")
        assert place[0] == pytest.approx(result.alpha, rel=0.1)  # the next of the page's own strengths
        assert place[1] == result.l1_ratio


def test_classes_show_the_paths_of_the_comparison(browser, class_page):
    file, comparison = class_page
    along = comparison.result("lasso").along
    with Opened(browser, file) as opened:
        tab = opened.tab
        tab.get_by_role("radio", name="lasso").check()
        shown = tab.evaluate("({...explorer.path, coef: Array.from(explorer.path.coef)})")
        assert tab.get_by_role("button", name="Leave out").count() == 0
        np.testing.assert_allclose(shown["error"], along.error, rtol=1e-6)
        names = tab.evaluate("explorer.data.names")
        order = [[column.name for column in comparison.columns].index(name) for name in names]
        coef = along.coef_per_sd[:, order]
        np.testing.assert_allclose(np.reshape(shown["coef"], coef.shape), coef, atol=1e-4 * np.abs(coef).max())
        assert (shown["least"], shown["simplest"]) == (along.least, along.simplest)
        assert "log odds" in tab.inner_text("#path-figure")
        assert opened.complaints == []


def test_without_scripts_the_findings_stand(browser, car_page):
    file, comparison = car_page
    with Opened(browser, file, java_script_enabled=False) as opened:
        text = opened.tab.inner_text("main")
        assert comparison.sentences[-1] in text
        assert all(result.name in text for result in comparison.results)
        assert "need scripts" in text
        assert opened.complaints == []


def test_print_leaves_the_controls_out(browser, car_page):
    with Opened(browser, car_page[0]) as opened:
        opened.tab.emulate_media(media="print")
        assert not opened.tab.locator("#strength").is_visible()
        assert opened.tab.locator("#told-error").is_visible()
        assert len(opened.tab.pdf()) > 10_000
