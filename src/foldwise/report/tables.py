"""The three tables of the text report: how well each candidate predicts, what was chosen, which features survive."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from foldwise.report.bars import AXIS, signed_bar
from foldwise.report.numbers import same_decimals
from foldwise.study import CandidateResult, Comparison, Difference
from foldwise.study.wording import number, p_value, share

POSITIVE, NEGATIVE = "#3b8fd4", "#d9730d"
"""Blue and orange, apart for every kind of colour vision, on dark and on light."""

NONE = "\u2013"
FINEST = 2.5e-3
"""Differences below this share of the mean's error, and errors below ten times that, get no more digits."""
MOST_FEATURES = 20
LONGEST_NAME = 28
SHORTEST_HALF, LONGEST_HALF = 4, 16


def errors(comparison: Comparison, *, width: int) -> Table:
    """One row per candidate, the best first, then the mean: error, difference to the best, ties; MAE where it fits."""
    told = comparison.measure.is_root and "mae" in comparison.baseline_scores  # not from moments alone
    for with_mae in (True, False):
        table = _errors(comparison, padding=2, with_mae=with_mae and told)
        if natural_width(table) <= width:
            return table
    return _errors(comparison, padding=1, with_mae=False)


def _errors(comparison: Comparison, *, padding: int, with_mae: bool) -> Table:
    measure = comparison.measure
    mae_header = ["MAE"] if with_mae else []
    table = _table(
        "",
        measure.name,
        "95 % interval",
        "worse by",
        "p",
        "tie",
        measure.explained,
        *mae_header,
        "optimism",
        padding=padding,
    )
    best = comparison.best
    versus = {r.name: comparison.difference(best.name, r.name) for r in comparison.results[1:]}
    error, change = same_decimals(max(best.error, 10 * FINEST * comparison.baseline_error)), _change(comparison)

    def difference(d: Difference, p: float) -> tuple[str, str]:
        return f"{change(d.difference)} ± {change(d.interval[1] - d.difference)}", p_value(p)

    def mae(scores: dict[str, float]) -> list[str]:
        return [error(scores["mae"])] if with_mae else []

    for r in comparison.results:
        table.add_row(
            r.name,
            error(r.error),
            f"{error(r.interval[0])} to {error(r.interval[1])}",
            *(difference(versus[r.name], versus[r.name].p_holm) if r is not best else (NONE, NONE)),
            r.letters,
            f"{r.explained:.3f}",
            *mae(r.scores),
            NONE if r.optimism is None else change(r.optimism),
            style="bold" if r is best else "",
        )
    mean = comparison.baseline_difference
    table.add_row(
        comparison.modelled.baseline,
        error(comparison.baseline_error),
        "",
        *difference(mean, mean.p),
        "",
        "",
        *mae(comparison.baseline_scores),
        style="dim",
    )
    return table


NAMES = {
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "auc": "AUC",
    "brier": "Brier",
    "mae": "MAE",
    "rmse": "RMSE",
    "concordance": "concordance",
}


def scores(comparison: Comparison) -> Table:
    """One row per candidate and one without features: what else people know of the held-out predictions."""
    names = comparison.measure.scores
    table = _table("", *(NAMES[name] for name in names))
    rows = [(r.name, r.scores) for r in comparison.results]
    for label, found in [*rows, (comparison.modelled.baseline, comparison.baseline_scores)]:
        cells = [
            f"{found[name]:.1%}".replace("%", " %") if name == "accuracy" else number(found[name]) for name in names
        ]
        last = found is comparison.baseline_scores
        table.add_row(label, *cells, style="dim" if last else "bold" if label == rows[0][0] else "")
    return table


def leaks(comparison: Comparison) -> Table:
    """One row per candidate: its honest error, and the errors that rows which judge would have flattered."""
    stops = any(each.stopped is not None for each in comparison.leaks)
    table = _table("", "honest", "best score", "prepared", "selected", *(["stopped"] if stops else []))
    shown = same_decimals(max(each.honest for each in comparison.leaks))
    for each in comparison.leaks:
        found = (each.honest, each.tuned, each.prepared, each.selected, *([each.stopped] if stops else []))
        table.add_row(each.candidate, *(NONE if value is None else shown(value) for value in found))
    return table


def choices(comparison: Comparison, *, timings: bool) -> Table:
    """One row per candidate: features kept, strengths by both rules, and seconds where they are wanted."""
    headers = ["", "features kept", "alpha (min)", "alpha (1-SE)", "l1_ratio"]
    table = _table(*headers, *(["seconds"] if timings else []))
    for r in comparison.results:
        tuned = r.alpha_min is not None and r.alpha_1se is not None
        cells = [
            Text(r.name),
            Text(NONE if r.n_kept is None else f"{r.n_kept} of {len(comparison.columns)}"),
            *(_chosen(alpha, r) for alpha in (r.alpha_min, r.alpha_1se)),
            Text(f"{r.l1_ratio:g}" if tuned else NONE),
            Text(f"{comparison.run.candidate_seconds[r.name]:.2f}"),
        ]
        table.add_row(*cells[: None if timings else -1])
    return table


def features(comparison: Comparison, *, width: int) -> Table:
    """One row per feature of the candidate that the verdict explains: signed bar, coefficients, survival."""
    for padding in (2, 1):
        spare = width - natural_width(_features(comparison, half=SHORTEST_HALF, padding=padding))
        if spare >= 0:
            break
    return _features(comparison, half=min(SHORTEST_HALF + max(spare // 2, 0), LONGEST_HALF), padding=padding)


def _features(comparison: Comparison, *, half: int, padding: int) -> Table:
    r = comparison.explained
    if r is None:
        return _table("")
    shown = _strongest(r)
    several = r.coef.ndim == 2
    table = _table(
        "", "", "per SD", "per unit", "", *(["class"] if several else []), "kept in", "same sign", padding=padding
    )
    table.columns[1].justify = table.columns[4].justify = "left"  # right would strip a bar's blanks, and move its axis
    largest = max(abs(line.per_sd) for line in shown)
    per_sd = same_decimals(largest, signed=True)
    for line in shown:
        column = comparison.columns[line.feature]
        left, right = signed_bar(line.per_sd, largest, half)
        dropped = line.per_unit == 0.0
        label = "" if dropped or not several else str(comparison.modelled.classes[line.of_class])
        table.add_row(
            _short(column.name),
            Text.assemble((left, NEGATIVE), (AXIS, "dim"), (right, POSITIVE)),
            "dropped" if dropped else per_sd(line.per_sd),
            "" if dropped else number(line.per_unit),
            f"/ {column.unit}" if column.unit and not dropped else "",
            *([_short(label)] if several else []),
            share(line.survival),
            share(line.agreement) if line.survival > 0.0 and line.agreement == line.agreement else NONE,
            style="dim" if dropped else "",
        )
    return table


@dataclass(frozen=True)
class _Line:
    """What is told of one feature; of several classes the one on which it bears most."""

    feature: int
    of_class: int
    per_sd: float
    per_unit: float
    survival: float
    agreement: float


def _strongest(r: CandidateResult) -> list[_Line]:
    """The strongest features, by falling coefficient."""
    per_sd, per_unit, agreement = (
        array[:, None] if array.ndim == 1 else array for array in (r.coef_per_sd, r.coef, r.agreement)
    )
    most = abs(per_sd).argmax(axis=1).tolist()
    lines = [
        _Line(j, c, float(per_sd[j, c]), float(per_unit[j, c]), float(r.survival[j]), float(agreement[j, c]))
        for j, c in enumerate(most)
    ]
    lines.sort(key=lambda line: (-abs(line.per_sd), -line.survival))
    return sorted(lines[:MOST_FEATURES], key=lambda line: -line.per_sd)


def natural_width(table: Table) -> int:
    """Characters that a table wants."""
    console = Console(width=1000, markup=False, highlight=False, emoji=False)
    return Measurement.get(console, console.options, table).maximum


def _change(comparison: Comparison) -> Callable[[float], str]:
    """Differences are written so that the smallest standard error has two digits, unless it is next to nothing."""
    of_best = [d.standard_error for d in comparison.differences if d.first == comparison.best.name]
    smallest = min((error for error in of_best if error > 0.0), default=comparison.best.error)
    return same_decimals(max(smallest, FINEST * comparison.baseline_error), 2)


def _short(name: str) -> str:
    """A name of at most 28 characters: the beginning and the end of a longer one, which tell levels and gaps apart."""
    return name if len(name) <= LONGEST_NAME else f"{name[:13]}…{name[-14:]}"


def _chosen(alpha: float | None, r: CandidateResult) -> Text:
    """A strength, bold where the final model uses it."""
    if alpha is None:
        return Text(NONE)
    return Text(number(alpha), style="bold" if alpha == r.alpha else "")


def _table(*headers: str, padding: int = 2) -> Table:
    """Text to the left in the first column, numbers to the right in the others."""
    table = Table(box=None, pad_edge=False, padding=(0, padding, 0, 0), header_style="dim")
    for at, header in enumerate(headers):
        table.add_column(header, justify="left" if at == 0 else "right", no_wrap=True, overflow="ellipsis")
    return table
