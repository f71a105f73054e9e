"""A table of coefficients as text for the terminal and as HTML for notebooks."""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foldwise.linear.coefficients import CoefficientTable

POSITIVE, NEGATIVE = "#0072B2", "#D55E00"  # told apart with every kind of colour vision
_WIDTH = 88


def text_table(table: CoefficientTable) -> str:
    """Aligned columns, the intercept, and the dropped features in a last line."""
    rows = [["feature", "sign", "coefficient", "per SD"], *_rows(table)]
    if table.per_sd is None:
        rows = [row[:3] for row in rows]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [heading(table)]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append(("  " + "  ".join(cells)).rstrip())
    if table.dropped:
        listed = "dropped: " + ", ".join(table.dropped)
        lines += textwrap.wrap(listed, _WIDTH, initial_indent="  ", subsequent_indent=" " * 11, break_long_words=False)
    return "\n".join(lines)


def html_table(table: CoefficientTable) -> str:
    """The same as an HTML table; the sign has its colour."""
    header = ["feature", "sign", "coefficient", *([] if table.per_sd is None else ["per SD"])]
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = "".join(_html_row(row[: len(header)]) for row in _rows(table))
    dropped = f"<p>dropped: {escape(', '.join(table.dropped))}</p>" if table.dropped else ""
    return (
        f"<table><caption>{escape(heading(table))}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{dropped}"
    )


def heading(table: CoefficientTable) -> str:
    """One line: the model, and how many features it keeps."""
    p = len(table.names)
    kept = p - len(table.dropped)
    return f"{table.model}: {p} features" if kept == p else f"{table.model}: {kept} of {p} features kept"


def _rows(table: CoefficientTable) -> list[list[str]]:
    """Feature, sign, coefficient and per SD as text; numbers of a column have their points below each other."""
    columns = table.to_dict()
    kept = [at for at, sign in enumerate(columns["sign"]) if sign != "0"]
    chosen = {name: [values[at] for at in kept] for name, values in columns.items()}
    numbers = [_aligned(chosen[name]) for name in ("coefficient", "per_sd")]
    return [list(row) for row in zip(chosen["feature"], chosen["sign"], *numbers, strict=True)]


def _aligned(values: list[Any]) -> list[str]:
    texts = ["" if value is None else f"{value:.4g}" for value in values]
    ends = [len(text) - text.index(".") if "." in text and "e" not in text else 0 for text in texts]
    longest = max(ends, default=0)
    return [
        text + " " * (longest - end if text and "e" not in text else 0) for text, end in zip(texts, ends, strict=True)
    ]


def _html_row(row: list[str]) -> str:
    colour = {"+": POSITIVE, "-": NEGATIVE}.get(row[1], "inherit")
    sign = f'<td style="color:{colour};text-align:center">{row[1]}</td>'
    numbers = "".join(f'<td style="text-align:right">{cell.strip()}</td>' for cell in row[2:])
    return f'<tr><td style="text-align:left">{escape(row[0])}</td>{sign}{numbers}</tr>'
