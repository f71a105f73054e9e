"""Error bounds of stability selection: how many features of low selection probability to expect among the selected."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from foldwise.errors import InputError

Assumption = Literal["none", "unimodal", "r-concave"]
ASSUMPTIONS: tuple[Assumption, ...] = ("none", "unimodal", "r-concave")
# Shah & Samworth's: -1/2 for the simultaneous selection proportions of pairs, -1/4 for the selection proportions.
_PAIRED, _SINGLE = -0.5, -0.25


@dataclass(frozen=True)
class SelectionBounds:
    """Bounds on the expected number of selected features whose true selection probability is at most q / p.

    Attributes
    ----------
    none : float
        Without any assumption (Shah & Samworth 2013, theorem 1): q^2 / ((2 threshold - 1) p).
    unimodal : float
        If every feature's simultaneous selection proportion has a unimodal distribution (theorem 2). NaN where the
        threshold is outside its range.
    r_concave : float
        If those distributions are r-concave (equation 8), as they have looked wherever they were simulated.
    meinshausen_buehlmann : float
        Meinshausen & Buehlmann's (2010) bound. The number is that of `none`, the claim another: it bounds the expected
        number of *irrelevant* features among the selected, if those are exchangeable and the method beats guessing.
    """

    none: float
    unimodal: float
    r_concave: float
    meinshausen_buehlmann: float

    def under(self, assumption: Assumption) -> float:
        """Return the bound that holds under an assumption."""
        checked_assumption(assumption)
        return float({"none": self.none, "unimodal": self.unimodal, "r-concave": self.r_concave}[assumption])


def selection_bounds(q: int, p: int, threshold: float, pairs: int) -> SelectionBounds:
    """Bound the wrong selections of complementary-pairs stability selection.

    Every one of 2B half-samples, B pairs of complementary halves, selects at most q of p features; features selected in
    at least a share `threshold` of them are kept. A feature has *low selection probability* if one half-sample selects
    it with probability at most q / p, as guessing would.

    Parameters
    ----------
    q : int
        Features that one half-sample selects at most.
    p : int
        Features to select from.
    threshold : float in (1/2, 1]
    pairs : int
        B >= 2.

    Returns
    -------
    SelectionBounds
        None of them above p.

    Raises
    ------
    InputError
        Where an argument is out of range.

    References
    ----------
    Shah & Samworth (2013), Variable selection with error control: another look at stability selection, Journal of the
    Royal Statistical Society B 75, theorems 1 and 2 and equation 8; Meinshausen & Buehlmann (2010), Stability
    selection, the same journal 72, theorem 1.

    Examples
    --------
    >>> from foldwise.inference import selection_bounds
    >>> bounds = selection_bounds(q=5, p=100, threshold=0.6, pairs=50)
    >>> round(bounds.none, 3), round(bounds.unimodal, 3), round(bounds.r_concave, 3)
    (1.25, 0.658, 0.261)
    """
    threshold = checked_threshold(threshold)
    checked_count("pairs", pairs, 2)
    checked_count("p", p, 1)
    checked_count("q", q, 1)
    if q > p:
        raise InputError(f"q must be at most the number of features ({p}), got {q}")
    share = q / p
    plain = min(q * share / (2.0 * threshold - 1.0), float(p))
    concave = min(plain, _r_concave(share, p, threshold, pairs))
    return SelectionBounds(plain, _unimodal(share, p, threshold, pairs), concave, plain)


def largest_q(expected: float, p: int, threshold: float, pairs: int, assumption: Assumption = "none") -> int:
    """The largest q whose bound does not exceed `expected` wrong selections.

    Parameters
    ----------
    expected : float
        Selections of low probability to put up with, > 0.
    p, threshold, pairs
        As for `selection_bounds`.
    assumption : {"none", "unimodal", "r-concave"}

    Raises
    ------
    InputError
        Where not even q = 1 keeps to it: the message says what its bound is.

    Examples
    --------
    >>> from foldwise.inference import largest_q
    >>> largest_q(1.0, p=100, threshold=0.75, pairs=50), largest_q(1.0, 100, 0.75, 50, "r-concave")
    (7, 17)
    """
    least = selection_bounds(1, p, threshold, pairs).under(assumption)
    if not least <= expected:
        raise InputError(
            f"expected must be at least {least:.3g}, the bound for q = 1 of {p} features at threshold {threshold}, "
            f"got {expected}"
        )
    low, high = 1, p + 1  # every bound grows with q
    while high - low > 1:
        middle = (low + high) // 2
        holds = selection_bounds(middle, p, threshold, pairs).under(assumption) <= expected
        low, high = (middle, high) if holds else (low, middle)
    return low


def smallest_threshold(expected: float, q: int, p: int, pairs: int, assumption: Assumption = "none") -> float:
    """The smallest threshold, a multiple of 1 / (2 pairs), whose bound does not exceed `expected` wrong selections.

    Raises
    ------
    InputError
        Where not even a threshold of 1 keeps to it.

    Examples
    --------
    >>> from foldwise.inference import smallest_threshold
    >>> smallest_threshold(0.2, q=7, p=200, pairs=50, assumption="r-concave")
    0.62
    """
    least = selection_bounds(q, p, 1.0, pairs).under(assumption)
    if not least <= expected:
        raise InputError(
            f"expected must be at least {least:.3g}, the bound for q = {q} of {p} features at threshold 1, "
            f"got {expected}"
        )
    low, high = pairs, 2 * pairs  # every bound falls as the threshold grows
    while high - low > 1:
        middle = (low + high) // 2
        holds = selection_bounds(q, p, middle / (2 * pairs), pairs).under(assumption) <= expected
        low, high = (low, middle) if holds else (middle, high)
    return high / (2 * pairs)


def _unimodal(share: float, p: int, threshold: float, pairs: int) -> float:
    """Shah & Samworth's theorem 2 with E|S| = p share."""
    least = 0.5 + min(share**2, 0.5 / pairs + 0.75 * share**2)
    if threshold <= least or share > 1.0 / np.sqrt(3.0):
        return float("nan")
    if threshold <= 0.75:
        constant = 2.0 * (2.0 * threshold - 1.0 - 0.5 / pairs)
    else:
        constant = (1.0 + 1.0 / pairs) / (4.0 * (1.0 - threshold + 0.5 / pairs))
    return float(min(share**2 / constant, 1.0) * p) if constant > 0.0 else float("nan")


def _r_concave(share: float, p: int, threshold: float, pairs: int) -> float:
    """Shah & Samworth's equation 8."""
    at = int(np.ceil(round(2 * pairs * threshold, 8)))
    paired = largest_tail(share**2, at - pairs, pairs, _PAIRED)
    single = largest_tail(share, at, 2 * pairs, _SINGLE)
    return p * min(1.0, paired, single)


def largest_tail(mean: float, at: int, size: int, r: float) -> float:
    """The largest P(X >= at / size) of an r-concave distribution on {0, 1/size, ..., 1} with this mean.

    The extremal distributions fall as (a + i)^(1/r) for i = 0..k, with an atom at k + 1 that the mean decides; k and a
    are searched. 1 where `at` is not above 2 mean size, to which the result does not reach.

    Parameters
    ----------
    mean : float in (0, 1)
    at : int
    size : int
    r : float < 0

    References
    ----------
    Shah & Samworth (2013), section 3.3 and appendix A.4.

    Examples
    --------
    >>> from foldwise.inference.selection import largest_tail
    >>> round(largest_tail(0.05, 60, 100, -0.25), 6), largest_tail(0.4, 60, 100, -0.25)
    (0.002937, 1.0)
    """
    target = mean * size
    start = int(np.ceil(round(2.0 * target, 10))) + 1
    if at < start:
        return 1.0
    first = max(start, at - 1)
    upper = _shape(target, first, 1.0 / r)
    largest = 0.0
    for k in range(first, size):
        lower = _shape(target, k + 1, 1.0 / r)
        tail = _tail(target, at, k, 1.0 / r)
        inside = optimize.minimize_scalar(tail, bounds=(lower, upper), method="bounded", options={"xatol": 1e-9})
        largest = max(largest, -min(tail(lower), tail(upper), float(inside.fun)))
        upper = lower
    # With k = size there is no room for an atom: the shape itself.
    return max(largest, -_tail(target, at, size, 1.0 / r)(upper)) if first == size else largest


def _powers(log_a: float, k: int, s: float) -> NDArray[np.float64]:
    """Weights (k + 1,) (1 + i / a)^s for i = 0..k."""
    weight: NDArray[np.float64] = (1.0 + np.arange(k + 1) * np.exp(-log_a)) ** s
    return weight


def _shape(target: float, k: int, s: float) -> float:
    """The log a at which weights (a + i)^s on 0..k have mean `target`; the mean grows with a."""

    def excess(log_a: float) -> float:
        weight = _powers(log_a, k, s)
        return float(np.arange(k + 1) @ weight / weight.sum() - target)

    low, high = np.log(1e-5), np.log(1e5)
    if excess(low) >= 0.0 or excess(high) <= 0.0:
        return float(low if excess(low) >= 0.0 else high)
    return float(optimize.brentq(excess, low, high, xtol=1e-12))


def _tail(target: float, at: int, k: int, s: float) -> Callable[[float], float]:
    """Minus P(X >= at) as a function of log a: the mass below `at` over the mass that the mean asks for in all."""
    left = k + 1.0 - np.arange(k + 1)

    def negative(log_a: float) -> float:
        weight = _powers(log_a, k, s)
        return float((k + 1.0 - target) * weight[:at].sum() / (left @ weight)) - 1.0

    return negative


def checked_threshold(threshold: float) -> float:
    """A share above one half."""
    if not 0.5 < threshold <= 1.0:
        raise InputError(f"threshold must be above 0.5 and at most 1, got {threshold}")
    return float(threshold)


def checked_count(argument: str, value: int, least: int) -> int:
    """A whole number of at least `least`."""
    whole = np.ndim(value) == 0 and np.asarray(value).dtype.kind in "iu"
    if not whole or value < least:
        raise InputError(f"{argument} must be a whole number >= {least}, got {value!r}")
    return int(value)


def checked_assumption(assumption: str) -> None:
    """One of the three."""
    if assumption not in ASSUMPTIONS:
        raise InputError(f"assumption must be one of {', '.join(ASSUMPTIONS)}, got {assumption!r}")
