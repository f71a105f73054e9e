"""fit_paths: every held-out set and every strength from one pass over the data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from foldwise.errors import AccuracyWarning, InputError
from foldwise.moments import DesignMap, FoldMoments
from foldwise.moments.threads import side_by_side
from foldwise.paths.held_out import mean_squared_error
from foldwise.paths.options import check_fraction, check_options
from foldwise.paths.paths import Paths
from foldwise.paths.point import Strengths, certify, solve_problem
from foldwise.paths.problem import Options, Problem
from foldwise.paths.rows import refit_from_rows
from foldwise.paths.strengths import check_strengths, strength_grid
from foldwise.solvers.quadratic import MAX_ITER, Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from foldwise.moments import Fill, Pools, TrainingSet
    from foldwise.resampling import Folds

    Floats = NDArray[np.float64]

HeldOut = frozenset[int]

# Relative errors of a closed form from moments above which it is solved again from the rows, or warned about. Ridge at
# its weakest strengths is allowed more: what it loses lies along directions that hardly matter.
LEAST_SQUARES_ERROR = 1e-9
RIDGE_ERROR = 1e-6


@dataclass(frozen=True, eq=False)
class _Fit:
    """One held-out set's answer, before the axes are stacked."""

    coef: Floats
    intercept: Floats
    gap: Floats
    n_iter: NDArray[np.intp]
    status: NDArray[np.int8]
    null_objective: float
    mean: Floats
    scale: Floats
    map: DesignMap
    errors: dict[int, Floats]
    relative_error: float


def fit_paths(
    X: ArrayLike | FoldMoments,
    y: ArrayLike | None = None,
    *,
    family: str = "gaussian",
    alphas: int | ArrayLike = 100,
    l1_ratio: float = 1.0,
    eps: float = 1e-3,
    loss: Literal["mean", "sum"] = "mean",
    folds: Folds | None = None,
    nested: bool = False,
    sample_weight: ArrayLike | None = None,
    fit_intercept: bool = True,
    standardize: bool = True,
    penalty_factor: ArrayLike | None = None,
    bounds: tuple[Any, Any] | None = None,
    fill: Fill | None = None,
    indicators: bool = False,
    pools: Pools = (),
    min_level_count: int = 10,
    tol: float = 1e-9,
    max_iter: int = MAX_ITER,
) -> Paths:
    """Fit a penalized path for the final model, every fold, and with `nested` every pair of folds, in one go.

    For every held-out set, over the rows it trains on (weights w, W their sum), minimizes

        1/(2 W) sum_i w_i (y_i - b0 - x_i'b)^2 + alpha sum_j f_j (l1_ratio |s_j b_j| + (1 - l1_ratio)/2 (s_j b_j)^2)

    within the bounds, s_j being the column's standard deviation there (`standardize`) or 1, and f_j its penalty factor.
    This is scikit-learn's objective; the intercept is not penalized. Means, scales and fill values are each training
    set's own. Every point comes with its relative duality gap.

    Parameters
    ----------
    X : array (n, p), or FoldMoments
        With FoldMoments, leave out y, folds, sample_weight, fill, indicators, pools and min_level_count: it has them.
    y : array (n,)
    family : "gaussian"
    alphas : int or array (A,)
        How many strengths, or which. A number gives a grid made for the final model, which all held-out sets share.
    l1_ratio : float in [0, 1]
        1 is the lasso, 0 ridge.
    eps : float
        Weakest over strongest strength of a grid.
    loss : "mean" or "sum"
        "sum" leaves the factor 1/W out of the objective: alpha counts against the sum over the training rows, as in
        scikit-learn's Ridge.
    folds : Folds, optional
        Without folds only the final model is fitted.
    nested : bool
        Also fit the pairs of folds, for the error of a tuned procedure; needs three or more folds.
    sample_weight : array (n,), optional
    fit_intercept : bool
    standardize : bool
        Penalize per standard deviation, so that units do not matter. Coefficients are in original units either way.
    penalty_factor : float or array (p,), optional
        Multiplies alpha for each column: 0 leaves it unpenalized, inf leaves it out.
    bounds : pair of floats or arrays (p,), optional
        lower <= 0 <= upper of the coefficients in original units; None for no bound on a side.
    fill : "mean", "median" or None
        What missing values (NaN) are filled with, from each training set's own rows. None: NaN is an error.
    indicators : bool
        Add a column for each incomplete one that says where it is missing.
    pools : tuple of (level columns, "other" column)
        Levels with fewer than `min_level_count` training rows count as "other".
    min_level_count : int
    tol : float
        Relative duality gap above which a point is reported as not converged.
    max_iter : int
        Bound on the solver's equality steps per point.

    Returns
    -------
    Paths

    Raises
    ------
    InputError
        Names the argument, what was given and what would be accepted.

    Warns
    -----
    ConvergenceWarning
        Some points' gap exceeds tol: how many, the worst gap and the remedy.
    AccuracyWarning
        A closed form lost more digits to the columns' collinearity than it should.

    Notes
    -----
    p up to a few thousand: a (p, p) matrix per held-out set in work is kept. See docs/mathematics.md.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 5))
    >>> y = 3.0 * X[:, 0] - 2.0 * X[:, 1] + rng.normal(size=60)
    >>> paths = fw.fit_paths(X, y, folds=fw.Folds.kfold(60, n_folds=5), nested=True)
    >>> best = paths.choose("1se")
    >>> paths.coef[paths.index(), best].round(1)  # two of five survive
    array([ 2.7, -1.5,  0. ,  0. ,  0. ])
    """
    if family != "gaussian":
        message = f"family must be 'gaussian', got {family!r}"
        raise InputError(message)
    l1_ratio = check_fraction("l1_ratio", l1_ratio, least=0.0, most=1.0)
    eps = check_fraction("eps", eps, least=0.0, most=1.0, open_left=True)
    tol = check_fraction("tol", tol, least=0.0, most=1.0)
    grid = check_strengths(alphas)
    if loss not in ("mean", "sum"):
        message = f"loss must be 'mean' or 'sum', got {loss!r}"
        raise InputError(message)
    moments = _moments_of(
        X,
        y,
        folds=folds,
        sample_weight=sample_weight,
        fill=fill,
        indicators=indicators,
        pools=pools,
        min_level_count=min_level_count,
    )
    if nested and moments.n_folds < 3:
        message = f"nested needs three or more folds, got {moments.n_folds if moments.n_folds > 1 else 'none'}"
        raise InputError(message)
    options = check_options(
        moments.n_features,
        fit_intercept=fit_intercept,
        standardize=standardize,
        penalty_factor=penalty_factor,
        bounds=bounds,
    )
    if isinstance(grid, int):
        everything = moments.training_set(frozenset())
        grid = strength_grid(Problem.of(everything, options), grid, l1_ratio, eps)
        grid = grid * (everything.weight if loss == "sum" else 1.0)
    strengths = Strengths(grid, l1_ratio, tol, int(max_iter), loss)
    held_out = moments.held_out_sets(nested=nested)
    fits = side_by_side(lambda members: _fit_one(moments, members, strengths, options), held_out)
    inexact = max(fit.relative_error for fit in fits) > (RIDGE_ERROR if strengths.l2.any() else LEAST_SQUARES_ERROR)
    smooth = not strengths.l1.any() and not options.is_bounded
    stuck = smooth and any(np.any(fit.status != Status.CERTIFIED) for fit in fits)
    if inexact or (stuck and X is not moments):
        fits = _from_rows_or_warn(fits, X, y, folds, sample_weight, moments, held_out, strengths, options)
    _warn_unless_certified(fits, tol)
    return _stack(fits, moments, held_out, strengths)


def _moments_of(X: Any, y: Any, **settings: Any) -> FoldMoments:
    if not isinstance(X, FoldMoments):
        if y is None:
            message = "y must be given with X, unless X is FoldMoments"
            raise InputError(message)
        return FoldMoments.scan(X, y, **settings)
    defaults = {"indicators": False, "pools": (), "min_level_count": 10}
    given = [name for name, value in settings.items() if value != defaults.get(name)]
    if y is not None:
        given.insert(0, "y")
    if given:
        message = f"{', '.join(given)} can't be given with FoldMoments, which carry their own"
        raise InputError(message)
    return X


def _fit_one(moments: FoldMoments, members: HeldOut, strengths: Strengths, options: Options) -> _Fit:
    training = moments.training_set(members)
    problem = Problem.of(training, options)
    path, condition = solve_problem(problem, strengths.against_mean(training.weight), options)
    return _finish(
        moments,
        members,
        training,
        options,
        coef=problem.original_units(path.coef),
        gap=path.gap,
        n_iter=path.n_iter,
        status=path.status,
        null_objective=0.5 * problem.yy,
        relative_error=condition * np.finfo(float).eps,
    )


def _finish(
    moments: FoldMoments, members: HeldOut, training: TrainingSet, options: Options, *, coef: Floats, **rest: Any
) -> _Fit:
    """Intercepts, and the errors on the folds a fit holds out."""
    centre, y_centre = (
        (training.mean, training.y_mean) if options.fit_intercept else (np.zeros_like(training.mean), 0.0)
    )
    return _Fit(
        coef=coef,
        intercept=y_centre - coef @ centre,
        mean=training.mean,
        scale=training.scale,
        map=training.map,
        errors={
            block: mean_squared_error(coef, moments.test_set(block, training.map), centre, y_centre)
            for block in members
        },
        **rest,
    )


def _from_rows_or_warn(
    fits: list[_Fit],
    X: Any,
    y: Any,
    folds: Folds | None,
    sample_weight: Any,
    moments: FoldMoments,
    held_out: tuple[HeldOut, ...],
    strengths: Strengths,
    options: Options,
) -> list[_Fit]:
    """The accuracy guard: where moments would cost too many digits, go back to the rows if they are at hand."""
    if X is moments:
        lost = max(fit.relative_error for fit in fits)
        warnings.warn(
            f"collinear columns: coefficients from moments may be off by {lost:.0e} relative to their size; "
            "predictions are hardly affected. Use a stronger penalty, or drop columns",
            AccuracyWarning,
            stacklevel=3,
        )
        return fits
    maps, scales = [fit.map for fit in fits], [fit.scale for fit in fits]
    coefs = refit_from_rows(X, y, folds, sample_weight, held_out, maps, scales, strengths, options)
    refits = []
    for members, fit, coef in zip(held_out, fits, coefs, strict=True):
        training = moments.training_set(members)
        rest = {name: getattr(fit, name) for name in ("n_iter", "null_objective", "relative_error")}
        gap = certify(Problem.of(training, options), strengths.against_mean(training.weight), coef)
        status = np.where(gap <= strengths.tol, Status.CERTIFIED, Status.ROUNDING).astype(np.int8)
        refits.append(_finish(moments, members, training, options, coef=coef, gap=gap, status=status, **rest))
    return refits


def _warn_unless_certified(fits: list[_Fit], tol: float) -> None:
    status = np.concatenate([fit.status for fit in fits])
    failed = np.flatnonzero(status != Status.CERTIFIED)
    if not len(failed):
        return
    gap = np.concatenate([fit.gap for fit in fits])
    worst = failed[np.argmax(gap[failed])]
    warnings.warn(
        f"{len(failed)} of {len(status)} points are not certified: the worst relative duality gap is {gap[worst]:.1e}, "
        f"tol is {tol:.0e}; {Status(int(status[worst])).explanation}",
        ConvergenceWarning,
        stacklevel=3,
    )


def _stack(fits: list[_Fit], moments: FoldMoments, held_out: tuple[HeldOut, ...], strengths: Strengths) -> Paths:
    blocks, k, points = len(moments.weight), moments.n_folds, len(strengths.alphas)
    has_folds = k > 1
    cv_error = np.full((blocks if has_folds else 0, points), np.nan)
    nested = any(len(members) == 2 for members in held_out)
    inner_error = np.full((blocks, k, points), np.nan) if nested else None
    for members, fit in zip(held_out, fits, strict=True):
        for block, error in fit.errors.items():
            if len(members) == 1:
                cv_error[block] = error
            elif inner_error is not None:
                (outer,) = members - {block}
                inner_error[outer, block % k] = error
    return Paths(
        alphas=strengths.alphas,
        l1_ratio=strengths.l1_ratio,
        held_out=held_out,
        coef=np.stack([fit.coef for fit in fits]),
        intercept=np.stack([fit.intercept for fit in fits]),
        gap=np.stack([fit.gap for fit in fits]),
        n_iter=np.stack([fit.n_iter for fit in fits]),
        status=np.stack([fit.status for fit in fits]),
        null_objective=np.array([fit.null_objective for fit in fits]),
        mean=np.stack([fit.mean for fit in fits]),
        scale=np.stack([fit.scale for fit in fits]),
        maps=tuple(fit.map for fit in fits),
        n_folds=k,
        n_repeats=moments.n_repeats,
        cv_error=cv_error,
        fold_weight=moments.weight if has_folds else np.zeros(0),
        inner_error=inner_error,
    )
