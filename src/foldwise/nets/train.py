"""Train many networks as one batch: the front door of the batch trainer."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

from foldwise.errors import DataWarning, InputError
from foldwise.nets.loop import train_in_a_loop
from foldwise.nets.member import Member
from foldwise.nets.prepared import Prepared, Trainer, checked_members, unbatched
from foldwise.nets.progress import Progress, Standing, on_terminal
from foldwise.nets.streamed import is_on_disk, is_table
from foldwise.nets.train_blocks import train_in_blocks
from foldwise.nets.trained import Trained
from foldwise.parameters.checks import flag, whole


def train(
    model: Any,
    X: Any,
    y: Any = None,
    members: Iterable[Member] = (),
    *,
    target: str | None = None,
    sample_weight: Any = None,
    trainer: Trainer = "gradient",
    loss: Any = None,
    batch_size: int = 32,
    standardize: bool = True,
    standardize_target: bool | None = None,
    exact_zeros: bool = True,
    loop: bool = False,
    progress: bool | Callable[[Standing], Any] = False,
    workers: int | None = None,
    slots: int | None = None,
    key: str | None = None,
    drop: Iterable[str] = (),
    categories: Any = (),
    order_seed: int = 0,
) -> Trained:
    """Train all members of a model as one compiled program.

    Each member minimizes the mean loss of its own training rows plus its own penalties, from its own initial weights,
    in its own row order, on its own scale; it comes out as if it had been trained alone. Rows are looked up by number,
    so that nothing of the rows held out of a member reaches it.

    Parameters
    ----------
    model : keras.Model or widths of hidden layers
        Sequential or functional, of layers that can be batched (others are refused by name). Its compiled loss and
        optimizer (Adam, AdamW or SGD), its kernel regularizers and dropout rates are what members have where they say
        nothing else. Its weights are not used (but for those of frozen layers) and not changed. Widths such as (64, 32)
        stand for a `perceptron` for numbers.
    X : (n, p) numbers, NaN where missing, or a list or dict of such for a model of several inputs
        Inputs that feed an Embedding are codes 0, 1, ...
    y : (n,) or (n, T) numbers; for classes also their codes (n,) or one-hot rows (n, C)
    members : Members
    target : str
        In place of y, where X is a table that need not fit in memory: a Parquet or CSV file, a folder or pattern of
        such, a data set. It, and an array on disk (`np.load(mmap_mode="r")`) of more rows than a buffer, are read in
        blocks; see "Rows that do not fit" in docs/networks.md. Members' `rows` are then `Dealt`, or row numbers.
    sample_weight : (n,) >= 0, default None
        What the loss of each row counts, in scales too; on average 1 in each member's training rows. A row of weight 0
        is in no batch. A table's is named.
    trainer : "gradient", or "annealing" for small networks, and losses without a gradient
        Simulated annealing of loss plus l1 and l2 over all training rows: in each epoch every weight may move once.
        Members are chains: give them seeds, `Trained.best` is the one of the least objective. L1 gives exact zeros.
    loss : Keras loss or its name, default the compiled one; or a function of (y_true, y_pred), one number per row
    batch_size : rows per step, at most the smallest member's number of training rows
    standardize : whether inputs are scaled, by means and standard deviations of each member's own training rows
    standardize_target : the same for y. By default where y are numbers and the last layer is linear. Predictions come
        back in the units of y.
    exact_zeros : whether l1 is a proximal step, which gives exact zeros, or part of the loss as in Keras: no zeros
    loop : whether Keras may train the members of a model that can't be batched one after the other, with a DataWarning;
        otherwise such a model is refused by name. Penalties and rates are then the model's own
    progress : True for a line on the terminal, or a function that is told a `Standing` about twice a second
    workers, slots : programs side by side, and members in each; by default what cores and memory allow
    key, drop, categories : of a table, as `FoldMoments.scan` has them; rows of one key share a fold, for `Dealt`
    order_seed : decides the order of blocks where rows are read in blocks; a member's own seed that within a buffer

    Returns
    -------
    Trained
        The members in order. Where the keyboard interrupts, those that were finished, with a DataWarning.

    Raises
    ------
    InputError
        For anything that can't be trained, before any training starts.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.nets import Member, train
    >>> X = np.random.default_rng(0).normal(size=(64, 3))
    >>> trained = train((4,), X, X[:, 0], [Member(seed=s, epochs=5, l1=0.01) for s in range(2)], batch_size=16)
    >>> trained, trained.predict(X).shape
    (Trained(2 finished), (2, 64, 1))
    """
    tell = on_terminal if progress is True else progress or None
    if flag("loop", loop) and (reason := unbatched(model)):
        given = checked_members(members)
        if sample_weight is not None or trainer != "gradient":
            raise InputError("sample_weight and trainer must be left out where loop=True trains a model")
        count = f"{len(given)} {'network is' if len(given) == 1 else 'networks are'}"
        warnings.warn(f"{reason}; {count} trained by Keras one after the other", DataWarning, stacklevel=2)
        return train_in_a_loop(
            model, X, y, given, loss=loss, batch_size=whole("batch_size", batch_size, 1),
            standardize=flag("standardize", standardize), standardize_target=standardize_target, tell=tell,
        )  # fmt: skip
    if is_table(X) or is_on_disk(X):
        return train_in_blocks(
            model, X, y if target is None else target, members, sample_weight=sample_weight, trainer=trainer, loss=loss,
            batch_size=batch_size, standardize=standardize, standardize_target=standardize_target,
            exact_zeros=exact_zeros, order_seed=order_seed, tell=tell,
            roles={"key": key, "drop": drop, "categories": categories},
        )  # fmt: skip
    if target is not None or key is not None:
        raise InputError("target and key name columns of a table on disk, got X in memory: give y")
    prepared = Prepared(
        model, X, y, members, sample_weight=sample_weight, trainer=trainer, loss=loss, batch_size=batch_size,
        standardize=standardize, standardize_target=standardize_target, exact_zeros=exact_zeros,
    )  # fmt: skip
    pool = prepared.pool(workers=workers, slots=slots)
    whole_run = pool.train(prepared.jobs, Progress(tell))
    done = [at for at, job in enumerate(prepared.jobs) if not job.epochs_left]
    if not whole_run:
        if not done:
            raise KeyboardInterrupt
        message = f"Stopped by the keyboard: {len(done)} of {len(prepared.jobs)} networks were finished and are kept"
        warnings.warn(message, DataWarning, stacklevel=2)
    return prepared.trained(done)
