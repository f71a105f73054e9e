"""Coefficients as lines of text: per standard deviation and per unit of each column, with signed bars."""

from dataclasses import dataclass

from rich.text import Text

from foldwise.cli.trained import Trained
from foldwise.report.bars import AXIS, signed_bar
from foldwise.report.numbers import same_decimals
from foldwise.report.tables import NEGATIVE, POSITIVE

MOST = 40  # lines; a longer list ends with what is left out
LONGEST_NAME = 40
SHORTEST_HALF, LONGEST_HALF = 4, 16  # characters of a bar on either side of the axis


@dataclass(frozen=True)
class Line:
    """One column of the design: its coefficient per unit, and per standard deviation in the training rows."""

    name: str
    coef: float
    per_sd: float
    unit: str | None


def coefficient_lines(trained: Trained, *, width: int) -> list[Text]:
    """Give a table of at most `width` characters a line, the most positive coefficient per deviation first.

    Parameters
    ----------
    trained
        The fitted model. Columns whose coefficient is 0 are listed in a last line.
    width
        Characters; bars and names are shortened to fit.
    """
    lines = [
        Line(column.name, float(coef), float(coef * scale), column.unit)
        for column, coef, scale in zip(trained.recipe.columns, trained.coef, trained.scale, strict=True)
        if scale > 0  # a column that is constant in the training rows, an empty (other) for one, says nothing
    ]
    kept = [line for line in lines if line.coef != 0]
    strongest = sorted(kept, key=lambda line: -abs(line.per_sd))[:MOST]
    shown = sorted(strongest, key=lambda line: -line.per_sd)
    largest = max((abs(line.per_sd) for line in shown), default=1.0) or 1.0
    names = _padded(["", *(_shortened(line.name) for line in shown), "(intercept)"], right=False)
    per_sd = _padded(["per SD", *map(same_decimals(largest, 4, signed=True), (line.per_sd for line in shown)), ""])
    per_unit = _padded(["per unit", *_aligned([*(line.coef for line in shown), trained.intercept])])
    units = [f" / {line.unit}" if line.unit else "" for line in shown]
    others = len(names[0]) + len(per_sd[0]) + len(per_unit[0]) + 3 * 2 + 1 + max(map(len, units), default=0)
    half = min(max((width - others) // 2, SHORTEST_HALF), LONGEST_HALF)

    text = [Text(f"{names[0]}  {'':{2 * half + 1}}  {per_sd[0]}  {per_unit[0]}", style="dim")]
    for line, name, deviation, coef, unit in zip(shown, names[1:], per_sd[1:], per_unit[1:], units, strict=False):
        left, right = signed_bar(line.per_sd, largest, half)
        bar = Text.assemble((left, NEGATIVE), (AXIS, "dim"), (right, POSITIVE))
        text.append(Text.assemble(f"{name}  ", bar, f"  {deviation}  {coef}{unit}"))
    text.append(Text(f"{names[-1]}  {'':{2 * half + 1}}  {per_sd[-1]}  {per_unit[-1]}"))
    if len(kept) > len(shown):
        text.append(Text(f"... and {len(kept) - len(shown)} smaller ones"))
    if len(kept) < len(lines):
        zero = [line.name for line in lines if line.coef == 0]
        listed = ", ".join(zero[:10]) + (", ..." if len(zero) > 10 else "")
        text.append(Text(f"dropped: {listed} ({len(zero)} of {len(lines)})"))
    for row in text:
        row.rstrip()
    return text


def _aligned(values: list[float]) -> list[str]:
    """Numbers of four significant digits, their points below each other."""
    texts = [f"{value:#.4g}".rstrip(".") for value in values]
    after = [len(text) - text.index(".") if "." in text else 0 for text in texts]
    return [text + " " * (max(after) - tail) for text, tail in zip(texts, after, strict=True)]


def _padded(texts: list[str], *, right: bool = True) -> list[str]:
    width = max(map(len, texts))
    return [text.rjust(width) if right else text.ljust(width) for text in texts]


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "..."
