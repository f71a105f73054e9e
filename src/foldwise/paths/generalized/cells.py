"""Cells: rows under held-out sets, what a family loses there and its slopes; compiled for the families used most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.generalized import _cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.families import Family

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# Families whose cells are compiled, by the compiled code's number.
KERNELS = {"binomial": 0, "poisson": 1, "gamma": 2}
LANES = 8
NO_OMEGA = np.zeros((1, 1))


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows of targets under the sets of one look, a lane for each set and the lanes a multiple of 8.

    Parameters
    ----------
    family : Family
    y, weight, label : arrays (n,)
        Targets, row weights, folds.
    keep : array (K, width)
        1.0 where a set trains on a fold; 0 in lanes without a set.
    wide : int
        Sets H'.
    """

    family: Family
    y: Floats
    weight: Floats
    label: Ints
    keep: Floats
    wide: int

    def look(
        self,
        at: slice,
        eta: Floats,
        omega: Floats | None,
        pull: Floats,
        fold_loss: Floats,
        sums: Floats,
        *,
        sloped: Floats | None = None,
        slope: Floats | None = None,
        dual: Floats | None = None,
    ) -> None:
        """One look at some rows.

        Parameters
        ----------
        at : slice
        eta : array (rows, width) or (rows, 2 width)
            Predictors arrived at, and behind them those at a model's base.
        omega : array (rows, 1) or (rows, width), or None
            Curvature of the model that took the step.
        pull : array (rows, width)
            Becomes the weighted slopes of the rows that a set trains on.
        fold_loss, sums : arrays (K, width), (2, width)
            Added to: losses by fold; the misfit of the dual point, and what was taken off it.
        sloped : array (rows, width), optional
            What the model took the slopes at its base to be; by the family where omitted.
        slope : array (rows, width), optional
            Becomes the slopes.
        dual : array (rows, H'), optional
            Becomes the weighted dual points.
        """
        y, weight, label = self.y[at], self.weight[at], self.label[at]
        compiled = KERNELS.get(self.family.name)
        if compiled is not None and sloped is slope is dual is None:
            bent = NO_OMEGA if omega is None else omega
            _cells.look(compiled, eta, y, weight, bent, label, self.keep, pull, fold_loss, *sums)
            return
        wide, width = self.wide, self.keep.shape[1]
        arrived, weight = eta[:, :wide], weight[:, None]
        here = weight * self.keep[label, :wide]
        with np.errstate(over="ignore"):
            loss = weight * self.family.loss(arrived, y)
            found, bend = self.family.slopes(arrived, y)
            pull[:, :wide] = np.where(here > 0.0, here * found, 0.0)
            u = nearer = found
            if slope is not None:
                slope[:, :wide] = found
            if omega is not None:
                before = eta[:, width : width + wide]
                base = self.family.slopes(before, y)[0] if sloped is None else sloped[:, :wide]
                u = base + omega[:, :wide] * (arrived - before)
                bound, nearer = self.family.misfit(arrived, y, found, bend, u)
                sums[0, :wide] += np.where(here > 0.0, here * bound, 0.0).sum(axis=0)
                sums[1, :wide] += np.where(here > 0.0, here * np.abs(nearer - u), 0.0).sum(axis=0)
            if dual is not None:
                dual[:] = np.where(here > 0.0, here * nearer, 0.0)
        firsts = np.flatnonzero(np.diff(label, prepend=-1))
        np.add.at(fold_loss[:, :wide], label[firsts], np.add.reduceat(loss, firsts, axis=0))

    def bend(self, eta: Floats, out: Floats) -> None:
        """Curvatures at predictors (n, width), of all rows, into out (n, width)."""
        compiled = KERNELS.get(self.family.name)
        if compiled is not None:
            _cells.bend(compiled, eta, self.y, out)
            return
        out[:, : self.wide] = self.family.slopes(eta[:, : self.wide], self.y)[1]
