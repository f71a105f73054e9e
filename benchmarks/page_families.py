"""The page's section on generalized linear models: two classes and counts, beside the libraries that have them."""

from collections.abc import Mapping
from typing import Any

from benchmarks.markdown import duration, table

OURS = "foldwise"

WORDS = """\
Two classes (the logistic lasso) and claim counts per year of exposure (the Poisson lasso, weighted by the exposure):
{folds} folds and {alphas} penalties, both given. `golub` and `spambase` have columns of unit variance, those of `a9a`
and `motor` are zeros and ones, and standardization inside a library is off, so that an alpha is the same for all: it
counts against the weighted mean loss. foldwise: `fit_paths(family=..., tol=1e-6)`; glmnet: `cv.glmnet(family=...)`;
adelie: `grpnet` for each fold; scikit-learn: `LogisticRegressionCV` by saga, its one solver for this penalty that
leaves the intercept alone. It has no lasso for counts. Its C counts against a sum, so its folds' penalties differ by
the rounding of their sizes. All are at their defaults, in turns as above; a run, or a warm-up, that took more than
{limit:g} s was ended and is named. **Single path**: the final model without folds. **Until explained**: foldwise with
the rule by which glmnet ends a path early (`stop_when_explained=True`).

**Gap**: of the final model's path, as above, relative to half the deviance that the empty model leaves: a bound, in
which no library has a part, and a loose one where classes are separated and columns many. On `golub` the true distance
of foldwise's fits from their minima is 7e-7 at most, by fits asked for 1e-12.
**Curve off by**: of the cross-validated deviance; glmnet cuts probabilities
off at 1e-5. **Memory**: beyond what was held before the run, in sizes of X as dense numbers of 8 bytes."""


def families_part(results: Mapping[str, Any]) -> str:
    """Return the whole section."""
    tasks = list(results.values())
    facts = {key: max(task[key] for task in tasks) for key in ("folds", "alphas", "limit")}
    parts = ["## Generalized linear models", WORDS.format(**facts), ratio_table(results)]
    for name, task in results.items():
        size = f"{task['n']:,} rows, {task['p']:,} columns, {task['bytes'] / 1e6:,.3g} MB"
        parts.append(f"### {name}: {task['family']}, {size}\n\n{task_table(task)}\n\n    {task['command']}")
    return "\n\n".join(parts)


def ratio_table(results: Mapping[str, Any]) -> str:
    """Return our cross-validation beside the fastest peer's, and beside one path of glmnet."""
    rows = []
    for name, task in results.items():
        ours, one = _side(task, OURS, "default"), _side(task, "glmnet", "single path")
        peers = [side for side in _ran(task) if side["library"] != OURS and side["mode"] == "default"]
        peer = min(peers, key=lambda side: side["best"], default=None)
        cells = (name, _best(ours), f"{_best(peer)} ({peer['library']})" if peer else "", _ratio(peer, ours))
        rows.append((*cells, _best(one), _ratio(one, ours), _sizes(ours, task), _gap(ours), _gap(peer)))
    header = ("task", "foldwise, 10 folds", "fastest peer, 10 folds", "ratio", "glmnet, one path", "ratio to 10 folds")
    return table((*header, "memory / X", "gap", "peer's gap"), rows)


def task_table(task: Mapping[str, Any]) -> str:
    """Return everyone's times and gaps, fastest first, and who did not run and why."""
    ours = _side(task, OURS, "default")
    header = ("library", "median", "best", "median ratio", "best ratio", "runs", "points")
    header += ("gap, worst", "gap, median", "curve off by", "memory", "memory / X", "cores")
    sides = sorted(_ran(task), key=lambda side: side["best"])
    cells = table(header, [_cells(side, ours, task) for side in sides])
    reasons = [
        f"- {side['name']}: {'not run: ' if side['status'] != 'ran' else ''}{side['reason']}"
        for side in task["sides"]
        if "reason" in side
    ]
    return "\n\n".join([cells, "\n".join(reasons)] if reasons else [cells])


def _cells(side: Mapping[str, Any], ours: Mapping[str, Any] | None, task: Mapping[str, Any]) -> tuple[str, ...]:
    ratios = [f"{side[key] / ours[key]:.3g} x" if ours else "" for key in ("median", "best")]
    off = side.get("curve_difference")
    return (
        side["name"],
        duration(side["median"]),
        duration(side["best"]),
        *ratios,
        str(len(side["seconds"])),
        str(side.get("points", "")),
        *(f"{side[key]:.0e}" if key in side else "" for key in ("gap_worst", "gap_median")),
        "" if off is None or side is ours else f"{off:.0e}",
        "" if side["memory"] is None else f"{side['memory'] / 1e6:,.3g} MB",
        _sizes(side, task),
        side["threads"],
    )


def _ran(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [side for side in task["sides"] if side["status"] == "ran"]


def _side(task: Mapping[str, Any], library: str, mode: str) -> Mapping[str, Any] | None:
    return next((side for side in _ran(task) if (side["library"], side["mode"]) == (library, mode)), None)


def _best(side: Mapping[str, Any] | None) -> str:
    return duration(side["best"]) if side else ""


def _ratio(slow: Mapping[str, Any] | None, quick: Mapping[str, Any] | None) -> str:
    return f"{slow['best'] / quick['best']:.3g} x" if slow and quick else ""


def _gap(side: Mapping[str, Any] | None) -> str:
    return f"{side['gap_worst']:.0e}" if side and "gap_worst" in side else ""


def _sizes(side: Mapping[str, Any] | None, task: Mapping[str, Any]) -> str:
    return f"{side['memory'] / task['bytes']:.2g}" if side and side["memory"] is not None else ""
