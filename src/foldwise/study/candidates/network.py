"""Networks as candidates: a multilayer perceptron with L2, L1, dropout or early stopping, all folds as one batch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.inference import one_standard_error
from foldwise.study.along import Along
from foldwise.study.candidates.candidate import Candidate
from foldwise.study.linked import linked
from foldwise.study.measure import measure_of
from foldwise.study.outcome import Outcome
from foldwise.study.piece import Piece
from foldwise.study.rows import Rows
from foldwise.study.task import Task

Floats = NDArray[np.float64]
HeldOut = frozenset[int]
HIDDEN, BATCH, LEARNING_RATE = (32, 16), 32, 0.003
_STEPS, _FEWEST, _MOST = 2000, 20, 200  # of training: about so many batches, in so many epochs


@dataclass(frozen=True, eq=False)
class NetworkCandidate(Candidate):
    """A network with hidden layers of 32 and 16 whose strength of one penalty is chosen in inner folds.

    All strengths on all held-out sets are trained as one batch from the same initial weights: on the rows out of two
    folds {i, j} to choose within fold i's training rows, on those out of {i} to predict fold i. Columns are encoded by
    each set's own training rows, and scaled by them within the network.

    Attributes
    ----------
    name : str
    penalty : str
        What members differ in, as `foldwise.nets.Member` calls it; "patience" for early stopping on an inner split of
        the training rows, where there is nothing to choose.
    strengths : (S,) ascending
    watches_scored : bool
        A common leak, for `foldwise.study.leaks` alone: early stopping watches the rows of the fold that it is scored
        on. Fitted rows, initial weights and order of batches are those of the honest network.
    """

    name: str
    penalty: str
    strengths: tuple[float, ...]
    drops_features: bool = False
    watches_scored: bool = False

    @property
    def tunes(self) -> bool:  # type: ignore[override]
        """Whether there are strengths to choose from."""
        return len(self.strengths) > 1

    def check(self, task: Task) -> None:
        """Refuse other targets than numbers and classes, and a machine without keras and jax.

        Raises
        ------
        InputError
        """
        rows = task.rows
        if not (rows.has_classes or rows.family.name == "gaussian"):
            raise InputError(
                f"candidate {self.name!r} needs the gaussian family or classes, not the {rows.family.name} family; "
                "leave it out, or compare with family='gaussian'"
            )
        if rows.offset is not None:
            raise InputError(
                f"candidate {self.name!r} can't be given an offset: leave the candidate out, or the offset"
            )
        _nets(self.name)

    def identity(self) -> str:
        """What is trained, and by which libraries."""
        return f"{self.about}; keras {version('keras')}, jax {version('jax')}"

    @property
    def about(self) -> str:
        """What is trained, in one line."""
        layers = " and ".join(map(str, HIDDEN))
        chosen = f"{self.penalty} of {', '.join(f'{value:g}' for value in self.strengths)}"
        stops = f"stops after {self.strengths[0]:g} epochs without a better loss on 10 % of its rows"
        own = stops if self.penalty == "patience" else chosen
        own = own.replace("10 % of its rows", "the rows that score it") if self.watches_scored else own
        return f"hidden layers of {layers}, Adam at {LEARNING_RATE:g}; {own}"

    def stopped_by_scored_rows(self) -> "NetworkCandidate | None":
        """The same with the leak of `watches_scored`; None where nothing is stopped early."""
        return replace(self, watches_scored=True) if self.penalty == "patience" else None

    def run(self, task: Task) -> Piece:
        """Train every strength on every held-out set, choose for each fold, and predict it."""
        rows, folds = task.rows, task.folds
        networks = self._trained(task)
        predictions = np.empty((rows.n, len(rows.design.classes)) if rows.has_classes else rows.n)
        errors = np.empty((folds.n_folds, len(self.strengths)))
        for i in range(folds.n_folds):
            errors[i] = networks.errors(frozenset({i}), i)
            best = 0
            if self.tunes:
                inner = [j for j in range(folds.n_folds) if j != i]
                seen = np.array([networks.errors(frozenset({i, j}), j) for j in inner])
                best = self._choice(seen, _weight(rows, folds, inner), task.rule)
            if not np.isfinite(errors[i, best]):
                raise InputError(f"candidate {self.name!r}, fold {i} of repeat {task.repeat}: its training diverged")
            predictions[folds.test_rows(i)] = networks.said(frozenset({i}), i, best)
            task.steps.done()
        score = None
        if self.tunes:
            weight = _weight(rows, folds, range(folds.n_folds))
            score = float(np.average(errors[:, self._choice(errors, weight, task.rule)], weights=weight))
        every = _weight(rows, folds, range(folds.n_folds))
        told = predictions[:, 1] if rows.family.is_two_class else predictions
        return Piece(told, score=score, arrays={"outer_error": errors, "fold_weight": every})

    def outcome(self, tasks: Sequence[Task], pieces: Sequence[Piece]) -> Outcome:
        """Join the repeats; with the errors at every strength that trained in all of them."""
        joined = super().outcome(tasks, pieces)
        errors = np.concatenate([piece.arrays["outer_error"] for piece in pieces])
        trained = np.flatnonzero(np.isfinite(errors).all(axis=0))[::-1]
        if not self.tunes or not len(trained):
            return joined
        along = Along.of(
            np.array(self.strengths)[trained],
            errors[:, trained],
            np.concatenate([piece.arrays["fold_weight"] for piece in pieces]),
            len(pieces),
            is_root=measure_of(tasks[0].rows.family).is_root,
            strength=self.penalty,
        )
        return replace(joined, along=along)

    def _trained(self, task: Task) -> "_Networks":
        """One network for each held-out set and strength, in this order."""
        nets, rows, folds = _nets(self.name), task.rows, task.folds
        held_out = [frozenset({i}) for i in range(folds.n_folds)]
        if self.tunes:
            held_out += [frozenset({i, j}) for i in range(folds.n_folds) for j in range(i)]
        table, first = _stacked(task, held_out)
        smallest = min(int(np.count_nonzero(rows.weights[folds.training_rows(out)])) for out in held_out)
        if self.penalty == "patience":
            smallest -= max(1, round(0.1 * smallest))  # what the inner split takes
        own = {"seed": task.seed + task.repeat, "epochs": int(np.clip(_STEPS * BATCH // smallest, _FEWEST, _MOST))}
        copies = len(table) // rows.n
        members = [
            nets.Member(rows=first[out] + folds.training_rows(out), **own, **self._own(value))
            for out in held_out
            for value in self.strengths
        ]
        if self.watches_scored:
            scored = [first[out] + folds.test_rows(*out) for out in held_out]
            weights = np.tile(rows.weights, copies)
            members = [_watching(member, test, weights) for member, test in zip(members, scored, strict=True)]
        kind, width = ("classes", len(rows.design.classes)) if rows.has_classes else ("numbers", 1)
        dropout = 0.0 if self.penalty == "dropout" else None
        model = nets.perceptron(table.shape[1], HIDDEN, width, task=kind, learning_rate=LEARNING_RATE, dropout=dropout)
        trained = nets.train(
            model, table, np.tile(rows.target, copies), members, batch_size=min(BATCH, smallest),
            sample_weight=np.tile(rows.weights, copies) if rows.is_weighted else None,
        )  # fmt: skip
        if len(trained) < len(members):
            raise KeyboardInterrupt
        return _Networks(
            task, table, first, trained, {out: at * len(self.strengths) for at, out in enumerate(held_out)}
        )

    def steps(self, task: Task) -> int:
        """One for each fold."""
        return task.folds.n_folds

    def _own(self, value: float) -> dict[str, Any]:
        return {self.penalty: int(value) if self.penalty == "patience" else value}

    def _choice(self, errors: Floats, weights: Floats, rule: str) -> int:
        """The strength, by errors (folds, S); one that diverged in some fold is not taken."""
        trains = np.flatnonzero(np.isfinite(errors).all(axis=0))
        if not len(trains):
            return 0
        chosen = one_standard_error(errors[:, trains], np.array(self.strengths)[trains], weights=weights)
        return int(trains[chosen.index_min if rule == "min" else chosen.index_1se])


def _watching(member: Any, scored: NDArray[np.intp], weights: Floats) -> Any:
    """A member that stops by the rows that score it: they are said to be its own, and are not trained on."""
    from foldwise.nets.order import fit_and_watch

    fitted, _ = fit_and_watch(replace(member, rows=member.rows[weights[member.rows] > 0.0]), len(weights))
    scored = scored[weights[scored] > 0.0]
    return replace(member, rows=np.concatenate([fitted, scored]), watch=scored)


@dataclass(frozen=True, eq=False)
class _Networks:
    """Trained networks of every held-out set, each with its own encoding of the rows.

    Attributes
    ----------
    table : (B n, q), the rows in each of B encodings; `first` says where a held-out set's begin
    trained, number : the networks, and where those of a held-out set begin
    """

    task: Task
    table: Floats
    first: dict[HeldOut, int]
    trained: Any
    number: dict[HeldOut, int]

    def said(self, out: HeldOut, fold: int, strength: int) -> Floats:
        """Predictions (n_test,) of a fold's rows, or chances (n_test, C); not numbers where training diverged."""
        at = self.number[out] + strength
        rows = self.first[out] + self.task.folds.test_rows(fold)
        found: Floats = self.trained.predict(self.table[rows], [at])[0]
        if self.trained[at].status == "diverged":
            found[:] = np.nan
        return found if self.task.rows.has_classes else found[:, 0]

    def errors(self, out: HeldOut, fold: int) -> Floats:
        """Mean squared errors or deviances (S,) of a fold's rows."""
        rows, test = self.task.rows, self.task.folds.test_rows(fold)
        count = len(self.trained) // len(self.number)
        found = np.full(count, np.inf)
        for strength in range(count):
            said = self.said(out, fold, strength)
            if np.isfinite(said).all():
                eta = linked(rows.family, said[:, 1] if rows.family.is_two_class else said)
                lost = rows.family.deviance(eta[None] if eta.ndim == 2 else eta[:, None], rows.y[test]).ravel()
                found[strength] = np.average(lost, weights=rows.weights[test])
        return found


def _nets(name: str) -> ModuleType:
    """The room that trains networks, where there is keras and jax."""
    try:
        from foldwise import nets
    except ImportError as error:
        raise InputError(f"candidate {name!r}: {error}") from error
    return nets


def _stacked(task: Task, held_out: Sequence[HeldOut]) -> tuple[Floats, dict[HeldOut, int]]:
    """Rows (B n, q) as each set's training rows encode them, equal ones once, and where a set's n rows begin."""
    blocks: list[Floats] = []
    first: dict[HeldOut, int] = {}
    for out in held_out:
        encoded = task.encoded(task.folds.training_rows(out))
        at = next((at for at, block in enumerate(blocks) if np.array_equal(block, encoded)), len(blocks))
        if at == len(blocks):
            blocks.append(encoded)
        first[out] = at * task.rows.n
    return np.concatenate(blocks), first


def _weight(rows: Rows, folds: Any, some: Sequence[int]) -> Floats:
    return np.array([rows.weights[folds.test_rows(fold)].sum() for fold in some])


# Every path starts at no penalty at all, as a lasso's does: where regularizing a network does not pay, the inner folds
# may say so.
NETWORKS = (
    NetworkCandidate("network l2", "l2", (0.0, 1e-4, 1e-3, 1e-2)),
    NetworkCandidate("network l1", "l1", (0.0, 1e-4, 1e-3, 1e-2)),
    NetworkCandidate("network dropout", "dropout", (0.0, 0.05, 0.2, 0.4)),
    NetworkCandidate("network early stopping", "patience", (20,)),
)
