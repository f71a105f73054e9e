"""How far a report may be from the solution: what its own certificate and the curvature there leave.

An objective that is above its minimum by a gap g times `null` is no further from it than d'Hd/2 says, so that no linear
function q'd is more than sqrt(2 g null) sqrt(q'inv(H)q) off. Where the certificate is the largest residual of the
optimality conditions, as a share of the null fit's steepest gradient, it is that many times the sum of |inv(H)q|.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foldwise.verify.fits import Fits, smooth_of, standardized
from foldwise.verify.losses import Loss
from foldwise.verify.newton import RANK
from foldwise.verify.rows import Rows
from foldwise.verify.smooth import Smooth

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

SLACK = 2.0
"""How many times that: the curvature is taken at the solution alone."""


@dataclass(frozen=True, eq=False)
class Curved:
    """The objective at one solution.

    Attributes
    ----------
    rows, loss
    X : (n, p) array
        All rows as this training set encodes them.
    training : (m,) array
        Row numbers.
    smooth : Smooth
        What is minimized but for the penalty.
    b : array
        The solution, per standard deviation.
    inverse : array
        Of the objective's second derivatives there.
    """

    rows: Rows
    loss: Loss
    X: Floats
    training: Ints
    smooth: Smooth
    b: Floats
    inverse: Floats

    @classmethod
    def of(cls, loss: Loss, rows: Rows, X: Floats, training: Ints, fits: Fits, at: int, l2: float) -> Self:
        """At number `at` of the fits to training rows, with this strength of the squared penalty."""
        Z, centre, spread = standardized(X[training], rows.weight[training])
        smooth = smooth_of(loss, rows, Z, training)
        coef, intercept = fits.coef[at], np.atleast_1d(fits.intercept[at] + centre @ fits.coef[at])
        b = np.concatenate([intercept[: smooth.free], (coef.T * spread).ravel()])
        penalty = np.diag(np.repeat([0.0, l2], [smooth.free, len(b) - smooth.free]))
        inverse = np.asarray(np.linalg.pinv(smooth.at(b)[2] + penalty, rcond=RANK, hermitian=True), dtype=np.float64)
        return cls(rows, loss, X, training, smooth, b, inverse)

    def reach(self, q: Floats) -> Floats:
        """How far functions (k, m) of the solution may be off, in units of `unit_of`."""
        if self.loss.shares_rows:
            steepest = float(np.abs(self.smooth.at(np.zeros(len(self.b)))[1]).max(initial=0.0))
            return np.asarray(np.abs(q @ self.inverse).sum(axis=1) * steepest)
        return np.asarray(np.sqrt(np.maximum(np.einsum("km,mn,kn->k", q, self.inverse, q), 0.0)))

    def of_coefficients(self) -> Floats:
        """The reach of each coefficient (p[, C]) per standard deviation."""
        each = self.reach(np.eye(len(self.b))[self.smooth.free :])
        return each.reshape(-1, self.X.shape[1]).T if self.smooth.free > 1 else each

    def of_error(self, test: Ints) -> float:
        """The reach of the error on a fold."""
        _, centre, spread = standardized(self.X[self.training], self.rows.weight[self.training])
        Z = (self.X - centre) / np.where(spread > 0.0, spread, np.inf)
        if not self.loss.shares_rows:
            gradient = 2.0 * smooth_of(self.loss, self.rows, Z[test], test).at(self.b)[1]
        else:
            both, eta = np.concatenate([self.training, test]), Z @ self.b + self.rows.offset
            whole, part = (
                self.loss.partial(self.rows, some).slopes(eta[some], Z[some])[1] for some in (both, self.training)
            )
            gradient = 2.0 * (whole - part) / float(self.rows.weight[test] @ self.rows.event[test])
        return float(self.reach(gradient[None])[0])


def unit_of(loss: Loss, gap: float, baseline: float) -> float:
    """What a reach is in units of, for a report's certificate and its error without features."""
    return SLACK * (gap if loss.shares_rows else float(np.sqrt(gap * baseline)))
