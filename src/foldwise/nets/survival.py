"""Which inputs survive at each strength of a penalty, in the network of all rows and in the share of folds."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError
from foldwise.nets.member import Member
from foldwise.nets.parts import parts_of
from foldwise.nets.search_cv import NetClassifierCV, NetRegressorCV
from foldwise.nets.trained import TrainedMember
from foldwise.parameters.checks import number

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class InputPath:
    """Inputs at each of A strengths.

    Attributes
    ----------
    strengths : (A,), ascending
    kept : (A, p) whether the network of all rows uses an input
    share : (A, p) the share of fold members that use it
    error : (A,) over the rows held out: mean squared error, or log loss
    least, least_1se : positions of the least error, and of the strongest penalty within a standard error of it

    Examples
    --------
    >>> import foldwise as fw
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(120, 4))
    >>> net = fw.NetRegressor((6,), epochs=60, learning_rate=0.02)
    >>> path = fw.nets.input_path(net, X, 3 * X[:, 1], [0.01, 0.3], cv=3)
    >>> path.kept[1].tolist()
    [False, True, False, False]
    """

    strengths: Array
    kept: NDArray[np.bool_]
    share: Array
    error: Array
    least: int
    least_1se: int


def input_path(
    net: Any,
    X: Any,
    y: Any,
    strengths: ArrayLike,
    *,
    penalty: Literal["group_lasso", "l1"] = "group_lasso",
    cv: Any = 5,
) -> InputPath:
    """Train a network at each strength of a penalty on all rows and on every fold, as one batch.

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

    Examples
    --------
    See InputPath. The penalty that drops whole inputs is the better guess where inputs are to be selected:

    >>> from foldwise.nets import input_path
    >>> input_path.__kwdefaults__["penalty"]
    'group_lasso'
    """
    if penalty not in {"group_lasso", "l1"}:
        raise InputError(f"penalty must be 'group_lasso' or 'l1', got {penalty!r}")
    values = np.unique([number("strengths", value) for value in np.atleast_1d(np.asarray(strengths, dtype=float))])
    kind = NetClassifierCV if hasattr(net, "predict_proba") else NetRegressorCV
    search = kind({penalty: values.tolist()}, net=net, cv=cv, random_state=net.random_state)
    blank = search._blank()  # noqa: SLF001 - the same room
    X, y = blank._read(X, y)  # noqa: SLF001
    settings, seed = blank._settings(), blank._seed()  # noqa: SLF001
    folds = search._folds(X, y, seed)  # noqa: SLF001
    n_folds = folds.get_n_splits()
    held_out = [frozenset[int](), *(frozenset({fold}) for fold in range(n_folds))]
    members = [
        Member(rows=folds.training_rows(out), seed=seed, **{**settings, penalty: value})
        for value in values.tolist()
        for out in held_out
    ]
    prepared = blank._prepared(X, y, members)  # noqa: SLF001
    if parts_of(prepared.program.description).first is None:
        raise InputError("net must have a model with one input, which feeds one Dense layer")
    trained = blank._train(prepared)  # noqa: SLF001
    used = np.array([_used(parts_of(prepared.program.description), member) for member in trained])
    used = used.reshape(len(values), n_folds + 1, -1)
    errors = np.empty((len(values), n_folds))
    sizes = np.array([len(folds.test_rows(fold)) for fold in range(n_folds)], dtype=float)
    for at, member in enumerate(trained):
        a, h = divmod(at, n_folds + 1)
        if h:
            rows = folds.test_rows(h - 1)
            blank.description_, blank.member_ = prepared.program.description, member
            said = blank._outputs(X[rows])  # noqa: SLF001
            errors[a, h - 1] = np.inf if member.status == "diverged" else _mean(search._row_errors(y[rows], said))  # noqa: SLF001
    error = errors @ sizes / sizes.sum()
    least = int(np.argmin(error))
    spread = float(np.std(errors[least], ddof=1) / np.sqrt(n_folds))
    within = np.flatnonzero(error <= error[least] + spread)
    return InputPath(values, used[:, 0], used[:, 1:].mean(axis=1), error, least, int(within.max()))


def _mean(values: Array) -> float:
    return float(values.mean())


def _used(parts: Any, member: TrainedMember) -> NDArray[np.bool_]:
    """Which inputs (p,) have a weight that is not zero."""
    first = member.weights[parts.kernels[parts.first]]
    return np.asarray(np.any(first != 0, axis=1))
