"""Elastic net, ridge and nested cross-validation beside scikit-learn, in one process.

Run it as `python -m benchmarks.pairs [TASK ...] [--contest NAME ...] [--repeat N] [--out FILE]`.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import foldwise as fw
from benchmarks import clock, machine, pairs_tables
from benchmarks.contests import CONTESTS, Contest
from benchmarks.tasks import FOLDS, Task, build

TASKS = ("cars3", "communities", "cal3", "protein3")
WARM_UP_ROWS = 400
BUDGET = 90.0
TRACED_ALPHAS = slice(None, None, 20)

EXPLANATION = """\
Both sides (sk: scikit-learn, fw: foldwise) get the same rows, the same 10 folds and the same 100 penalties, and run in
one process in alternation, after a warm-up on 400 rows. Times are medians over the runs (fewer where the runs of a line
would take minutes). The ratio is the median of the ratios of neighbouring runs, with the smallest and the largest; next
to it the ratio of each side's fastest run. Gap: the worst relative duality gap of the final model's path and of two
folds' paths, computed from the rows by `benchmarks/gap.py`, relative to the empty model's objective; scikit-learn's on
paths that it computes again with the same settings. Memory: the most that Python and NumPy held at once beyond the
data, in one traced run (scikit-learn's with 5 of the penalties, which it fits one after the other).

On a machine that does other work too, set OPENBLAS_NUM_THREADS=1: scikit-learn's many short calls of linear algebra on
several threads wait for each other there, and take up to ten times as long."""


def measure(contest: Contest, task: Task, repeat: int) -> pairs_tables.Row:
    """Return times, gaps and memory of both sides on one task."""
    small = task.head(WARM_UP_ROWS)
    contest.sklearn(small)
    contest.foldwise(small)
    times, theirs, ours = clock.alternate(lambda: contest.sklearn(task), lambda: contest.foldwise(task), repeat, BUDGET)
    gaps = contest.sklearn_gap(task, theirs), contest.foldwise_gap(task, ours)
    del theirs, ours
    few = dataclasses.replace(task, alphas=task.alphas[TRACED_ALPHAS])
    memory = (
        clock.peak_extra_memory(lambda: contest.sklearn(few)),
        clock.peak_extra_memory(lambda: contest.foldwise(task)),
    )
    return pairs_tables.Row(task, times, gaps, memory)


def measure_alone(task: Task, repeat: int) -> pairs_tables.Alone:
    """Return what the parts of foldwise's cross-validation cost on one task."""
    folds = fw.Folds.from_labels(task.labels)
    settings = {"alphas": task.alphas, "l1_ratio": 1.0, "standardize": False}
    X, y = task.X, task.y
    calls = (
        lambda: fw.FoldMoments.scan(X, y, folds=folds),
        lambda: fw.fit_paths(X, y, folds=None, **settings),
        lambda: fw.fit_paths(X, y, folds=folds, **settings),
        lambda: fw.fit_paths(X, y, folds=folds, nested=True, **settings),
    )
    return pairs_tables.Alone(task, *(clock.median_seconds(call, repeat) for call in calls))


def report(tasks: Sequence[Task], contests: Sequence[str], repeat: int) -> str:
    """Measure everything, printing each part when it is there, and return the whole as Markdown."""
    names = " ".join(task.name for task in tasks)
    command = f"python -m benchmarks.pairs {names} --contest {' '.join(contests)} --repeat {repeat}"
    parts = [
        "# Cross-validation: foldwise beside scikit-learn",
        "\n".join(f"- {fact}" for fact in machine.describe()),
        f"    {command}",
        EXPLANATION,
    ]
    for part in parts:
        print(part, end="\n\n", flush=True)
    for name in contests:
        contest = CONTESTS[name]
        rows = [measure(contest, task, repeat) for task in tasks if len(task.y) <= contest.most_rows]
        parts.append(f"## {contest.title}\n\n{pairs_tables.contest_table(rows)}")
        print(parts[-1], end="\n\n", flush=True)
    alone = [measure_alone(task, max(repeat, 5)) for task in tasks]
    parts.append(f"## What foldwise's parts cost: lasso, 100 alphas\n\n{pairs_tables.alone_table(alone)}")
    print(parts[-1], flush=True)
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, measure, and write the report where asked."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pairs",
        description=f"Run foldwise beside scikit-learn on the same {FOLDS} folds and penalties.",
    )
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"any of {', '.join(TASKS)} (default: all)")
    parser.add_argument("--contest", nargs="+", choices=CONTESTS, default=list(CONTESTS), help="default: all")
    parser.add_argument("--repeat", type=int, default=5, help="timed runs of each side (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="also write the report to this file")
    options = parser.parse_args(arguments)
    if options.repeat < 1:
        parser.error(f"--repeat must be at least 1, got {options.repeat}")
    unknown = [name for name in options.tasks if name not in TASKS]
    if unknown:
        parser.error(f"unknown task {unknown[0]!r}; there are {', '.join(TASKS)}")
    try:
        tasks = [build(name) for name in options.tasks or TASKS]
    except FileNotFoundError as error:
        parser.error(str(error))
    text = report(tasks, options.contest, options.repeat)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
