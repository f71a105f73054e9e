"""Cross-validated lasso paths of every family: foldwise beside the libraries that people would use instead.

Run it as `python -m benchmarks.cv [TASK ...] [--peers NAME ...] [--tight] [--contest NAME ...] [--repeat N]`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import family_tasks, machine, tasks
from benchmarks.peers.environments import PEERS, ROOT, Environments, NotInstalledError
from benchmarks.process import Process
from benchmarks.rounds import Record, Side, measure
from benchmarks.workers.problem import save

RESULTS = Path(__file__).resolve().parent / "results" / "cv.json"
FAMILY_RESULTS = RESULTS.with_name("families.json")
STANDARD = ("communities", "cal3", "protein3", "riboflavin", "mice_snp")
LONG = ("sparse",)
CONTESTS = {
    "lasso": "LassoCV: foldwise and all peers",
    "turned": "wide tables: foldwise ends the path once the error has turned",
    "nested": "foldwise's nested cross-validation beside the peers' plain one",
    "parts": "foldwise alone: 10 folds beside the single path, and 5 folds",
    "families": "two classes and counts: foldwise and the peers that have them",
}
FAMILY_TIGHT = ("adelie", "glmnet")
FINAL = ((),)
TIGHT_SETS = ((), (0,), (5,))
NESTED_SETS = ((), (0,), (0, 1), (5, 9))


def sides_of(task: tasks.Task, peers: Sequence[str], contests: Sequence[str], tight_limit: float) -> list[Side]:
    """Return who runs what on a task; the peers' tight fits run once, where they have time."""
    if task.family != "gaussian":
        return family_sides(task, peers, tight_limit)
    folds = len(np.unique(task.labels))
    all_sets = ((), *((fold,) for fold in range(folds)))
    if task.name in LONG:  # a path of 200,000 coefficients is 160 MB
        all_sets = all_sets[:2]
    sides = [Side("foldwise", "default", all_sets)]
    if "turned" in contests and task.is_wide:
        sides.append(Side("foldwise", "until turned", all_sets))
    if task.name not in LONG:
        if "nested" in contests:
            sides.append(Side("foldwise", "nested", NESTED_SETS))
            if task.is_wide:
                sides.append(Side("foldwise", "nested until turned", NESTED_SETS))
        if "parts" in contests:
            sides += [Side("foldwise", mode, ()) for mode in ("folds", "single path", "5 folds")]
    if "lasso" in contests:
        sides += [Side(peer, "default", all_sets) for peer in peers]
        if tight_limit > 0:
            some = TIGHT_SETS if len(all_sets) > 2 else all_sets
            sides += [Side(peer, "tight", some, tight_limit, 1) for peer in peers if "tight" in PEERS[peer].modes]
    return sides


def family_sides(task: tasks.Task, peers: Sequence[str], tight_limit: float) -> list[Side]:
    """Return who runs what on a generalized linear model: cross-validations, and the final path alone."""
    sides = [Side("foldwise", "default", FINAL), Side("foldwise", "single path", ())]
    if task.is_wide:
        sides.append(Side("foldwise", "until explained", FINAL))
    able = [peer for peer in peers if task.family in PEERS[peer].families]
    sides += [Side(peer, "default", FINAL) for peer in able]
    if "glmnet" in able:
        sides.append(Side("glmnet", "single path", ()))
    if tight_limit > 0:
        sides += [Side(peer, "tight", FINAL, tight_limit, 1) for peer in able if peer in FAMILY_TIGHT]
    return sides


def processes_of(
    names: Sequence[str], environments: Environments, limit: float, stack: ExitStack
) -> dict[str, Process | str]:
    """Return each library's process, or the reason why it can't have one; the stack ends them."""
    found: dict[str, Process | str] = {}
    for name in names:
        try:
            command = environments.command(name)
        except NotInstalledError as missing:
            found[name] = str(missing)
            continue
        variables = environments.variables(name, machine.cores())
        found[name] = stack.enter_context(Process(command, variables, limit, ROOT))
    return found


def run_task(task: tasks.Task, options: argparse.Namespace, command: str) -> None:
    """Measure one task; its results are in the file as far as they are there."""
    environments = Environments(options.cache) if options.cache else Environments()
    facts = machine.facts()
    settings = {
        "command": command,
        "limit": options.limit,
        "budget": options.budget,
        "tight_limit": options.tight_limit,
    }

    def keep(records: Sequence[Record]) -> None:
        merge(results_of(task, options), task.name, result(task, records, facts) | settings)

    with tempfile.TemporaryDirectory(prefix="foldwise-task-") as name, ExitStack() as stack:
        save(task, Path(name))
        sides = sides_of(task, options.peers, options.contest, options.tight_limit if options.tight else 0.0)
        libraries = list(dict.fromkeys(side.library for side in sides))
        processes = processes_of(libraries, environments, options.limit, stack)
        measure(task, Path(name), sides, processes, repeat=options.repeat, budget=options.budget, keep=keep)


def build(name: str) -> tasks.Task:
    """Return the task of that name."""
    return family_tasks.build(name) if name in family_tasks.BUILDERS else tasks.build(name)


def results_of(task: tasks.Task, options: argparse.Namespace) -> Path:
    """Return the file that a task's results belong in."""
    default = RESULTS if task.family == "gaussian" else FAMILY_RESULTS
    return default if options.out is None else Path(options.out)


def result(task: tasks.Task, records: Sequence[Record], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's results as plain data."""
    n, p = task.X.shape
    return {
        "family": task.family,
        "n": n,
        "p": p,
        "bytes": task.bytes,
        "alphas": len(task.alphas),
        "folds": len(np.unique(task.labels)),
        "machine": facts,
        "sides": [record.summary(records[0].curve) for record in records],
    }


def merge(file: Path, name: str, measured: Mapping[str, Any]) -> None:
    """Put one task's results into the file beside the others'."""
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    known[name] = measured
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cv", description=f"Run foldwise and its peers on the same {tasks.FOLDS} folds."
    )
    parser.add_argument(
        "tasks",
        nargs="*",
        metavar="TASK",
        help=f"any of {', '.join([*tasks.BUILDERS, *family_tasks.BUILDERS])} "
        f"(default: {', '.join(STANDARD)}, and of --contest families {', '.join(family_tasks.BUILDERS)})",
    )
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS), help="default: all")
    parser.add_argument(
        "--tight",
        action="store_true",
        help="also run the peers at tight tolerances: 1e-10, and 1e-14 where it is of squared changes",
    )
    parser.add_argument("--tight-limit", type=float, default=120.0, help="seconds that one tight run may take (120)")
    parser.add_argument("--contest", nargs="+", choices=CONTESTS, default=list(CONTESTS), help="default: all")
    parser.add_argument("--repeat", type=int, default=5, help="rounds (default: %(default)s)")
    parser.add_argument("--budget", type=float, default=90.0, help="seconds after which a side is not repeated (90)")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds that one run may take (300)")
    parser.add_argument("--alphas", type=int, default=tasks.ALPHAS, help="fewer penalties, for a quick look")
    parser.add_argument("--cache", type=Path, help="folder of the peers' environments")
    parser.add_argument("--out", type=Path, help="results file (default: cv.json, families.json in benchmarks/results)")
    options = parser.parse_args(arguments)
    if options.repeat < 1:
        parser.error(f"--repeat must be at least 1, got {options.repeat}")
    if not 2 <= options.alphas <= tasks.ALPHAS:
        parser.error(f"--alphas must be from 2 to {tasks.ALPHAS}, got {options.alphas}")
    unknown = [name for name in options.tasks if name not in tasks.BUILDERS and name not in family_tasks.BUILDERS]
    if unknown:
        parser.error(f"unknown task {unknown[0]!r}; there are {', '.join([*tasks.BUILDERS, *family_tasks.BUILDERS])}")
    of_families = "families" in options.contest
    gaussian = options.contest != ["families"]
    for name in options.tasks:
        if not (of_families if name in family_tasks.BUILDERS else gaussian):
            parser.error(f"task {name!r} has no part in --contest {' '.join(options.contest)}")
    standard = [*(STANDARD if gaussian else ()), *(family_tasks.BUILDERS if of_families else ())]
    options.tasks = options.tasks or standard
    return options


def _without_places(words: Sequence[str]) -> list[str]:
    """Return the words of the command line without folders and files, which say nothing to others."""
    return [
        word for before, word in zip(["", *words], words, strict=False) if not {before, word} & {"--out", "--cache"}
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, task by task; each is written when it is there."""
    options = parse(arguments)
    command = " ".join(
        ["python -m benchmarks.cv", *_without_places(arguments if arguments is not None else sys.argv[1:])]
    )
    for name in options.tasks:
        try:
            task = build(name)
        except FileNotFoundError as error:
            print(f"{name}: not run: {error}")
            continue
        if options.alphas < len(task.alphas):
            task = task.with_alphas(options.alphas)
        n, p = task.X.shape
        print(f"{name}: {n:,} x {p:,}, {len(task.alphas)} penalties", flush=True)
        try:
            run_task(task, options, command)
        except KeyboardInterrupt:
            raise SystemExit(f"\ninterrupted; what was measured is in {results_of(task, options)}") from None


if __name__ == "__main__":
    main()
