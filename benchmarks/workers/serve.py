"""One library's process: takes a command a line, answers each with a line of JSON. `python -m ....serve MODULE`.

    load FOLDER               read a problem
    warm MODE                 compile, and pick the faster way to use the cores on about twenty of the strengths
    run MODE                  the timed cross-validation: seconds, peak memory, error curve
    path MODE FILE [FOLDS]    coefficients (A, 1 + p), intercept first, of the fit that holds out these folds
    quit

Words are separated by tabs. What a library prints goes to standard error.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.workers import memory
from benchmarks.workers.problem import Problem, load

COMPILE_POINTS = 3
WARM_POINTS = 20


class Server:
    """One library behind its module: MODES, PACKAGES, JOBS, cross_validate and path."""

    def __init__(self, library: ModuleType) -> None:
        self.library = library
        self.cores = int(os.environ["BENCHMARK_CORES"])
        self.problem: Problem | None = None
        self.jobs: int | None = None

    def load(self, folder: str) -> dict[str, Any]:
        """Read a problem, touching every page of it."""
        self.problem, self.jobs = load(Path(folder)), None
        float(self.problem.X.sum())
        return {"versions": {name: _version(name) for name in self.library.PACKAGES}}

    def warm(self, mode: str) -> dict[str, Any]:
        """Compile what compiles, and keep the faster number of jobs."""
        if self.jobs is None:
            ways = [jobs for jobs in self.library.JOBS if jobs <= self.cores]
            took = {jobs: self._warm_seconds(mode, jobs) for jobs in ways}
            self.jobs = min(took, key=lambda jobs: took[jobs])
        return {"threads": self._threads()}

    def _warm_seconds(self, mode: str, jobs: int) -> float:
        assert self.problem is not None  # noqa: S101 - a command in the wrong order is a bug of ours
        first, spread = self.problem.first(COMPILE_POINTS), self.problem.spread(WARM_POINTS)
        self._timed(lambda: self.library.cross_validate(first, mode, jobs), jobs)
        return self._timed(lambda: self.library.cross_validate(spread, mode, jobs), jobs)[0]

    def _threads(self) -> str:
        describe = getattr(self.library, "threads", None)
        if describe:
            return str(describe(self.jobs, self.cores))
        return f"{_count(self.jobs, 'job')}, {_count(self.cores // (self.jobs or 1), 'BLAS thread')} each"

    def run(self, mode: str) -> dict[str, Any]:
        """Cross-validate once."""
        before = memory.start()
        took, curve = self._timed(lambda: self.library.cross_validate(self.problem, mode, self.jobs), self.jobs)
        peak = memory.most_since(before)
        return {"seconds": took, "memory": peak, "curve": np.asarray(curve).tolist()}

    def path(self, mode: str, file: str, held_out: str = "") -> dict[str, Any]:
        """Write one held-out set's coefficients."""
        folds = [int(fold) for fold in held_out.split(",") if fold]
        _, (coef, intercept) = self._timed(lambda: self.library.path(self.problem, mode, folds, self.jobs), self.jobs)
        with Path(file).open("wb") as target:
            for row, constant in zip(coef, intercept, strict=True):
                dense = row.toarray().ravel() if hasattr(row, "toarray") else np.asarray(row)
                np.concatenate([[constant], dense]).astype(float).tofile(target)
        return {"points": len(intercept)}

    def _timed(self, call: Callable[[], Any], jobs: int | None) -> tuple[float, Any]:
        limits = None if hasattr(self.library, "threads") else self.cores // (jobs or 1)
        with threadpool_limits(limits, user_api="blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the gap says how well it converged
            start = time.perf_counter()
            result = call()
            return time.perf_counter() - start, result


def _count(number: int | None, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _version(package: str) -> str:
    if package == "foldwise":
        import foldwise

        return str(foldwise.__version__)
    return version(package)


def main() -> None:
    """Serve until the commands end."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**facts: Any) -> None:
        answers.write(json.dumps(facts) + "\n")
        answers.flush()

    try:
        server = Server(import_module(f"benchmarks.workers.{sys.argv[1]}"))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a library is its row in the table
        answer(ok=False, reason=f"{type(error).__name__}: {error}")
        return
    answer(ok=True)
    for line in sys.stdin:
        command, *words = line.rstrip("\n").split("\t")
        if command == "quit":
            return
        try:
            answer(ok=True, **getattr(server, command)(*words))
        except Exception as error:  # noqa: BLE001 - the same
            answer(ok=False, reason=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
