"""Coefficients as lines of text: per unit and per standard deviation of each column, with signed bars on a terminal."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foldwise.cli.trained import Trained

if TYPE_CHECKING:
    from rich.text import Text

MOST = 40  # lines; a longer list ends with what is left out
_HALF_BAR = 12
_COLOURS = {1: "#0072b2", -1: "#d55e00"}  # blue and vermilion of Okabe & Ito, told apart by colour-blind eyes


@dataclass(frozen=True)
class Line:
    """One column of the design: its coefficient per unit, and per standard deviation in the training rows."""

    name: str
    coef: float
    per_sd: float


def coefficient_lines(trained: Trained, *, width: int, bars: bool) -> list["Text"]:
    """Give a table of at most `width` characters a line, from the largest positive coefficient per deviation down.

    Parameters
    ----------
    trained
        The fitted model.
    width
        Characters; names are shortened to fit.
    bars
        Whether each line ends in a bar, negative ones to the left of a common axis.
    """
    from rich.text import Text

    lines = [
        Line(name, float(coef), float(coef * scale))
        for name, coef, scale in zip(trained.recipe.names, trained.coef, trained.scale, strict=True)
    ]
    kept = [line for line in lines if line.coef != 0]
    largest = sorted(kept, key=lambda line: -abs(line.per_sd))[:MOST]
    shown = sorted(largest, key=lambda line: -line.per_sd)
    coefs = _aligned([*(line.coef for line in shown), trained.intercept])
    per_sd = _aligned([line.per_sd for line in shown])
    left_for_names = (
        width - _width(coefs, "coefficient") - _width(per_sd, "per sd") - 6 - (2 * _HALF_BAR + 3 if bars else 0)
    )
    names = [_shortened(name, max(8, left_for_names)) for name in (*(line.name for line in shown), "(intercept)")]
    name_width = max(len(name) for name in names)

    head = Text(f"{'column':<{name_width}}  {'coefficient':>{_width(coefs, 'coefficient')}}", style="bold")
    head.append(f"  {'per sd':>{_width(per_sd, 'per sd')}}")
    text = [head]
    most = max((abs(line.per_sd) for line in shown), default=0.0)
    for line, name, coef, deviation in zip(shown, names, coefs, per_sd, strict=False):
        row = Text(f"{name:<{name_width}}  {coef:>{_width(coefs, 'coefficient')}}")
        row.append(f"  {deviation:>{_width(per_sd, 'per sd')}}")
        if bars:
            row.append_text(_bar(line.per_sd / most))
        text.append(row)
    text.append(Text(f"{names[-1]:<{name_width}}  {coefs[-1]:>{_width(coefs, 'coefficient')}}"))
    if len(kept) > len(shown):
        text.append(Text(f"... and {len(kept) - len(shown)} smaller ones"))
    if len(kept) < len(lines):
        zero = [line.name for line in lines if line.coef == 0]
        listed = ", ".join(zero[:10]) + (", ..." if len(zero) > 10 else "")
        text.append(Text(f"zero ({len(zero)} of {len(lines)}): {listed}"))
    return text


def _bar(share: float) -> "Text":
    """A bar of up to _HALF_BAR characters on its side of the axis; half characters where they help."""
    from rich.text import Text

    halves = max(1, round(abs(share) * 2 * _HALF_BAR))
    full, half = divmod(halves, 2)
    style = _COLOURS[1 if share > 0 else -1]
    if share > 0:
        return Text.assemble("  " + " " * _HALF_BAR + "│", ("█" * full + "▌" * half, style))
    return Text.assemble("  " + " " * (_HALF_BAR - full - half), ("▐" * half + "█" * full, style), "│")


def _aligned(values: list[float]) -> list[str]:
    """Numbers of four significant digits, their points below each other."""
    texts = [f"{value:#.4g}".rstrip(".") for value in values]
    after = [len(text) - text.index(".") if "." in text else 0 for text in texts]
    most = max(after, default=0)
    return [text + " " * (most - tail) for text, tail in zip(texts, after, strict=True)]


def _width(texts: list[str], head: str) -> int:
    return max(len(head), *(len(text) for text in texts)) if texts else len(head)


def _shortened(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 3] + "..."
