"""Least squares and ridge from rows by orthogonal factors (QR, SVD), never by normal equations."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
_EXTENDED = float(np.finfo(np.longdouble).eps) < EPS
_CHUNK = 4096  # rows turned to extended precision at a time
_CHEAP = 1_000_000  # cells up to which refinement costs next to nothing
_SAFE = 1e-4  # reciprocal condition above which plain QR keeps about 12 digits


@dataclass(frozen=True)
class RowSolution:
    """What least squares on rows gives: the coefficients and how much of them the data determine.

    `coef` is (p,) and `intercept` a number for y of shape (n,); (T, p) and (T,) for y of shape (n, T).
    """

    coef: Array
    intercept: Array
    rank: int
    """Numerical rank of the centred columns, each scaled to unit length."""
    collinear: tuple[int, ...]
    """Columns that take part in an exact linear relation; empty when the rank is full."""
    singular: Array
    """Singular values of the centred, weighted columns in original units (of the penalized ones for ridge)."""


def least_squares(
    X: Array, y: Array, *, weights: Array | None = None, fit_intercept: bool = True, ridge: Array | None = None
) -> RowSolution:
    """Minimize sum_i w_i (y_i - b0 - x_i b)^2 + sum_j ridge_j b_j^2.

    Tall problems: Householder QR of the centred and scaled columns, then iterative refinement of the augmented system
    with residuals of the original rows in extended precision. Wide or rank-deficient problems: SVD of the scaled
    columns; of all minimizers the one with the smallest |b| in the columns as given.

    Parameters
    ----------
    X : (n, p), finite.
    y : (n,) or (n, T).
    weights : (n,) of numbers >= 0; rows of weight zero are left out.
    fit_intercept : whether b0 is free or zero.
    ridge : (p,) of penalties >= 0 in squared units of y per squared unit of x; infinity holds a coefficient at zero.

    Returns
    -------
    RowSolution

    Source: Å. Björck, *Iterative refinement of linear least squares solutions* I, BIT 7 (1967).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0], [2.0], [4.0]])
    >>> fit = least_squares(X, 3 * X[:, 0] + 1)
    >>> [round(float(v), 12) for v in (fit.coef[0], fit.intercept)]
    [3.0, 1.0]
    """
    rows = _Rows.of(X, y, weights, fit_intercept=fit_intercept)
    penalty = np.zeros(X.shape[1]) if ridge is None else np.asarray(ridge, float)
    free = np.flatnonzero(np.isfinite(penalty) & (rows.scale > 0))
    coef = np.zeros((X.shape[1], rows.Y.shape[1]))
    rank, collinear, singular, start = len(free), (), np.zeros(0), rows.target_mean
    if len(free):
        part = rows.take(free)
        if len(part.X) > len(free):
            coef[free], start, rank, null, singular = _tall(part, penalty[free])
        else:
            coef[free], rank, null, singular = _wide(part, penalty[free])
            start = part.target_mean - part.mean @ coef[free] if fit_intercept else part.target_mean
        collinear = tuple(free[null].tolist())
    single = np.ndim(y) == 1
    return RowSolution(
        coef=coef[:, 0] if single else coef.T,
        intercept=start[0] if single else start,
        rank=rank,
        collinear=collinear,
        singular=np.concatenate([singular, np.zeros(min(X.shape) - len(singular))]) if ridge is None else singular,
    )


class _Rows(NamedTuple):
    """Rows with what centres and scales them. mean and scale choose coordinates; they need not be exact."""

    X: Array
    Y: Array
    root: Array  # (n,) square roots of the weights
    mean: Array  # (p,)
    scale: Array  # (p,) lengths of the weighted centred columns; 0 where a column is constant
    blur: float  # the largest rounding unit of a column, relative to its length
    target_mean: Array  # (T,)
    fit_intercept: bool

    @classmethod
    def of(cls, X: Array, y: Array, weights: Array | None, *, fit_intercept: bool) -> "_Rows":
        Y = np.asarray(y, float).reshape(len(X), -1)
        if weights is not None and not (weights > 0).all():
            X, Y, weights = X[weights > 0], Y[weights > 0], weights[weights > 0]
        root = np.ones(len(X)) if weights is None else np.sqrt(weights)
        mean, target_mean = np.zeros(X.shape[1]), np.zeros(Y.shape[1])
        if fit_intercept:
            mean, target_mean = (np.average(columns, axis=0, weights=weights) for columns in (X, Y))
        scale = np.zeros(X.shape[1])
        for at in range(0, len(X), _CHUNK):
            scale += (((X[at : at + _CHUNK] - mean) * root[at : at + _CHUNK, None]) ** 2).sum(axis=0)
        scale = np.sqrt(scale)
        unit = EPS * np.abs(X).max(axis=0, initial=0.0) * np.linalg.norm(root)
        scale[scale <= 4 * unit] = 0.0
        live = scale > 0
        blur = float(np.max(unit[live] / scale[live], initial=0.0))
        return cls(X, Y, root, mean, scale, blur, target_mean, fit_intercept)

    def take(self, columns: NDArray[np.intp]) -> "_Rows":
        if len(columns) == self.X.shape[1]:
            return self
        return self._replace(X=self.X[:, columns], mean=self.mean[columns], scale=self.scale[columns])

    def tolerance(self) -> float:
        """Singular values of the scaled columns below this share of the largest count as zero."""
        return float(max(EPS * max(self.X.shape), self.blur))

    def centred(self, width: Array, extra: int = 0) -> Array:
        """The weighted centred columns over `width`, after a column for the intercept, `extra` empty rows below."""
        first = int(self.fit_intercept)
        A = np.zeros((len(self.X) + extra, first + len(width)), order="F")
        np.subtract(self.X, self.mean, out=A[: len(self.X), first:])
        A[: len(self.X), first:] *= self.root[:, None]
        A[:, first:] /= width
        if first:
            A[: len(self.X), 0] = self.root / np.linalg.norm(self.root)
        return A


def _tall(rows: _Rows, penalty: Array) -> tuple[Array, Array, int, NDArray[np.intp], Array]:
    """More rows than columns: QR and refinement; the SVD of its R where the columns are collinear."""
    first, p = int(rows.fit_intercept), len(penalty)
    width = np.hypot(rows.scale, np.sqrt(penalty))
    penalized = bool(penalty.any())
    A = rows.centred(width, extra=p if penalized else 0)
    if penalized:
        A[len(rows.X) :, first:][np.diag_indices(p)] = np.sqrt(penalty) / width
    target = np.zeros((len(A), rows.Y.shape[1]), order="F")
    target[: len(rows.X)] = (rows.Y - rows.target_mean) * rows.root[:, None]
    factor = _Factor.of(A)
    rotated = factor.rotate(target)[: first + p]
    inner, inner_target = factor.R[first:, first:], rotated[first:]
    singular = linalg.svdvals(inner * width)
    if factor.condition / (10 * (p + 1)) <= rows.tolerance():
        solution = shortest(inner, inner_target, width, rows.tolerance())
        if solution.rank < p:
            start = rows.target_mean - rows.mean @ solution.coef if first else rows.target_mean
            return solution.coef, start, solution.rank, solution.null, singular
    t = linalg.solve_triangular(factor.R, rotated)
    if _EXTENDED and (rows.X.size <= _CHEAP or factor.condition < _SAFE):
        coef, start = _refine(rows, factor, t, width, penalty)
    else:
        coef = t[first:] / width[:, None]
        start = t[0] / np.linalg.norm(rows.root) + rows.target_mean - rows.mean @ coef if first else rows.target_mean
    return coef, start, p, np.zeros(0, np.intp), singular


class _Factor(NamedTuple):
    """A QR factorization: R, and Q as Householder reflections."""

    reflections: Array
    tau: Array
    R: Array
    condition: float  # estimate of 1 / (|R| |R^-1|) in the 1-norm

    @classmethod
    def of(cls, A: Array) -> "_Factor":
        reflections, tau, _, _ = linalg.lapack.dgeqrf(A, lwork=64 * A.shape[1], overwrite_a=True)
        R = np.triu(reflections[: A.shape[1]])
        condition, _ = linalg.lapack.dtrcon(R)
        return cls(reflections, tau, R, float(condition))

    def rotate(self, columns: Array, *, back: bool = False) -> Array:
        """Q' times columns, or Q times columns when `back`."""
        work = 64 * columns.shape[1]
        which = "N" if back else "T"
        product, _, _ = linalg.lapack.dormqr("L", which, self.reflections, self.tau, np.asfortranarray(columns), work)
        return np.asarray(product)


def _refine(rows: _Rows, factor: _Factor, t: Array, width: Array, penalty: Array) -> tuple[Array, Array]:
    """Correct (residual, coefficients) of the augmented system until the corrections stop shrinking."""
    wide = np.longdouble
    first, n, p = int(rows.fit_intercept), len(rows.X), len(width)
    root, mean, unit = rows.root.astype(wide), rows.mean.astype(wide), np.linalg.norm(rows.root)
    ridge_rows = np.sqrt(penalty.astype(wide)) if penalty.any() else np.zeros(0, wide)
    targets = (rows.Y.astype(wide) - rows.target_mean) * root[:, None]

    def original(t: NDArray[np.longdouble]) -> tuple[NDArray[np.longdouble], NDArray[np.longdouble]]:
        coef = t[first:] / width[:, None]
        return coef, (t[0] / unit if first else 0) - mean @ coef

    def fitted(t: NDArray[np.longdouble]) -> NDArray[np.longdouble]:
        coef, start = original(t)
        parts = [rows.X[at : at + _CHUNK].astype(wide) @ coef + start for at in range(0, n, _CHUNK)]
        above = np.concatenate(parts) * root[:, None]
        return np.concatenate([above, ridge_rows[:, None] * coef]) if len(ridge_rows) else above

    def gradient(residual: NDArray[np.longdouble]) -> NDArray[np.longdouble]:
        u = residual[:n] * root[:, None]
        total = u.sum(axis=0)
        product = sum(rows.X[at : at + _CHUNK].astype(wide).T @ u[at : at + _CHUNK] for at in range(0, n, _CHUNK))
        slope = product - mean[:, None] * total
        if len(ridge_rows):
            slope = slope + ridge_rows[:, None] * residual[n:]
        slope = slope / width[:, None]
        return np.concatenate([(total / unit)[None], slope]) if first else slope

    solution = t.astype(wide)
    goal = np.zeros((n + len(ridge_rows), rows.Y.shape[1]), wide)
    goal[:n] = targets
    residual = goal - fitted(solution)
    last = np.inf
    for _ in range(6):
        off = (goal - residual - fitted(solution)).astype(float)
        tilt = linalg.solve_triangular(factor.R, -gradient(residual).astype(float), trans="T")
        rotated = factor.rotate(off)
        step = linalg.solve_triangular(factor.R, rotated[: first + p] - tilt)
        size = float(np.abs(step).max())
        if not size < last / 2:
            break
        rotated[: first + p] = tilt
        solution += step
        residual += factor.rotate(rotated, back=True)
        last = size
        if size <= EPS * EPS * float(np.abs(solution).max()):
            break
    coef, start = original(solution)
    start = start + rows.target_mean if first else np.zeros(rows.Y.shape[1], wide)
    return coef.astype(float), start.astype(float)


def _wide(rows: _Rows, penalty: Array) -> tuple[Array, int, NDArray[np.intp], Array]:
    """At least as many columns as rows: the SVD of the centred columns."""
    first, p = int(rows.fit_intercept), len(penalty)
    A = rows.centred(np.ones(p))[:, first:]
    target = (rows.Y - rows.target_mean) * rows.root[:, None]
    if not penalty.any():
        found = shortest(A / rows.scale, target, rows.scale, rows.tolerance())
        return found.coef, found.rank, found.null, linalg.svdvals(A)
    coef = ridge_path(A, target, np.ones(1), penalty)[0]
    return coef, p, np.zeros(0, np.intp), np.zeros(0)


class Shortest(NamedTuple):
    """A minimizer, the rank it was found with, and the columns that take part in a linear relation."""

    coef: Array
    rank: int
    null: NDArray[np.intp]


def shortest(scaled: Array, target: Array, width: Array, tolerance: float) -> Shortest:
    """Minimize |target - scaled diag(width) b|; of all minimizers the one with the smallest |b|.

    With the SVD U S V' of `scaled`, b must lie in the span of diag(width) V = Q T (QR), so b = Q T'^-1 S^-1 U' target.
    """
    U, s, Vt = linalg.svd(scaled, full_matrices=False)
    rank = int((s > tolerance * s[0]).sum()) if len(s) else 0
    z = (U[:, :rank].T @ target) / s[:rank, None]
    p = scaled.shape[1]
    if rank == p:
        return Shortest((Vt.T @ z) / width[:, None], rank, np.zeros(0, np.intp))
    Q, T = linalg.qr(width[:, None] * Vt[:rank].T, mode="economic")
    coef = Q @ linalg.solve_triangular(T, z, trans="T")
    slack = 1.0 - (Vt[:rank] ** 2).sum(axis=0)  # how far each column's axis sticks out of the row space
    return Shortest(coef, rank, np.flatnonzero(slack > 1e-9))


def ridge_path(G: Array, target: Array, alphas: Array, penalty: Array) -> Array:
    """Minimize |target - G b|^2 + alpha sum_j penalty_j b_j^2 for every alpha from one SVD.

    Parameters
    ----------
    G : (m, p), centred rows or a triangular factor of them.
    target : (m, T).
    alphas : (A,) of numbers >= 0.
    penalty : (p,) of factors >= 0; columns of factor zero are free, of infinity are held at zero.

    Returns
    -------
    (A, p, T)

    Examples
    --------
    >>> import numpy as np
    >>> ridge_path(np.eye(2), np.array([[2.0], [4.0]]), np.array([1.0]), np.array([1.0, 0.0]))[0, :, 0].tolist()
    [1.0, 4.0]
    """
    coef = np.zeros((len(alphas), G.shape[1], target.shape[1]))
    free, shrunk = np.flatnonzero(penalty == 0), np.flatnonzero((penalty > 0) & np.isfinite(penalty))
    inner, inner_target = G[:, shrunk], target
    if len(free):
        basis = linalg.orth(_unit_columns(G[:, free]))
        inner = inner - basis @ (basis.T @ inner)
        inner_target = target - basis @ (basis.T @ target)
    if len(shrunk):
        root = np.sqrt(penalty[shrunk])
        U, s, Vt = linalg.svd(inner / root, full_matrices=False)
        keep = s > EPS * max(inner.shape) * s[0]
        U, s, Vt = U[:, keep], s[keep], Vt[keep]
        rotated = U.T @ inner_target
        shrink = s / (s**2 + alphas[:, None])  # (A, rank)
        coef[:, shrunk] = np.einsum("rp,ar,rt->apt", Vt, shrink, rotated, optimize=True) / root[:, None]
    if len(free):
        left = target - np.einsum("ms,ast->amt", G[:, shrunk], coef[:, shrunk], optimize=True)
        norm = _norms(G[:, free])
        for at, rest in enumerate(left):
            coef[at, free] = shortest(_unit_columns(G[:, free]), rest, norm, EPS * max(G.shape)).coef
    return coef


def _norms(G: Array) -> Array:
    norm = np.linalg.norm(G, axis=0)
    return np.where(norm == 0, 1.0, norm)


def _unit_columns(G: Array) -> Array:
    return G / _norms(G)
