"""What a seed decides: streams of random numbers, the inner split, and which rows make which batch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.nets.member import Member, checked_rows

Rows = NDArray[np.intp]
# One stream for each purpose, so that none depends on how much another was used.
_ORDER, _SPLIT, _WEIGHTS, _LAYERS, _MIX, _NOISE = range(6)


def fit_and_watch(member: Member, n: int) -> tuple[Rows, Rows]:
    """The rows that a member's weights are fitted to, and the inner split that early stopping watches (maybe none)."""
    rows = np.arange(n) if member.rows is None else checked_rows("rows", member.rows, n)
    if member.patience is None:
        return rows, np.zeros(0, dtype=np.intp)
    if np.ndim(member.watch):
        watch = checked_rows("watch", member.watch, n)
        foreign = np.setdiff1d(watch, rows)
        if foreign.size:
            raise InputError(
                f"watch must be some of the member's own training rows, got row {foreign[0]}: "
                "early stopping may never see rows that score"
            )
        fit = np.setdiff1d(rows, watch)
        if not fit.size:
            raise InputError("watch must leave training rows, got all of them")
        return fit, watch
    distinct = np.unique(rows)
    if len(distinct) < 2:
        raise InputError(f"early stopping needs at least two different training rows, got {len(distinct)}")
    count = min(max(1, round(float(np.asarray(member.watch)) * len(distinct))), len(distinct) - 1)
    drawn = np.random.default_rng([member.seed, _SPLIT]).permutation(distinct)[:count]
    watch = np.sort(drawn)
    return rows[~np.isin(rows, watch)], watch  # a row drawn several times is on one side only


def steps_per_epoch(n_fit: int, batch_size: int) -> int:
    """How many batches go through all rows."""
    return -(-n_fit // batch_size)


def batches(seed: int, fit: Rows, batch_size: int, epoch: int) -> Rows:
    """The rows (steps, batch_size) of one epoch, number 0, 1, ...

    All batches are full: the rows come from an endless row of permutations, so that an epoch that ends within one is
    continued by the next, and no row is ever used more than once more than another.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.nets.order import batches
    >>> drawn = [batches(0, np.arange(6), 4, epoch) for epoch in range(3)]
    >>> np.bincount(np.concatenate(drawn).ravel()).tolist()
    [4, 4, 4, 4, 4, 4]
    """
    n = len(fit)
    wanted = steps_per_epoch(n, batch_size) * batch_size
    start = epoch * wanted
    first, last = start // n, (start + wanted - 1) // n
    stream = np.concatenate([permuted(seed, n, k) for k in range(first, last + 1)])
    offset = start - first * n
    rows: Rows = fit[stream[offset : offset + wanted]]
    return rows.reshape(-1, batch_size)


def permuted(seed: int, n: int, k: int) -> Rows:
    """The k-th of the permutations (n,) that a member's rows come in."""
    return np.random.default_rng([seed, _ORDER, k]).permutation(n)


def mixes(seed: int, alpha: float, n_steps: int, epoch: int) -> NDArray[np.float32]:
    """How much of each row itself is in a mix, for each step of one epoch; ones where nothing is mixed."""
    if alpha == 0:
        return np.ones(n_steps, dtype=np.float32)
    return np.random.default_rng([seed, _MIX, epoch]).beta(alpha, alpha, size=n_steps).astype(np.float32)


def weight_seeds(seed: int, count: int) -> list[int]:
    """A seed for the initial values of each of a model's weights."""
    return _integers([seed, _WEIGHTS], count, 2**31)


def layer_seeds(seed: int, count: int) -> list[int]:
    """A seed for each layer that draws random numbers."""
    return _integers([seed, _LAYERS], count, 2**31)


def noise_seed(seed: int) -> int:
    """The seed of the noise on the inputs."""
    return _integers([seed, _NOISE], 1, 2**31)[0]


def _integers(entropy: list[Any], count: int, below: int) -> list[int]:
    return [int(value) for value in np.random.default_rng(entropy).integers(below, size=count)]
