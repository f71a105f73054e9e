"""Folds from what scikit-learn's `cv=` accepts."""

from typing import Any

from sklearn.model_selection import check_cv

from foldwise.errors import InputError
from foldwise.resampling import Folds


def read_folds(cv: Any, X: Any, y: Any, groups: Any = None, *, classes: bool = False) -> Folds:
    """Return the folds that `cv` makes of the rows.

    Parameters
    ----------
    cv : None for 5 folds, a number of folds (neighbouring rows together, as KFold does), Folds, a splitter, or splits
        (training rows, test rows); test sets must partition the rows, once or several times.
    X : (n, p). y : (n,) or (n, T). groups : (n,) or None, passed to the splitter.
    classes : whether y holds classes, which a number of folds spreads evenly (as StratifiedKFold does).

    Examples
    --------
    >>> import numpy as np
    >>> read_folds(3, np.zeros((6, 1)), np.zeros(6)).labels.tolist()
    [[0, 0, 1, 1, 2, 2]]
    """
    if isinstance(cv, Folds):
        if cv.n_rows != X.shape[0]:
            raise InputError(f"cv must have one label for each of the {X.shape[0]} rows, got Folds of {cv.n_rows}")
        return cv
    try:
        splitter = check_cv(cv, y, classifier=classes)
    except ValueError as error:
        raise InputError(f"cv must be a number of folds, Folds, a splitter or splits, got {cv!r}") from error
    try:
        return Folds.from_splitter(splitter, X, y, groups)
    except InputError as error:
        remedy = "Use Folds, or a splitter whose test sets partition the rows, such as KFold or GroupKFold"
        raise InputError(f"cv={cv!r} can't be used: {error}. {remedy}") from error
