"""Comparison: the answer of a study as plain data, and its tables."""

import platform
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foldwise import __version__
from foldwise.errors import InputError
from foldwise.families import Gaussian
from foldwise.moments import FoldMoments
from foldwise.study.differences import LEVEL, POWER, Difference
from foldwise.study.floor import Floor
from foldwise.study.leaks import Leaks
from foldwise.study.measure import Measure, Modelled
from foldwise.study.native import Kind, frame_of
from foldwise.study.picked import Picked
from foldwise.study.plain import candidate_of, class_coefficients, of_tuned, or_none, rounded
from foldwise.study.result import CandidateResult
from foldwise.study.sizes import Sizes
from foldwise.study.stand_ins import Selected, selected_together
from foldwise.study.stopping import Stopped
from foldwise.study.verdict import sentences
from foldwise.tables import Column

SCHEMA = 2
"""Version of the layout of `Comparison.to_dict`; see docs/report-json.md."""


@dataclass(frozen=True)
class Settings:
    """What the study was asked, as far as it is not in the folds."""

    seed: int | None
    stratify: bool
    groups: str | None
    sample_weight: str | None
    offset: str | None
    drop: tuple[str, ...]
    fill: str
    indicators: bool
    min_level_count: int
    alphas: int | tuple[float, ...]
    l1_ratios: tuple[float, ...]
    target_scale: float
    rule: str
    rope: float
    budget: float | None = None


@dataclass(frozen=True)
class Run:
    """When and where the study ran and how long it took, in seconds; kept apart, for it is never the same twice."""

    started: str
    seconds: float
    candidate_seconds: dict[str, float]
    versions: dict[str, str]
    python: str
    machine: str

    @classmethod
    def since(cls, begun: datetime, seconds: float, candidate_seconds: dict[str, float]) -> Self:
        """Of a study that began then and has taken so long, here and with these versions."""
        libraries = ("numpy", "scipy", "scikit-learn")
        return cls(
            started=begun.isoformat(timespec="seconds"),
            seconds=seconds,
            candidate_seconds=candidate_seconds,
            versions={"foldwise": __version__} | {name: version(name) for name in libraries},
            python=platform.python_version(),
            machine=f"{platform.system()} {platform.machine()}",
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """How candidates compare on one table.

    Attributes
    ----------
    target, unit : str, str or None
        What is predicted, and its unit, in which all errors are (deviances have none).
    columns : p Columns
        The fitted columns: those of the design, then missing indicators.
    folds : Folds
        The R*K folds that all candidates were scored on; of a table that was read once their sizes.
    results : CandidateResult of each candidate, the smallest error first
    differences : Difference of each pair of candidates
    baseline_error : float
        The error of always predicting the training mean (for classes, their shares).
    baseline_difference : Difference
        How much worse that is than the best candidate.
    notes : sentences about columns that were left out, pooled or look odd
    settings : Settings
    run : Run
        Times and versions.
    frame : {"pandas", "polars", "pyarrow"}
        The kind of dataframe that the tables come as: the user's own.
    modelled : Modelled
        The family, why it was chosen, and the classes.
    baseline_scores : dict
        What else is told of predicting without features.
    moments : FoldMoments or None
        Of a gaussian comparison whose table is not wide: what the report's page refits from, without a row.
    event : str or None
        Where times to an event are predicted: the column that says whether it came.
    leaks : tuple of Leaks
        The errors that leaks would have made one report, where they were asked for.
    stopped : Stopped or None
        Why no more repeats were added; None where their number was given.
    noise_floor : Floor or None
        The error that no model of these features avoids, or why it can't be told.
    picked : Picked or None
        What to expect of the best, for it was picked as the best; None with one candidate.

    Examples
    --------
    >>> import foldwise as fw
    >>> comparison = fw.compare(fw.datasets.auto_mpg(), target="mpg", repeats=1)
    >>> comparison
    Comparison(target='mpg', 398 rows, 7 features, 4 candidates, 1 x 5 folds)
    >>> [result.name for result in comparison.results if result.letters == "a"]
    ['least squares', 'ridge', 'lasso', 'elastic net']
    """

    target: str
    unit: str | None
    columns: tuple[Column, ...]
    folds: Sizes
    results: tuple[CandidateResult, ...]
    differences: tuple[Difference, ...]
    baseline_error: float
    baseline_difference: Difference
    notes: tuple[str, ...]
    settings: Settings
    run: Run
    frame: Kind = "pyarrow"
    modelled: Modelled = field(default_factory=lambda: Modelled(Gaussian(), "", ""))
    baseline_scores: dict[str, float] = field(default_factory=dict)
    moments: FoldMoments | None = None
    event: str | None = None
    leaks: tuple[Leaks, ...] = ()
    stopped: Stopped | None = None
    noise_floor: Floor | None = None
    picked: Picked | None = None

    @property
    def measure(self) -> Measure:
        """How errors are told: as RMSE, or as mean deviance."""
        return self.modelled.measure

    @property
    def error_unit(self) -> str | None:
        """The unit of errors."""
        return self.unit if self.measure.is_root else None

    @property
    def baseline_rmse(self) -> float:
        """The baseline's error in a gaussian comparison."""
        if not self.measure.is_root:
            raise InputError("baseline_rmse is for the gaussian family; see baseline_error")
        return self.baseline_error

    @property
    def verdict(self) -> str:
        """At most four plain sentences: who predicts best or is tied, how sure that is, and which features survive."""
        return " ".join(self.sentences)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict's sentences one by one."""
        return sentences(self)

    @property
    def best(self) -> CandidateResult:
        """The candidate with the smallest error."""
        return self.results[0]

    @property
    def tied(self) -> tuple[CandidateResult, ...]:
        """The best candidate and those that do not differ from it."""
        beaten = {d.second for d in self.differences if d.first == self.best.name and d.differ}
        return tuple(result for result in self.results if result.name not in beaten)

    @property
    def explained(self) -> CandidateResult | None:
        """The candidate whose features are worth reading: among the tied, the one that keeps fewest of them.

        Where none of the tied has coefficients, it is the best candidate that has; None where there is none.
        """
        telling = [result for result in self.tied if result.features is not None]
        if not telling:
            return next((result for result in self.results if result.features is not None), None)
        droppers = [result for result in telling if result.drops_features]
        return min(droppers or telling, key=lambda result: (result.n_kept, result.error))

    @cached_property
    def co_selection(self) -> Selected | None:
        """Features of the explained candidate that its fits keep in each other's place, or only together."""
        return selected_together(self.explained, [column.name for column in self.columns], self.folds.n_repeats)

    def result(self, name: str) -> CandidateResult:
        """One candidate's result.

        Raises
        ------
        InputError
            Where there is no candidate of that name.
        """
        for result in self.results:
            if result.name == name:
                return result
        raise InputError(f"name must be among {', '.join(r.name for r in self.results)}, got {name!r}")

    def difference(self, first: str, second: str) -> Difference:
        """The difference of a pair, in either order of names.

        Raises
        ------
        InputError
            Where they are not two of the candidates.
        """
        for difference in self.differences:
            if {difference.first, difference.second} == {first, second}:
                return difference
        names = ", ".join(r.name for r in self.results)
        raise InputError(f"first and second must be two of {names}, got {first!r} and {second!r}")

    def table(self) -> Any:
        """One row per candidate, the best first: error, difference to the best, ties, optimism, what was chosen.

        For classes and counts the error is called deviance, r2 d2, and accuracy, auc and others follow.

        Examples
        --------
        >>> import foldwise as fw
        >>> comparison = fw.compare(fw.datasets.auto_mpg(), target="mpg", candidates=["lasso"], repeats=1)
        >>> comparison.table().num_rows
        1
        """
        versus = {r.name: self.difference(self.best.name, r.name) for r in self.results[1:]}
        key = self.measure.key
        rows = [
            {
                "candidate": r.name,
                key: r.error,
                f"{key}_low": r.interval[0],
                f"{key}_high": r.interval[1],
                self.measure.explained_key: r.explained,
                **r.scores,
                "worse_by": versus[r.name].difference if r.name in versus else 0.0,
                "worse_by_low": versus[r.name].interval[0] if r.name in versus else None,
                "worse_by_high": versus[r.name].interval[1] if r.name in versus else None,
                "p_holm": versus[r.name].p_holm if r.name in versus else None,
                "letters": r.letters,
                "optimism": r.optimism,
                "features_kept": r.n_kept,
                "alpha": of_tuned(r, "alpha"),
                "alpha_min": r.alpha_min,
                "alpha_1se": r.alpha_1se,
                "l1_ratio": of_tuned(r, "l1_ratio"),
                "seconds": self.run.candidate_seconds[r.name],
            }
            for r in self.results
        ]
        return frame_of({name: [row[name] for row in rows] for name in rows[0]}, self.frame)

    def coefficients(self, name: str) -> Any:
        """One row per feature of the final model, largest coefficient per standard deviation first, then the intercept.

        `coefficient` is in the target's unit per unit of the feature; `survival` is the share of fits that keep the
        feature and `sign_agreement` the share of those with the more frequent sign. For three classes or more there is
        a row for each class and feature, class after class.

        Raises
        ------
        InputError
            Where there is no such candidate, or it has no coefficients.

        Examples
        --------
        >>> import foldwise as fw
        >>> comparison = fw.compare(fw.datasets.auto_mpg(), target="mpg", candidates=["lasso"], repeats=1)
        >>> comparison.coefficients("lasso")["feature"].to_pylist()[0]
        'year'
        """
        r = self.result(name)
        if r.coef.ndim == 2:
            return frame_of(class_coefficients(r, self.columns, self.modelled.classes), self.frame)
        order = np.argsort(-r.coef_per_sd, kind="stable").tolist()
        return frame_of(
            {
                "feature": [*(self.columns[j].name for j in order), "(intercept)"],
                "unit": [*(self.columns[j].unit for j in order), None],
                "coefficient": [*r.coef[order].tolist(), r.intercept],
                "per_sd": [*r.coef_per_sd[order].tolist(), None],
                "survival": [*r.survival[order].tolist(), None],
                "sign_agreement": [*(or_none(x) for x in r.agreement[order].tolist()), None],
            },
            self.frame,
        )

    def predictions(self, name: str) -> NDArray[np.float64]:
        """Out-of-fold predictions (R, n) of the tuned procedure, rows in the table's order, in the target's unit.

        For two classes they are probabilities of the second, for more (R, n, C) of each; for times to an event the
        logarithm of the relative hazard.
        """
        if not self.result(name).predictions.size:
            raise InputError("the table was read once and its rows are not kept: there are no out-of-fold predictions")
        return self.result(name).predictions.copy()

    def report(self, directory: str | Path, *, moments: bool = True) -> None:
        """Write report.html, report.json, report.txt and run.json into a directory, made where it is not there.

        report.html is one file that loads nothing. For squared errors it refits in the reader's browser, from fold
        moments: sums over the rows of each fold, which are also kept beside it.

        Parameters
        ----------
        directory : path
        moments : bool
            False leaves the moments out, for tables whose sums over folds are private too: with few rows in a fold or
            rare levels they tell much of single rows.

        Raises
        ------
        InputError
            Where the directory can't be written.
        """
        # By name: the report reads the study, not the reverse.
        import_module("foldwise.report").write(self, directory, moments=moments)

    def to_dict(self) -> dict[str, Any]:
        """Everything but predictions and times, as JSON can hold it; the same seed gives the same content.

        The layout is documented in docs/report-json.md. Numbers are rounded to 12 significant digits.
        """
        plain: dict[str, Any] = {
            "schema": SCHEMA,
            "target": {"name": self.target, "unit": self.unit, "event": self.event},
            "family": self.modelled.to_dict(),
            "rows": self.folds.n_rows,
            "features": [asdict(column) for column in self.columns],
            "folds": {"folds": self.folds.n_folds, "repeats": self.folds.n_repeats},
            "stopped": None if self.stopped is None else asdict(self.stopped),
            "settings": asdict(self.settings),
            "tests": {"level": LEVEL, "power": POWER, "comparisons": len(self.differences)},
            "verdict": list(self.sentences),
            "tied": [r.name for r in self.tied],
            "baseline": {
                self.measure.key: self.baseline_error,
                "p": self.baseline_difference.p,
                "scores": self.baseline_scores,
            },
            "candidates": [candidate_of(r, self.measure) for r in self.results],
            "differences": [asdict(d) for d in self.differences],
            "leaks": [asdict(each) for each in self.leaks] or None,
            "noise_floor": None if self.noise_floor is None else asdict(self.noise_floor),
            "picked": None if self.picked is None else asdict(self.picked),
            "co_selection": None if self.co_selection is None else self.co_selection.to_dict(),
            "notes": list(self.notes),
        }
        return {key: rounded(value) for key, value in plain.items()}

    def _repr_html_(self) -> str:
        """What notebooks show: verdict, table and intervals."""
        shown: str = import_module("foldwise.report").to_html(self)
        return shown

    def __repr__(self) -> str:
        """The sizes."""
        sizes = f"{self.folds.n_rows} rows, {len(self.columns)} features, {len(self.results)} candidates"
        return f"Comparison(target={self.target!r}, {sizes}, {self.folds.n_repeats} x {self.folds.n_folds} folds)"
