"""Coefficients drawn as signed horizontal bars."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.linear.coefficient_text import NEGATIVE, POSITIVE, heading
from foldwise.parameters.checks import whole
from foldwise.paths.pictures import INK, pyplot, short

if TYPE_CHECKING:
    from foldwise.linear.coefficients import CoefficientTable


def plot_coefficients(table: CoefficientTable, ax: Any = None, *, most: int = 40) -> Any:
    """Draw the bars on `ax`, or on a new figure; see CoefficientTable.plot."""
    most = whole("most", most, 1)
    plt = pyplot()
    values = table.coef if table.per_sd is None else table.per_sd
    kept = np.flatnonzero(table.coef)
    shown = np.sort(kept[np.argsort(-np.abs(values[kept]), kind="stable")[:most]])
    if ax is None:
        _, ax = plt.subplots(figsize=(7.0, 1.5 + 0.3 * max(len(shown), 1)), layout="constrained")
    bars = values[shown]
    place = np.arange(len(shown))
    ax.barh(place, bars, height=0.7, color=np.where(bars > 0, POSITIVE, NEGATIVE))
    ax.set_yticks(place, [short(table.names[at]) for at in shown])
    ax.set_ylim(max(len(shown), 1) - 0.4, -0.6)  # the first on top
    ax.axvline(0.0, color=INK, linewidth=0.8)
    ax.margins(x=0.18)
    for at, value in zip(place, bars, strict=True):
        ax.annotate(
            f"{value:.3g}".replace("-", "\N{MINUS SIGN}"),
            (value, at),
            xytext=(4 if value > 0 else -4, 0),
            textcoords="offset points",
            ha="left" if value > 0 else "right",
            va="center",
            fontsize="small",
            color=INK,
        )
    unit = "unit" if table.per_sd is None else "standard deviation"
    ax.set_xlabel("\n".join([f"coefficient per {unit} of the feature", *_notes(table, len(kept), len(shown))]))
    ax.set_title(heading(table), loc="left")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def _notes(table: CoefficientTable, kept: int, shown: int) -> list[str]:
    """What the bars don't show."""
    notes = [f"the {shown} largest of {kept}"] if shown < kept else []
    if table.dropped:
        listed = "dropped: " + ", ".join(short(name) for name in table.dropped)
        notes += textwrap.wrap(listed, 50, max_lines=4, placeholder=" ...", break_on_hyphens=False)
    return notes
