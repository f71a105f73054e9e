"""Leave-one-out errors of ridge for every alpha from one factorization, without refitting."""

import numpy as np
from scipy import linalg

from foldwise.errors import InputError
from foldwise.linear.checks import Array


def leave_one_out_errors(
    X: Array, Y: Array, alphas: Array, *, penalty_factor: Array, weights: Array | None, fit_intercept: bool
) -> Array:
    """Errors y_i - prediction_i of the ridge fits that leave row i out, for every alpha.

    With the hat matrix H of the weighted rows, the error of row i is its residual over 1 - H_ii. The intercept and
    unpenalized columns span a basis U0; what remains of the penalized ones has the SVD U S V', and
    H = U0 U0' + U diag(s^2 / (s^2 + alpha)) U'.

    Parameters
    ----------
    X : (n, p). Y : (n, T). alphas : (A,), > 0. weights : (n,) or None.
    penalty_factor : (p,), 0 for unpenalized columns, infinity for columns left out.

    Returns
    -------
    (A, n, T), in units of y; 0 for rows of weight zero, which no score counts.

    Source: R. Rifkin and R. Lippert, *Notes on regularized least squares*, MIT-CSAIL-TR-2007-025.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [1.0], [5.0]])
    >>> errors = leave_one_out_errors(
    ...     X, y, np.array([1.0]), penalty_factor=np.ones(1), weights=None, fit_intercept=False
    ... )
    >>> errors.ravel().round(6).tolist()  # the last one: 5 - 2 b with b = 1 / (1 + 1)
    [0.0, -1.0, 4.0]
    """
    used = np.ones(len(X), bool) if weights is None else weights > 0
    root = np.ones(len(X)) if weights is None else np.sqrt(weights[used])
    mean, start = (
        (np.average(columns[used], axis=0, weights=root**2) if fit_intercept else np.zeros(columns.shape[1]))
        for columns in (X, Y)
    )
    rows, targets = (X[used] - mean) * root[:, None], (Y[used] - start) * root[:, None]
    free = [root[:, None]] if fit_intercept else []
    basis = _basis(np.hstack([*free, rows[:, penalty_factor == 0]]))
    shrunk = np.isfinite(penalty_factor) & (penalty_factor > 0)
    inner = rows[:, shrunk] / np.sqrt(penalty_factor[shrunk])
    inner -= basis @ (basis.T @ inner)
    U, s, _ = linalg.svd(inner, full_matrices=False)
    left = targets - basis @ (basis.T @ targets)
    along, fixed = U.T @ left, (basis**2).sum(axis=1)
    errors = np.zeros((len(alphas), *Y.shape))
    for at, alpha in enumerate(alphas):
        kept = s**2 / (s**2 + alpha)
        slack = 1.0 - fixed - U**2 @ kept
        full = np.flatnonzero(slack <= 1e-12)
        if full.size:
            row = int(np.flatnonzero(used)[full[0]])
            raise InputError(f"cv=None leaves one row out, but without row {row} the fit is not determined; pass cv=")
        errors[at, used] = (left - U @ (kept[:, None] * along)) / (slack * root)[:, None]
    return errors


def _basis(columns: Array) -> Array:
    """An orthonormal basis of the columns' span."""
    length = np.linalg.norm(columns, axis=0)
    basis: Array = linalg.orth(columns[:, length > 0] / length[length > 0])
    return basis
