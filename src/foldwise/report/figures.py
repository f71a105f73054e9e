"""The figures of a report as drawings: errors with intervals, the curve over the strengths, the path, signed bars."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log
from pathlib import Path
from typing import Any

import numpy as np

from foldwise.errors import InputError
from foldwise.report.canvas import BLUE, GREY, ORANGE, Canvas
from foldwise.report.numbers import same_decimals, ticks
from foldwise.study import Comparison
from foldwise.study.along import Along
from foldwise.study.wording import number, share

WIDTH = 640.0
LETTER = 6.6
"""Pixels that a letter takes on average."""
MOST_BARS, MOST_NAMES, LONGEST = 30, 10, 24


class _Scale:
    """Numbers to pixels, linearly."""

    def __init__(self, low: float, high: float, start: float, end: float, *, margin: float = 0.0) -> None:
        spare = margin * (high - low)
        self.domain = low - spare, high + spare
        self._start, self._per = start, (end - start) / ((high - low + 2 * spare) or 1.0)

    def __call__(self, value: float) -> float:
        return self._start + (float(value) - self.domain[0]) * self._per


def figures_of(plain: Mapping[str, Any], alongs: Mapping[str, Along]) -> dict[str, Canvas]:
    """Every figure of a report by its name: errors, and of the candidate that the report explains what it has.

    Parameters
    ----------
    plain : dict
        The content of report.json.
    alongs : dict of Along
        Paths by the names of their candidates.

    Returns
    -------
    dict
        "errors"; "curve" and "path" where there is a path; "coefficients" where there are some.
    """
    found = {"errors": errors_figure(plain)}
    ranked = sorted(
        (c for c in plain["candidates"] if c["features_kept"] is not None),
        key=lambda c: (c["name"] not in plain["tied"], not c["drops_features"], c["features_kept"]),
    )
    with_path = [c["name"] for c in ranked if c["name"] in alongs]
    names = [feature["name"] for feature in plain["features"]]
    if with_path:
        along = alongs[with_path[0]]
        found["curve"] = curve_figure(with_path[0], along, _measure(plain))
        if along.coef_per_sd.ndim == 2:
            found["path"] = path_figure(with_path[0], along, names)
    if ranked and not isinstance(ranked[0]["coef_per_sd"][0], list):
        found["coefficients"] = bars_figure(ranked[0], names)
    return found


def save_figures(comparison: Comparison, directory: str | Path, *, kind: str = "svg") -> tuple[Path, ...]:
    """Write the figures of a comparison as errors.svg, curve.svg, path.svg and coefficients.svg, or as .png.

    Raises
    ------
    InputError
        For another kind, without matplotlib for PNG, or where the directory can't be written.

    Examples
    --------
    >>> import tempfile
    >>> import foldwise as fw
    >>> comparison = fw.compare(fw.datasets.auto_mpg(), target="mpg", candidates=["lasso"], repeats=1)
    >>> [path.name for path in save_figures(comparison, tempfile.mkdtemp())]
    ['errors.svg', 'curve.svg', 'path.svg', 'coefficients.svg']
    """
    alongs = {r.name: r.along for r in comparison.results if r.along is not None}
    return write_figures(figures_of(comparison.to_dict(), alongs), Path(directory), kind)


def write_figures(figures: Mapping[str, Canvas], folder: Path, kind: str) -> tuple[Path, ...]:
    """Write drawings into a folder, which is made where it is not there."""
    if kind not in ("svg", "png"):
        raise InputError(f"kind must be 'svg' or 'png', got {kind!r}")
    paths = tuple(folder / f"{name}.{kind}" for name in figures)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, canvas in zip(paths, figures.values(), strict=True):
            if kind == "svg":
                path.write_text(canvas.to_svg(), encoding="utf-8")
            else:
                canvas.to_png(path)
    except OSError as error:
        raise InputError(f"directory must be one that can be written, got {str(folder)!r}: {error.strerror}") from error
    return paths


def errors_figure(plain: Mapping[str, Any]) -> Canvas:
    """Each candidate's error on unseen rows with its interval and tie letters."""
    key = "rmse" if "rmse" in plain["candidates"][0] else "deviance"
    candidates = plain["candidates"]
    canvas = Canvas(
        WIDTH, 46.0 + 26.0 * len(candidates), f"Error at predicting {plain['target']['name']} ({_measure(plain)})"
    )
    names = [_short(c["name"]) for c in candidates]
    left = 24.0 + LETTER * max(len(name) for name in names)
    right = WIDTH - 120.0
    usual = [c for c in candidates if c[key] <= 3.0 * candidates[0][key]]
    x = _Scale(
        min(c["interval"][0] for c in usual), max(c["interval"][1] for c in usual), left + 8.0, right, margin=0.04
    )
    write = same_decimals(candidates[0][key])
    for row, (c, name) in enumerate(zip(candidates, names, strict=True)):
        y = 18.0 + 26.0 * row
        colour = BLUE if c["name"] in plain["tied"] else GREY
        canvas.text((0.0, y + 4.0), name, bold=row == 0)
        low, high = (min(max(x(edge), left), right) for edge in c["interval"])
        canvas.line([(low, y), (high, y)], colour, width=2.0)
        canvas.dot((min(x(c[key]), right), y), colour)
        canvas.text((right + 62.0, y + 4.0), write(c[key]), anchor="end", bold=row == 0)
        canvas.text((right + 74.0, y + 4.0), c["letters"], colour=colour)
    bottom = 26.0 * len(candidates) + 8.0
    _axis(canvas, x, bottom)
    canvas.text(((left + right) / 2, bottom + 34.0), "on unseen rows, with 95 % interval", anchor="middle", faint=True)
    return canvas


def curve_figure(name: str, along: Along, measure: str) -> Canvas:
    """The ordinary cross-validated error over the strengths, its band, and what the two rules choose."""
    canvas = Canvas(WIDTH, 330.0, f"Cross-validated error of the {name} ({measure})")
    x, y = _panel(canvas, along, float(along.low.min()), float(along.high.max()), 12.0)
    xs = [x(at) for at in _places(along)]
    ups, downs = ([(at, y(v)) for at, v in zip(xs, edge, strict=True)] for edge in (along.high, along.low))
    canvas.area([*ups, *downs[::-1]], BLUE, 0.18)
    canvas.line([(at, y(v)) for at, v in zip(xs, along.error, strict=True)], BLUE, width=2.0)
    same = along.least == along.simplest
    for at, words in [(along.least, "lowest error"), *([] if same else [(along.simplest, "1 SE")])]:
        canvas.line([(xs[at], 26.0), (xs[at], 284.0)], GREY, dashed=True)
        canvas.text((xs[at], 20.0), words, anchor="middle")
    canvas.dot((xs[along.least], y(float(along.error[along.least]))), BLUE)
    return canvas


def path_figure(name: str, along: Along, names: Sequence[str]) -> Canvas:
    """Coefficients per standard deviation over the strengths; the strongest are named where they end."""
    coef = along.coef_per_sd
    canvas = Canvas(WIDTH, 330.0, f"Coefficients of the {name}, per standard deviation")
    moving = np.flatnonzero(np.any(coef != 0.0, axis=0))
    strongest = moving[np.argsort(-np.abs(coef[-1, moving]), kind="stable")][:MOST_NAMES].tolist()
    room = 12.0 + LETTER * max((len(_short(names[j])) for j in strongest), default=4)
    low, high = min(float(coef.min()), 0.0), max(float(coef.max()), 0.0)
    x, y = _panel(canvas, along, low, high, room)
    xs = [x(at) for at in _places(along)]
    canvas.line([(xs[0], y(0.0)), (xs[-1], y(0.0))], GREY)
    for j in moving.tolist():
        line = [(at, y(float(v))) for at, v in zip(xs, coef[:, j], strict=True)]
        canvas.line(line, _colour(coef[-1, j]), width=1.5, opacity=1.0 if j in strongest else 0.45)
    placed = -np.inf
    for j in sorted(strongest, key=lambda j: -coef[-1, j]):
        placed = max(y(float(coef[-1, j])) + 4.0, placed + 14.0)
        canvas.text((xs[-1] + 8.0, placed), _short(names[j]), colour=_colour(coef[-1, j]))
    return canvas


def bars_figure(candidate: Mapping[str, Any], names: Sequence[str]) -> Canvas:
    """Signed bars of the final model's coefficients per standard deviation, and how often each feature is kept."""
    coef = candidate["coef_per_sd"]
    order = sorted(range(len(names)), key=lambda j: -abs(coef[j]))[:MOST_BARS]
    order.sort(key=lambda j: -coef[j])
    canvas = Canvas(WIDTH, 34.0 + 22.0 * len(order), f"Coefficients of the {candidate['name']}, per standard deviation")
    left = 16.0 + LETTER * max((len(_short(names[j])) for j in order), default=4)
    right = WIDTH - 150.0
    largest = max((abs(coef[j]) for j in order), default=0.0) or 1.0
    x = _Scale(min(0.0, *coef), max(0.0, *coef) or largest, left, right)
    write = same_decimals(largest, signed=True)
    canvas.text((WIDTH - 66.0, 14.0), "per SD", anchor="end", faint=True)
    canvas.text((WIDTH, 14.0), "kept in", anchor="end", faint=True)
    for row, j in enumerate(order):
        y = 34.0 + 22.0 * row
        canvas.text((0.0, y + 4.0), _short(names[j]), faint=coef[j] == 0.0)
        if coef[j] != 0.0:
            canvas.bar((x(0.0), y - 7.0), (x(coef[j]), y + 7.0), _colour(coef[j]))
        canvas.text((WIDTH - 66.0, y + 4.0), write(coef[j]) if coef[j] else "dropped", anchor="end", faint=not coef[j])
        canvas.text((WIDTH, y + 4.0), share(candidate["survival"][j]), anchor="end", faint=True)
    canvas.line([(x(0.0), 22.0), (x(0.0), 22.0 + 22.0 * len(order))], GREY)
    return canvas


def _panel(canvas: Canvas, along: Along, low: float, high: float, room: float) -> tuple[_Scale, _Scale]:
    """Axes of a drawing over the strengths, strong on the left: the scales of log alpha and of what is drawn."""
    y = _Scale(low, high, 284.0, 30.0, margin=0.04)
    marks = ticks(low, high, 5)
    write = same_decimals(marks[1] - marks[0], 1) if len(marks) > 1 else number
    left = 16.0 + LETTER * max(len(write(mark)) for mark in marks)
    right = WIDTH - room
    for mark in marks:
        canvas.line([(left, y(mark)), (right, y(mark))], GREY, opacity=0.3)
        canvas.text((left - 6.0, y(mark) + 4.0), write(mark), anchor="end", faint=True)
    places = _places(along)
    strongest, weakest = places[0], places[-1]
    x = _Scale(strongest, weakest, left + 6.0, right)
    for power in range(floor(weakest / log(10)) - 1, ceil(strongest / log(10)) + 1):
        for lead in (1, 3):
            at = log(lead * 10.0**power)
            if weakest <= at <= strongest and (lead == 1 or strongest - weakest < 10.0):
                canvas.text((x(at), 302.0), f"{lead * 10.0**power:g}", anchor="middle", faint=True)
    canvas.text(((left + right) / 2, 322.0), "alpha, the strength of the penalty", anchor="middle", faint=True)
    return x, y


def _places(along: Along) -> list[float]:
    """Where strengths stand, by their logarithm; no strength at all stands one decade below the weakest."""
    weakest = min((float(alpha) for alpha in along.alphas if alpha > 0.0), default=1.0)
    return [log(float(alpha) if alpha > 0.0 else weakest / 10.0) for alpha in along.alphas]


def _axis(canvas: Canvas, x: _Scale, y: float) -> None:
    """Round numbers below a drawing."""
    low, high = x.domain
    marks = ticks(low, high, 5)
    write = same_decimals(marks[1] - marks[0], 1) if len(marks) > 1 else number
    canvas.line([(x(low), y), (x(high), y)], GREY, opacity=0.5)
    for mark in marks:
        canvas.line([(x(mark), y), (x(mark), y + 4.0)], GREY)
        canvas.text((x(mark), y + 17.0), write(mark), anchor="middle", faint=True)


def _measure(plain: Mapping[str, Any]) -> str:
    if "rmse" not in plain["candidates"][0]:
        return "mean deviance"
    unit = plain["target"]["unit"]
    return f"RMSE, {unit}" if unit else "RMSE"


def _colour(value: float) -> str:
    return ORANGE if value < 0.0 else BLUE


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST // 2]}…{name[1 - LONGEST // 2 :]}"
