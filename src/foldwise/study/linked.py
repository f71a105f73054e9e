"""Predictions on the target's scale -> the linear predictors whose deviance is scored."""

import numpy as np
from numpy.typing import NDArray

from foldwise.families import Family

Floats = NDArray[np.float64]

NEVER_QUITE = float(np.finfo(np.float64).eps)
"""Chances of 0 and 1 count as this far from it, as in scikit-learn's log loss: a wrong one costs much, not all."""


def linked(family: Family, predictions: Floats) -> Floats:
    """Linear predictors, of the predictions' shape: means through the link, chances kept off 0 and 1.

    Examples
    --------
    >>> from foldwise.families import Binomial
    >>> linked(Binomial(), np.array([0.5, 1.0])).round(2)
    array([ 0.  , 36.04])
    """
    if family.link_name == "identity" or family.shares_rows:
        return predictions
    if family.name == "multinomial":
        chances = np.maximum(predictions, NEVER_QUITE)
        return family.link(chances / chances.sum(axis=-1, keepdims=True))
    if family.is_two_class:
        return family.link(np.clip(predictions, NEVER_QUITE, 1.0 - NEVER_QUITE))
    return family.link(predictions)
