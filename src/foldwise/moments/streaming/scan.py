"""scan_table: one pass over a table that need not fit, to the fields of its fold moments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError
from foldwise.moments.origin import Origin
from foldwise.moments.streaming.cluster import client_of, spread_over, walk_cluster
from foldwise.moments.streaming.make_plan import Asked, make_plan
from foldwise.moments.streaming.pieces import Tallied
from foldwise.moments.streaming.plan import ScanPlan
from foldwise.moments.streaming.sources import Source, open_source
from foldwise.moments.streaming.state import Progress, load_state
from foldwise.moments.streaming.walk import Walk, walk, workers_for

if TYPE_CHECKING:
    from foldwise.moments.streaming.tally import Tally

Tell = Callable[[int, float | None], object]
MOST_FOLDS, MOST_BLOCKS = 255, 2000


@dataclass(frozen=True, eq=False)
class Scanned:
    """What a pass found: a tally, its plan, and what it means."""

    tally: Tally
    plan: ScanPlan
    origin: Origin

    def fields(self) -> dict[str, Any]:
        """The fields of FoldMoments that a pass decides."""
        plan, tally = self.plan, self.tally
        counts = np.zeros((len(tally.weight), len(plan.columns)))
        counts[:, plan.counted] = tally.level_count
        reference, mean = np.array(plan.reference), tally.mean.copy()
        mean[:, -1] += reference[-1]
        whole = np.setdiff1d(np.arange(len(plan.columns)), tally.gaps)
        mean[:, whole] += reference[whole]
        return {
            "weight": tally.weight,
            "mean": mean,
            "cross": tally.cross,
            "n_folds": plan.n_folds,
            "n_repeats": plan.n_repeats,
            "n_rows": tally.n_rows,
            "gaps": tally.gaps,
            "reference": reference[tally.gaps],
            "pools": plan.pools,
            "min_level_count": plan.min_level_count,
            "level_count": counts if len(plan.counted) else np.zeros((0, 0)),
            "origin": self.origin,
        }


def scan_table(
    source: Any,
    *,
    target: str,
    folds: int | None,
    repeats: int,
    seed: int,
    key: str | None = None,
    sample_weight: str | None = None,
    drop: Iterable[str] = (),
    categories: Iterable[str] | Mapping[str, Sequence[str] | None] = (),
    units: Mapping[str, str] | None = None,
    min_level_count: int = 10,
    like: Origin | None = None,
    skip_bad: bool = False,
    state: str | Path | None = None,
    workers: int | None = None,
    progress: Tell | None = None,
    dask: Any = None,
    classes: Sequence[str | float] = (),
) -> Scanned:
    """Read a table once; `FoldMoments.scan` says what the parameters are."""
    asked = Asked(
        target=target,
        weight=sample_weight,
        key=key,
        drop=_names(drop, "drop"),
        categories=_categories(categories),
        units=dict(units or {}),
        n_folds=_whole("folds", 1 if folds is None else folds, 1 if folds is None else 2, MOST_FOLDS),
        n_repeats=_whole("repeats", repeats, 1, MOST_BLOCKS // MOST_FOLDS * 10),
        seed=_whole("seed", seed, 0, 1 << 62),
        min_level_count=_whole("min_level_count", min_level_count, 1, 1 << 62),
        classes=_two(classes),
    )
    if workers is not None:
        _whole("workers", workers, 1, 1 << 10)
    opened = open_source(source)
    notes: tuple[str, ...] = ()
    plan = None if like is None else _plan_like(like, asked)
    if dask is not None:
        if state is not None:
            message = "state can't be given with dask, whose scheduler makes anew what a worker loses"
            raise InputError(message)
        with client_of(dask) as client:
            if plan is None:
                plan, notes = make_plan(opened, asked, skip_bad=skip_bad, spread=spread_over(client))
            found = walk_cluster(client, opened.files, plan, skip_bad=skip_bad, tell=progress)
    else:
        if plan is None:
            plan, notes = make_plan(opened, asked, skip_bad=skip_bad)
        found = _walked(opened, plan, skip_bad=skip_bad, state=state, workers=workers, progress=progress)
    tally = found.tally
    skipped = tuple((one.where, one.why, one.n_rows) for one in found.skipped)
    if not tally.n_rows:
        also = f"; {len(skipped)} parts of it were skipped, first {skipped[0][0]}: {skipped[0][1]}" if skipped else ""
        message = f"the table has no rows{also}"
        raise InputError(message)
    _check_folds(tally, plan)
    origin = Origin(
        columns=plan.columns,
        categories=plan.categories,
        target=plan.target,
        reference=plan.reference,
        kinds=plan.kinds,
        key=plan.key,
        weight=plan.weight,
        seed=plan.seed,
        drop=plan.drop,
        n_files=len(opened.files),
        skipped=skipped,
        notes=notes,
        units=tuple(asked.units.items()) if like is None else like.units,
        classes=plan.classes,
    )
    return Scanned(tally, plan, origin)


def _walked(
    opened: Source,
    plan: ScanPlan,
    *,
    skip_bad: bool,
    state: str | Path | None,
    workers: int | None,
    progress: Tell | None,
) -> Tallied:
    if state is None:
        done, how = Progress.start(plan.empty()), Walk(workers_for(plan, workers), skip_bad, progress)
        walk(opened.files, plan, done, how)
        return done.tallied()
    path = Path(state)
    if opened.is_stream:
        message = "state is for tables that can be read again from where a scan stopped; a stream can't"
        raise InputError(message)
    if path.is_dir() or not path.absolute().parent.is_dir():
        message = f"state must name a file in a folder that is there, got {str(path)!r}"
        raise InputError(message)
    fingerprint = plan.fingerprint(opened.files)
    done = load_state(path, fingerprint, plan.empty()) if path.exists() else Progress.start(plan.empty())
    walk(opened.files, plan, done, Walk(workers_for(plan, workers), skip_bad, progress, path, fingerprint))
    path.unlink(missing_ok=True)
    return done.tallied()


def _plan_like(like: Origin, asked: Asked) -> ScanPlan:
    """The plan of an earlier scan, so that the two can be merged."""
    if asked.target != like.target:
        message = f"target must be {like.target!r} to be merged with those moments, got {asked.target!r}"
        raise InputError(message)
    return plan_of(like, asked.n_folds, asked.n_repeats, asked.min_level_count)


def plan_of(like: Origin, n_folds: int, n_repeats: int, min_level_count: int) -> ScanPlan:
    """The plan that a table was scanned by."""
    return ScanPlan(
        columns=like.columns,
        categories=like.categories,
        reference=like.reference,
        target=like.target,
        weight=like.weight,
        key=like.key,
        n_folds=n_folds,
        n_repeats=n_repeats,
        seed=like.seed,
        kinds=like.kinds,
        drop=like.drop,
        min_level_count=min_level_count,
        classes=like.classes,
    )


def _check_folds(tally: Tally, plan: ScanPlan) -> None:
    empty = np.flatnonzero(tally.weight <= 0.0)
    if plan.n_folds == 1 and len(empty):
        message = f"column {plan.weight!r} must have a positive sum, got 0"
        raise InputError(message)
    if len(empty):
        repeat, fold = divmod(int(empty[0]), plan.n_folds)
        what = f"fold {fold} of repeat {repeat} has no rows" + (" with weight" * bool(plan.weight))
        by = f"rows are dealt by {plan.key!r}" if plan.key else f"there are {tally.n_rows:,} rows"
        message = f"folds={plan.n_folds}: {what} ({by}); ask for fewer folds, or another seed"
        raise InputError(message)


def _categories(given: Any) -> dict[str, Sequence[str] | None]:
    if isinstance(given, Mapping):
        listed = {name: None if levels is None else _names(levels, str(name)) for name, levels in given.items()}
        return {str(name): levels for name, levels in listed.items()}
    return dict.fromkeys(_names(given, "categories"))


def _two(classes: Any) -> tuple[str | float, ...]:
    found = tuple(classes) if isinstance(classes, (list, tuple)) else (classes,)
    if found and (len(found) != 2 or len({type(each) is str for each in found}) != 1 or found[0] == found[1]):
        message = f"classes must be two different values of the target, both text or both numbers, got {classes!r}"
        raise InputError(message)
    return found


def _names(names: Any, argument: str) -> tuple[str, ...]:
    if isinstance(names, str):
        message = f"{argument} must be a list of names, got the text {names!r}; write [{names!r}]"
        raise InputError(message)
    return tuple(str(name) for name in names)


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and least <= value <= most:
        return int(value)
    message = f"{name} must be a whole number from {least} to {most:,}, got {value!r}"
    raise InputError(message)
