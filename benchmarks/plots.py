"""The page's two pictures: time against gap, a panel for each task; time against size, a panel for each sweep."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

# Okabe and Ito's colours, which those who see fewer colours can tell apart; shapes say the same again.
LOOKS = {
    "foldwise": ("#D55E00", "*"),
    "scikit-learn": ("#0072B2", "o"),
    "glmnet": ("#009E73", "s"),
    "celer": ("#CC79A7", "^"),
    "adelie": ("#000000", "D"),
    "skglm": ("#56B4E9", "v"),
    "skein-glm": ("#E69F00", "P"),
}
SMALLEST_GAP = 1e-16
GREY = "#6b6b6b"


def time_against_gap(results: Mapping[str, Any], file: Path) -> None:
    """Draw each library's fastest run against its worst gap; a thin line leads down to its median gap."""
    columns = min(3, len(results))
    rows = -(-len(results) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(3.9 * columns, 3.3 * rows + 0.7), squeeze=False, sharey=True)
    seen: set[str] = set()
    for panel, (name, task) in zip(panels.flat, results.items(), strict=False):
        seen |= _task_panel(panel, task)
        panel.set_title(f"{name}, {task['n']:,} x {task['p']:,}", fontsize=10, loc="left")
    for row in panels:
        row[0].set_ylabel("worst relative duality gap")
    _last_of_columns(panels, len(results), "seconds, fastest run")
    handles = [_handle(name) for name in LOOKS if name in seen]
    if any(side["mode"] == "tight" for task in results.values() for side in task["sides"]):
        hollow = {"marker": "o", "markerfacecolor": "white", "color": GREY, "linestyle": ":"}
        handles.append(Line2D([], [], label="asked for more", **hollow))
    handles.append(Line2D([], [], color=GREY, linewidth=1, alpha=0.6, label="down to the median gap"))
    _finish(figure, handles, file)


def _task_panel(panel: Axes, task: Mapping[str, Any]) -> set[str]:
    shown = [side for side in task["sides"] if side["mode"] in ("default", "tight") and "gap_worst" in side]
    places = {(side["library"], side["mode"]): side for side in shown}
    for side in shown:
        colour, marker = LOOKS[side["library"]]
        low, high = (max(side[key], SMALLEST_GAP) for key in ("gap_median", "gap_worst"))
        panel.plot([side["best"]] * 2, [low, high], color=colour, linewidth=1, alpha=0.6, zorder=1)
        size = 15 if side["library"] == "foldwise" else 7
        face = "white" if side["mode"] == "tight" else colour
        panel.plot(side["best"], high, marker, color=colour, markerfacecolor=face, markersize=size, zorder=3)
        default = places.get((side["library"], "default"))
        if side["mode"] == "tight" and default:
            ends = [max(place["gap_worst"], SMALLEST_GAP) for place in (default, side)]
            panel.plot([default["best"], side["best"]], ends, ":", color=colour, linewidth=1, zorder=2)
    panel.set(xscale="log", yscale="log", ylim=(SMALLEST_GAP / 3, 30))
    times = [side["best"] for side in shown] or [1.0]
    steps = (1, 2, 5) if max(times) < 50 * min(times) else (1,)
    panel.xaxis.set_major_locator(LogLocator(subs=steps))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _calm(panel)
    return {side["library"] for side in shown}


def growth(results: Mapping[str, Any], file: Path) -> None:
    """Draw time against size, a panel for each sweep."""
    columns = min(3, len(results))
    rows = -(-len(results) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(3.9 * columns, 3.1 * rows + 0.7), squeeze=False, sharey=True)
    libraries: set[str] = set()
    for panel, (name, sweep) in zip(panels.flat, results.items(), strict=False):
        for library, seconds in sweep["seconds"].items():
            known = [(value, took) for value, took in zip(sweep["values"], seconds, strict=True) if took]
            if known:
                libraries.add(library)
                colour, marker = LOOKS[library]
                size = 10 if library == "foldwise" else 5
                panel.plot(*zip(*known, strict=True), marker=marker, markersize=size, color=colour, linewidth=1.5)
        panel.set(xscale="log", yscale="log")
        panel.set_title(name, fontsize=10, loc="left")
        panel.set_xlabel(sweep["fixed"], fontsize=8.5)
        panel.set_xticks(sweep["values"], minor=False)
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.tick_params(axis="x", labelsize=8)
        _calm(panel)
    for row in panels:
        row[0].set_ylabel("seconds, fastest run")
    _last_of_columns(panels, len(results), None)
    _finish(figure, [_handle(name) for name in LOOKS if name in libraries], file)


def _short(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def _handle(library: str) -> Line2D:
    colour, marker = LOOKS[library]
    size = 13 if library == "foldwise" else 7
    return Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=size, label=library)


def _calm(panel: Axes) -> None:
    panel.grid(which="major", color="#e4e4e4", linewidth=0.7)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    panel.minorticks_off()


def _last_of_columns(panels: Any, used: int, label: str | None) -> None:
    columns = panels.shape[1]
    for at, panel in enumerate(panels.flat):
        if at >= used:
            panel.set_visible(False)
        elif label and at + columns >= used:
            panel.set_xlabel(label)


def _finish(figure: Figure, handles: list[Line2D], file: Path) -> None:
    width, height = figure.get_size_inches()
    columns = min(max(2, int(width / 2.2)), len(handles))
    lines = -(-len(handles) // columns)
    figure.legend(handles=handles, loc="lower center", ncols=columns, frameon=False, fontsize=9)
    figure.tight_layout(rect=(0, (0.15 + 0.22 * lines) / height, 1, 1))
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=140)
    plt.close(figure)
