"""Cox: times to an event, some of them censored, by the partial likelihood; ties by Breslow or Efron, strata, entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from foldwise.errors import InputError
from foldwise.families.family import Family, exp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

START, STOP, EVENT, STRATUM = range(4)


@dataclass(frozen=True)
class Cox(Family):
    """Minus the log partial likelihood: sum over events i of log(sum over those at risk then of exp(eta)) - eta_i.

    The hazard is a baseline that nothing says anything about, one for each stratum, times exp(eta). There is no
    intercept. Rows share risk sets, so that the loss is of a whole training set: `foldwise.families.risk_sets` has it.

    Parameters
    ----------
    ties : "breslow" or "efron"
        What several events at one time count.

    Source: D. R. Cox (1972), Regression models and life-tables, JRSS B 34; N. Breslow (1974), Biometrics 30; B. Efron
    (1977), JASA 72.

    Examples
    --------
    >>> import numpy as np
    >>> Cox().check_target(np.array([[3.0, 1.0], [5.0, 0.0]]), 2)  # columns time, event
    array([[-inf,   3.,   1.,   0.],
           [-inf,   5.,   0.,   0.]])
    """

    ties: Literal["breslow", "efron"] = "breslow"
    name: ClassVar[str] = "cox"
    link_name: ClassVar[str] = "log"
    concordance: ClassVar[float | None] = None
    shares_rows: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the ties."""
        if self.ties not in ("breslow", "efron"):
            message = f"ties must be 'breslow' or 'efron', got {self.ties!r}"
            raise InputError(message)

    def check_target(self, y: Any, n: int) -> Floats:
        """Entry, time, event and stratum (n, 4).

        Parameters
        ----------
        y : array
            Structured, with a field of booleans (the event), one "start" and one "stratum" where there are such, and
            the time as the field that is left; or columns (time, event), (start, time, event) or
            (start, time, event, stratum).
        n : int
        """
        array = np.asarray(y)
        found = _from_fields(array) if array.dtype.names else _from_columns(array)
        if found.shape != (n, 4):
            message = f"y must have a time and an event for each of the {n} rows of X, got shape {array.shape}"
            raise InputError(message)
        start, stop, event, _ = found.T
        _refuse(~np.isfinite(stop), "a finite time", stop)
        _refuse(stop < 0.0, "a time >= 0", stop)
        _refuse(~np.isin(event, (0.0, 1.0)), "an event of 0 or 1", event)
        _refuse(~(start < stop), "start < time", start)
        if not event.any():
            message = "y must have an event for family='cox', got censored times alone"
            raise InputError(message)
        return found

    def loss(self, eta: Floats, y: Floats) -> Floats:
        """Of single rows there is none."""
        message = "the loss of the Cox family is of a whole training set; see foldwise.families.risk_sets"
        raise NotImplementedError(message)

    def slopes(self, eta: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Of single rows there are none."""
        return self.loss(eta, y), eta

    def mean(self, eta: Floats) -> Floats:
        """The hazard ratio exp(eta)."""
        return exp(eta)

    def link(self, mean: Floats) -> Floats:
        """log(mean)."""
        return np.log(mean)

    def saturated(self, y: Floats) -> Floats:
        """0."""
        return np.zeros(len(y))


def _refuse(bad: NDArray[np.bool_], wanted: str, got: Floats) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        message = f"y must have {wanted} for family='cox', got {got[rows[0]]:g} in row {rows[0]} (from 0)"
        raise InputError(message)


def _from_columns(array: NDArray[Any]) -> Floats:
    try:
        columns = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        message = f"y must hold numbers for family='cox', got {array.dtype}"
        raise InputError(message) from error
    if columns.ndim != 2 or not 2 <= columns.shape[1] <= 4:
        message = (
            "y must have columns (time, event), (start, time, event) or (start, time, event, stratum), or fields, for "
            f"family='cox', got shape {array.shape}"
        )
        raise InputError(message)
    n, width = columns.shape
    found = np.zeros((n, 4))
    found[:, START] = -np.inf
    if width == 2:
        found[:, STOP : EVENT + 1] = columns
    else:
        found[:, :width] = columns
    return found


def _from_fields(array: NDArray[Any]) -> Floats:
    names = array.dtype.names or ()
    events = [name for name in names if array.dtype[name].kind == "b"]
    times = [name for name in names if name not in (*events, "start", "stratum")]
    if len(events) != 1 or len(times) != 1:
        message = f"y must have one field of booleans (the event) and one of times for family='cox', got fields {names}"
        raise InputError(message)
    found = np.zeros((len(array), 4))
    found[:, START] = array["start"] if "start" in names else -np.inf
    found[:, STOP], found[:, EVENT] = array[times[0]], array[events[0]]
    if "stratum" in names:
        found[:, STRATUM] = np.unique(array["stratum"], return_inverse=True)[1]
    return found
