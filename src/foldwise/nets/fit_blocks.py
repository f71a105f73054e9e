"""What the network estimators do with rows that are not in memory: open them, fit, search."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from foldwise.errors import InputError
from foldwise.nets.blocks import Blocks
from foldwise.nets.buffers import buffer_rows
from foldwise.nets.closing import ended
from foldwise.nets.losses import read_loss
from foldwise.nets.member import Member
from foldwise.nets.opened import Dealer, Dealings
from foldwise.nets.progress import Progress
from foldwise.nets.streamed import (
    TableRoles,
    classes_of_array,
    is_on_disk,
    is_table,
    open_array,
    open_table,
    plan_of,
    targets_like,
)
from foldwise.nets.streaming import Stream
from foldwise.nets.survey import Survey
from foldwise.nets.trained import TrainedMember
from foldwise.parameters.checks import whole


def in_blocks(X: Any, target: Any) -> bool:
    """Whether an estimator is given rows that it reads in blocks."""
    return target is not None or is_table(X) or is_on_disk(X)


@dataclass(frozen=True, eq=False)
class Opening:
    """Rows that an estimator was given, to be opened for whatever model it makes of them.

    Attributes
    ----------
    width : int
    names : column names, or None
    plan : ScanPlan or None
    open : function of targets (part of y -> (m, T)) and T to Blocks
    classes : function to the different values of y
    n_outputs : T of numbers; 0 for y (n,)
    size : rows of a buffer
    """

    width: int
    names: Any
    plan: Any
    open: Callable[..., Blocks]
    classes: Callable[[], Any]
    n_outputs: int
    size: int


def opening(net: Any, X: Any, y: Any, sample_weight: Any, target: str | None, roles: dict[str, Any]) -> Opening:
    """How an estimator's rows are opened.

    Raises
    ------
    InputError
        Where a table's target is not named, or an array's is.
    """
    if is_on_disk(X):
        if target is not None or y is None:
            raise InputError("y must be given for an array on disk, and target be left out, which names a column")
        if roles:
            raise InputError(f"{next(iter(roles))} names columns, and an array on disk has none")
        size = buffer_rows(X.shape[1] + 1)
        return Opening(
            int(X.shape[1]), None, None,
            lambda targets, T: open_array(X, y, targets, n_targets=T, weights=sample_weight, size=size),
            lambda: classes_of_array(y, size), 0 if np.ndim(y) == 1 else int(np.shape(y)[1]), size,
        )  # fmt: skip
    named = target if target is not None else y
    if not isinstance(named, str):
        raise InputError(f"target must name the column of the table to be predicted, got {type(named).__name__}")
    if target is not None and y is not None:
        raise InputError("y must be left out where target names a column of the table")
    if sample_weight is not None and not isinstance(sample_weight, str):
        raise InputError(f"sample_weight must name a column of the table, got {type(sample_weight).__name__}")
    if unknown := [name for name in roles if name not in {"key", "drop", "categories"}]:
        raise InputError(f"fit takes key, drop and categories of a table, got {unknown[0]!r}")
    given = TableRoles(named, sample_weight, **roles)
    source, plan, labels = plan_of(X, given, has_classes=is_classifier(net))
    width = len(plan.columns)
    size = buffer_rows(width + 1)
    names = np.array([column.name for column in plan.columns], dtype=object)
    return Opening(
        width, names, plan, lambda targets, T: open_table(source, plan, targets, n_targets=T, size=size),
        lambda: labels, 0, size,
    )  # fmt: skip


def open_for(net: Any, found: Opening) -> Blocks:
    """The rows as an estimator's network learns them; the estimator notes what it was given."""
    if net.trainer != "gradient":
        raise InputError(f"trainer must be 'gradient' for rows that are read in blocks, got {net.trainer!r}")
    net.n_features_in_, net._plan = found.width, found.plan  # noqa: SLF001 - the same room
    if found.names is not None:
        net.feature_names_in_ = found.names
    elif hasattr(net, "feature_names_in_"):
        del net.feature_names_in_
    of_y = net._y_in_parts(found.n_outputs, found.classes)  # noqa: SLF001
    is_coded = found.plan is not None and bool(found.plan.classes)  # as the plan reads it
    template = net._template(with_dropout=False)  # noqa: SLF001
    compiled = getattr(template, "compiled", False)
    width = int(template.output_shape[-1])
    targets = targets_like(read_loss(template.loss if compiled else net._loss(template)), width)  # noqa: SLF001
    return found.open(targets if is_coded else lambda part: targets(of_y(part)), width)


def stream_of(net: Any, surveyed: Survey, dealt: Dealings, size: int) -> Stream:
    """The members of an estimator on surveyed rows."""
    members, template, loss = net._modelled([member for member, _ in dealt])  # noqa: SLF001 - the same room
    trainings = [training for _, training in dealt]
    smallest = min(surveyed.n_fit(training) for training in dict.fromkeys(trainings))
    return Stream(
        template, surveyed, list(zip(members, trainings, strict=True)), loss=loss,
        batch_size=min(whole("batch_size", net.batch_size, 1), max(smallest, 1)), standardize=net.standardize,
        standardize_target=None, exact_zeros=True, order_seed=net._seed(), size=size,  # noqa: SLF001
    )  # fmt: skip


def trained_on(net: Any, surveyed: Survey, dealer: Dealer, member: Member, size: int) -> tuple[Stream, TrainedMember]:
    """One network of all rows."""
    stream = stream_of(net, surveyed, [(member, dealer.training(member))], size)
    if not stream.train(stream.jobs, Progress()):
        raise KeyboardInterrupt
    return stream, ended(stream, stream.jobs)[0]
