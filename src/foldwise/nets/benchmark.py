"""Regularizers side by side: every configuration on the same random splits and seeds, with honest intervals."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.inference import CorrectedT, corrected_resampled_t
from foldwise.nets.member import Member
from foldwise.nets.search_cv import NetClassifierCV, NetRegressorCV
from foldwise.nets.trained import TrainedMember
from foldwise.nets.variance import VarianceSplit, split_variance
from foldwise.parameters.checks import number, whole

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Entry:
    """One configuration over all splits.

    Attributes
    ----------
    errors : (S,) over the test rows of each split: mean squared error, or log loss; infinite where training diverged;
        the mean over seeds
    mean : CorrectedT of the errors, or None where a split diverged
    epochs : mean number of epochs of the weights that were used
    seconds : for all splits, compilation included
    collapsed, diverged : how many members said the same for every training row, or lost their loss to infinity
    variance : VarianceSplit of the error of one network, or None with one seed, or where some diverged
    """

    errors: Array
    mean: CorrectedT | None
    epochs: float
    seconds: float
    collapsed: int
    diverged: int
    variance: VarianceSplit | None = None


@dataclass(frozen=True, eq=False)
class Benchmark:
    """What `benchmark` measured.

    Attributes
    ----------
    entries : name -> Entry
    test_per_train : test rows over training rows of a split

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.inference import corrected_resampled_t
    >>> from foldwise.nets import Benchmark
    >>> from foldwise.nets.benchmark import Entry
    >>> errors = np.array([1.0, 2.0])
    >>> entry = Entry(errors, corrected_resampled_t(errors, test_per_train=0.5), 10.0, 1.0, 0, 0)
    >>> Benchmark({"a": entry}, 0.5).difference("a", "a").mean
    0.0
    """

    entries: dict[str, Entry]
    test_per_train: float

    def difference(self, first: str, second: str) -> CorrectedT:
        """The mean error of one configuration minus that of another, split by split."""
        errors = [self.entries[name].errors for name in (first, second)]
        if not np.isfinite(errors).all():
            raise InputError(f"{first!r} and {second!r} must both train on every split; some diverged")
        return corrected_resampled_t(errors[0] - errors[1], test_per_train=self.test_per_train)

    def __str__(self) -> str:
        """A table, best first."""
        width = max(len(name) for name in self.entries)
        lines = [f"{'':{width}}      error   95 % interval          epochs  seconds  collapsed  diverged"]
        for name, entry in sorted(self.entries.items(), key=lambda item: float(item[1].errors.mean())):
            low, high = entry.mean.interval if entry.mean else (np.nan, np.nan)
            interval = f"{low:.4g} to {high:.4g}"
            lines.append(
                f"{name:{width}} {entry.errors.mean():10.4g}   {interval:20} {entry.epochs:8.1f} {entry.seconds:8.1f} "
                f"{entry.collapsed:10d} {entry.diverged:9d}"
            )
        shares = [f"{name:{width}}   {entry.variance}" for name, entry in self.entries.items() if entry.variance]
        if shares:
            lines += ["", "where the error of one network varies from", *shares]
        return "\n".join(lines)


def benchmark(
    configurations: Any, X: Any, y: Any, *, splits: int = 100, seeds: int = 1, test_size: float = 0.25, seed: int = 0
) -> Benchmark:
    """Train each configuration on the same repeated random splits, all splits as one batch.

    Split s has the same rows and the same seed for every configuration; early stopping, where a configuration has it,
    watches an inner split of the training rows. Intervals and differences are the corrected resampled t's, since the
    training rows of the splits overlap.

    Parameters
    ----------
    configurations : name -> NetRegressor, or name -> NetClassifier
    X : (n, p). y : (n,)
    splits : int >= 2
    seeds : int >= 1
        From 2 on, each split is trained with so many initial weights, each with so many orders of batches, and the
        variance of the error is split among data, initial weights and order.
    test_size : share of the rows, in (0, 1)
    seed : int >= 0

    References
    ----------
    Nadeau & Bengio (2003), Inference for the generalization error, Machine Learning 52.

    Examples
    --------
    >>> import foldwise as fw
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(80, 3))
    >>> nets = {"plain": fw.NetRegressor((8,), epochs=40), "strong l2": fw.NetRegressor((8,), l2=3.0, epochs=40)}
    >>> found = fw.nets.benchmark(nets, X, X[:, 0], splits=4)
    >>> bool(found.difference("strong l2", "plain").mean > 0.1)
    True
    """
    if not isinstance(configurations, Mapping) or not configurations:
        raise InputError(f"configurations must be a dict of names and networks, got {configurations!r}")
    whole("splits", splits, 2)
    whole("seeds", seeds, 1)
    whole("seed", seed, 0)
    number("test_size", test_size, above=True)
    n = len(X)
    n_test = round(test_size * n)
    if not 1 <= n_test <= n - 2:
        raise InputError(f"test_size must leave a test row and two training rows of {n}, got {test_size}")
    orders = [np.random.default_rng([seed, split]).permutation(n) for split in range(splits)]
    per_train = n_test / (n - n_test)
    entries = {}
    for name, net in configurations.items():
        started = time.perf_counter()
        trained, cells = _run(net, X, y, orders, n_test, seeds, seed)
        seconds = time.perf_counter() - started
        statuses = [member.status for member in trained]
        errors, fine = cells.mean(axis=(1, 2)), bool(np.isfinite(cells).all())
        mean = corrected_resampled_t(errors, test_per_train=per_train) if fine else None
        variance = split_variance(cells) if fine and seeds > 1 else None
        epochs = float(np.mean([member.best_epoch for member in trained]))
        ends = statuses.count("collapsed"), statuses.count("diverged")
        entries[name] = Entry(errors, mean, epochs, seconds, *ends, variance)
    return Benchmark(entries, per_train)


def _run(
    net: Any, X: Any, y: Any, orders: list[NDArray[np.intp]], n_test: int, seeds: int, seed: int
) -> tuple[list[TrainedMember], Array]:
    """The members of one configuration, and the error (S, seeds, seeds) of each on its test rows."""
    kind = NetClassifierCV if hasattr(net, "predict_proba") else NetRegressorCV
    search = kind(net=net)
    blank = search._blank()  # noqa: SLF001 - the same room
    X, y = blank._read(X, y)  # noqa: SLF001
    settings = blank._settings()  # noqa: SLF001
    drawn = [seed + len(orders) * number for number in range(seeds)]
    members = [
        Member(rows=order[n_test:], seed=stream + split, weight_seed=weights + split, **settings)
        for split, order in enumerate(orders)
        for weights in drawn
        for stream in drawn
    ]
    prepared = blank._prepared(X, y, members)  # noqa: SLF001
    trained = blank._train(prepared)  # noqa: SLF001
    blank.description_ = prepared.program.description
    errors = np.full(len(members), np.inf)
    for at, member in enumerate(trained):
        if member.status != "diverged":
            blank.member_ = member
            rows = orders[at // seeds**2][:n_test]
            errors[at] = search._row_errors(y[rows], blank._outputs(X[rows])).mean()  # noqa: SLF001
    return trained, errors.reshape(len(orders), seeds, seeds)
