"""BBC-CV: the error of a tuned procedure without nested fits, by bootstrapping the choice among configurations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError
from foldwise.inference.corrected_t import checked_probability, checked_row

Floats = NDArray[np.float64]

BLOCK_BYTES = 16 << 20


@dataclass(frozen=True)
class BootstrapBias:
    """What is left of the best configuration's error once the luck of choosing it is taken off.

    Attributes
    ----------
    error : float
        Mean loss of the configurations chosen in bootstrap samples, on the rows outside the sample.
    interval : (float, float)
        Percentiles of the same over bootstrap samples.
    best : int
        The configuration with the smallest mean loss on all rows.
    best_error : float
        That loss, which flatters.
    flattery : float
        By how much: the mean, outside the samples, of what the configuration chosen inside loses more than `best`. Its
        expectation is that of `error - best_error`, without the noise of how the rows left out were drawn; 0 where
        every sample chooses `best`.
    again : float
        The share of samples that choose `best`.
    """

    error: float
    interval: tuple[float, float]
    best: int
    best_error: float
    flattery: float
    again: float


def bbc_cv(
    losses: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    samples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> BootstrapBias:
    """Bootstrap-bias-corrected cross-validation: choose on resampled rows, score the choice on the rows left out.

    One cross-validation of C configurations leaves an out-of-fold loss for every row and configuration. The smallest
    mean loss is too good, because it was chosen for being small. Draw n rows with replacement, choose the configuration
    with the smallest mean loss on them, take its mean loss on the rows that were not drawn; average over many draws.
    It costs no further fit, so it serves where nested fits are dear. The error it estimates is that of fits to
    (K - 1)/K of the rows, so it errs on the careful side for the model fitted to all.

    Rows are resampled as if their losses were independent, as the naive interval takes them to be; the rows left out
    are about 37 % of all, which makes the percentile interval wide. What it covers is measured in docs/coverage.md.

    Parameters
    ----------
    losses : (n, C) or (R, n, C) array
        Out-of-fold loss of each row under each configuration; several repeats are averaged, so that a drawn row brings
        its losses of all repeats.
    weights : (n,) array, optional
        Row weights. Equal where omitted.
    samples : int
        Bootstrap samples, B.
    confidence : float
        Of the interval, between 0 and 1.
    seed : int

    Returns
    -------
    BootstrapBias
        In the unit of the losses.

    Raises
    ------
    InputError
        Where shapes disagree or a number is out of its range.

    References
    ----------
    Tsamardinos, Greasidou & Borboudakis (2018), Bootstrapping the out-of-sample predictions for efficient and accurate
    cross-validation, Machine Learning 107, algorithm 2 and section 5.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.inference import bbc_cv
    >>> luck = np.random.default_rng(1).exponential(size=(200, 30))  # thirty configurations, all with a true loss of 1
    >>> found = bbc_cv(luck)
    >>> round(found.best_error, 2), round(found.error, 2)
    (0.86, 1.0)
    """
    loss = np.asarray(losses, dtype=float)
    loss = loss.mean(axis=0) if loss.ndim == 3 else loss
    if loss.ndim != 2 or loss.shape[0] < 2 or loss.shape[1] < 1:
        raise InputError(f"losses must have shape (rows, configurations), two rows or more, got {np.shape(losses)}")
    if not np.all(np.isfinite(loss)):
        row, at = np.argwhere(~np.isfinite(loss))[0]
        raise InputError(f"losses must be finite, got {loss[row, at]} in row {row} of configuration {at}")
    if samples < 2:
        raise InputError(f"samples must be >= 2, got {samples}")
    tail = 0.5 - 0.5 * checked_probability("confidence", confidence)
    weight = _weights(weights, len(loss))
    mean = weight @ loss / weight.sum()
    best = int(np.argmin(mean))
    found, of_best, again = _out_of_bag(loss, weight, best, samples, np.random.default_rng(seed))
    low, high = np.quantile(found, [tail, 1.0 - tail]).tolist()
    flattery = float(np.mean(found - of_best))
    return BootstrapBias(float(found.mean()), (low, high), best, float(mean[best]), flattery, again)


def _out_of_bag(
    loss: Floats, weight: Floats, best: int, samples: int, rng: np.random.Generator
) -> tuple[Floats, Floats, float]:
    """Mean losses outside each bootstrap sample: of the configuration that is best inside it, and of the overall best.

    And the share of samples in which these are the same.
    """
    n = len(loss)
    weighted = loss * weight[:, None]
    block = max(1, BLOCK_BYTES // (8 * n))
    found: list[Floats] = []
    of_best: list[Floats] = []
    same = 0
    while (missing := samples - sum(map(len, found))) > 0:
        size = min(block, missing)
        code = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        drawn = np.bincount(code.ravel(), minlength=size * n).reshape(size, n).astype(float)
        left = (drawn == 0.0).astype(float)
        usable = left.any(axis=1)  # with a handful of rows a sample may draw them all
        drawn, left = drawn[usable], left[usable]
        choice = np.argmin(drawn @ weighted / (drawn @ weight)[:, None], axis=1)
        outside = left @ weighted / (left @ weight)[:, None]
        found.append(outside[np.arange(len(left)), choice])
        of_best.append(outside[:, best])
        same += int(np.sum(choice == best))
    return np.concatenate(found), np.concatenate(of_best), same / samples


def _weights(weights: ArrayLike | None, n: int) -> Floats:
    if weights is None:
        return np.ones(n)
    weight = checked_row("weights", weights)
    if weight.shape != (n,) or np.any(weight <= 0.0):
        raise InputError(f"weights must be > 0, one for each of {n} rows")
    return weight
