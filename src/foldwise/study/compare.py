"""compare: one table in, an honest comparison of regularized models out."""

import platform
import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise import __version__
from foldwise.errors import DataWarning, InputError
from foldwise.families import Family, family_of
from foldwise.moments import Fill, FoldMoments
from foldwise.paths.strengths import check_strengths
from foldwise.resampling import Folds, Splitter
from foldwise.study.candidates import Candidate, find_candidates
from foldwise.study.candidates.path_candidate import PathCandidate
from foldwise.study.collinear import collinear_notes
from foldwise.study.comparison import Comparison, Run, Settings
from foldwise.study.evaluation import evaluate
from foldwise.study.kept_moments import moments_of_all
from foldwise.study.measure import Modelled
from foldwise.study.native import kind_of
from foldwise.study.options import column_or_array, make_folds, make_weights
from foldwise.study.own_columns import OwnColumns
from foldwise.study.rows import Rows
from foldwise.study.source import check_classes
from foldwise.study.steps import Progress, Steps
from foldwise.study.task import Encoding, Rule, Task
from foldwise.tables import Recipe, make_design, read_table

DEFAULT_CANDIDATES = ("least squares", "ridge", "lasso", "elastic net")
DEFAULT_L1_RATIOS = (0.1, 0.3, 0.5, 0.7, 0.9)
MOST_FOLDS = 100


def compare(
    table: Any,
    *,
    target: str,
    family: str | Family | None = None,
    candidates: Any = DEFAULT_CANDIDATES,
    folds: int | Folds | Splitter = 5,
    repeats: int = 10,
    seed: int = 0,
    drop: Iterable[str] = (),
    categories: Iterable[str] = (),
    units: Mapping[str, str] | None = None,
    names: Sequence[str] | None = None,
    fill: Fill = "median",
    indicators: bool = False,
    min_level_count: int = 10,
    alphas: int | ArrayLike = 100,
    l1_ratios: Iterable[float] = DEFAULT_L1_RATIOS,
    target_scale: float | None = None,
    rule: Rule = "min",
    sample_weight: str | ArrayLike | None = None,
    groups: str | ArrayLike | None = None,
    stratify: bool | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Which regularization predicts best, by how much, is that real, and which features survive?

    Every candidate is a *tuned procedure*: within the training rows of each outer fold, inner folds choose its penalty
    strength (and l1_ratio); its error is measured on the outer fold, which took no part in the choice. All candidates
    see the same folds. Filling, pooling, centring and scaling are learned from each fit's own training rows.

    The penalty is glmnet's: with columns in standard deviations, each fit minimizes

        1/(2 W) sum_i w_i (y_i - b0 - x_i'b)^2 + alpha (l1_ratio |b|_1 + (1 - l1_ratio)/(2 s) |b|^2)

    where s, the standard deviation of the target, makes the mixture independent of the target's unit. The grid of what
    is tried, that is alphas and s, is the same for all fits and made from all rows unless it is given. For classes and
    counts the family's loss stands in the place of half the squared error, with s = 1, and errors are mean deviances.

    Differences between candidates are tested with the corrected resampled t on errors per fold, adjusted by Holm over
    all pairs, and reported between RMSEs in the target's unit, or deviances (`foldwise.study.differences`).

    Parameters
    ----------
    table
        A dataframe (pandas, polars, pyarrow, ...), a dict of columns, a 2-D array with `names`, or the path of a file
        (CSV, TSV, Parquet, Feather, JSON lines); n rows.
    target : str
        The column to predict: numbers, two classes with labels of any kind, or counts.
    family : str or foldwise.families.Family, optional
        What fits the target; taken from its values where omitted: "binomial" for two different values of any kind,
        "poisson" for whole numbers from 0 with zeros and a mean of at most 10, "gaussian" for other numbers.
        `Comparison.modelled` says which and why.
    candidates : names, (name, estimator) pairs, or a mapping from names to estimators
        Names are among "least squares" ("unpenalized" for other families), "ridge", "lasso", "elastic net", "group
        lasso". With the last, all columns that come from one column of the table (the levels of a category) stay or
        leave together. An estimator is one of scikit-learn, or a pipeline, or has its conventions: it is cloned, fitted
        anew in each fold to the table's own columns, untouched, and predicts what `cross_val_predict` would; see
        docs/candidates.md. A `foldwise.study.Candidate` of your own is taken too.
    folds : int, Folds or scikit-learn splitter
        K, or the partition itself. From 3 to 100 where a strength is to be chosen.
    repeats, seed : int
        How many random partitions where `folds` is a number, and from which seed.
    drop, categories, units, min_level_count, names
        Columns to leave out, number columns that are codes of levels, units to show, the count below which levels are
        pooled, and the names of an array's columns; see `foldwise.tables.make_design`.
    fill : {"median", "mean"}
        What missing numbers become, from each training set's own rows.
    indicators : bool
        Add a 0/1 column for each column with gaps.
    alphas : int or array (A,)
        How many strengths to try per path, or which, in the target's unit. `fw.Lasso(alpha, standardize=True)` takes
        the same; ridge with its alpha is `fw.Ridge(alpha * W / s, standardize=True)`.
    l1_ratios : numbers in (0, 1]
        Mixing parameters the elastic net searches; 1 is the lasso.
    target_scale : float, optional
        s; the standard deviation of the target where omitted, and 1 for scikit-learn's elastic net.
    rule : {"min", "1se"}
        Choose the strength with the smallest error, or the strongest penalty within one standard error of it.
    sample_weight : column name or array (n,), optional
        Row weights >= 0, in fits and errors.
    groups : column name or array (n,), optional
        Rows of one group stay in one fold.
    stratify : bool, optional
        Spread the target evenly over the folds; where omitted, classes are.
    progress : callable, optional
        Called with (paths done, paths in all, name of the candidate at work; where a path takes long, its strengths).

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        Names the argument, or the column and row, and what would be accepted.

    Warns
    -----
    DataWarning
        Where columns look odd: left out, pooled, equal to the target, an identifier, perfectly collinear.

    References
    ----------
    Varma & Simon (2006), Bias in error estimation when using cross-validation for model selection; Nadeau & Bengio
    (2003), Inference for the generalization error; Holm (1979); Piepho (2004) for the tie letters.

    Examples
    --------
    >>> import foldwise as fw
    >>> cars = fw.datasets.auto_mpg()
    >>> comparison = fw.compare(cars, target="mpg", candidates=["ridge", "lasso"], repeats=2)
    >>> comparison.table().column_names[:2]
    ['candidate', 'rmse']
    >>> comparison.predictions("lasso").shape
    (2, 398)
    """
    begun, start = datetime.now(UTC), perf_counter()
    asked = None if family is None else family_of(family)
    if fill not in get_args(Fill):
        raise InputError(f"fill must be 'median' or 'mean', got {fill!r}")
    if rule not in get_args(Rule):
        raise InputError(f"rule must be 'min' or '1se', got {rule!r}")
    mixes, strengths = _mixes(l1_ratios), check_strengths(alphas)
    table = read_table(table) if isinstance(table, str | Path) else table
    dropped = [drop] if isinstance(drop, str) else list(drop)
    roles = [value for value in (groups, sample_weight) if isinstance(value, str)]
    design = make_design(
        table,
        target=target,
        drop=dict.fromkeys([*dropped, *roles]),
        categories=categories,
        units=units,
        min_level_count=min_level_count,
        names=names,
        family=None if asked is None else asked.name,
    )
    y = design.target
    if y is None:
        raise InputError("target must name a column of the table, got None")
    fitted = family_of(design.family) if asked is None else asked
    modelled = Modelled(fitted, str(target), design.reason, design.classes)
    chosen = find_candidates(candidates, gaussian=fitted.name == "gaussian")
    tuned = any(candidate.tunes for candidate in chosen)
    check_classes(design)
    weights = make_weights(column_or_array(table, sample_weight, "sample_weight"), y.shape[0])
    dealt = isinstance(folds, int | np.integer) and groups is None
    spread = bool(design.classes) and dealt if stratify is None else stratify
    partition = make_folds(
        folds,
        y,
        repeats=repeats,
        seed=seed,
        stratify=spread,
        groups=column_or_array(table, groups, "groups"),
    )
    if tuned:
        _check_nesting(partition.n_folds)
    check_classes(design, partition, nested=tuned)
    scale = _target_scale(target_scale, y, weights) if fitted.name == "gaussian" else 1.0
    encoding = Encoding(fill, indicators, min_level_count)
    recipe = Recipe.learn(design, fill=fill, indicators=indicators, min_level_count=min_level_count)
    columns = recipe.columns
    _, sources = np.unique([column.source for column in columns], return_inverse=True)
    own = OwnColumns(table, frozenset({str(target), *dropped, *roles}), names)
    rows = Rows(design, fitted, y, weights, sample_weight is not None, None, own)
    steps = Steps(progress=progress)
    tasks = [
        Task(
            rows,
            partition.partition(repeat),
            repeat,
            target_scale=scale,
            alphas=strengths if isinstance(strengths, int) else strengths / scale,
            l1_ratios=mixes,
            rule=rule,
            encoding=encoding,
            groups=sources,
            seed=seed,
            steps=steps,
        )
        for repeat in range(partition.n_repeats)
    ]
    steps.total = sum(candidate.steps(task) for candidate in chosen for task in tasks)
    evaluation = evaluate(tasks, chosen)
    of_candidates = dict.fromkeys(note for result in evaluation.results for note in result.notes)
    told = (*_collinear(tasks[0], chosen, recipe), *of_candidates)
    for note in told:
        warnings.warn(note, DataWarning, stacklevel=2)
    return Comparison(
        target=str(target),
        unit=design.target_unit,
        columns=columns,
        folds=partition,
        results=evaluation.results,
        differences=evaluation.differences,
        baseline_error=evaluation.baseline_error,
        baseline_difference=evaluation.baseline_difference,
        notes=(*design.notes, *told),
        settings=Settings(
            seed=seed if isinstance(folds, int) else None,
            stratify=spread,
            groups=_name_of(groups),
            sample_weight=_name_of(sample_weight),
            drop=tuple(dropped),
            fill=fill,
            indicators=indicators,
            min_level_count=min_level_count,
            alphas=strengths if isinstance(strengths, int) else tuple(strengths.tolist()),
            l1_ratios=mixes,
            target_scale=scale,
            rule=rule,
        ),
        run=Run(
            started=begun.isoformat(timespec="seconds"),
            seconds=perf_counter() - start,
            candidate_seconds=evaluation.seconds,
            versions={"foldwise": __version__} | {name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
            python=platform.python_version(),
            machine=f"{platform.system()} {platform.machine()}",
        ),
        frame=kind_of(table),
        modelled=modelled,
        baseline_scores=evaluation.baseline_scores,
        moments=moments_of_all(tasks, partition),
    )


def _collinear(task: Task, candidates: Sequence[Candidate], recipe: Recipe) -> tuple[str, ...]:
    """Notes on columns that say the same, where some candidate has coefficients."""
    if not any(isinstance(candidate, PathCandidate) for candidate in candidates):
        return ()
    n = task.rows.n
    moments = task.source
    if not task.is_gaussian:
        moments = FoldMoments.scan(recipe.encode_values(task.rows.values), target=np.zeros(n))
    if isinstance(moments, FoldMoments):
        return collinear_notes(moments.training_set(frozenset()), recipe.columns, n)
    return (f"{len(recipe.columns)} columns on {n} rows: least squares fits the rows it sees exactly",)


def _check_nesting(n_folds: int) -> None:
    if n_folds < 3:
        raise InputError(f"folds must be at least 3, so that inner folds can choose a strength, got {n_folds}")
    if n_folds > MOST_FOLDS:
        cost = f"which takes {n_folds * (n_folds - 1) // 2:,} nested fits"
        raise InputError(f"folds must be at most {MOST_FOLDS} where a strength is chosen, got {n_folds}, {cost}")


def _mixes(l1_ratios: Iterable[float]) -> tuple[float, ...]:
    mixes = tuple(sorted({float(mix) for mix in l1_ratios}))
    if not mixes or not all(0.0 < mix <= 1.0 for mix in mixes):
        raise InputError(f"l1_ratios must be numbers above 0 up to 1 (ridge is a candidate of its own), got {mixes}")
    return mixes


def _name_of(value: str | ArrayLike | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return "given as values"


def _target_scale(value: float | None, y: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    if value is None:
        if not np.any(weights):
            raise InputError("sample_weight must have a positive sum, got zeros")
        spread = float(np.sqrt(np.average((y - np.average(y, weights=weights)) ** 2, weights=weights)))
        return spread if spread > 0.0 else 1.0
    if not (np.isfinite(value) and value > 0.0):
        raise InputError(f"target_scale must be a number > 0, got {value!r}")
    return float(value)
