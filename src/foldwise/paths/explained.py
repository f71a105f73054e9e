"""When a path has explained enough: glmnet's rule for leaving out the saturated end.

From the fifth strength on, the path ends with the first one at which the final model explains more than `ENOUGH` of the
null deviance, or at which it explains hardly more than at the strength before: less than `LEAST_GAIN` of its share.
Source: glmnet's `fdev` and `devmax` (J. Friedman, T. Hastie, R. Tibshirani 2010, Journal of Statistical Software 33).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ENOUGH = 0.999
LEAST_GAIN = 1e-5
LEAST_STRENGTHS = 5


def explains_enough(shares: Sequence[float]) -> bool:
    """Whether the path may end at its newest strength.

    Parameters
    ----------
    shares : sequence (a,)
        Share of the null deviance that the final model explains at each of the strengths so far.

    Examples
    --------
    >>> explains_enough([0.0, 0.3, 0.5, 0.6, 0.7]), explains_enough([0.0, 0.3, 0.5, 0.7, 0.700001])
    (False, True)
    >>> explains_enough([0.0, 0.9995]), explains_enough([0.0, 0.9, 0.99, 0.995, 0.9995])
    (False, True)
    """
    if len(shares) < LEAST_STRENGTHS:
        return False
    last, now = shares[-2:]
    return now > ENOUGH or now - last < LEAST_GAIN * now
