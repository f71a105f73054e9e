"""What the page's script is given: features, moments or paths, and where the explorer begins; never a row."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.report.page.keeping import pack_alongs
from foldwise.report.page.packing import pack
from foldwise.study.along import Along
from foldwise.tables import Column

if TYPE_CHECKING:
    from foldwise.moments import FoldMoments

LIVE = ("lasso", "elastic net", "ridge")
"""What the script refits."""


def explorer_data(
    plain: Mapping[str, Any], key: str, moments: "FoldMoments | None", alongs: Mapping[str, Along]
) -> dict[str, Any]:
    """Plain data for the explorer; empty where no candidate has a path.

    Parameters
    ----------
    plain : dict
        The content of report.json.
    key : str
        What the error is called there.
    moments : FoldMoments or None
        With them the script refits lasso, elastic net and ridge of a gaussian comparison.
    alongs : dict of Along
        Paths by the names of their candidates.
    """
    columns = tuple(Column(**feature) for feature in plain["features"])
    packed = None
    if moments is not None and plain["family"]["name"] == "gaussian":
        packed = pack(moments, columns, target_scale=plain["settings"]["target_scale"])
    labels = [str(label) for label in plain["family"]["classes"]]
    paths = pack_alongs({name: a for name, a in alongs.items() if packed is None or name not in LIVE}, labels)
    kinds = [*(LIVE if packed else ()), *paths]
    if not kinds:
        return {}
    chosen = _chosen(plain, kinds)
    start = next(iter([*chosen, *kinds]))
    shown = range(len(columns)) if packed else sorted({j for path in paths.values() for j in path["columns"]})
    place = {j: at for at, j in enumerate(shown)}
    for path in paths.values():
        path["columns"] = [place[j] for j in path["columns"]]
    size = _sizes(plain, start, len(columns))
    return {
        "names": [columns[j].name for j in shown],
        "units": {place[j]: columns[j].unit for j in shown if columns[j].unit},
        "features_in_all": len(columns),
        "order": sorted(range(len(place)), key=lambda at: -size[shown[at]]),
        "error_unit": plain["target"]["unit"] if key == "rmse" else None,
        "baseline": plain["baseline"][key],
        "best": _best(plain, key),
        "chosen": chosen,
        "start": start,
        "moments": packed,
        "paths": paths,
    }


def _chosen(plain: Mapping[str, Any], kinds: list[str]) -> dict[str, dict[str, float]]:
    """The final strengths of what can be shown; first of all that of the tied candidate that keeps fewest features."""
    tuned = [c for c in plain["candidates"] if c.get("alpha_min") is not None]
    tuned.sort(key=lambda c: (c["name"] not in plain["tied"], not c["drops_features"], c["features_kept"]))
    return {
        kind: {"alpha": c["alpha"], "l1_ratio": c["l1_ratio"]}
        for c in tuned
        for kind in kinds
        if kind == c["name"] or kind.startswith(f"{c['name']}: ")
    }


def _best(plain: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """The best candidate as a mark beside curves; not the unpenalized model, which is the weak end of each."""
    best = plain["candidates"][0]
    is_end = best["coef_per_sd"] is not None and best["alpha_min"] is None
    return None if is_end else {"name": best["name"], "error": best[key]}


def _sizes(plain: Mapping[str, Any], start: str, p: int) -> list[float]:
    """How large each feature's coefficient is in the model that the explorer begins with."""
    of = {c["name"]: c.get("coef_per_sd") for c in plain["candidates"]}
    found = of.get(start) or of.get(start.partition(": ")[0])
    if found is None:
        return [0.0] * p
    sizes = np.abs(np.array(found, dtype=float))
    return [float(size) for size in (sizes.max(axis=1) if sizes.ndim == 2 else sizes)]
