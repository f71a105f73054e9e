"""Statistics on out-of-fold errors: plain functions on arrays, which know no model."""

from foldwise.inference.corrected_t import CorrectedT, corrected_resampled_t
from foldwise.inference.holm import holm
from foldwise.inference.letters import tie_letters
from foldwise.inference.one_se import OneStandardError, one_standard_error
from foldwise.inference.optimism import optimism
from foldwise.inference.power import smallest_detectable_difference
from foldwise.inference.stability import Stability, stability

__all__ = [
    "CorrectedT",
    "OneStandardError",
    "Stability",
    "corrected_resampled_t",
    "holm",
    "one_standard_error",
    "optimism",
    "smallest_detectable_difference",
    "stability",
    "tie_letters",
]
