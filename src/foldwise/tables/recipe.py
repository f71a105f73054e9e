"""What a training set decides about encoding: fill values, pooled levels; and how a new table is encoded by it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError
from foldwise.tables.design import Category, Column, Design
from foldwise.tables.frames import columns_of
from foldwise.tables.unseen import raw_values

Fill = Literal["median", "mean"]


@dataclass(frozen=True)
class Recipe:
    """How the rows of a table become the columns of a fitted design, as one training set decided it.

    The encoded columns are the p columns of the design, then one missing indicator for each column with gaps anywhere
    in the whole table, where indicators were asked for; so every training set of one table gives the same columns in
    the same order.

    Attributes
    ----------
    design_columns
        The p columns of the raw design.
    categories
        Which of them belong together, and the column of each level.
    fills
        (p,) what a missing number becomes; 0 for level columns, which have no gaps, and for a column without a training
        value.
    rare
        Indices of the level columns that were rare in training: set to 0, their rows counted in the category's other
        column.
    indicators
        Indices of the design columns that have a missing indicator.
    fill, min_level_count
        How `fills` and `rare` were found.

    Examples
    --------
    >>> from foldwise.tables import make_design
    >>> recipe = Recipe.learn(make_design({"x": [1.0, None, 5.0], "z": [0.0, 1.0, 4.0]}), indicators=True)
    >>> recipe.names
    ('x', 'z', 'x (missing)')
    >>> recipe.encode_table({"x": [None, 6.0], "z": [7.0, 8.0]})
    array([[3., 7., 1.],
           [6., 8., 0.]])
    """

    design_columns: tuple[Column, ...]
    categories: tuple[Category, ...]
    fills: tuple[float, ...]
    rare: tuple[int, ...] = ()
    indicators: tuple[int, ...] = ()
    fill: Fill = "median"
    min_level_count: int = 10

    @classmethod
    def learn(
        cls,
        design: Design,
        rows: ArrayLike | None = None,
        *,
        fill: Fill = "median",
        indicators: bool = False,
        min_level_count: int = 10,
        weights: ArrayLike | None = None,
    ) -> Self:
        """Learn the fill values and the rare levels from training rows alone.

        Parameters
        ----------
        design
            The whole table, n rows.
        rows
            The training rows: indices, or an (n,) mask. All rows by default.
        fill
            ``median`` (not weighted) or ``mean`` (weighted) of the training rows where the column is not missing.
        indicators
            Whether a column with gaps gets a column that is 1 on them.
        min_level_count
            Levels on fewer training rows are pooled.
        weights
            (n,) weights of the rows of the whole table.

        Raises
        ------
        InputError
            If `fill` is not one of the two, `weights` has not n entries, or there are no rows.

        Examples
        --------
        >>> from foldwise.tables import make_design
        >>> Recipe.learn(make_design({"x": [1.0, None, 5.0, 90.0]}), rows=[0, 1, 2]).fills
        (3.0,)
        """
        if fill not in get_args(Fill):
            raise InputError(f"fill must be 'median' or 'mean', got {fill!r}")
        n = design.values.shape[0]
        chosen = np.arange(n) if rows is None else np.arange(n)[np.asarray(rows)]
        if chosen.size == 0:
            raise InputError("rows must hold at least one training row, got none")
        w = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
        if w.shape != (n,):
            raise InputError(f"weights must have one entry a row, shape ({n},), got {w.shape}")
        train = design.values[chosen]
        counts = {j: np.count_nonzero(train[:, j]) for columns, _ in design.pools for j in columns}
        of_levels = {j for j, column in enumerate(design.columns) if column.kind in {"level", "other levels"}}
        return cls(
            design.columns,
            design.categories,
            fills=tuple(
                0.0 if j in of_levels else _fill_value(train[:, j], w[chosen], fill) for j in range(train.shape[1])
            ),
            rare=tuple(sorted(j for j, count in counts.items() if count < min_level_count)),
            indicators=design.gaps if indicators else (),
            fill=fill,
            min_level_count=min_level_count,
        )

    @property
    def columns(self) -> tuple[Column, ...]:
        """The encoded columns: those of the design, then the missing indicators."""
        gaps = (self.design_columns[j] for j in self.indicators)
        missing = (Column(f"{column.name} (missing)", column.source, "missing") for column in gaps)
        return (*self.design_columns, *missing)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the encoded columns."""
        return tuple(column.name for column in self.columns)

    def encode_values(self, values: ArrayLike) -> NDArray[np.float64]:
        """Fill, pool and add the indicators.

        Parameters
        ----------
        values
            (n, p) raw design values, NaN where missing.

        Returns
        -------
        (n, p + number of indicators) float64, Fortran order, without NaN.

        Examples
        --------
        >>> from foldwise.tables import make_design
        >>> Recipe.learn(make_design({"x": [1.0, 3.0]})).encode_values([[np.nan]])
        array([[2.]])
        """
        raw = np.asarray(values, dtype=np.float64)
        p = len(self.design_columns)
        if raw.ndim != 2 or raw.shape[1] != p:
            raise InputError(f"values must have shape (n, {p}), got {raw.shape}")
        encoded = np.empty((raw.shape[0], p + len(self.indicators)), order="F")
        encoded[:, :p] = raw
        gaps = np.isnan(raw)
        encoded[:, p:] = gaps[:, self.indicators]
        for j in np.flatnonzero(gaps.any(axis=0)).tolist():
            encoded[gaps[:, j], j] = self.fills[j]
        rare = set(self.rare)
        for category in self.categories:
            for j in rare.intersection(category.columns):
                encoded[:, category.other] += encoded[:, j]
                encoded[:, j] = 0.0
        return encoded

    def encode_table(self, table: Any) -> NDArray[np.float64]:
        """Encode a new table; columns it has besides are ignored.

        Returns
        -------
        (n, p + number of indicators) float64.

        Raises
        ------
        InputError
            If a column is missing, has changed its type, or holds infinities.

        Warns
        -----
        DataWarning
            For levels that were not in the table the recipe was learned from (all their columns are 0), with counts,
            and for a column without a single value (filled as training decided).

        Examples
        --------
        >>> from foldwise.tables import make_design
        >>> recipe = Recipe.learn(make_design({"kind": ["oak", "ash", "oak"], "height": [3.0, 4.0, 5.0]}))
        >>> recipe.encode_table({"height": [6.0], "kind": ["ash"], "owner": ["Ann"]})
        array([[0., 6.]])
        """
        return self.encode_values(raw_values(columns_of(table), self.design_columns, self.categories))

    def to_dict(self) -> dict[str, Any]:
        """Give the recipe as plain data that JSON can hold.

        Examples
        --------
        >>> from foldwise.tables import make_design
        >>> Recipe.learn(make_design({"x": [1.0, 3.0]})).to_dict()["fills"]
        [2.0]
        """
        return {
            "columns": [asdict(column) for column in self.design_columns],
            "categories": [
                {
                    "source": category.source,
                    "columns": list(category.columns),
                    "other": category.other,
                    "levels": [list(pair) for pair in category.levels],
                }
                for category in self.categories
            ],
            "fills": list(self.fills),
            "rare": list(self.rare),
            "indicators": list(self.indicators),
            "fill": self.fill,
            "min_level_count": self.min_level_count,
        }

    @classmethod
    def from_dict(cls, plain: Any) -> Self:
        """Build the recipe that `to_dict` gave.

        Raises
        ------
        InputError
            If something is missing or not as `to_dict` gives it.

        Examples
        --------
        >>> from foldwise.tables import make_design
        >>> recipe = Recipe.learn(make_design({"x": [1.0, 3.0]}))
        >>> Recipe.from_dict(recipe.to_dict()) == recipe
        True
        """
        try:
            recipe = cls(
                tuple(Column(**column) for column in plain["columns"]),
                tuple(Category.from_dict(category) for category in plain["categories"]),
                fills=tuple(plain["fills"]),
                rare=tuple(plain["rare"]),
                indicators=tuple(plain["indicators"]),
                fill=plain["fill"],
                min_level_count=plain["min_level_count"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"this is not a recipe: {type(error).__name__} at {error}") from error
        recipe._check()
        return recipe

    def _check(self) -> None:
        p = len(self.design_columns)
        places: list[Any] = [
            *self.rare,
            *self.indicators,
            *(j for category in self.categories for j in category.columns),
            *(category.other for category in self.categories if category.other is not None),
            *(j for category in self.categories for _, j in category.levels if j is not None),
        ]
        fills: tuple[Any, ...] = self.fills
        numbers = [fill for fill in fills if isinstance(fill, float | int) and np.isfinite(fill)]
        if not len(numbers) == len(self.fills) == p:
            raise InputError(f"this is not a recipe: fills must be {p} numbers, one a column")
        if self.fill not in get_args(Fill) or not isinstance(self.min_level_count, int):
            raise InputError(f"this is not a recipe: fill is {self.fill!r}, min_level_count {self.min_level_count!r}")
        wrong = [j for j in places if not isinstance(j, int) or not 0 <= j < p]
        if wrong:
            raise InputError(f"this is not a recipe: {wrong[0]!r} is not the place of one of its {p} columns")


def _fill_value(x: NDArray[np.float64], weights: NDArray[np.float64], fill: Fill) -> float:
    seen = ~np.isnan(x)
    if not seen.any():
        return 0.0
    if fill == "median":
        return float(np.median(x[seen]))
    total = weights[seen].sum()
    return float(weights[seen] @ x[seen] / total) if total > 0 else 0.0
