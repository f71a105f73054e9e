"""Speed of the batch trainer: 100 members of a 50-25 network beside Keras' fit, and beside one compiled scan in a loop.

    python -m benchmarks.nets [members] [epochs]

The loop is what one would write without a batch: a `jax.lax.scan` over Keras' own stateless step, compiled once and
called for one member after the other; its rows are scaled, drawn and on the device before the clock starts. Batch and
loop take turns. Keras' fit, which compiles each model, is timed for a few members and scaled up to all.
"""

import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import jax
import numpy as np

from benchmarks.machine import describe
from benchmarks.markdown import table
from foldwise.nets import Member, perceptron
from foldwise.nets.backend import keras
from foldwise.nets.prepared import Prepared
from foldwise.nets.progress import Progress

ROWS, INPUTS, CLASSES, BATCH, HIDDEN = 1600, 20, 7, 32, (50, 25)
FEW = 2  # members that Keras' fit trains, after one that it is warmed up with
TURNS = 3
Times = tuple[float, float]  # seconds on the clock, and of the processor


def timed(call: Callable[[], Any]) -> Times:
    """How long a call takes."""
    start = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def data() -> tuple[Any, Any]:
    """Rows (n, p) and classes (n,)."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, INPUTS))
    scores = X @ rng.normal(size=(INPUTS, CLASSES)) + rng.gumbel(size=(ROWS, CLASSES))
    return X, scores.argmax(axis=1)


def network() -> Any:
    """The compiled Keras model."""
    return perceptron(INPUTS, HIDDEN, CLASSES, task="classes")


def prepared(members: int, epochs: int) -> Prepared:
    """The members, laid out."""
    X, y = data()
    own = [Member(seed=seed, epochs=epochs) for seed in range(members)]
    options = {"sample_weight": None, "trainer": "gradient", "loss": None, "standardize": True, "exact_zeros": True}
    return Prepared(network(), X, y, own, batch_size=BATCH, standardize_target=None, **options)


def train_batch(members: int, epochs: int, **pool: Any) -> None:
    """Everything, from rows to weights; compiles where no program of the kind is there yet."""
    run = prepared(members, epochs)
    run.pool(**pool).train(run.jobs, Progress())


class Loop:
    """One compiled scan over Keras' stateless step."""

    def __init__(self, epochs: int) -> None:
        X, y = data()
        model = network()
        model.optimizer.build(model.trainable_variables)
        loss = keras.losses.CategoricalCrossentropy()
        rows = jax.numpy.asarray((X - X.mean(axis=0)) / X.std(axis=0), dtype="float32")
        targets = jax.numpy.eye(CLASSES)[y]

        def objective(weights: Any, fixed: Any, batch: Any) -> Any:
            outputs, fixed = model.stateless_call(weights, fixed, rows[batch], training=True)
            return loss(targets[batch], outputs), fixed

        slope = jax.value_and_grad(objective, has_aux=True)

        def step(state: Any, batch: Any) -> Any:
            weights, fixed, moments = state
            (lost, fixed), gradients = slope(weights, fixed, batch)
            weights, moments = model.optimizer.stateless_apply(moments, gradients, weights)
            return (weights, fixed, moments), lost

        kinds = model.trainable_variables, model.non_trainable_variables, model.optimizer.variables
        self.start = tuple([variable.value for variable in kind] for kind in kinds)
        rng = np.random.default_rng(0)
        order = np.concatenate([rng.permutation(ROWS).reshape(-1, BATCH) for _ in range(epochs)])
        self.order = jax.numpy.asarray(order)
        self._scan = jax.jit(lambda state, order: jax.lax.scan(step, state, order))

    def compile(self) -> None:
        """Compile the scan."""
        self.compiled = self._scan.lower(self.start, self.order).compile()

    def train(self, members: int) -> None:
        """One member after the other."""
        for _ in range(members):
            jax.block_until_ready(self.compiled(self.start, self.order))


def fit_seconds(epochs: int) -> tuple[Times, Times]:
    """One member by Keras' fit: its training, and its compilation, which Keras repeats for every model."""
    X, y = data()
    X, Y = X.astype("float32"), np.eye(CLASSES, dtype="float32")[y]
    training, compiling = [], []
    for seed in range(FEW + 1):
        keras.utils.set_random_seed(seed)
        model = network()
        options = {"batch_size": BATCH, "verbose": 0}
        compiling.append(timed(lambda own=model, rest=options: own.fit(X[:BATCH], Y[:BATCH], epochs=1, **rest)))
        training.append(timed(lambda own=model, rest=options: own.fit(X, Y, epochs=epochs, **rest)))
    return _medians(training[1:]), _medians(compiling[1:])


def _medians(times: list[Times]) -> Times:
    clock, processor = (median(each) for each in zip(*times, strict=True))
    return clock, processor


def _scaled(times: Times, factor: float) -> Times:
    return times[0] * factor, times[1] * factor


def main(members: int = 100, epochs: int = 20) -> None:
    """Measure and print a table."""
    print("\n".join(describe()), "", sep="\n")
    prepared(1, 1)  # what Keras and JAX load and compile for any model counts for nobody
    loop, few = Loop(epochs), max(1, members // 5)
    batch_first, batch_again = (timed(lambda: train_batch(members, 1)) for _ in range(2))
    batch_compiling = batch_first[0] - batch_again[0], batch_first[1] - batch_again[1]
    loop_compiling = timed(loop.compile)
    train_batch(few, 1, workers=1, slots=1)
    batches, loops = [], []
    for _ in range(TURNS):
        batches.append(timed(lambda: train_batch(members, epochs)))
        loops.append(timed(lambda: loop.train(members)))
    single = _scaled(timed(lambda: train_batch(few, epochs, workers=1, slots=1)), members / few)
    fit, fit_compiling = (_scaled(times, members) for times in fit_seconds(epochs))
    none = 0.0, 0.0
    whole = [
        ("batch", _medians(batches), batch_compiling),
        ("one compiled scan in a loop", _medians(loops), loop_compiling),
        ("keras.fit, one after the other", fit, fit_compiling),
    ]
    ways = [*whole, *((f"{name}, compiled before", times, none) for name, times, _ in whole)]
    ways.append(("the batch's program, a member at a time", single, none))
    first = sum(part[0] for part in whole[0][1:])
    rows = []
    for name, times, compiling in ways:
        seconds, processor = times[0] + compiling[0], times[1] + compiling[1]
        told = f"{seconds:.2f}", f"{processor:.2f}", f"{compiling[0]:.2f}", f"{members / seconds:.1f}"
        rows.append((name, *told, f"{seconds / first:.2f}"))
    print(f"{members} members, {epochs} epochs of {ROWS} rows, batches of {BATCH}, {INPUTS}-50-25-{CLASSES}\n")
    print(table(("way", "seconds", "of the processors", "compile", "members/s", "times as long"), rows))
    turns = ", ".join(f"{slow[0] / fast[0]:.2f}" for fast, slow in zip(batches, loops, strict=True))
    print(f"\nThe loop, compiled before, takes so many times as long as the batch, turn by turn: {turns}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
