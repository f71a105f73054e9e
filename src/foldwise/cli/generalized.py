"""One generalized linear model of one table: split, encode, choose the strength, fit, test by deviance and scores."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from foldwise.cli.trained import Strength, Trained
from foldwise.errors import InputError, SeparationWarning
from foldwise.families import Family, family_of
from foldwise.families.cox import EVENT
from foldwise.families.risk_sets import RiskSets
from foldwise.paths import fit_paths
from foldwise.resampling import Folds
from foldwise.study.fold_errors import best_constant
from foldwise.study.measure import Modelled, scores_of
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
    """A fitted line, or one for each of C classes: coefficients (p,) or (p, C), intercept, columns' spreads (p,)."""

    coef_: Floats
    intercept_: float | Floats
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
    words = str(design.target_name) if design.event is None else f"{design.target_name} to {design.event_name}"
    modelled = Modelled(family, words, design.reason, design.classes)
    recipe = Recipe.learn(design, training)
    X, y = recipe.encode_values(design.values), target_of(design)
    _check_training(design, training, chosen=alpha is None and kind != "ols")
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
    intercept = 0.0 if family.shares_rows else intercept
    whole, eta = family.check_target(y, len(y)), X @ coef + intercept
    null = np.zeros_like(eta)
    if not family.shares_rows:
        null += best_constant(family, whole[training], np.ones(training.size))
    training_error, test_error = errors(family, whole, eta, training, test)
    scores = scores_of(family, whole[test], eta[test]) if test.size else {}
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
        training_error=training_error,
        test_error=test_error,
        test_error_of_mean=errors(family, whole, null, training, test)[1],
        coef=coef,
        intercept=intercept,
        scale=scale,
        modelled=modelled,
        scores=scores,
    )


def target_of(design: Design) -> Floats:
    """The target (n,) as the family checks it; for times to an event (n, 2), whether it came in the second column."""
    y = np.asarray(design.target)
    return y if design.event is None else np.column_stack([y, design.event])


def _check_training(design: Design, training: Rows, *, chosen: bool) -> None:
    y = np.asarray(design.target)[training]
    if design.event is not None and not design.event[training].any():
        raise InputError(f"event {design.event_name!r} is 0 in every training row: try another --seed")
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
    y = target_of(design)[training]
    if len(y) < folds:
        raise InputError(f"choosing alpha by cross-validation needs {folds} training rows, got {len(y)}: give --alpha")
    spread = design.event[training] if design.event is not None else y if design.classes else None
    dealt = Folds.kfold(len(y), folds, seed=seed) if spread is None else Folds.stratified(spread, folds, seed=seed)
    _check_events(design, training, dealt)
    rows = make_source(
        replace(design, values=design.values[training]),
        1.0,
        family,
        folds=dealt,
        sample_weight=None,
        fill="median",
        indicators=False,
        min_level_count=10,
        target=y,
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


def _check_events(design: Design, training: Rows, dealt: Folds) -> None:
    if design.event is None:
        return
    events = int(design.event[training].sum())
    if events < dealt.n_folds:
        raise InputError(
            f"choosing alpha by cross-validation needs {dealt.n_folds} training rows with an event of "
            f"{design.event_name!r}, got {events}: give --alpha"
        )


def errors(family: Family, y: Floats, eta: Floats, training: Rows, test: Rows) -> tuple[float, float | None]:
    """Mean deviance of training and of test rows; for times what each adds to the loss, twice and for each event.

    Parameters
    ----------
    family : Family
    y : array
        As the family's own check gives it.
    eta : array (n,) or (n, C)
    training, test : row numbers; None is told of no test rows
    """
    if not family.shares_rows:
        deviance = [float(family.deviance(eta[rows], y[rows]).mean()) for rows in (training, test) if rows.size]
        return deviance[0], deviance[1] if test.size else None
    kept = np.zeros((len(y), 2))
    kept[training], kept[test, 0] = 1.0, 1.0
    both, alone = RiskSets.of(y).partial(np.stack([eta, eta], axis=1), kept, efron=False)[0]
    events = float(y[test, EVENT].sum())
    return float(2.0 * alone / y[training, EVENT].sum()), float(2.0 * (both - alone) / events) if events else None
