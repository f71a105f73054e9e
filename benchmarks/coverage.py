"""What intervals cover and how often tests are wrong, by simulation: `python -m benchmarks.coverage [--quick]`.

Thousands of tables are drawn from worlds whose truth is known, each is cross-validated as one batch of held-out sets,
and what was stated is held against the truth. Writes benchmarks/results/coverage.json; benchmarks.coverage_page makes
docs/coverage.md and its picture of it.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import foldwise as fw
from benchmarks import coverage_page
from benchmarks.coverage_draw import CONFIDENCE, SAMPLES, Judged, Null, draw
from benchmarks.coverage_worlds import WORLDS, World

Floats = NDArray[np.float64]

RESULTS = Path(__file__).parent / "results" / "coverage.json"
SIZES = (50, 100, 200, 500, 1000)
FOLDS = 5
REPEATS = {"gaussian": 4, "binomial": 2}
"""Fewer for classes, whose fits take longer; fewer repeats make every interval but the naive one a little wider."""
TABLES = {"gaussian": 800, "binomial": 500}
LEVEL = 0.05


def coverage(
    sizes: Sequence[int], tables: Callable[[World], int], *, seed: int = 0, told: Callable[[str], object] = print
) -> dict[str, Any]:
    """Simulate every world at every size; plain data as it is committed."""
    cells, nulls, began = [], [], time.process_time()
    for number, world in enumerate(WORLDS):
        for n in sizes:
            folds = fw.Folds.kfold(n, FOLDS, repeats=REPEATS[world.family], seed=seed)
            rng = np.random.default_rng([seed, number, n])
            drawn = [draw(world, n, folds, rng) for _ in range(tables(world))]
            cells += [
                cell(world, n, procedure, [judged[procedure] for judged, _ in drawn]) for procedure in drawn[0][0]
            ]
            nulls.append(null_cell(world, n, [null for _, null in drawn]))
            told(f"{world.name}, {n} rows: {len(drawn)} tables, {time.process_time() - began:.0f} s of one core so far")
    return {
        "confidence": CONFIDENCE,
        "level": LEVEL,
        "folds": FOLDS,
        "repeats": REPEATS,
        "bootstrap_samples": SAMPLES,
        "worlds": {world.name: world.words for world in WORLDS},
        "seconds": round(time.process_time() - began, 1),
        "cells": cells,
        "nulls": nulls,
    }


def cell(world: World, n: int, procedure: str, judged: Sequence[Judged]) -> dict[str, Any]:
    """Coverage of each interval: of the fitted model's error, and of the procedure's mean error over all tables."""
    truth = np.array([one.error for one in judged])
    expected = float(truth.mean())
    intervals = {}
    for name in judged[0].intervals:
        low, high = np.array([one.intervals[name] for one in judged]).T
        intervals[name] = {
            "model": _share((low <= truth) & (truth <= high)),
            "procedure": _share((low <= expected) & (expected <= high)),
            "below": _share(high < truth),
            "above": _share(low > truth),
            "width": _rounded(np.mean(high - low) / expected),
        }
    return {
        "world": world.name,
        "n": n,
        "procedure": procedure,
        "tables": len(judged),
        "error": _rounded(expected),
        "error_sd": _rounded(truth.std(ddof=1)),
        "intervals": intervals,
    }


def null_cell(world: World, n: int, nulls: Sequence[Null]) -> dict[str, Any]:
    """How often two equally good models are told apart, and how often their order flips from table to table."""
    difference = np.array([null.difference for null in nulls])
    return {
        "world": world.name,
        "n": n,
        "tables": len(nulls),
        "corrected": _share(np.array([null.corrected for null in nulls]) < LEVEL),
        "naive": _share(np.array([null.naive for null in nulls]) < LEVEL),
        "surest": _share(np.array([null.surest for null in nulls]) > 1.0 - LEVEL),
        "flip_stated": _rounded(np.mean([null.flip for null in nulls])),
        "flip_seen": _share(difference[:-1:2] * difference[1::2] < 0.0),
    }


def _share(hit: NDArray[np.bool_]) -> list[float]:
    """A share and its Monte Carlo standard error; that of one missing hit where all or none hit."""
    share, n = float(hit.mean()), len(hit)
    inside = min(max(share, 1.0 / n), 1.0 - 1.0 / n)
    return [float(f"{share:.6f}"), _rounded(np.sqrt(inside * (1.0 - inside) / n))]


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description="Simulate what intervals cover.")
    parser.add_argument("--quick", action="store_true", help="a few small tables, to see that it runs; writes nothing")
    parser.add_argument("--results", type=Path, help="file to write (default: the committed one; none with --quick)")
    parser.add_argument("--tables", type=int, help="tables of each world and size")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    sizes, default = ((50, 100), 4) if options.quick else (SIZES, None)
    count = options.tables or default
    found = coverage(sizes, lambda world: count or TABLES[world.family], seed=options.seed)
    print("\n".join(coverage_page.tables(found)))
    file = options.results or (None if options.quick else RESULTS)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"wrote {file}")


if __name__ == "__main__":
    main()
