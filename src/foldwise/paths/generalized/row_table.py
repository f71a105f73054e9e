"""Checked rows of a generalized linear model: X, target, weights, offset, folds and family, with named errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from foldwise.errors import InputError
from foldwise.moments.check import check_features, check_weight
from foldwise.paths.generalized.filling import Filling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.families import Family
    from foldwise.resampling import Folds

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class RowTable:
    """Checked rows of a generalized linear model.

    Parameters
    ----------
    X : array (n, p), or sparse by rows
    y : array (n,), or marks (n, C) of C classes
    weight : array (n,)
    offset : array (n,) or None
    folds : Folds or None
    family : Family
    filling : Filling
        What is done with missing values and rare levels.
    """

    X: Any
    y: Floats
    weight: Floats
    offset: Floats | None
    folds: Folds | None
    family: Family
    filling: Filling = field(default_factory=Filling)

    @classmethod
    def of(
        cls,
        X: Any,
        y: Any,
        family: Family,
        *,
        folds: Folds | None = None,
        sample_weight: Any = None,
        offset: Any = None,
        filling: Filling | None = None,
    ) -> RowTable:
        """Check everything, with messages that name the argument."""
        filling = filling or Filling()
        table = check_features(X, allow_missing=filling.fill is not None)
        n = table.shape[0]
        target = family.check_target(y, n)
        weight = check_weight(sample_weight, n)
        if folds is not None and folds.n_rows != n:
            message = f"folds must label the {n} rows of X, got {folds.n_rows} labels"
            raise InputError(message)
        if offset is not None and target.ndim == 2 and not family.shares_rows:
            message = f"offset must be left out with family={family.name!r}"
            raise InputError(message)
        if filling.pools and sparse.issparse(table):
            message = "pools must be left out with a sparse X"
            raise InputError(message)
        weight = np.ones(n) if weight is None else weight
        return cls(table, target, weight, check_offset(offset, n), folds, family, filling)

    @cached_property
    def gaps(self) -> Ints:
        """Columns (g,) with missing values."""
        none = self.filling.fill is None or sparse.issparse(self.X)
        return np.zeros(0, dtype=np.intp) if none else np.flatnonzero(np.isnan(self.X).any(axis=0))

    @property
    def n_features(self) -> int:
        """Columns of a fitted design: p, and the missing indicators where they are asked for."""
        return int(self.X.shape[1]) + (len(self.gaps) if self.filling.indicators else 0)

    @property
    def n_folds(self) -> int:
        """K; 1 without folds."""
        return 1 if self.folds is None else self.folds.n_folds

    @property
    def n_outputs(self) -> int:
        """Linear predictors of a row: the classes of a multinomial target, else 1."""
        return 1 if self.y.ndim == 1 or self.family.shares_rows else int(self.y.shape[1])

    @property
    def labels(self) -> Ints:
        """Folds (R, n)."""
        return np.zeros((1, len(self.y)), dtype=np.intp) if self.folds is None else self.folds.labels


def check_offset(offset: Any, n: int) -> Floats | None:
    """What is added to every row's predictor, as finite floats (n,)."""
    if offset is None:
        return None
    array = np.asarray(offset, dtype=np.float64)
    if array.shape != (n,):
        message = f"offset must have one number for each of the {n} rows of X, got shape {array.shape}"
        raise InputError(message)
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        message = f"offset must be finite, got {array[bad[0]]} in row {bad[0]} (from 0)"
        raise InputError(message)
    return array
