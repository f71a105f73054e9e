"""Canvas: a drawing as plain marks, which becomes SVG without any library, or PNG through matplotlib."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from foldwise.errors import InputError

Point = tuple[float, float]
BLUE, ORANGE, GREY = "#0072b2", "#c04a00", "#7a828c"
"""Blue and vermilion of Okabe and Ito, the latter darker: apart for every colour vision, on white and on black."""
FONT = "system-ui, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"
DOTS_PER_INCH = 192
MARGIN, HEAD = 12.0, 36.0


@dataclass(frozen=True)
class Mark:
    """A line, an area, a dot or a text.

    Attributes
    ----------
    kind : "line", "area", "dot" or "text"
    points : points in pixels from the upper left
    colour : str
        Hexadecimal; "ink" is that of the surrounding text.
    width : float
        Of a line, or the radius of a dot, or the size of a text.
    opacity : float
    dashed : bool
    text : str
    anchor : "start", "middle" or "end"
    bold : bool
    """

    kind: str
    points: tuple[Point, ...]
    colour: str = "ink"
    width: float = 1.0
    opacity: float = 1.0
    dashed: bool = False
    text: str = ""
    anchor: str = "start"
    bold: bool = False


@dataclass
class Canvas:
    """Marks in the order in which they are painted, and what the drawing is called."""

    width: float
    height: float
    title: str
    marks: list[Mark] = field(default_factory=list)

    def line(self, points: Sequence[Point], colour: str = "ink", **how: Any) -> None:
        """Straight pieces through points."""
        self.marks.append(Mark("line", tuple(points), colour, **how))

    def area(self, points: Sequence[Point], colour: str, opacity: float = 1.0) -> None:
        """A closed area."""
        self.marks.append(Mark("area", tuple(points), colour, opacity=opacity))

    def bar(self, start: Point, end: Point, colour: str) -> None:
        """A rectangle between two corners."""
        (x0, y0), (x1, y1) = start, end
        self.area([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)

    def dot(self, at: Point, colour: str, radius: float = 4.0) -> None:
        """A filled circle."""
        self.marks.append(Mark("dot", (at,), colour, radius))

    def text(self, at: Point, words: str, colour: str = "ink", *, faint: bool = False, **how: Any) -> None:
        """Words whose baseline begins, ends or has its middle at a point."""
        self.marks.append(Mark("text", (at,), colour, 12.0, 0.7 if faint else 1.0, text=words, **how))

    def to_svg(self) -> str:
        """The drawing as SVG: no script, no style sheet, nothing loaded; all text is escaped.

        Examples
        --------
        >>> canvas = Canvas(40, 20, "a & b")
        >>> canvas.text((0, 12), "<b>")
        >>> "&lt;b&gt;" in canvas.to_svg(), "a &amp; b" in canvas.to_svg()
        (True, True)
        """
        left, top, width, height = self._frame()
        size = f'viewBox="{left:g} {top:g} {width:g} {height:g}" width="{width:g}" height="{height:g}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{FONT}">'
        return "\n".join([head, f"<title>{escape(self.title)}</title>", *map(_svg_of, self._all()), "</svg>\n"])

    def to_png(self, path: str | Path) -> None:
        """Write the drawing as PNG, on white.

        Raises
        ------
        InputError
            Without matplotlib, which `foldwise[plot]` brings.
        """
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError as error:
            raise InputError("PNG needs matplotlib: pip install 'foldwise[plot]'; SVG needs nothing") from error
        inch = 96.0
        left, top, width, height = self._frame()
        figure = Figure(figsize=(width / inch, height / inch), dpi=DOTS_PER_INCH, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(left, left + width), ylim=(top + height, top))
        axes.axis("off")
        for mark in self._all():
            _paint(axes, mark)
        figure.savefig(path, format="png", metadata={"Title": self.title, "Software": None})

    def _frame(self) -> tuple[float, float, float, float]:
        """Left, top, width and height, with the title above and a margin around."""
        return -MARGIN, -HEAD, self.width + 2 * MARGIN, self.height + HEAD + MARGIN

    def _all(self) -> list[Mark]:
        return [Mark("text", ((0.0, MARGIN - HEAD + 4.0),), width=14.0, text=self.title, bold=True), *self.marks]


def _svg_of(mark: Mark) -> str:
    colour = "currentColor" if mark.colour == "ink" else mark.colour
    opacity = "" if mark.opacity == 1.0 else f' opacity="{mark.opacity:g}"'
    places = " ".join(f"{round(x, 1):g},{round(y, 1):g}" for x, y in mark.points)
    (x, y) = mark.points[0]
    if mark.kind == "line":
        dashes = ' stroke-dasharray="4 3"' if mark.dashed else ""
        stroke = f'stroke="{colour}" stroke-width="{mark.width:g}" stroke-linejoin="round"'
        return f'<polyline points="{places}" fill="none" {stroke}{dashes}{opacity}/>'
    if mark.kind == "area":
        return f'<polygon points="{places}" fill="{colour}"{opacity}/>'
    if mark.kind == "dot":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{mark.width:g}" fill="{colour}"{opacity}/>'
    weight = ' font-weight="600"' if mark.bold else ""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{mark.width:g}" text-anchor="{mark.anchor}"'
    return f'<text {place} fill="{colour}"{weight}{opacity}>{escape(mark.text)}</text>'


def _paint(axes: Any, mark: Mark) -> None:
    colour = "#16191d" if mark.colour == "ink" else mark.colour
    xs, ys = [x for x, _ in mark.points], [y for _, y in mark.points]
    points_per_pixel = 0.75
    if mark.kind == "line":
        style = (0, (4, 3)) if mark.dashed else "solid"
        axes.plot(xs, ys, color=colour, linewidth=mark.width * points_per_pixel, linestyle=style, alpha=mark.opacity)
    elif mark.kind == "area":
        axes.fill(xs, ys, color=colour, linewidth=0, alpha=mark.opacity)
    elif mark.kind == "dot":
        axes.plot(xs, ys, "o", color=colour, markersize=2 * mark.width * points_per_pixel, markeredgewidth=0)
    else:
        side = {"start": "left", "middle": "center", "end": "right"}[mark.anchor]
        axes.text(
            xs[0],
            ys[0],
            mark.text,
            color=colour,
            fontsize=mark.width * points_per_pixel,
            alpha=mark.opacity,
            ha=side,
            va="baseline",
            weight="bold" if mark.bold else "normal",
            parse_math=False,
        )
