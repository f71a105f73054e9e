"""What a fit gives: the model, what is needed to use it, and how well it did."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.study.measure import Modelled
from foldwise.tables import Recipe

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Strength:
    """How strongly a model is penalized, in scikit-learn's meaning of the words.

    ``standardize`` says whether coefficients are penalized per standard deviation of their column, ``chosen`` whether
    cross-validation chose the strength. Least squares has neither alpha nor l1_ratio.
    """

    alpha: float | None = None
    l1_ratio: float | None = None
    standardize: bool = False
    chosen: bool = False


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted model with what is needed to use it, and how well it did.

    ``coef`` is (p,), or (p, C) for three classes or more, and then ``intercept`` (C,). ``scale`` (p,) holds the
    columns' standard deviations in the training rows. Errors are RMSEs in units of the target, or mean deviances;
    ``test_error`` and ``test_error_of_mean`` (always predicting the training rows' mean) are None without test
    rows. ``scores`` has what else is told of the test rows, for other families than the gaussian.
    """

    kind: str
    estimator: Any
    recipe: Recipe
    target_name: str
    target_unit: str | None
    strength: Strength
    training_rows: int
    test_rows: int
    training_error: float
    test_error: float | None
    test_error_of_mean: float | None
    coef: Array
    intercept: float | Array
    scale: Array
    modelled: Modelled
    scores: dict[str, float] = field(default_factory=dict)
