"""A program for tests: studies that are killed at random moments and begun again, each in a process of its own.

Only what is imported is shared: the processes are forked, so that none waits for imports, and nothing is fitted before.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jinja2  # noqa: F401 - before the forks, as all that a study imports on its way
import numpy as np
import pandas as pd  # noqa: F401 - the same
from sklearn.tree import DecisionTreeRegressor

import foldwise as fw
import foldwise.report
import foldwise.study


def study(folder: Path) -> None:
    """A small comparison that keeps its pieces and writes its report into a folder."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    table = {f"x{j}": x[:, j] for j in range(4)} | {"y": x[:, 0] + 0.5 * rng.normal(size=60)}
    candidates = ["ridge", "lasso", ("tree", DecisionTreeRegressor(max_depth=3, random_state=0))]
    found = fw.compare(table, target="y", candidates=candidates, folds=3, repeats=2, alphas=6, leaks=True, keep=folder)
    found.report(folder)


def forked(work: Callable[[], None]) -> int:
    """The number of a process that works and ends."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:  # noqa: BLE001 - told by the exit code
        os._exit(1)
    os._exit(0)


def ended(child: int) -> int:
    """How a process ended: 0 where all is well, below 0 where it was killed."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path, times: int) -> None:
    """Kill a study so many times at random moments; print how many were killed, and how many pieces they left."""
    begun = time.perf_counter()
    assert ended(forked(lambda: study(folder / "whole"))) == 0
    takes = time.perf_counter() - begun
    expected = (folder / "whole" / "report.json").read_bytes()
    draw = random.Random()  # noqa: S311 - moments, no secrets
    killed, left = 0, []
    for at in range(times):
        mine = folder / str(at)
        child = forked(lambda mine=mine: study(mine))
        time.sleep(draw.uniform(0.0, takes))
        os.kill(child, signal.SIGKILL)
        killed += ended(child) == -signal.SIGKILL
        left.append(len(list(mine.glob("pieces/*.npz"))))
        assert ended(forked(lambda mine=mine: study(mine))) == 0
        assert (mine / "report.json").read_bytes() == expected, f"another report after kill {at}"
    both = folder / "both"
    together = [forked(lambda: study(both)) for _ in range(2)]
    assert [ended(child) for child in together] == [0, 0]
    assert (both / "report.json").read_bytes() == expected
    assert len(list(both.glob("pieces/*.npz"))) == len(list((folder / "whole").glob("pieces/*.npz")))
    sys.stdout.write(" ".join(map(str, [killed, *left])))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
