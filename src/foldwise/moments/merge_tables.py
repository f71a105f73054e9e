"""Yesterday's fold moments and today's: the fields of what both tables' rows together would have given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError
from foldwise.moments.gaps import rebased, with_gaps
from foldwise.moments.merge import merge_blocks

if TYPE_CHECKING:
    from foldwise.moments.fold_moments import FoldMoments
    from foldwise.moments.origin import Origin

SAME = ("n_folds", "n_repeats", "fill", "indicators", "pools", "min_level_count")


def merged_fields(mine: FoldMoments, theirs: FoldMoments) -> dict[str, Any]:
    """What changes of `mine` by the rows of `theirs`; either may have gaps where the other has none.

    Raises
    ------
    InputError
        Where the two differ in columns, folds or settings, or fill with medians.
    """
    for name in SAME:
        if getattr(mine, name) != getattr(theirs, name):
            message = (
                f"moments to merge must have the same {name}, got {getattr(mine, name)!r} and {getattr(theirs, name)!r}"
            )
            raise InputError(message)
    if mine.medians or theirs.medians:
        message = "moments that fill with medians can't be merged, since medians don't; scan with fill='mean'"
        raise InputError(message)
    origin = _merged_origin(mine.origin, theirs.origin)
    p, other = (part.mean.shape[1] - 1 - len(part.gaps) for part in (mine, theirs))
    if p != other:
        message = f"moments to merge must have the same columns, got {p} and {other}"
        raise InputError(message)
    gaps = np.union1d(mine.gaps, theirs.gaps).astype(np.intp)
    reference = np.zeros(p)
    reference[theirs.gaps] = theirs.reference
    reference[mine.gaps] = mine.reference
    parts = []
    for part in (mine, theirs):
        mean, cross = rebased(part.mean, part.cross, part.gaps, part.reference, reference[part.gaps])
        parts.append(with_gaps(mean, cross, part.gaps, gaps, reference[gaps]))
    blocks = [
        merge_blocks(
            np.array([mine.weight[block], theirs.weight[block]]),
            np.stack([mean[block] for mean, _ in parts]),
            [cross[block] for _, cross in parts],
            (0, 1),
        )
        for block in range(len(mine.weight))
    ]
    return {
        "weight": np.array([weight for weight, _, _ in blocks]),
        "mean": np.stack([mean for _, mean, _ in blocks]),
        "cross": np.stack([cross for _, _, cross in blocks]),
        "gaps": gaps,
        "reference": reference[gaps],
        "n_rows": mine.n_rows + theirs.n_rows,
        "level_count": mine.level_count + theirs.level_count,
        "origin": origin,
    }


def _merged_origin(mine: Origin | None, theirs: Origin | None) -> Origin | None:
    if mine is None or theirs is None:
        return None
    for name in ("target", "names", "key", "weight", "seed"):
        if getattr(mine, name) != getattr(theirs, name):
            message = f"moments to merge must have the same {name}, got {_shown(mine, name)} and {_shown(theirs, name)}"
            if name == "names":
                message += "; scan the later table with like=, so that it has the levels of the earlier"
            raise InputError(message)
    return replace(
        mine,
        n_files=mine.n_files + theirs.n_files,
        skipped=mine.skipped + theirs.skipped,
        notes=tuple(dict.fromkeys(mine.notes + theirs.notes)),
    )


def _shown(origin: Origin, name: str) -> str:
    value = getattr(origin, name)
    return f"{len(value)} columns" if name == "names" else repr(value)
