"""Logistic paths of a table that need not fit: how many passes, how much memory, and time in plain passes.

Run it as `python -m benchmarks.scan_glm --rows 2000000`: it generates a Parquet file, finds 100 strengths of 11
held-out sets (10 folds) with `fw.RowStream`, and beside it makes one plain pass: reading the file, and for every one of
the 1,100 points a predictor and a gradient with the BLAS, without a loss. Each is a process of its own. On a sample the
same is fitted in memory. `--save` keeps what was measured.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from benchmarks import machine

RESULTS = Path(__file__).resolve().parent / "results" / "scan_glm.json"
ROW_GROUP = 250_000
FOLDS, ALPHAS = 10, 100
SAMPLE = 20_000
CHUNK = 512
STEPS = ("plain", "stream")


def generate(path: Path, rows: int, columns: int, *, seed: int = 0) -> None:
    """Write normal features, and two classes whose log odds a third of them move; a row group at a time."""
    rng = np.random.default_rng(seed)
    names = [*(f"x{j}" for j in range(columns)), "y"]
    schema = pa.schema([(name, pa.float64()) for name in names])
    slopes = np.where(np.arange(columns) % 3 == 0, 0.3, 0.0)
    with pq.ParquetWriter(path, schema, use_dictionary=False, compression="snappy") as writer:
        for start in range(0, rows, ROW_GROUP):
            X = rng.normal(size=(columns, min(ROW_GROUP, rows - start)))
            y = (rng.random(X.shape[1]) < 1.0 / (1.0 + np.exp(-slopes @ X))).astype(float)
            writer.write_table(pa.table([*X, y], schema=schema), row_group_size=ROW_GROUP)


def plain(path: Path, points: int) -> Any:
    """Read every row group, and multiply its rows with every point's coefficients, there and back, on one core."""
    total: Any = 0.0
    rng = np.random.default_rng(0)
    with threadpool_limits(1), pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            Z = np.empty((table.num_columns - 1, table.num_rows))
            for j, column in enumerate(table.columns[:-1]):
                Z[j] = column.to_numpy()
            B = rng.normal(size=(len(Z), points))
            for start in range(0, Z.shape[1], CHUNK):
                part = Z[:, start : start + CHUNK]
                total = total + part @ (part.T @ B)
    return total


def step(name: str, path: Path) -> dict[str, Any]:
    """One way in this process: seconds of the clock and of the processors, passes, and the most memory that it took."""
    import foldwise as fw

    begun, worked = perf_counter(), process_time()
    found: dict[str, Any] = {}
    if name == "plain":
        plain(path, ALPHAS * (FOLDS + 1))
    else:
        told: dict[str, float] = {}
        stream = fw.RowStream.scan(
            path, "y", FOLDS, tell=lambda what, *_: told.setdefault(what, process_time() - worked)
        )
        paths = fw.fit_paths(stream, alphas=ALPHAS)
        points = np.bincount(paths.n_iter.ravel()).tolist()
        found = {"passes": 3 + int(paths.n_iter.max()), "points_by_steps": points, "gap": float(paths.gap.max())}
        found["begun_at"] = told
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    found |= {"seconds": perf_counter() - begun, "processor_seconds": process_time() - worked, "peak_bytes": peak}
    return found


def largest_difference(folder: Path, columns: int) -> float:
    """Between coefficients per standard deviation, from passes and from the same rows in memory, over the largest."""
    import foldwise as fw
    from foldwise.moments.streaming.dealing import by_row, deal, number_of
    from foldwise.paths.generalized.streamed import starting

    path = folder / "sample.parquet"
    generate(path, SAMPLE, columns, seed=1)
    table = pq.read_table(path)
    X = np.column_stack([table[f"x{j}"].to_numpy() for j in range(columns)])
    labels = deal(by_row(number_of(path.name), np.arange(SAMPLE)), FOLDS, 1, 0)
    most, starting.MOST_ROWS = starting.MOST_ROWS, SAMPLE // 5  # or the sample would be the table
    streamed = fw.fit_paths(fw.RowStream.scan(path, "y", FOLDS), alphas=ALPHAS, tol=1e-13)
    starting.MOST_ROWS = most
    folds, y = fw.Folds(labels.astype(np.intp)), table["y"].to_numpy()
    memory = fw.fit_paths(X, y, family="binomial", folds=folds, alphas=streamed.alphas, tol=1e-14)
    path.unlink()
    scale = memory.scale[:, None]
    return float(np.abs((streamed.coef - memory.coef) * scale).max() / np.abs(memory.coef * scale).max())


def measure(rows: int, columns: int, rounds: int, folder: Path) -> dict[str, Any]:
    """Everything, in a folder that is emptied afterwards."""
    facts = machine.facts()
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        difference = largest_difference(Path(inside), columns)
        path = Path(inside) / "rows.parquet"
        generate(path, rows, columns)
        print(f"{rows:,} x {columns + 1} written, {path.stat().st_size / 1e9:.2f} GB")
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in STEPS}
        for _ in range(rounds):
            for name in STEPS:
                command = [sys.executable, "-m", "benchmarks.scan_glm", "--step", name, "--folder", str(path)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own
                runs[name].append(json.loads(done.stdout))
                print(f"{name}: {_told(runs[name][-1])}")
        size = path.stat().st_size
    best = {name: min(run["processor_seconds"] for run in runs[name]) for name in STEPS}
    return {
        "machine": facts,
        "rows": rows,
        "columns": columns,
        "folds": FOLDS,
        "alphas": ALPHAS,
        "file_bytes": size,
        "runs": runs,
        "ratio": best["stream"] / best["plain"],
        "passes": max(run["passes"] for run in runs["stream"]),
        "peak_bytes": max(run["peak_bytes"] for run in runs["stream"]),
        "largest_difference": difference,
    }


def _told(run: dict[str, Any]) -> str:
    passes = f", {run['passes']} passes, gap {run['gap']:.0e}" if "passes" in run else ""
    work = f"{run['seconds']:.1f} s ({run['processor_seconds']:.1f} s of the processors)"
    return f"{work}, {run['peak_bytes'] / 1e9:.2f} GB{passes}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and with --save keep the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scan_glm", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="rows (default: %(default)s)")
    parser.add_argument("--columns", type=int, default=30, help="features (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="how often each is made (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the file is made")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/scan_glm.json")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.step:
        print(json.dumps(step(options.step, options.folder)))
        return
    found = measure(options.rows, options.columns, options.rounds, options.folder)
    print(f"stream / plain pass: {found['ratio']:.1f} of the processors' time, in {found['passes']} passes")
    print(f"peak memory: {found['peak_bytes'] / 1e9:.2f} GB")
    print(f"largest difference of a coefficient to memory, over the largest: {found['largest_difference']:.1e}")
    if options.save:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
