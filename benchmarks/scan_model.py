"""What a scan of up to 1e11 rows would cost: bytes read, multiplications, bytes reduced; and a simulated cluster.

Run it as `python -m benchmarks.scan_model`: it measures this machine's constants on half a million rows, in seconds of
the processor, so that what else runs matters little, and simulates clusters of such cores.
"""

import argparse
import heapq
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, log2
from pathlib import Path
from time import process_time

import numpy as np
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from benchmarks.markdown import table
from benchmarks.scan import FOLDS, generate

MEASURED_ROWS, MEASURED_COLUMNS = 500_000, 50
PIECE_ROWS = 500_000
ROWS = (10**8, 10**9, 10**10, 10**11)
CORES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


@dataclass(frozen=True)
class Constants:
    """What a core takes, and what is assumed of a cluster.

    Attributes
    ----------
    read : float
        Seconds of a core per byte of an uncompressed column, from file to array.
    arrange : float
        Per value: dealing rows to folds, centring.
    multiply : float
        Per product and sum.
    task : float
        Seconds of the scheduler for each task: Dask's documentation says 0.2 to 1 ms.
    network : float
        Bytes a second into a worker.
    storage : float
        Bytes a second that the storage gives to all workers together.
    """

    read: float
    arrange: float
    multiply: float
    task: float = 1e-3
    network: float = 1.25e9
    storage: float = 20e9


def measured() -> Constants:
    """Constants of this machine, by one core."""
    from foldwise.moments.streaming.make_plan import Asked, make_plan
    from foldwise.moments.streaming.pieces import tally_of
    from foldwise.moments.streaming.sources import open_source

    q = MEASURED_COLUMNS + 1
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        path = Path(folder) / "rows.parquet"
        generate(path, MEASURED_ROWS, MEASURED_COLUMNS)
        source = open_source(path)
        plan, _ = make_plan(source, Asked("y", n_folds=FOLDS), skip_bad=False)
        pieces = list(source.files[0].pieces(plan))
        whole = _least(lambda: [tally_of(piece, plan) for piece in pieces])
        read = _least(lambda: _read(path, plan.batch_rows))
        z = np.random.default_rng(0).normal(size=(q, plan.chunk_rows // FOLDS))
        times = ceil(MEASURED_ROWS / z.shape[1])
        multiply = _least(lambda: [z @ z.T for _ in range(times)])
    values = MEASURED_ROWS * q
    return Constants(
        read=read / (8 * values),
        arrange=max(whole - read - multiply, 0.0) / values,
        multiply=multiply / (values * q),
    )


def _read(path: Path, rows: int) -> Sequence[object]:
    with pq.ParquetFile(path, buffer_size=1 << 20) as file:
        return [batch.num_rows for batch in file.iter_batches(rows, use_threads=False)]


def _least(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(3):
        begun = process_time()
        work()
        seconds.append(process_time() - begun)
    return min(seconds)


def piece_seconds(known: Constants, rows: int, columns: int) -> float:
    """Of one core for a piece: read, arrange, multiply."""
    q = columns + 1
    return rows * q * (8 * known.read + known.arrange + q * known.multiply)


def tally_bytes(columns: int, folds: int) -> int:
    """What a piece becomes, and what travels for each merge."""
    return 8 * folds * (columns + 1) ** 2


def simulated(known: Constants, rows: int, columns: int, folds: int, cores: int, *, seed: int = 0) -> float:
    """Seconds until the tree is merged: pieces of unequal length, given out one by one to whoever is free.

    The scheduler gives out one task at a time; storage has a rate that all share; half of the merges wait for a tally
    from another worker.
    """
    pieces = ceil(rows / PIECE_ROWS)
    rng = np.random.default_rng(seed)
    work = piece_seconds(known, min(rows, PIECE_ROWS), columns) * rng.lognormal(0.0, 0.2, size=min(pieces, 200_000))
    merge = 3 * folds * (columns + 1) ** 2 * known.multiply + 0.5 * tally_bytes(columns, folds) / known.network
    free = [0.0] * min(cores, pieces)
    given, least_between = 0.0, PIECE_ROWS * (columns + 1) * 8 / known.storage
    for at in range(pieces):
        # A task for the piece, and one for the merge that it makes possible.
        given = max(given + max(2 * known.task, least_between), free[0])
        heapq.heapreplace(free, given + work[at % len(work)] + merge)
    return max(free) + log2(max(min(cores, pieces), 1)) * (merge + known.task)


def rows_of_table(known: Constants, columns: int, folds: int, sizes: Sequence[int]) -> list[list[str]]:
    """One line for each number of rows: bytes, core hours, and hours or minutes on clusters."""
    lines = []
    for rows in sizes:
        core = piece_seconds(known, PIECE_ROWS, columns) * rows / PIECE_ROWS
        best = min(CORES, key=lambda cores: simulated(known, rows, columns, folds, cores))
        times = [_told(simulated(known, rows, columns, folds, cores)) for cores in (2, 16, 128, 1024)]
        lines.append([f"{rows:.0e}", f"{rows * (columns + 1) * 8 / 1e12:.2f}", f"{core / 3600:.2f}", *times, str(best)])
    return lines


def _told(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the constants and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scan_model", description=__doc__)
    parser.add_argument("--columns", type=int, default=50, help="features (default: %(default)s)")
    options = parser.parse_args(arguments)
    known = measured()
    first = f"{known.read * 1e9:.2f} ns to read a byte, {known.arrange * 1e9:.1f} ns to deal and centre a value"
    print(f"a core here: {first}, {known.multiply * 1e9:.3f} ns for a product and sum")
    print(f"a tally: {tally_bytes(options.columns, FOLDS) / 1e6:.2f} MB; a piece: {PIECE_ROWS:,} rows\n")
    header = ["rows", "TB read", "core hours", "2 cores", "16", "128", "1,024", "fastest with"]
    print(table(header, rows_of_table(known, options.columns, FOLDS, ROWS)))


if __name__ == "__main__":
    main()
