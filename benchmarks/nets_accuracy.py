"""Test errors of small regularized networks on published splits: `python -m benchmarks.nets_accuracy [table ...]`.

The tables and their 20 splits are those of Gal & Ghahramani (2016), Dropout as a Bayesian approximation; beside them
stand the RMSEs of their dropout networks, from table 1 there.
"""

import sys
import time

import numpy as np
import pandas as pd

from benchmarks.machine import describe
from benchmarks.markdown import table
from benchmarks.tasks import data_folder
from foldwise.nets import Member, train

PUBLISHED = {"yacht": 1.11, "energy": 1.66, "concrete": 5.23, "power_plant": 4.02}
SPLITS = {"power_plant": "power-plant"}  # what the file of splits calls a table, where that differs
EPOCHS = {"power_plant": 40}  # 300 elsewhere; its rows are ten times as many
REGULARIZED = {"none": {}, "l2 = 0.0001": {"l2": 1e-4}, "averaged weights (ema = 0.99)": {"ema": 0.99}}
HIDDEN, LEARNING_RATE = (64, 32), 0.005


def errors(name: str, own: dict[str, float]) -> tuple[np.ndarray, float]:
    """RMSE (20,) of each split, all trained as one batch, and the seconds that took."""
    frame = pd.read_csv(data_folder() / f"bnn_{name}.csv")
    splits = np.load(data_folder() / "bnn_splits.npz")
    X, y = frame.drop(columns="y").to_numpy(dtype=float), frame["y"].to_numpy(dtype=float)
    tests = [splits[f"{SPLITS.get(name, name)}_test_{split}"] for split in range(20)]
    everything = np.arange(len(y))
    members = [
        Member(
            rows=np.setdiff1d(everything, test),
            seed=split,
            epochs=EPOCHS.get(name, 300),
            learning_rate=LEARNING_RATE,
            **own,
        )
        for split, test in enumerate(tests)
    ]
    start = time.perf_counter()
    trained = train(HIDDEN, X, y, members)
    seconds = time.perf_counter() - start
    squares = [(trained.predict(X[test], [split])[0, :, 0] - y[test]) ** 2 for split, test in enumerate(tests)]
    return np.array([np.sqrt(each.mean()) for each in squares]), seconds


def main(names: tuple[str, ...]) -> None:
    """Measure and print a table."""
    print("\n".join(describe()), "", sep="\n")
    rows = []
    for name in names:
        published = PUBLISHED[name]
        for regularized, own in REGULARIZED.items():
            found, seconds = errors(name, own)
            spread = found.std(ddof=1) / np.sqrt(len(found))
            rows.append(
                (name, regularized, f"{found.mean():.3f}", f"{spread:.3f}", f"{published:.2f}", f"{seconds:.1f}")
            )
    print(f"Hidden layers {HIDDEN}, 300 epochs (power_plant: 40), Adam at {LEARNING_RATE}; nothing was tuned\n")
    print(table(("table", "regularized", "RMSE", "+-", "published", "seconds"), rows))


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or tuple(PUBLISHED))
