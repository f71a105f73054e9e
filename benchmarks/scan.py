"""One pass over a table that need not fit, beside plainly reading the file and multiplying; and the same coefficients.

Run it as `python -m benchmarks.scan --rows 20000000`: it generates a Parquet file (about 8 GB), reads it in turn by a
plain pyarrow and BLAS pass and by `FoldMoments.scan`, each in a process of its own, and deletes it. `--save` keeps what
was measured.
"""

import argparse
import json
import resource
import shutil
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

from benchmarks import machine

RESULTS = Path(__file__).resolve().parent / "results" / "scan.json"
ROW_GROUP = 500_000
FOLDS, ALPHAS = 10, 100
SAMPLE = 200_000
STEPS = ("plain", "scan")


def generate(path: Path, rows: int, columns: int, *, seed: int = 0) -> None:
    """Write normal features and a target of five of them, a row group at a time."""
    rng = np.random.default_rng(seed)
    names = [*(f"x{j}" for j in range(columns)), "y"]
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pq.ParquetWriter(path, schema, use_dictionary=False, compression="snappy") as writer:
        for start in range(0, rows, ROW_GROUP):
            n = min(ROW_GROUP, rows - start)
            parts = [rng.normal(size=n) for _ in range(columns)]
            parts.append(sum(parts[:5]) + rng.normal(size=n))
            writer.write_table(pa.table(parts, schema=schema), row_group_size=ROW_GROUP)


def plain(path: Path) -> Any:
    """Read every row group with all threads and multiply it out with all threads: the least that has to be done."""
    total: Any = 0.0
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            z = np.empty((table.num_columns, table.num_rows))
            for j, column in enumerate(table.columns):
                z[j] = column.to_numpy()
            total = total + z @ z.T
    return total


def step(name: str, path: Path) -> dict[str, Any]:
    """One pass in this process: seconds of the clock and of the processors, and the most memory that it took."""
    import foldwise as fw
    import foldwise.moments.streaming

    begun, worked = perf_counter(), process_time()
    made = plain(path) if name == "plain" else fw.FoldMoments.scan(path, "y", FOLDS)
    found = {"seconds": perf_counter() - begun, "processor_seconds": process_time() - worked}
    if isinstance(made, fw.FoldMoments):
        begun = perf_counter()
        paths = fw.fit_paths(made, alphas=ALPHAS)
        found |= {"fit_seconds": perf_counter() - begun, "gap": float(paths.gap.max())}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return found | {"peak_bytes": peak}


def largest_difference(folder: Path, columns: int) -> float:
    """Between coefficients per standard deviation, from a scan and from the same rows in memory."""
    import foldwise as fw
    from foldwise.moments.streaming.dealing import by_row, deal, number_of

    path = folder / "sample.parquet"
    generate(path, SAMPLE, columns, seed=1)
    table = pq.read_table(path)
    X = np.column_stack([table[f"x{j}"].to_numpy() for j in range(columns)])
    labels = deal(by_row(number_of(path.name), np.arange(SAMPLE)), FOLDS, 1, 0)
    moments = fw.FoldMoments.scan(path, "y", FOLDS)
    streamed = fw.fit_paths(moments, alphas=ALPHAS)
    folds = fw.Folds(labels.astype(np.intp))
    memory = fw.fit_paths(X, table["y"].to_numpy(), folds=folds, alphas=streamed.alphas)
    path.unlink()
    return float(np.abs((streamed.coef - memory.coef) * memory.scale[:, None]).max())


def measure(rows: int, columns: int, rounds: int, folder: Path) -> dict[str, Any]:
    """Everything, in a folder that is emptied afterwards."""
    needed, free = int(1.1 * rows * (columns + 1) * 8), shutil.disk_usage(folder).free
    if needed > free:
        message = f"{needed / 1e9:.1f} GB are needed in {folder}, {free / 1e9:.1f} GB are free"
        raise SystemExit(message)
    facts = machine.facts()
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        difference = largest_difference(Path(inside), columns)
        path = Path(inside) / "rows.parquet"
        begun = perf_counter()
        generate(path, rows, columns)
        print(f"{rows:,} x {columns + 1} written, {path.stat().st_size / 1e9:.2f} GB, {perf_counter() - begun:.0f} s")
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in STEPS}
        for _ in range(rounds):
            for name in STEPS:
                command = [sys.executable, "-m", "benchmarks.scan", "--step", name, "--folder", str(path)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own
                runs[name].append(json.loads(done.stdout))
                print(f"{name}: {_told(runs[name][-1])}")
        size = path.stat().st_size
    best = {name: min(runs[name], key=lambda run: run["seconds"]) for name in STEPS}
    return {
        "machine": facts,
        "rows": rows,
        "columns": columns,
        "folds": FOLDS,
        "alphas": ALPHAS,
        "file_bytes": size,
        "runs": runs,
        "ratio": best["scan"]["seconds"] / best["plain"]["seconds"],
        "peak_bytes": max(run["peak_bytes"] for run in runs["scan"]),
        "largest_difference": difference,
    }


def _told(run: dict[str, Any]) -> str:
    fit = f", then {ALPHAS} strengths in {run['fit_seconds']:.2f} s" if "fit_seconds" in run else ""
    work = f"{run['seconds']:.1f} s ({run['processor_seconds']:.1f} s of the processors)"
    return f"{work}, {run['peak_bytes'] / 1e9:.2f} GB{fit}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and with --save keep the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scan", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows (default: %(default)s)")
    parser.add_argument("--columns", type=int, default=50, help="features (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each pass is made (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the file is made")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/scan.json")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.step:
        print(json.dumps(step(options.step, options.folder)))
        return
    found = measure(options.rows, options.columns, options.rounds, options.folder)
    print(f"scan / plain: {found['ratio']:.2f} of the time (1.5 allowed)")
    print(f"peak memory of the scan: {found['peak_bytes'] / 1e9:.2f} GB (1.5 allowed)")
    print(f"largest difference of a coefficient to memory: {found['largest_difference']:.1e} (1e-8 allowed)")
    if options.save:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
