"""How quick the report's page is: a step of its slider, a refit after a feature is dropped, and how large the file is.

Run it as `python -m benchmarks.page_steps`; it needs Chromium and writes benchmarks/results/page_steps.md. A step is
timed in the page, from the call to the layout that follows it.
"""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import foldwise as fw
from benchmarks import machine
from foldwise.errors import DataWarning

RESULTS = Path(__file__).resolve().parent / "results" / "page_steps.md"
STEPS = """() => {
    const fastest = new Array(explorer.path.alphas.length).fill(Infinity);
    for (let round = 0; round < 5; round++) {
        for (let i = 0; i < fastest.length; i++) {
            const start = performance.now();
            explorer.step(i);
            document.body.getBoundingClientRect();
            fastest[i] = Math.min(fastest[i], performance.now() - start);
        }
    }
    fastest.sort((a, b) => a - b);
    return {median: fastest[fastest.length >> 1], largest: fastest[fastest.length - 1]};
}"""
DROP = """() => {
    const times = [];
    for (let j = 0; j < 5; j++) {
        const start = performance.now();
        explorer.toggle(explorer.data.order[j], 'drop');
        document.body.getBoundingClientRect();
        times.push(performance.now() - start);
        while (!explorer.path.advance(1000)) {}
    }
    const point = explorer.path.spent / explorer.path.alphas.length;
    return {first: times.sort((a, b) => a - b)[2], point, whole: explorer.path.spent};
}"""
HEAD = """# A step of the report's page

Made by `python -m benchmarks.page_steps` on {machine}.

A frame of 60 a second has 16.7 ms. *Step*: moving the slider by one strength, layout included; of each of the 100
strengths the fastest of five, so that other work of the machine does not count, and of these the median and the
largest. *Refit*: all held-out sets at one strength, and at all 100 strengths, after a feature was dropped; the page
does the latter a few milliseconds at a time. *Click*: from the click on drop to the first drawing.

| table | rows x features | fits per strength | file | step | largest step | refit, one | refit, all | click |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
"""


def tables() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Name, table and options of each comparison."""
    yield "cars", fw.datasets.auto_mpg(), {"target": "mpg", "repeats": 10}
    for p, folds in ((50, 5), (50, 10), (200, 5)):
        rng = np.random.default_rng(p)
        x = rng.normal(size=(1000, p))
        x[:, 1:] += 0.5 * x[:, :-1]
        y = x[:, :10].sum(axis=1) + 3.0 * rng.normal(size=1000)
        yield (
            f"generated, {folds} folds",
            {f"x{j}": x[:, j] for j in range(p)} | {"y": y},
            {"target": "y", "folds": folds, "repeats": 1, "candidates": ["lasso"]},
        )


def main() -> None:
    """Measure every table, print and write the lines."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("Chromium is not installed")
    lines = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for name, table, options in tables():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DataWarning)
                comparison = fw.compare(table, **options)
            comparison.report(folder)
            file = Path(folder) / "report.html"
            tab = browser.new_page(viewport={"width": 1200, "height": 900})
            tab.goto(file.as_uri())
            tab.wait_for_selector("#explorer[aria-busy=false]")
            fits, steps, drop = tab.evaluate("explorer.live.fits"), tab.evaluate(STEPS), tab.evaluate(DROP)
            tab.close()
            size = f"{comparison.folds.n_rows:,} x {len(comparison.columns)}"
            times = (steps["median"], steps["largest"], drop["point"], drop["whole"], drop["first"])
            told = " | ".join(f"{time:.1f} ms" for time in times)
            lines.append(f"| {name} | {size} | {fits} | {file.stat().st_size / 1000:.0f} kB | {told} |")
            print(lines[-1], flush=True)
        browser.close()
    RESULTS.write_text(
        HEAD.format(machine="; ".join(machine.describe()[:2])) + "\n".join(lines) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
