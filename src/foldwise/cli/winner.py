"""A candidate of a report as a model that predicts: the report's coefficients, the table's fills and levels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.cli.model_file import SavedModel
from foldwise.errors import InputError
from foldwise.families import FAMILIES
from foldwise.study.measure import Modelled
from foldwise.tables import Design, Recipe, make_design
from foldwise.tables.frames import columns_of
from foldwise.tables.values import kind_of, numbers

_KINDS = {
    "least squares": "ols",
    "unpenalized": "ols",
    "ridge": "ridge",
    "lasso": "lasso",
    "elastic net": "elastic-net",
    "group lasso": "group-lasso",
}
GIVEN = "given as values"
NEAR, OF_GAP = 1e-6, 4.0
"""What digits, and roots of the fits' gap, leave of the mean of the residuals, in the target's standard deviations."""


def winner_of(report: Any, table: Any, candidate: str | None = None) -> tuple[SavedModel, str]:
    """The final model of the best candidate, or of the one that is named, and its name.

    Parameters
    ----------
    report : dict
        The content of report.json.
    table : Any
        The table that it is of: fills and rare levels are learned from it again, as the final model's were.
    candidate : str, optional

    Raises
    ------
    InputError
        If the report has no such candidate, it has no coefficients, or the table is not the report's.
    """
    try:
        names = [each["name"] for each in report["candidates"]]
        chosen = names[0] if candidate is None else candidate.lower().replace("-", " ")
        settings, target = report["settings"], report["target"]["name"]
    except (KeyError, TypeError, IndexError) as error:
        raise InputError(f"it is not a report.json: it has no {error}") from error
    if chosen not in names:
        raise InputError(f"--candidate must be one of {', '.join(names)}, got {candidate!r}")
    found = report["candidates"][names.index(chosen)]
    of = f"{chosen}, the best candidate," if candidate is None else chosen
    if chosen not in _KINDS or found["coef"] is None:
        linear = [each["name"] for each in report["candidates"] if each["name"] in _KINDS]
        hint = f"; --candidate takes {', '.join(linear)}" if linear else ""
        raise InputError(f"{of} has no coefficients to export{hint}")
    if report["family"]["name"] not in FAMILIES:
        raise InputError(f"{of} is of a family of your own, {report['family']['name']!r}, which exports don't know")
    offset = settings.get("offset")
    if offset == GIVEN:
        raise InputError(f"{of} has an offset that was given as values: put it into a column of the table, and name it")
    rows = len(next(iter(columns_of(table).values()), ()))
    if rows != report["rows"]:
        raise InputError(f"the table is not the report's: it has {rows} rows, and the report {report['rows']}")
    design = _design(report, table)
    weights = _weights(settings["sample_weight"], table, len(design.values))
    recipe = Recipe.learn(
        design,
        fill=settings["fill"],
        indicators=settings["indicators"],
        min_level_count=settings["min_level_count"],
        weights=weights,
    )
    if list(recipe.names) != [feature["name"] for feature in report["features"]]:
        raise InputError("the table is not the report's: its columns or levels are others")
    family, classes = report["family"], tuple(report["family"]["classes"])
    event = report["target"].get("event")
    words = target if event is None else f"{target} to {event}"
    modelled = Modelled(FAMILIES[family["name"]](**family["parameters"]), words, family["reason"], classes)
    model = SavedModel(
        _KINDS[chosen],
        words,
        report["target"]["unit"],
        recipe,
        frozen(found["coef"]),
        frozen(found["intercept"]),
        _training(report, found, float(report["rows"]) if weights is None else float(weights.sum())),
        modelled,
        offset,
    )
    if weights is not None:
        _check_mean(model, table, design, weights, found["gap"])
    return model, chosen


def frozen(value: Any) -> Any:
    """A number, or lists of numbers as tuples."""
    return tuple(map(frozen, value)) if isinstance(value, list) else float(value)


def _design(report: dict[str, Any], table: Any) -> Design:
    settings, columns = report["settings"], columns_of(table)
    roles = [settings[role] for role in ("groups", "sample_weight", "offset") if settings.get(role)]
    levels = {feature["source"] for feature in report["features"] if feature["kind"] in {"level", "other levels"}}
    return make_design(
        table,
        target=report["target"]["name"],
        drop=dict.fromkeys([*settings["drop"], *(role for role in roles if role in columns)]),
        categories=[name for name in levels if name in columns and kind_of(name, columns[name]) == "number"],
        min_level_count=settings["min_level_count"],
        family=report["family"]["name"],
        event=report["target"].get("event"),
    )


def _weights(name: str | None, table: Any, n: int) -> NDArray[np.float64] | None:
    """Weights (n,) of the rows; None where they were given as values, which the report does not hold."""
    if not name:
        return np.ones(n)
    columns = columns_of(table)
    return numbers(name, columns[name]) if name in columns else None


def _training(report: dict[str, Any], found: dict[str, Any], total: float) -> dict[str, Any]:
    """What a model file tells of the fit to rows of this total weight; the strength in scikit-learn's meaning."""
    alpha, ratio, s = found["alpha"], found["l1_ratio"], report["settings"]["target_scale"]
    key = "rmse" if "rmse" in found else "deviance"
    gaussian, name = report["family"]["name"] == "gaussian", found["name"]
    told: dict[str, Any] = {"alpha": alpha, "l1_ratio": None, "standardize": True, "chosen": True}
    if _KINDS[name] == "ols":
        told |= {"alpha": None, "standardize": False, "chosen": False}
    elif name == "ridge" and gaussian:  # scikit-learn's sums over the rows
        told["alpha"] = alpha * total / s
    elif name == "elastic net":
        l1, l2 = alpha * ratio, alpha * (1.0 - ratio) / s
        told |= {"alpha": l1 + l2, "l1_ratio": l1 / (l1 + l2)}
    return told | {"rows": report["rows"], f"nested_{key}": found[key]}


def _check_mean(model: SavedModel, table: Any, design: Design, weights: NDArray[np.float64], gap: float | None) -> None:
    """A line with an intercept leaves residuals of mean 0 where it was fitted: on this table, or on another.

    So do lines through the link that belongs to their family; others tell nothing by that.
    """
    family = model.modelled.family
    if family.name not in {"gaussian", "binomial", "poisson", "multinomial"}:
        return
    y = family.check_target(np.asarray(design.target), len(design.values))
    residuals = y - model.predict(table)
    off = float(np.abs(np.average(residuals, axis=0, weights=weights)).max())
    if off > (NEAR + (0.0 if gap is None or family.name == "gaussian" else OF_GAP * gap**0.5)) * float(y.std()):
        raise InputError(f"the table is not the report's: its rows are {off:.3g} off on average, where the fit was not")
