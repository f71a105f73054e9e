"""One candidate of a report beside its fits done again."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foldwise.verify.checks import Verification
from foldwise.verify.fits import Procedure
from foldwise.verify.interval import NESTED, nested
from foldwise.verify.losses import Loss
from foldwise.verify.room import Curved, unit_of
from foldwise.verify.rows import Rows
from foldwise.verify.scores import verify_scores
from foldwise.verify.search import Choice, Grid, Search, search

Floats = NDArray[np.float64]

ERRORS = 1e-8
"""How far errors may be apart at least, as a share: scikit-learn's solvers end at a gap, and not at the solution."""
COEFFICIENTS = 1e-6
"""How far a coefficient per standard deviation may be off at least, as a share of the target's spread."""
OF_GAP = 4.0
"""What both may be off by in roots of the report's own gap, for squared errors; for others see `room`."""
OF_INTERVAL = 100.0
"""How many times that the ends of an interval may be off: its width comes from differences between errors."""
TOLD = 1e-10
"""What a report's 12 digits leave."""
SOLVED = 1e-8
"""A residual of the fits made here beyond which they judge nothing."""


@dataclass(frozen=True, eq=False)
class Beside:
    """What a report says of one candidate, and the same found again.

    Attributes
    ----------
    found : Verification
        What is added to.
    report, candidate : dict
    rows : Rows
    loss : Loss
    grid : Grid
    done : Search
    """

    found: Verification
    report: dict[str, Any]
    candidate: dict[str, Any]
    rows: Rows
    loss: Loss
    grid: Grid
    done: Search

    @classmethod
    def of(
        cls,
        found: Verification,
        report: dict[str, Any],
        candidate: dict[str, Any],
        rows: Rows,
        procedure: Procedure,
        grid: Grid,
        tell: Callable[[], None],
    ) -> Self:
        """Fit all that it fitted."""
        done = search(rows, procedure, grid, tell, in_pairs=candidate.get("interval_by") == NESTED)
        return cls(found, report, candidate, rows, procedure.loss, grid, done)

    def verify(self) -> None:
        """Compare what comes out."""
        name, done = self.candidate["name"], self.done
        if done.off > SOLVED:
            self.found.left_out.append(
                f"the fits of {name}: those made here are no solutions (residual {done.off:.0e})"
            )
            return
        errors = done.outer[np.arange(len(self.points)), self.points]
        of_folds = "fold_mse" if self.loss.is_root else "fold_deviance"
        for i, (at, error) in enumerate(zip(self.points, errors, strict=True)):
            entry = f"{self.where}.{of_folds}[{i}]"
            self.found.near(entry, self.candidate[of_folds][i], error, float(self.rooms[i, at]))
        scores, room = self.candidate.get("scores", {}), self.room
        verify_scores(self.found, f"{self.where}.scores", scores, self.rows, self.loss.told(self.eta), room)
        self._verify_final()
        if self.candidate.get("interval_by") == NESTED and done.inner is not None:
            ends = self.told(np.array(self._interval(done.inner)))
            self.near("interval", ends, OF_INTERVAL * self.room * float(ends[1]))
        why = self._many_solutions()
        if why:
            self.found.left_out.append(f"coefficients, survival and signs of {name}: {why}")
            return
        self._verify_coefficients()
        self._verify_survival()

    def near(self, key: str, mine: Any, room: float) -> None:
        """Compare an entry of the candidate's."""
        self.found.near(f"{self.where}.{key}", self.candidate[key], mine, room)

    @property
    def where(self) -> str:
        """Where it stands in the report."""
        return f"candidates[{self.candidate['name']}]"

    @cached_property
    def _unit(self) -> float:
        """What reaches are in units of."""
        return 0.0 if self.loss.is_root else unit_of(self.loss, self.gap, self.report["baseline"]["deviance"])

    @property
    def gap(self) -> float:
        """The report's own certificate: how far its fits may be from the solution."""
        return float(self.candidate["gap"])

    @property
    def _of_squares(self) -> float:
        """How far apart squared errors' fits may be, as a share: predictions follow the gap's root."""
        return OF_GAP * float(np.sqrt(self.gap)) if self.loss.is_root else 0.0

    @cached_property
    def rooms(self) -> Floats:
        """How far errors (J, G) may be apart."""
        least = max(ERRORS, self._of_squares) * float(self.done.outer.mean())
        return np.asarray(least + self._unit * self.done.reach)

    @cached_property
    def _mean_rooms(self) -> Floats:
        """The same of mean errors (G,)."""
        return np.average(self.rooms, axis=0, weights=self.weight)

    @cached_property
    def _reach(self) -> Floats:
        """How far the certificate lets mean errors (G,) be from the solutions', beyond rounding."""
        return np.average(self._unit * self.done.reach, axis=0, weights=self.weight)

    @cached_property
    def room(self) -> float:
        """How far the errors of what was chosen may be apart, as a share."""
        chosen = self.rooms[np.arange(len(self.points)), self.points], self.rooms[:, self.final]
        return float(max(each.max() for each in chosen) / self.done.outer.mean())

    @cached_property
    def room_of_coef(self) -> Floats:
        """How far coefficients (p[, C]) per standard deviation may be apart."""
        final, at = self.done.final, self.final
        least = max(COEFFICIENTS, self._of_squares) * float(self.report["settings"]["target_scale"])
        if self.loss.is_root:
            return np.full(final.coef[at].shape, least)
        everything, l2 = np.arange(len(self.rows.y)), float(self.grid.alphas[at] * (1.0 - self.grid.l1_ratios[at]))
        X = self.rows.encoded(everything)
        curved = Curved.of(self.loss, self.rows, X, everything, final, at, l2)
        return np.maximum(least, self._unit * curved.of_coefficients())

    @cached_property
    def weight(self) -> Floats:
        """What folds (J,) count by."""
        return self.loss.fold_weight(self.rows)

    def told(self, errors: Floats) -> Floats:
        """Errors as the report tells them."""
        return np.sqrt(errors) if self.loss.is_root else errors

    @cached_property
    def points(self) -> NDArray[np.intp]:
        """The point that every fold's inner folds choose (J,); compared with the report's on the way."""
        done, grid, candidate = self.done, self.grid, self.candidate
        points = np.zeros(len(done.outer), dtype=np.intp)
        if not done.tuned or done.inner is None:
            self.near("chosen_alpha", [0.0] * len(points), TOLD)
            self.near("chosen_l1_ratio", [1.0] * len(points), TOLD)
            return points
        count, rule = done.inner.shape[1], self.report["settings"]["rule"]
        reported = zip(candidate["chosen_alpha"], candidate["chosen_l1_ratio"], strict=True)
        for i, (alpha, ratio) in enumerate(reported):
            inner = np.arange(count) != i % count
            here = self.weight[i - i % count : i - i % count + count][inner]
            choice = Choice.of(grid, done.inner[i][inner], here, self._reach)
            theirs = grid.place(alpha, ratio)
            points[i] = choice.smallest(theirs) if rule == "min" else choice.strongest_within(theirs)
            mine = grid.alphas[points[i]]
            self.found.near(f"{self.where}.chosen_alpha[{i}]", alpha, mine, 1e-9 * mine)
            self.found.near(f"{self.where}.chosen_l1_ratio[{i}]", ratio, grid.l1_ratios[points[i]], TOLD)
        return points

    @cached_property
    def eta(self) -> Floats:
        """Linear predictors (R, n[, C]) of the chosen fits for the rows that they have not seen."""
        folds, fits = self.rows.folds, self.done.fits
        eta = np.empty((*folds.labels.shape, *fits[0].intercept.shape[1:]))
        for i, (each, at) in enumerate(zip(fits, self.points, strict=True)):
            test = folds.test_rows(i)
            X = self.rows.encoded(folds.training_rows({i}))[test]
            eta[i // folds.n_folds, test] = each.predictors(X, self.rows.offset[test])[:, at]
        return eta

    @cached_property
    def _chosen(self) -> tuple[int, int, int, Floats]:
        """The final point; those of both rules; the mean errors."""
        mean = np.average(self.done.outer, axis=0, weights=self.weight)
        if not self.done.tuned:
            return 0, 0, 0, mean
        repeats, grid, candidate = self.report["folds"]["repeats"], self.grid, self.candidate
        choice = Choice.of(grid, self.done.outer, self.weight, self._reach, repeats=repeats)
        minimum, one_se = (grid.place(candidate[name], candidate["l1_ratio"]) for name in ("alpha_min", "alpha_1se"))
        minimum, one_se = choice.smallest(minimum), choice.strongest_within(one_se)
        return minimum if self.report["settings"]["rule"] == "min" else one_se, minimum, one_se, mean

    @property
    def final(self) -> int:
        """The final model's point."""
        return self._chosen[0]

    def _verify_final(self) -> None:
        """The final model's point, by the errors of all folds; the score and the curve."""
        final, minimum, one_se, mean = self._chosen
        grid, candidate = self.grid, self.candidate
        if self.done.tuned:
            for name, at in (("alpha_min", minimum), ("alpha_1se", one_se)):
                self.near(name, grid.alphas[at], 1e-9 * float(grid.alphas[at]))
        self.near("alpha", grid.alphas[final], 1e-9 * float(grid.alphas[final]))
        self.near("l1_ratio", grid.l1_ratios[final], TOLD)
        score = float(self.told(mean[final]))
        self.near("score", score, self.room * score)
        here, key = np.flatnonzero(grid.path == grid.path[final]), "rmse" if self.loss.is_root else "deviance"
        reported, strongest = candidate["curve"], float(grid.alphas.max())
        self.found.near(f"{self.where}.curve.alpha", reported["alpha"], grid.alphas[here], 1e-9 * strongest)
        self.found.same(f"{self.where}.curve.{key} (how many)", len(reported[key]), len(here))
        for place, (value, at) in enumerate(zip(reported[key], here.tolist(), strict=False)):
            error = float(self.told(mean[at]))
            room = self._mean_rooms[at] / (error if self.loss.is_root else 1.0)  # of a root, from that of its square
            self.found.near(f"{self.where}.curve.{key}[{place}]", value, error, float(room))

    def _interval(self, inner: Floats) -> tuple[float, float]:
        """From the losses of rows and the errors of pairs of folds."""
        losses = np.stack([self.loss.of_rows(self.rows.y, each) for each in self.eta])
        count = inner.shape[1]
        other = ~np.tile(np.eye(count, dtype=bool), (len(inner) // count, 1))
        of_folds = np.repeat(self.weight.reshape(-1, count), count, axis=0) * other
        at_final = np.where(other, inner[:, :, self.final], 0.0)
        mean = float(np.mean(np.sum(of_folds * at_final, axis=1) / of_folds.sum(axis=1)))
        outer = float(np.average(self.done.outer[:, self.final], weights=self.weight))
        cost = mean / outer if mean > 0.0 and outer > 0.0 else 1.0
        return nested(self.rows, losses, inner[np.arange(len(inner)), :, self.points], cost)

    def _many_solutions(self) -> str:
        """Why the coefficients are not the only ones; empty where they are."""
        coef, alpha, ratio = self.done.final.coef, self.grid.alphas[self.final], self.grid.l1_ratios[self.final]
        if coef.ndim == 3 and alpha == 0.0:
            return "without a penalty any number can be added to all classes, and as many are as good"
        if coef.ndim == 3 and ratio == 1.0 and coef.shape[2] % 2 == 0:
            return "with an even number of classes the lasso has many that are as good"
        if not self.loss.is_root and alpha == 0.0 and self._collinear():
            return "the columns are collinear, and many are as good"
        return ""

    def _collinear(self) -> bool:
        X = self.rows.encoded(np.arange(len(self.rows.y)))
        Z = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0.0, X.std(axis=0), 1.0)
        return bool(np.linalg.matrix_rank(Z, tol=1e-8 * len(Z)) < X.shape[1])

    def _verify_coefficients(self) -> None:
        """The final model's, per standard deviation and in original units."""
        final, room_of_all = self.done.final, self.room_of_coef
        coef, spread = final.coef[self.final], final.spread
        reported, where = self.candidate, self.where
        for at, sd in enumerate(spread):
            for place, room in np.ndenumerate(room_of_all[at]):
                c = "".join(f"[{k}]" for k in place)
                per_sd, per_unit = (np.asarray(reported[key][at])[place].item() for key in ("coef_per_sd", "coef"))
                mine = float(coef[at][place])
                self.found.near(f"{where}.coef_per_sd[{at}]{c}", per_sd, mine * sd, room)
                self.found.near(f"{where}.coef[{at}]{c}", per_unit, mine, room / sd if sd > 0.0 else 0.0)
        means = np.abs(self.rows.encoded(np.arange(len(self.rows.y))).mean(axis=0))
        room = float(room_of_all.max(initial=COEFFICIENTS))
        room *= 1.0 + float(np.sum(means / np.where(spread > 0, spread, np.inf)))
        self.near("intercept", final.intercept[self.final], room)

    def _verify_survival(self) -> None:
        """Who is kept, and with which sign. A coefficient within rounding of zero may be either."""
        done, candidate, room = self.done, self.candidate, self.room_of_coef
        chosen = zip(done.fits, self.points, strict=True)
        each = np.stack([(fit.coef[at].T * (fit.spread > 0.0)).T for fit, at in chosen])
        size = np.abs(each) * np.stack([fit.spread for fit in done.fits]).reshape(
            *each.shape[:2], *[1] * (each.ndim - 2)
        )
        close = np.any((size > 0.0) & (size < room), axis=0)
        doubtful = close.reshape(len(close), -1).any(axis=1) & candidate["drops_features"]
        share = (each != 0.0).reshape(*each.shape[:2], -1).any(axis=2).mean(axis=0)
        positive, negative = np.sum(each > 0.0, axis=0), np.sum(each < 0.0, axis=0)
        kept = positive + negative
        agreement = np.where(kept > 0, np.maximum(positive, negative) / np.maximum(kept, 1), np.nan)
        for at in np.flatnonzero(~doubtful):
            where = self.where
            self.found.near(f"{where}.survival[{at}]", candidate["survival"][at], share[at], TOLD)
            sign = np.sign(positive[at] - negative[at]).tolist()
            self.found.same(f"{where}.sign[{at}]", candidate["sign"][at], sign)
            self.found.near(f"{where}.sign_agreement[{at}]", candidate["sign_agreement"][at], agreement[at], TOLD)
        if doubtful.any():
            names = f"{np.count_nonzero(doubtful)} of {len(doubtful)} features"
            told = f"survival and signs of {names} of {candidate['name']}: zero to scikit-learn's accuracy"
            self.found.left_out.append(told)
        final = (done.final.coef[self.final].T * done.final.spread).T
        if not np.any((final != 0.0) & (np.abs(final) < room)) or not candidate["drops_features"]:
            count = int(np.count_nonzero(final.reshape(len(final), -1).any(axis=1)))
            self.found.same(f"{self.where}.features_kept", candidate["features_kept"], count)
