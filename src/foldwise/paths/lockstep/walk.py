"""The lockstep walk down the path of a wide table: all held-out sets stand at the same strength.

At each strength every held-out set solves the equations of its own support; then one product X'R tells for all of them
which columns outside violate the optimality conditions; the best of those enter, round by round, and the strength is
accepted only when a full check of all p columns finds none. Because all stand at the same strength, the cross-validated
error is known as the walk goes, and the walk can stop once it has turned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.lockstep.turned import all_turned
from foldwise.paths.lockstep.ways import Ways
from foldwise.solvers.quadratic import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.control import Control
    from foldwise.paths.lockstep.state import Lockstep
    from foldwise.paths.point import Strengths

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# The longest stride from one strength to the next, in its logarithm.
LONGEST_STRIDE = 0.25


@dataclass(frozen=True, eq=False)
class Walk:
    """What the walk found for H held-out sets of one partition, at the A strengths it reached.

    Parameters
    ----------
    index : array (q,)
        The columns that ever had a say.
    coef : array (H, A, q)
        Their coefficients in original units.
    intercept, gap : arrays (H, A)
    n_iter, status : arrays (H, A)
    null_objective : array (H,)
    mean, scale : arrays (H, p)
    fold_error : array (H, K, A)
        Mean squared error on each fold; only those of held-out folds are errors on unseen rows.
    """

    index: Ints
    coef: Floats
    intercept: Floats
    gap: Floats
    n_iter: Ints
    status: NDArray[np.int8]
    null_objective: Floats
    mean: Floats
    scale: Floats
    fold_error: Floats


def walk(
    lockstep: Lockstep, strengths: Strengths, *, stop_when_turned: bool, control: Control, start: Floats | None = None
) -> Walk | None:
    """Walk down the strengths; stop early where asked to and every cross-validated curve has turned, or by control.

    With `start` (H, p), the columns that it has are let in at once, in place of coming down to the first strength. None
    where control ends the walk before that.
    """
    ways = Ways(lockstep, strengths.tol)
    lockstep.start(ridge=bool(np.any(strengths.l2 > 0.0)))
    points: list[tuple[Ints, Floats]] = []
    gaps, iterations, statuses, errors = [], [], [], []
    last = max(lockstep.emptying(), strengths.l1[0])
    for l1, l2, kept in _way_down(lockstep, strengths, start):
        if control.cut(len(points)):
            break
        near = max(2.0 * l1 - last, 0.5 * l1)
        lockstep.take_to_hand(near)
        last = l1
        steps, settled = ways.stand_still(l1, l2, near, strengths.max_iter)
        if not kept:
            continue
        gap = lockstep.relative_gap(l1, l2)
        status = np.zeros(lockstep.H, dtype=np.int8)
        status[gap > strengths.tol] = Status.ROUNDING if settled else Status.STOPPED
        used = np.flatnonzero(lockstep.coef[: lockstep.work.size].any(axis=1))
        points.append((lockstep.work.columns[used], lockstep.coef[used]))
        gaps.append(gap)
        iterations.append(steps)
        statuses.append(status)
        errors.append(lockstep.fold_errors())
        turned = stop_when_turned and _all_turned(lockstep, np.stack(errors, axis=2))
        if turned or control.explained(lockstep.explained):
            break
    if not points:
        return None
    lockstep.release_supports()
    index, coef = _gather(points)
    intercept = np.zeros(coef.shape[:2])
    if lockstep.options.fit_intercept:
        intercept = lockstep.y_mean[:, None] - np.einsum("haq,hq->ha", coef, lockstep.mean[:, index])
    return Walk(
        index=index,
        coef=coef,
        intercept=intercept,
        gap=np.stack(gaps, axis=1),
        n_iter=np.stack(iterations, axis=1),
        status=np.stack(statuses, axis=1),
        null_objective=0.5 * lockstep.yy,
        mean=lockstep.mean,
        scale=lockstep.scale,
        fold_error=np.stack(errors, axis=2),
    )


def _way_down(lockstep: Lockstep, strengths: Strengths, start: Floats | None) -> list[tuple[float, float, bool]]:
    """The strengths to visit, and whether each was asked for.

    What lies far below where the model empties, or below the strength before, is come down to in strides, so that few
    columns come in at a time that must leave again.
    """
    begun = start is not None and lockstep.take_in(start.T, float(strengths.l1[0]), float(strengths.l2[0]))
    last = strengths.l1[0] if begun else max(lockstep.emptying(), strengths.l1[0])
    mixed = (1.0 - strengths.l1_ratio) / strengths.l1_ratio
    way: list[tuple[float, float, bool]] = []
    for l1, l2 in zip(strengths.l1.tolist(), strengths.l2.tolist(), strict=True):
        strides = int(np.ceil(np.log(last / l1) / LONGEST_STRIDE)) if last > l1 > 0.0 else 1
        first = 0 if not way and not begun else 1
        between = np.geomspace(last, l1, strides + 1)[first:-1].tolist() if strides > 1 else []
        way += [(one, one * mixed, False) for one in between]
        way.append((l1, l2, True))
        last = l1
    return way


def first_of(one: Walk, points: int) -> Walk:
    """The first strengths of a walk."""
    cut = {name: getattr(one, name)[:, :points] for name in ("coef", "intercept", "gap", "n_iter", "status")}
    return replace(one, fold_error=one.fold_error[:, :, :points], **cut)


def _gather(points: list[tuple[Ints, Floats]]) -> tuple[Ints, Floats]:
    """Coefficients (H, A, q) of all points over the q columns that are not zero in some of them."""
    index = np.unique(np.concatenate([columns for columns, _ in points]))
    coef = np.zeros((points[0][1].shape[1], len(points), len(index)))
    for a in range(len(points) - 1, -1, -1):
        columns, part = points.pop()
        coef[:, a, np.searchsorted(index, columns)] = part.T
    return index, coef


def _all_turned(lockstep: Lockstep, errors: Floats) -> bool:
    """Whether the curve of the cross-validation, and of every inner one where folds are nested, has turned."""
    return all_turned(lockstep.held_out, errors, lockstep.fold_weight)
