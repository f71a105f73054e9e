"""Several gaussian targets: fold moments of features and targets, and a group lasso whose groups are features' rows.

The objective is MultiTaskElasticNet's: half the mean squared error, summed over the targets, and the elastic net of the
lengths of each feature's coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foldwise.errors import InputError
from foldwise.moments import FoldMoments
from foldwise.moments.threads import side_by_side
from foldwise.paths.output_paths import OutputPaths
from foldwise.penalties import Groups, SparseGroup
from foldwise.solvers.group import solve_group_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from foldwise.moments import TrainingSet
    from foldwise.paths.generalized.row_table import RowTable
    from foldwise.paths.problem import Options
    from foldwise.paths.strengths import Search
    from foldwise.solvers.quadratic import QuadraticPath

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# Coefficients of one fit: the solver's matrix has as many rows and columns.
MANY = 3000
RIDGE_STRONGEST = 100.0


@dataclass(frozen=True, eq=False)
class _TargetsProblem:
    """One training set's problem on the scale where the penalty is the plain one, of the columns that vary.

    Parameters
    ----------
    live : array (m,)
    unit : array (m,)
        A coefficient in original units is this one over unit.
    Q, c : arrays (m, m), (m, C)
    yy : float
    factor : array (m,)
    """

    live: Ints
    unit: Floats
    Q: Floats
    c: Floats
    yy: float
    factor: Floats

    @classmethod
    def of(cls, training: TrainingSet, p: int, options: Options) -> _TargetsProblem:
        """From moments whose columns are p features and the targets but the first, which is y."""
        mean = np.append(training.mean, training.y_mean)
        whole = np.empty((len(mean), len(mean)))
        whole[:-1, :-1], whole[-1, :-1], whole[:-1, -1] = training.covariance, training.with_y, training.with_y
        whole[-1, -1] = training.y_variance
        if not options.fit_intercept:
            whole = whole + np.outer(mean, mean)
        order = [len(mean) - 1, *range(p, len(mean) - 1)]
        spread = training.scale[:p] if options.fit_intercept else np.sqrt(np.diag(whole)[:p])
        live = np.flatnonzero((spread > 0.0) & np.isfinite(options.penalty_factor))
        scale = np.where(training.scale[:p] > 0.0, training.scale[:p], spread)
        unit = scale[live] if options.standardize else np.ones(len(live))
        return cls(
            live=live,
            unit=unit,
            Q=whole[np.ix_(live, live)] / unit[:, None] / unit,
            c=whole[np.ix_(live, order)] / unit[:, None],
            yy=float(np.diag(whole)[order].sum()),
            factor=options.penalty_factor[live],
        )

    def solve(self, l1: Floats, l2: Floats, tol: float) -> QuadraticPath:
        """Coefficients (A, m C), feature after feature."""
        targets = self.c.shape[1]
        groups = Groups.of(np.repeat(np.arange(len(self.live)), targets))
        penalty = SparseGroup(
            groups=groups,
            norm_weight=self.factor,
            ridge_weight=self.factor,
            weight=np.zeros(len(self.live) * targets),
            l1=l1,
            l2=l2,
        )
        Q: Floats = np.kron(self.Q, np.eye(targets)).astype(np.float64, copy=False)
        return solve_group_path(Q, self.c.ravel(), self.yy, penalty=penalty, tol=tol)

    def strongest(self, l1_ratio: float) -> float:
        """The alpha at which every penalized feature is out; for ridge, as `strengths.strength_grid` has it."""
        counted = self.factor > 0.0
        if not counted.any():
            return 1.0
        if l1_ratio == 0.0:
            return RIDGE_STRONGEST * float(np.median(np.diag(self.Q)[counted] / self.factor[counted]))
        free = np.flatnonzero(~counted)
        pull = self.c - self.Q[:, free] @ np.linalg.lstsq(self.Q[np.ix_(free, free)], self.c[free], rcond=None)[0]
        return float((np.linalg.norm(pull[counted], axis=1) / self.factor[counted]).max()) / l1_ratio


def fit_several_targets(table: RowTable, search: Search, options: Options) -> OutputPaths:
    """Paths of every held-out set.

    Parameters
    ----------
    table : RowTable
        With y (n, C).
    search : Search
    options : Options
        Without bounds.
    """
    p, targets = table.n_features, table.n_outputs
    if options.is_bounded:
        message = "bounds must be left out with family='multigaussian'"
        raise InputError(message)
    if p * targets > MANY:
        message = f"X must have at most {MANY // targets} columns with {targets} targets, got {p}"
        raise InputError(message)
    X = table.X.toarray() if hasattr(table.X, "toarray") else table.X
    moments = FoldMoments.scan(
        np.column_stack([X, table.y[:, 1:]]), table.y[:, 0], table.folds, sample_weight=table.weight
    )
    sets = moments.held_out_sets(nested=search.nested)
    trainings = [moments.training_set(members) for members in sets]
    problems = [_TargetsProblem.of(training, p, options) for training in trainings]
    grid = search.alphas
    if isinstance(grid, int):
        top = max(problems[0].strongest(search.l1_ratio), np.finfo(float).resolution)
        grid = np.geomspace(top, top * (search.eps**3 if search.l1_ratio == 0.0 else search.eps), grid)
        grid = grid * (trainings[0].weight if search.loss == "sum" else 1.0)
    strengths = grid

    def one(h: int) -> QuadraticPath:
        alphas = strengths / trainings[h].weight if search.loss == "sum" else strengths
        return problems[h].solve(alphas * search.l1_ratio, alphas * (1.0 - search.l1_ratio), search.tol)

    found = side_by_side(one, range(len(sets)))
    coef = np.zeros((len(sets), len(grid), p, targets))
    intercept = np.zeros((len(sets), len(grid), targets))
    for h, (path, problem, training) in enumerate(zip(found, problems, trainings, strict=True)):
        coef[h][:, problem.live] = path.coef.reshape(len(grid), -1, targets) / problem.unit[:, None]
        if options.fit_intercept:
            centre = np.append(training.y_mean, training.mean[p:])
            intercept[h] = centre - np.einsum("apc,p->ac", coef[h], training.mean[:p])
    cv_error, inner_error = _errors(table, sets, moments, lambda h, rows: X[rows] @ coef[h] + intercept[h][:, None])
    k = moments.n_folds
    return OutputPaths(
        alphas=grid,
        l1_ratio=search.l1_ratio,
        held_out=sets,
        kept=coef,
        intercept=intercept,
        gap=np.stack([path.gap for path in found]),
        n_iter=np.stack([path.n_iter for path in found]),
        status=np.stack([path.status for path in found]),
        null_objective=np.array([0.5 * problem.yy for problem in problems]),
        mean=np.stack([training.mean[:p] for training in trainings]),
        scale=np.stack([training.scale[:p] for training in trainings]),
        maps=tuple(training.map for training in trainings),
        n_folds=k,
        n_repeats=moments.n_repeats,
        cv_error=cv_error,
        fold_weight=moments.weight if k > 1 else np.zeros(0),
        inner_error=inner_error if search.nested else None,
        family=table.family,
    )


def _errors(
    table: RowTable,
    sets: tuple[frozenset[int], ...],
    moments: FoldMoments,
    predict: Callable[[int, Ints], Floats],
) -> tuple[Floats, Floats]:
    """Mean deviances on held-out folds: cv_error (R K, A), inner_error (R K, K, A)."""
    k, points = moments.n_folds, predict(0, np.zeros(1, dtype=np.intp)).shape[0]
    folds = len(moments.weight) if k > 1 else 0
    cv_error, inner_error = np.full((folds, points), np.nan), np.full((folds, k, points), np.nan)
    for h, members in enumerate(sets):
        for fold in members:
            if table.folds is None:
                continue
            rows = table.folds.test_rows(fold)
            deviance = table.family.deviance(predict(h, rows), table.y[rows])
            error = deviance @ table.weight[rows] / table.weight[rows].sum()
            if len(members) == 1:
                cv_error[fold] = error
            else:
                (outer,) = members - {fold}
                inner_error[outer, fold % k] = error
    return cv_error, inner_error
