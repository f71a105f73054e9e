"""The coefficients of a linear model as a named, sorted table."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from foldwise.errors import InputError
from foldwise.linear.coefficient_text import html_table, text_table

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class CoefficientTable:
    """Coefficients from the most positive to the most negative, then the features that were dropped.

    Sorted by the coefficient per standard deviation, which can be compared between features, or per unit where the
    standard deviations are not known.

    Parameters
    ----------
    model : str
        What the model is called.
    names : tuple of p names
    coef : (p,)
        In units of y per unit of the feature; exactly 0 for a dropped one.
    per_sd : (p,) or None
        In units of y per standard deviation of the feature.
    intercept : float
        In units of y.
    """

    model: str
    names: tuple[str, ...]
    coef: Array
    per_sd: Array | None
    intercept: float

    @property
    def dropped(self) -> tuple[str, ...]:
        """Names of the features whose coefficient is exactly zero."""
        return tuple(name for name, value in zip(self.names, self.coef, strict=True) if value == 0.0)

    @property
    def sign(self) -> tuple[str, ...]:
        """'+', '-' or, for a dropped feature, '0', (p,)."""
        return tuple("0" if value == 0.0 else "+" if value > 0.0 else "-" for value in self.coef)

    def to_dict(self) -> dict[str, list[Any]]:
        """Columns feature, sign, coefficient, per_sd (None where not known); the intercept is the last row."""
        per_sd = [None] * len(self.names) if self.per_sd is None else self.per_sd.tolist()
        side = "" if self.intercept == 0.0 else "+" if self.intercept > 0.0 else "-"
        return {
            "feature": [*self.names, "intercept"],
            "sign": [*self.sign, side],
            "coefficient": [*self.coef.tolist(), self.intercept],
            "per_sd": [*per_sd, None],
        }

    def to_arrow(self) -> Any:
        """Give `to_dict` as a pyarrow table."""
        import pyarrow as pa

        kinds = [
            ("feature", pa.string()),
            ("sign", pa.string()),
            ("coefficient", pa.float64()),
            ("per_sd", pa.float64()),
        ]
        return pa.table(self.to_dict(), schema=pa.schema(kinds))

    def to_pandas(self) -> Any:
        """Give `to_dict` as a pandas data frame."""
        return self.to_arrow().to_pandas()

    def plot(self, ax: Any = None, *, most: int = 40) -> Any:
        """Draw signed horizontal bars, the most positive coefficient on top, and name the dropped features below.

        Bars are per standard deviation where that is known. Needs matplotlib: pip install "foldwise[plot]".

        Parameters
        ----------
        ax : matplotlib Axes, default None
            Where to draw; a new figure where None.
        most : int, default 40
            Draws only so many of the largest bars.

        Returns
        -------
        matplotlib Axes
        """
        from foldwise.linear.coefficient_plot import plot_coefficients

        return plot_coefficients(self, ax, most=most)

    def __repr__(self) -> str:
        return text_table(self)

    def _repr_html_(self) -> str:
        return html_table(self)


def coefficients(model: Any, names: Any = None, X: Any = None) -> CoefficientTable:
    """Give the coefficients of a fitted linear model as a named table, sorted, with their signs and the intercept.

    Parameters
    ----------
    model : fitted estimator with one target
        One of ours, scikit-learn's, or anything with `coef_` and `intercept_` (or `coef` and `intercept`).
    names : p names, default None
        Those the model was fitted with, or the columns of X; x0, x1, ... where there are none.
    X : (n, p), default None
        Rows from which standard deviations are taken, for models that don't know them (all but ours).

    Returns
    -------
    CoefficientTable
        With `.to_pandas()`, `.to_arrow()`, `.to_dict()` and `.plot()`.

    Raises
    ------
    InputError
        Where the model is not fitted, has several targets, or names or X don't fit its coefficients.

    Examples
    --------
    >>> import foldwise as fw
    >>> X = [[0.0, 5.0], [1.0, 1.0], [2.0, 5.0], [3.0, 1.0]]
    >>> fw.coefficients(fw.Lasso(alpha=0.5).fit(X, [1.0, 2.0, 5.0, 6.0]), names=["weight", "height"])
    Lasso: 1 of 2 features kept
      feature    sign  coefficient  per SD
      weight        +          1.4   1.565
      intercept     +          1.4
      dropped: height
    """
    coef, intercept = _one_target(model)
    p = len(coef)
    per_sd = _per_sd(model, coef, X)
    names = _names(model, names, X, p)
    size = coef if per_sd is None else per_sd
    order = np.lexsort([np.arange(p), -size, coef == 0.0])
    return CoefficientTable(
        model=type(model).__name__,
        names=tuple(names[at] for at in order),
        coef=coef[order],
        per_sd=None if per_sd is None else per_sd[order],
        intercept=intercept,
    )


def _one_target(model: Any) -> tuple[Array, float]:
    found = [getattr(model, name, None) for name in ("coef_", "intercept_")]
    if found[0] is None:
        found = [getattr(model, name, None) for name in ("coef", "intercept")]
    if found[0] is None:
        raise InputError(
            f"model must be fitted and linear, with coef_ and intercept_, got {type(model).__name__}; of a pipeline, "
            "pass the last step and the names of the columns that enter it"
        )
    coef = np.asarray(found[0], dtype=np.float64)
    intercept = np.asarray(0.0 if found[1] is None else found[1], dtype=np.float64)
    if coef.ndim == 2 and coef.shape[0] == 1:
        coef = coef[0]
    if coef.ndim != 1 or intercept.size != 1:
        raise InputError(f"model must have one target, got coef_ of shape {coef.shape}")
    return coef, float(intercept.reshape(-1)[0])


def _per_sd(model: Any, coef: Array, X: Any) -> Array | None:
    if X is not None:
        rows = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan")
        if rows.shape[1] != len(coef):
            raise InputError(f"X must have the {len(coef)} columns of the model, got {rows.shape[1]}")
        return np.asarray(coef * np.nanstd(rows, axis=0))
    for known in ("coef_per_sd", "scale_", "scale"):
        value = getattr(model, known, None)
        if value is not None and np.shape(value) == coef.shape:
            return np.asarray(value, dtype=np.float64) * (1.0 if known == "coef_per_sd" else coef)
    return None


def _names(model: Any, names: Any, X: Any, p: int) -> list[str]:
    for known in (names, getattr(model, "feature_names_in_", None), getattr(X, "columns", None)):
        if known is None:
            continue
        if len(known) != p:
            raise InputError(f"names must be {p}, one for each coefficient, got {len(known)}")
        return [str(name) for name in known]
    return [f"x{at}" for at in range(p)]
