"""The candidates that a study can compare. A new one is one new file here and one line below."""

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

from foldwise.errors import InputError
from foldwise.study.candidates.candidate import Candidate
from foldwise.study.candidates.elastic_net import ELASTIC_NET
from foldwise.study.candidates.group_lasso import GROUP_LASSO
from foldwise.study.candidates.lasso import LASSO
from foldwise.study.candidates.least_squares import LEAST_SQUARES
from foldwise.study.candidates.network import NETWORKS
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
    *NETWORKS,
)


def find_candidates(asked: Any, *, gaussian: bool = True) -> tuple[Candidate, ...]:
    """The candidates that were asked for, in the order given.

    Parameters
    ----------
    asked
        One of the following, several, or a mapping from names to such: the name of a candidate (`-` and `_` count as
        spaces, and `ols` as least squares), a (name, estimator) pair, an estimator of scikit-learn or with its
        conventions (named after its class), or a `Candidate`.
    gaussian
        For other families, least squares is called what it is there: unpenalized.

    Raises
    ------
    InputError
        For an unknown name, one given twice, or none at all.

    Examples
    --------
    >>> [candidate.name for candidate in find_candidates(["ols", "elastic-net"])]
    ['least squares', 'elastic net']
    >>> from sklearn.dummy import DummyRegressor
    >>> [candidate.name for candidate in find_candidates(["ridge", ("the mean", DummyRegressor())])]
    ['ridge', 'the mean']
    """
    other = "unpenalized" if gaussian else "least squares"
    known = {candidate.name: candidate for candidate in CANDIDATES if candidate.name != other}
    found: list[Candidate] = []
    for each in _listed(asked):
        candidate = _one(each, known, gaussian=gaussian)
        if candidate.name in {before.name for before in found}:
            raise InputError(f"candidates must be different ones, got {candidate.name!r} twice")
        found.append(candidate)
    if not found:
        raise InputError(f"candidates must name at least one of {', '.join(known)}, got none")
    return tuple(found)


def _listed(asked: Any) -> list[Any]:
    if isinstance(asked, Mapping):
        return list(asked.items())
    if isinstance(asked, str | Candidate) or hasattr(asked, "fit"):
        return [asked]
    if isinstance(asked, tuple) and len(asked) == 2 and isinstance(asked[0], str) and hasattr(asked[1], "fit"):
        return [asked]
    if not isinstance(asked, Iterable):
        raise InputError(f"candidates must be names, estimators or (name, estimator) pairs, got {asked!r}")
    return list(asked)


def _one(asked: Any, known: Mapping[str, Candidate], *, gaussian: bool) -> Candidate:
    name: str | None = None
    each = asked
    if isinstance(asked, tuple | list) and len(asked) == 2:
        name, each = str(asked[0]).strip(), asked[1]
    if isinstance(each, Candidate):
        return each if name is None else _renamed(each, name)
    if isinstance(each, str):
        plain = each.lower().replace("-", " ").replace("_", " ").strip()
        plain = "least squares" if plain in {"ols", "unpenalized"} and gaussian else plain
        plain = "unpenalized" if plain in {"ols", "least squares"} and not gaussian else plain
        candidate = known.get(plain)
        if candidate is None:
            raise InputError(f"candidates must be among {', '.join(known)}, or (name, estimator) pairs, got {each!r}")
        return candidate if name is None else _renamed(candidate, name)
    if isinstance(each, type) or not (hasattr(each, "fit") and hasattr(each, "get_params")):
        what = f"the class {each.__name__}, not an instance" if isinstance(each, type) else repr(each)
        raise InputError(f"candidates must be names, or estimators with scikit-learn's conventions, got {what}")
    from foldwise.study.candidates.estimator import EstimatorCandidate

    name = _class_name(each) if name is None else name
    if not name or name in known:
        kept = "that is foldwise's own candidate" if name else "that is empty"
        raise InputError(f"candidates: an estimator can't be called {name!r}, {kept}")
    return EstimatorCandidate(name, each)


def _renamed(candidate: Candidate, name: str) -> Candidate:
    twin = copy(candidate)
    object.__setattr__(twin, "name", name)  # it may be frozen
    return twin


def _class_name(estimator: Any) -> str:
    steps = getattr(estimator, "steps", None)
    return _class_name(steps[-1][1]) if steps else type(estimator).__name__
