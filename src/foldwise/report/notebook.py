"""A comparison in a notebook: verdict, table and one drawing; static, escaped, and readable on dark and light."""

from html import escape

from foldwise.report.figures import errors_figure
from foldwise.report.page.render import NAMES
from foldwise.report.page.ties import ties_of
from foldwise.study import Comparison


def to_html(comparison: Comparison) -> str:
    """HTML without script, style sheet or anything loaded.

    Examples
    --------
    >>> import foldwise as fw
    >>> comparison = fw.compare(fw.datasets.auto_mpg(), target="mpg", candidates=["lasso"], repeats=1)
    >>> html = to_html(comparison)
    >>> html[:5], "Lasso predicts mpg" in html, "<script" in html
    ('<div>', True, False)
    """
    plain = comparison.to_dict()
    key = comparison.measure.key
    name, explained_key, explained = NAMES[key]
    unit = f" {comparison.error_unit}" if comparison.error_unit else ""
    rows = ties_of(plain, key, explained_key)["rows"]
    first, *others = (escape(sentence) for sentence in plain["verdict"])
    head = ["", f"{name}{unit}", "95 % interval", "worse by", "p", "tie", explained, "features"]
    body = [
        [
            row["name"],
            row["error"],
            row["interval"],
            row["worse"],
            row["p"],
            row["letters"],
            row["explained"],
            row["kept"],
        ]
        for row in rows
    ]
    notes = "".join(f"<li>{escape(note)}</li>" for note in plain["notes"])
    return "\n".join(
        [
            "<div>",
            f"<p><strong>{first}</strong> {' '.join(others)}</p>",
            "<table>",
            f"<thead><tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr></thead>",
            f"<tbody>{''.join(_row(cells) for cells in body)}</tbody>",
            "</table>",
            errors_figure(plain).to_svg(),
            f"<p>Warnings:</p><ul>{notes}</ul>" if notes else "",
            "</div>",
        ]
    )


def _row(cells: list[str]) -> str:
    first, *others = (escape(str(cell)) for cell in cells)
    return f"<tr><th>{first}</th>{''.join(f'<td>{cell}</td>' for cell in others)}</tr>"
