"""Candidates of the engine: paths over all held-out sets of a partition, and a strength chosen inside each fold."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foldwise.families import Family
from foldwise.inference import stability
from foldwise.paths import Paths
from foldwise.study.along import Along
from foldwise.study.candidates.candidate import Candidate
from foldwise.study.digest import source_of
from foldwise.study.measure import measure_of
from foldwise.study.outcome import Features, Outcome, Strengths
from foldwise.study.piece import Piece
from foldwise.study.search import Search
from foldwise.study.separation import NOTE, separation_explained
from foldwise.study.task import Rule, Task
from foldwise.study.tuning import Tuning, tune

Floats = NDArray[np.float64]

UNSOLVED = 1e-3
"""A certificate beyond which a fit is no solution."""


@dataclass(frozen=True)
class PathCandidate(Candidate):
    """A penalized linear model whose strength, and l1_ratio, the study chooses among the points of its paths.

    Attributes
    ----------
    name, tunes, drops_features
        As `Candidate`'s.
    fit
        Paths that cover its search, all on the task's folds and with nested held-out sets; a single path with a single
        strength where there is nothing to choose. They may come one by one, so that only one is kept whole.
    count
        How many paths that will be, for the progress bar.
    refuse
        Raises InputError for a task that it can't do.
    """

    name: str
    tunes: bool
    drops_features: bool
    fit: Callable[[Task], Iterable[Paths]]
    count: Callable[[Task], int] = lambda _: 1
    refuse: Callable[[Task], object] = lambda _: None

    def check(self, task: Task) -> None:
        """As `refuse` does."""
        self.refuse(task)

    def steps(self, task: Task) -> int:
        """One for each path."""
        return self.count(task)

    def identity(self) -> str:
        """Its name, and the source of what fits it."""
        return f"{self.name} {source_of(self.fit)}"

    def run(self, task: Task) -> Piece:
        """Fit all held-out sets at once, choose a point for every fold by its inner errors, and predict with it."""
        with separation_explained() as separated:
            search = Search.of(self._counted(task), task.target_scale)
        chosen = tune(search, repeats=1, rule=task.rule).outer
        eta, everywhere = _out_of_fold(task, search, chosen) if task.has_rows else (np.zeros(0), None)
        outer = np.arange(1, 1 + len(chosen)), chosen
        is_first = task.repeat == 0
        return Piece(
            predictions=_told(task.rows.family, eta),
            eta=eta,
            everywhere=everywhere,
            arrays={
                "alphas": search.alphas,
                "l1_ratios": search.l1_ratios,
                "path": search.path.astype(np.float64),
                "outer_error": search.outer_error,
                "fold_weight": search.fold_weight,
                "chosen": chosen.astype(np.float64),
                "coef": search.coef[outer],
                "final_coef": search.coef[0] if is_first else np.zeros(0),
                "final_intercept": search.intercept[0] if is_first else np.zeros(0),
                "scale": search.scale[0],
                "gap": np.array(search.gap),
                "tuned": np.array(float(self.tunes)),
                **_inner(search, chosen),
                "kept": _times_kept(search.coef[1:]),
            },
            notes=(NOTE,) if separated else _unsolved(self.name, task, search.gap),
        )

    def _counted(self, task: Task) -> Iterable[Paths]:
        for path in self.fit(task):
            yield path
            task.steps.done()

    def outcome(self, tasks: Sequence[Task], pieces: Sequence[Piece]) -> Outcome:
        """Choose the final model's point by the errors of all folds of all repeats, and read it out."""
        joined = super().outcome(tasks, pieces)
        first, tuned = pieces[0].arrays, bool(pieces[0].arrays["tuned"])
        points = _common(pieces)
        search, tuning = _final(pieces, points, tasks[0].rule)
        at = int(points[0][tuning.final])
        coef, intercept = first["final_coef"][at], first["final_intercept"][at]
        fits = np.concatenate([piece.arrays["coef"] for piece in pieces])
        along = np.flatnonzero(search.path == search.path[tuning.final])
        share = search.fold_weight / search.fold_weight.sum()
        chosen = [piece.arrays["chosen"].astype(np.intp) for piece in pieces]
        return replace(
            joined,
            tuned=tuned,
            score=tuning.score,
            strengths=Strengths(
                alpha=float(search.alphas[tuning.final]),
                l1_ratio=float(search.l1_ratios[tuning.final]),
                alpha_min=float(search.alphas[tuning.minimum]) if tuned else None,
                alpha_1se=float(search.alphas[tuning.one_se]) if tuned else None,
                chosen_alpha=np.concatenate([p.arrays["alphas"][c] for p, c in zip(pieces, chosen, strict=True)]),
                chosen_l1_ratio=np.concatenate([p.arrays["l1_ratios"][c] for p, c in zip(pieces, chosen, strict=True)]),
                curve_alpha=search.alphas[along],
                curve_error=share @ search.outer_error[:, along],
            ),
            along=_along(tasks[0].rows.family, search, along, pieces, points) if tuned else None,
            features=_features(tasks[0].rows.family, coef, intercept, fits, first["scale"]),
            gap=max(float(piece.arrays["gap"]) for piece in pieces),
            inner=np.concatenate([piece.arrays["inner"] for piece in pieces]) if "inner" in first else None,
            size_cost=_size_cost(pieces, points, search, tuning) if "inner" in first else None,
        )


def _unsolved(name: str, task: Task, gap: float) -> tuple[str, ...]:
    """A note on fits that by their own certificate are no solutions."""
    if gap <= UNSOLVED:
        return ()
    why = (
        "; features may tell classes apart for certain, and then coefficients without a penalty have no end"
        if task.rows.has_classes
        else ""
    )
    return (f"not all fits of {name} converged (certificate {gap:.0e}): do not rely on its numbers{why}",)


def _inner(search: Search, chosen: NDArray[np.intp]) -> dict[str, Floats]:
    """Inner errors (K, K) at what each fold chose, and their means (K, G) at every point, where there are any."""
    if search.inner_error is None:
        return {}
    n_folds = len(chosen)
    others = np.where(np.eye(n_folds, dtype=bool), 0.0, search.fold_weight)
    known = np.where(np.eye(n_folds, dtype=bool)[:, :, None], 0.0, search.inner_error)
    mean = np.einsum("ik,ikg->ig", others, known) / others.sum(axis=1)[:, None]
    return {"inner": search.inner_error[np.arange(n_folds), :, chosen], "inner_mean": mean}


def _size_cost(
    pieces: Sequence[Piece], points: Sequence[NDArray[np.intp]], search: Search, tuning: Tuning
) -> float | None:
    """Mean inner over mean outer error at the final point; None where there is no error to speak of."""
    inner = np.mean([piece.arrays["inner_mean"][:, at[tuning.final]] for piece, at in zip(pieces, points, strict=True)])
    outer = float(np.average(search.outer_error[:, tuning.final], weights=search.fold_weight))
    return float(inner / outer) if inner > 0.0 and outer > 0.0 else None


def _told(family: Family, eta: Floats) -> Floats:
    """What people are told of linear predictors: means, but of risks their logarithm, which has no unit to lose."""
    return eta if family.shares_rows or family.link_name == "identity" else family.mean(eta)


def _out_of_fold(task: Task, search: Search, chosen: NDArray[np.intp]) -> tuple[Floats, Floats | None]:
    """Linear predictors (n[, C]) of every row by the fit that holds out its fold, and (K, n) of all where needed."""
    rows, folds = task.rows, task.folds
    shape = (rows.n, *search.intercept.shape[2:])
    eta = np.empty(shape)
    everywhere = np.empty((folds.n_folds, rows.n)) if rows.family.shares_rows else None
    added = np.zeros(shape[:1]) if rows.offset is None else rows.offset
    for i in range(folds.n_folds):
        test = folds.test_rows(i)
        use = np.arange(rows.n) if everywhere is not None else test
        design, centre = search.maps[1 + i].rows(rows.values[use]), search.mean[1 + i]
        coef, intercept = search.coef[1 + i, chosen[i]], search.intercept[1 + i, chosen[i]]
        # About the training means, so that columns far from zero lose no digits.
        found = (design - centre) @ coef + (intercept + centre @ coef)
        found = found + (added[use] if found.ndim == 1 else added[use, None])
        if everywhere is not None:
            everywhere[i] = found
            found = found[test]
        eta[test] = found
    return eta, everywhere


def _common(pieces: Sequence[Piece]) -> list[NDArray[np.intp]]:
    """Positions in each piece of the points that the paths of all repeats reach: one may end where it has turned."""
    numbers = np.unique(pieces[0].arrays["path"])
    places = [[np.flatnonzero(piece.arrays["path"] == number) for number in numbers] for piece in pieces]
    shared = [min(len(mine[k]) for mine in places) for k in range(len(numbers))]
    return [np.concatenate([at[:length] for at, length in zip(mine, shared, strict=True)]) for mine in places]


def _final(pieces: Sequence[Piece], points: Sequence[NDArray[np.intp]], rule: Rule) -> tuple[Search, Tuning]:
    """The search that all repeats share, with the errors of all their folds, and what it chooses."""
    first, at = pieces[0].arrays, points[0]
    errors = [piece.arrays["outer_error"][:, where] for piece, where in zip(pieces, points, strict=True)]
    search = Search.of_errors(
        alphas=first["alphas"][at],
        l1_ratios=first["l1_ratios"][at],
        path=first["path"][at].astype(np.intp),
        outer_error=np.concatenate(errors),
        fold_weight=np.concatenate([piece.arrays["fold_weight"] for piece in pieces]),
    )
    return search, tune(search, repeats=len(pieces), rule=rule)


def _times_kept(coef: Floats) -> NDArray[np.uint8]:
    """How many of K fits (K, G, p[, C]) keep each feature at each point."""
    nonzero = coef != 0.0
    kept = nonzero.any(axis=3) if nonzero.ndim == 4 else nonzero
    times: NDArray[np.uint8] = np.sum(kept, axis=0, dtype=np.uint8)
    return times


def _along(
    family: Family,
    search: Search,
    along: NDArray[np.intp],
    pieces: Sequence[Piece],
    points: Sequence[NDArray[np.intp]],
) -> Along:
    """The path that the final model lies on, at those of its points that all repeats reach."""
    first = pieces[0].arrays
    coef, scale = first["final_coef"][points[0][along]], first["scale"]
    kept = [piece.arrays["kept"][at[along]] for piece, at in zip(pieces, points, strict=True)]
    return Along.of(
        search.alphas[along],
        search.outer_error[:, along],
        search.fold_weight,
        len(pieces),
        is_root=measure_of(family).is_root,
        coef_per_sd=coef * (scale[:, None] if coef.ndim == 3 else scale),
        survival=np.sum(kept, axis=0, dtype=float) / len(search.outer_error),
        sd=scale,
    )


def _features(family: Family, coef: Floats, intercept: Floats, fits: Floats, scale: Floats) -> Features:
    """What the final model's coefficients (p[, C]) and those of the fits (R*K, p[, C]) say of features."""
    steady = stability(fits.reshape(len(fits), -1))
    many = coef.ndim == 2
    base: float | Floats = intercept if many else 0.0 if family.shares_rows else float(intercept)
    kept_in = (fits != 0.0).any(axis=2) if many else fits != 0.0
    return Features(
        intercept=base,
        coef=coef,
        coef_per_sd=coef * (scale[:, None] if many else scale),
        survival=kept_in.mean(axis=0) if many else steady.survival,
        sign=steady.sign.reshape(coef.shape),
        agreement=steady.agreement.reshape(coef.shape),
        kept_in=kept_in,
    )
