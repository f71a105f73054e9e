"""Penalized paths for every held-out set."""

from foldwise.paths.fit import fit_paths
from foldwise.paths.generalized.row_table import RowTable
from foldwise.paths.generalized.streamed.row_stream import RowStream
from foldwise.paths.output_paths import OutputPaths
from foldwise.paths.paths import Paths
from foldwise.paths.shadows import shadow_columns
from foldwise.paths.stability import StabilitySelection, stability_selection
from foldwise.paths.wide import WideTable, prepare

__all__ = [
    "OutputPaths",
    "Paths",
    "RowStream",
    "RowTable",
    "StabilitySelection",
    "WideTable",
    "fit_paths",
    "prepare",
    "shadow_columns",
    "stability_selection",
]
