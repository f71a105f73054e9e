"""One model of one table: split, learn the encoding from the training rows, choose the strength, fit, test."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foldwise import linear
from foldwise.cli.generalized import train_generalized
from foldwise.cli.trained import Strength, Trained
from foldwise.errors import AccuracyWarning, InputError
from foldwise.families import Gaussian, family_of
from foldwise.paths import fit_paths, prepare
from foldwise.resampling import Folds
from foldwise.study.measure import Modelled
from foldwise.study.reading import check_target
from foldwise.tables import Design, Recipe, make_design

FOLDS = 10
L1_RATIOS = (0.1, 0.3, 0.5, 0.7, 0.9)
_FILL: Literal["median"] = "median"


def train(
    table: pa.Table,
    kind: str,
    *,
    target: str | None = None,
    time: str | None = None,
    event: str | None = None,
    family: str | None = None,
    drop: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
    alpha: float | None = None,
    l1_ratio: float | None = None,
    standardize: bool | None = None,
    test_size: float = 0.25,
    seed: int = 45,
    progress: Callable[[int, int], None] | None = None,
) -> Trained:
    """Fit ``ols`` (no penalty), ``ridge``, ``lasso`` or ``elastic-net`` to a table.

    The family is the target's (`foldwise.tables.target`) unless it is given; `foldwise.cli.generalized` fits others
    than the gaussian.

    The test rows are those of scikit-learn's ``train_test_split(test_size=test_size, random_state=seed)``. With
    `alpha`, the objective is exactly that of scikit-learn's class on the encoded columns (on standardized ones with
    `standardize`). Without, alpha, and the elastic net's l1_ratio where it is not given, have the smallest 10-fold
    cross-validated error over the training rows, each fold's fit filling gaps and scaling from its own rows.

    Raises
    ------
    InputError
        For a table that can't be used, a strength that the model does not have, or a split that leaves no rows.

    Examples
    --------
    >>> import foldwise as fw
    >>> trained = train(fw.datasets.auto_mpg(), "ols", target="mpg")
    >>> trained.training_rows, trained.test_rows, round(trained.test_error, 3)
    (298, 100, 3.002)
    """
    _check_strength(kind, alpha, l1_ratio, standardize=standardize)
    predicted = check_target(target, time, event, None if family is None else family_of(family))
    design = make_design(table, target=predicted, drop=drop, categories=categories, family=family, event=event)
    y = design.target
    if y is None:
        raise InputError("target must be named")
    training, test = split_rows(len(y), test_size, seed, y if design.classes else design.event)
    if design.family != "gaussian":
        return train_generalized(
            design,
            kind,
            training,
            test,
            alpha=alpha,
            l1_ratio=l1_ratio,
            standardize=standardize,
            folds=FOLDS,
            seed=seed,
        )
    if np.all(y[training] == y[training][0]):
        raise InputError(f"target {target!r} is {y[training][0]:g} in every training row: try another --seed")
    recipe = Recipe.learn(design, training, fill=_FILL)
    if kind == "ols":
        strength = Strength()
    elif alpha is not None:
        ratio = (0.5 if l1_ratio is None else l1_ratio) if kind == "elastic-net" else None
        strength = Strength(alpha, ratio, standardize=bool(standardize))
    else:
        scaled = True if standardize is None else standardize
        strength = choose_strength(design, training, kind, l1_ratio, standardize=scaled, seed=seed, progress=progress)
    X = recipe.encode_values(design.values)
    estimator = _estimator(kind, strength).fit(_named(X[training], recipe), y[training])
    error = y - estimator.predict(_named(X, recipe))
    return Trained(
        kind,
        estimator,
        recipe,
        target_name=str(design.target_name),
        target_unit=design.target_unit,
        strength=strength,
        training_rows=training.size,
        test_rows=test.size,
        training_error=_rms(error[training]),
        test_error=_rms(error[test]) if test.size else None,
        test_error_of_mean=_rms(y[test] - y[training].mean()) if test.size else None,
        coef=np.asarray(estimator.coef_, dtype=np.float64),
        intercept=float(estimator.intercept_),
        scale=X[training].std(axis=0),
        modelled=Modelled(Gaussian(), str(design.target_name), design.reason),
    )


def split_rows(
    n: int, test_size: float, seed: int, classes: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Training and test rows, scikit-learn's `train_test_split` of n rows; no test rows for a `test_size` of 0.

    With `classes` (n,), those are spread evenly (its `stratify`).

    Examples
    --------
    >>> training, test = split_rows(8, 0.25, 45)
    >>> training.size, test.size
    (6, 2)
    """
    from sklearn.model_selection import train_test_split

    if not 0 <= test_size < 1:
        raise InputError(f"--test-size must be at least 0 and below 1, got {test_size:g}")
    if test_size == 0:
        return np.arange(n), np.arange(0)
    if n - np.ceil(test_size * n) < 2:
        raise InputError(f"--test-size {test_size:g} of {n} rows leaves fewer than 2 rows to train on")
    try:
        training, test = train_test_split(np.arange(n), test_size=test_size, random_state=seed, stratify=classes)
    except ValueError as error:  # a class with one row, or fewer test rows than classes
        raise InputError(
            f"--test-size {test_size:g} can't spread the classes over training and test: {error}"
        ) from error
    return training, test


def choose_strength(
    design: Design,
    training: NDArray[np.intp],
    kind: str,
    l1_ratio: float | None,
    *,
    standardize: bool,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Strength:
    """Choose alpha, and for the elastic net l1_ratio where None, by the smallest cross-validated error.

    One pass over the training rows serves every l1_ratio. Gaps and rare levels are each fold's fit's own. The search is
    over the target divided by its standard deviation s, as glmnet does, so that the choice does not depend on the
    target's unit: there the penalties l1 and l2 mean s l1 and l2 for the target as given.
    """
    if design.target is None:
        raise InputError("target must be named")
    rows = training.size
    if rows < FOLDS:
        raise InputError(f"choosing alpha by cross-validation needs {FOLDS} training rows, got {rows}: give --alpha")
    s = float(design.target[training].std())
    source = prepare(
        design.values[training],
        design.target[training] / s,
        folds=Folds.kfold(rows, n_folds=FOLDS, seed=seed),
        fill=_FILL,
        pools=design.pools,
    )
    searched = L1_RATIOS if l1_ratio is None else (of_scaled(l1_ratio, s),)
    ratios = {"ridge": (0.0,), "lasso": (1.0,)}.get(kind, searched)
    found: list[tuple[float, float, float]] = []
    for at, ratio in enumerate(ratios):
        tell = False if progress is None else partial(_tell, progress, at, len(ratios))
        with warnings.catch_warnings():
            # What collinear columns cost these coefficients is of no account: the chosen model is fitted from rows.
            warnings.simplefilter("ignore", AccuracyWarning)
            paths = fit_paths(
                source, l1_ratio=ratio, eps=_grid_end(ratio), standardize=standardize, progress=tell
            ).uninterrupted()
        best = paths.choose("min")
        found.append((paths.one_standard_error().error, float(paths.alphas[best]), ratio))
    _, scaled_alpha, ratio = min(found)
    l1, l2 = scaled_alpha * ratio * s, scaled_alpha * (1 - ratio)
    if kind == "ridge":  # scikit-learn's Ridge sums over the rows where the paths average
        return Strength(l2 * rows, None, standardize=standardize, chosen=True)
    if kind == "lasso":
        return Strength(l1, None, standardize=standardize, chosen=True)
    given = l1 / (l1 + l2) if l1_ratio is None else l1_ratio
    return Strength(l1 + l2, given, standardize=standardize, chosen=True)


def _tell(progress: Callable[[int, int], None], before: int, ratios: int, done: int, strengths: int) -> None:
    """Count the strengths of all l1_ratios."""
    progress(before * strengths + done, ratios * strengths)


def of_scaled(l1_ratio: float, s: float) -> float:
    """The l1_ratio for the target divided by s of one for the target as given.

    Examples
    --------
    >>> of_scaled(0.5, 3.0), of_scaled(1.0, 3.0)
    (0.25, 1.0)
    """
    return l1_ratio / (l1_ratio + s * (1 - l1_ratio))


def _grid_end(l1_ratio: float) -> float:
    """Weakest over strongest alpha, such that l2 ends at a ten-thousandth of a standardized column's curvature."""
    return 1e-3 if l1_ratio in {0.0, 1.0} else max(min(1e-3, 1e-4 * l1_ratio / (1 - l1_ratio)), 1e-12)


def _named(X: NDArray[np.float64], recipe: Recipe) -> pa.Table:
    """The encoded columns with their names, so that what the model has to say names them."""
    return pa.table(dict(zip(recipe.names, X.T, strict=True)))


def _estimator(kind: str, strength: Strength) -> Any:
    if kind == "ols":
        return linear.LinearRegression()
    penalty: dict[str, Any] = {"alpha": strength.alpha, "standardize": strength.standardize}
    if kind == "elastic-net":
        penalty["l1_ratio"] = strength.l1_ratio
        return linear.ElasticNet(**penalty)
    return linear.Ridge(**penalty) if kind == "ridge" else linear.Lasso(**penalty)


def _check_strength(kind: str, alpha: float | None, l1_ratio: float | None, *, standardize: bool | None) -> None:
    if kind == "ols" and (alpha is not None or standardize is not None):
        given = "--alpha" if alpha is not None else "--standardize"
        raise InputError(f"{given} is for ridge, lasso and elastic-net; least squares has no penalty")
    if kind != "elastic-net" and l1_ratio is not None:
        raise InputError(f"--l1-ratio is for elastic-net, not for {kind}")
    if alpha is not None and not (np.isfinite(alpha) and alpha >= 0):
        raise InputError(f"--alpha must be a number >= 0, got {alpha:g}")
    if l1_ratio is not None and not 0 <= l1_ratio <= 1:
        raise InputError(f"--l1-ratio must be between 0 and 1, got {l1_ratio:g}")


def _rms(errors: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(errors**2)))
