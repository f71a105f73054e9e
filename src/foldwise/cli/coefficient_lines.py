"""Coefficients as lines of text: per standard deviation and per unit of each column, with signed bars."""

from collections.abc import Callable

import numpy as np
from rich.text import Text

from foldwise.cli.trained import Trained
from foldwise.linear import coefficients
from foldwise.report.bars import AXIS, signed_bar
from foldwise.report.numbers import same_decimals
from foldwise.report.tables import NEGATIVE, POSITIVE

MOST = 40  # lines; a longer list ends with what is left out
LONGEST_NAME = 40
SHORTEST_HALF, LONGEST_HALF = 4, 16  # characters of a bar on either side of the axis


def coefficient_lines(trained: Trained, *, width: int) -> list[Text]:
    """Give a table of at most `width` characters a line, the most positive coefficient per deviation first.

    Parameters
    ----------
    trained
        The fitted model. Columns whose coefficient is 0 are listed in a last line.
    width
        Characters; bars and names are shortened to fit.
    """
    if trained.coef.ndim == 2:
        return _of_classes(trained)
    table = coefficients(trained.estimator, names=trained.recipe.names)
    effect = np.zeros_like(table.coef) if table.per_sd is None else table.per_sd
    kept = np.flatnonzero(table.coef)
    shown = np.sort(kept[np.argsort(-np.abs(effect[kept]), kind="stable")[:MOST]])  # in the table's own order again
    largest = float(np.abs(effect[shown]).max(initial=0.0)) or 1.0
    signed = same_decimals(largest, 4, signed=True)
    unit = {column.name: f" / {column.unit}" if column.unit else "" for column in trained.recipe.columns}

    names = _padded(["", *(_shortened(table.names[at]) for at in shown), "(intercept)"], right=False)
    per_sd = _padded(["per SD", *(signed(float(effect[at])) for at in shown), ""])
    per_unit = _padded(["per unit", *_aligned([*table.coef[shown].tolist(), table.intercept])])
    units = [unit[table.names[at]] for at in shown]
    others = len(names[0]) + len(per_sd[0]) + len(per_unit[0]) + 3 * 2 + 1 + max(map(len, units), default=0)
    half = min(max((width - others) // 2, SHORTEST_HALF), LONGEST_HALF)

    text = [Text(f"{names[0]}  {'':{2 * half + 1}}  {per_sd[0]}  {per_unit[0]}", style="dim")]
    for line, at in enumerate(shown, start=1):
        left, right = signed_bar(float(effect[at]), largest, half)
        bar = Text.assemble((left, NEGATIVE), (AXIS, "dim"), (right, POSITIVE))
        text.append(Text.assemble(f"{names[line]}  ", bar, f"  {per_sd[line]}  {per_unit[line]}{units[line - 1]}"))
    text.append(Text(f"{names[-1]}  {'':{2 * half + 1}}  {per_sd[-1]}  {per_unit[-1]}"))
    if len(kept) > len(shown):
        text.append(Text(f"... and {len(kept) - len(shown)} smaller ones"))
    text += _dropped(trained)
    for row in text:
        row.rstrip()
    return text


def _of_classes(trained: Trained) -> list[Text]:
    """Per standard deviation, a column for each class; the features that any class keeps, the strongest first."""
    effect = trained.coef * trained.scale[:, None]
    most = abs(effect).max(axis=1)
    shown = [j for j in np.argsort(-most, kind="stable").tolist() if most[j] > 0.0][:MOST]
    signed = same_decimals(float(most.max(initial=0.0)) or 1.0, 4, signed=True)
    names = _padded(["per SD", *(_shortened(trained.recipe.names[j]) for j in shown), "(intercept)"], right=False)
    intercepts = np.asarray(trained.intercept)
    columns = [
        _padded(
            [
                _shortened(str(label)),
                *(_or_zero(signed, float(effect[j, c])) for j in shown),
                signed(float(intercepts[c])),
            ]
        )
        for c, label in enumerate(trained.modelled.classes)
    ]
    lines = ["  ".join(cells) for cells in zip(names, *columns, strict=True)]
    left = int(np.count_nonzero(most)) - len(shown)
    more = [Text(f"... and {left} smaller ones")] if left else []
    return [Text(lines[0], style="dim"), *map(Text, lines[1:]), *more, *_dropped(trained)]


def _or_zero(signed: Callable[[float], str], value: float) -> str:
    return "0" if value == 0.0 else signed(value)


def _dropped(trained: Trained) -> list[Text]:
    """Which columns have no coefficient, but for those that are constant in the training rows: an empty (other)."""
    varying, dropped = trained.scale > 0, (trained.coef == 0).reshape(len(trained.coef), -1).all(axis=1)
    zero = [trained.recipe.names[j] for j in np.flatnonzero(varying & dropped)]
    if not zero:
        return []
    listed = ", ".join(zero[:10]) + (", ..." if len(zero) > 10 else "")
    return [Text(f"dropped: {listed} ({len(zero)} of {np.count_nonzero(varying)})")]


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
