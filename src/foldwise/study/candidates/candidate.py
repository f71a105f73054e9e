"""What a candidate is: a name, and out-of-fold predictions of its tuned procedure on the folds of a task."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from foldwise.study.linked import linked
from foldwise.study.outcome import Outcome
from foldwise.study.piece import Piece
from foldwise.study.task import Task


class Candidate(ABC):
    """A procedure that a study compares: whatever it chooses, it chooses within each training set.

    Attributes
    ----------
    name : str
        As people write it: lower case, words separated by spaces.
    tunes : bool
        Whether it chooses in inner folds of the study's own, which takes three folds at least.
    drops_features : bool
        Whether some of its coefficients can be exactly zero.
    """

    name: str
    tunes: bool
    drops_features: bool

    @abstractmethod
    def run(self, task: Task) -> Piece:
        """Predict the rows of each fold of the task's partition by a fit that has not seen them."""

    def check(self, task: Task) -> None:  # noqa: B027 - most have nothing to refuse
        """Refuse a task that it can't do, before anything is fitted.

        Raises
        ------
        InputError
        """

    def steps(self, task: Task) -> int:  # noqa: ARG002 - another candidate's depend on it
        """How often `run` calls `task.steps.done`, for the progress bar."""
        return 1

    def identity(self) -> str | None:
        """What, besides the task and the source of its class, its predictions depend on; by it kept pieces are found.

        None where there is nothing that says so in another process: then pieces are not kept.
        """
        return self.name

    @property
    def about(self) -> str:
        """What it is, in one line, where its name does not say it."""
        return ""

    def outcome(self, tasks: Sequence[Task], pieces: Sequence[Piece]) -> Outcome:
        """Join the pieces of R repeats: predictions, and the mean of their inner scores where all have one."""
        family = tasks[0].rows.family
        scores = [piece.score for piece in pieces if piece.score is not None]
        everywhere = [piece.everywhere for piece in pieces if piece.everywhere is not None]
        etas = [linked(family, piece.predictions) if piece.eta is None else piece.eta for piece in pieces]
        return Outcome(
            predictions=np.stack([piece.predictions for piece in pieces]),
            eta=np.stack(etas),
            everywhere=np.concatenate(everywhere) if everywhere else None,
            tuned=len(scores) == len(pieces),
            score=float(np.mean(scores)) if len(scores) == len(pieces) else None,
            about=self.about,
            notes=tuple(dict.fromkeys(note for piece in pieces for note in piece.notes)),
        )
