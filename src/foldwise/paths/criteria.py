"""Information criteria along a path, from the final model's moments alone: choosing without folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError
from foldwise.inference import information_criterion
from foldwise.paths.kept_columns import KeptColumns, Source, cholesky
from foldwise.solvers.ridge import solve_ridge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.inference.information import Criterion
    from foldwise.paths.paths import Paths
    from foldwise.paths.problem import Problem

    Floats = NDArray[np.float64]

# A fit that leaves at least this share of the rows free tells the noise variance well.
FREE = 0.5


@dataclass(frozen=True, eq=False, repr=False)
class Information:
    """One criterion for every strength of the final model's path.

    Attributes
    ----------
    criterion : {"aic", "aicc", "bic", "ebic"}
    alphas : array (A,)
    values : array (A,)
        The smaller the better; comparable within this path only.
    df : array (A,)
        Degrees of freedom, without the intercept: for the lasso the number of features kept, for the elastic net and
        ridge fewer, since they shrink.
    n_kept : array (A,) of int
        Features kept.
    rss : array (A,)
        Residual sum of squares (times n / W for weighted rows), in units of y squared.
    index : int
        Position of the smallest value; of equal ones the strongest penalty.
    noise_variance : float or None
        In units of y squared; None for "aicc", which estimates it anew for every fit.
    noise_from : str
        Where the noise variance comes from, in one line.
    """

    criterion: Criterion
    alphas: Floats
    values: Floats
    df: Floats
    n_kept: NDArray[np.intp]
    rss: Floats
    index: int
    noise_variance: float | None
    noise_from: str

    @property
    def alpha(self) -> float:
        """The chosen strength."""
        return float(self.alphas[self.index])

    def __repr__(self) -> str:
        """The choice, and the noise variance it stands on."""
        noise = self.noise_from if self.noise_variance is None else f"{self.noise_variance:.4g} from {self.noise_from}"
        return (
            f"{self.criterion.upper()}: alpha = {self.alpha:.4g} (position {self.index} of {len(self.alphas)}), "
            f"{self.n_kept[self.index]} features, df = {self.df[self.index]:.4g}; noise variance: {noise}"
        )


def information(
    paths: Paths,
    source: Source,
    criterion: Criterion = "bic",
    *,
    noise_variance: float | None = None,
    gamma: float = 0.5,
    **settings: Any,
) -> Information:
    """Score every strength of a path by an information criterion.

    The lasso's degrees of freedom are the number of its features (the rank of their columns, where they are collinear);
    those of the elastic net are tr((Q_AA + alpha_2 D)^-1 Q_AA) over the features kept, Q being their covariance and
    alpha_2 D the ridge penalty. A feature held at a nonzero bound counts as kept, but has no freedom.

    Parameters
    ----------
    paths : Paths
        Of a lasso, elastic net or ridge, with or without folds.
    source : FoldMoments or WideTable
        The table that fit_paths was given, as `FoldMoments.scan` or `foldwise.paths.prepare` returned it.
    criterion : {"aic", "aicc", "bic", "ebic"}
    noise_variance : float, optional
        In units of y squared. Estimated where omitted, from the largest model that leaves at least half of the rows
        free: least squares on all features if that does (unbiased), else the largest such fit of the path, by
        rss / (n - df - 1) (Reid, Tibshirani & Friedman 2016). `noise_from` says which.
    gamma : float in [0, 1]
        For "ebic": 0 is BIC; the larger, the fewer features.
    **settings
        fit_intercept, standardize, penalty_factor, bounds, loss: as they were given to fit_paths. The path's duality
        gap is computed again with them, so a forgotten one does not go unnoticed.

    Returns
    -------
    Information

    Raises
    ------
    InputError
        Where table or settings are not those of the paths, or nothing tells the noise variance.

    References
    ----------
    Zou, Hastie & Tibshirani (2007), On the degrees of freedom of the lasso, Annals of Statistics 35; Tibshirani and
    Taylor (2012), Degrees of freedom in lasso problems, Annals of Statistics 40; Reid, Tibshirani & Friedman (2016), A
    study of error variance estimation in lasso regression, Statistica Sinica 26. For the criteria see
    `foldwise.inference.information_criterion`.

    Examples
    --------
    >>> import numpy as np
    >>> import foldwise as fw
    >>> from foldwise.paths.criteria import information
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(80, 8))
    >>> moments = fw.FoldMoments.scan(X, X[:, 0] - 2.0 * X[:, 3] + rng.normal(size=80))
    >>> found = information(fw.fit_paths(moments), moments, "bic")
    >>> int(found.n_kept[found.index]), found.noise_from
    (2, 'least squares on all 8 features')
    """
    kept = KeptColumns.of(paths, source, **settings)
    problem, strengths = kept.problem(frozenset())
    coef = kept.coef(paths.index()) * np.where(np.isfinite(problem.root), problem.root, 0.0)
    n = kept.n_rows
    rss = n * np.maximum(problem.yy - 2.0 * (coef @ problem.c) + np.einsum("aj,aj->a", coef @ problem.Q, coef), 0.0)
    df = degrees_of_freedom(problem, coef, strengths.l2)
    n_kept = np.count_nonzero(coef, axis=1)
    noise_from = "the fit itself" if criterion == "aicc" else "the argument"
    if criterion != "aicc" and noise_variance is None:
        noise_variance, noise_from = _estimate(kept, rss, df, source, settings)
    values = information_criterion(
        criterion,
        rss,
        df,
        n=n,
        noise_variance=noise_variance,
        n_kept=n_kept,
        n_features=_n_candidates(paths, settings),
        gamma=gamma,
        fit_intercept=kept.options.fit_intercept,
    )
    return Information(
        criterion=criterion,
        alphas=paths.alphas,
        values=values,
        df=df,
        n_kept=n_kept,
        rss=rss,
        index=int(np.argmin(values)),
        noise_variance=noise_variance,
        noise_from=noise_from,
    )


def degrees_of_freedom(problem: Problem, coef: Floats, l2: Floats) -> Floats:
    """Degrees of freedom (A,) of solutions (A, q) on the problem's scale, without the intercept."""
    penalty = problem.penalty
    free = (coef != 0.0) & (coef > penalty.lower) & (coef < penalty.upper)
    df = np.zeros(len(coef))
    last: tuple[bytes, float] | None = None
    for a, (active, strength) in enumerate(zip(free, l2, strict=True)):
        key = (active.tobytes(), float(strength))
        if key != last:
            at = np.flatnonzero(active)
            value = _freedom(problem.Q[np.ix_(at, at)], strength * penalty.l2_weight[at]) if len(at) else 0.0
            last = key
        df[a] = value
    return df


def _freedom(Q: Floats, ridge: Floats) -> float:
    """Trace of (Q + diag(ridge))^-1 Q; the rank of Q where no ridge is added."""
    floor = 50.0 * len(Q) * np.finfo(float).eps
    if not ridge.any():
        if cholesky(Q) is not None:
            return float(len(Q))
        values = np.linalg.eigvalsh(Q)
        return float(np.count_nonzero(values > floor * values[-1]))
    curved = Q + np.diag(ridge)
    root = np.sqrt(np.diag(curved))  # strong and weak penalties side by side must not drown each other
    scaled = np.outer(root, root)
    return float(np.trace(np.linalg.pinv(curved / scaled, rcond=floor, hermitian=True) @ (Q / scaled)))


def _estimate(
    kept: KeptColumns, rss: Floats, df: Floats, source: Source, settings: dict[str, Any]
) -> tuple[float, str]:
    """Noise variance and where it is from."""
    n, p, intercept = kept.n_rows, kept.paths.n_features, float(kept.options.fit_intercept)
    if n - p - intercept >= FREE * n:
        every = KeptColumns.of(kept.paths, source, **settings, columns=range(p))
        problem, _ = every.problem(frozenset())
        coef, _ = solve_ridge(problem.Q, problem.c, np.zeros(1), np.ones(p))
        left = problem.yy - float(coef[0] @ problem.c)
        live = np.flatnonzero(np.diag(problem.Q))
        rank = int(np.linalg.matrix_rank(problem.Q[np.ix_(live, live)], hermitian=True)) if len(live) else 0
        return n * max(left, 0.0) / (n - rank - intercept), f"least squares on all {p} features"
    free = n - df - intercept
    told = np.flatnonzero(free >= FREE * n)
    if not len(told):
        message = "noise_variance must be given: every fit of the path leaves less than half of the rows free"
        raise InputError(message)
    at = int(told[np.argmax(df[told])])
    return float(rss[at] / free[at]), f"the path's fit with df = {df[at]:.4g} at alpha = {kept.paths.alphas[at]:.4g}"


def _n_candidates(paths: Paths, settings: dict[str, Any]) -> int:
    """Features that are not left out beforehand."""
    p = paths.n_features
    factor = settings.get("penalty_factor")
    return p if factor is None else int(np.isfinite(np.broadcast_to(np.asarray(factor, dtype=float), p)).sum())
