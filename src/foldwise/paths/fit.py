"""fit_paths: every held-out set and every strength from one pass over the data."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from foldwise.errors import InputError
from foldwise.families import Family, family_of
from foldwise.moments import FoldMoments
from foldwise.moments.check import check_target
from foldwise.paths.control import Control, Progress
from foldwise.paths.from_moments import Rows, fit_moments
from foldwise.paths.generalized.filling import Filling
from foldwise.paths.generalized.fit import fit_generalized
from foldwise.paths.generalized.row_table import RowTable, check_offset
from foldwise.paths.generalized.streamed.fit import fit_streamed
from foldwise.paths.generalized.streamed.row_stream import RowStream
from foldwise.paths.generalized.streamed.telling import passes_shown
from foldwise.paths.options import check_fraction, check_options
from foldwise.paths.penalized import check_choice
from foldwise.paths.start import Start, check_start
from foldwise.paths.strengths import Search, check_strengths
from foldwise.paths.wide import WideTable, as_moments, fit_wide, prepare
from foldwise.resampling import Folds
from foldwise.solvers.quadratic import MAX_ITER, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from foldwise.moments import Fill, Pools
    from foldwise.paths.paths import Paths

# What each engine is asked for where tol is left out: the gaussian one is as exact at no cost.
GAUSSIAN_TOL, GENERALIZED_TOL = 1e-9, 1e-7


def fit_paths(
    X: ArrayLike | FoldMoments | WideTable | RowTable | RowStream,
    y: ArrayLike | None = None,
    *,
    family: str | Family = "gaussian",
    alphas: int | ArrayLike = 100,
    l1_ratio: float = 1.0,
    eps: float = 1e-3,
    loss: Literal["mean", "sum"] = "mean",
    folds: int | Folds | None = None,
    nested: bool = False,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    fit_intercept: bool = True,
    standardize: bool = True,
    penalty_factor: ArrayLike | Literal["adaptive"] | None = None,
    bounds: tuple[Any, Any] | None = None,
    fill: Fill | None = None,
    indicators: bool = False,
    pools: Pools = (),
    min_level_count: int = 10,
    tol: float | None = None,
    max_iter: int = MAX_ITER,
    stop_when_turned: bool = False,
    penalty: str = "elastic net",
    groups: ArrayLike | None = None,
    tau: float | None = None,
    gamma: float | None = None,
    stop_when_explained: bool = False,
    start: Paths | None = None,
    time_limit: float | None = None,
    progress: Progress = False,
) -> Paths:
    """Fit a penalized path for the final model, every fold, and with `nested` every pair of folds, in one go.

    For every held-out set, over the rows it trains on (weights w, W their sum), minimizes

        1/(2 W) sum_i w_i (y_i - b0 - x_i'b)^2 + alpha sum_j f_j (l1_ratio |s_j b_j| + (1 - l1_ratio)/2 (s_j b_j)^2)

    within the bounds, s_j being the column's standard deviation there (`standardize`) or 1, and f_j its penalty factor.
    This is scikit-learn's objective; the intercept is not penalized. Means, scales and fill values are each training
    set's own. Every point comes with its relative duality gap. Another family puts its loss l(o_i + b0 + x_i'b; y_i),
    the negative log likelihood up to terms without b, in the place of half the squared error; see docs/families.md.

    Parameters
    ----------
    X : array (n, p), or FoldMoments, or what `foldwise.paths.prepare` returns
        With the latter two, leave out y, folds, sample_weight, fill, indicators, pools and min_level_count: they have
        them. A `foldwise.paths.RowTable` also has the family and the offset, a `foldwise.RowStream` the family.
    y : array (n,)
        In the family's units: 0 and 1 for two classes, counts, amounts.
    family : str or foldwise.families.Family
        "gaussian", "binomial", "probit", "cloglog", "multinomial", "poisson", "gamma", "tweedie", "negative binomial",
        "huber", "cox" or "multigaussian" (y (n, C)); an instance where it has a parameter, as `Tweedie(power=1.7)`.
        "multinomial" and "multigaussian" give `OutputPaths`.
    alphas : int or array (A,)
        How many strengths, or which. A number gives a grid made for the final model, which all held-out sets share.
    l1_ratio : float in [0, 1]
        1 is the lasso, 0 ridge.
    eps : float
        Weakest over strongest strength of a grid.
    loss : "mean" or "sum"
        "sum" leaves the factor 1/W out of the objective: alpha counts against the sum over the training rows, as in
        scikit-learn's Ridge.
    folds : int or Folds, optional
        A number stands for that many random folds, `Folds.kfold(n, folds, seed=0)`; classes are better spread by
        `Folds.stratified`. Without folds only the final model is fitted.
    nested : bool
        Also fit the pairs of folds, for the error of a tuned procedure; needs three or more folds.
    sample_weight : array (n,), optional
    offset : array (n,), optional
        o, added to every linear predictor and not fitted, such as the logarithm of an exposure.
    fit_intercept : bool
    standardize : bool
        Penalize per standard deviation, so that units do not matter. Coefficients are in original units either way.
    penalty_factor : float, array (p,) or "adaptive", optional
        Multiplies alpha for each column: 0 leaves it unpenalized, inf leaves it out. "adaptive" takes the factors from
        a pilot ridge on each training set's own rows: large coefficients are shrunk less (`foldwise.paths.adaptive`).
    bounds : pair of floats or arrays (p,), optional
        lower <= 0 <= upper of the coefficients in original units; None for no bound on a side.
    fill : "mean", "median" or None
        What missing values (NaN) are filled with, from each training set's own rows. None: NaN is an error.
    indicators : bool
        Add a column for each incomplete one that says where it is missing.
    pools : tuple of (level columns, "other" column)
        Levels with fewer than `min_level_count` training rows count as "other".
    min_level_count : int
    tol : float, optional
        Relative duality gap above which a point is reported as not converged: 1e-9 for the gaussian family, 1e-7 for
        the others, unless given.
    max_iter : int
        Bound on the solver's equality steps per point.
    stop_when_turned : bool
        End the path of a wide table, of any family over 500 columns, once every cross-validated curve has clearly risen
        past its minimum: the expensive, saturated end is left out. `foldwise.paths.lockstep.turned` has the rule.
        Elsewhere the whole path costs little and is always walked.
    penalty : "elastic net", "group", "sparse group", "mcp" or "scad"
        What takes the place of the lasso's sum_j f_j |s_j b_j|; see docs/penalties.md. "group":
        sum_g f_g sqrt(size_g) |(s b)_g|_2, whole groups leave; "sparse group": (1 - tau) of that and tau of the
        lasso's. "mcp" and "scad" hardly shrink large coefficients; they are not convex: solutions are local, every
        held-out set follows its own path from zero, `gap` holds the stationarity residual, and `convexity` tells where
        the solution is the only one on its support. These penalties need at most 5,000 columns.
    groups : array (p,), optional
        A label for each column of the fitted design, for the group penalties.
    tau : float in [0, 1], optional
        For "sparse group"; 0.5 unless given.
    gamma : float, optional
        For "mcp" (above 1; 3 unless given) and "scad" (above 2; 3.7).
    stop_when_explained : bool
        End the path, as glmnet does, at the first strength (of five or more) at which the final model explains more
        than 99.9 % of its deviance, or hardly more than at the one before: `foldwise.paths.explained` has the rule.
        Off unless asked for: the end of an exact path is cheap or, in a wide table, better left out by
        `stop_when_turned`; and where there is little noise, cross-validation may choose what this leaves out.
    start : Paths, optional
        What fit_paths returned for this table and these held-out sets at nearby strengths. The answer is the same, to
        within the gap. It saves work where a few weak strengths are asked for, which are otherwise come down to from
        zero, above all in a wide table; it saves nothing for a grid, which begins where nothing is in, or a closed
        form.
    time_limit : float, optional
        Seconds after which the path ends with the strengths finished by then, at least one. Ctrl-C does the same; a
        second Ctrl-C, and one within the first 0.2 seconds or before the first strength is finished, goes through. What
        has a closed form (ridge, least squares) finds all strengths at once and is not cut.
    progress : bool or callable
        True shows a bar on the error stream once a second has passed. A callable is told (strengths done, strengths in
        all) as they come.

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
    PathCutShort
        By time_limit or Ctrl-C: how many of how many strengths are finished. All held-out sets have the same ones.
    AccuracyWarning
        A closed form lost more digits to the columns' collinearity than it should.

    Notes
    -----
    A table with more columns than rows (and over 500) is walked in lockstep from its rows; any other is fitted from
    fold moments, with a (p, p) matrix for every fold. See docs/mathematics.md.

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
    folds = _folds_of(folds, X)
    known = X.family if isinstance(X, (RowTable, RowStream)) else family_of(family)
    squared = known.name == "gaussian" and not isinstance(X, RowTable)
    shows = progress is True and isinstance(X, RowStream)  # passes, and not strengths
    shown = False if shows else progress
    control = Control(time_limit=time_limit, stop_when_explained=stop_when_explained, progress=shown)
    l1_ratio = check_fraction("l1_ratio", l1_ratio, least=0.0, most=1.0)
    eps = check_fraction("eps", eps, least=0.0, most=1.0, open_left=True)
    tol = GAUSSIAN_TOL if squared and tol is None else GENERALIZED_TOL if tol is None else tol
    tol = check_fraction("tol", tol, least=0.0, most=1.0)
    grid = check_strengths(alphas)
    if loss not in ("mean", "sum"):
        message = f"loss must be 'mean' or 'sum', got {loss!r}"
        raise InputError(message)
    if not squared:
        table: RowTable | RowStream = _row_table(
            X,
            y,
            known,
            offset,
            folds,
            sample_weight,
            Filling(fill, bool(indicators), pools, min_level_count),
            unused={
                "penalty": None if penalty == "elastic net" else penalty,
                "penalty_factor": penalty_factor if isinstance(penalty_factor, str) else None,
                "groups": groups,
                "tau": tau,
                "gamma": gamma,
                "start": start if isinstance(X, RowStream) or known.name == "multigaussian" else None,
                **_of_rows(X, stop_when_explained),
            },
        )
        _check_nested(table.n_folds, nested=nested)
        options = check_options(
            table.n_features,
            fit_intercept=fit_intercept,
            standardize=standardize,
            penalty_factor=penalty_factor,
            bounds=bounds,
        )
        search = Search(grid, l1_ratio, eps, tol, int(max_iter), loss, nested)
        if isinstance(table, RowStream):
            with passes_shown(table, show=shows) as stream:
                paths = fit_streamed(stream, search, options, control)
        else:
            turned, begin = bool(stop_when_turned), _start_of(start, table, search)
            paths = fit_generalized(table, search, options, control, stop_when_turned=turned, start=begin)
        control.warn_if_cut(len(paths.alphas), paths.n_repeats, stacklevel=2)
        _warn_unless_certified(paths, tol)
        return paths
    if offset is not None:
        y = _less_offset(X, y, offset)
    source = _source_of(
        X,
        y,
        folds=folds,
        sample_weight=sample_weight,
        fill=fill,
        indicators=indicators,
        pools=pools,
        min_level_count=min_level_count,
    )
    choice = check_choice(source.n_features, penalty, groups, tau, gamma)
    if isinstance(source, WideTable) and (not choice.is_plain or isinstance(penalty_factor, str)):
        source = as_moments(source, f"penalty={penalty!r}" if not choice.is_plain else "penalty_factor='adaptive'")
    _check_nested(source.n_folds, nested=nested)
    options = check_options(
        source.n_features,
        fit_intercept=fit_intercept,
        standardize=standardize,
        penalty_factor=penalty_factor,
        bounds=bounds,
        penalty=choice,
    )
    search = Search(grid, l1_ratio, eps, tol, int(max_iter), loss, nested)
    begin = check_start(start, source.n_features, source.held_out_sets(nested=nested), penalty, l1_ratio)
    if isinstance(source, WideTable):
        paths = fit_wide(source, search, options, stop_when_turned=stop_when_turned, control=control, start=begin)
    else:
        rows = None if X is source else Rows(X, y, folds, sample_weight)
        paths = fit_moments(source, search, options, rows, control, begin)
    control.warn_if_cut(len(paths.alphas), paths.n_repeats, stacklevel=2)
    _warn_unless_certified(paths, tol)
    return paths


def _folds_of(folds: Any, X: Any) -> Folds | None:
    if folds is None or isinstance(folds, Folds):
        return folds
    prepared = (FoldMoments, WideTable, RowTable, RowStream)
    if isinstance(folds, int | np.integer) and not isinstance(folds, bool) and not isinstance(X, prepared):
        return Folds.kfold(int(np.shape(X)[0]), int(folds), seed=0)
    message = f"folds must be a number of folds or Folds, got {folds!r}"
    raise InputError(message)


def _of_rows(X: Any, explained: bool) -> dict[str, Any]:  # noqa: FBT001
    """What passes over a table do not know of: they find all strengths at once."""
    return {"stop_when_explained": explained or None} if isinstance(X, RowStream) else {}


def _check_nested(n_folds: int, *, nested: bool) -> None:
    if nested and n_folds < 3:
        message = f"nested needs three or more folds, got {n_folds if n_folds > 1 else 'none'}"
        raise InputError(message)


def _start_of(start: Any, table: RowTable, search: Search) -> Start | None:
    """Where a generalized linear model's walk begins, of an earlier fit of the same family."""
    sets = (frozenset[int](),) if table.folds is None else table.folds.held_out_sets(nested=search.nested)
    begin = check_start(start, table.n_features, sets, "elastic net", search.l1_ratio)
    if begin is not None and start.family.name != table.family.name:
        message = f"start must be a fit of family={table.family.name!r}, got one of {start.family.name!r}"
        raise InputError(message)
    return begin


def _row_table(
    X: Any,
    y: Any,
    family: Family,
    offset: Any,
    folds: Folds | None,
    sample_weight: Any,
    filling: Filling,
    unused: Mapping[str, Any],
) -> RowTable | RowStream:
    """The rows of a generalized linear model; what it can't do yet is refused by name."""
    given = [name for name, value in unused.items() if value is not None]
    if given:
        message = f"{given[0]} must be left out with family={family.name!r}, got {unused[given[0]]!r}"
        raise InputError(message)
    if isinstance(X, (RowTable, RowStream)):
        mine = {"y": y, "folds": folds, "sample_weight": sample_weight, "offset": offset}
        doubled = [name for name, value in mine.items() if value is not None]
        if doubled:
            message = f"{', '.join(doubled)} can't be given with {type(X).__name__}, which has its own"
            raise InputError(message)
        return X
    if isinstance(X, (FoldMoments, WideTable)):
        message = f"X must be the rows themselves for family={family.name!r}, got {type(X).__name__}"
        raise InputError(message)
    if y is None:
        message = "y must be given with X"
        raise InputError(message)
    return RowTable.of(X, y, family, folds=folds, sample_weight=sample_weight, offset=offset, filling=filling)


def _less_offset(X: Any, y: Any, offset: Any) -> Any:
    """For squared errors an offset is the same as a target without it."""
    if isinstance(X, (FoldMoments, WideTable)) or y is None:
        message = "offset can't be given with prepared rows; take it from y before"
        raise InputError(message)
    n = np.shape(X)[0]
    known = check_offset(offset, n)
    return y if known is None else check_target(y, n) - known


def _source_of(X: Any, y: Any, **settings: Any) -> FoldMoments | WideTable:
    if not isinstance(X, (FoldMoments, WideTable)):
        if y is None:
            message = "y must be given with X, unless X is FoldMoments"
            raise InputError(message)
        return prepare(X, y, **settings)
    defaults = {"indicators": False, "pools": (), "min_level_count": 10}
    given = [name for name, value in settings.items() if value != defaults.get(name)]
    if y is not None:
        given.insert(0, "y")
    if given:
        message = f"{', '.join(given)} can't be given with {type(X).__name__}, which has its own"
        raise InputError(message)
    return X


def _warn_unless_certified(paths: Paths, tol: float) -> None:
    gap, status = paths.gap.ravel(), paths.status.ravel()
    failed = np.flatnonzero(status != Status.CERTIFIED)
    if not len(failed):
        return
    from sklearn.exceptions import ConvergenceWarning

    worst = failed[np.argmax(gap[failed])]
    warnings.warn(
        f"{len(failed)} of {len(status)} points are not certified: the worst {paths.certificate} is {gap[worst]:.1e}, "
        f"tol is {tol:.0e}; {Status(int(status[worst])).explanation}",
        ConvergenceWarning,
        stacklevel=3,
    )
