"""Power: the smallest difference that a comparison could have shown, and the rows that would show a smaller one."""

import math

from scipy import special

from foldwise.errors import InputError
from foldwise.inference.corrected_t import checked_probability


def smallest_detectable_difference(standard_error: float, df: int, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """The true difference that a two-sided t test at level `alpha` would have found with probability `power`.

    It is the delta with P(T > t_crit) = power, where T has the noncentral t distribution with noncentrality
    delta / standard_error: found with the right sign. For many degrees of freedom that is 1.96 + 0.84 standard errors
    at 5 % and 80 %.

    Parameters
    ----------
    standard_error : float
        Of the difference, in its unit; corrected, where folds overlap.
    df : int
        Degrees of freedom of the test.
    alpha : float
        Level of the test; divided by the number of comparisons where there are several.
    power : float
        Probability of finding the difference.

    Returns
    -------
    float
        In the unit of the standard error.

    Raises
    ------
    InputError
        Where the standard error or the degrees of freedom are out of range, or the power is not above the level.

    References
    ----------
    Lehmann & Romano (2005), Testing statistical hypotheses, section 5.2, for the power of the t test.

    Examples
    --------
    >>> from foldwise.inference import smallest_detectable_difference
    >>> round(smallest_detectable_difference(1.0, df=49), 3)
    2.858
    """
    if not 0.0 <= standard_error < float("inf"):
        raise InputError(f"standard_error must be >= 0 and finite, got {standard_error}")
    if df < 1:
        raise InputError(f"df must be >= 1, got {df}")
    level = checked_probability("alpha", alpha)
    if checked_probability("power", power) <= level:
        raise InputError(f"power must be above alpha ({alpha}), got {power}")
    critical = float(special.stdtrit(df, 1.0 - level / 2.0))
    return float(special.nctdtrinc(df, 1.0 - power, critical)) * standard_error


def rows_needed(
    difference: float, *, n: int, standard_error: float, df: int, alpha: float = 0.05, power: float = 0.8
) -> float:
    """How many rows would show a true difference with probability `power`, going by what n rows have shown.

    Standard errors of mean errors fall with the root of the number of rows, so n (detectable / difference)^2 rows are
    needed, where `detectable` is the smallest detectable difference of n rows, with as many folds and repeats. That the
    true difference stays as it is when models learn from more rows is an assumption: candidates that differ by what
    they cannot learn from few rows draw nearer to each other.

    Parameters
    ----------
    difference : float
        The true difference to show, of either sign, in its unit.
    n : int
        Rows of the table at hand, >= 2.
    standard_error : float
        Of the difference, on the table at hand, in the same unit.
    df, alpha, power
        As for `smallest_detectable_difference`.

    Returns
    -------
    float
        A whole number of rows, possibly less than n; inf where a difference of 0 is asked for.

    Raises
    ------
    InputError
        Where a number is out of its range.

    References
    ----------
    Lehmann & Romano (2005), Testing statistical hypotheses, section 5.2.

    Examples
    --------
    >>> from foldwise.inference import rows_needed
    >>> rows_needed(0.1, n=398, standard_error=0.05, df=49)
    813.0
    """
    if not abs(difference) < float("inf"):
        raise InputError(f"difference must be finite, got {difference}")
    if n < 2:
        raise InputError(f"n must be >= 2 rows, got {n}")
    detectable = smallest_detectable_difference(standard_error, df, alpha=alpha, power=power)
    if difference == 0.0:
        return float("inf")
    return float(math.ceil(n * (detectable / difference) ** 2))
