"""Speed of the batch trainer: 100 members of a 50-25 network beside Keras' fit, and beside one compiled scan in a loop.

    python -m benchmarks.nets [members] [epochs]

Keras' fit, which compiles each model, is timed for a few members and scaled up to all; so is the loop, which compiles
once. Seconds include compilation, which is also stated alone.
"""

import sys
import time
from typing import Any

import numpy as np

from benchmarks.machine import describe
from benchmarks.markdown import table
from foldwise.nets import Member, perceptron
from foldwise.nets.backend import keras
from foldwise.nets.prepared import Prepared
from foldwise.nets.program import program_of
from foldwise.nets.progress import Progress

ROWS, INPUTS, CLASSES, BATCH, HIDDEN = 1600, 20, 7, 32, (50, 25)
FEW = 2  # members that Keras' fit trains, after one that it is warmed up with


def data() -> tuple[Any, Any]:
    """Rows (n, p) and classes (n,)."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, INPUTS))
    scores = X @ rng.normal(size=(INPUTS, CLASSES)) + rng.gumbel(size=(ROWS, CLASSES))
    return X, scores.argmax(axis=1)


def prepared(members: int, epochs: int) -> Prepared:
    """The members, laid out."""
    X, y = data()
    model = perceptron(INPUTS, HIDDEN, CLASSES, task="classes")
    own = [Member(seed=seed, epochs=epochs) for seed in range(members)]
    options = {"sample_weight": None, "trainer": "gradient", "loss": None, "standardize": True, "exact_zeros": True}
    return Prepared(model, X, y, own, batch_size=BATCH, standardize_target=None, **options)


def batch_seconds(members: int, epochs: int, **pool: Any) -> float:
    """Everything, from rows to weights; compiles where no program of the kind is there yet."""
    start = time.perf_counter()
    run = prepared(members, epochs)
    run.pool(**pool).train(run.jobs, Progress())
    return time.perf_counter() - start


def fit_seconds(epochs: int) -> tuple[float, float]:
    """One member by Keras' fit: its training, and its compilation, which Keras repeats for every model."""
    X, y = data()
    X, Y = X.astype("float32"), np.eye(CLASSES, dtype="float32")[y]
    times, compiling = [], []
    for seed in range(FEW + 1):
        keras.utils.set_random_seed(seed)
        model = perceptron(INPUTS, HIDDEN, CLASSES, task="classes")
        start = time.perf_counter()
        model.fit(X[:BATCH], Y[:BATCH], batch_size=BATCH, epochs=1, verbose=0)
        ready = time.perf_counter()
        model.fit(X, Y, batch_size=BATCH, epochs=epochs, verbose=0)
        times.append(time.perf_counter() - ready)
        compiling.append(ready - start)
    return float(np.median(times[1:])), float(np.median(compiling[1:]))


def main(members: int = 100, epochs: int = 20) -> None:
    """Measure and print a table."""
    print("\n".join(describe()), "", sep="\n")
    first = batch_seconds(members, epochs)
    again = min(batch_seconds(members, epochs) for _ in range(2))
    few = max(1, members // 5)
    loop_compiling = batch_seconds(few, 1, workers=1, slots=1) - batch_seconds(few, 1, workers=1, slots=1)
    loop = batch_seconds(few, epochs, workers=1, slots=1) * members / few
    fit, fit_compiling = (seconds * members for seconds in fit_seconds(epochs))
    program_of.cache_clear()
    rows = [
        ("way", "seconds", "compile", "members/s", "times as long"),
        *(
            (name, f"{seconds:.2f}", f"{compiling:.2f}", f"{members / seconds:.1f}", f"{seconds / first:.2f}")
            for name, seconds, compiling in (
                ("batch, first run", first, first - again),
                ("batch, compiled before", again, 0.0),
                ("one compiled scan in a loop", loop + loop_compiling, loop_compiling),
                ("that loop, compiled before", loop, 0.0),
                ("keras.fit, one after the other", fit + fit_compiling, fit_compiling),
                ("keras.fit, its compiling not counted", fit, 0.0),
            )
        ),
    ]
    print(f"{members} members, {epochs} epochs of {ROWS} rows, batches of {BATCH}, {INPUTS}-50-25-{CLASSES}\n")
    print(table(rows[0], rows[1:]))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
