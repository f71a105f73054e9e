"""Least squares of every held-out set from the rows themselves, where moments would cost too many digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.moments.check import check_weight
from foldwise.solvers.block_factors import solve_held_out
from foldwise.solvers.least_squares import least_squares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.moments import DesignMap
    from foldwise.resampling import Folds

    Floats = NDArray[np.float64]


def refit_from_rows(
    X: Any,
    y: Any,
    folds: Folds | None,
    sample_weight: Any,
    held_out: tuple[frozenset[int], ...],
    maps: Sequence[DesignMap],
    *,
    fit_intercept: bool,
) -> Floats:
    """Coefficients (H, p), by one QR per fold block and merges of triangular factors.

    Where each training set fills or pools in its own way, its rows are encoded and solved by themselves.

    Parameters
    ----------
    X : array (n, p)
    y : array (n,)
    folds : Folds or None
    sample_weight : array (n,) or None
    held_out : H held-out sets, repeats numbered through
    maps : H maps
    fit_intercept : bool
    """
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64).reshape(-1)
    weight = check_weight(sample_weight, len(y))
    if any(len(each.gaps) or each.moved for each in maps):
        coefs = []
        for members, each in zip(held_out, maps, strict=True):
            rows = np.arange(len(y)) if folds is None else folds.training_rows(members)
            part = None if weight is None else weight[rows]
            coefs.append(least_squares(each.rows(X[rows]), y[rows], weights=part, fit_intercept=fit_intercept).coef)
        return np.stack(coefs)
    labels = np.zeros((1, len(y)), dtype=np.intp) if folds is None else folds.labels
    k = 1 if folds is None else folds.n_folds
    coef = np.empty((len(held_out), X.shape[1]))
    for repeat, row in enumerate(labels):
        places = [h for h, members in enumerate(held_out) if (min(members) // k if members else 0) == repeat]
        local = [frozenset(member % k for member in held_out[h]) for h in places]
        coef[places] = solve_held_out(X, y, row, weight, local, fit_intercept=fit_intercept)[0]
    return coef
