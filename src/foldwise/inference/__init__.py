"""Statistics on out-of-fold errors: plain functions on arrays, which know no model."""

from foldwise.inference.bayesian_t import BayesianT, bayesian_correlated_t
from foldwise.inference.bbc_cv import BootstrapBias, bbc_cv
from foldwise.inference.co_selection import CoSelection, co_selection
from foldwise.inference.corrected_t import CorrectedT, corrected_resampled_t
from foldwise.inference.error_floor import ErrorFloor, neighbour_floor, replicated_floor
from foldwise.inference.holm import holm
from foldwise.inference.information import information_criterion
from foldwise.inference.letters import tie_letters
from foldwise.inference.nested_interval import NestedInterval, nested_interval
from foldwise.inference.noise_floor import NoiseFloor, noise_floor
from foldwise.inference.one_se import OneStandardError, one_standard_error
from foldwise.inference.optimism import optimism
from foldwise.inference.power import rows_needed, smallest_detectable_difference
from foldwise.inference.rank_flip import RankFlip, rank_flip
from foldwise.inference.selection import SelectionBounds, largest_q, selection_bounds, smallest_threshold
from foldwise.inference.stability import Stability, stability

__all__ = [
    "BayesianT",
    "BootstrapBias",
    "CoSelection",
    "CorrectedT",
    "ErrorFloor",
    "NestedInterval",
    "NoiseFloor",
    "OneStandardError",
    "RankFlip",
    "SelectionBounds",
    "Stability",
    "bayesian_correlated_t",
    "bbc_cv",
    "co_selection",
    "corrected_resampled_t",
    "holm",
    "information_criterion",
    "largest_q",
    "neighbour_floor",
    "nested_interval",
    "noise_floor",
    "one_standard_error",
    "optimism",
    "rank_flip",
    "replicated_floor",
    "rows_needed",
    "selection_bounds",
    "smallest_detectable_difference",
    "smallest_threshold",
    "stability",
    "tie_letters",
]
