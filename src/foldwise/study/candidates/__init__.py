"""The candidates that a study can compare. A new one is one new file here and one line below."""

from collections.abc import Iterable

from foldwise.errors import InputError
from foldwise.study.candidates.candidate import Candidate
from foldwise.study.candidates.elastic_net import ELASTIC_NET
from foldwise.study.candidates.group_lasso import GROUP_LASSO
from foldwise.study.candidates.lasso import LASSO
from foldwise.study.candidates.least_squares import LEAST_SQUARES
from foldwise.study.candidates.ridge import RIDGE
from foldwise.study.candidates.unpenalized import UNPENALIZED

__all__ = ["CANDIDATES", "Candidate", "find_candidates"]

CANDIDATES = (
    LEAST_SQUARES,
    UNPENALIZED,
    RIDGE,
    LASSO,
    ELASTIC_NET,
    GROUP_LASSO,
)


def find_candidates(names: str | Iterable[str], *, gaussian: bool = True) -> tuple[Candidate, ...]:
    """The candidates of these names, in the order given; `-` and `_` count as spaces, and `ols` as least squares.

    For other families than the gaussian, least squares is called what it is there: unpenalized.

    Raises
    ------
    InputError
        For an unknown name, one given twice, or none at all.

    Examples
    --------
    >>> [candidate.name for candidate in find_candidates(["ols", "elastic-net"])]
    ['least squares', 'elastic net']
    """
    other = "unpenalized" if gaussian else "least squares"
    known = {candidate.name: candidate for candidate in CANDIDATES if candidate.name != other}
    found: list[Candidate] = []
    for name in [names] if isinstance(names, str) else names:
        plain = str(name).lower().replace("-", " ").replace("_", " ").strip()
        plain = "least squares" if plain in {"ols", "unpenalized"} and gaussian else plain
        plain = "unpenalized" if plain in {"ols", "least squares"} and not gaussian else plain
        candidate = known.get(plain)
        if candidate is None:
            raise InputError(f"candidates must be among {', '.join(known)}, got {name!r}")
        if candidate in found:
            raise InputError(f"candidates must be different ones, got {candidate.name!r} twice")
        found.append(candidate)
    if not found:
        raise InputError(f"candidates must name at least one of {', '.join(known)}, got none")
    return tuple(found)
