"""Nested cross-validation intervals: how far a cross-validated error may be from the error of the fitted model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from foldwise.errors import InputError
from foldwise.inference.corrected_t import checked_probability, checked_row

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NestedInterval:
    """An error, its interval, and what the interval is made of; all in the unit of the losses.

    Attributes
    ----------
    error : float
        The centre: the mean out-of-fold loss less `bias`.
    interval : (float, float)
        Above zero, and wider upwards.
    standard_error : float
        r times `error`: root of the estimated mean squared error of the cross-validated error, within its bounds.
    bias : float
        By how much the mean out-of-fold loss is too large, because its fits have seen (K - 1)/K of the rows.
    naive : float
        The standard error that takes losses of different rows to be independent: s / sqrt(n).
    inflation : float
        How many times as wide as the naive one, from 1 to sqrt(K).
    mse : float
        The estimate before it was bounded, mean(a) - mean(b); it can be negative where repeats are few.
    """

    error: float
    interval: tuple[float, float]
    standard_error: float
    bias: float
    naive: float
    inflation: float
    mse: float


def nested_interval(
    losses: ArrayLike,
    labels: ArrayLike,
    inner: ArrayLike,
    *,
    size_cost: float | None = None,
    weights: ArrayLike | None = None,
    confidence: float = 0.95,
) -> NestedInterval:
    """Interval for the error of a fitted model by nested cross-validation.

    A cross-validated error's own standard error, s / sqrt(n), takes the losses of different rows to be independent; but
    each row also trained the fits that score the others. Leave fold k out altogether: cross-validating the rest gives
    an estimate, and the fit to the rest has an error that fold k measures honestly. Over all folds and repeats,

        a = (mean of the inner losses without k - mean of the outer losses on k)^2
        b = (variance of the outer losses on k) / n_k
        MSE = mean(a) - mean(b)

    estimates the mean squared error of such a cross-validation, of (K - 1)/K of the rows. With the mean outer loss CV
    and the mean inner loss NCV, whose fits have seen one fold less, the interval is

        error exp(+- t r),    r = sqrt(MSE (K - 1)/K) / NCV,    error = CV / (NCV / CV)^(((K - 2)/K)^1.5),

    where r is kept between s / sqrt(n) / CV and sqrt(K) times that. Bates and others have error +- z r NCV, and
    subtract the bias; to first order that is the same. Ours stands on the logarithm, because mean losses are positive
    and skewed to the right, so that symmetric intervals lie below the truth many times as often as above it; and r is
    relative, because fits to fewer rows have larger errors, which vary more. t is Student's quantile with n - 1 degrees
    of freedom. What the interval covers is measured in docs/coverage.md.

    Few repeats make the MSE unsteady, and a negative one is held at the lower bound, so that the interval errs on the
    wide side. A mean loss of zero has the interval (0, 0): no error was seen, which is not that there is none.

    Parameters
    ----------
    losses : (R, n) array
        Loss of each row under the fit that holds out its fold.
    labels : (R, n) array of int
        Its fold, 0 to K - 1; K >= 3, with two or more rows in each.
    inner : (R*K, K) array
        [i, k] is the mean loss on fold k of i's repeat of the fit that holds out folds i and k; where k is i itself it
        is not looked at.
    size_cost : float > 0, optional
        NCV / CV, where it is not to be taken from these losses. Inner losses of a *tuned* procedure, those of the
        strength that each outer fold chose by them, flatter: pass the ratio at one and the same strength, say the final
        model's. MSE then counts what flatters as error, so the interval errs on the wide side.
    weights : (n,) array, optional
        Row weights. Equal where omitted.
    confidence : float
        Of the interval, between 0 and 1.

    Returns
    -------
    NestedInterval

    Raises
    ------
    InputError
        Where shapes disagree, a loss is not finite, there are fewer than 3 folds or a fold has a single row.

    References
    ----------
    Bates, Hastie & Tibshirani (2024), Cross-validation: what does it estimate and how well does it do it?, Journal of
    the American Statistical Association 119, algorithm 1 and section 4.3; the bounds and the exponent of the bias are
    those of the authors' code.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.inference import nested_interval
    >>> losses = [[1.0, 2.0, 0.5, 1.5, 3.0, 1.0, 2.0, 2.5, 0.0]]
    >>> inner = [[np.nan, 1.4, 1.6], [1.3, np.nan, 1.7], [1.2, 1.9, np.nan]]
    >>> found = nested_interval(losses, [[0, 0, 0, 1, 1, 1, 2, 2, 2]], inner)
    >>> round(found.error, 2), round(found.standard_error, 2), round(found.inflation, 2)
    (1.5, 0.32, 1.0)
    """
    loss, fold, inside = _checked(losses, labels, inner)
    repeats, n = loss.shape
    n_folds = inside.shape[1]
    weight = np.ones(n) if weights is None else checked_row("weights", weights)
    if weight.shape != (n,) or np.any(weight <= 0.0):
        raise InputError(f"weights must be > 0, one for each of {n} rows")
    quantile = float(special.stdtrit(n - 1, 0.5 + 0.5 * checked_probability("confidence", confidence)))

    fold_weight, outer, b = _by_fold(loss, fold, weight, n_folds)
    share = np.repeat(fold_weight.reshape(repeats, n_folds), n_folds, axis=0)
    share[np.arange(repeats * n_folds), np.tile(np.arange(n_folds), repeats)] = 0.0
    inner_mean = np.sum(share * np.where(share > 0.0, inside, 0.0), axis=1) / share.sum(axis=1)
    mse = float(np.mean((inner_mean - outer) ** 2) - np.mean(b))

    mean = float(np.average(outer, weights=fold_weight))
    centre = mean / _cost(size_cost, float(np.mean(inner_mean)), mean) ** (((n_folds - 2) / n_folds) ** 1.5)
    naive = float(np.sqrt(np.mean([_variance_of_mean(row, weight) for row in loss])))
    wanted = np.sqrt((n_folds - 1) / n_folds * max(mse, 0.0))
    if min(mean, float(np.mean(inner_mean))) <= 0.0:
        return NestedInterval(mean, (mean, mean), naive, 0.0, naive, 1.0, mse)
    relative = float(np.clip(wanted / np.mean(inner_mean), naive / mean, np.sqrt(n_folds) * naive / mean))
    half = np.exp(quantile * relative)
    interval = (float(centre / half), float(centre * half))
    inflation = relative * mean / naive if naive > 0.0 else 1.0
    return NestedInterval(centre, interval, relative * centre, mean - centre, naive, inflation, mse)


def _cost(size_cost: float | None, inner: float, outer: float) -> float:
    """How many times as large the error of fits to one fold less is."""
    if size_cost is None:
        return inner / outer if inner > 0.0 and outer > 0.0 else 1.0
    if not 0.0 < size_cost < np.inf:
        raise InputError(f"size_cost must be > 0 and finite, the ratio of two mean losses, got {size_cost}")
    return float(size_cost)


def _by_fold(loss: Floats, fold: NDArray[np.intp], weight: Floats, n_folds: int) -> tuple[Floats, Floats, Floats]:
    """Weight, mean loss and the variance of that mean, of every fold of every repeat (R*K,)."""
    code = (fold + n_folds * np.arange(len(fold))[:, None]).ravel()
    size = len(fold) * n_folds
    weights, losses = np.tile(weight, len(loss)), loss.ravel()
    total: Floats = np.bincount(code, weights, size).astype(float)
    rows: NDArray[np.intp] = np.bincount(code, minlength=size)
    mean: Floats = np.bincount(code, weights * losses, size) / total
    squares = np.bincount(code, (weights * (losses - mean[code])) ** 2, size)
    return total, mean, np.asarray(squares / total**2 * rows / (rows - 1))


def _variance_of_mean(loss: Floats, weight: Floats) -> float:
    n, total = len(loss), weight.sum()
    mean = weight @ loss / total
    return float(np.sum((weight * (loss - mean)) ** 2) / total**2 * n / (n - 1))


def _checked(losses: ArrayLike, labels: ArrayLike, inner: ArrayLike) -> tuple[Floats, NDArray[np.intp], Floats]:
    loss, fold, inside = np.asarray(losses, dtype=float), np.asarray(labels), np.asarray(inner, dtype=float)
    if loss.ndim != 2 or fold.shape != loss.shape or fold.dtype.kind not in "iu":
        raise InputError(
            f"losses and labels must both have shape (repeats, rows), labels whole numbers, got {loss.shape} and "
            f"{fold.dtype} of shape {fold.shape}"
        )
    n_folds = int(fold.max()) + 1
    if n_folds < 3:
        raise InputError(f"labels must name 3 or more folds, so that one is left to train without two, got {n_folds}")
    counts = np.array([np.bincount(row, minlength=n_folds) for row in fold])
    if fold.min() < 0 or counts.min() < 2:
        raise InputError(f"labels must put two or more rows in each of {n_folds} folds, got {counts.min()}")
    if inside.shape != (len(loss) * n_folds, n_folds):
        raise InputError(f"inner must have shape {(len(loss) * n_folds, n_folds)}, got {inside.shape}")
    other = ~np.tile(np.eye(n_folds, dtype=bool), (len(loss), 1))
    for argument, value in (("losses", loss), ("inner", inside[other])):
        odd = value[~(np.isfinite(value) & (value >= 0.0))]
        if odd.size:
            raise InputError(f"{argument} must be finite and >= 0, got {odd[0]}")
    return loss, fold.astype(np.intp), inside
