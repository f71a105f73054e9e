"""A training set's moments -> the quadratic problem on the correlation scale, and its solution -> original units.

With r_j the root of Q_jj, b~ = r b has unit curvature in every coordinate, so no unit of measurement costs digits. The
penalty is on s_j b_j, s_j being the standard deviation (`standardize`) or 1; on b~ its weights become s_j / r_j.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from foldwise.paths.penalized import Choice
from foldwise.solvers.quadratic import Penalty

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.moments import TrainingSet

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Options:
    """What is asked of every held-out set alike.

    Parameters
    ----------
    fit_intercept, standardize : bool
    penalty_factor : array (p,)
        0 unpenalized, inf left out.
    lower, upper : arrays (p,)
        Box of the coefficients in original units.
    penalty : Choice
    adaptive : bool
        Whether each training set makes its own penalty factors.
    """

    fit_intercept: bool
    standardize: bool
    penalty_factor: Floats
    lower: Floats
    upper: Floats
    penalty: Choice = field(default_factory=Choice)
    adaptive: bool = False

    @property
    def is_bounded(self) -> bool:
        """Whether some coefficient has a finite bound other than being left out."""
        kept = np.isfinite(self.penalty_factor)
        return bool(np.any(np.isfinite(self.lower[kept]) | np.isfinite(self.upper[kept])))


@dataclass(frozen=True, eq=False)
class Problem:
    """1/2 b'Qb - c'b + yy/2 + penalty on the correlation scale of one training set.

    Parameters
    ----------
    Q : array (p, p)
        Unit diagonal; rows and columns of zeros for columns that do not vary.
    c : array (p,)
    yy : float
    root : array (p,)
        r: a coefficient in original units is b / r.
    unit : array (p,)
        s / r: the penalty is on unit times b.
    penalty : Penalty
    """

    Q: Floats
    c: Floats
    yy: float
    root: Floats
    unit: Floats
    penalty: Penalty

    @classmethod
    def of(cls, training: TrainingSet, options: Options) -> Problem:
        """Scale a training set's moments."""
        Q, c, yy = training.covariance, training.with_y, training.y_variance
        scale = training.scale
        if options.fit_intercept:
            root = scale
            constant_y = bool(yy <= (64.0 * np.finfo(float).eps * training.y_mean) ** 2)
        else:
            Q = Q + np.outer(training.mean, training.mean)
            c = c + training.mean * training.y_mean
            yy += training.y_mean**2
            root = np.sqrt(np.diag(Q))
            constant_y = yy == 0.0
        live = (root > 0.0) & np.isfinite(options.penalty_factor)
        safe = np.where(root > 0.0, root, 1.0)
        Q = Q / safe[:, None] / safe
        c = np.where(live, c / safe, 0.0)
        dead = np.flatnonzero(~live)
        Q[dead], Q[:, dead] = 0.0, 0.0
        np.fill_diagonal(Q, live.astype(np.float64))
        if constant_y:
            c, yy = np.zeros_like(c), 0.0
        # A column without spread of its own, where it still counts (no intercept), is penalized as it is.
        spread = np.where(scale > 0.0, scale, safe) if options.standardize else np.ones(len(c))
        factor = np.where(live, options.penalty_factor, 1.0)
        penalty = Penalty(
            l1_weight=factor * spread / safe,
            l2_weight=factor * (spread / safe) ** 2,
            lower=np.where(live, options.lower * safe, 0.0),
            upper=np.where(live, options.upper * safe, 0.0),
        )
        return cls(Q=Q, c=c, yy=yy, root=np.where(live, root, np.inf), unit=spread / safe, penalty=penalty)

    def original_units(self, coef: Floats) -> Floats:
        """Coefficients (A, p) of the columns as given."""
        return coef / self.root
