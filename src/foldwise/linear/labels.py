"""Class labels: the classes of a target, its rows as their numbers, and the classes' weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from foldwise.errors import InputError
from foldwise.linear.checks import Array


def read_classes(y: Any) -> tuple[NDArray[Any], Array]:
    """The C classes in sorted order, and the class number 0..C-1 of each row (n,).

    Raises
    ------
    InputError
        For one class, and for a target that is no class.

    Examples
    --------
    >>> classes, target = read_classes(np.array(["yes", "no", "yes"]))
    >>> classes.tolist(), target.tolist()
    (['no', 'yes'], [1.0, 0.0, 1.0])
    """
    try:
        check_classification_targets(y)
    except ValueError as error:
        raise InputError(f"y must hold classes. {error}") from error
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) == 1:
        raise InputError(f"y must have two classes or more, got only one class, {classes.tolist()[0]!r}")
    return classes, codes.astype(np.float64)


def weights_of(class_weight: Any, classes: NDArray[Any], codes: Array, sample_weight: Array | None) -> Array | None:
    """Row weights (n,): the sample weights times those of the classes, as scikit-learn has them."""
    if class_weight is None:
        return sample_weight
    if isinstance(class_weight, dict):
        unknown = [key for key in class_weight if key not in classes.tolist()]
        if unknown:
            raise InputError(f"class_weight must have classes as keys, {classes.tolist()}, got {unknown[0]!r}")
    elif class_weight != "balanced":
        raise InputError(f"class_weight must be a dict, 'balanced' or None, got {class_weight!r}")
    labels = classes[codes.astype(np.intp)]
    each = compute_class_weight(class_weight, classes=classes, y=labels, sample_weight=sample_weight)
    found = np.asarray(each, dtype=np.float64)[codes.astype(np.intp)]
    return found if sample_weight is None else found * sample_weight


def check_training_classes(classes: NDArray[Any], codes: Array, folds: Any) -> None:
    """Refuse folds of which one holds all rows of a class: without it there is nothing to learn about that class."""
    everyone = np.bincount(codes.astype(np.intp), minlength=len(classes))
    for fold in range(folds.get_n_splits()):
        kept = np.bincount(codes[folds.training_rows({fold})].astype(np.intp), minlength=len(classes))
        lost = np.flatnonzero(kept == 0)
        if len(lost):
            label, count = classes.tolist()[lost[0]], int(everyone[lost[0]])
            rows = "its only row" if count == 1 else f"all its {count} rows"
            raise InputError(
                f"class {label!r} has {rows} in fold {fold}, so that the others have nothing to learn it from: use "
                "stratified or fewer folds, or gather more rows of it"
            )
