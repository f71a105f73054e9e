"""The elastic net's penalty of one coefficient: its absolute value; the ridge term is every separable penalty's own."""

from __future__ import annotations

import numpy as np

from foldwise.penalties.pieces import Pieces


def elastic_net() -> Pieces:
    """One piece, lam |b|: the slope is lam everywhere.

    Source: R. Tibshirani (1996), Regression shrinkage and selection via the lasso; H. Zou and T. Hastie (2005),
    Regularization and variable selection via the elastic net.

    Examples
    --------
    >>> import numpy as np
    >>> elastic_net().value(np.array([2.0]), np.array([0.5]))
    array([1.])
    """
    return Pieces(start=np.zeros(1), level=np.ones(1), slope=np.zeros(1))
