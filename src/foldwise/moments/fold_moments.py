"""FoldMoments: what one pass over a table keeps, from which every held-out set's training set follows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from scipy import sparse

from foldwise.errors import InputError
from foldwise.moments.check import check_features, check_target, check_weight
from foldwise.moments.medians import training_medians
from foldwise.moments.merge import merge_blocks
from foldwise.moments.scan import RowBlock, scan_blocks
from foldwise.moments.store import load_arrays, save_arrays
from foldwise.moments.training import DesignMap, Pools, TrainingSet

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from foldwise.resampling import Folds

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

Fill = Literal["mean", "median"]
HeldOut = frozenset[int]


@dataclass(frozen=True, eq=False, repr=False)
class FoldMoments:
    """Weight, mean and centred cross-products of the rows of every fold: all that least squares and its kin need.

    The variables are the p columns, an indicator for each of the g columns with gaps, and y. Nothing of a fold's rows
    enters another fold's block, and a training set is the merge of the blocks it does not hold out, so that nothing of
    a held-out row can reach a fit. Rows themselves are not kept.

    Parameters
    ----------
    weight : array (B,)
        Sum of the row weights of each block; there are B = R * K blocks, or one without folds.
    mean : array (B, q), q = p + g + 1
        Weighted means.
    cross : array (B, q, q)
        Weighted centred cross-products.
    n_folds, n_repeats, n_rows : int
        K (1 without folds), R, n.
    gaps : array (g,)
        Columns with missing values.
    reference : array (g,)
        A number taken from their observed values, so that a missing value's 0 lies among them.
    fill : "mean", "median" or None
        What a training set fills missing values with, from its own rows.
    indicators : bool
        Whether missing indicators join the design, after the p columns.
    pools : tuple of (level columns, "other" column)
        Levels of a category with fewer than `min_level_count` training rows count as "other".
    min_level_count : int
    level_count : array (B, p)
        Unweighted row counts of the level columns.
    medians : dict
        Median fills of every held-out set where `fill` is "median".

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise import FoldMoments, Folds
    >>> X = np.arange(12.0).reshape(6, 2)
    >>> moments = FoldMoments.scan(X, target=X[:, 0] ** 2, folds=Folds.kfold(6, n_folds=3))
    >>> moments
    FoldMoments(n_rows=6, n_features=2, n_folds=3, n_repeats=1)
    >>> moments.training_set(frozenset()).mean
    array([5., 6.])
    """

    weight: Floats
    mean: Floats
    cross: Floats
    n_folds: int
    n_repeats: int
    n_rows: int
    gaps: Ints
    reference: Floats
    fill: Fill | None = None
    indicators: bool = False
    pools: Pools = ()
    min_level_count: int = 10
    level_count: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    medians: dict[HeldOut, Floats] = field(default_factory=dict)

    @classmethod
    def scan(
        cls,
        source: ArrayLike,
        target: ArrayLike,
        folds: Folds | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        fill: Fill | None = None,
        indicators: bool = False,
        pools: Pools = (),
        min_level_count: int = 10,
    ) -> Self:
        """Read the rows once.

        Parameters
        ----------
        source : array (n, p), or scipy sparse
            float32 or float64 in any layout; NaN marks a missing value where `fill` is given.
        target : array (n,)
        folds : Folds, optional
            Without folds there is one block and the only held-out set is `{}`.
        sample_weight : array (n,), optional
        fill, indicators, pools, min_level_count
            As the attributes of the class.

        Raises
        ------
        InputError
            Names the argument, row and column where something is not finite, of the wrong length or negative.
        """
        if fill not in (None, "mean", "median"):
            message = f"fill must be 'mean', 'median' or None, got {fill!r}"
            raise InputError(message)
        X = check_features(source, allow_missing=fill is not None)
        n = X.shape[0]
        y = check_target(target, n)
        weight = check_weight(sample_weight, n)
        if folds is not None and folds.n_rows != n:
            message = f"folds must label the {n} rows of X, got {folds.n_rows} labels"
            raise InputError(message)
        labels = np.zeros((1, n), dtype=np.intp) if folds is None else folds.labels
        n_folds = 1 if folds is None else folds.n_folds
        may_have_gaps = fill is not None and not sparse.issparse(X)
        gaps = np.flatnonzero(np.isnan(X).any(axis=0)) if may_have_gaps else np.zeros(0, dtype=np.intp)
        # A median, so that far-off rows of one fold do not take digits from the others.
        reference = np.array([_middle(X[:, column]) for column in gaps], dtype=np.float64)
        rows = RowBlock(X, y, gaps, reference)
        repeats = [scan_blocks(rows, row, n_folds, weight) for row in labels]
        held_out = [frozenset[int]()] if folds is None else folds.held_out_sets(nested=True)
        moments = cls(
            weight=np.concatenate([part[0] for part in repeats]),
            mean=np.concatenate([part[1] for part in repeats]),
            cross=np.concatenate([part[2] for part in repeats]),
            n_folds=n_folds,
            n_repeats=len(labels),
            n_rows=n,
            gaps=gaps,
            reference=reference,
            fill=fill,
            indicators=indicators,
            pools=pools,
            min_level_count=min_level_count,
            level_count=_level_counts(X, labels, n_folds, pools) if pools else np.zeros((0, 0)),
            medians=training_medians(X, gaps, labels, held_out) if fill == "median" and len(gaps) else {},
        )
        moments._check_weights(has_folds=folds is not None)
        return moments

    @property
    def n_features(self) -> int:
        """Columns of the fitted design: p, plus the missing indicators where they are asked for."""
        return int(self.mean.shape[1]) - 1 - (0 if self.indicators else len(self.gaps))

    def held_out_sets(self, *, nested: bool = False) -> tuple[HeldOut, ...]:
        """`{}`, the R * K single folds, and with `nested` all pairs of folds of one repeat."""
        if self.n_folds == 1:
            return (frozenset(),)
        singles = [frozenset({block}) for block in range(self.n_repeats * self.n_folds)]
        pairs = [
            frozenset({repeat * self.n_folds + first, repeat * self.n_folds + second})
            for repeat in range(self.n_repeats if nested else 0)
            for first in range(self.n_folds)
            for second in range(first + 1, self.n_folds)
        ]
        return (frozenset(), *singles, *pairs)

    def blocks_of(self, held_out: HeldOut) -> list[int]:
        """The blocks a held-out set trains on: the others of its repeat (of the first, for the final model)."""
        repeat = next(iter(held_out)) // self.n_folds if held_out else 0
        blocks = range(repeat * self.n_folds, (repeat + 1) * self.n_folds)
        return [block for block in blocks if block not in held_out]

    def training_set(self, held_out: HeldOut) -> TrainingSet:
        """Moments of the design that one held-out set's fit sees."""
        blocks = self.blocks_of(held_out)
        weight, mean, cross = merge_blocks(self.weight, self.mean, self.cross, blocks)
        design_map = DesignMap(
            gaps=self.gaps,
            reference=self.reference,
            fill=self._fill_values(held_out, mean),
            moved=self._moved(blocks),
            indicators=self.indicators,
        )
        return TrainingSet.of(weight, mean, cross, design_map)

    def test_set(self, block: int, design_map: DesignMap) -> tuple[float, Floats, Floats]:
        """Weight, mean (p + 1,) and cross-products (p + 1, p + 1) of one fold as a training set's map encodes it."""
        mean, cross = self.mean[block], self.cross[block]
        if len(design_map.gaps) or design_map.moved:
            mean, cross, _ = design_map.moments(mean.copy(), cross.copy())
        return float(self.weight[block]), mean, cross

    def merge(self, other: FoldMoments) -> Self:
        """Moments of both tables' rows, fold by fold: yesterday's and today's.

        Raises
        ------
        InputError
            Where the two differ in columns, folds, gaps or settings, or fill with medians, which do not merge.
        """
        for name in ("n_folds", "n_repeats", "fill", "indicators", "pools", "min_level_count"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                message = f"moments to merge must have the same {name}, got {mine!r} and {theirs!r}"
                raise InputError(message)
        if self.mean.shape != other.mean.shape or not np.array_equal(self.gaps, other.gaps):
            message = "moments to merge must have the same columns with the same ones incomplete"
            raise InputError(message)
        if not np.array_equal(self.reference, other.reference):
            message = "moments to merge must have been scanned with the same reference values of incomplete columns"
            raise InputError(message)
        if self.medians or other.medians:
            message = "moments that fill with medians can't be merged, since medians don't; scan with fill='mean'"
            raise InputError(message)
        pairs = [
            merge_blocks(
                np.array([self.weight[block], other.weight[block]]),
                np.stack([self.mean[block], other.mean[block]]),
                np.stack([self.cross[block], other.cross[block]]),
                (0, 1),
            )
            for block in range(len(self.weight))
        ]
        return replace(
            self,
            weight=np.array([pair[0] for pair in pairs]),
            mean=np.stack([pair[1] for pair in pairs]),
            cross=np.stack([pair[2] for pair in pairs]),
            n_rows=self.n_rows + other.n_rows,
            level_count=self.level_count + other.level_count,
        )

    def save(self, path: str | Path) -> None:
        """Write to a .npz file of plain arrays (no pickle), whole or not at all."""
        save_arrays(path, self)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote."""
        return cls(**load_arrays(path))

    def __repr__(self) -> str:
        """Sizes only."""
        sizes = ("n_rows", "n_features", "n_folds", "n_repeats")
        return f"FoldMoments({', '.join(f'{name}={getattr(self, name)}' for name in sizes)})"

    def _fill_values(self, held_out: HeldOut, mean: Floats) -> Floats:
        if self.fill == "median" and len(self.gaps):
            return self.medians[held_out]
        p = self.mean.shape[1] - 1 - len(self.gaps)
        observed = 1.0 - mean[p : p + len(self.gaps)]
        some = observed > 1e-12
        filled = self.reference + mean[self.gaps] / np.where(some, observed, 1.0)
        return np.where(some, filled, 0.0)

    def _moved(self, blocks: list[int]) -> tuple[tuple[int, int], ...]:
        if not self.pools:
            return ()
        count = self.level_count[blocks].sum(axis=0)
        return tuple(
            (level, other) for levels, other in self.pools for level in levels if count[level] < self.min_level_count
        )

    def _check_weights(self, *, has_folds: bool) -> None:
        empty = np.flatnonzero(self.weight <= 0.0)
        if has_folds and len(empty):
            message = f"sample_weight must have a positive sum in every fold, got 0 in fold {empty[0]}"
            raise InputError(message)


def _middle(column: NDArray[Any]) -> float:
    observed = column[~np.isnan(column)]
    return float(np.median(observed)) if len(observed) else 0.0


def _level_counts(X: NDArray[np.floating], labels: Ints, n_folds: int, pools: Pools) -> Floats:
    counts = np.zeros((len(labels) * n_folds, X.shape[1]))
    columns = sorted({column for levels, other in pools for column in (*levels, other)})
    for column in columns:
        for repeat, row in enumerate(labels):
            block = slice(repeat * n_folds, (repeat + 1) * n_folds)
            counts[block, column] = np.bincount(row, weights=X[:, column], minlength=n_folds)
    return counts
