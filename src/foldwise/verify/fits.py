"""One training set's fits at every strength, by scikit-learn's estimators at tight tolerances."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, TweedieRegressor, enet_path

Floats = NDArray[np.float64]

TOL, MOST_STEPS = 1e-13, 200_000


@dataclass(frozen=True, eq=False)
class Fits:
    """Lines of one training set in original units: coef (A, p), intercept (A,), and the columns' spread (p,)."""

    coef: Floats
    intercept: Floats
    spread: Floats


@dataclass(frozen=True)
class Procedure:
    """A candidate as scikit-learn fits it.

    Attributes
    ----------
    name : str
    family : str
    power : float
        Of the Tweedie deviance: 1 for counts, 2 for gamma amounts.
    target_scale : float
        s in the penalty.
    """

    name: str
    family: str
    power: float
    target_scale: float

    def fit(self, X: Floats, y: Floats, w: Floats, alphas: Floats, l1_ratio: float) -> Fits:
        """At every strength, the penalty on columns per standard deviation of these rows (m, p)."""
        centre = np.average(X, axis=0, weights=w)
        spread = np.sqrt(np.average((X - centre) ** 2, axis=0, weights=w))
        spread = np.where(spread <= 64 * np.finfo(float).eps * np.abs(centre), 0.0, spread)
        Z = (X - centre) / np.where(spread > 0.0, spread, 1.0) * (spread > 0.0)
        with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
            # A tolerance near rounding can be out of reach; the comparison of the numbers will tell.
            warnings.simplefilter("ignore")
            fit = self._squares if self.family == "gaussian" else self._likelihood
            coef, intercept = fit(Z, y, w, alphas, l1_ratio)
        original = np.where(spread > 0.0, coef / np.where(spread > 0.0, spread, 1.0), 0.0)
        return Fits(original, intercept - original @ centre, spread)

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

    def _likelihood(self, Z: Floats, y: Floats, w: Floats, alphas: Floats, l1_ratio: float) -> tuple[Floats, Floats]:  # noqa: ARG002
        found = []
        for alpha in alphas.tolist():
            settings: dict[str, Any] = {"tol": 1e-12, "max_iter": 500, "solver": "newton-cholesky"}
            if self.family == "binomial":
                C = np.inf if alpha == 0.0 else 1.0 / (alpha * w.sum())
                model = LogisticRegression(C=C, **settings).fit(Z, y, sample_weight=w)
            else:
                model = TweedieRegressor(power=self.power, link="log", alpha=alpha, **settings)
                model.fit(Z, y, sample_weight=w)
            found.append((model.coef_.ravel(), float(np.ravel(model.intercept_)[0])))
        return np.stack([coef for coef, _ in found]), np.array([intercept for _, intercept in found])


def _ridge(R: Floats, b: Floats, strengths: Floats) -> Floats:
    """At every strength: to scikit-learn each is a target of its own."""
    model = Ridge(alpha=strengths, fit_intercept=False, solver="svd")
    return np.atleast_2d(model.fit(R, np.tile(b[:, None], len(strengths))).coef_)


def procedure_of(name: str, report: dict[str, Any]) -> Procedure | str:
    """How scikit-learn fits a candidate, or why it can't."""
    family, parameters = report["family"]["name"], report["family"]["parameters"]
    known = {"least squares", "unpenalized", "ridge", "lasso", "elastic net"}
    if name not in known:
        return "scikit-learn has no such model" if name == "group lasso" else "the report does not say how to make it"
    if family not in {"gaussian", "binomial", "poisson", "gamma", "tweedie"} or len(report["family"]["classes"]) > 2:
        return f"scikit-learn has no {family} model with this penalty"
    if family != "gaussian" and name in {"lasso", "elastic net"}:
        return f"scikit-learn has no solver for an absolute penalty in the {family} family that is accurate enough"
    if name == "unpenalized" and any("classes are separated" in note for note in report["notes"]):
        return "the classes are separated: without a penalty there is no solution to compare"
    power = {"poisson": 1.0, "gamma": 2.0}.get(family, float(parameters.get("power", 1.5)))
    return Procedure(name, family, power, float(report["settings"]["target_scale"]))
