"""Rounds: every held-out set's path from moments a few strengths at a time, so that it can end anywhere.

In each round all sets go down the same strengths, side by side. Rounds are as long as nobody minds waiting for, which
makes of a short fit two or three, and costs a long one nothing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.adaptive import own_options
from foldwise.paths.point import Solving, Strengths
from foldwise.paths.problem import Options, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.moments import FoldMoments
    from foldwise.moments.threads import Team
    from foldwise.paths.control import Control
    from foldwise.solvers.quadratic import QuadraticPath

    Floats = NDArray[np.float64]

# Seconds that a round should take.
ROUND = 0.1
# A round has at most this many times the strengths of the one before: the first ones, hardly any feature being in, are
# a poor measure of what is to come.
GROWTH = 8
# Held-out sets times strengths times columns squared, up to which the whole path is less than anybody would keep, or
# wait for: it goes in one round, unless it is watched.
QUICK = 1e8
# Problems are kept from round to round as long as all of them take no more than this; else they are made anew, in
# rounds so long that it takes at most this share of the time.
HELD_BYTES = 512 << 20
REMAKING = 0.05


class SetAtWork:
    """One held-out set's path in the making.

    Parameters
    ----------
    moments : FoldMoments
    members : frozenset of int
    strengths : Strengths
        As for all sets.
    options : Options
        As for all sets.
    start : array (p,) or None
        Coefficients in original units to start from.
    stop : int
        How many strengths to go down at once; with a closed form it is all of them.
    hold : bool
        Whether to keep the quadratic problem for the rounds that follow.
    explain : bool
        Whether to note the share of the deviance that is explained at each strength.
    """

    def __init__(
        self,
        moments: FoldMoments,
        members: frozenset[int],
        strengths: Strengths,
        options: Options,
        *,
        start: Floats | None,
        stop: int,
        hold: bool,
        explain: bool,
    ) -> None:
        self.moments, self.members, self.asked = moments, members, options
        problem = self._make()
        self._explain, self.shares = explain, list[float]()
        self.null_objective, self._root = 0.5 * problem.yy, problem.root
        self._solving = Solving(problem, strengths.against_mean(self.weight), self.options, start)
        self._solve(problem, stop)
        self._held = problem if hold and self.done < len(strengths.alphas) else None

    def _make(self) -> Problem:
        began = monotonic()
        training = self.moments.training_set(self.members)
        share = training.weight / self.moments.weight[: self.moments.n_folds].sum()
        self.options = own_options(training, self.asked, share * self.moments.n_rows)
        problem = Problem.of(training, self.options)
        self.weight, self.mean, self.scale, self.map = training.weight, training.mean, training.scale, training.map
        self.y_mean = training.y_mean
        self.making = monotonic() - began
        return problem

    @property
    def done(self) -> int:
        """How many strengths are finished."""
        return self._solving.done

    @property
    def condition(self) -> float:
        """How much larger than rounding the relative error of a closed form may be."""
        return self._solving.condition

    @property
    def at_once(self) -> bool:
        """Whether a closed form gives all strengths at once."""
        return self._solving.closed

    def advance(self, stop: int) -> None:
        """Go down to strength number `stop`."""
        if self.done < stop:
            self._solve(self._held or self._make(), stop)

    def _solve(self, problem: Problem, stop: int) -> None:
        path = self._solving.advance(problem, stop)
        if self._explain and path is not None:
            b = path.coef
            explained = 2.0 * (b @ problem.c) - np.einsum("aj,aj->a", b @ problem.Q, b)
            self.shares += (explained / problem.yy if problem.yy > 0.0 else explained).tolist()

    def path(self, points: int) -> QuadraticPath:
        """The first `points` strengths, with coefficients in original units."""
        path = self._solving.path(points)
        return replace(path, coef=path.coef / self._root)


def in_rounds(
    team: Team,
    moments: FoldMoments,
    held_out: Sequence[frozenset[int]],
    strengths: Strengths,
    options: Options,
    control: Control,
    start: Floats | None,
) -> tuple[list[SetAtWork], int]:
    """Work on all held-out sets until control ends it: the sets, and how many strengths all of them have finished."""
    points, p = len(strengths.alphas), moments.n_features
    control.expect(points)
    quick = not control.watched and len(held_out) * points * p**2 <= QUICK
    hold = 2 * 8 * len(held_out) * p**2 <= HELD_BYTES

    def begin(h: int) -> SetAtWork:
        return SetAtWork(
            moments,
            held_out[h],
            strengths,
            options,
            start=None if start is None else start[h],
            stop=points if quick else 1,
            hold=hold,
            explain=control.stop_when_explained and h == 0,
        )

    smooth = options.penalty.is_plain and not strengths.l1.any() and not options.is_bounded
    sets: list[SetAtWork] = []
    if quick or smooth:
        sets = team.each(begin, range(len(held_out)))
        if quick or all(one.at_once for one in sets):
            return sets, _explained(sets[0], control, 0, points) or points
    with control:
        control.cut(0)
        sets = sets or team.each(begin, range(len(held_out)))
        done, count = 0, 1
        while True:
            reached = min(one.done for one in sets)
            if enough := _explained(sets[0], control, done, reached):
                return sets, enough
            done = reached
            if control.cut(done) or done == points:
                return sets, done
            began, stop = monotonic(), min(done + count, points)
            team.each(partial(SetAtWork.advance, stop=stop), sets)
            making = 0.0 if hold else sum(one.making for one in sets) / team.workers
            each = max(monotonic() - began - making, 1e-6) / (stop - done)
            wanted = min(max(ROUND, making / REMAKING), control.seconds_left)
            count = max(1, min(GROWTH * count, int(wanted / each)))


def _explained(final: SetAtWork, control: Control, start: int, stop: int) -> int:
    """How many strengths it takes until enough is explained, where one of these does; else 0."""
    if control.stop_when_explained:
        for at in range(start, stop):
            if control.explained(partial(final.shares.__getitem__, at)):
                return at + 1
    return 0
