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

from foldwise.paths.lockstep.state import MAX_ROUNDS, Lockstep
from foldwise.paths.lockstep.turned import has_turned
from foldwise.solvers.quadratic import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.control import Control
    from foldwise.paths.point import Strengths

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# A support's own equations being off by so many times what is allowed, and no less after a step: its inverse is bad.
LOST = 1e3
# Rounds after which coordinates come and go one at a time.
PATIENT = 25
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
    slack = min(0.1 * strengths.tol, 1e-8)
    lockstep.start(ridge=bool(np.any(strengths.l2 > 0.0)))
    points: list[tuple[Ints, Floats]] = []
    gaps, iterations, statuses, errors = [], [], [], []
    last = max(lockstep.emptying(), strengths.l1[0])
    for l1, l2, kept in _way_down(lockstep, strengths, start):
        if control.cut(len(points)):
            break
        lockstep.take_to_hand(max(2.0 * l1 - last, 0.5 * l1))
        last = l1
        steps, settled = _stand_still(lockstep, l1, l2, slack, strengths.max_iter)
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
    lockstep.supports = []  # their inverses are the largest thing in memory, and done with
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


def _stand_still(lockstep: Lockstep, l1: float, l2: float, slack: float, max_iter: int) -> tuple[Ints, bool]:
    """Rounds at one strength until no held-out set moves any more: the steps (H,) and whether that was reached."""
    steps = np.zeros(lockstep.H, dtype=np.intp)
    lockstep.careful[:] = 0
    worst = np.full(lockstep.H, np.inf)
    unrested = np.ones(lockstep.H, dtype=bool)
    repaired: set[int] = set()
    for turn in range(MAX_ROUNDS):
        if turn:  # the supports alone first: where they end tells who is wanted
            lockstep.look(lockstep.hand, l1, l2, slack)
        active = (lockstep.count > 0) | unrested
        if not active.any():
            lockstep.look_where_needed(l1)
            if not lockstep.look_among_reaching(l1, l2, slack):
                return steps, True
            active = lockstep.count > 0
            lockstep.widen_hand()
        if steps.max() >= max_iter:
            break
        if turn > PATIENT:
            lockstep.careful[active] = 1
        worst[(lockstep.count > 0) | (turn == 0)] = np.inf
        sets = np.flatnonzero(active)
        steps += lockstep.advance(l1, l2, sets)
        lockstep.move(sets)
        rest = lockstep.rest(l1, l2, slack)
        # A refinement more while it helps: the jitter and rounding are taken out this way.
        unrested = (rest > 1.0) & (rest < 0.5 * worst)
        for h in np.flatnonzero((rest > LOST) & ~unrested) if rest.max() > LOST else ():
            # An inverse that has lost its digits over many updates is made anew, once at a strength.
            unrested[h] = lockstep.repair(int(h), l2, repaired)
        worst = rest
    lockstep.look_everywhere()
    return steps, False


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
    weight = lockstep.fold_weight
    curves: dict[int, list[tuple[int, Floats]]] = {-1: []}
    for h, members in enumerate(lockstep.held_out):
        if len(members) == 1:
            (fold,) = members
            curves[-1].append((fold, errors[h, fold]))
        for fold in members if len(members) == 2 else ():
            (outer,) = members - {fold}
            curves.setdefault(outer, []).append((fold, errors[h, fold]))
    return all(
        has_turned(np.stack([curve for _, curve in parts]), weight[[fold for fold, _ in parts]])
        for parts in curves.values()
    )
