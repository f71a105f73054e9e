"""foldwise: LassoCV as a user calls it, or fit_paths with a family; and the variants that are shown beside it."""

from typing import Any

import numpy as np

import foldwise as fw
from benchmarks.workers.problem import Problem

PACKAGES = ("foldwise", "numpy", "scipy")
JOBS = (1,)
FEWER_FOLDS = 5
FAMILY_TOL = 1e-6
"""Relative duality gap that every point of a family's path is asked for."""

_last: dict[str, Any] = {}


def threads(_jobs: int | None, cores: int) -> str:
    """Say who decides about threads."""
    return f"its own, up to {cores}"


def _default(problem: Problem, folds: fw.Folds) -> fw.Paths:
    if problem.family != "gaussian":
        return _paths(problem, folds)
    return fw.LassoCV(alphas=problem.alphas, cv=folds).fit(problem.X, problem.y).paths_


def _until_turned(problem: Problem, folds: fw.Folds) -> fw.Paths:
    return fw.LassoCV(alphas=problem.alphas, cv=folds, stop_when_turned=True).fit(problem.X, problem.y).paths_


def _half(problem: Problem, _folds: fw.Folds) -> fw.Paths:
    return _default(problem, fw.Folds.from_labels(problem.labels % FEWER_FOLDS))


def _paths(problem: Problem, folds: fw.Folds | None, **options: Any) -> fw.Paths:
    if problem.family != "gaussian":
        options |= {"family": problem.family, "sample_weight": problem.weights, "tol": FAMILY_TOL}
    return fw.fit_paths(problem.X, problem.y, alphas=problem.alphas, folds=folds, standardize=False, **options)


MODES = {
    "default": _default,
    "until turned": _until_turned,
    "nested": lambda problem, folds: _paths(problem, folds, nested=True),
    "nested until turned": lambda problem, folds: _paths(problem, folds, nested=True, stop_when_turned=True),
    "folds": _paths,
    "single path": lambda problem, _folds: _paths(problem, None),
    "5 folds": _half,
    "until explained": lambda problem, folds: _paths(problem, folds, stop_when_explained=True),
}


def cross_validate(problem: Problem, mode: str, _jobs: int | None) -> Any:
    """Return the error curve (A,); empty without folds."""
    _last.clear()
    paths = MODES[mode](problem, fw.Folds.from_labels(problem.labels))
    _last.update(mode=mode, problem=problem, paths=paths)
    return paths.fold_weight @ paths.cv_error / paths.fold_weight.sum() if len(paths.cv_error) else []


def path(problem: Problem, mode: str, held_out: list[int], jobs: int | None) -> tuple[Any, Any]:
    """Return coef (A, p) and intercept (A,) of a held-out set, as the last run found them."""
    if _last.get("mode") != mode or _last.get("problem") is not problem:
        cross_validate(problem, mode, jobs)
    paths = _last["paths"]
    h = paths.index(held_out)
    coef = np.stack([paths.model(held_out, at=at)[0] for at in range(len(paths.alphas))])
    return coef, paths.intercept[h]
