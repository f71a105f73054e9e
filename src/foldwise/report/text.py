"""The text report: the verdict, then three tables; plain where colours are unwanted."""

import os
import shutil
import sys
from dataclasses import asdict
from io import StringIO

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from foldwise.report import tables
from foldwise.report.how_sure import intervals_by, order_of_the_first_two
from foldwise.report.sure import floor_missing, floor_said, pair_said, picked_said, told_pairs, worst_leak
from foldwise.study import Comparison
from foldwise.study.stopping import Stopped
from foldwise.study.wording import share

WIDTH = 80
NARROWEST, WIDEST = 80, 120
LONGEST_ABOUT = 140
PLAIN = str.maketrans({"█": "#", "▌": "#", "▐": "#", "│": "|", "\u2013": "-", "±": "+-", "²": "2", "…": "."})


_MEASURES = {
    "rmse": "RMSE: root mean squared error on folds with no part in choosing the strength.",
    "partial": (
        "deviance: twice what a fold's rows lack in log partial likelihood, per event,\n"
        "with no part in choosing the strength; D²: share explained; concordance: of two\n"
        "rows the one at higher risk has its event first."
    ),
    "deviance": (
        "deviance: twice the log likelihood that a row's prediction lacks to a perfect\n"
        "one, on folds with no part in choosing the strength; D²: share explained."
    ),
}


def text(comparison: Comparison, *, width: int | None = None, color: bool | None = None, timings: bool = True) -> str:
    """The comparison as text for a terminal: verdict first, then errors, choices and features.

    Parameters
    ----------
    comparison : Comparison
    width : int, optional
        Characters per line, 80 to 120; the terminal's, or 80 where there is none.
    color : bool, optional
        Whether to colour; where omitted, on a terminal that has not set NO_COLOR.
    timings : bool
        Whether to show seconds. Without them the same seed gives the same text.

    Returns
    -------
    str
        Lines without trailing blanks, the last one ended. What standard output can't encode is written plainly.

    Examples
    --------
    >>> import foldwise as fw
    >>> from foldwise.report import text
    >>> comparison = fw.compare(fw.datasets.auto_mpg(), target="mpg", candidates=["lasso"], repeats=1)
    >>> text(comparison, color=False)[:18]
    'Lasso predicts mpg'
    """
    content = page(comparison, width=_width(width), color=_color(color), timings=timings)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        content.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return content.translate(PLAIN)
    return content


def page(comparison: Comparison, *, width: int, color: bool, timings: bool) -> str:
    """The page as `text` gives it, without looking at the terminal."""
    console = Console(
        file=StringIO(),
        width=width,
        force_terminal=color,
        color_system="truecolor" if color else None,
        no_color=not color,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(render(comparison, width=width, timings=timings))
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def render(comparison: Comparison, *, width: int = WIDTH, timings: bool = True) -> Group:
    """The same page for a rich console."""
    first, *others = comparison.sentences
    return Group(
        Text(first, style="bold"),
        *(Text(sentence) for sentence in others),
        Text(),
        Text(_what_was_done(comparison), style="dim"),
        Text(comparison.modelled.line, style="dim"),
        *([] if comparison.stopped is None else [Text(_why_stopped(comparison.stopped), style="dim")]),
        _heading("Error on unseen rows", comparison.unit if comparison.measure.is_root else "mean deviance"),
        tables.errors(comparison, width=width),
        *_of_the_best(comparison),
        *_scores(comparison),
        *_leaks(comparison),
        *_choices(comparison, timings=timings),
        *_features(comparison, width=width),
        Text(),
        *(Text(line, style="dim") for line in _footnotes(comparison)),
        *(Text(f"Note: {note}.", style="dim") for note in comparison.notes),
    )


def _leaks(comparison: Comparison) -> list[Padding | Table | Text]:
    """What leaks would have made one report, where they were asked for."""
    if not comparison.leaks:
        return []
    count = comparison.leaks[0].n_selected
    chosen = f"{count} column{'s' if count > 1 else ''} selected by correlation with {comparison.target}"
    what = f"prepared: filled and scaled by all rows; selected: prepared, and {chosen}"
    if any(each.stopped is not None for each in comparison.leaks):
        what += "; stopped: training ended by the rows that score"
    return [
        _heading("What leaks would have made one report", "the same folds"),
        tables.leaks(comparison),
        Text(worst_leak([asdict(each) for each in comparison.leaks], comparison.error_unit)),
        Text(f"{what}.", style="dim"),
    ]


def _of_the_best(comparison: Comparison) -> list[Text]:
    """What being picked as the best costs, and how near it is to what can be explained."""
    picked = None if comparison.picked is None else asdict(comparison.picked)
    floor = None if comparison.noise_floor is None else asdict(comparison.noise_floor)
    said = [
        picked_said(picked, comparison.error_unit),
        floor_said(floor, comparison.unit),
    ]
    lines = [Text(f"{each.title}: {each.text[:1].lower()}{each.text[1:]}") for each in said if each is not None]
    return [Text(), *lines] if lines else []


def _choices(comparison: Comparison, *, timings: bool) -> list[Padding | Table]:
    """What was chosen, where some candidate has a strength."""
    if all(r.strengths is None for r in comparison.results):
        return []
    smallest = comparison.settings.rule == "min"
    rule = "smallest error" if smallest else "within one standard error of the mean over folds"
    return [
        _heading("What was chosen, from all rows", f"rule: {rule}"),
        tables.choices(comparison, timings=timings),
    ]


def _scores(comparison: Comparison) -> list[Padding | Table]:
    """For other families than the gaussian, what else people know."""
    if comparison.measure.is_root or not comparison.baseline_scores:  # those want the rows
        return []
    return [_heading("The same predictions in other scores"), tables.scores(comparison)]


def _features(comparison: Comparison, *, width: int) -> list[Padding | Table | Text]:
    """The features of the candidate that the verdict explains; nothing where no candidate has coefficients."""
    if comparison.explained is None:
        return []
    unit = f", {comparison.unit}" if comparison.unit and comparison.measure.is_root else ""
    title = _features_title(f"Features of the {comparison.explained.name}", len(comparison.columns))
    return [
        _heading(title, f"change of {comparison.modelled.scale}{unit}"),
        tables.features(comparison, width=width),
        *_pairs(comparison),
    ]


def _pairs(comparison: Comparison) -> list[Text]:
    """Features that stand in for each other in the fits, or come together."""
    if comparison.co_selection is None:
        return []
    plain = comparison.co_selection.to_dict()
    return [Text(pair_said(pair, plain["fits"])) for pair in told_pairs(plain)]


def _features_title(title: str, p: int) -> str:
    return title if p <= tables.MOST_FEATURES else f"{title}, the {tables.MOST_FEATURES} strongest of {p:,}"


def _what_was_done(comparison: Comparison) -> str:
    folds, settings = comparison.folds, comparison.settings
    repeats = f", {folds.n_repeats} repeats" if folds.n_repeats > 1 or comparison.stopped else ""
    kind = " grouped" if settings.groups else " stratified" if settings.stratify else ""
    seed = "" if settings.seed is None else f", seed {settings.seed}"
    roles = "".join(
        f"; {role} {name}" for role, name in (("weights", settings.sample_weight), ("offset", settings.offset)) if name
    )
    sizes = f"{folds.n_rows:,} rows, {len(comparison.columns):,} features; {folds.n_folds}{kind} folds"
    return f"{sizes}{repeats}{seed}{roles}"


def _why_stopped(stopped: Stopped) -> str:
    """Why no more repeats were added, and how far other folds could still move a difference."""
    budget = f"{stopped.budget:g} s"
    why = {
        "settled": f"Repeats were added until the differences were settled (of a budget of {budget})",
        "budget": f"Repeats were added until the budget of {budget} was spent",
        "most repeats": f"Repeats were added until there were as many as allowed (within a budget of {budget})",
    }[stopped.reason]
    if stopped.precision is None:
        return f"{why}."
    return f"{why}: other folds would move them by {share(stopped.precision)} of the smallest detectable one."


def _heading(words: str, unit: str | None = None) -> Padding:
    title = Text(words, style="bold")
    if unit:
        title.append(f" ({unit})", style="dim")
    return Padding(title, (1, 0, 0, 0))


def _footnotes(comparison: Comparison) -> list[str]:
    gap = max((r.gap for r in comparison.results if r.gap is not None), default=None)
    fits, pairs = comparison.folds.get_n_splits(), len(comparison.differences)
    tuned = any(r.optimism is not None for r in comparison.results)
    explained = comparison.explained is not None
    certificate = "relative duality gap" if comparison.modelled.family.has_gap else "optimality residual"
    missing = floor_missing(None if comparison.noise_floor is None else asdict(comparison.noise_floor))
    by_pairs = comparison.co_selection is not None and bool(comparison.co_selection.pairs)
    tests = [f"p: corrected resampled t, Holm over {pairs} pairs; a shared letter is a tie; ±: 95 %."]
    return [
        _MEASURES["partial" if comparison.modelled.is_risk else comparison.measure.key],
        intervals_by(comparison),
        *(tests if pairs > 1 else []),
        *order_of_the_first_two(comparison),
        *(["optimism: by how much an ordinary cross-validation's best score flatters."] if tuned else []),
        *([f"per SD: for one standard deviation of the feature; kept in: share of {fits} fits."] if explained else []),
        *(["either, together: beyond the chance of dealing folds, 5 % for all pairs at once."] if by_pairs else []),
        *([] if missing is None else [missing]),
        *([] if gap is None else [f"Largest {certificate} of all fits: {gap:.0e}."]),
        *(f"{r.name}: {_cut(r.about)}" for r in comparison.results if r.about),
    ]


def _cut(about: str) -> str:
    return about if len(about) <= LONGEST_ABOUT else f"{about[: LONGEST_ABOUT - 1]}…"


def _width(width: int | None) -> int:
    if width is None:
        width = shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH
    return min(max(width, NARROWEST), WIDEST)


def _color(color: bool | None) -> bool:  # noqa: FBT001 - yes, no, or decide
    if color is not None:
        return color
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
