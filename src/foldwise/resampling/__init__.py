"""Folds: which rows are held out together."""

from foldwise.resampling.folds import Folds, HeldOut, Splitter

__all__ = ["Folds", "HeldOut", "Splitter"]
