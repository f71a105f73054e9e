"""OutputPaths: Paths of a family with several linear predictors, whose coefficients have an axis more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from foldwise.errors import InputError
from foldwise.paths.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class OutputPaths(Paths):
    """Solutions for H held-out sets, A strengths and C classes or targets.

    As `Paths`, but `kept` and `coef` are (H, A, q, C) and (H, A, p, C), `intercept` is (H, A, C), and predictions are
    (n, A, C).

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 4))
    >>> y = np.argmax(X[:, :3] + rng.normal(size=(90, 3)), axis=1)
    >>> paths = fw.fit_paths(X, y, family="multinomial", alphas=10)
    >>> paths.coef.shape, paths.intercept.shape, paths.predict(X).shape
    ((1, 10, 4, 3), (1, 10, 3), (90, 10, 3))
    """

    @property
    def n_outputs(self) -> int:
        """C."""
        return int(self.kept.shape[3])

    @property
    def coef(self) -> Floats:
        """Coefficients (H, A, p, C) in original units."""
        if self.columns is None:
            return self.kept
        dense = np.zeros((*self.kept.shape[:2], self.n_features, self.n_outputs))
        dense[:, :, self.columns] = self.kept
        return dense

    @property
    def coef_per_sd(self) -> Floats:
        """Coefficients (H, A, p, C) per training standard deviation of their column."""
        return self.coef * self.scale[:, None, :, None]

    def model(self, held_out: Iterable[int] = (), *, at: int) -> tuple[Floats, Any]:
        """Coefficients (p, C) in original units and intercepts (C,) of one held-out set's fit."""
        h = self.index(held_out)
        coef = np.zeros((self.n_features, self.n_outputs))
        coef[slice(None) if self.columns is None else self.columns] = self.kept[h, at]
        return coef, self.intercept[h, at]

    def linear_predictor(
        self, X: ArrayLike, held_out: Iterable[int] = (), *, offset: ArrayLike | None = None
    ) -> Floats:
        """Linear predictors (n, A, C) of one held-out set's fit for raw rows X (n, p)."""
        if offset is not None:
            message = f"offset must be left out with family={self.family.name!r}"
            raise InputError(message)
        h = self.index(held_out)
        table: Any = sparse.csc_array(X) if sparse.issparse(X) else self.maps[h].rows(np.asarray(X))
        if table.shape[1] != self.n_features:
            message = f"X must have the {self.n_features} columns of the fit, got {table.shape[1]}"
            raise InputError(message)
        design = table if self.columns is None else table[:, self.columns]
        points, q, outputs = self.kept[h].shape
        flat = np.moveaxis(self.kept[h], 1, 0).reshape(q, points * outputs)
        eta: Floats = np.asarray(design @ flat).reshape(-1, points, outputs) + self.intercept[h]
        return eta

    def plot(self, *unused: Any, **settings: Any) -> Any:  # noqa: ARG002 - one picture shows one output
        """Refused: a picture of a path shows one output."""
        message = f"paths with {self.n_outputs} outputs have no single picture; draw coef[0, :, :, c] of one output"
        raise InputError(message)
