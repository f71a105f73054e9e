"""Fold moments: accumulate, merge, fill, pool, scale."""

from foldwise.moments.fold_moments import Fill, FoldMoments
from foldwise.moments.training import DesignMap, Pools, TrainingSet

__all__ = ["DesignMap", "Fill", "FoldMoments", "Pools", "TrainingSet"]
