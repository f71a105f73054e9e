"""Error floor: what rows that agree in their features still differ by, which no model of these features can explain."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from foldwise.errors import InputError
from foldwise.inference.corrected_t import checked_probability

Floats = NDArray[np.float64]

MOST_ASKED, MOST_ROWS = 1_000, 20_000
"""Rows whose neighbours are looked for, and among how many."""
FIRST = 100
"""Rows that tell whether any have near ones, before the others are asked."""
BLOCK = 100
FEWEST = 50
"""Rows without which no neighbour is near."""


@dataclass(frozen=True)
class ErrorFloor:
    """The mean squared error, summed over outputs, that a perfect model of the features would still make.

    Attributes
    ----------
    variance : float
        Unbiased where rows are replicated; by near rows it may come out below 0, where there is next to no noise.
    interval : (float, float)
        Of it, not below 0.
    standard_error : float
    rows : int
        How many rows it was seen on: those with a twin, or those whose neighbours were looked at.
    distance : float
        Mean squared distance from a row to its nearest one, over that of two rows drawn at random; 0 for replicates.
    """

    variance: float
    interval: tuple[float, float]
    standard_error: float
    rows: int
    distance: float


def replicated_floor(
    values: ArrayLike, groups: ArrayLike, *, weights: ArrayLike | None = None, confidence: float = 0.95
) -> ErrorFloor | None:
    """Pure error: the variance within groups of rows that have the same features.

    A group of m >= 2 rows that agree in every feature has the unbiased variance s^2 with m - 1 degrees of freedom,
    whatever the truth is as a function of the features. The floor is the mean of s^2 over the rows of such groups, and
    with u_i = (y_i - mean)^2 m / (m - 1) for each row

        standard error^2 = sum_i (w_i / W)^2 m_i / (m_i - 1) (u_i - floor)^2,

    exact for normal noise of one size, on the wide side where noise differs between groups.

    It supposes that replicated rows are independent given their features, and stand for the others. Rows of one patient
    or one measurement taken down twice are alike in more than the features: the floor comes out too low.

    Parameters
    ----------
    values : (n,) or (n, C) array
        The target; marks of C classes, whose squared errors are summed.
    groups : (n,) array of int
        The same number for rows that agree in all features.
    weights : (n,) array, optional
        Row weights > 0. Equal where omitted.
    confidence : float
        Of the interval, between 0 and 1.

    Returns
    -------
    ErrorFloor or None
        None where no two rows agree.

    Raises
    ------
    InputError
        Where shapes disagree or a number is out of its range.

    References
    ----------
    Draper & Smith (1998), Applied Regression Analysis, section 2.1, for pure error.

    Examples
    --------
    >>> from foldwise.inference import replicated_floor
    >>> found = replicated_floor([1.0, 3.0, 10.0, 10.0, 7.0], [0, 0, 1, 1, 2])
    >>> found.variance, found.rows
    (1.0, 4)
    """
    value, weight = _checked(values, weights)
    code = np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
    if code.shape != weight.shape:
        raise InputError(f"groups must have one number for each of {len(weight)} rows, got {code.shape[0]}")
    count = np.bincount(code)[code]
    twin = count > 1
    if not np.any(twin):
        return None
    code, count, value, weight = code[twin], count[twin], value[twin], weight[twin]
    means = np.stack([np.bincount(code, of) for of in value.T], axis=1)[code] / count[:, None]
    share, larger = weight / weight.sum(), count / (count - 1.0)
    squares = np.sum((value - means) ** 2, axis=1) * larger
    floor = float(share @ squares)
    error = float(np.sqrt(np.sum(share**2 * larger * (squares - floor) ** 2)))
    df = len(code) - len(np.unique(code))
    return ErrorFloor(floor, _interval(floor, error, df, confidence), error, len(code), 0.0)


def neighbour_floor(
    values: ArrayLike,
    columns: ArrayLike,
    *,
    apart: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    neighbours: int = 10,
    farthest: float = 0.1,
    confidence: float = 0.95,
    seed: int = 0,
) -> ErrorFloor | float | None:
    """Half the squared difference of near rows, carried on to rows that are no distance apart.

    For the k-th nearest rows j of each row i, k = 1 ... 10, with columns in standard deviations,

        gamma_k = mean of (y_i - y_j)^2 / 2,      delta_k = mean of |x_i - x_j|^2,

    and gamma = floor + slope delta is fitted to the ten points; noise is what is left at delta = 0. The standard error
    is the infinitesimal jackknife over rows, as neighbour and as neighboured.

    It supposes that the truth changes smoothly, so that over such distances the change is about linear in the squared
    distance. Where it bends between neighbours, part of it counts as noise and the floor comes out too high: in trials
    by up to a tenth in error where the nearest rows are a tenth of the usual squared distance apart. So it is refused
    beyond. What any model has explained can be taken off `values` first, which leaves less to bend: near rows have near
    predictions.

    Parameters
    ----------
    values : (n,) or (n, C) array
        The target, or what a model fitted to all rows leaves of it.
    columns : (n, q) array
        Features as numbers, without gaps.
    apart : (n,) array of int, optional
        Rows with the same number are never neighbours: folds that keep groups of dependent rows together.
    weights : (n,) array, optional
        Row weights > 0. Equal where omitted.
    neighbours : int
    farthest : float
        The largest `distance` at which the nearest rows count as near.
    confidence : float
        Of the interval, between 0 and 1.
    seed : int
        Draws the rows that are looked at where there are more than a thousand.

    Returns
    -------
    ErrorFloor, or float or None
        The distance alone where the nearest rows are farther than that; None where there are fewer than 50 rows.

    Raises
    ------
    InputError
        Where shapes disagree or a number is out of its range.

    References
    ----------
    Stefansson, Koncar & Jones (1997), A note on the Gamma test, Neural Computing & Applications 5; Evans & Jones
    (2002), A proof of the Gamma test, Proceedings of the Royal Society A 458; Daniel & Wood (1980), Fitting Equations
    to Data, chapter 7, for the residuals of near rows.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.inference import neighbour_floor
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(800, 2))
    >>> found = neighbour_floor(np.sin(2 * x[:, 0]) + x[:, 1] ** 2 + 0.5 * rng.normal(size=800), x)
    >>> bool(found.interval[0] < 0.25 < found.interval[1]), round(found.distance, 3)
    (True, 0.004)
    """
    value, weight = _checked(values, weights)
    x, n = np.asarray(columns, dtype=float), len(value)
    if x.ndim != 2 or len(x) != n or not np.all(np.isfinite(x)):
        raise InputError(f"columns must be finite, of shape ({n}, columns), got {x.shape}")
    label = None if apart is None else np.asarray(apart)
    if label is not None and label.shape != (n,):
        raise InputError(f"apart must have one number for each of {n} rows, got shape {label.shape}")
    if neighbours < 2 or not 0.0 < farthest <= 1.0:
        raise InputError(f"neighbours must be >= 2 and farthest > 0 and <= 1, got {neighbours} and {farthest}")
    rng = np.random.default_rng(seed)
    if n > MOST_ROWS:
        some = np.sort(rng.choice(n, MOST_ROWS, replace=False))
        value, weight, x, label = value[some], weight[some], x[some], None if label is None else label[some]
        n = MOST_ROWS
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0))[:, spread > 0.0] / spread[spread > 0.0]
    if n < max(FEWEST, neighbours + 1) or not x.shape[1]:
        return None
    asked = rng.permutation(n)[:MOST_ASKED]
    nearest = float(_nearest(x, asked[:FIRST], label, 1)[1].mean())
    if 2.0 * farthest < nearest < np.inf:
        return nearest
    near, distance = _nearest(x, asked, label, neighbours)
    share = weight[asked] / weight[asked].sum()
    delta = share @ distance
    if not np.all(np.isfinite(delta)):
        return None
    if delta[0] > farthest:
        return float(delta[0])
    half = 0.5 * np.sum((value[asked][:, None] - value[near]) ** 2, axis=2)
    at_zero = _at_zero(delta)
    floor = float(share @ half @ at_zero)
    each = share[:, None] * at_zero * (half - floor)
    influence = np.bincount(asked, each.sum(axis=1), n) + np.bincount(near.ravel(), each.ravel(), n)
    error = float(np.sqrt(influence @ influence))
    return ErrorFloor(floor, _interval(floor, error, len(asked) - 1, confidence), error, len(asked), float(delta[0]))


def _nearest(
    x: Floats, asked: NDArray[np.intp], label: NDArray[np.int_] | None, k: int
) -> tuple[NDArray[np.intp], Floats]:
    """The k rows nearest to each (a, k), and their squared distances; 1 is that of rows drawn at random, on average."""
    size, near, far = np.sum(x**2, axis=1), [], []
    for start in range(0, len(asked), BLOCK):
        rows = asked[start : start + BLOCK]
        squared = np.maximum(size[rows][:, None] + size - 2.0 * (x[rows] @ x.T), 0.0)
        squared[np.arange(len(rows)), rows] = np.inf
        if label is not None:
            squared[label[rows][:, None] == label] = np.inf
        found = np.argpartition(squared, k - 1, axis=1)[:, :k]
        distance = np.take_along_axis(squared, found, axis=1)
        order = np.argsort(distance, axis=1, kind="stable")
        near.append(np.take_along_axis(found, order, axis=1))
        far.append(np.take_along_axis(distance, order, axis=1))
    return np.concatenate(near), np.concatenate(far) / (2.0 * x.shape[1])


def _at_zero(delta: Floats) -> Floats:
    """What each of K points weighs in the value at 0 of the line through them; alike where all are at one place."""
    off = delta - delta.mean()
    spread = float(off @ off)
    flat = np.full(len(delta), 1.0 / len(delta))
    return flat if spread <= 1e-24 else flat - delta.mean() * off / spread


def _interval(floor: float, error: float, df: int, confidence: float) -> tuple[float, float]:
    half = float(special.stdtrit(df, 0.5 + 0.5 * checked_probability("confidence", confidence))) * error
    return max(floor - half, 0.0), max(floor + half, 0.0)


def _checked(values: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    """Values (n, C) and weights (n,)."""
    value = np.asarray(values, dtype=float)
    value = value[:, None] if value.ndim == 1 else value
    if value.ndim != 2 or not np.all(np.isfinite(value)):
        raise InputError(f"values must be finite, of shape (rows,) or (rows, outputs), got {np.shape(values)}")
    weight = np.ones(len(value)) if weights is None else np.asarray(weights, dtype=float)
    if weight.shape != value.shape[:1] or not np.all(weight > 0.0):
        raise InputError(f"weights must be > 0, one for each of {len(value)} rows")
    return value, weight
