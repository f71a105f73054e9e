"""Optimism: by how much the best cross-validated score flatters the procedure that chose it."""

import math

from foldwise.errors import InputError


def optimism(nested_error: float, best_score: float) -> float:
    """Nested error of a tuned procedure minus the best cross-validated score on its own search grid.

    The best of many scores is partly the luckiest. The nested error is measured on rows that took no part in choosing;
    the difference is what choosing has cost. A small negative value is chance.

    Parameters
    ----------
    nested_error : float
        Error of the tuned procedure on rows held out of the choice.
    best_score : float
        The smallest cross-validated error on the grid, in the same unit.

    Returns
    -------
    float
        In the same unit.

    Raises
    ------
    InputError
        Where one is not a finite number >= 0.

    References
    ----------
    Cawley & Talbot (2010), On over-fitting in model selection, Journal of Machine Learning Research 11; Varma & Simon
    (2006), Bias in error estimation when using cross-validation for model selection, BMC Bioinformatics 7.

    Examples
    --------
    >>> from foldwise.inference import optimism
    >>> round(optimism(3.42, 3.37), 2)
    0.05
    """
    for argument, value in (("nested_error", nested_error), ("best_score", best_score)):
        if not (math.isfinite(value) and value >= 0.0):
            raise InputError(f"{argument} must be a finite error >= 0, got {value}")
    return nested_error - best_score
