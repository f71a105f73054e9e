"""The picture of docs/coverage.md: coverage against rows, a panel for each world and procedure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, MultipleLocator, NullFormatter, PercentFormatter

# Okabe and Ito's colours, which those who see fewer colours can tell apart; shapes say the same again.
LOOKS = {
    "nested": ("#D55E00", "*"),
    "corrected t": ("#0072B2", "o"),
    "BBC-CV": ("#009E73", "s"),
    "naive": ("#6b6b6b", "v"),
}


def picture(found: Mapping[str, Any], file: Path) -> None:
    """Draw the share of tables whose interval holds the model's error, with two Monte Carlo standard errors."""
    kinds = list(dict.fromkeys((cell["world"], cell["procedure"]) for cell in found["cells"]))
    columns = min(3, len(kinds))
    rows = -(-len(kinds) // columns)
    size = (3.7 * columns, 2.9 * rows + 0.6)
    figure, panels = plt.subplots(rows, columns, figsize=size, squeeze=False, sharex=True, sharey=True)
    for at, panel in enumerate(panels.flat):
        if at >= len(kinds):
            panel.set_visible(False)
            continue
        cells = [cell for cell in found["cells"] if (cell["world"], cell["procedure"]) == kinds[at]]
        panel.axhspan(0.93, 0.97, color="#f0e9d8", zorder=0)
        panel.axhline(found["confidence"], color="#b9a77a", linewidth=0.8, zorder=1)
        for name, (colour, marker) in LOOKS.items():
            points = [(cell["n"], *cell["intervals"][name]["model"]) for cell in cells if name in cell["intervals"]]
            if points:
                n, share, error = zip(*points, strict=True)
                looks = {"color": colour, "marker": marker, "markersize": 10 if marker == "*" else 5, "linewidth": 1.2}
                panel.errorbar(n, share, yerr=[2 * e for e in error], elinewidth=0.8, label=name, **looks)
        panel.set(xscale="log")
        panel.set_title(", ".join(kinds[at]), fontsize=10, loc="left")
        panel.set_xticks([cell["n"] for cell in cells])
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        panel.tick_params(labelsize=8, labelbottom=at + columns >= len(kinds))
        panel.yaxis.set_major_locator(MultipleLocator(0.05))
        panel.minorticks_off()
        panel.grid(which="major", axis="y", color="#e4e4e4", linewidth=0.7)
        panel.spines[["top", "right"]].set_visible(False)
        if at + columns >= len(kinds):
            panel.set_xlabel("rows")
    for row in panels:
        row[0].set_ylabel("intervals that hold\nthe model's error", fontsize=9)
    handles, labels = panels[0][0].get_legend_handles_labels()
    for panel in panels.flat[1:]:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            if label not in labels:
                handles, labels = [*handles, handle], [*labels, label]
    figure.legend(handles, labels, loc="lower center", ncols=len(labels), frameon=False, fontsize=9)
    figure.tight_layout(rect=(0, 0.4 / size[1], 1, 1))
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)
