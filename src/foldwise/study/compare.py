"""compare: one table in, an honest comparison of regularized models out."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike

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
from foldwise.study.floor import noise_floor_of
from foldwise.study.from_moments import compare_moments
from foldwise.study.kept_moments import moments_of_all
from foldwise.study.leaks import measure_leaks, steps_of_leaks
from foldwise.study.native import kind_of
from foldwise.study.options import check_budget, check_mixes, column_or_array, make_folds, make_target_scale
from foldwise.study.reading import read_rows
from foldwise.study.running import run
from foldwise.study.source import check_classes, check_events
from foldwise.study.spread import cluster
from foldwise.study.steps import Progress, Steps
from foldwise.study.stopping import Stopping
from foldwise.study.store import Store
from foldwise.study.streamed import read_once
from foldwise.study.task import Encoding, Rule, Task
from foldwise.tables import Recipe, read_table

DEFAULT_CANDIDATES = ("least squares", "ridge", "lasso", "elastic net")
DEFAULT_REPEATS = 10
DEFAULT_L1_RATIOS = (0.1, 0.3, 0.5, 0.7, 0.9)
MOST_FOLDS = 100
MOST_REPEATS = 50


def compare(
    table: Any,
    *,
    target: str | None = None,
    time: str | None = None,
    event: str | None = None,
    family: str | Family | None = None,
    candidates: Any = DEFAULT_CANDIDATES,
    folds: int | Folds | Splitter = 5,
    repeats: int | None = None,
    budget: float | None = None,
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
    rope: float = 0.0,
    sample_weight: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    groups: str | ArrayLike | None = None,
    stratify: bool | None = None,
    leaks: bool = False,
    stream: bool | None = None,
    keep: str | Path | None = None,
    dask: Any = None,
    progress: Progress | None = None,
) -> Comparison:
    """Which regularization predicts best, by how much, is that real, and which features survive?

    Every candidate is a *tuned procedure*: within the training rows of each outer fold, inner folds choose its penalty
    strength (and l1_ratio); its error is measured on the outer fold, which took no part in the choice. All candidates
    see the same folds. Filling, pooling, centring and scaling are learned from each fit's own training rows.

    The penalty is glmnet's: with columns in standard deviations, each fit minimizes

        1/(2 W) sum_i w_i (y_i - b0 - x_i'b)^2 + alpha (l1_ratio |b|_1 + (1 - l1_ratio)/(2 s) |b|^2)

    where s, the standard deviation of the target, makes the mixture independent of the target's unit. The grid of what
    is tried, that is alphas and s, is the same for all fits and made from all rows unless it is given. For classes,
    counts and times the family's loss stands in the place of half the squared error, with s = 1, and errors are mean
    deviances.

    Differences between candidates are tested with the corrected resampled t on errors per fold, adjusted by Holm over
    all pairs, and reported between RMSEs in the target's unit, or deviances (`foldwise.study.differences`).

    Parameters
    ----------
    table
        A dataframe (pandas, polars, pyarrow, ...), a dict of columns, a 2-D array with `names`, or the path of a file
        (CSV, TSV, Parquet, Feather, JSON lines); n rows. Or what is not held in memory: a folder, a pattern such as
        "data/*.parquet", whatever `FoldMoments.scan` takes; the `FoldMoments` or the `RowStream` of a table, alone.
    target : str
        The column to predict: numbers, classes with labels of any kind, or counts.
    time, event : str
        In place of the target: the column of times to an event, and the one that says whether it came (true or 1) or
        the row was no longer watched then (false or 0).
    family : str or foldwise.families.Family, optional
        What fits the target; taken from its values where omitted: "binomial" for two different values of any kind,
        "multinomial" for text with 3 to 20, "poisson" for whole numbers from 0 with zeros and a mean of at most 10,
        "gaussian" for other numbers, "cox" for times to an event. `Comparison.modelled` says which and why.
    candidates : names, (name, estimator) pairs, or a mapping from names to estimators
        Names are among "least squares" ("unpenalized" for other families), "ridge", "lasso", "elastic net", "group
        lasso", "network l2", "network l1", "network dropout", "network early stopping" (docs/networks.md). With the
        group lasso, all columns that come from one column of the table (the levels of a category) stay or
        leave together. An estimator is one of scikit-learn, or a pipeline, or has its conventions: it is cloned, fitted
        anew in each fold to the table's own columns, untouched, and predicts what `cross_val_predict` would; see
        docs/candidates.md. A `foldwise.study.Candidate` of your own is taken too.
    folds : int, Folds or scikit-learn splitter
        K, or the partition itself. From 3 to 100 where a strength is to be chosen.
    repeats, seed : int
        How many random partitions where `folds` is a number (10 where omitted, 1 for a table that is read once), and
        from which seed.
    budget : float, optional
        Seconds in which repeats are added until the differences are settled: until the standard error that dealing
        other folds would leave in any of them is a tenth of the smallest difference that could be detected, after 5
        repeats at least and `repeats` (50 unless given) at most. Who is ahead plays no part in it; see
        `foldwise.study.stopping`.
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
    rope : float >= 0
        The largest difference between errors that does not matter to you, in the target's unit (for other families than
        the gaussian in deviance): the region of practical equivalence of `Difference.equivalent`.
    sample_weight : column name or array (n,), optional
        Row weights >= 0, in fits and errors.
    offset : column name or array (n,), optional
        Added to every linear predictor and not fitted, such as the logarithm of an exposure.
    groups : column name or array (n,), optional
        Rows of one group stay in one fold.
    stratify : bool, optional
        Spread the target evenly over the folds; where omitted, classes and events are.
    leaks : bool
        Also measure the errors that one would have reported, had filling, scaling, selecting columns, choosing a
        strength or stopping a network's training seen the rows that judge (`Comparison.leaks`). They stand beside the
        honest ones and decide nothing.
    stream : bool, optional
        Whether a file is read in one pass and not kept (in about five for classes, counts and amounts); where omitted,
        if it is too large for the memory that is free. Such a table is filled with means, its folds are dealt by a hash
        (of `groups`, a column), and there are no out-of-fold predictions.
    keep : path, optional
        A directory in which what is finished is kept, each candidate's piece of each repeat in a file, so that the same
        call goes on where it was cut off. Another table or setting never meets the same files.
    dask : str or distributed.Client, optional
        A cluster: "local" starts a process for each core, "tcp://..." is a scheduler's address. Its workers make the
        pieces, each candidate on each repeat, side by side; the answer is the same. A table that is read once is read
        by them.
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
    given = dict(locals())
    begun, start = datetime.now(UTC), perf_counter()
    budget = check_budget(budget)
    repeats = (DEFAULT_REPEATS if budget is None else MOST_REPEATS) if repeats is None else repeats
    asked = None if family is None else family_of(family)
    if fill not in get_args(Fill):
        raise InputError(f"fill must be 'median' or 'mean', got {fill!r}")
    if rule not in get_args(Rule):
        raise InputError(f"rule must be 'min' or '1se', got {rule!r}")
    if not 0.0 <= rope < float("inf"):
        raise InputError(f"rope must be >= 0 and finite, in the unit of the errors, got {rope!r}")
    mixes, strengths = check_mixes(l1_ratios), check_strengths(alphas)
    once = read_once(table, given)
    if once is not None:
        return compare_moments(
            *once,
            candidates=candidates,
            alphas=alphas,
            l1_ratios=mixes,
            target_scale=target_scale,
            rule=rule,
            rope=float(rope),
            progress=progress,
        )
    table = read_table(table) if isinstance(table, str | Path) else table
    dropped = [drop] if isinstance(drop, str) else list(drop)
    rows, modelled = read_rows(
        table,
        target=target,
        time=time,
        event=event,
        family=asked,
        drop=dropped,
        roles={"groups": groups, "sample_weight": sample_weight, "offset": offset},
        categories=categories,
        units=units,
        min_level_count=min_level_count,
        names=names,
    )
    design, fitted = rows.design, rows.family
    chosen = find_candidates(candidates, gaussian=fitted.name == "gaussian")
    tuned = any(candidate.tunes for candidate in chosen)
    check_classes(design)
    dealt = isinstance(folds, int | np.integer) and groups is None
    spread = (bool(design.classes) or rows.event is not None) and dealt if stratify is None else stratify
    members = column_or_array(table, groups, "groups")
    partition = make_folds(
        folds,
        rows.target if rows.event is None else rows.event,
        repeats=repeats,
        seed=seed,
        stratify=spread,
        groups=members,
    )
    if tuned:
        _check_nesting(partition.n_folds)
    check_classes(design, partition, nested=tuned)
    check_events(rows, partition)
    scale = make_target_scale(target_scale, rows) if fitted.name == "gaussian" else 1.0
    encoding = Encoding(fill, indicators, min_level_count)
    recipe = Recipe.learn(design, fill=fill, indicators=indicators, min_level_count=min_level_count)
    columns = recipe.columns
    _, sources = np.unique([column.source for column in columns], return_inverse=True)
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
    steps.total += sum(steps_of_leaks(candidate, task) for candidate in chosen for task in tasks) if leaks else 0
    store = None if keep is None else Store.at(keep)
    stopping = None if budget is None else Stopping(budget)
    with cluster(dask) as client:
        finished = run(tasks, chosen, store=store, stopping=stopping, client=client)
    tasks, partition = list(finished.tasks), Folds(partition.labels[: len(finished.tasks)])
    alike = None if members is None else np.unique([str(each) for each in members], return_inverse=True)[1]
    evaluation = evaluate(tasks, chosen, finished.pieces, rope=float(rope), groups=alike)
    leaked = measure_leaks(tasks, chosen, evaluation.results, store=store) if leaks else ()
    of_candidates = dict.fromkeys(note for result in evaluation.results for note in result.notes)
    told = (*_collinear(tasks[0], chosen, recipe), *of_candidates)
    for note in told:
        warnings.warn(note, DataWarning, stacklevel=2)
    return Comparison(
        target=str(design.target_name),
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
            offset=_name_of(offset),
            drop=tuple(dropped),
            fill=fill,
            indicators=indicators,
            min_level_count=min_level_count,
            alphas=strengths if isinstance(strengths, int) else tuple(strengths.tolist()),
            l1_ratios=mixes,
            target_scale=scale,
            rule=rule,
            rope=float(rope),
            budget=budget,
        ),
        stopped=finished.stopped,
        run=Run.since(
            begun,
            perf_counter() - start,
            {candidate.name: spent for candidate, spent in zip(chosen, finished.seconds, strict=True)},
        ),
        frame=kind_of(table),
        modelled=modelled,
        baseline_scores=evaluation.baseline_scores,
        moments=moments_of_all(tasks, partition),
        event=event,
        leaks=leaked,
        noise_floor=noise_floor_of(
            rows,
            recipe,
            evaluation.results,
            (evaluation.baseline_error, evaluation.baseline_scores),
            apart=None if members is None else partition.labels[0],
        ),
        picked=evaluation.picked,
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


def _name_of(value: str | ArrayLike | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return "given as values"
