"""FoldMoments: what one pass over a table keeps, from which every held-out set's training set follows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack

import numpy as np
from scipy import sparse

from foldwise.errors import InputError
from foldwise.moments.check import check_features, check_target, check_weight
from foldwise.moments.medians import training_medians
from foldwise.moments.merge import merge_blocks
from foldwise.moments.merge_tables import merged_fields
from foldwise.moments.scan import RowBlock, scan_blocks
from foldwise.moments.store import load_arrays, save_arrays
from foldwise.moments.training import DesignMap, Pools, TrainingSet
from foldwise.moments.whole import recipe_of, without_folds
from foldwise.resampling import Folds

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from foldwise.moments.options import TableOptions
    from foldwise.moments.origin import Origin
    from foldwise.tables import Recipe

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
    origin : Origin, optional
        The table, where the moments are of one: its columns by name, its levels, how its rows were dealt.

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
    origin: Origin | None = None

    @classmethod
    def scan(
        cls,
        source: Any,
        target: ArrayLike,
        folds: Folds | int | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        fill: Fill | None = None,
        indicators: bool = False,
        pools: Pools = (),
        min_level_count: int = 10,
        repeats: int = 1,
        seed: int = 0,
        like: FoldMoments | None = None,
        **table: Unpack[TableOptions],
    ) -> Self:
        """Read the rows once: arrays in memory, or a table that need not fit, named by `target`.

        Parameters
        ----------
        source : array (n, p), scipy sparse, or a table
            An array is float32 or float64 in any layout; NaN marks a missing value where `fill` is given. A table is a
            CSV, Parquet, Feather or JSON lines file, a folder of them (also with column=value folders), a pattern such
            as "data/*.parquet", a list of them, a pyarrow data set or record batch reader, a dataframe (also a lazy or
            a Dask one), an iterator of dataframes, or a function that starts such an iterator.
        target : array (n,), or str
            The target's values; of a table its column.
        folds : Folds, int, optional
            Without folds there is one block and the only held-out set is `{}`. A table takes a number: its rows are
            dealt by a hash of `key`, or of their file's name and their number in it, so that neither the size of
            blocks nor the number of workers matters. Folds are then about equal in size.
        sample_weight : array (n,), or the name of a column, optional
        fill, indicators, pools, min_level_count
            As the attributes of the class; a table makes its own pools, and is filled with the mean.
        repeats, seed : int
            How many random partitions where `folds` is a number, and from which seed.
        like : FoldMoments, optional
            Of an earlier table with the same columns: the same levels, folds and seed, so that the two can be merged.
        **table
            For tables only: key, drop, categories, units, skip_bad, state, workers, progress, dask; see
            `foldwise.moments.options.TableOptions`.

        Raises
        ------
        InputError
            Names the argument, row and column where something is not finite, of the wrong length or negative; of a
            table the file, and the row group or row.

        Examples
        --------
        >>> import pyarrow as pa
        >>> table = pa.table({"x": [1.0, 2.0, None, 4.0] * 5, "kind": [*"abba"] * 5, "y": [1.0, 2.0, 3.0, 4.0] * 5})
        >>> moments = FoldMoments.scan(table, target="y", folds=2, indicators=True)
        >>> moments.origin.names, moments.n_rows, moments.n_features
        (('x', 'kind=b'), 20, 3)
        """
        if isinstance(target, str):
            return cls._of_table(
                source,
                target=target,
                folds=folds,
                repeats=repeats,
                seed=seed,
                sample_weight=sample_weight,
                fill=fill,
                indicators=indicators,
                pools=pools,
                min_level_count=min_level_count,
                like=like,
                table=table,
            )
        given = [*(["like"] if like is not None else []), *table]
        if given:
            message = f"{given[0]} is for a table whose target is named; arrays have no columns to name"
            raise InputError(message)
        if fill not in (None, "mean", "median"):
            message = f"fill must be 'mean', 'median' or None, got {fill!r}"
            raise InputError(message)
        X = check_features(source, allow_missing=fill is not None)
        n = X.shape[0]
        y = check_target(target, n)
        weight = check_weight(sample_weight, n)
        if isinstance(folds, (int, np.integer)):
            folds = Folds.kfold(n, int(folds), repeats=repeats, seed=seed)
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
        parts = [scan_blocks(rows, row, n_folds, weight) for row in labels]
        held_out = [frozenset[int]()] if folds is None else folds.held_out_sets(nested=True)
        moments = cls(
            weight=np.concatenate([part[0] for part in parts]),
            mean=np.concatenate([part[1] for part in parts]),
            cross=np.concatenate([part[2] for part in parts]),
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

    @classmethod
    def _of_table(
        cls, source: Any, *, target: str, folds: Any, fill: Any, indicators: bool, like: Any, table: Any, **rest: Any
    ) -> Self:
        if fill not in (None, "mean"):
            detail = "medians can't be told from moments" if fill == "median" else "no such fill"
            message = f"fill must be 'mean' for a table that is read once, got {fill!r}: {detail}"
            raise InputError(message)
        if rest.pop("pools"):
            message = "pools are for arrays; a table's come from its text columns"
            raise InputError(message)
        if folds is not None and (isinstance(folds, bool) or not isinstance(folds, (int, np.integer))):
            message = f"folds must be a number for a table, whose rows are dealt by a hash, got {type(folds).__name__}"
            raise InputError(message)
        weight = rest["sample_weight"]
        if weight is not None and not isinstance(weight, str):
            message = f"sample_weight must name a column of the table, got {type(weight).__name__}"
            raise InputError(message)
        if like is not None:
            if like.origin is None:
                message = "like must be the moments of a table whose target was named, got moments of arrays"
                raise InputError(message)
            folds, rest["repeats"], like = like.n_folds if like.n_folds > 1 else None, like.n_repeats, like.origin
        from foldwise.moments.streaming import scan_table

        found = scan_table(source, target=target, folds=folds, like=like, **rest, **table)
        return cls(**found.fields(), fill="mean", indicators=indicators)

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

    def without_folds(self) -> FoldMoments:
        """All rows as one block, for fits that need no folds."""
        return without_folds(self)

    @property
    def recipe(self) -> Recipe:
        """How the rows of a new table become the final model's columns: `recipe.encode_table(table)`."""
        return recipe_of(self)

    def merge(self, other: FoldMoments) -> Self:
        """Moments of both tables' rows, fold by fold: yesterday's and today's.

        Raises
        ------
        InputError
            Where the two differ in columns, folds or settings, or fill with medians, which do not merge.
        """
        return replace(self, **merged_fields(self, other))

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
