"""Which penalty, by name: how a training set's problem gets it, and the solver that its capabilities ask for.

A new penalty is one file in `foldwise.penalties` and one line in PENALTIES.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError
from foldwise.penalties import Groups, Separable, SparseGroup, mcp, scad
from foldwise.solvers.group import solve_group_path
from foldwise.solvers.nonconvex import solve_nonconvex_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from foldwise.paths.point import Strengths
    from foldwise.paths.problem import Problem
    from foldwise.penalties import Pieces
    from foldwise.solvers.quadratic import QuadraticPath

    Floats = NDArray[np.float64]

ELASTIC_NET = "elastic net"
TAU = 0.5


@dataclass(frozen=True, eq=False)
class Choice:
    """The penalty that was asked for, checked.

    Parameters
    ----------
    name : str
    groups : Groups or None
        Of the p columns, for penalties that have groups.
    tau : float
        Share of single coefficients in the sparse group penalty.
    gamma : float or None
        Of MCP and SCAD; None for each one's own default.
    """

    name: str = ELASTIC_NET
    groups: Groups | None = None
    tau: float = 0.0
    gamma: float | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is the elastic net, which has a solver and closed forms of its own."""
        return self.name == ELASTIC_NET


@dataclass(frozen=True, eq=False)
class _Columns:
    """Of the columns that take part: factor, lower, upper (p,) on the penalty's scale, and groups."""

    factor: Floats
    lower: Floats
    upper: Floats
    groups: Groups | None


def _grouped(choice: Choice, columns: _Columns, l1: Floats, l2: Floats) -> SparseGroup:
    if columns.groups is None:
        message = f"groups must be given with penalty={choice.name!r}: one label for each column"
        raise InputError(message)
    factor = columns.factor[columns.groups.order[columns.groups.start]]
    return SparseGroup.along(columns.groups, l1=l1, l2=l2, tau=choice.tau, factor=factor)


def _separable(make: Callable[..., Pieces]) -> Callable[[Choice, _Columns, Floats, Floats], Separable]:
    def penalty(choice: Choice, columns: _Columns, l1: Floats, l2: Floats) -> Separable:
        pieces = make() if choice.gamma is None else make(choice.gamma)
        return Separable(pieces, columns.factor, columns.lower, columns.upper, l1, l2)

    return penalty


PENALTIES: dict[str, Callable[[Choice, _Columns, Floats, Floats], Any]] = {
    "group": _grouped,
    "sparse group": _grouped,
    "mcp": _separable(mcp),
    "scad": _separable(scad),
}


def check_choice(p: int, name: Any, groups: Any, tau: Any, gamma: Any) -> Choice:
    """The penalty of fit_paths for p columns, with messages that name the argument."""
    names = (ELASTIC_NET, *PENALTIES)
    if name not in names:
        message = f"penalty must be one of {', '.join(map(repr, names))}, got {name!r}"
        raise InputError(message)
    grouped = PENALTIES.get(name) is _grouped
    if not grouped and groups is not None:
        message = f"groups must be left out with penalty={name!r}"
        raise InputError(message)
    if tau is not None and name != "sparse group":
        message = f"tau must be left out with penalty={name!r}"
        raise InputError(message)
    if gamma is not None and (grouped or name == ELASTIC_NET):
        message = f"gamma must be left out with penalty={name!r}"
        raise InputError(message)
    if not grouped:
        choice = Choice(name, gamma=gamma)
        if name != ELASTIC_NET:
            _try(choice, p)
        return choice
    if groups is None or len(np.atleast_1d(np.asarray(groups))) != p:
        given = "none" if groups is None else f"{len(np.atleast_1d(np.asarray(groups)))}"
        message = f"groups must have one label for each of the {p} columns with penalty={name!r}, got {given}"
        raise InputError(message)
    share = 0.0 if name == "group" else TAU if tau is None else tau
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0.0 <= share <= 1.0:
        message = f"tau must be a number from 0 up to 1, got {tau!r}"
        raise InputError(message)
    return Choice(name, Groups.of(groups), float(share))


def _try(choice: Choice, p: int) -> None:
    """Let the penalty itself say whether it can have this gamma."""
    gamma = choice.gamma
    if gamma is not None and (isinstance(gamma, bool) or not isinstance(gamma, (int, float, np.number))):
        message = f"gamma must be a number, got {gamma!r}"
        raise InputError(message)
    one = np.ones(p)
    PENALTIES[choice.name](choice, _Columns(one, -one, one, None), np.ones(1), np.zeros(1))


def check_grouped_factor(choice: Choice, factor: Floats, *, bounded: bool) -> None:
    """Groups have one factor each, except for columns that are left out, and no bounds."""
    if choice.groups is None:
        return
    if bounded:
        message = f"bounds must be left out with penalty={choice.name!r}"
        raise InputError(message)
    for g, start in enumerate(choice.groups.start):
        members = choice.groups.order[start : start + choice.groups.size[g]]
        kept = members[np.isfinite(factor[members])]
        if len(kept) and np.any(factor[kept] != factor[kept[0]]):
            other = kept[factor[kept] != factor[kept[0]]][0]
            message = (
                "penalty_factor must be the same for all columns of a group (or inf, to leave a column out), got "
                f"{factor[kept[0]]} for column {kept[0]} and {factor[other]} for column {other}"
            )
            raise InputError(message)


@dataclass(frozen=True, eq=False)
class _Scaled:
    """A problem on the scale where the penalty is the plain one, with the columns that take part."""

    live: NDArray[np.intp]
    unit: Floats
    Q: Floats
    c: Floats
    columns: _Columns


def _scaled(problem: Problem, choice: Choice) -> _Scaled:
    live = np.flatnonzero(np.diag(problem.Q) > 0.0)
    unit, penalty = problem.unit[live], problem.penalty
    groups = None
    if choice.groups is not None:
        groups = Groups.of(choice.groups.index[live])
    return _Scaled(
        live=live,
        unit=unit,
        Q=problem.Q[np.ix_(live, live)] / unit[:, None] / unit,
        c=problem.c[live] / unit,
        columns=_Columns(
            factor=penalty.l1_weight[live] / unit,
            lower=penalty.lower[live] * unit,
            upper=penalty.upper[live] * unit,
            groups=groups,
        ),
    )


def solve_penalized(
    problem: Problem, strengths: Strengths, choice: Choice, start: Floats | None = None
) -> QuadraticPath:
    """Solve one problem for all strengths, the first from `start` (p,); coefficients on the correlation scale."""
    scaled = _scaled(problem, choice)
    penalty = PENALTIES[choice.name](choice, scaled.columns, strengths.l1, strengths.l2)
    solve = solve_nonconvex_path if penalty.is_separable else solve_group_path
    begin = None if start is None else (start * problem.unit)[scaled.live]
    path = solve(
        scaled.Q,
        scaled.c,
        problem.yy,
        penalty=penalty,
        tol=strengths.tol,
        max_iter=strengths.max_iter,
        start=begin,
    )
    coef = np.zeros((len(path.coef), len(problem.c)))
    coef[:, scaled.live] = path.coef / scaled.unit
    return replace(path, coef=coef)


def emptying_group_strength(problem: Problem, choice: Choice, pull: Floats) -> float:
    """The smallest l1 that keeps every penalized group at zero against a pull (p,)."""
    scaled = _scaled(problem, choice)
    pulled = pull[scaled.live] / scaled.unit
    # From a strength far too weak: the share of the pull that it holds tells how much stronger it must be.
    weak = 1e-6 * float(np.abs(pulled).max(initial=0.0))
    if weak == 0.0:
        return 0.0
    penalty = PENALTIES[choice.name](choice, scaled.columns, np.asarray(weak), np.zeros(()))
    return weak / float(penalty.dual_scale(pulled, everywhere=True))
