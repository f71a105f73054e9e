"""One generalized linear model of one table: split, encode, choose the strength, fit, test by deviance and scores."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from foldwise.cli.trained import Strength, Trained
from foldwise.errors import InputError, SeparationWarning
from foldwise.families import Family, family_of, null_intercept
from foldwise.paths import fit_paths
from foldwise.paths.scores import SCORES
from foldwise.resampling import Folds
from foldwise.study.measure import Modelled
from foldwise.study.separation import separation_explained
from foldwise.study.source import make_source
from foldwise.tables import Design, Recipe

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
L1_RATIOS = (0.1, 0.3, 0.5, 0.7, 0.9)
TOL = 1e-12
"""The gap of the model that is kept: coefficients follow its root."""


@dataclass(frozen=True, eq=False)
class Line:
    """A fitted line: coefficients (p,), intercept, and the columns' standard deviations (p,)."""

    coef_: Floats
    intercept_: float
    scale_: Floats


def train_generalized(
    design: Design,
    kind: str,
    training: Rows,
    test: Rows,
    *,
    alpha: float | None,
    l1_ratio: float | None,
    standardize: bool | None,
    folds: int,
    seed: int,
) -> Trained:
    """Fit a family's model to the training rows.

    Gaps are filled and rare levels pooled by each fit's own training rows, in the folds that choose the strength too.
    Alpha counts against the mean loss: it is `PoissonRegressor`'s, and 1 / (C rows) for
    `LogisticRegression`.

    Raises
    ------
    InputError
        For a class with too few training rows.
    """
    family = family_of(design.family)
    modelled = Modelled(family, str(design.target_name), design.reason, design.classes)
    recipe = Recipe.learn(design, training)
    X, y = recipe.encode_values(design.values), np.asarray(design.target)
    _check_training(design, y[training], chosen=alpha is None and kind != "ols")
    if kind == "ols":
        strength, used, ratio = Strength(), 0.0, 1.0
    else:
        ratios = {"ridge": (0.0,), "lasso": (1.0,)}.get(kind, L1_RATIOS if l1_ratio is None else (l1_ratio,))
        scaled = (alpha is None) if standardize is None else standardize
        if alpha is None:
            used, ratio = _chosen(design, training, family, ratios, folds, seed, standardize=scaled)
        else:
            used, ratio = alpha, (0.5 if l1_ratio is None else l1_ratio) if kind == "elastic-net" else ratios[0]
        told = ratio if kind == "elastic-net" else None
        strength = Strength(used, told, standardize=scaled, chosen=alpha is None)
    with separation_explained() as separated:
        paths = fit_paths(
            X[training],
            y[training],
            family=family,
            alphas=[used],
            l1_ratio=ratio,
            standardize=strength.standardize,
            tol=TOL,
        ).uninterrupted()
    for message in separated:
        warnings.warn(message, SeparationWarning, stacklevel=2)
    coef, intercept = paths.model(at=0)
    eta, null = (
        X @ coef + intercept,
        np.full(len(y), null_intercept(family, y[training], np.ones((training.size, 1)))[0]),
    )
    scores = _scores(modelled, y[test], eta[test]) if test.size else {}
    scale = X[training].std(axis=0)
    return Trained(
        kind,
        Line(coef, intercept, scale),
        recipe,
        target_name=modelled.target,
        target_unit=None,
        strength=strength,
        training_rows=training.size,
        test_rows=test.size,
        training_error=_deviance(family, y, eta, training),
        test_error=_deviance(family, y, eta, test) if test.size else None,
        test_error_of_mean=_deviance(family, y, null, test) if test.size else None,
        coef=coef,
        intercept=intercept,
        scale=scale,
        modelled=modelled,
        scores=scores,
    )


def _check_training(design: Design, y: Floats, *, chosen: bool) -> None:
    least = 2 if chosen else 1
    for code, label in enumerate(design.classes):
        count = int(np.count_nonzero(y == code))
        if count < least:
            rows = "1 training row" if count == 1 else f"{count} training rows"
            why = ", and choosing alpha by cross-validation takes 2" if chosen and count else ""
            raise InputError(f"class {label!r} of target {design.target_name!r} has {rows}{why}: gather more of it")
    if not design.classes and np.all(y == y[0]):
        raise InputError(f"target {design.target_name!r} is {y[0]:g} in every training row: try another --seed")


def _chosen(
    design: Design,
    training: Rows,
    family: Family,
    ratios: tuple[float, ...],
    folds: int,
    seed: int,
    *,
    standardize: bool,
) -> tuple[float, float]:
    """The strength and l1_ratio with the smallest cross-validated deviance."""
    y = np.asarray(design.target)[training]
    if len(y) < folds:
        raise InputError(f"choosing alpha by cross-validation needs {folds} training rows, got {len(y)}: give --alpha")
    dealt = Folds.stratified(y, folds, seed=seed) if family.is_two_class else Folds.kfold(len(y), folds, seed=seed)
    part = replace(design, values=design.values[training], target=y)
    rows = make_source(
        part, 1.0, family, folds=dealt, sample_weight=None, fill="median", indicators=False, min_level_count=10
    )
    found: list[tuple[float, float, float]] = []
    for ratio in ratios:
        with warnings.catch_warnings():
            # The weak end of a separated path need not converge to be seen to be worse.
            warnings.simplefilter("ignore", SeparationWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            paths = fit_paths(rows, l1_ratio=ratio, standardize=standardize)
        best = paths.uninterrupted().choose("min")
        found.append((paths.one_standard_error().error, float(paths.alphas[best]), ratio))
    _, alpha, ratio = min(found)
    return alpha, ratio


def _deviance(family: Family, y: Floats, eta: Floats, rows: Rows) -> float:
    return float(family.deviance(eta[rows], y[rows]).mean())


def _scores(modelled: Modelled, y: Floats, eta: Floats) -> dict[str, float]:
    """What people know of the test rows' predictions."""
    found = {}
    for name in modelled.measure.scores:
        score = SCORES[{"accuracy": "misclassification", "rmse": "mse"}.get(name, name)]
        value = float(score(modelled.family, y, eta[:, None], np.ones(len(y)))[0])
        found[name] = 1.0 - value if name == "accuracy" else float(np.sqrt(value)) if name == "rmse" else value
    return found
