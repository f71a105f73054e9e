"""Stability selection: which features half-samples agree on, all of them fitted as one batch of held-out halves.

Folds with K = 2 are a pair of complementary halves, and the fit that holds one half out is the fit of the other; B
repeats are B pairs. So one pass over the rows and one call of fit_paths give all 2B half-sample paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError
from foldwise.inference import SelectionBounds, largest_q, selection_bounds, smallest_threshold
from foldwise.inference.selection import checked_assumption, checked_count, checked_threshold
from foldwise.paths.fit import fit_paths
from foldwise.paths.options import spread
from foldwise.resampling import Folds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from foldwise.inference.selection import Assumption
    from foldwise.paths.paths import Paths

    Floats = NDArray[np.float64]

# A half-sample's path may start at a stronger penalty than the whole table's: by about sqrt(2) where all is noise.
HEADROOM = 2.0
# Memory for the moments and coefficients of as many pairs as are fitted together.
BATCH_BYTES = 256 << 20


@dataclass(frozen=True, eq=False, repr=False)
class StabilitySelection:
    """What B pairs of complementary half-samples agree on.

    Attributes
    ----------
    names : tuple of p strings
    share : array (p,)
        The share of the 2B half-samples with the feature among the first q to enter their path.
    sign : array (p,) of int
        The sign with which most of those entered: -1, 1, or 0 where there are none or as many of each.
    alphas : array (A,)
    probability : array (A, p)
        The share of the half-samples whose fit at each strength keeps the feature: the stability paths.
    q : int
        Features that one half-sample selects at most.
    threshold : float
        The share from which on a feature is selected.
    pairs : int
        B.
    candidates : array (p,) of bool
        False for features that are left out or never penalized, which are not selected from.
    bounds : SelectionBounds
        Of the expected number of selected features with low selection probability.
    assumption : {"none", "unimodal", "r-concave"}
        Which of them `bound` is.
    """

    names: tuple[str, ...]
    share: Floats
    sign: NDArray[np.intp]
    alphas: Floats
    probability: Floats
    q: int
    threshold: float
    pairs: int
    candidates: NDArray[np.bool_]
    bounds: SelectionBounds
    assumption: Assumption

    @property
    def selected(self) -> NDArray[np.intp]:
        """Positions of the selected features, the steadiest first."""
        enough = np.round(self.share * 2 * self.pairs) >= np.ceil(round(self.threshold * 2 * self.pairs, 8))
        found = np.flatnonzero(enough & self.candidates)
        return found[np.argsort(-self.share[found], kind="stable")]

    @property
    def selected_names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.names[at] for at in self.selected)

    @property
    def bound(self) -> float:
        """At most so many selected features of selection probability <= q / p are to be expected."""
        return self.bounds.under(self.assumption)

    def __repr__(self) -> str:
        """A table of the selected features, the nearest others, and the bounds."""
        return _text(self)


def stability_selection(
    X: ArrayLike,
    y: ArrayLike,
    *,
    pairs: int = 50,
    q: int | None = None,
    threshold: float | None = None,
    expected: float | None = None,
    assumption: Assumption = "none",
    alphas: int | ArrayLike = 100,
    eps: float = 0.01,
    folds: Folds | None = None,
    seed: int = 0,
    names: Sequence[str] | None = None,
    **settings: Any,
) -> StabilitySelection:
    """Select the features that most half-samples select, with a bound on how many unstable ones slip in.

    B times the rows are dealt into two halves. Each half-sample selects the first q features that enter its path (of
    those that enter between two strengths of the grid, the largest per standard deviation first). Selected are the
    features that at least a share `threshold` of the 2B half-samples select.

    Two of q, threshold and expected decide the third: q is the largest, threshold the smallest, that keeps the bound at
    or below `expected`. With less given, threshold is 0.75, and expected 1.

    Parameters
    ----------
    X : array (n, p)
    y : array (n,)
    pairs : int
        B >= 2; Shah & Samworth use 50.
    q : int, optional
    threshold : float in (1/2, 1], optional
    expected : float, optional
        Selected features of low selection probability to put up with: those that a single half-sample selects with
        probability at most q / p, as guessing would.
    assumption : {"none", "unimodal", "r-concave"}
        Which bound decides. "none" always holds; the others are tighter, and hold where the distribution of the share
        of pairs that select such a feature in both halves has that shape. See docs/choosing.md.
    alphas : int or array (A,)
        How many strengths, or which. A number gives a grid from twice the strongest useful strength downward.
    eps : float
        Weakest over strongest useful strength; half-samples that have not seen q features by then select fewer.
    folds : Folds, optional
        Other halves: K = 2, one repeat for each pair; grouped or stratified ones, say. Then leave out pairs and seed.
    seed : int
    names : sequence of p strings, optional
        Those of a dataframe's columns where omitted.
    **settings
        l1_ratio, sample_weight, fit_intercept, standardize, penalty_factor, bounds, fill and all else of fit_paths.

    Returns
    -------
    StabilitySelection

    Raises
    ------
    InputError
        Names the argument, what was given and what would be accepted.

    Notes
    -----
    With an odd number of rows one half has one row more, where Shah & Samworth leave a row out; their theorem 1 holds
    all the same, if selection probabilities are low for both sizes. Strengths are those of the whole table, but only
    the order in which features enter counts.

    References
    ----------
    Shah & Samworth (2013), Variable selection with error control: another look at stability selection, Journal of the
    Royal Statistical Society B 75; Meinshausen & Buehlmann (2010), Stability selection, the same journal 72.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.paths import stability_selection
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 30))
    >>> found = stability_selection(X, 2.0 * X[:, 4] - X[:, 7] + rng.normal(size=100), pairs=20)
    >>> found.selected_names, found.q, round(found.bound, 2)
    (('x4', 'x7'), 3, 0.6)
    """
    checked_assumption(assumption)
    if settings.get("l1_ratio", 1.0) == 0.0:
        message = "l1_ratio must be > 0: ridge drops no feature, so none enters"
        raise InputError(message)
    halves = _halves(folds, int(np.shape(y)[0]), pairs, seed)
    pairs = halves.n_repeats
    whole = fit_paths(X, y, alphas=1, eps=eps, **settings).uninterrupted()
    candidates = _candidates(whole.n_features, settings)
    p = int(candidates.sum())
    names = _names(names, X, len(candidates))
    q, threshold = _plan(q, threshold, expected, p, pairs, assumption)
    bounds = selection_bounds(q, p, threshold, pairs)
    grid = _grid(alphas, float(whole.alphas[0]), eps)
    tally = _Tally.empty(len(grid), candidates, q)
    for batch in _batches(halves, len(candidates), len(grid)):
        tally.count(fit_paths(X, y, folds=batch, alphas=grid, **settings).uninterrupted())
    return StabilitySelection(
        names=names,
        share=tally.first / (2 * pairs),
        sign=np.sign(tally.signs).astype(np.intp),
        alphas=grid,
        probability=tally.kept / (2 * pairs),
        q=q,
        threshold=threshold,
        pairs=pairs,
        candidates=candidates,
        bounds=bounds,
        assumption=assumption,
    )


@dataclass(frozen=True, eq=False)
class _Tally:
    """Counts over half-samples: kept at every strength (A, p), among the first q (p,), and their signs (p,)."""

    kept: Floats
    first: Floats
    signs: Floats
    candidates: NDArray[np.bool_]
    q: int

    @classmethod
    def empty(cls, points: int, candidates: NDArray[np.bool_], q: int) -> _Tally:
        p = len(candidates)
        return cls(np.zeros((points, p)), np.zeros(p), np.zeros(p), candidates, q)

    def count(self, paths: Paths) -> None:
        """Add every half-sample of some paths."""
        where = np.arange(paths.n_features) if paths.columns is None else paths.columns
        for h, members in enumerate(paths.held_out):
            if not members:
                continue
            on = paths.kept[h] != 0.0
            self.kept[:, where] += on
            at, sign = first_to_enter(paths.kept[h] * paths.scale[h, where], self.candidates[where], self.q)
            self.first[where[at]] += 1.0
            self.signs[where[at]] += sign


def first_to_enter(coef: Floats, candidates: NDArray[np.bool_], q: int) -> tuple[NDArray[np.intp], Floats]:
    """The first q candidates to enter a path (A, p), and the signs with which they do.

    Of those that enter at the same point the largest comes first, so coefficients should be per standard deviation.

    Examples
    --------
    >>> import numpy as np
    >>> path = np.array([[0.0, 0.0, 0.0], [0.2, 0.0, -0.5], [0.3, 0.1, -0.6]])
    >>> at, sign = first_to_enter(path, np.ones(3, dtype=bool), 2)
    >>> at.tolist(), sign.tolist()
    ([2, 0], [-1.0, 1.0])
    """
    on = (coef != 0.0) & candidates
    enters = np.where(on.any(axis=0), on.argmax(axis=0), len(coef))
    value = coef[np.minimum(enters, len(coef) - 1), np.arange(coef.shape[1])]
    order = np.lexsort((-np.abs(value), enters))[: min(q, int(on.any(axis=0).sum()))]
    return order, np.sign(value[order])


def _halves(folds: Folds | None, n: int, pairs: int, seed: int) -> Folds:
    if folds is None:
        checked_count("pairs", pairs, 2)
        return Folds.kfold(n, n_folds=2, repeats=pairs, seed=seed)
    if folds.n_folds != 2 or folds.n_repeats < 2:
        message = f"folds must be two or more repeats of 2 folds, got {folds.n_repeats} of {folds.n_folds}"
        raise InputError(message)
    return folds


def _grid(alphas: Any, strongest: float, eps: float) -> Floats:
    if np.ndim(alphas):
        grid: Floats = np.sort(np.asarray(alphas, dtype=np.float64))[::-1]
        return grid
    return np.geomspace(HEADROOM * strongest, eps * strongest, checked_count("alphas", alphas, 2))


def _batches(halves: Folds, p: int, points: int) -> list[Folds]:
    """Pairs that fit into memory together."""
    size = max(1, BATCH_BYTES // (16 * p * (min(p, 5000) + points)))
    return [Folds(halves.labels[start : start + size]) for start in range(0, halves.n_repeats, size)]


def _candidates(p: int, settings: dict[str, Any]) -> NDArray[np.bool_]:
    factor = settings.get("penalty_factor")
    weight = np.ones(p) if factor is None or isinstance(factor, str) else spread("penalty_factor", factor, p)
    candidates: NDArray[np.bool_] = np.isfinite(weight) & (weight > 0.0)
    if not candidates.any():
        message = "penalty_factor must leave some feature to select"
        raise InputError(message)
    return candidates


def _plan(
    q: int | None, threshold: float | None, expected: float | None, p: int, pairs: int, assumption: Assumption
) -> tuple[int, float]:
    """Q and the threshold, one of them from the other and the selections to put up with."""
    if q is not None and threshold is not None and expected is not None:
        message = "two of q, threshold and expected decide the third; all three were given"
        raise InputError(message)
    if expected is not None and not expected > 0.0:
        message = f"expected must be > 0, got {expected}"
        raise InputError(message)
    q = None if q is None else checked_count("q", q, 1)
    if q is not None and expected is not None:
        return q, smallest_threshold(expected, q, p, pairs, assumption)
    threshold = 0.75 if threshold is None else checked_threshold(threshold)
    if q is not None:
        return q, threshold
    return largest_q(1.0 if expected is None else expected, p, threshold, pairs, assumption), threshold


def _names(names: Sequence[str] | None, X: Any, p: int) -> tuple[str, ...]:
    found = getattr(X, "columns", None) if names is None else names
    listed = tuple(str(name) for name in found) if found is not None else ()
    if len(listed) == p:
        return listed
    if names is not None:
        message = f"names must be {p}, one for each feature, got {len(listed)}"
        raise InputError(message)
    return tuple(f"x{j}" for j in range(p))


def _text(result: StabilitySelection) -> str:
    """As many lines as features are selected, up to five more, and the bounds."""
    selected = result.selected
    rest = np.setdiff1d(np.flatnonzero(result.candidates & (result.share > 0.0)), selected)
    near = rest[np.argsort(-result.share[rest], kind="stable")][:5]
    width = max([7, *(len(result.names[at]) for at in (*selected, *near))])
    p = int(result.candidates.sum())
    title = f"Stability selection: {len(selected)} of {p} features, each among the first {result.q} of at least "
    lines = [f"{title}{result.threshold:.0%} of {2 * result.pairs} half-samples"]
    lines.append(f"  {'feature':<{width}}  share  sign")
    lines += [_line(result, at, width, "") for at in selected]
    lines += [_line(result, at, width, "not selected") for at in near]
    bounds = result.bounds
    shapes = (
        ("without assumptions", bounds.none),
        ("if unimodal", bounds.unimodal),
        ("if r-concave", bounds.r_concave),
    )
    lines.append(
        f"Expected among the selected, features that a half-sample takes with probability {result.q}/{p} or less:"
    )
    lines += [f"  at most {value:.2g} {shape}" for shape, value in shapes if not np.isnan(value)]
    lines.append("Expected irrelevant ones, if exchangeable and the lasso beats guessing (Meinshausen & Buehlmann):")
    lines.append(f"  at most {bounds.meinshausen_buehlmann:.2g}")
    return "\n".join(lines)


def _line(result: StabilitySelection, at: int, width: int, note: str) -> str:
    sign = {1: "+", -1: "-", 0: "0"}[int(result.sign[at])]
    return f"  {result.names[at]:<{width}}  {result.share[at]:5.2f}  {sign:>4}  {note}".rstrip()
