"""A comparison's parts as plain data: a candidate's entry of report.json, the rows of tables of coefficients."""

from math import isfinite
from typing import Any

import numpy as np

from foldwise.study.measure import Label, Measure
from foldwise.study.result import CandidateResult
from foldwise.tables import Column

_OF_STRENGTHS = ("alpha", "l1_ratio", "alpha_min", "alpha_1se", "chosen_alpha", "chosen_l1_ratio")
_OF_FEATURES = {
    "intercept": "intercept",
    "coef": "coef",
    "coef_per_sd": "coef_per_sd",
    "survival": "survival",
    "sign": "sign",
    "sign_agreement": "agreement",
}
_CLASS_COLUMNS = ("class", "feature", "unit", "coefficient", "per_sd", "survival", "sign_agreement")


def candidate_of(r: CandidateResult, measure: Measure) -> dict[str, Any]:
    """One candidate's entry of report.json; docs/report-json.md has the layout."""
    strengths, features = r.strengths, r.features
    return {
        "name": r.name,
        "about": r.about or None,
        "drops_features": r.drops_features,
        measure.key: r.error,
        "interval": r.interval,
        "interval_by": r.interval_by,
        measure.explained_key: r.explained,
        "scores": r.scores,
        "score": r.score,
        "optimism": r.optimism,
        "letters": r.letters,
        **{key: None if strengths is None else getattr(strengths, key) for key in _OF_STRENGTHS},
        "features_kept": r.n_kept,
        **{key: None if features is None else getattr(features, of) for key, of in _OF_FEATURES.items()},
        "fold_mse" if measure.is_root else "fold_deviance": r.fold_error,
        "curve": None if strengths is None else {"alpha": strengths.curve_alpha, measure.key: strengths.curve_error},
        "gap": None if r.gap is None else float(f"{r.gap:.1e}"),  # its further digits are rounding
    }


def of_tuned(r: CandidateResult, name: str) -> float | None:
    """A strength of the final model, where there was one to choose."""
    return None if r.strengths is None or r.alpha_min is None else float(getattr(r.strengths, name))


def class_coefficients(
    r: CandidateResult, columns: tuple[Column, ...], classes: tuple[Label, ...]
) -> dict[str, list[Any]]:
    """The columns of a table of the coefficients of several classes."""
    found: dict[str, list[Any]] = {name: [] for name in _CLASS_COLUMNS}
    for c, label in enumerate(classes):
        order = np.argsort(-r.coef_per_sd[:, c], kind="stable").tolist()
        rows = [
            (
                str(label),
                columns[j].name,
                columns[j].unit,
                float(r.coef[j, c]),
                float(r.coef_per_sd[j, c]),
                float(r.survival[j]),
                or_none(float(r.agreement[j, c])),
            )
            for j in order
        ]
        rows.append((str(label), "(intercept)", None, float(r.intercept[c]), None, None, None))  # type: ignore[arg-type]
        for row in rows:
            for name, value in zip(_CLASS_COLUMNS, row, strict=True):
                found[name].append(value)
    return found


def rounded(value: Any) -> Any:
    """Plain data with floats at 12 significant digits and None for what is not finite."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return rounded(value.tolist())
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.12g}") if isfinite(value) else None
    return value


def or_none(value: float) -> float | None:
    """A number, or None where it is none."""
    return value if isfinite(value) else None
