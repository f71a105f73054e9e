"""Which inputs survive at each strength of a penalty, and which strength selects: by networks of what survived."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError
from foldwise.inference import one_standard_error
from foldwise.nets.member import Member
from foldwise.nets.parts import parts_of
from foldwise.nets.search_cv import NetClassifierCV, NetRegressorCV
from foldwise.nets.trained import TrainedMember
from foldwise.parameters.checks import numbers
from foldwise.resampling import Folds

Array = NDArray[np.float64]
HeldOut = frozenset[int]


@dataclass(frozen=True, eq=False)
class InputPath:
    """Inputs at each of A strengths.

    Attributes
    ----------
    strengths : (A,), ascending
    kept : (A, p) whether the network of all rows uses an input
    share : (A, p) the share of fold members that use it
    error : (A,) of the penalized networks over the rows held out: mean squared error, or log loss
    refit_error : (A,) the same of networks without the penalty that see only the inputs which the penalized one of
        the same training rows kept
    least, least_1se : positions of the least `error`, and of the strongest penalty within a standard error of it
    chosen : position of the strongest penalty within a standard error of the least `refit_error`

    Examples
    --------
    >>> import foldwise as fw
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(120, 4))
    >>> net = fw.NetRegressor((6,), epochs=60, learning_rate=0.02)
    >>> path = fw.nets.input_path(net, X, 3 * X[:, 1], [0.01, 0.3], cv=3)
    >>> path.kept[1].tolist(), path.selected
    ([False, True, False, False], [1])
    """

    strengths: Array
    kept: NDArray[np.bool_]
    share: Array
    error: Array
    refit_error: Array
    least: int
    least_1se: int
    chosen: int

    @property
    def selected(self) -> list[int]:
        """Numbers of the inputs that all networks keep at the chosen strength: that of all rows, and every fold's.

        The noise of batches may leave a needless weight a little off zero in one network, hardly in all (Bach 2008).
        """
        everywhere = self.kept[self.chosen] & (self.share[self.chosen] == 1)
        return [int(column) for column in np.flatnonzero(everywhere)]


def input_path(
    net: Any,
    X: Any,
    y: Any,
    strengths: ArrayLike,
    *,
    penalty: Literal["group_lasso", "l1"] = "group_lasso",
    cv: Any = 5,
) -> InputPath:
    """Train a network at each strength of a penalty on all rows and on every fold, then again on what each kept.

    Penalized weights are too small, so that the strength of the least held-out error keeps needless inputs. What an
    input is worth is therefore measured by networks without the penalty: each fold's own selection is trained again on
    that fold's training rows, and scored on the rows held out of both steps. The strongest penalty within a standard
    error of the least such error is chosen.

    Parameters
    ----------
    net : NetRegressor or NetClassifier; its parameters but the penalty
    X : (n, p). y : (n,)
    strengths : (A,), each >= 0
    penalty : "group_lasso", which drops whole inputs, or "l1"
    cv : int, Folds or splitter

    Raises
    ------
    InputError
        Where the first layer does not take the inputs themselves, or an argument is not as above.

    References
    ----------
    Meinshausen (2007), Relaxed lasso, Computational statistics & data analysis 52, on why a strength should not have to
    both select and shrink. Bach (2008), Bolasso, ICML, on why what every resample keeps is what matters.

    Examples
    --------
    See InputPath. The penalty that drops whole inputs is the better guess where inputs are to be selected:

    >>> from foldwise.nets import input_path
    >>> input_path.__kwdefaults__["penalty"]
    'group_lasso'
    """
    if penalty not in {"group_lasso", "l1"}:
        raise InputError(f"penalty must be 'group_lasso' or 'l1', got {penalty!r}")
    values = np.unique(numbers("strengths", strengths))
    kind = NetClassifierCV if hasattr(net, "predict_proba") else NetRegressorCV
    search = kind({penalty: values.tolist()}, net=net, cv=cv, random_state=net.random_state)
    blank = search._blank()  # noqa: SLF001 - the same room
    X, y = blank._read(X, y)  # noqa: SLF001
    settings, seed = blank._settings(), blank._seed()  # noqa: SLF001
    folds = search._folds(X, y, seed)  # noqa: SLF001
    search._check_folds(folds, y, np.ones(len(X)))  # noqa: SLF001
    held_out = [HeldOut(), *(HeldOut({fold}) for fold in range(folds.get_n_splits()))]
    rows = [folds.training_rows(out) for out in held_out]
    scored = _Scored(search, blank, X, y, folds)
    first = [Member(rows=own, seed=seed, **{**settings, penalty: value}) for value in values.tolist() for own in rows]
    trained = scored.train(first)
    parts = parts_of(scored.description)
    if parts.first is None:
        raise InputError("net must have a model with one input, which feeds one Dense layer")
    used = np.array([_used(parts, member) for member in trained]).reshape(len(values), len(rows), -1)
    error, least = scored.curve([trained[a * len(rows) + 1 :][: len(rows) - 1] for a in range(len(values))], values)

    # Equal selections of one fold's rows are one network.
    again: dict[tuple[int, bytes], int] = {}
    members: list[Member] = []
    for a in range(len(values)):
        for h in range(1, len(rows)):
            if (h, used[a, h].tobytes()) not in again:
                again[h, used[a, h].tobytes()] = len(members)
                own = {**settings, penalty: 0.0}
                members.append(Member(rows=rows[h], inputs=np.flatnonzero(used[a, h]), seed=seed, **own))
    refitted = scored.train(members)
    chosen = [[refitted[again[h, used[a, h].tobytes()]] for h in range(1, len(rows))] for a in range(len(values))]
    refit_error, best = scored.curve(chosen, values)
    return InputPath(values, used[:, 0], used[:, 1:].mean(axis=1), error, refit_error, *least, best[1])


class _Scored:
    """Trains members and scores those of each fold on the rows held out of it."""

    def __init__(self, search: Any, blank: Any, X: Array, y: Array, folds: Folds) -> None:
        self.search, self.blank, self.X, self.y, self.folds = search, blank, X, y, folds
        self.description = ""

    def train(self, members: list[Member]) -> list[TrainedMember]:
        """All members as one batch."""
        prepared = self.blank._prepared(self.X, self.y, members)  # noqa: SLF001
        self.description = self.blank.description_ = prepared.program.description
        trained: list[TrainedMember] = self.blank._train(prepared)  # noqa: SLF001
        return trained

    def curve(self, members: list[list[TrainedMember]], strengths: Array) -> tuple[Array, tuple[int, int]]:
        """The mean error (A,) of members (A, K), and the strengths of the least and of one standard error more."""
        errors = np.array([[self._error(each, fold) for fold, each in enumerate(own)] for own in members])
        sizes = np.array([len(self.folds.test_rows(fold)) for fold in range(errors.shape[1])], dtype=float)
        trains = np.flatnonzero(np.isfinite(errors).all(axis=1))
        if not trains.size:
            raise InputError("net must train on every fold at some strength; all diverged: use a smaller learning_rate")
        found = one_standard_error(errors[trains].T, strengths[trains], weights=sizes, repeats=self.folds.n_repeats)
        return errors @ sizes / sizes.sum(), (int(trains[found.index_min]), int(trains[found.index_1se]))

    def _error(self, member: TrainedMember, fold: int) -> float:
        if member.status == "diverged":
            return np.inf
        rows = self.folds.test_rows(fold)
        self.blank.member_ = member
        said = self.blank._outputs(self.X[rows])  # noqa: SLF001
        return float(self.search._row_errors(self.y[rows], said).mean())  # noqa: SLF001


def _used(parts: Any, member: TrainedMember) -> NDArray[np.bool_]:
    """Which inputs (p,) have a weight that is not zero."""
    first = member.weights[parts.kernels[parts.first]]
    return np.asarray(np.any(first != 0, axis=1))
