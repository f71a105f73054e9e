"""Fold moments on disk: a .npz file of plain arrays and one JSON text, written whole or not at all.

The arrays `weight`, `mean`, `cross`, `gaps`, `reference`, `level_count` are as in FoldMoments; `medians` (H, g) has one
row per held-out set. The text `settings` holds everything else, the origin (the table's columns by name, see
`foldwise.moments.origin`) and the format's version; version 1 had no origin.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError
from foldwise.moments.origin import Origin
from foldwise.moments.whole_file import write_arrays

if TYPE_CHECKING:
    from foldwise.moments.fold_moments import FoldMoments

VERSION = 2
ARRAYS = ("weight", "mean", "cross", "gaps", "reference", "level_count")
SETTINGS = ("n_folds", "n_repeats", "n_rows", "fill", "indicators", "pools", "min_level_count")


def save_arrays(path: str | Path, moments: FoldMoments) -> None:
    """Write to a temporary file beside the target, then put it in place."""
    path = Path(path)
    settings = {name: getattr(moments, name) for name in SETTINGS}
    settings |= {"version": VERSION, "held_out": [sorted(members) for members in moments.medians]}
    settings["origin"] = None if moments.origin is None else moments.origin.to_dict()
    arrays: dict[str, Any] = {name: getattr(moments, name) for name in ARRAYS}
    arrays["medians"] = np.array(list(moments.medians.values()))
    arrays["settings"] = np.array(json.dumps(settings))
    write_arrays(path, arrays)


def load_arrays(path: str | Path) -> dict[str, Any]:
    """The fields of FoldMoments from a file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            settings = json.loads(str(file["settings"]))
            found = {name: file[name] for name in ARRAYS}
            medians = file["medians"]
    except OSError as error:
        message = f"can't read {path}: {error.strerror or error}"
        raise InputError(message) from error
    except (KeyError, ValueError, zipfile.BadZipFile, EOFError) as error:
        message = f"{path} is not a file of fold moments: {error}"
        raise InputError(message) from error
    version = settings.pop("version", None)
    if version not in (1, VERSION):
        message = f"{path} has format version {version}; this foldwise reads version {VERSION} and before"
        raise InputError(message)
    plain = settings.pop("origin", None)
    try:
        origin = None if plain is None else Origin.from_dict(plain)
    except (KeyError, TypeError) as error:
        message = f"{path} is not a file of fold moments: its origin lacks {error}"
        raise InputError(message) from error
    sets = [frozenset(members) for members in settings.pop("held_out")]
    pools = tuple((tuple(levels), other) for levels, other in settings.pop("pools"))
    return {**found, **settings, "pools": pools, "medians": dict(zip(sets, medians, strict=True)), "origin": origin}
