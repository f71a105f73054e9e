"""Risk sets: the partial likelihood of many training sets at once, its gradient, and a curvature that is above its own.

Times of events are grouped by stratum. With s_i = w_i exp(eta_i), those at risk at an event time are the rows whose
time is not before it, less those that enter later, so that cumulative sums in order of time give all risk sets; the
cumulative hazard that a row has lived through is a cumulative sum the other way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foldwise.families.cox import EVENT, START, STOP, STRATUM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Who is at risk when, for n rows and G groups of events at one time in one stratum.

    Parameters
    ----------
    by_stop, by_start : arrays (n,)
        Rows by stratum, in each from the latest time down.
    stops, starts : pairs of arrays (G,)
        Positions in those orders from where to where rows have not ended, or have not entered, by the group's time.
    lived, entered : arrays (n,)
        How many groups, strata before its own included, are not after a row's time, or its entry.
    group : array (n,)
        Of an event's row; -1 for a censored one.
    n_groups : int

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.families.cox import Cox
    >>> y = Cox().check_target(np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 0.0]]), 3)
    >>> loss, gradient, _ = RiskSets.of(y).partial(np.zeros((3, 1)), np.ones((3, 1)), efron=False)
    >>> float(loss[0]) == float(np.log(3.0) + np.log(2.0))
    True
    >>> gradient[:, 0].round(3)
    array([-0.667, -0.167,  0.833])
    """

    by_stop: Ints
    by_start: Ints
    stops: tuple[Ints, Ints]
    starts: tuple[Ints, Ints]
    lived: Ints
    entered: Ints
    group: Ints
    n_groups: int

    @classmethod
    def of(cls, y: Floats) -> RiskSets:
        """From entry, time, event and stratum (n, 4)."""
        start, stop, event = y[:, START], y[:, STOP], y[:, EVENT] > 0.0
        stratum = np.unique(y[:, STRATUM], return_inverse=True)[1]
        pairs = np.unique(np.stack([stratum[event].astype(np.float64), stop[event]], axis=1), axis=0)
        of_group, times = pairs[:, 0].astype(np.intp), pairs[:, 1]
        group = np.full(len(y), -1, dtype=np.intp)
        # Strata one after another on one axis of ranks, so that one search serves all.
        ranks = _Ranks(stratum, of_group, times)
        group[event] = ranks.not_after(stratum[event], stop[event]) - 1
        by_stop, by_start = np.lexsort((-stop, stratum)), np.lexsort((-start, stratum))
        return cls(
            by_stop=by_stop,
            by_start=by_start,
            stops=_from_to(stratum[by_stop], stop[by_stop], of_group, times),
            starts=_from_to(stratum[by_start], start[by_start], of_group, times),
            lived=ranks.not_after(stratum, stop),
            entered=ranks.not_after(stratum, start),
            group=group,
            n_groups=len(times),
        )

    def partial(self, eta: Floats, weight: Floats, *, efron: bool) -> tuple[Floats, Floats, Floats]:
        """Loss (H,), gradient (n, H) and curvature (n, H) of weighted training sets, summed and not averaged.

        The curvature is w exp(eta) times the hazard lived through: a diagonal that, centred, is nowhere below the
        loss's own curvature.

        Parameters
        ----------
        eta, weight : arrays (n, H)
            A weight of 0 leaves a row out.
        efron : bool
        """
        kept = weight > 0.0
        top = np.where(kept, eta, -np.inf).max(axis=0)
        s = np.where(kept, weight * np.exp(np.minimum(eta - top, 0.0)), 0.0)
        risk = _between(s[self.by_stop], self.stops) - _between(s[self.by_start], self.starts)
        events = np.flatnonzero(self.group >= 0)
        group = self.group[events]
        dead, count = self._sums(group, weight[events]), self._sums(group, kept[events].astype(np.float64))
        some = count > 0.0
        risk = np.where(some, np.maximum(risk, np.finfo(float).tiny), 1.0)
        tied = self._sums(group, s[events]) if efron else np.zeros_like(risk)
        mean = np.divide(dead, count, out=np.zeros_like(dead), where=some)
        hazard, less, logs = np.zeros_like(risk), np.zeros_like(risk), np.zeros_like(risk)
        for turn in range(int(count.max()) if efron else 1):
            share = np.divide(turn, count, out=np.zeros_like(count), where=some)
            left = np.where(some & (turn < np.maximum(count, 1.0)), mean if efron else dead, 0.0)
            at_risk = np.maximum(risk - share * tied, np.finfo(float).tiny)
            hazard += left / at_risk
            less += share * left / at_risk
            logs += left * np.log(at_risk)
        loss = (logs + dead * top).sum(axis=0)
        loss -= np.where(kept[events], weight[events] * eta[events], 0.0).sum(axis=0)
        grown = np.concatenate([np.zeros((1, eta.shape[1])), np.cumsum(hazard, axis=0)])
        lived = grown[self.lived] - grown[self.entered]
        lived[events] -= less[group]
        curvature = s * lived
        gradient = curvature.copy()
        gradient[events] -= np.where(kept[events], weight[events], 0.0)
        return loss, gradient, curvature

    def hessian(self, X: Floats, eta: Floats, weight: Floats, *, efron: bool) -> Floats:
        """Second derivatives (q, q) of one training set's loss in the coefficients of columns X (n, q).

        The diagonal curvature, less the products of the risk sets' mean columns: what is left is the covariance of the
        columns within each risk set.

        Parameters
        ----------
        X : array (n, q)
        eta, weight : arrays (n, 1)
        efron : bool
        """
        curvature = self.partial(eta, weight, efron=efron)[2]
        kept = weight > 0.0
        s = np.where(kept, weight * np.exp(np.minimum(eta - np.where(kept, eta, -np.inf).max(), 0.0)), 0.0)
        z = s * np.where(kept, X, 0.0)
        both = np.concatenate([s, z], axis=1)
        risk = _between(both[self.by_stop], self.stops) - _between(both[self.by_start], self.starts)
        events = np.flatnonzero((self.group >= 0) & kept[:, 0])
        group = self.group[events]
        dead, count = self._sums(group, weight[events]), self._sums(group, np.ones((len(events), 1)))
        tied = self._sums(group, both[events]) if efron else np.zeros_like(risk)
        inner = np.where(kept, X, 0.0).T @ (curvature * np.where(kept, X, 0.0))
        safe = np.maximum(count, 1.0)
        for turn in range(int(count.max(initial=1.0)) if efron else 1):
            here = np.flatnonzero(count[:, 0] > turn)
            left = (dead / safe if efron else dead)[here]
            at = risk[here] - (turn / safe[here]) * tied[here]
            root = np.sqrt(left) / np.maximum(at[:, :1], np.finfo(float).tiny)
            inner -= (root * at[:, 1:]).T @ (root * at[:, 1:])
        return np.asarray(inner)

    def _sums(self, group: Ints, each: Floats) -> Floats:
        """Sums (G, H) over the events of every group."""
        total = np.zeros((self.n_groups, each.shape[1]))
        np.add.at(total, group, each)
        return total


@dataclass(frozen=True, eq=False)
class _Ranks:
    """Counts of groups on one axis, stratum after stratum."""

    stratum: Ints
    of_group: Ints
    times: Floats

    def not_after(self, stratum: Ints, time: Floats) -> Ints:
        """How many groups of earlier strata, and of one's own that are not after a time, there are."""
        out = np.empty(len(time), dtype=np.intp)
        for each in np.unique(stratum):
            mine = stratum == each
            low, high = np.searchsorted(self.of_group, [each, each + 1])
            out[mine] = low + np.searchsorted(self.times[low:high], time[mine], side="right")
        return out


def _from_to(stratum: Ints, time: Floats, of_group: Ints, times: Floats) -> tuple[Ints, Ints]:
    """For every group the positions [from, to) of rows, sorted by stratum and falling time, that are not before it."""
    low = np.searchsorted(stratum, of_group)
    high = np.empty(len(times), dtype=np.intp)
    for each in np.unique(of_group):
        mine = of_group == each
        a, b = np.searchsorted(stratum, [each, each + 1])
        high[mine] = a + np.searchsorted(-time[a:b], -times[mine], side="right")
    return low, high


def _between(values: Floats, ends: tuple[Ints, Ints]) -> Floats:
    """Sums (G, H) of rows [from, to)."""
    grown = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return np.asarray(grown[ends[1]] - grown[ends[0]])
