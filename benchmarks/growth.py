"""How time grows with rows, columns, folds and penalties: foldwise, with scikit-learn and glmnet while they are quick.

Run it as `python -m benchmarks.growth [SWEEP ...]`; `python -m benchmarks.page` draws what it measured.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.cv import processes_of
from benchmarks.peers.environments import Environments
from benchmarks.process import FailedError, OverLimitError, Process
from benchmarks.tasks import Task, make
from benchmarks.workers.problem import save

RESULTS = Path(__file__).resolve().parent / "results" / "growth.json"
LIBRARIES = ("foldwise", "scikit-learn", "glmnet")
QUICK = 2.0
LAST = 3


@dataclass(frozen=True)
class Sizes:
    """A generated problem."""

    n: int
    p: int
    folds: int = 10
    alphas: int = 100


@dataclass(frozen=True)
class Sweep:
    """One size that varies while the others stay."""

    axis: str
    base: Sizes
    values: tuple[int, ...]

    @property
    def fixed(self) -> str:
        """The sizes that stay, in words."""
        words = {"n": "rows", "p": "columns", "folds": "folds", "alphas": "penalties"}
        return ", ".join(f"{getattr(self.base, name):,} {word}" for name, word in words.items() if name != self.axis)


SWEEPS = {
    "rows": Sweep("n", Sizes(0, 100), (1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000)),
    "columns, tall": Sweep("p", Sizes(4_000, 0), (25, 50, 100, 200, 400, 800)),
    "columns, wide": Sweep("p", Sizes(200, 0), (500, 1_000, 2_000, 4_000, 8_000, 16_000)),
    "folds": Sweep("folds", Sizes(20_000, 100), (3, 5, 10, 20, 40)),
    "penalties": Sweep("alphas", Sizes(5_000, 100), (10, 20, 50, 100, 200, 500, 1_000)),
}


def problem(sizes: Sizes) -> Task:
    """Return a problem of these sizes: neighbouring columns correlated 0.5, up to 20 columns matter, half is noise."""
    rng = np.random.default_rng(0)
    fresh = rng.normal(size=(sizes.p, sizes.n))
    for j in range(1, sizes.p):
        fresh[j] = 0.5 * fresh[j - 1] + np.sqrt(0.75) * fresh[j]
    X = fresh.T
    X = (X - X.mean(0)) / X.std(0)
    coef = np.zeros(sizes.p)
    coef[rng.choice(sizes.p, size=min(20, sizes.p), replace=False)] = rng.normal(size=min(20, sizes.p))
    signal = X @ coef
    task = make("growth", np.asfortranarray(X), signal + signal.std() * rng.normal(size=sizes.n))
    strengths = np.geomspace(task.alphas[0], task.alphas[-1], sizes.alphas)
    return replace(task, labels=rng.permutation(sizes.n) % sizes.folds, alphas=strengths)


def run_sweep(sweep: Sweep, processes: dict[str, Process | str], repeat: int) -> dict[str, Any]:
    """Return the fastest seconds of every library at every size; None once a library is no longer quick."""
    seconds: dict[str, list[float | None]] = {name: [] for name in processes}
    reasons = {name: process for name, process in processes.items() if isinstance(process, str)}
    for value in sweep.values:
        with tempfile.TemporaryDirectory(prefix="foldwise-growth-") as folder:
            save(problem(replace(sweep.base, **{sweep.axis: value})), Path(folder))
            going = [name for name in processes if name not in reasons]
            for name in processes:
                seconds[name].append(None)
            for turn in range(repeat):
                for name in going:
                    if name not in reasons:
                        _run(name, processes[name], Path(folder), seconds[name], reasons, turn)
        for name in going:
            if name != "foldwise" and _expected(seconds[name]) > QUICK:
                reasons.setdefault(name, f"left out beyond {value:,}: over {QUICK:g} s")
        print(f"  {value:>7,}  {_line(seconds)}", flush=True)
    return {
        "axis": sweep.axis,
        "fixed": sweep.fixed,
        "values": list(sweep.values),
        "seconds": seconds,
        "reasons": reasons,
        "slopes": {name: slopes(sweep.values, times) for name, times in seconds.items()},
    }


def _run(
    name: str, process: Process | str, folder: Path, times: list[float | None], reasons: dict[str, str], turn: int
) -> None:
    assert isinstance(process, Process)  # noqa: S101 - those without one have a reason
    best = times[-1]
    if best is not None and best > QUICK / 2:
        return
    try:
        if turn == 0:
            process.load(folder)
        process.ask("warm", "default")
        took = process.ask("run", "default")["seconds"]
    except (FailedError, OverLimitError) as problem_:
        reasons[name] = str(problem_)
        return
    times[-1] = took if best is None else min(best, took)


def _expected(times: Sequence[float | None]) -> float:
    """Return what the next size will take if growth goes on."""
    known = [took for took in times if took]
    if not known:
        return 0.0
    return known[-1] * (max(1.0, known[-1] / known[-2]) if len(known) > 1 else 1.0)


def _line(seconds: dict[str, list[float | None]]) -> str:
    return "  ".join(f"{name} {times[-1]:.3f} s" for name, times in seconds.items() if times[-1] is not None)


def slopes(values: Sequence[int], times: Sequence[float | None]) -> dict[str, float | None]:
    """Return the slopes of log time against log size: over all sizes, and over the last three."""
    known = [(value, took) for value, took in zip(values, times, strict=True) if took]
    return {"all": _slope(known), "last": _slope(known[-LAST:])}


def _slope(points: Sequence[tuple[int, float]]) -> float | None:
    if len(points) < LAST:
        return None
    sizes, seconds = np.log(np.array(points, float).T)
    return float(np.polyfit(sizes, seconds, 1)[0])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, measure, and write each sweep when it is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description="Time against size.")
    parser.add_argument("sweeps", nargs="*", metavar="SWEEP", help=f"any of {', '.join(SWEEPS)} (default: all)")
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES), help="default: all")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each, of which the fastest counts (5)")
    parser.add_argument("--limit", type=float, default=30.0, help="seconds that one run may take (30)")
    parser.add_argument("--up-to", type=int, default=0, help="leave out larger sizes, for a quick look")
    parser.add_argument("--out", type=Path, default=RESULTS, help="default: benchmarks/results/growth.json")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.sweeps if name not in SWEEPS]
    if unknown:
        parser.error(f"unknown sweep {unknown[0]!r}; there are {', '.join(SWEEPS)}")
    if options.repeat < 1:
        parser.error(f"--repeat must be at least 1, got {options.repeat}")
    known = json.loads(options.out.read_text(encoding="utf-8")) if options.out.is_file() else {}
    with ExitStack() as stack:
        processes = processes_of(options.libraries, Environments(), options.limit, stack)
        for name in options.sweeps or SWEEPS:
            sweep = SWEEPS[name]
            if options.up_to:
                sweep = replace(sweep, values=tuple(value for value in sweep.values if value <= options.up_to))
            print(f"{name}: {sweep.fixed}", flush=True)
            known[name] = run_sweep(sweep, processes, options.repeat) | {"machine": machine.facts()}
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
