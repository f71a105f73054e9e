"""Shadow columns: every feature once more with its values in other rows' places, to see what noise survives."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError


def shadow_columns(X: ArrayLike, labels: ArrayLike, *, seed: int = 0) -> NDArray[np.float64]:
    """Columns (n, p) that have the features' spread and correlations but nothing to say about any row.

    Within every fold whole rows are shuffled, so that shadows correlate with each other as their features do, and each
    column's mean over the fold is taken off. Rows never leave their fold: a shadow that a fit trains on holds nothing
    of the rows that the fit holds out. The means are taken off because a fold's mean is the one thing that shuffling
    within it leaves: with m rows to a fold, shadow and feature would correlate by 1/m. What remains is scaled by
    sqrt(m / (m - 1)), the spread that the mean has taken.

    The columns go beside X into `foldwise.fit_paths` with the folds of these labels; then
    `foldwise.inference.noise_floor` counts which of them survive.

    Parameters
    ----------
    X : (n, p) array
        Numbers, NaN where missing; a shadow is missing as often.
    labels : (n,) array of int
        The fold of each row, as one row of `Folds.labels`: every repeat has shadows of its own. Each fold needs two or
        more rows.
    seed : int

    Returns
    -------
    (n, p) array
        Each has mean 0 over the values that it has in a fold.

    Raises
    ------
    InputError
        Where shapes disagree or a fold has a single row.

    References
    ----------
    Wu, Boos & Stefanski (2007), Controlling variable selection by the addition of pseudovariables, Journal of the
    American Statistical Association 102, section 2.2, for shuffled rows; that they stay in their folds is ours.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.paths import shadow_columns
    >>> shadow_columns([[1.0], [3.0], [10.0], [20.0]], [0, 0, 1, 1]).round(2).ravel().tolist()
    [-1.41, 1.41, -7.07, 7.07]
    """
    values, fold = np.asarray(X, dtype=float), np.asarray(labels)
    if values.ndim != 2 or fold.shape != values.shape[:1]:
        raise InputError(f"X and labels must have shapes (n, p) and (n,), got {values.shape} and {fold.shape}")
    names, counts = np.unique(fold, return_counts=True)
    if counts.min() < 2:
        raise InputError(f"labels must put two or more rows in each fold, fold {names[counts.argmin()]} has one")
    rng = np.random.default_rng(seed)
    shadows = np.empty_like(values)
    for name in names.tolist():
        rows = np.flatnonzero(fold == name)
        here = values[rng.permutation(rows)]
        there = np.sum(~np.isnan(here), axis=0)
        mean = np.divide(np.nansum(here, axis=0), there, out=np.zeros(values.shape[1]), where=there > 0)
        shadows[rows] = (here - mean) * np.sqrt(there / np.maximum(there - 1, 1))
    return shadows
