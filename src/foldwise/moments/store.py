"""Fold moments on disk: a .npz file of plain arrays and one JSON text, written whole or not at all.

The arrays `weight`, `mean`, `cross`, `gaps`, `reference`, `level_count` are as in FoldMoments; `medians` (H, g) has one
row per held-out set. The text `settings` holds everything else and the format's version.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError

if TYPE_CHECKING:
    from foldwise.moments.fold_moments import FoldMoments

VERSION = 1
ARRAYS = ("weight", "mean", "cross", "gaps", "reference", "level_count")
SETTINGS = ("n_folds", "n_repeats", "n_rows", "fill", "indicators", "pools", "min_level_count")


def save_arrays(path: str | Path, moments: FoldMoments) -> None:
    """Write to a temporary file beside the target, then put it in place."""
    path = Path(path)
    settings = {name: getattr(moments, name) for name in SETTINGS}
    settings |= {"version": VERSION, "held_out": [sorted(members) for members in moments.medians]}
    arrays: dict[str, Any] = {name: getattr(moments, name) for name in ARRAYS}
    arrays["medians"] = np.array(list(moments.medians.values()))
    arrays["settings"] = np.array(json.dumps(settings))
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    except OSError as error:
        message = f"can't write {path}: {error.strerror}"
        raise InputError(message) from error
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        message = f"can't write {path}: {error.strerror}"
        raise InputError(message) from error


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
    if version != VERSION:
        message = f"{path} has format version {version}; this foldwise reads version {VERSION}"
        raise InputError(message)
    sets = [frozenset(members) for members in settings.pop("held_out")]
    pools = tuple((tuple(levels), other) for levels, other in settings.pop("pools"))
    return {**found, **settings, "pools": pools, "medians": dict(zip(sets, medians, strict=True))}
