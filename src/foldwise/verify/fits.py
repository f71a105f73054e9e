"""One training set's fits at every strength: by scikit-learn's estimators, or Newton steps where it has none."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, TweedieRegressor, enet_path

from foldwise.verify.losses import Loss
from foldwise.verify.newton import minimize
from foldwise.verify.rows import Rows
from foldwise.verify.smooth import Smooth, amounts, many_classes, of_one, times, two_classes

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

TOL, MOST_STEPS = 1e-13, 200_000
KNOWN = ("least squares", "unpenalized", "ridge", "lasso", "elastic net")
UNSOLVED = 1e-3
"""A certificate beyond which a report's fits are no solutions to compare with."""


@dataclass(frozen=True, eq=False)
class Fits:
    """Lines of one training set in original units.

    Attributes
    ----------
    coef : (A, p[, C]) array
    intercept : (A[, C]) array
    spread : (p,) array
        Of the columns.
    off : float
        How far from their optimality conditions the worst of them is, where that is known.
    """

    coef: Floats
    intercept: Floats
    spread: Floats
    off: float = 0.0

    def predictors(self, X: Floats, offset: Floats) -> Floats:
        """Linear predictors (n, A[, C])."""
        slopes = np.tensordot(X, self.coef, axes=([1], [1]))
        return np.asarray(slopes + self.intercept + offset.reshape(-1, *[1] * self.intercept.ndim))


@dataclass(frozen=True)
class Procedure:
    """A candidate as it is fitted here.

    Attributes
    ----------
    name : str
    loss : Loss
    target_scale : float
        s in the penalty.
    """

    name: str
    loss: Loss
    target_scale: float

    def fit(self, rows: Rows, X: Floats, training: Ints, alphas: Floats, l1_ratio: float) -> Fits:
        """At every strength, the penalty on columns (n, p) per standard deviation of the training rows."""
        Z, centre, spread = standardized(X[training], rows.weight[training])
        two_lines = self.loss.family == "multinomial" and rows.n_classes == 2  # of which scikit-learn makes one
        plain = not rows.has_offset and not two_lines and (l1_ratio == 0.0 or not alphas.any())
        off = 0.0
        with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
            # A tolerance near rounding can be out of reach; the comparison of the numbers will tell.
            warnings.simplefilter("ignore")
            if self.loss.family == "gaussian":
                y = rows.y[training] - rows.offset[training]
                coef, intercept = self._squares(Z, y, rows.weight[training], alphas, l1_ratio)
            elif plain and not self.loss.shares_rows:
                starts = self._estimators(Z, rows.y[training], rows.weight[training], alphas)
                coef, intercept, off = self._steps(rows, Z, training, alphas, 0.0, starts)
            else:
                coef, intercept, off = self._steps(rows, Z, training, alphas, l1_ratio)
        per = np.where(spread > 0.0, 1.0 / np.where(spread > 0.0, spread, 1.0), 0.0)
        original = coef * (per[:, None] if coef.ndim == 3 else per)
        intercept = intercept - np.tensordot(original, centre, axes=([1], [0]))
        if self.loss.shares_rows:  # which has no intercept
            intercept = np.zeros_like(intercept)
        elif intercept.ndim == 2:  # to which any number can be added
            intercept = intercept - intercept.mean(axis=1, keepdims=True)
        return Fits(original, intercept, spread, off)

    def _squares(self, Z: Floats, y: Floats, w: Floats, alphas: Floats, l1_ratio: float) -> tuple[Floats, Floats]:
        mean, root = np.average(y, weights=w), np.sqrt(w / w.sum())[:, None]
        # A rotation of the rows changes no sum of squares, and leaves as many rows as there are columns.
        Q, R = np.linalg.qr(root * Z)
        b = Q.T @ (root[:, 0] * (y - mean))
        if self.name == "least squares":
            coef = LinearRegression(fit_intercept=False).fit(R, b).coef_[None]
        elif l1_ratio == 0.0:
            coef = _ridge(R, b, alphas / self.target_scale)
        else:
            l1, l2 = alphas * l1_ratio, alphas * (1.0 - l1_ratio) / self.target_scale
            rows = np.sqrt(len(R))  # its loss is the mean over the rows
            _, found, _ = enet_path(
                rows * R,
                rows * b,
                alphas=l1 + l2,
                l1_ratio=float(l1[0] / (l1[0] + l2[0])),
                tol=TOL,
                max_iter=MOST_STEPS,
            )
            coef = found.T
        return np.asarray(coef), np.full(len(coef), mean)

    def _estimators(self, Z: Floats, y: Floats, w: Floats, alphas: Floats) -> list[Floats]:
        """With a squared penalty, or none: for each strength the intercepts, and the coefficients class after class."""
        found = []
        for alpha in alphas.tolist():
            settings: dict[str, Any] = {"tol": 1e-12, "max_iter": 500, "solver": "newton-cholesky"}
            if self.loss.family in {"binomial", "multinomial"}:
                C = np.inf if alpha == 0.0 else 1.0 / (alpha * w.sum())
                model = LogisticRegression(C=C, **settings).fit(Z, y, sample_weight=w)
            else:
                model = TweedieRegressor(power=self.loss.power, link="log", alpha=alpha, **settings)
                model.fit(Z, y, sample_weight=w)
            found.append(np.concatenate([np.ravel(model.intercept_), np.ravel(model.coef_)]))
        return found

    def _steps(
        self,
        rows: Rows,
        Z: Floats,
        training: Ints,
        alphas: Floats,
        l1_ratio: float,
        starts: list[Floats] | None = None,
    ) -> tuple[Floats, Floats, float]:
        """With an absolute penalty too, an offset, or times to an event; or from where scikit-learn's estimators end.

        Those give up early where the curvature is next to none; where they did not, no step is made.
        """
        smooth = smooth_of(self.loss, rows, Z, training)
        b = np.zeros(smooth.size)
        b[: smooth.free] = self.loss.constant(rows, training)[: smooth.free]
        found, off = [], 0.0
        for at, alpha in enumerate(alphas.tolist()):
            b = b if starts is None else starts[at]
            b, violation = minimize(smooth, b, alpha * l1_ratio, alpha * (1.0 - l1_ratio))
            off = max(off, violation)
            found.append(b)
        each = np.stack(found)
        coef, intercept = each[:, smooth.free :], each[:, : smooth.free]
        if smooth.free > 1:
            return coef.reshape(len(each), smooth.free, -1).swapaxes(1, 2), intercept, off
        return coef, intercept[:, 0] if smooth.free else np.zeros(len(each)), off


def standardized(X: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """Columns (m, p) per standard deviation about their means; the means and deviations (p,)."""
    centre = np.average(X, axis=0, weights=w)
    spread = np.sqrt(np.average((X - centre) ** 2, axis=0, weights=w))
    spread = np.where(spread <= 64 * np.finfo(float).eps * np.abs(centre), 0.0, spread)
    return (X - centre) / np.where(spread > 0.0, spread, 1.0) * (spread > 0.0), centre, spread


def smooth_of(loss: Loss, rows: Rows, Z: Floats, training: Ints) -> Smooth:
    """What fits to training rows minimize, but for the penalty."""
    y, w, offset = rows.y[training], rows.weight[training], rows.offset[training]
    share = w / w.sum()
    if loss.shares_rows:
        return times(loss.partial(rows, training), float(w.sum()), Z, offset)
    if loss.family == "multinomial":
        return many_classes(y, rows.n_classes, Z, share)
    return of_one(two_classes(y) if loss.family == "binomial" else amounts(y, loss.power), Z, share, offset)


def _ridge(R: Floats, b: Floats, strengths: Floats) -> Floats:
    """At every strength: to scikit-learn each is a target of its own."""
    model = Ridge(alpha=strengths, fit_intercept=False, solver="svd")
    return np.atleast_2d(model.fit(R, np.tile(b[:, None], len(strengths))).coef_)


def procedure_of(candidate: dict[str, Any], report: dict[str, Any], loss: Loss) -> Procedure | str:
    """How a candidate is fitted here, or why it can't be."""
    name = candidate["name"]
    if name not in KNOWN:
        return "scikit-learn has no such model" if name == "group lasso" else "the report does not say how to make it"
    if name == "unpenalized" and any("classes are separated" in note for note in report["notes"]):
        return "the classes are separated: without a penalty there is no solution to compare"
    if candidate["gap"] > UNSOLVED:
        return f"by the report's own certificate they are no solutions (gap {candidate['gap']:.0e})"
    return Procedure(name, loss, float(report["settings"]["target_scale"]))
