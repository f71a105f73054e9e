"""Paths from fold moments: every held-out set's problem by itself, side by side; rows only where digits ask for it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from foldwise.errors import AccuracyWarning
from foldwise.moments.threads import Team, cores
from foldwise.paths.adaptive import own_options
from foldwise.paths.control import Control
from foldwise.paths.held_out import mean_squared_error
from foldwise.paths.paths import Paths
from foldwise.paths.point import Strengths, certify
from foldwise.paths.problem import Options, Problem
from foldwise.paths.rounds import SetAtWork, in_rounds
from foldwise.paths.rows import refit_from_rows
from foldwise.paths.strengths import Search, strength_grid
from foldwise.solvers.quadratic import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from foldwise.moments import DesignMap, FoldMoments, TrainingSet
    from foldwise.paths.control import Ended
    from foldwise.paths.penalized import Choice
    from foldwise.resampling import Folds

    Floats = NDArray[np.float64]

HeldOut = frozenset[int]

# Relative errors of a closed form from moments above which it is solved again from the rows, or warned about. Ridge at
# its weakest strengths is allowed more: what it loses lies along directions that hardly matter.
LEAST_SQUARES_ERROR = 1e-9
RIDGE_ERROR = 1e-6


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows behind the moments, where they are at hand: arguments of fit_paths as given."""

    X: Any
    y: Any
    folds: Folds | None
    sample_weight: Any


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
    convexity: Floats | None = None


def fit_moments(
    moments: FoldMoments,
    search: Search,
    options: Options,
    rows: Rows | None,
    control: Control | None = None,
    start: Callable[[Floats], Floats] | None = None,
) -> Paths:
    """Paths of every held-out set.

    Parameters
    ----------
    moments : FoldMoments
    search : Search
        What to look for.
    options : Options
    rows : Rows or None
        With rows, a smooth problem for which moments lose too many digits is solved again from them.
    control : Control, optional
        What may end the path early.
    start : callable, optional
        For strengths (A,), the coefficients (H, p) from which the first is solved.
    """
    control = control or Control()
    grid = search.alphas
    if isinstance(grid, int):
        everything = moments.training_set(frozenset())
        own = own_options(everything, options, moments.n_rows)
        grid = strength_grid(Problem.of(everything, own), grid, search.l1_ratio, search.eps, options.penalty)
        grid = grid * (everything.weight if search.loss == "sum" else 1.0)
    strengths = Strengths(grid, search.l1_ratio, search.tol, search.max_iter, search.loss)
    held_out = moments.held_out_sets(nested=search.nested)
    begin = None if start is None else start(grid)
    workers = min(cores(), len(held_out))
    with Team(workers, hold_blas=workers > 1) as team:
        sets, points = in_rounds(team, moments, held_out, strengths, options, control, begin)
        strengths = strengths.stretch(0, points)
        fits = team.each(lambda one: _finished(one, points), sets)
    lost = max(fit.relative_error for fit in fits)
    # Sparse rows would have to be made dense for a factor of them.
    if options.adaptive or not options.penalty.is_plain or (rows is not None and sparse.issparse(rows.X)):
        rows = None
    inexact = lost > (RIDGE_ERROR if strengths.l2.any() else LEAST_SQUARES_ERROR)
    smooth = not strengths.l1.any() and not options.is_bounded
    stuck = smooth and any(np.any(fit.status != Status.CERTIFIED) for fit in fits)
    if rows is not None and (inexact or stuck):
        fits = _from_rows(fits, rows, moments, held_out, strengths, options)
    elif inexact:
        warnings.warn(
            f"collinear columns: coefficients from moments may be off by {lost:.0e} relative to their size; "
            "predictions are hardly affected. Use a stronger penalty, or drop columns",
            AccuracyWarning,
            stacklevel=4,
        )
    return _stack(fits, moments, held_out, strengths, options.penalty, control.ended)


def _finished(one: SetAtWork, points: int) -> _Fit:
    path = one.path(points)
    return _finish(
        one.moments,
        one.members,
        one,
        one.options,
        coef=path.coef,
        gap=path.gap,
        n_iter=path.n_iter,
        status=path.status,
        null_objective=one.null_objective,
        relative_error=one.condition * np.finfo(float).eps,
        convexity=getattr(path, "convexity", None),
    )


def _finish(
    moments: FoldMoments,
    members: HeldOut,
    training: TrainingSet | SetAtWork,
    options: Options,
    *,
    coef: Floats,
    **rest: Any,
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


def _from_rows(
    fits: list[_Fit],
    rows: Rows,
    moments: FoldMoments,
    held_out: tuple[HeldOut, ...],
    strengths: Strengths,
    options: Options,
) -> list[_Fit]:
    """The accuracy guard: where moments would cost too many digits, go back to the rows."""
    maps, scales = [fit.map for fit in fits], [fit.scale for fit in fits]
    coefs = refit_from_rows(rows.X, rows.y, rows.folds, rows.sample_weight, held_out, maps, scales, strengths, options)
    refits = []
    for members, fit, coef in zip(held_out, fits, coefs, strict=True):
        training = moments.training_set(members)
        rest = {name: getattr(fit, name) for name in ("n_iter", "null_objective", "relative_error")}
        gap = certify(Problem.of(training, options), strengths.against_mean(training.weight), coef)
        status = np.where(gap <= strengths.tol, Status.CERTIFIED, Status.ROUNDING).astype(np.int8)
        refits.append(_finish(moments, members, training, options, coef=coef, gap=gap, status=status, **rest))
    return refits


def _stack(
    fits: list[_Fit],
    moments: FoldMoments,
    held_out: tuple[HeldOut, ...],
    strengths: Strengths,
    penalty: Choice,
    ended: Ended,
) -> Paths:
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
    convexity = [fit.convexity for fit in fits if fit.convexity is not None]
    return Paths(
        alphas=strengths.alphas,
        l1_ratio=strengths.l1_ratio,
        held_out=held_out,
        kept=np.stack([fit.coef for fit in fits]),
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
        penalty=penalty.name,
        convexity=np.stack(convexity) if len(convexity) == len(fits) else None,
        ended=ended,
    )
