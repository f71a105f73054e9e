"""How held-out sets begin their way to a strength's solution, and where a walk leaves them: data of every walk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.solvers.quadratic import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.families import Family
    from foldwise.moments import DesignMap
    from foldwise.paths.generalized.sets import Sets
    from foldwise.paths.problem import Options

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Descent:
    """What H held-out sets know on their way to one strength's solution.

    Parameters
    ----------
    objective : array (H,)
        The penalized objective where a set stands.
    share : array (H,)
        How much of a model's step is taken.
    gap, idle, n_iter, status : arrays (H,)
        The best certificate, rounds without much gain, rounds, outcome.
    """

    objective: Floats
    share: Floats
    gap: Floats
    idle: Ints
    n_iter: Ints
    status: NDArray[np.int8]

    @classmethod
    def begin(cls, objective: Floats, **more: Any) -> Any:
        """Before the first round, from the objectives and what a kind of walk knows besides."""
        H = len(objective)
        return cls(
            objective=objective,
            share=np.ones(H),
            gap=np.full(H, np.inf),
            idle=np.zeros(H, dtype=np.intp),
            n_iter=np.zeros(H, dtype=np.intp),
            status=np.full(H, Status.STOPPED, dtype=np.int8),
            **more,
        )


@dataclass(frozen=True, eq=False)
class Standing:
    """Where a walk leaves H held-out sets, in the order of its rows.

    Parameters
    ----------
    family : Family
    options : Options
    sets : Sets
        With all columns.
    order, label, weight, y : arrays (n,)
        The rows' numbers in the table, folds, weights and targets.
    eta : array (n, H)
        Predictors.
    columns : array (s,)
        Which columns the coefficients are of.
    coef : array (H, s)
        On any scale that is one for all columns.
    loss, null_objective, something : arrays (H,)
        Mean training losses; those of the null fits over the smallest there can be; whether that is above 0.
    saturated : array (K,)
        The smallest losses of every fold.
    maps : sequence of DesignMap, length H, or None
        Where the sets have designs of their own.
    """

    family: Family
    options: Options
    sets: Sets
    order: Ints
    label: Ints
    weight: Floats
    y: Floats
    eta: Floats
    columns: Ints
    coef: Floats
    loss: Floats
    null_objective: Floats
    something: NDArray[np.bool_]
    saturated: Floats
    maps: Sequence[DesignMap] | None = None
