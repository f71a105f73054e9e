"""Candidates -> Comparison."""

from foldwise.study.candidates import Candidate
from foldwise.study.compare import compare
from foldwise.study.comparison import Comparison, Run, Settings
from foldwise.study.differences import Difference
from foldwise.study.outcome import Features, Outcome, Strengths
from foldwise.study.piece import Piece
from foldwise.study.result import CandidateResult
from foldwise.study.rows import Rows
from foldwise.study.task import Task

__all__ = [
    "Candidate",
    "CandidateResult",
    "Comparison",
    "Difference",
    "Features",
    "Outcome",
    "Piece",
    "Rows",
    "Run",
    "Settings",
    "Strengths",
    "Task",
    "compare",
]
