"""Statistics on out-of-fold errors: plain functions on arrays, which know no model."""

from foldwise.inference.corrected_t import CorrectedT, corrected_resampled_t
from foldwise.inference.holm import holm
from foldwise.inference.information import information_criterion
from foldwise.inference.letters import tie_letters
from foldwise.inference.one_se import OneStandardError, one_standard_error
from foldwise.inference.optimism import optimism
from foldwise.inference.power import smallest_detectable_difference
from foldwise.inference.selection import SelectionBounds, largest_q, selection_bounds, smallest_threshold
from foldwise.inference.stability import Stability, stability

__all__ = [
    "CorrectedT",
    "OneStandardError",
    "SelectionBounds",
    "Stability",
    "corrected_resampled_t",
    "holm",
    "information_criterion",
    "largest_q",
    "one_standard_error",
    "optimism",
    "selection_bounds",
    "smallest_detectable_difference",
    "smallest_threshold",
    "stability",
    "tie_letters",
]
