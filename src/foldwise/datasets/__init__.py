"""Tables that come with foldwise, each with its units, source and licence."""

from foldwise.datasets.cars import UNITS, auto_mpg

__all__ = ["UNITS", "auto_mpg"]
