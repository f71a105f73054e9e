"""Penalized paths for every held-out set."""

from foldwise.paths.fit import fit_paths
from foldwise.paths.paths import Paths

__all__ = ["Paths", "fit_paths"]
