"""The one-standard-error rule, the right way round: the simplest model whose error is not clearly above the best."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError
from foldwise.inference.corrected_t import checked_row, shares


@dataclass(frozen=True)
class OneStandardError:
    """Two choices of alpha.

    Attributes
    ----------
    index_min, index_1se : int
        Positions in the given alphas of the smallest error, and of the largest alpha within one standard error of it.
        `alphas[index_1se] >= alphas[index_min]` always.
    error : float
        The smallest mean error, in the unit of the errors.
    standard_error : float
        Its standard error over folds, in the same unit.
    which : str
        Which standard error that is, in one line: several are in use, and they choose differently.
    """

    index_min: int
    index_1se: int
    error: float
    standard_error: float
    which: str


def one_standard_error(
    errors: ArrayLike, alphas: ArrayLike, *, weights: ArrayLike | None = None, repeats: int = 1
) -> OneStandardError:
    """Choose alpha by the smallest cross-validated error, and by the one-standard-error rule.

    The standard error is that of the mean over the K folds of one repeat, sqrt(sum_k share_k (e_k - mean)^2 / (K - 1));
    repeats steady it but do not shrink it (its squares are averaged), because they reuse the same rows. Among equal
    errors the larger alpha is taken.

    Parameters
    ----------
    errors : (R*K, A) array
        Error of each fold, repeat after repeat, at each alpha.
    alphas : (A,) array
        Penalty strengths >= 0 in any order.
    weights : (R*K,) array, optional
        The weight of each fold. Equal where omitted.
    repeats : int
        R.

    Returns
    -------
    OneStandardError

    Raises
    ------
    InputError
        Where shapes disagree, errors are not finite, or there are fewer than two folds in a repeat.

    References
    ----------
    Breiman, Friedman, Olshen & Stone (1984), Classification and regression trees, section 3.4.3; Hastie, Tibshirani &
    Friedman (2009), The elements of statistical learning, section 7.10.

    Examples
    --------
    >>> from foldwise.inference import one_standard_error
    >>> chosen = one_standard_error([[3.0, 2.1, 2.0], [5.0, 2.9, 3.0]], alphas=[10.0, 1.0, 0.1])
    >>> chosen.index_min, chosen.index_1se
    (1, 1)
    >>> chosen.which
    'standard error of the mean over 2 folds'
    """
    error = np.asarray(errors, dtype=float)
    alpha = checked_row("alphas", alphas)
    if error.ndim != 2 or error.shape[1] != alpha.shape[0]:
        raise InputError(
            f"errors must have shape (folds, {alpha.shape[0]}), one column for each alpha, got {error.shape}"
        )
    if not np.all(np.isfinite(error)):
        fold, at = np.argwhere(~np.isfinite(error))[0]
        raise InputError(f"errors must be finite, got {error[fold, at]} in fold {fold} at alpha {alpha[at]}")
    n_folds, odd = divmod(error.shape[0], repeats) if repeats >= 1 else (0, 1)
    if odd or n_folds < 2:
        raise InputError(f"repeats must leave two or more folds each of {error.shape[0]} rows of errors, got {repeats}")
    mean, standard_errors = error_curve(error, weights=weights, repeats=repeats)
    smallest = mean.min()
    index_min = int(max(np.flatnonzero(mean == smallest), key=alpha.__getitem__))
    standard_error = float(standard_errors[index_min])
    near = np.flatnonzero(mean <= smallest + standard_error)
    index_1se = int(max(near, key=alpha.__getitem__))
    which = _which(n_folds, repeats, weights)
    return OneStandardError(index_min, index_1se, float(smallest), standard_error, which)


def error_curve(
    errors: NDArray[np.float64], *, weights: ArrayLike | None = None, repeats: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (A,) and standard error (A,) of fold errors (R*K, A), as `one_standard_error` takes them.

    Examples
    --------
    >>> import numpy as np
    >>> mean, standard_error = error_curve(np.array([[3.0, 2.0], [5.0, 3.0]]))
    >>> mean.tolist(), standard_error.tolist()
    ([4.0, 2.5], [1.0, 0.5])
    """
    n_folds, points = len(errors) // repeats, errors.shape[1]
    share = shares(weights, len(errors))
    mean = np.sum(share[:, None] * errors, axis=0)  # column by column: the same digits in any order of the alphas
    by_repeat = errors.reshape(repeats, n_folds, points)
    weight = share.reshape(repeats, n_folds, 1) / share.reshape(repeats, n_folds, 1).sum(axis=1, keepdims=True)
    centre = np.sum(weight * by_repeat, axis=1, keepdims=True)
    spread = np.sum(weight * (by_repeat - centre) ** 2, axis=1)
    standard_error: NDArray[np.float64] = np.sqrt(np.mean(spread, axis=0) / (n_folds - 1))
    return mean, standard_error


def _which(n_folds: int, repeats: int, weights: ArrayLike | None) -> str:
    """The name of the standard error used."""
    weighted = weights is not None and np.ptp(np.asarray(weights, dtype=float)) > 0.0
    name = f"standard error of the mean over {n_folds} folds"
    name += ", folds weighted by their rows" if weighted else ""
    return name + (f"; root mean square over {repeats} repeats" if repeats > 1 else "")
