"""Fingerprints: names of pieces, digests of everything that a piece depends on."""

from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foldwise import __version__
from foldwise.study.candidates import Candidate
from foldwise.study.digest import Digest, source_of
from foldwise.study.native import kind_of
from foldwise.study.rows import Rows
from foldwise.study.task import Task
from foldwise.tables.frames import columns_of


def of_rows(rows: Rows) -> str:
    """A digest of a study's rows: every value of the table that predicts, the target, weights and offset.

    Examples
    --------
    >>> from foldwise.study.reading import read_rows
    >>> asked = dict(target="y", time=None, event=None, family=None, drop=[], categories=[], units=None, names=None)
    >>> roles = {"groups": None, "sample_weight": None, "offset": None}
    >>> tables = [{"x": [1.0, 2.0, 4.0], "y": [1.0, 0.5, last]} for last in (3.5, 3.5, 3.75)]
    >>> one, two, three = (of_rows(read_rows(t, roles=roles, min_level_count=1, **asked)[0]) for t in tables)
    >>> one == two, one == three
    (True, False)
    """
    digest = Digest().add(rows.values, rows.target, rows.weights, rows.is_weighted)
    digest.add("none" if rows.offset is None else rows.offset)
    digest.add(rows.family, rows.design.columns, rows.design.pools, rows.design.classes)
    digest.add(kind_of(rows.own.table), sorted(rows.own.without))
    for name, column in columns_of(rows.own.table, rows.own.names).items():
        digest.add(name, str(column.type), *_contents(column))
    return digest.hexdigest()


def _contents(column: pa.Array) -> tuple[Any, ...]:
    """A column's values, and where they are missing."""
    missing = column.is_null().to_numpy(zero_copy_only=False)
    kind = column.type
    if pa.types.is_dictionary(kind):
        return missing, repr(column.dictionary.to_pylist()), _numbers(column.indices)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return missing, _numbers(column)
    return missing, repr(column.to_pylist())


def _numbers(column: pa.Array) -> NDArray[Any]:
    of_its_kind = pa.scalar(0).cast(column.type)
    return np.asarray(column.fill_null(of_its_kind).to_numpy(zero_copy_only=False))


def of_piece(candidate: Candidate, task: Task, rows: str) -> str | None:
    """The name of a candidate's piece of a task; None where it has no identity that outlives the process.

    Parameters
    ----------
    candidate : Candidate
    task : Task
    rows : str
        `of_rows` of the task's rows.
    """
    identity = candidate.identity()
    if identity is None:
        return None
    libraries = [version(name) for name in ("numpy", "scipy", "scikit-learn")]
    digest = Digest().add("piece", __version__, *libraries, rows, candidate.name, identity, source_of(type(candidate)))
    digest.add(task.folds.labels, task.repeat, task.target_scale, np.asarray(task.alphas), task.l1_ratios, task.rule)
    digest.add(task.encoding, task.groups, task.seed, candidate.tunes, candidate.drops_features)
    return digest.hexdigest()
