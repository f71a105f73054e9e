"""The lockstep walk down the path of a wide table: all held-out sets stand at the same strength.

At each strength every held-out set solves its own working columns exactly; then one product X'R tells for all of them
which columns outside violate the optimality conditions; those enter, and the strength is accepted only when a full
check of all p columns finds none. Because all stand at the same strength, the cross-validated error is known as the
walk goes, and the walk can stop once it has turned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.lockstep._screen import conjugates, dual_scales, strong, violators
from foldwise.paths.lockstep.training_statistics import training_statistics
from foldwise.paths.lockstep.turned import has_turned
from foldwise.solvers._quadratic import GrowingProblem
from foldwise.solvers.quadratic import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.moments.threads import Team
    from foldwise.paths.control import Control
    from foldwise.paths.lockstep.columns import DenseColumns
    from foldwise.paths.lockstep.sparse_columns import SparseColumns
    from foldwise.paths.point import Strengths
    from foldwise.paths.problem import Options

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

HeldOut = frozenset[int]
# Rounds of letting violators in before a strength is taken as it is, its gap telling how good it is.
MAX_ROUNDS = 50
# Steps, in the logarithm of the strength, of the way down to the first strength that was asked for.
WARM_STEP = 0.2


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


def runs_of(members: HeldOut, n_folds: int) -> list[tuple[int, int]]:
    """The folds kept, as runs [start, stop) of neighbours.

    >>> runs_of(frozenset({1, 2}), 5)
    [(0, 1), (3, 5)]
    """
    stops = [-1, *sorted(members), n_folds]
    return [(a + 1, b) for a, b in pairwise(stops) if b > a + 1]


def run_sums(parts: Floats, wanted: Sequence[Sequence[tuple[int, int]]]) -> dict[tuple[int, int], Floats]:
    """Sums of the folds' parts (K, ...) over every run that is wanted; nothing is ever subtracted."""
    sums: dict[tuple[int, int], Floats] = {}
    for start, stop in sorted({run for runs in wanted for run in runs}):
        shorter = max((s for a, s in sums if a == start and s < stop), default=None)
        total = parts[start].copy() if shorter is None else sums[start, shorter].copy()
        for fold in range(start + 1 if shorter is None else shorter, stop):
            total += parts[fold]
        sums[start, stop] = total
    return sums


class Lockstep:
    """State of the walk: residuals (n, H) in fold order, working columns, one growing problem per held-out set."""

    def __init__(
        self,
        columns: DenseColumns | SparseColumns,
        y: Floats,
        held_out: Sequence[HeldOut],
        options: Options,
        team: Team,
    ) -> None:
        self.columns, self.held_out, self.options, self.team = columns, held_out, options, team
        self.p, self.H = columns.p, len(held_out)
        statistics = training_statistics(columns, held_out, options)
        self.row_weight, self.total, self.fold_weight = statistics.row_weight, statistics.total, statistics.fold_weight
        self.mean, self.scale, self.spread = statistics.mean, statistics.scale, statistics.spread
        self.y_mean = y @ self.row_weight / self.total if options.fit_intercept else np.zeros(self.H)
        self.target = y[:, None] - self.y_mean
        self.yy = np.einsum("nh,nh->h", self.row_weight, self.target**2) / self.total
        flat = self.yy <= (64.0 * np.finfo(float).eps * self.y_mean) ** 2
        self.target[:, flat], self.yy[flat] = 0.0, 0.0
        self.residual = self.target.copy()
        self.work = columns.working(statistics.fold_mean)
        self.reserve = columns.working(statistics.fold_mean)
        self.kept_runs = [runs_of(members, len(columns.ends) - 1) for members in held_out]
        self.problems = [GrowingProblem(float(value)) for value in self.yy]
        self.mine: list[Ints] = [np.empty(0, dtype=np.intp) for _ in range(self.H)]
        self.root: list[Floats] = [np.empty(0) for _ in range(self.H)]
        self.inside = np.zeros((self.p, self.H), dtype=np.int8)
        self.wanted = np.zeros((self.p, self.H), dtype=np.int8)
        self.found = np.empty(self.p, dtype=np.intp)
        self.everywhere = np.arange(self.p)
        self.coef = np.zeros((0, self.H))
        self._thresholds()
        self.gradient = self._gradient()

    def _thresholds(self) -> None:
        """Per column and set (p, H): what a gradient must exceed per unit of l1, and which sides are open to it."""
        factor = np.where(np.isfinite(self.options.penalty_factor), self.options.penalty_factor, 0.0)
        self.threshold = np.ascontiguousarray((factor * self.spread).T)
        self.square = np.ascontiguousarray((factor * self.spread**2).T)
        live = np.isfinite(self.options.penalty_factor) & ((self.scale > 0.0) | (not self.options.fit_intercept))
        up, down = live & (self.options.upper > 0.0), live & (self.options.lower < 0.0)
        self.sides = np.ascontiguousarray((up + 2 * down).T.astype(np.int8))
        deviation = np.sqrt(self.yy)
        self.box = np.ascontiguousarray(deviation / np.where(self.scale > 0.0, self.scale, 1.0).T)
        size = np.maximum(np.abs(self.mean), self.scale).T
        self.rounding = np.ascontiguousarray(8.0 * np.finfo(float).eps * deviation * size)

    def _gradient(self) -> Floats:
        """(p, H): (x_j - mean)'r / W for every column and held-out set."""
        return self.columns.products(self.row_weight * self.residual) / self.total

    def strongest(self) -> float:
        """The smallest l1 at which no penalized column of the final model moves, the unpenalized ones being fitted."""
        everything = np.finfo(float).max  # nothing penalized exceeds this many times its threshold
        while self.let_in(everything, 0.0, self.everywhere):
            self.solve(everything, 0.0)
            self.move()
            self.look_everywhere()
        return self.emptying(slice(0, 1))

    def emptying(self, sets: slice = slice(None)) -> float:
        """The smallest l1 at which no penalized column of some held-out sets would move from where they stand."""
        g, sides, threshold = self.gradient[:, sets], self.sides[:, sets], self.threshold[:, sets]
        counted = (threshold > 0.0) & (np.where(g > 0.0, sides & 1, sides & 2) > 0)
        return float(np.max(np.abs(g[counted]) / threshold[counted], initial=0.0))

    def keep_at_hand(self, l1: float) -> None:
        """Take the columns within the sequential strong rule's reach into the reserve, where looking at them is cheap.

        R. Tibshirani et al., "Strong rules for discarding predictors in lasso-type problems", JRSS B 74, 2012.
        """
        count = strong(self.gradient, self.threshold, self.sides, l1, self.found)
        self.reserve.bring_in(self.found[:count])

    def let_in(self, l1: float, slack: float, among: Ints) -> bool:
        """Give every held-out set the columns that violate its conditions at l1; whether there were any."""
        wanted = self.wanted
        count = violators(
            among, self.gradient, self.threshold, self.sides, self.rounding, self.inside, l1, slack, wanted, self.found
        )
        if count:
            self._give(self.found[:count].copy())
        return count > 0

    def take_in(self, wanted: NDArray[np.bool_]) -> None:
        """Give every held-out set the columns that are wanted (H, p), whatever their conditions."""
        self.wanted[:] = wanted.T & (self.sides > 0) & (self.inside == 0)
        self._give(np.flatnonzero(self.wanted.any(axis=1)))

    def _give(self, columns: Ints) -> None:
        """Let the held-out sets have those of the columns that `wanted` says."""
        if not len(columns):
            return
        wanted = self.wanted
        self.work.bring_in(columns)
        crossed = run_sums(self.work.crossed(columns), self.kept_runs)
        products = self.work.products(self.row_weight * self.target, self.work.place[columns]) / self.total
        chosen = wanted[columns]
        self.team.each(lambda h: self._extend(h, columns, chosen[:, h], crossed, products), range(self.H))
        self.inside[columns] |= chosen
        self.coef = np.concatenate([self.coef, np.zeros((self.work.size - len(self.coef), self.H))])

    def _extend(
        self, h: int, columns: Ints, wanted: NDArray[np.int8], crossed: dict[tuple[int, int], Floats], products: Floats
    ) -> None:
        picks = np.flatnonzero(wanted)
        if not len(picks):
            return
        old, new = self.mine[h], columns[picks]
        mine = np.concatenate([old, new])
        place = self.work.place[mine]
        cells = np.ix_(picks, place)
        Q = sum(crossed[run][cells] for run in self.kept_runs[h])
        if self.options.fit_intercept:
            # The folds' means about this training set's own: the between part of a merge.
            kept = [fold for start, stop in self.kept_runs[h] for fold in range(start, stop)]
            away = self.work.fold_mean[np.ix_(kept, place)] - self.mean[h, mine]
            Q += (away[:, len(old) :] * self.fold_weight[kept][:, None]).T @ away
        Q /= self.total[h]
        at = np.arange(len(picks))
        diagonal = np.maximum(Q[at, len(old) + at], 0.0)
        root = np.sqrt(diagonal)
        safe = np.where(root > 0.0, root, 1.0)
        all_roots = np.concatenate([self.root[h], safe])
        Q /= all_roots
        Q /= safe[:, None]
        weight = self.options.penalty_factor[new] * self.spread[h, new] / safe
        bounds = np.where(root > 0.0, np.stack([self.options.lower[new], self.options.upper[new]]) * safe, 0.0)
        square = self.options.penalty_factor[new] * (self.spread[h, new] / safe) ** 2
        self.problems[h].extend(Q, np.stack([products[picks, h] / safe, weight, square, *bounds]))
        self.mine[h], self.root[h] = mine, all_roots

    def solve(self, l1: float, l2: float, slack: float = 1e-8, max_iter: int = 100_000) -> list[tuple[int, int]]:
        """Every held-out set's working columns, to their optimality conditions: steps and status of each."""
        return self.team.each(lambda h: self._solve_one(h, l1, l2, slack, max_iter), range(self.H))

    def _solve_one(self, h: int, l1: float, l2: float, slack: float, max_iter: int) -> tuple[int, int]:
        outcome: tuple[int, int] = self.problems[h].solve(l1, l2, slack, max_iter)
        if len(self.mine[h]):
            b = np.empty(len(self.mine[h]))
            self.problems[h].coefficients(b)
            self.coef[self.work.place[self.mine[h]], h] = b / self.root[h]
        return outcome

    def move(self) -> None:
        """Residuals at the coefficients as they stand, and the gradients of the reserve."""
        fitted = self.work.fitted(self.coef)
        if self.options.fit_intercept:
            fitted -= np.einsum("nh,nh->h", self.row_weight, fitted) / self.total
        self.residual = self.target - fitted
        self.gradient[self.reserve.columns] = self.reserve.products(self.row_weight * self.residual) / self.total

    def look_everywhere(self) -> None:
        """Gradients of all p columns: one product X'R for all held-out sets."""
        self.gradient = self._gradient()

    def relative_gap(self, l1: float, l2: float) -> Floats:
        """Relative duality gap (H,) over all p columns, as `foldwise.solvers.duality` defines it."""
        b, place = self.coef, self.work.columns
        weighted = self.row_weight * self.residual
        rr = np.einsum("nh,nh->h", weighted, self.residual) / self.total
        ry = np.einsum("nh,nh->h", weighted, self.target) / self.total
        penalty = (l1 * self.threshold[place] * np.abs(b) + 0.5 * l2 * self.square[place] * b**2).sum(axis=0)
        needed, full = np.ones(self.H), np.ones(self.H)
        bounds = self.options.lower, self.options.upper
        dual_scales(self.gradient, self.threshold, self.sides, l1, *bounds, needed, full)
        best = np.full(self.H, -np.inf)
        # A ridge term bounds every coefficient, so that the dual needs no scaling; it may still be better with.
        for scale in (np.ones(self.H) if l2 > 0.0 else needed, full):
            lost = np.zeros(self.H)
            conjugates(
                self.gradient, self.threshold, self.sides, l1, l2, self.square, *bounds,
                self.box, self.work.place, b, scale, lost,
            )  # fmt: skip
            best = np.maximum(best, scale * ry - 0.5 * scale**2 * rr - lost)
        return np.where(self.yy > 0.0, (0.5 * rr + penalty - best) / np.where(self.yy > 0.0, 0.5 * self.yy, 1.0), 0.0)

    def explained(self) -> float:
        """Share of the first held-out set's null deviance that is explained."""
        left = self.row_weight[:, 0] @ self.residual[:, 0] ** 2 / self.total[0]
        return float(1.0 - left / self.yy[0]) if self.yy[0] > 0.0 else 0.0

    def fold_errors(self) -> Floats:
        """Mean squared error (H, K) on every fold."""
        squares = self.columns.weight[:, None] * self.residual**2
        return (np.add.reduceat(squares, self.columns.ends[:-1], axis=0) / self.fold_weight[:, None]).T


def walk(
    lockstep: Lockstep, strengths: Strengths, *, stop_when_turned: bool, control: Control, start: Floats | None = None
) -> Walk:
    """Walk down the strengths; stop early where asked to and every cross-validated curve has turned, or by control.

    With `start` (H, p), the columns that it has are let in at once, in place of coming down to the first strength.
    """
    slack = min(0.1 * strengths.tol, 1e-8)
    coefs: list[Floats] = []
    intercepts, gaps, iterations, statuses, errors = [], [], [], [], []
    last = max(lockstep.emptying(), strengths.l1[0])
    for l1, l2, kept in _way_down(lockstep, strengths, start):
        if control.cut(len(coefs)):
            break
        lockstep.keep_at_hand(max(2.0 * l1 - last, 0.5 * l1))
        last = l1
        steps = np.zeros(lockstep.H, dtype=np.intp)
        status = np.zeros(lockstep.H, dtype=np.int8)
        for _ in range(MAX_ROUNDS):
            outcome = lockstep.solve(l1, l2, slack, strengths.max_iter)
            steps += [one[0] for one in outcome]
            lockstep.move()
            if lockstep.let_in(l1, slack, lockstep.reserve.columns):
                continue
            lockstep.look_everywhere()
            if not lockstep.let_in(l1, slack, lockstep.everywhere):
                break
        if not kept:
            continue
        gap = lockstep.relative_gap(l1, l2)
        stopped = np.array([one[1] == Status.STOPPED for one in outcome])
        status[gap > strengths.tol] = Status.ROUNDING
        status[(gap > strengths.tol) & stopped] = Status.STOPPED
        coefs.append(lockstep.coef.copy())
        index = lockstep.work.columns
        intercepts.append(lockstep.y_mean - np.einsum("qh,hq->h", lockstep.coef, lockstep.mean[:, index]))
        gaps.append(gap)
        iterations.append(steps)
        statuses.append(status)
        errors.append(lockstep.fold_errors())
        turned = stop_when_turned and _all_turned(lockstep, np.stack(errors, axis=2))
        if turned or control.explained(lockstep.explained):
            break
    q = lockstep.work.size
    coef = np.zeros((lockstep.H, len(coefs), q))
    for a, part in enumerate(coefs):
        coef[:, a, : len(part)] = part.T
    if not lockstep.options.fit_intercept:
        intercepts = [np.zeros(lockstep.H)] * len(coefs)
    return Walk(
        index=lockstep.work.columns.copy(),
        coef=coef,
        intercept=np.stack(intercepts, axis=1),
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

    Those far below where the model empties are come down to, so that the working columns stay few.
    """
    asked = [(l1, l2, True) for l1, l2 in zip(strengths.l1.tolist(), strengths.l2.tolist(), strict=True)]
    if start is not None:
        lockstep.take_in(start != 0.0)
        return asked
    top, first = max(lockstep.emptying(), strengths.l1[0]), strengths.l1[0]
    between = np.geomspace(top, first, 1 + int(np.ceil(np.log(top / first) / WARM_STEP)))[:-1]
    mixed = (1.0 - strengths.l1_ratio) / strengths.l1_ratio
    return [*((l1, l1 * mixed, False) for l1 in between.tolist()), *asked]


def first_of(one: Walk, points: int) -> Walk:
    """The first strengths of a walk."""
    cut = {name: getattr(one, name)[:, :points] for name in ("coef", "intercept", "gap", "n_iter", "status")}
    return replace(one, fold_error=one.fold_error[:, :, :points], **cut)


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
