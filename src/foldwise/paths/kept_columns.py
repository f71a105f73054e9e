"""The moments of the columns that a path ever uses, and the check that they are the path's own.

What is computed from a path afterwards (residual sums of squares, degrees of freedom, refits) needs the columns with a
nonzero coefficient somewhere, and no others: few, however wide the table is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from scipy import linalg

from foldwise.errors import InputError
from foldwise.moments import FoldMoments
from foldwise.paths.options import check_options
from foldwise.paths.penalized import ELASTIC_NET
from foldwise.paths.point import Strengths, certify
from foldwise.paths.problem import Options, Problem
from foldwise.solvers.quadratic import MAX_ITER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from foldwise.moments import DesignMap, TrainingSet
    from foldwise.paths.paths import Paths
    from foldwise.resampling import Folds

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# Relative duality gap above which a path is not the solution for the data it came with: far above rounding, far below
# what a forgotten weight, factor or setting makes.
NOT_ITS_OWN = 1e-6
# Reciprocal condition number of a correlation matrix below which Cholesky is left for an eigendecomposition.
WELL = 1e-10


class RowsAtHand(Protocol):
    """A wide table's rows, as `foldwise.paths.prepare` keeps them."""

    @property
    def X(self) -> Any:  # noqa: N802
        """Array (n, p)."""

    @property
    def y(self) -> Any:
        """Array (n,)."""

    @property
    def weight(self) -> Any:
        """Array (n,)."""

    @property
    def folds(self) -> Folds | None:
        """Their partition."""


Source = FoldMoments | RowsAtHand


@dataclass(frozen=True, eq=False)
class KeptColumns:
    """A path's own columns with their moments.

    Parameters
    ----------
    paths : Paths
    columns : array (q,)
        Columns of the design.
    moments : FoldMoments
        Of the whole table, or of these columns alone.
    whole : bool
        Which of the two.
    options : Options
        For these columns.
    strengths : Strengths
    """

    paths: Paths
    columns: Ints
    moments: FoldMoments
    whole: bool
    options: Options
    strengths: Strengths

    @classmethod
    def of(
        cls,
        paths: Paths,
        source: Source,
        *,
        fit_intercept: bool = True,
        standardize: bool = True,
        penalty_factor: ArrayLike | None = None,
        bounds: tuple[Any, Any] | None = None,
        loss: Literal["mean", "sum"] = "mean",
        columns: Iterable[int] | None = None,
    ) -> KeptColumns:
        """Gather them, and make sure that the path solves the problem of this table with these settings.

        Parameters
        ----------
        paths : Paths
        source : FoldMoments or WideTable
            The table, as `foldwise.paths.prepare` or `FoldMoments.scan` returned it.
        fit_intercept, standardize, penalty_factor, bounds, loss
            As they were given to fit_paths.
        columns : array (q,), optional
            Other columns than those that some fit keeps.

        Raises
        ------
        InputError
            Where the penalty is another, or the path's relative duality gap shows that table or settings are others.
        """
        if paths.family.name != "gaussian":
            message = f"paths must be those of the gaussian family, got {paths.family.name!r}"
            raise InputError(message)
        if paths.penalty != ELASTIC_NET:
            message = f"paths must be those of a lasso, elastic net or ridge, got penalty={paths.penalty!r}"
            raise InputError(message)
        p = paths.n_features
        options = check_options(
            p,
            fit_intercept=fit_intercept,
            standardize=standardize,
            penalty_factor=penalty_factor,
            bounds=bounds,
        )
        used = np.array(list(_ever(paths) if columns is None else columns), dtype=np.intp)
        whole = isinstance(source, FoldMoments)
        moments = source if isinstance(source, FoldMoments) else _scan(source, used)
        width = moments.n_features if isinstance(source, FoldMoments) else source.X.shape[1]
        if width != p:
            message = f"source must have the {p} columns of the paths, got {width}"
            raise InputError(message)
        kept = cls(
            paths=paths,
            columns=used,
            moments=moments,
            whole=whole,
            options=replace(
                options,
                penalty_factor=options.penalty_factor[used],
                lower=options.lower[used],
                upper=options.upper[used],
            ),
            strengths=Strengths(paths.alphas, paths.l1_ratio, 0.0, MAX_ITER, loss),
        )
        kept.check()
        return kept

    @property
    def n_rows(self) -> int:
        """The number of rows, n."""
        return self.moments.n_rows

    def coef(self, h: int) -> Floats:
        """Coefficients (A, q) of held-out set number h."""
        kept, where = self.paths.kept[h], self.paths.columns
        coef = np.zeros((len(kept), len(self.columns)))
        held = np.arange(kept.shape[1]) if where is None else where
        _, ours, theirs = np.intersect1d(self.columns, held, assume_unique=True, return_indices=True)
        coef[:, ours] = kept[:, theirs]
        return coef

    def training(self, held_out: frozenset[int]) -> TrainingSet:
        """Moments of these columns on the rows that a held-out set trains on."""
        full = self.moments.training_set(held_out)
        if not self.whole:
            return full
        at = self.columns
        return replace(
            full,
            mean=full.mean[at],
            covariance=full.covariance[np.ix_(at, at)],
            with_y=full.with_y[at],
            scale=full.scale[at],
        )

    def test(self, block: int, design_map: DesignMap) -> tuple[float, Floats, Floats]:
        """Weight, mean (q + 1,) and cross-products (q + 1, q + 1) of [columns, y] on a fold, mapped as in training."""
        weight, mean, cross = self.moments.test_set(block, design_map)
        if not self.whole:
            return weight, mean, cross
        at = np.r_[self.columns, len(mean) - 1]
        return weight, mean[at], cross[np.ix_(at, at)]

    def problem(self, held_out: frozenset[int]) -> tuple[Problem, Strengths]:
        """The quadratic problem of one held-out set, and the strengths against its mean loss."""
        training = self.training(held_out)
        return Problem.of(training, self.options), self.strengths.against_mean(training.weight)

    def check(self) -> None:
        """Hold the final model to its optimality conditions on these columns."""
        problem, strengths = self.problem(frozenset())
        h = self.paths.index()
        gap = certify(problem, strengths, self.coef(h))
        over = gap - 2.0 * self.paths.gap[h]
        if np.any(~(over <= NOT_ITS_OWN)):
            message = (
                f"paths must solve the problem of this table with these settings, got a relative duality gap of "
                f"{gap[np.argmax(over)]:.1e}: pass the table and the fit_intercept, standardize, penalty_factor, "
                "bounds and loss that fit_paths was given"
            )
            raise InputError(message)


def cholesky(Q: Floats) -> Floats | None:
    """The lower factor of a symmetric (q, q), as `scipy.linalg.lapack.dpotrs` takes it; None near singularity."""
    factor, failed = linalg.lapack.dpotrf(Q.T, lower=1)  # Q' is Q, and already in Fortran's order
    if failed or linalg.lapack.dpocon(factor, float(np.abs(Q).sum(axis=0).max()), uplo="L")[0] < WELL:
        return None
    lower: Floats = factor
    return lower


def _ever(paths: Paths) -> Ints:
    """Columns that some fit keeps; the first one, where none does."""
    found = np.flatnonzero(paths.kept.any(axis=(0, 1)))
    if not len(found):
        return np.zeros(1, dtype=np.intp)
    return found if paths.columns is None else paths.columns[found]


def _scan(source: RowsAtHand, columns: Ints) -> FoldMoments:
    part = source.X[:, columns]
    part = part.toarray() if hasattr(part, "toarray") else part
    return FoldMoments.scan(part, source.y, source.folds, sample_weight=source.weight)
