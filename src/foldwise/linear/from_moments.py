"""Linear estimators fitted from fold moments alone: the rows were read once, and may be elsewhere by now."""

from typing import Any

import numpy as np

from foldwise.errors import InputError
from foldwise.inference import one_standard_error
from foldwise.linear.checks import Array, limits
from foldwise.moments import FoldMoments
from foldwise.parameters.checks import flag
from foldwise.paths import Paths, fit_paths

Given = dict[str, Any]


def start(model: Any, moments: FoldMoments, **given: Any) -> None:
    """Take the columns' number and names; what rows would bring must be left out.

    Raises
    ------
    InputError
        Where y, weights or groups are given, which the moments have.
    """
    doubled = [name for name, value in given.items() if value is not None]
    if doubled:
        raise InputError(f"{', '.join(doubled)} can't be given with FoldMoments, which has its own")
    model.n_features_in_ = moments.n_features
    model.__dict__.pop("feature_names_in_", None)
    if moments.origin is not None:
        model.feature_names_in_ = np.array(moments.recipe.names, dtype=object)


def at_one_strength(model: Any, moments: FoldMoments, alpha: float, **settings: Any) -> Paths:
    """The final model at one strength, with `coef_`, `intercept_` and `scale_` taken from it."""
    paths = fit_paths(moments.without_folds(), alphas=[alpha], **settings).uninterrupted()
    model.coef_, intercept = paths.model(at=0)
    model.intercept_ = np.float64(intercept) if settings["fit_intercept"] else 0.0
    model.scale_ = paths.scale[0]
    return paths


def quadratic_settings(model: Any, p: int, *, positive: bool = False) -> Given:
    """What fit_paths is told by LinearRegression and the Ridge estimators."""
    return {
        "fit_intercept": flag("fit_intercept", model.fit_intercept),
        "standardize": flag("standardize", getattr(model, "standardize", False)),
        "penalty_factor": getattr(model, "penalty_factor", None),
        "bounds": limits(model.bounds, p, positive=positive),
        "l1_ratio": 0.0,
    }


def rank_of(model: Any, moments: FoldMoments) -> tuple[Array, int]:
    """Singular values (p,) of the centred columns, and how many count.

    Moments have the squares of the singular values, so that half of the digits tell: columns whose correlation with
    the others is within 1e-13 of 1 count as collinear.
    """
    training = moments.training_set(frozenset())
    Q = training.covariance if model.fit_intercept else training.covariance + np.outer(training.mean, training.mean)
    root = np.sqrt(np.diag(Q))
    safe = np.where(root > 0.0, root, 1.0)
    share = np.linalg.eigvalsh(Q / safe[:, None] / safe)
    square = np.linalg.eigvalsh(Q)[::-1] * training.weight
    return np.sqrt(np.maximum(square, 0.0)), int(np.sum(share > 1e-13 * len(root)))


def refuse_folds(cv: Any, moments: FoldMoments) -> None:
    """The moments bring the folds: others would need the rows.

    Raises
    ------
    InputError
        Where `cv` asks for others, or the moments have none.
    """
    if cv is not None:
        raise InputError(f"cv must be None with FoldMoments, whose folds are used, got {cv!r}")
    if moments.n_folds < 2:
        raise InputError("moments must have folds to choose a strength by: scan with folds=")


def explained_shares(paths: Paths, moments: FoldMoments) -> Array:
    """R^2 (R K, A) on every fold, from the moments of its block."""
    shares = np.empty(paths.cv_error.shape)
    for fold, errors in enumerate(paths.cv_error):
        weight, _, cross = moments.test_set(fold, paths.maps[paths.index([fold])])
        spread = float(cross[-1, -1]) / weight
        shares[fold] = 1.0 - errors / spread if spread > 0.0 else np.where(errors > 0.0, 0.0, 1.0)
    return shares


def chosen(paths: Paths, rule: str) -> int:
    """Position of the strength with the least mean error over folds, or by the 1-SE rule."""
    both = one_standard_error(paths.cv_error, paths.alphas, repeats=paths.n_repeats)
    return both.index_min if rule == "min" else both.index_1se
