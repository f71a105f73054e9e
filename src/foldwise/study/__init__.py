"""Candidates -> Comparison."""

from foldwise.study.compare import compare
from foldwise.study.comparison import Comparison, Run, Settings
from foldwise.study.differences import Difference
from foldwise.study.result import CandidateResult

__all__ = ["CandidateResult", "Comparison", "Difference", "Run", "Settings", "compare"]
