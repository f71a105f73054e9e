"""docs/benchmarks.md from the results: `python -m benchmarks.page`. Its numbers all come from files in results/."""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import family_tasks
from benchmarks.growth import SWEEPS
from benchmarks.markdown import duration, table
from benchmarks.page_families import families_part
from benchmarks.tasks import BUILDERS

RESULTS = Path(__file__).resolve().parent / "results"
DOCS = Path(__file__).resolve().parents[1] / "docs"
OURS = "foldwise"

METHOD = """\
Made by `python -m benchmarks.page` from `benchmarks/results`; nothing here is written by hand.

**What is timed.** The lasso's cross-validation: {folds} folds and {alphas} penalties, both given, so that every
library solves the same problems: the columns have unit variance over all rows, and standardization inside a library is
off. Each library runs in a process and an environment of its own, at its defaults, and reads the same files
(memory-mapped). After a warm-up, which takes compilation out of the times, the libraries take turns for up to {repeat}
rounds (one whose runs have taken {budget:g} s together sits out the further ones), so that what else happens on the
machine hits all alike. A run that takes more than {limit:g} s is ended and named.

**Cores.** All have {cores}. Where a library offers jobs or threads, the warm-up tries one job with all BLAS threads and
2 jobs with an equal share of them, and the timed runs use the faster; the tables say which. In R, the rows are in
memory, and the BLAS is R's own.

**Who runs what.** scikit-learn, celer: `LassoCV`. skein-glm: `ElasticNetPathCV` at alpha=1. glmnet: `cv.glmnet` in R.
adelie's and skglm's own cross-validations draw their own folds, so their path functions are looped over these folds, as
their own code does it (adelie by weights; skglm on two processes where that is faster). foldwise: `LassoCV`.

**Gap.** How far a point is from the optimum at most: the relative duality gap, computed from the rows by
`benchmarks/gap.py`, which is no library's code, for all points of the final model's and every fold's path. No peer
keeps the folds' coefficients, so their paths are computed again with the settings of the timed run (adelie, skglm: by
the timed code itself; the others by the path function that their cross-validation calls). **Tight**: asked for 1e-10,
or 1e-14 where the tolerance is of squared changes; one run of at most {tight_limit:g} s, gaps of the final model's and
two folds' paths. **Curve off by**: the largest relative difference of the cross-validated error from foldwise's, which
shows that all solved the same problem, and how well. **Memory**: the most held during a run beyond what was held before
it, the rows included there.
"""

TURNED = """\
All folds stand at the same penalty, so foldwise can stop once the cross-validated error has clearly risen past its
minimum (`stop_when_turned=True`, for tables with more columns than rows). The peers walk a path fold by fold and can't
know, so their time is that of the whole path: it answers the same question, which penalty, and gives the saturated end
too."""

NESTED = """\
foldwise's 10 x 9: the final model, 10 folds and 45 pairs of folds, 56 paths, all exact. The fastest peer's plain
cross-validation: 11 paths, at its defaults."""

PARTS = """\
Reading of the rows included on both sides (`fit_paths` without and with folds; `LassoCV` with 10 and with 5 folds)."""

GROWTH = """\
Time against one size while the others stay; generated rows, the fastest of several runs. The slope is that of log time
against log size: 1 is in proportion, 2 is with the square. scikit-learn and glmnet are shown while they take less than
about two seconds."""


def fastest_peer(task: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the peer's side with the smallest best time at its defaults."""
    peers = [side for side in ran(task) if side["library"] != OURS and side["mode"] == "default"]
    return min(peers, key=lambda side: side["best"], default=None)


def ran(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the sides that gave a time."""
    return [side for side in task["sides"] if side["status"] == "ran"]


def mode(task: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Return foldwise's side in a mode, where it ran."""
    return next((side for side in ran(task) if (side["library"], side["mode"]) == (OURS, name)), None)


def main_table(task: Mapping[str, Any]) -> str:
    """Return the table of everyone's cross-validation, fastest first, and who did not run and why."""
    ours = mode(task, "default")
    sides = [side for side in task["sides"] if side["library"] != OURS or side["mode"] == "default"]
    sides.sort(key=lambda side: side.get("best", float("inf")))
    header = ("library", "median", "best", "median ratio", "best ratio", "runs", "gap, worst", "gap, median")
    header += ("curve off by", "memory", "cores")
    cells = table(header, [_cells(side, ours) for side in sides if side["status"] == "ran"])
    reasons = [f"- {_not_run(side)}" for side in sides if "reason" in side]
    return "\n\n".join([cells, "\n".join(reasons)] if reasons else [cells])


def _not_run(side: Mapping[str, Any]) -> str:
    return f"{side['name']}: {'not run: ' if side['status'] != 'ran' else ''}{side['reason']}"


def _cells(side: Mapping[str, Any], ours: Mapping[str, Any] | None) -> tuple[str, ...]:
    ratios = [f"{side[key] / ours[key]:.3g} x" if ours else "" for key in ("median", "best")]
    gaps = [f"{side[key]:.0e}" if key in side else "" for key in ("gap_worst", "gap_median")]
    off = side.get("curve_difference")
    return (
        side["name"],
        duration(side["median"]),
        duration(side["best"]),
        *ratios,
        str(len(side["seconds"])),
        *gaps,
        "" if off is None or side is ours else f"{off:.0e}",
        "" if side["memory"] is None else f"{side['memory'] / 1e6:,.3g} MB",
        side["threads"],
    )


def _ratio(slow: Mapping[str, Any] | None, quick: Mapping[str, Any] | None) -> str:
    return f"{slow['best'] / quick['best']:.3g} x" if slow and quick else ""


def _best(side: Mapping[str, Any] | None) -> str:
    return duration(side["best"]) if side else ""


def turned_table(results: Mapping[str, Any]) -> str:
    """Return what ending the path once the error has turned saves, where it was tried."""
    rows = []
    for name, task in results.items():
        whole, turned, peer = mode(task, "default"), mode(task, "until turned"), fastest_peer(task)
        if turned:
            rows.append(
                (
                    name,
                    f"{_best(peer)} ({peer['library']})" if peer else "",
                    _best(whole),
                    _best(turned),
                    _ratio(peer, turned),
                    f"{turned['points']} of {task['alphas']}",
                    str(whole["best_point"]) if whole else "",
                    str(turned["best_point"]),
                )
            )
    header = ("task", "fastest peer, whole path", "foldwise, whole path", "foldwise, until turned", "ratio to the peer")
    header += ("points walked", "minimum of the whole path at", "of the walked part at")
    return table(header, rows) if rows else ""


def nested_table(results: Mapping[str, Any]) -> str:
    """Return foldwise's nested cross-validation beside the fastest peer's plain one."""
    rows = []
    for name, task in results.items():
        nested, turned, peer = mode(task, "nested"), mode(task, "nested until turned"), fastest_peer(task)
        if nested or turned:
            plain = f"{_best(peer)} ({peer['library']})" if peer else ""
            rows.append((name, plain, _best(nested), _ratio(peer, nested), _best(turned), _ratio(peer, turned)))
    header = ("task", "fastest peer, plain", "foldwise, nested", "ratio", "foldwise, nested until turned", "ratio")
    return table(header, rows) if rows else ""


def parts_table(results: Mapping[str, Any]) -> str:
    """Return what folds cost foldwise: 10 beside none, and 10 beside 5."""
    rows = []
    for name, task in results.items():
        single, folds, five, ten = (mode(task, part) for part in ("single path", "folds", "5 folds", "default"))
        if single and folds:
            rows.append((name, _best(single), _best(folds), _ratio(folds, single), _best(five), _ratio(ten, five)))
    header = ("task", "final path alone", "with 10 folds", "ratio", "LassoCV, 5 folds", "10 folds to 5")
    return table(header, rows) if rows else ""


def growth_part(growth: Mapping[str, Any]) -> str:
    """Return the growth section."""
    parts = [
        "## Growth",
        GROWTH,
        "![Time against rows, columns, folds and penalties](images/growth.png)",
    ]
    for name, sweep in growth.items():
        libraries = [library for library, seconds in sweep["seconds"].items() if any(seconds)]
        rows = [
            (f"{value:,}", *(_seconds(sweep["seconds"][library][at]) for library in libraries))
            for at, value in enumerate(sweep["values"])
        ]
        for which, words in (("all", "slope"), ("last", "slope, last three")):
            rows.append((words, *(_slope(sweep["slopes"][library][which]) for library in libraries)))
        parts.append(f"### {name[0].upper()}{name[1:]} ({sweep['fixed']})\n\n{table((name, *libraries), rows)}")
        missing = [
            f"{library}: {reason}" for library, reason in sweep["reasons"].items() if not reason.startswith("left out")
        ]
        if missing:
            parts.append("Not run: " + "; ".join(missing) + ".")
    return "\n\n".join(parts)


def _seconds(took: float | None) -> str:
    return duration(took) if took else ""


def _slope(slope: float | None) -> str:
    return "" if slope is None else f"{slope:.2f}"


def machines(results: Mapping[str, Any]) -> list[str]:
    """Return the machines that measured, and what was busy."""
    found: dict[str, list[str]] = {}
    for name, task in results.items():
        facts = task["machine"]
        words = f"{facts['cores']} cores of {facts['processor']}, {facts['system']}"
        found.setdefault(words, []).append(f"{name} {facts['load']}")
    return [f"- {words}; load average before the first run: {', '.join(loads)}" for words, loads in found.items()]


def versions(results: Mapping[str, Any]) -> str:
    """Return a table of every library's version and those it stands on."""
    found: dict[str, dict[str, str]] = {}
    for task in results.values():
        for side in ran(task):
            found.setdefault(side["library"], side["versions"])
    rows = [
        (name, found[name].get(name, ""), ", ".join(f"{k} {v}" for k, v in found[name].items() if k != name))
        for name in found
    ]
    return table(("library", "version", "with"), rows)


def page(results: Mapping[str, Any], growth: Mapping[str, Any], families: Mapping[str, Any]) -> str:
    """Return the whole page."""
    tasks = list(results.values())
    method = {
        key: max((task.get(key, 0) for task in tasks), default=0)
        for key in ("folds", "alphas", "limit", "budget", "tight_limit")
    }
    rounds = max((len(side["seconds"]) for task in tasks for side in ran(task)), default=0)
    cores = max((task["machine"]["cores"] for task in tasks), default=0)
    parts = [
        "# Speed and accuracy beside other libraries",
        METHOD.format(**method, repeat=rounds, cores=cores).rstrip(),
    ]
    if results:
        parts += ["\n".join(machines(results)), versions(results)]
        parts += ["## Time against gap", "![Time against gap, a panel for each task](images/time_against_gap.png)"]
        parts.append("To the left is faster, below is more exact. Both axes are logarithmic.")
    for name, task in results.items():
        size = f"{task['n']:,} rows, {task['p']:,} columns, {task['bytes'] / 1e6:,.3g} MB"
        parts.append(f"### {name}: {size}\n\n{main_table(task)}\n\n    {task['command']}")
    sections = (
        ("Ending the path once the error has turned", turned_table(results), TURNED),
        ("Nested cross-validation beside the peers' plain one", nested_table(results), NESTED),
        ("What folds cost foldwise", parts_table(results), PARTS),
    )
    for title, cells, words in sections:
        if cells:
            parts.append(f"## {title}\n\n{words}\n\n{cells}")
    if families:
        parts += [families_part(families), "\n".join(machines(families)), versions(families)]
    if growth:
        parts.append(growth_part(growth))
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page and its pictures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description="Write docs/benchmarks.md.")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of what was measured")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder to write to")
    options = parser.parse_args(arguments)
    results, growth = _read(options.results / "cv.json", BUILDERS), _read(options.results / "growth.json", SWEEPS)
    families = _read(options.results / "families.json", family_tasks.BUILDERS)
    options.docs.mkdir(parents=True, exist_ok=True)
    (options.docs / "benchmarks.md").write_text(page(results, growth, families), encoding="utf-8")
    from benchmarks import plots

    if results:
        plots.time_against_gap(results, options.docs / "images" / "time_against_gap.png")
    if growth:
        plots.growth(growth, options.docs / "images" / "growth.png")
    print(f"wrote {options.docs / 'benchmarks.md'}")


def _read(file: Path, order: Iterable[str]) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {name: known[name] for name in order if name in known}


if __name__ == "__main__":
    main()
