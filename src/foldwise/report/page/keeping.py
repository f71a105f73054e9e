"""Paths that Python computed as text small enough for a page: for what its script can't refit."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foldwise.report.page.base64_text import base64_text, whole_numbers
from foldwise.study.along import Along

ROOM = 66_000
"""Characters for the coefficients of all paths; the features with the largest are kept."""
SHARES = 200
"""Steps in which a share of fits is told."""


def pack_alongs(alongs: Mapping[str, Along], labels: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """Paths by the names of their candidates; with three classes or more, a path for each class.

    Examples
    --------
    >>> two = np.array([2.0, 1.0])
    >>> along = Along(two, two, two, two, 1, 0, np.array([[0.0], [3.0]]), np.array([[0.0], [1.0]]), np.ones(1))
    >>> packed = pack_alongs({"lasso": along})["lasso"]
    >>> packed["alphas"], packed["columns"], packed["largest"]
    ([2.0, 1.0], [0], [3.0])
    """
    single: dict[str, tuple[Along, Any]] = {}
    for name, along in alongs.items():
        if along.coef_per_sd.ndim == 2:
            single[name] = along, along.coef_per_sd
        else:
            single |= {f"{name}: {label}": (along, along.coef_per_sd[:, :, c]) for c, label in enumerate(labels)}
    return {name: _pack(along, coef, ROOM // max(len(single), 1)) for name, (along, coef) in single.items()}


def _pack(along: Along, coef: Any, room: int) -> dict[str, Any]:
    largest = np.abs(coef).max(axis=0, initial=0.0)
    most = max(room // (4 * len(coef)), 1)
    columns = np.sort(np.argsort(-largest, kind="stable")[:most])
    columns = columns[largest[columns] > 0.0]
    shares = coef[:, columns] / largest[columns]
    shares = np.where(shares == 0.0, 0.0, np.sign(shares) * np.maximum(np.abs(shares), 2.0**-15))  # not rounded to zero
    told = {name: [float(f"{value:.7g}") for value in getattr(along, name)] for name in ("error", "low", "high")}
    return {
        "alphas": [float(f"{value:.12g}") for value in along.alphas],
        **told,
        "least": along.least,
        "simplest": along.simplest,
        "strength": along.strength,
        "count": np.count_nonzero(coef, axis=1).tolist() if coef.shape[1] else None,
        "columns": columns.tolist(),
        "largest": [float(f"{value:.7g}") for value in largest[columns]],
        "coef": base64_text(whole_numbers(shares, 2)),
        "survival": base64_text(np.rint(SHARES * along.survival[:, columns]).astype(np.uint8)),
        "sd": [float(f"{value:.9g}") for value in along.sd[columns]],
    }
