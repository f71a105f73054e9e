"""Penalized paths for every held-out set."""

from foldwise.paths.fit import fit_paths
from foldwise.paths.paths import Paths
from foldwise.paths.wide import WideTable, prepare

__all__ = ["Paths", "WideTable", "fit_paths", "prepare"]
